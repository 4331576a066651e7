"""Whatever a server sends in a step, nothing raises, and time and memory grow with the input."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from growth import LIMIT, measure_growth, record
from interaction_bodies import completed, created, delta, ledger_of, start, step, stop, stream, text

from gemini_magic import Response
from gemini_magic.backends import backend
from gemini_magic.backends.interactions_decode import InteractionDecoder, interactions_decoder
from gemini_magic.backends.interactions_replay import resumed_interaction
from gemini_magic.errors import WireError
from gemini_magic.ledger import Candidate, Exchange, Ledger, answer_sources, answer_turns
from gemini_magic.pipeline import Pipeline

CITATION = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
EVERYTHING = [
    {**created(), "event_id": "e"},
    *step(0, "thought", {"kind": "thought_summary", "content": {"text": "t", "type": "text"}}, {"kind": "thought_signature", "signature": "s"}, summary=[{"type": "text", "text": "a"}]),
    *step(1, "function_call", {"kind": "arguments_delta", "arguments": '{"x":1}'}, id="f", name="f", arguments={}),
    *step(2, "google_search_call", {"kind": "google_search_call", "arguments": {"queries": ["q"]}}, id="g"),
    *step(3, "google_search_result", {"kind": "google_search_result", "result": [{"search_suggestions": "<b>"}], "is_error": False}, call_id="g"),
    *step(4, "code_execution_call", id="c", arguments={"language": "python", "code": "1"}),
    *step(5, "code_execution_result", call_id="c", result="1", is_error=False),
    *step(6, "url_context_result", call_id="u", result=[{"url": "u", "status": "success"}]),
    *step(7, "mcp_server_tool_call", id="m", name="n", server_name="s", arguments={"a": [1]}),
    *step(8, "model_output", {"kind": "text", "text": "b"}, {"kind": "image", "data": "AAAA", "mime_type": "image/png"}, {"kind": "audio", "data": "AAAA", "mime_type": "audio/l16", "sample_rate": 24000, "channels": 1}, {"kind": "video", "uri": "gs://v"}, {"kind": "text_annotation_delta", "annotations": [CITATION]}, content=[{"type": "text", "text": "a", "annotations": [CITATION]}]),
    stop(9, usage={"total_tokens": 1}, step_usage={"total_tokens": 1}),
    {**text(8, "late"), "metadata": {"total_usage": {"total_tokens": 2}}},
    {"event_type": "error", "error": {"code": "api_error", "message": "m", "details": []}},
    completed(errors=[{"code": "x", "message": "m"}], service_tier="flex", created="c"),
    {"id": "i", "status": "completed", "steps": [{"type": "model_output", "content": [{"type": "text", "text": "w"}]}]},
]  # fmt: skip
ODD = [None, True, -1, 2.5, 1e300, "", "x", "\ud83d", [], [None], [[]], {}, {"type": 5}, {"type": "text", "text": 7}, 1 << 80]  # fmt: skip


def variants(value):
    """The value with each of its places replaced by each odd value, and with each field left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {key: field for key, field in value.items() if key != name}
            yield from ({**value, name: odd} for odd in ODD)
            yield from ({**value, name: other} for other in variants(inner))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            for other in (*ODD, *variants(inner)):
                yield [*value[:place], other, *value[place + 1 :]]


@pytest.mark.parametrize("place", range(len(EVERYTHING)))
@pytest.mark.parametrize("resumed", [False, True])
def test_values_of_any_type_are_read_without_an_error(place, resumed):
    decoder = InteractionDecoder()
    before = [json.dumps(value).encode() for value in EVERYTHING[:place]]
    for raw in before:
        decoder(raw)
    decode = decoder
    if resumed:
        decode = resumed_interaction(decoder)
        decode.learn(before)
        decode.begin(None)
    ledger = Ledger()
    event = {name: field for name, field in EVERYTHING[place].items() if name != "event_type"}
    for value in (*variants(EVERYTHING[place]), *variants(event)):
        raw = json.dumps(value).encode()
        ledger.add(raw, 0.0, decode(raw))
    for value in (stop(8), completed()):
        raw = json.dumps(value).encode()
        ledger.add(raw, 0.0, decoder(raw))
    ledger.exchanges.append(Exchange("POST", "https://example.test/", (), b""))
    ledger.close("end", t=1.0)
    response = Response(ledger)
    for table in (response.events, response.steps, response.parts_table, response.sources):
        for column in table.columns:
            json.dumps(list(table[column])).encode()
    for turn in answer_turns(ledger):
        json.dumps(turn.steps, allow_nan=False).encode()


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[1]", b'"x"', b"null", b"1", b"\xff", b'{"event_type":"step.delta"', b"[" * 5000]
)
def test_texts_that_are_no_objects_are_noted(raw):
    decoded = interactions_decoder()(raw)
    assert [each.severity in ("warning", "error") for each in decoded.events] == [True]


def test_indices_that_are_no_numbers_belong_to_the_newest_step():
    events = [
        start("3"),
        {**text(0, "a"), "index": 3.0},
        {**text(0, "b"), "index": None},
        {**text(0, "c"), "index": -1},
        {**text(0, "d"), "index": 1 << 70},
        {**stop(0), "index": "3"},
        start(-5),
        {**stop(0), "index": [1]},
        start(2**31 - 1),
        stop(2**31 - 1),
    ]
    ledger = ledger_of(*events)
    assert "".join(ledger.answer) == "abcd"
    assert [(step.index, step.ended is not None) for step in ledger.steps.all()] == [
        (3, True),
        (1, True),
        (2**31 - 1, True),
    ]
    assert [note.kind for note in ledger.notes] == ["bad-index"]


