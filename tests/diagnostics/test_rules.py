"""The notes about a stream as a whole: kinds, chunks, severities and messages."""

from __future__ import annotations

import json

import pytest
from corpus_streams import load
from fake_server import Script, event
from tool_answers import add_parts, begin_round, end_answer, end_round, run_of, tool_ledger

import gemini_magic
from gemini_magic.backends import backend
from gemini_magic.content import Request, RequestSettings, Text, Turn
from gemini_magic.diagnostics.offsets import ChunkOffsets
from gemini_magic.diagnostics.rules import check_stream
from gemini_magic.events import Decoded, Usage, UsageReport
from gemini_magic.ledger.ledger import Exchange, Ledger
from gemini_magic.recording import load_exchanges

REQUEST = Request(model="gemini-2.5-flash", turns=(Turn("user", (Text("?"),)),))


def streamed(*values, request=None, name="gemini", gap=0.1):
    """The ledger of a stream of these values; a `str` is sent as it is."""
    exchange = Exchange("POST", "https://example.org/v1", (), b"{}")
    exchange.status, exchange.end = 200, "eof"
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    exchange.pieces = [(gap * n, f"data: {text}\r\n\r\n".encode()) for n, text in enumerate(texts)]
    ledger = Ledger(request, backend=name)
    load_exchanges([exchange], backend(name), ledger)
    return ledger


def answer(text="", finish=None, total=None, **extra):
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    usage = {"usageMetadata": {"promptTokenCount": 1, "totalTokenCount": total}} if total else {}
    return {"candidates": [candidate], **usage, **extra}


def notes(ledger):
    return {note.kind: note for note in check_stream(ledger, ChunkOffsets(ledger))}


def test_a_plain_stream_has_no_notes():
    ledger = streamed(
        answer("Hello", total=3),
        answer(" there", "STOP", total=4, modelVersion="gemini-2.5-flash"),
        request=REQUEST,
    )
    assert notes(ledger) == {}


def test_a_finish_reason_on_every_chunk_gives_one_note():
    note = notes(streamed(*[answer(text, "STOP") for text in "abc"]))["early-finish"]
    assert note.chunk == 0
    assert note.severity == "info"
    assert note.message == (
        "A finish reason arrived before the end of the answer (2 times). A client that stops there loses the rest."
    )


def test_an_empty_part_after_the_finish_reason_does_not_make_it_early():
    assert set(notes(streamed(answer("a", "STOP"), answer("")))) == {"empty-part"}


LOOK = "Let me look that up in the tables first."


def look(where: str) -> str:
    """Looks somewhere."""
    return where


def test_the_rounds_of_an_answer_are_checked_one_by_one(fake_server):
    call = {"functionCall": {"name": "look", "args": {"where": "here"}}}
    called = answer(LOOK, "STOP", total=900)
    called["candidates"][0]["content"]["parts"].append(call)
    ended = answer(LOOK, "STOP", total=200)
    fake_server.answers("gemini-2.5-flash", Script((event(called),)), Script((event(ended),)))
    asked = {"model": "gemini-2.5-flash", "base_url": fake_server.base_url}
    r = gemini_magic.ask("?", tools=[look], **asked)
    assert (r.status, len(r.ledger.rounds)) == ("complete", 2)
    assert notes(r.ledger) == {}


def test_a_total_token_count_that_decreases():
    note = notes(streamed(answer("a", total=9), answer("b", total=4), answer("c", "STOP", total=5)))[
        "usage-shrank"
    ]
    assert note.chunk == 1
    assert note.message == (
        "The total token count decreased, so it is not a running total. The last value is used."
    )


