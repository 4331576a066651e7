"""Cases of `wire_cases` for the Interactions API: the bytes of each, and the result a user expects."""

from __future__ import annotations

import base64
import json
from typing import Any

from fake_server import cut, dribble, google_error, raw, status
from interaction_bodies import USAGE, completed, created, delta, start, step, stop, stream, text

ONE, TWO = "Hello, ", "world."
HALF = {"text": ONE, "finish": None, "total": None}
REFUSED = {"text": "", "finish": None, "total": None}
CREATED = created("m")
OPEN = [CREATED, start(0), text(0, ONE)]  # half of an answer
REST = [text(0, TWO), stop(0), completed()]
ANSWER = stream(*OPEN, *REST)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(5_000_000 - 8)


def lines(*events: dict[str, Any], named: bool = True, typed: bool = True) -> bytes:
    """A body whose events have no `event:` line, or no `event_type` in their JSON."""
    found = ""
    for each in events:
        value = each if typed else {name: field for name, field in each.items() if name != "event_type"}
        found += (f"event: {each['event_type']}\n" if named else "") + f"data: {json.dumps(value)}\n\n"
    return found.encode()


def failing(code: str, message: str) -> dict[str, Any]:
    return {"event_type": "error", "error": {"code": code, "message": message}}


def old_name(event: dict[str, Any]) -> dict[str, Any]:
    """An event as the preview named it."""
    names = {"interaction.created": "interaction.start", "interaction.completed": "interaction.complete"}
    kind = event["event_type"]
    return event | {"event_type": names.get(kind, kind.replace("step.", "content."))}


# Each case: its name, a description for a table, the body or the steps of the server, and what differs from the usual.
CASES: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("plain", "the events of an answer, `[DONE]` at the end", ANSWER, {}),
    ("one-byte", "the same, every byte in a separate piece", [dribble(ANSWER)], {}),
    ("cr", "the same with CR line ends", ANSWER.replace(b"\n", b"\r"), {}),
    ("bom", "the same after a byte order mark", b"\xef\xbb\xbf" + ANSWER, {"notes": ["bom"]}),
    ("no-event-lines", "events without an `event:` line", lines(*OPEN, *REST, named=False), {}),
    ("no-event-type", "events without `event_type`, as on a page of the documentation", lines(*OPEN, *REST, typed=False), {}),
    ("no-done", "no `[DONE]` at the end", stream(*OPEN, *REST, done=False), {}),
    ("no-blank-line", "no blank line after `interaction.completed`", stream(*OPEN, *REST, done=False).rstrip(b"\n"), {"notes": ["unterminated"]}),
    (
        "text-in-start",
        "the first words in `step.start`, as the documentation shows it",
        stream(CREATED, start(0, content=[{"type": "text", "text": ONE}]), *REST),
        {},
    ),
    ("thoughts", "a summary of thoughts in deltas", stream(CREATED, *step(0, "thought", {"kind": "thought_summary", "content": {"type": "text", "text": "Hm."}}), *OPEN[1:], *REST), {"thoughts": "Hm."}),
    ("thought-in-start", "a summary of thoughts in `step.start`", stream(CREATED, *step(0, "thought", summary=[{"type": "text", "text": "Hm."}]), *OPEN[1:], *REST), {"thoughts": "Hm."}),
    ("two-steps", "text in two steps", stream(*OPEN, stop(0), start(1), text(1, TWO), stop(1), completed()), {}),
    (
        "interleaved",
        "a step with text inside another step",
        stream(CREATED, start(0, "thought"), start(1), text(1, ONE), stop(0), text(1, TWO), stop(1), completed()),
        {},
    ),
    ("no-start", "deltas of a step that did not begin", stream(CREATED, text(0, ONE), *REST), {}),
    ("same-ids", "the same `event_id` on different events", stream(*({**each, "event_id": "E"} for each in (*OPEN, *REST))), {}),
    (
        "unknown",
        "an unknown event, an unknown step, an unknown delta",
        stream(*OPEN, {"event_type": "interaction.heartbeat"}, *step(1, "telepathy_call", id="x"), delta(0, "glow", level=3), *REST),
        {"notes": ["unknown-event", "unknown-step", "unknown-delta", "unknown-part", "unknown-field"]},
    ),
    ("unknown-status", "an unknown status at the end", stream(*OPEN, *REST[:2], completed("hibernating")), {"finish": "hibernating", "notes": ["unknown-finish-reason"]}),
    ("preview", "the events of the preview (`content.delta`)", stream(*map(old_name, (*OPEN, *REST))), {}),
    ("picture", "a picture of 5 MB in one event", stream(*OPEN, *step(1, "model_output", {"kind": "image", "mime_type": "image/png", "data": base64.b64encode(PICTURE).decode()}), *REST), {"blob": len(PICTURE)}),
    ("incomplete", "the status `incomplete` at the end", stream(*OPEN, *REST[:2], completed("incomplete")), {"finish": "incomplete", "status": "truncated"}),
    (
        "failed",
        "the status `failed`, with the error in a step",
        stream(*OPEN, stop(0), *step(1, "model_output", error={"code": 13, "message": "The tool broke."}), completed("failed")),
        {"text": ONE, "finish": "failed", "error": "The tool broke.", "status": "error", "notes": ["step-failed"]},
    ),
    ("error-event", "an `error` event after some text", stream(*OPEN, failing("gateway_timeout", "Deadline expired."), done=False), {**HALF, "error": "Deadline expired.", "status": "error"}),
    ("empty-error", "an `error` event without an error, then the rest", stream(*OPEN, {"event_type": "error"}, *REST), {"notes": ["empty-error"]}),
    ("filter", "an `error` event with the code `safety`", stream(*OPEN, failing("safety", "Blocked by safety."), done=False), {**HALF, "error": "safety", "status": "blocked"}),
    ("done-only", "`[DONE]`, but no `interaction.completed`", stream(*OPEN), {**HALF, "error": "", "status": "truncated"}),
    ("half", "the end of the body after some text", stream(*OPEN, done=False), {**HALF, "error": "", "status": "truncated"}),
    ("half-event", "the end of the body inside an event", stream(*OPEN, done=False) + b'event: step.delta\ndata: {"index":0,"del', {**HALF, "error": "", "status": "truncated", "notes": ["unterminated", "not-json"]}),
    ("cut", "a lost connection after some text of a step", [raw(stream(*OPEN, done=False)), cut(b"")], {**HALF, "error": "", "status": "truncated"}),
    (
        "cut-after-end",
        "a lost connection after `interaction.completed`",
        [raw(stream(*OPEN, *REST, done=False)), cut(b"")],
        {"notes": ["lost-after-finish"]},
    ),
    ("400", "400 with the API's error (`code` is a word)", [status(400, body=failing("parameter_unknown", "Unknown parameter 'tols'."))], {**REFUSED, "error": "Unknown parameter", "status": "error"}),
    ("401-array", "401 with Google's other error, in an array", [status(401, body=[google_error(401, "The key is not valid.", "UNAUTHENTICATED")])], {**REFUSED, "error": "The key is not valid.", "status": "error"}),
    ("429", "429 `quota_exceeded`: the quota of the day, with retries", [status(429, body=failing("quota_exceeded", "Daily quota exceeded."))], {**REFUSED, "error": "Daily quota", "status": "error", "retries": 2}),
]  # fmt: skip
TOTAL = USAGE["total_tokens"]