def test_a_step_that_begins_again_at_an_open_index_ends_the_one_before():
    ledger = ledger_of(start(0), text(0, "a"), start(0), text(0, "b"), stop(0), stop(0))
    assert [step.raw["content"][0]["text"] for step in ledger.steps.all()] == ["a", "b"]


# -- growth


def many(make, before=(), after=()):
    return lambda n: [*before, *(event for place in range(n) for event in make(place)), *after]


def call_piece(place):
    return [delta(0, "arguments_delta", arguments="[[" if place % 2 else "{")]


GROWING = {
    "text": many(lambda _: [text(0, "é and more ")], [start(0)], [stop(0)]),
    "steps": many(lambda n: [start(n), text(n, "a"), stop(n)]),
    "open steps": many(lambda n: [start(n, "google_search_call", id=str(n))]),
    "calls that are never closed": many(lambda n: [start(n, "function_call", id=str(n), name="f")]),
    "a step that begins again": many(lambda _: [start(0, "thought")]),
    "interleaved texts": many(lambda n: [text(n % 2, "a")], [start(0), start(1)]),
    "interleaved calls": many(
        lambda n: [start(n + 1, "function_call"), stop(n + 1)], [start(0, "function_call")], [stop(0)]
    ),
    "arguments": many(call_piece, [start(0, "function_call")], [stop(0)]),
    "pieces of a picture": many(lambda _: [delta(0, "image", data="A")], [start(0)], [stop(0)]),
    "fields of a tool": many(
        lambda n: [delta(0, "retrieval_call", **{f"x{n}": 1})], [start(0, "retrieval_call")], [stop(0)]
    ),
    "citations": many(
        lambda n: [delta(0, "text_annotation_delta", annotations=[CITATION | {"url": str(n)}])],
        [start(0), text(0, "abc")],
        [stop(0)],
    ),
    "unknown names": many(lambda n: [{"event_type": f"e{n}"}, delta(0, f"d{n}"), start(0, f"s{n}")]),
    "errors": many(lambda n: [{"event_type": "error", "error": {"code": f"c{n}", "message": "m"}}]),
}


@pytest.mark.parametrize("name", GROWING)
def test_the_time_grows_with_the_input(request, name):
    def prepare(size):
        raws = [json.dumps(event).encode() for event in GROWING[name](size)]
        decode, ledger = interactions_decoder(), Ledger()

        def run():
            for t, raw in enumerate(raws):
                ledger.add(raw, float(t), decode(raw))
            ledger.close("end", t=float(len(raws)))
            assert answer_sources(ledger) is not None
            len(Response(ledger).steps)
            Candidate(ledger, 0).items  # noqa: B018 - makes the items
            return ledger.steps.to_send(0, "".join(ledger.answer))

        return run

    growth = measure_growth(prepare, 100, 4000)
    record(request.node, f"interaction: {name}", growth)
    assert growth.ratio <= LIMIT, f"{name}: {growth}"


def test_values_that_the_decoder_keeps_for_later_count_for_the_size_limit():
    """A tool's arguments become Python objects, of which each small value takes more memory than bytes."""
    nested = {"x": [[] for _ in range(1000)]}
    events = [event for n in range(20) for event in (start(n, "retrieval_call"), delta(n, "retrieval_call", arguments=nested))]  # fmt: skip
    body = stream(*events)
    ledger, exchange = Ledger(), Exchange("POST", "https://example.test/", (), b"")
    ledger.begin(exchange)
    pipeline = Pipeline(
        exchange, ledger, backend("gemini"), interactions_decoder(), max_event=1 << 20, max_total=10 << 20
    )
    pipeline.feed(0.0, body)
    assert pipeline.counted > 20 * len(body)


@pytest.mark.parametrize(
    "events",
    [
        lambda n: [start(n, "thought"), stop(n)],
        lambda n: [{"event_type": "step.start", "index": n, "step": {}}],
        lambda n: [delta(n, "thought_summary", content={"text": "x"})],
        lambda n: [
            delta(0, "text_annotation_delta", annotations=[CITATION | {"url": f"{n} {k}"} for k in range(20)])
        ],
    ],
)
def test_steps_and_citations_count_as_the_memory_that_they_need(events):
    body = stream(*(event for n in range(2000) for event in events(n)))
    tracemalloc.start()
    ledger, exchange = Ledger(), Exchange("POST", "https://example.test/", (), b"")
    ledger.begin(exchange)
    pipeline = Pipeline(exchange, ledger, backend("gemini"), interactions_decoder(), max_event=1 << 20)
    pipeline.feed(0.0, body)
    needed, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert needed < 1.5 * pipeline.counted


def test_very_many_steps_in_one_event_are_an_error():
    whole = {"id": "i", "status": "completed", "steps": [{"type": "model_output"}] * 60_000}
    ledger, exchange = Ledger(), Exchange("POST", "https://example.test/", (), b"")
    ledger.begin(exchange)
    pipeline = Pipeline(exchange, ledger, backend("gemini"), interactions_decoder(), max_event=1 << 24)
    with pytest.raises(WireError, match="more than 50,000 parts"):
        pipeline.feed(0.0, json.dumps(whole).encode())