def test_repeated_text_and_cumulative_text():
    piece = "a sentence that is long enough "
    duplicate = notes(streamed(answer(piece), answer(piece), answer("end", "STOP")))["duplicate-text"]
    assert duplicate.chunk == 1
    assert duplicate.message == "A chunk repeats the text of the previous chunk. No text was removed."
    cumulative = notes(streamed(*[answer(piece * n) for n in (1, 2, 3)]))["cumulative-text"]
    assert cumulative.message == (
        "Each chunk repeats the whole text so far. The Gemini API sends only the new text."
    )
    assert "cumulative-text" not in notes(streamed(answer(piece), answer(piece * 2), answer("and the end")))
    assert notes(streamed(answer("ha "), answer("ha "), answer("!", "STOP"))) == {}
    ruled = "| --- " * 8
    assert notes(streamed(answer(ruled), answer(ruled), answer("|", "STOP"))) == {}


def test_empty_parts_and_signatures_on_them():
    signed = {
        "candidates": [
            {"content": {"parts": [{"text": "", "thoughtSignature": "c2ln"}]}, "finishReason": "STOP"}
        ]
    }
    found = notes(streamed(answer("a"), answer(""), answer(""), signed))
    assert (found["empty-part"].chunk, found["empty-signature"].chunk) == (1, 3)
    assert found["empty-part"].message == "A part is empty (2 times)."
    assert found["empty-signature"].message == (
        "An empty part has a thought signature. It is kept, and sent back in the conversation."
    )


def test_undocumented_fields_are_listed():
    value = answer("a", "STOP", somethingNew=1)
    value["candidates"][0]["mood"] = "good"
    value["usageMetadata"] = {"promptTokenCount": 1, "laughTokenCount": 3}
    assert notes(streamed(value))["unknown-field"].message == (
        "Undocumented fields: candidates.mood, somethingNew, usageMetadata.laughTokenCount. "
        "Their values are in `raw`."
    )
    value |= {f"new{number}": number for number in range(4)}
    assert notes(streamed(value))["unknown-field"].message == (
        "Undocumented fields: candidates.mood, new0, new1, new2, new3 and 2 more. Their values are in `raw`."
    )


def test_a_key_that_occurs_twice():
    text = '{"candidates": [{"content": {"parts": [{"text": "a", "text": "b"}]}, "finishReason": "STOP"}]}'
    note = notes(streamed(text))["duplicate-key"]
    assert note.message == "An object has a key twice (text). The last value is used."
    assert note.severity == "warning"


def test_a_long_gap_is_noted_at_the_chunk_after_it():
    note = notes(streamed(answer("a"), answer("b", "STOP"), gap=12.5))["gap"]
    assert note.chunk == 1
    assert note.message == "This chunk arrived 12.5 s after the previous one."
    values = [answer("a"), answer("b"), answer("c", "STOP")]
    assert notes(streamed(*values, gap=12.5))["gap"].message == (
        "This chunk arrived 12.5 s after the previous one, the longest of 2 gaps of 10 s or more."
    )


@pytest.mark.parametrize(
    ("requested", "answered", "noted"),
    [
        ("gemini-2.5-flash", "gemini-2.5-flash-001", False),
        ("gemini-flash-latest", "gemini-9-flash", False),
        ("gemini-2.5-pro", "gemini-2.5-flash", True),
    ],
)
def test_an_answer_from_another_model(requested, answered, noted):
    request = Request(model=requested, turns=REQUEST.turns)
    found = notes(streamed(answer("a", "STOP", modelVersion=answered), request=request))
    messages = [f"{requested!r} was requested, but {answered!r} answered."] if noted else []
    assert [note.message for note in found.values()] == messages


@pytest.mark.parametrize(
    ("requested", "served", "noted"),
    [
        ("priority", "standard", "standard"),
        ("priority", "SERVICE_TIER_STANDARD", "standard"),
        ("flex", "standard", "standard"),
        ("flex", "FLEX", None),
        ("standard", "unspecified", None),
        (None, "standard", None),
        ("priority", None, None),
        ("batch", "standard", None),  # as the answers of batch jobs report
        ("priority", 5, None),
    ],
)
def test_an_answer_in_another_service_tier(requested, served, noted):
    settings = RequestSettings(service_tier=requested)
    request = Request(model=REQUEST.model, turns=REQUEST.turns, settings=settings)
    usage = {"promptTokenCount": 1, "totalTokenCount": 2, **({"serviceTier": served} if served else {})}
    found = notes(streamed(answer("a", "STOP", usageMetadata=usage), request=request))
    expected = (
        f"The service tier {requested!r} was requested, but the answer was served and is billed as {noted!r}."
    )
    assert [note.message for note in found.values()] == ([expected] if noted else [])


