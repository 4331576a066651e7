"""Events of the Interactions API become text, thoughts, calls, tools, media, sources and an ending."""

from __future__ import annotations

import base64
import json

import pytest
from interaction_bodies import (
    ID,
    USAGE,
    completed,
    created,
    decode_all,
    delta,
    events_of,
    ledger_of,
    start,
    step,
    stop,
    text,
)

from gemini_magic import Response
from gemini_magic.backends import backend
from gemini_magic.backends.interactions_decode import interactions_decoder
from gemini_magic.backends.interactions_events import event_name
from gemini_magic.content import (
    Blob,
    Call,
    CallResult,
    Code,
    CodeResult,
    File,
    Opaque,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from gemini_magic.events import (
    Delta,
    Evidence,
    Failure,
    Finish,
    Note,
    RetrievedPage,
    Source,
    StepStart,
    StepStop,
    Usage,
    UsageReport,
)
from gemini_magic.ledger import answer_sources
from gemini_magic.views import status_line

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(range(50))


def parts_of(*values):
    return [event.part for event in events_of(*values) if isinstance(event, Delta)]


def whole_steps(*values):
    return [event.raw for event in events_of(*values) if isinstance(event, StepStop)]


def notes_of(*values):
    return [event.kind for event in events_of(*values) if isinstance(event, Note)]


def b64(data):
    return base64.b64encode(data).decode()


# -- text and thoughts


def test_text_comes_from_the_beginning_of_a_step_and_from_its_deltas():
    events = [
        start(0, content=[{"type": "text", "text": "Once upon"}]),
        text(0, " a time"),
        text(0, "…"),
        stop(0),
    ]
    assert parts_of(*events) == [Text("Once upon"), Text(" a time"), Text("…")]
    assert whole_steps(*events) == [
        {"type": "model_output", "content": [{"type": "text", "text": "Once upon a time…"}]}
    ]


def test_thoughts_come_from_the_summary_and_from_deltas_with_or_without_a_type():
    events = [
        start(0, "thought", summary=[{"type": "text", "text": "One. "}]),
        delta(0, "thought_summary", content={"text": "Two. "}),
        delta(0, "thought_summary", content={"type": "text", "text": "Three."}),
        delta(0, "thought_signature", signature="old"),
        delta(0, "thought_signature", signature="new"),
        stop(0),
    ]
    assert parts_of(*events) == [Thought("One. "), Thought("Two. "), Thought("Three.")]
    assert whole_steps(*events) == [
        {"type": "thought", "summary": [{"type": "text", "text": "One. Two. Three."}], "signature": "new"}
    ]


def test_a_step_goes_back_with_its_unknown_fields_and_its_blocks_as_received():
    content = [
        {"type": "text", "text": "a", "annotations": [{"type": "url_citation", "url": "u"}], "novel": 1},
        {"type": "text", "text": "b"},
        {"type": "hologram", "data": "h"},
    ]
    sent = {"type": "model_output", "content": content, "signature": "s", "novelty": {"deep": [None]}}
    whole = {"id": ID, "status": "completed", "steps": [sent]}
    assert whole_steps(whole) == [sent]
    streamed = [{"event_type": "step.start", "index": 0, "step": sent}, stop(0)]
    assert whole_steps(*streamed) == [sent]


def test_text_after_a_picture_begins_another_block():
    picture = {"type": "image", "mime_type": "image/png", "data": b64(PIXEL)}
    events = step(0, "model_output", {"kind": "text", "text": "a"}, {"kind": "image", **{k: v for k, v in picture.items() if k != "type"}}, {"kind": "text", "text": "b"}, {"kind": "text", "text": "c"})  # fmt: skip
    assert parts_of(*events) == [Text("a"), Blob("image/png", PIXEL), Text("b"), Text("c")]
    [whole] = whole_steps(*events)
    assert whole["content"] == [{"type": "text", "text": "a"}, picture, {"type": "text", "text": "bc"}]


def test_deltas_without_the_beginning_of_a_step_are_read():
    events = events_of(text(0, "a"), delta(1, "thought_summary", content={"text": "t"}), completed())
    assert [(each.index, each.type, each.raw) for each in events if isinstance(each, StepStart)] == [
        (0, "model_output", {}),
        (1, "thought", {}),
    ]
    assert [each.part for each in events if isinstance(each, Delta)] == [Text("a"), Thought("t")]


# -- calls and tools


def test_arguments_arrive_in_pieces_of_a_json_text_that_are_interleaved():
    events = [
        start(0, "function_call", id="a", name="write", arguments={}, signature="s"),
        start(1, "function_call", id="b", name="read", arguments={}),
        delta(1, "arguments_delta", arguments='{"path":"x\\'),
        delta(0, "arguments_delta", arguments='{"n":[1,'),
        delta(1, "arguments_delta", arguments='ny"}'),
        stop(1),
        delta(0, "arguments_delta", arguments="2]}"),
        stop(0),
    ]
    # In the order in which they began, although the second one ended first.
    assert parts_of(*events) == [Call("write", {"n": [1, 2]}, "a"), Call("read", {"path": "x\ny"}, "b")]
    assert whole_steps(*events)[1] == {
        "type": "function_call",
        "id": "a",
        "name": "write",
        "arguments": {"n": [1, 2]},
        "signature": "s",
    }


def test_a_call_that_was_not_closed_ends_with_the_interaction_but_not_with_an_error():
    opened = [start(0, "function_call", id="a", name="f"), delta(0, "arguments_delta", arguments='{"x":1}')]
    assert parts_of(*opened, completed("requires_action")) == [Call("f", {"x": 1}, "a")]
    assert parts_of(*opened, {"event_type": "error", "error": {"code": "api_error", "message": "m"}}) == []


@pytest.mark.parametrize("pieces", ['{"x":', "[1]", "no", '"s"'])
def test_arguments_that_are_no_object_are_kept_with_a_note(pieces):
    events = [
        start(0, "function_call", id="a", name="f"),
        delta(0, "arguments_delta", arguments=pieces),
        stop(0),
    ]
    [part] = parts_of(*events)
    assert isinstance(part, Opaque)
    assert part.raw["name"] == "f"
    assert "bad-arguments" in notes_of(*events)


def test_code_runs_of_the_server_are_code_with_a_result():
    events = [
        *step(0, "code_execution_call", {"kind": "code_execution_call", "arguments": {"language": "python", "code": "1+1"}, "signature": "s"}, id="c", arguments={}),
        *step(1, "code_execution_result", {"kind": "code_execution_result", "result": "2\n", "is_error": False}, call_id="c"),
        *step(2, "code_execution_result", call_id="d", result="Traceback", is_error=True),
    ]  # fmt: skip
    assert parts_of(*events) == [
        Code("1+1", "python", "s", "c"),
        CodeResult("OUTCOME_OK", "2\n", None, "c"),
        CodeResult("OUTCOME_FAILED", "Traceback", None, "d"),
    ]


TOOLS = {
    "google_search": ({"queries": ["q"]}, [{"search_suggestions": "<b>"}]),
    "google_maps": ({"queries": ["q"]}, [{"places": [{"name": "n"}]}]),
    "url_context": ({"urls": ["u"]}, [{"url": "u", "status": "success"}]),
    "file_search": (None, [{"x": 1}]),
    "retrieval": ({"queries": ["q"]}, None),
    "processing": (None, None),
    "tool_search": ({"function_names": ["f"]}, [{"name": "f"}]),
    "mcp_server_tool": ({"a": 1}, "text"),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("where", ["start", "delta"])
def test_every_tool_of_the_server_is_a_call_and_a_result(tool, where):
    arguments, result = TOOLS[tool]
    names = {"name": "look", "server_name": "srv"} if tool == "mcp_server_tool" else {}
    call = {"id": "1", **names, **({} if arguments is None else {"arguments": arguments})}
    answer = {"call_id": "1", "is_error": False, **({} if result is None else {"result": result})}
    events = []
    for index, (kind, fields) in enumerate(((f"{tool}_call", call), (f"{tool}_result", answer))):
        ident = {name: fields[name] for name in ("id", "call_id") if name in fields}
        rest = {name: value for name, value in fields.items() if name not in ident}
        events += (
            step(index, kind, **fields)
            if where == "start"
            else step(index, kind, {"kind": kind, **rest}, **ident)
        )
    assert parts_of(*events) == [
        ToolCall(tool, "1", arguments, names.get("name"), names.get("server_name")),
        ToolResult(tool, "1", result, False),
    ]
    assert whole_steps(*events) == [{"type": f"{tool}_call"} | call, {"type": f"{tool}_result"} | answer]
    assert notes_of(*events) == []


def test_results_of_functions_in_a_stored_stream_are_results_and_the_question_is_not_in_the_answer():
    events = [
        *step(
            0,
            "user_input",
            {"kind": "text", "text": "?"},
            {"kind": "image", "data": "AAAA"},
            content=[{"type": "text", "text": "Question"}],
        ),
        *step(1, "function_result", call_id="1", name="f", result={"sum": 1}),
        *step(2, "function_result", call_id="2", name="g", result="plain"),
        *step(3, "function_result", call_id="3", name="h", result="bad", is_error=True),
    ]
    assert parts_of(*events) == [
        CallResult("f", {"sum": 1}, "1"),
        CallResult("g", {"output": "plain"}, "2"),
        CallResult("h", {"error": "bad"}, "3"),
    ]
    content = [{"type": "text", "text": "Question?"}, {"type": "image", "data": "AAAA"}]
    assert whole_steps(*events)[0] == {"type": "user_input", "content": content}


@pytest.mark.parametrize("content", [[], "text", {"type": "text"}, None, 7])
def test_content_that_is_no_list_of_blocks_goes_back_as_received(content):
    sent = {"type": "model_output", "content": content}
    assert whole_steps({"event_type": "step.start", "index": 0, "step": sent}, stop(0)) == [sent]


# -- media


def test_media_are_bytes_or_addresses_and_audio_names_its_format():
    sound = {"mime_type": "audio/l16", "sample_rate": 24000, "channels": 1}
    events = step(
        0,
        "model_output",
        {"kind": "audio", "data": b64(b"\0\1"), **sound},
        {"kind": "audio", "data": b64(b"\2\3"), **sound},
        {"kind": "image", "data": b64(PIXEL)},
        {"kind": "video", "uri": "gs://b/v.mp4", "mime_type": "video/mp4"},
        {"kind": "document", "data": b64(b"%PDF"), "mime_type": "application/pdf"},
    )
    pcm = "audio/l16;rate=24000;channels=1"
    assert parts_of(*events) == [
        Blob(pcm, b"\0\1"),
        Blob(pcm, b"\2\3"),
        Blob("image/png", PIXEL),
        File("gs://b/v.mp4", "video/mp4"),
        Blob("application/pdf", b"%PDF"),
    ]


def test_a_picture_in_pieces_that_are_no_base64_alone_is_read_at_the_end_of_its_step():
    whole = b64(PIXEL)
    events = step(
        0, "model_output", {"kind": "image", "data": whole[:21]}, {"kind": "image", "data": whole[21:]}
    )
    assert parts_of(*events) == [Blob("image/png", PIXEL)]
    sound = {"kind": "audio", "data": b64(b"\0\1"), "mime_type": "audio/wav"}
    mixed = step(
        0, "model_output", {"kind": "image", "data": whole[:21]}, {"kind": "image", "data": whole[21:]}, sound
    )
    assert parts_of(*mixed) == [Blob("image/png", PIXEL), Blob("audio/wav", b"\0\1")]
    broken = step(0, "model_output", {"kind": "image", "data": "?"})
    assert isinstance(parts_of(*broken)[0], Opaque)
    assert notes_of(*broken) == ["unreadable-shape"]


def test_a_picture_of_a_thought_is_not_in_the_answer():
    content = {"type": "image", "mime_type": "image/png", "data": b64(PIXEL)}
    events = step(0, "thought", {"kind": "thought_summary", "content": content})
    assert parts_of(*events) == [Blob("image/png", PIXEL, thought=True)]


# -- sources


def cite(url, first, last, **more):
    return {"type": "url_citation", "url": url, "title": url, "start_index": first, "end_index": last} | more


def test_citations_count_bytes_within_their_step():
    first, second = "Änderung – kurz. ", "Zürich ist groß."
    passage = second.encode().index("groß".encode())
    ledger = ledger_of(
        start(0),
        text(0, first),
        stop(0),
        *step(1, "google_search_call", id="1", arguments={"queries": ["a", " ", "a"]}),
        start(2),
        text(2, second),
        delta(2, "text_annotation_delta", annotations=[cite("u", passage, passage + 5), cite("v", 0, 7)]),
        # One that was sent already, and one of the text before, after its step has ended.
        delta(2, "text_annotation_delta", annotations=[cite("u", passage, passage + 5)]),
        stop(2),
        completed(),
    )
    found = answer_sources(ledger)
    assert [(each.source, [passage.text for passage in each.passages]) for each in found.sources] == [
        (Source("web", "u", "u"), ["groß"]),
        (Source("web", "v", "v"), ["Zürich"]),
    ]
    assert found.marks() == [(len(first) + 6, (2,)), (len(first + second) - 1, (1,))]
    assert found.queries == ("a",)


def test_citations_count_a_character_in_two_pieces_as_the_answer_does():
    pieces = [text(0, "\ud83d"), text(0, "\ude00 and \ud83d"), text(0, " \U0001f600 good")]
    place = len("\U0001f600 and \ufffd \U0001f600 ".encode())
    annotations = [cite("u", place, place + 4)]
    ledger = ledger_of(start(0), *pieces, stop(0), *step(1, "model_output", {"kind": "text", "text": "Next."}, {"kind": "text_annotation_delta", "annotations": [cite("v", 0, 4)]}), completed())  # fmt: skip
    assert "".join(ledger.answer) == "\U0001f600 and \ufffd \U0001f600 goodNext."
    [source] = answer_sources(ledger).sources
    assert [passage.text for passage in source.passages] == ["Next"]
    ledger = ledger_of(
        start(0), *pieces, delta(0, "text_annotation_delta", annotations=annotations), completed()
    )
    [source] = answer_sources(ledger).sources
    assert [passage.text for passage in source.passages] == ["good"]


def test_an_interaction_that_continues_another_one_has_its_own_steps_and_citations():
    annotations = [cite("u", 0, 5)]
    hop = [start(0), text(0, "Hello"), delta(0, "text_annotation_delta", annotations=annotations), stop(0)]
    ledger = ledger_of(created(), *hop, completed("requires_continuation"), created(), *hop, completed())
    [source] = answer_sources(ledger).sources
    assert [(passage.first, passage.last) for passage in source.passages] == [(0, 5), (5, 10)]
    assert ledger.status == "complete"


def test_citations_in_a_whole_answer_count_bytes_of_their_block():
    block = {"type": "text", "text": "Über b", "annotations": [cite("u", 6, 7)]}
    whole = {"id": ID, "status": "completed", "steps": [{"type": "model_output", "content": [{"type": "text", "text": "ä"}, block]}]}  # fmt: skip
    [source] = answer_sources(ledger_of(whole)).sources
    assert [passage.text for passage in source.passages] == ["b"]


def test_citations_of_files_places_and_unknown_kinds_are_kept():
    annotations = [
        {"type": "file_citation", "file_name": "a.pdf", "document_uri": "gs://a", "page_number": 3, "end_index": 1},
        {"type": "place_citation", "name": "Café", "url": "https://maps", "start_index": 0, "end_index": 1},
        {"type": "word_info", "text": "w", "start_offset": "1s"},
    ]  # fmt: skip
    events = events_of(start(0), text(0, "ab"), delta(0, "text_annotation_delta", annotations=annotations))
    [evidence] = [event for event in events if isinstance(event, Evidence)]
    assert evidence.grounding.sources == (
        Source("file", "a.pdf, page 3", "gs://a"),
        Source("maps", "Café", "https://maps"),
    )
    assert evidence.value == {"annotations": annotations}


@pytest.mark.parametrize(
    ("first", "last"), [(5, 99), (3, 3), (4, 2), (0, None), (-1, 2), ("x", 2.5), (0, 1 << 70)]
)
def test_a_citation_without_a_place_in_its_step_is_a_source_without_a_passage(first, last):
    ledger = ledger_of(
        start(0), text(0, "abcde"), delta(0, "text_annotation_delta", annotations=[cite("u", first, last)])
    )
    [source] = answer_sources(ledger).sources
    assert [passage.start for passage in source.passages] in ([None], [0])


def test_search_suggestions_and_pages_that_were_not_read_are_evidence():
    events = events_of(
        *step(0, "google_search_result", call_id="1", result=[{"search_suggestions": "<style>"}]),
        *step(1, "url_context_result", call_id="2", result=[{"url": "a", "status": "success"}, {"url": "b", "status": "PAYWALL"}]),
    )  # fmt: skip
    evidence = [event for event in events if isinstance(event, Evidence)]
    assert evidence[0].grounding.suggestions == "<style>"
    assert evidence[1].pages == (RetrievedPage("a", "success"), RetrievedPage("b", "paywall"))
    assert [event.message for event in events if isinstance(event, Note)] == [
        "The page b could not be read (paywall)."
    ]


# -- the interaction


def test_the_id_the_model_the_cursor_and_the_token_are_read():
    first, second, last = decode_all(
        {**created(), "event_id": "e1"},
        {
            "event_type": "interaction.status_update",
            "interaction_id": ID,
            "status": "queued",
            "continuation_token": "tok",
            "event_id": "e2",
        },
        completed(service_tier="flex", created="2026-11-30T00:00:00Z"),
    )
    assert (first.response_id, first.model_version, first.cursor) == (ID, "gemini-3.8-flash", "e1")
    assert (second.response_id, second.continuation, second.cursor) == (ID, "tok", "e2")
    assert second.extras == {"status": "queued"}
    assert last.extras == {
        "status": "completed",
        "serviceTier": "flex",
        "createTime": "2026-11-30T00:00:00Z",
    }
    [agent] = decode_all({**created(ident=""), "interaction": {"id": "", "agent": "deep-research"}})
    assert (agent.response_id, agent.model_version) == (None, "deep-research")


def test_usage_is_a_running_total_wherever_it_is_reported():
    totals = {"total_tokens": 3, "total_input_tokens": 1, "total_output_tokens": 2}
    decoded = events_of(
        start(0),
        {**text(0, "a"), "metadata": {"total_usage": totals}},
        stop(0, usage=USAGE, step_usage=totals),
        completed(usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": "15", "raw_prompt_token": 1}),
    )  # fmt: skip
    small = Usage(prompt=1, output=2, total=3)
    assert [event.usage for event in decoded if isinstance(event, UsageReport)] == [
        small,
        Usage(7, 0, 8, 5, 0, 20),
        Usage(prompt=10, output=5, total=15),
    ]
    assert [event.usage for event in decoded if isinstance(event, StepStop)] == [small]


STATUSES = {
    "completed": ("complete", ""),
    "requires_action": ("complete", ""),
    "incomplete": ("truncated", ""),
    "budget_exceeded": ("truncated", "token budget is used up"),
    "requires_continuation": ("truncated", "The server paused the answer"),
    "failed": ("error", "The model failed"),
    "cancelled": ("interrupted", "Cancelled on the server"),
    "in_progress": ("truncated", "without a finish reason"),
    "queued": ("truncated", "without a finish reason"),
    "idle": ("truncated", "without a finish reason"),
    "hibernating": ("complete", ""),
}


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_an_ending(status):
    ending, message = STATUSES[status]
    for values in (
        [created(), start(0), text(0, "a"), stop(0), completed(status)],
        [{"id": ID, "status": status, "steps": [{"type": "model_output", "content": [{"type": "text", "text": "a"}]}]}],
    ):  # fmt: skip
        ledger = ledger_of(*values)
        assert (ledger.status, ledger.extras["status"]) == (ending, status)
        assert message in str(ledger.error or "")
        assert ("".join(ledger.answer), ledger.response_id) == ("a", ID)


def test_a_connection_that_breaks_after_the_completed_event_loses_nothing():
    assert (
        ledger_of(created(), start(0), text(0, "a"), stop(0), completed(), cause="cut").status == "complete"
    )
    assert ledger_of(created(), start(0), text(0, "a"), stop(0), cause="cut").status == "truncated"
    assert ledger_of(created(), completed("incomplete"), cause="cut").status == "truncated"


def test_a_background_run_that_ends_by_a_status_update_has_its_ending():
    update = {"event_type": "interaction.status_update", "interaction_id": ID}
    cancelled = ledger_of(created(), update | {"status": "cancelled"})
    assert cancelled.status == "interrupted"
    assert "cancelled on the server" in status_line(cancelled)
    assert ledger_of(created(), update | {"status": "failed"}).status == "error"
    # Without the event that completes it, an answer is not complete.
    assert ledger_of(created(), update | {"status": "completed"}).status == "truncated"
    assert ledger_of(created(), {"event_type": "interaction.cancelled"}).status == "interrupted"


# -- errors


def test_an_error_event_ends_the_answer_and_an_empty_one_does_not():
    error = {"event_type": "error", "error": {"code": "gateway_timeout", "message": "Deadline expired."}}
    ledger = ledger_of(created(), start(0), text(0, "a"), error)
    assert (ledger.status, "".join(ledger.answer), ledger.error.code) == ("error", "a", 504)
    assert "Deadline expired." in str(ledger.error)
    for empty in ({}, {"error": None}, {"error": {}}):
        assert notes_of({"event_type": "error", **empty}) == ["empty-error"]


def test_an_error_in_googles_other_shape_is_read_wherever_it_arrives():
    error = {"error": {"code": 401, "message": "Bad key", "status": "UNAUTHENTICATED"}}
    for values in ([error], [created(), {**error, "event_type": "error"}]):
        [failure] = [event for event in events_of(*values) if isinstance(event, Failure)]
        assert (failure.code, failure.status, failure.message) == (401, "UNAUTHENTICATED", "Bad key")


@pytest.mark.parametrize("code", ["safety", "prohibited_content", "image_safety", "content_blocked"])
def test_a_filter_shows_only_as_the_code_of_an_error(code):
    error = {"event_type": "error", "error": {"code": code, "message": "Refused."}}
    ledger = ledger_of(created(), start(0), text(0, "a"), error, completed("failed"))
    assert (ledger.status, "".join(ledger.answer)) == ("blocked", "a")
    assert f"({code}): Refused." in str(ledger.error)
    assert Response(ledger).block_reason == code
    assert f"blocked ({code})" in status_line(ledger)


def test_an_error_with_the_code_cancelled_is_an_interruption():
    error = {"event_type": "error", "error": {"code": "cancelled", "message": "By the user."}}
    assert ledger_of(created(), start(0), text(0, "a"), error).status == "interrupted"


def test_the_error_of_a_step_is_that_of_a_failed_answer_and_a_note_in_one_that_completed():
    failed = start(0, error={"code": 13, "message": "Internal error encountered."})
    ledger = ledger_of(created(), failed, stop(0), completed("failed"))
    assert (ledger.status, ledger.error.code) == ("error", 500)
    assert "Internal error encountered." in str(ledger.error)
    ledger = ledger_of(created(), failed, stop(0), start(1), text(1, "a"), stop(1), completed())
    assert ledger.status == "complete"
    assert [note.message for note in ledger.notes] == ["A step failed: Internal error encountered."]


def test_the_errors_of_an_interaction_explain_its_failure():
    errors = [{"code": "malformed_tool_call", "message": "Bad call."}]
    ledger = ledger_of({"id": ID, "status": "failed", "errors": errors, "steps": []})
    assert "Bad call." in str(ledger.error)
    ledger = ledger_of({"id": ID, "status": "completed", "errors": errors, "steps": []})
    assert [note.message for note in ledger.notes] == ["The server reports: Bad call."]


# -- the preview, names, and unknown things


def test_the_preview_is_read_with_and_without_the_type_of_the_event():
    flat = [
        ("interaction.start", {"id": ID, "status": "in_progress"}),
        ("content.start", {"index": 0, "type": "text"}),
        ("content.delta", {"delta": {"type": "text", "text": "a"}}),
        ("content.stop", {"index": 0}),
        ("interaction.complete", {"id": ID, "status": "done", "usage": {"total_tokens": 42}}),
    ]
    decode = interactions_decoder()
    by_event = [decode(json.dumps(value).encode(), name) for name, value in flat]
    by_field = decode_all(*({"event_type": name, **value} for name, value in flat))
    for decoded in (by_event, by_field):
        assert [each for one in decoded for each in one.events] == [
            StepStart(0, "model_output", {"type": "model_output"}),
            Delta(Text("a")),
            StepStop(0, None, {"type": "model_output", "content": [{"type": "text", "text": "a"}]}),
            UsageReport(Usage(total=42)),
            Finish("done", outcome="complete", last=True),
        ]
        assert decoded[-1].response_id == ID
    contents = [
        {"event_type": "content.start", "index": 0, "content": {"type": "text", "text": "a"}},
        {"event_type": "content.stop", "index": 0},
        {"event_type": "content.start", "index": 1, "content": {"type": "thought"}},
        {
            "event_type": "content.delta",
            "index": 1,
            "delta": {"type": "thought_summary", "content": {"text": "t"}},
        },
        {"event_type": "content.start", "index": 2, "type": "function_call"},
        {
            "event_type": "content.delta",
            "index": 2,
            "delta": {"type": "function_call", "id": "1", "name": "f", "arguments": {"x": 1}},
        },
        {"event_type": "content.start", "index": 3},
        {
            "event_type": "content.delta",
            "index": 3,
            "delta": {"type": "function_call", "id": "2", "name": "g", "arguments": {}},
        },
        {"event_type": "content.stop", "index": 3},
        {"event_type": "interaction.complete", "interaction": {"id": ID, "status": "completed"}},
    ]
    assert parts_of(*contents) == [Text("a"), Thought("t"), Call("f", {"x": 1}, "1"), Call("g", {}, "2")]
    output = [
        {"type": "text", "text": "a"},
        {"type": "function_call", "id": "1", "name": "f", "arguments": {}},
    ]
    outputs = {"id": ID, "status": "completed", "outputs": output}
    assert parts_of(outputs) == [Text("a"), Call("f", {}, "1")]


@pytest.mark.parametrize(
    ("value", "sse", "name"),
    [
        ({"event_type": "step.delta", "delta": {}}, "step.start", "step.delta"),
        ({"type": "step.stop", "index": 1, "status": "done"}, None, "step.stop"),
        ({"index": 0}, "step.stop", "step.stop"),
        ({"index": 0, "delta": {"type": "text"}}, None, "step.delta"),
        ({"index": 0, "delta": {"type": "text"}}, "message", "step.delta"),
        ({"index": 0, "step": {"type": "thought"}}, None, "step.start"),
        ({"index": 0}, None, "step.stop"),
        ({"interaction": {"status": "in_progress"}}, None, "interaction.created"),
        ({"interaction": {"status": "completed"}}, None, "interaction.completed"),
        ({"interaction_id": "x", "status": "queued"}, None, "interaction.status_update"),
        ({"error": {"code": "x"}}, None, "error"),
        ({"steps": [], "status": "completed"}, None, "interaction"),
        ({"object": "interaction"}, None, "interaction"),
        ({"novelty": 1}, None, ""),
        ({"novelty": 1}, "ping", "ping"),
    ],
)
def test_an_event_without_its_type_is_known_by_its_sse_name_or_its_shape(value, sse, name):
    assert event_name(value, sse) == name


def test_unknown_events_steps_deltas_and_content_are_kept_with_one_note_each():
    events = [
        {"event_type": "interaction.heartbeat", "n": 1},
        {"event_type": "interaction.heartbeat", "n": 2},
        {"event_type": "weather"},
        *step(0, "telepathy_call", {"kind": "telepathy", "wave": "~"}, id="x"),
        *step(1, "telepathy_call", id="y"),
        *step(2, "model_output", {"kind": "text", "text": "ok"}, {"kind": "glow", "level": 3}),
        *step(3, "model_output", content=[{"type": "hologram"}]),
        completed(),
    ]
    assert parts_of(*events) == [
        Opaque({"type": "telepathy", "wave": "~"}),
        Opaque({"type": "telepathy_call", "id": "x"}),
        Opaque({"type": "telepathy_call", "id": "y"}),
        Text("ok"),
        Opaque({"type": "glow", "level": 3}),
        Opaque({"type": "hologram"}),
    ]
    assert notes_of(*events) == [
        "unknown-event",
        "unknown-event",
        "unknown-delta",
        "unknown-step",
        "unknown-delta",
        "unknown-content",
    ]
    assert ledger_of(*events).status == "complete"


def test_an_answer_of_the_other_api_is_named():
    answer = {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}
    assert notes_of(answer, answer) == ["other-api"]
    decode = backend("gemini").decoder()
    events = [
        event
        for value in (created(), text(0, "a"), completed())
        for event in decode(json.dumps(value).encode()).events
    ]
    assert [event.kind for event in events] == ["other-api"]
    [whole] = backend("gemini").decoder()(json.dumps({"object": "interaction", "steps": []}).encode()).events
    assert "--backend interactions" in whole.message


def test_interleaved_texts_are_kept_in_the_order_of_arrival_with_a_note():
    events = [start(0), text(0, "a"), start(1), text(1, "b"), text(0, "c"), stop(1), stop(0), completed()]
    ledger = ledger_of(*events)
    assert "".join(ledger.answer) == "abc"
    assert [step["content"][0]["text"] for step in whole_steps(*events)] == ["b", "ac"]
    assert [note.kind for note in ledger.notes] == ["interleaved-steps"]


# -- one answer in three forms

STEPS = [
    {"type": "thought", "summary": [{"type": "text", "text": "I have to search."}], "signature": "s1"},
    {"type": "google_search_call", "id": "1", "arguments": {"queries": ["wann ging das Kabel kaputt?"]}, "signature": "s2"},
    {"type": "google_search_result", "call_id": "1", "result": [{"search_suggestions": "<b>"}], "signature": "s3"},
    {"type": "mcp_server_tool_call", "id": "2", "name": "look", "server_name": "srv", "arguments": {"a": [1]}},
    {"type": "mcp_server_tool_result", "call_id": "2", "name": "look", "server_name": "srv", "result": "ö"},
    {"type": "code_execution_call", "id": "3", "arguments": {"language": "python", "code": "1+1"}},
    {"type": "code_execution_result", "call_id": "3", "result": "2\n", "is_error": False},
    {
        "type": "model_output",
        "content": [
            {"type": "text", "text": "Über das Kabel – kurz: es hielt drei Wochen.", "annotations": [cite("u", 6, 15)]},
            {"type": "image", "mime_type": "image/png", "data": b64(PIXEL)},
        ],
    },
    {"type": "function_call", "id": "4", "name": "f", "arguments": {"x": [1, 2], "y": "ü"}},
]  # fmt: skip


def deltas_of(whole):
    """How a step begins, and the deltas that make it whole, text in pieces."""
    first, deltas = dict(whole), []
    for name in ("summary", "content"):
        for block in first.pop(name, ()):
            if block["type"] != "text":
                deltas.append(block)
                continue
            for at in range(0, len(block["text"]), 7):
                piece = {"type": "text", "text": block["text"][at : at + 7]}
                deltas.append(piece if name == "content" else {"type": "thought_summary", "content": piece})
            if "annotations" in block:
                deltas.append({"type": "text_annotation_delta", "annotations": block["annotations"]})
    if whole["type"] == "thought":
        deltas.append({"type": "thought_signature", "signature": first.pop("signature")})
    elif whole["type"] == "function_call":
        arguments, first["arguments"] = json.dumps(first["arguments"]), {}
        deltas += [{"type": "arguments_delta", "arguments": piece} for piece in arguments.partition("[")]
    elif "arguments" in first or "result" in first:
        moved = {name: first.pop(name) for name in ("arguments", "result", "is_error") if name in first}
        deltas.append({"type": whole["type"], **moved})
    return first, deltas


def streamed(steps):
    for index, whole in enumerate(steps):
        first, deltas = deltas_of(whole)
        yield {"event_type": "step.start", "index": index, "step": first}
        yield from ({"event_type": "step.delta", "index": index, "delta": each} for each in deltas)
        yield stop(index)


def test_a_stream_a_whole_answer_and_a_stream_of_whole_steps_are_the_same_answer():
    forms = [
        [created(), *streamed(STEPS), completed("requires_action")],
        [{"id": ID, "status": "requires_action", "steps": STEPS, "usage": USAGE}],
        [created(), *(event for at, each in enumerate(STEPS) for event in ({"event_type": "step.start", "index": at, "step": each}, stop(at))), completed("requires_action")],
    ]  # fmt: skip
    answers = [ledger_of(*form) for form in forms]
    first = answers[0]
    assert [each.raw for each in first.steps.all()] == STEPS
    for other in answers[1:]:
        assert other.parts[0].joined() == first.parts[0].joined()
        assert [each.raw for each in other.steps.all()] == STEPS
        assert answer_sources(other) == answer_sources(first)
        assert (other.status, other.usage, list(other.notes)) == (first.status, first.usage, [])
    [source] = answer_sources(first).sources
    assert [passage.text for passage in source.passages] == ["das Kabel"]