@pytest.mark.parametrize(
    "value",
    [
        "[1, 2]",
        "null",
        '{"candidates": {"content": 3}}',
        '{"candidates": [null, {"content": []}]}',
        '{"usageMetadata": []}',
    ],
)
def test_unexpected_json_raises_no_error(value):
    notes(streamed(value))


def test_fields_of_other_dialects_are_not_checked():
    assert "unknown-field" not in notes(
        streamed({"type": "text", "content": "hi", "is_final": True}, name="gateway")
    )


def test_parts_of_an_unknown_kind_are_listed():
    value = answer("a")
    value["candidates"][0]["content"]["parts"].append({"hologram": {"depth": 3}, "thoughtSignature": "c2ln"})
    note = notes(streamed(answer("b"), value, answer("c", "STOP")))["unknown-part"]
    assert (note.chunk, note.severity) == (1, "info")
    assert note.message == "Parts of an unknown kind: hologram. They are kept unchanged."


def test_undocumented_enum_values_are_listed():
    rated = {"safetyRatings": [{"category": "NEW", "probability": "MAYBE"}]}
    note = notes(streamed(answer("a"), answer("b", "STOP", promptFeedback=rated)))["unknown-value"]
    assert (note.chunk, note.severity) == (1, "info")
    assert note.message == "Undocumented enum values: probability MAYBE. They are kept unchanged."
    call = {"functionCall": {"name": "f", "args": {"modality": "MINE"}}}
    assert notes(streamed({"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]})) == {}


def test_an_error_outside_an_event_is_noted():
    exchange = Exchange("POST", "https://example.org/v1", (), b"{}")
    exchange.status, exchange.end = 200, "eof"
    error = b'{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}'
    for body, noted in ((error + b"\n", True), (b"data: " + error + b"\n\n", False)):
        exchange.pieces = [(0.1, b"data: " + json.dumps(answer("a")).encode() + b"\n\n" + body)]
        ledger = Ledger()
        load_exchanges([exchange], backend("gemini"), ledger)
        assert ledger.status == "error"
        assert ("error-outside-data" in notes(ledger)) is noted


def test_an_empty_answer():
    empty = {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}
    note = notes(streamed(empty))["empty-answer"]
    assert (note.severity, note.message) == ("warning", "The answer is complete but empty.")
    assert "empty-answer" not in notes(streamed(answer("a", "STOP")))


@pytest.mark.corpus
def test_recorded_streams():
    kinds = set()
    for each in load():
        exchange = Exchange("POST", "https://example.org/v1", (), b"{}")
        exchange.status, exchange.end, exchange.pieces = each.status, "eof", [(0.0, each.body)]
        exchange.response_headers = (("content-type", each.content_type),)
        ledger = Ledger()
        load_exchanges([exchange], backend("gemini"), ledger)
        kinds |= set(notes(ledger))
    assert {"early-finish", "empty-part", "empty-signature", "usage-shrank"} <= kinds


def test_a_round_begins_again_so_its_counts_and_the_wait_for_functions_are_not_unusual():
    ledger = tool_ledger(run_of(result="21"))
    end_round(ledger, t=1.0, usage={"prompt": 100, "output": 10, "total": 110})
    begin_round(ledger, 1, t=30.0)
    add_parts(ledger, "It is ", "warm.", t=30.5)
    ledger.add(b"{}", 31.0, Decoded([UsageReport(Usage(prompt=20, output=5, total=25))]))
    end_answer(ledger, t=31.0)
    kinds = {note.kind for note in check_stream(ledger, ChunkOffsets(ledger))}
    assert kinds.isdisjoint({"early-finish", "usage-shrank", "gap"})
