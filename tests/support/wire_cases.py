"""Cases of irregular streams from servers, gateways and networks: the bytes of each, and the result a user expects.

This module sends nothing. `tests/client/test_wire_cases.py` runs each case with gemini_magic, `benchmarks/wire_peers.py`
also with other clients; both compare the result with `evaluate`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import wire_interactions
from fake_server import (
    SSE,
    Exchange,
    FakeServer,
    Step,
    cut,
    dribble,
    gate,
    google_error,
    pause,
    raw,
    reset,
    stall,
    status,
)

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=UTF-8"
MORE = "more"  # the gate before the second half of a case whose first half must be shown before
GATE_TIMEOUT = 8.0  # seconds after which that gate opens anyway, and the case counts as late
RETRY_DELAY = 2.1  # seconds that a 429 asks for: longer than the first delay of any client

# ---------------------------------------------------------------------------------------------- contents

ONE, TWO = "Hello, ", "world."
BOTH = ONE + TWO
USAGE = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}


def chunk(*texts: str, finish: str | None = None, usage: object = None, **extra: object) -> dict[str, Any]:
    """A Gemini chunk with a text part for each text, and with `extra` as further fields."""
    candidate: dict[str, object] = {}
    if texts:
        candidate["content"] = {"parts": [{"text": text} for text in texts], "role": "model"}
    if finish:
        candidate["finishReason"] = finish
    value: dict[str, Any] = {"candidates": [candidate | {"index": 0}]}
    return value | ({"usageMetadata": usage} if usage else {}) | extra


def json_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def sse(*values: object, end: str = "\r\n") -> bytes:
    """Each value as one event."""
    return "".join(f"data: {json_text(value)}{end}{end}" for value in values).encode()


FIRST = chunk(ONE)
LAST = chunk(TWO, finish="STOP", usage=USAGE)
ANSWER = sse(FIRST, LAST)
OVERLOADED = google_error(503, "The model is overloaded.", "UNAVAILABLE")
# As the documentation of one gateway shows it: only the first line has `data:`.
BARE_LINES = 'data: {\n  "error": {\n    "code": 500,\n    "message": "Stream failed",\n    "status": "INTERNAL"\n  }\n}\n\n'
SIGN_IN = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>Please log in to the network.</body></html>\n"
BAD_GATEWAY = b"<html><head><title>503</title></head><body><h1>No server is available</h1></body></html>\n"
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{RETRY_DELAY}s"}
EXHAUSTED = google_error(429, "You exceeded your current quota.", "RESOURCE_EXHAUSTED", RETRY_INFO)


def picture(size: int) -> bytes:
    """An event with an image of `size` bytes, in base64 on one line, and the end of the answer."""
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(size - 8)).decode()
    parts = [{"inlineData": {"mimeType": "image/png", "data": data}}, {"text": TWO}]
    return sse(LAST | {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP", "index": 0}]})


# ------------------------------------------------------------------------------------ expected and observed


@dataclass(frozen=True)
class Expected:
    """The result that the user must get; `error` is text that the error must contain, or None if no error is expected."""

    text: str = BOTH
    thoughts: str = ""
    finish: str | None = "STOP"
    blocked: str | None = None  # a reason that must be visible, in an error or in the result
    total: int | None = 6  # total tokens
    blob: int = 0  # bytes of media
    error: str | None = None
    requests: int = 1

    @property
    def summary(self) -> str:
        """A short form for a table."""
        if self.blocked:
            return "the reason of the block" + (" and the text" if self.text else "")
        if self.error is None:
            return "the whole answer"
        return "an error and the text" if self.text else "an error"


@dataclass(frozen=True)
class Answer:
    """The response to one request: steps and options of the fake server."""

    steps: Sequence[Step]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One irregular stream."""

    name: str
    group: str
    description: str  # for a table; Markdown
    answers: Sequence[Answer]
    expected: Expected = Expected()
    status: str = "complete"  # of the Response of gemini_magic
    message: str = ""  # text that the error of gemini_magic must contain as well
    notes: frozenset[str] = frozenset()  # the kinds of all notes of gemini_magic
    live: str | None = None  # text that must be shown before the server continues
    stall_timeout: float | None = None  # the one that the client is given, in seconds; None for its default
    retries: int = 0
    min_delay: float = 0.0  # the minimum time between two requests, in seconds
    api: str = "generateContent"  # or interactions
    limit: float = 30.0  # seconds after which a client counts as hanging

    def script(self, server: FakeServer) -> None:
        """Make the server send this case in response to the next requests."""
        server.forget_all()
        for answer in self.answers:
            server.script(*answer.steps, **answer.options)


@dataclass
class Observed:
    """The result that a client gave its user. `error` is the message of an error, `kind` its class."""

    text: str = ""
    thoughts: str = ""
    finish: str | None = None
    blocked: str | None = None
    total: int | None = None
    blob: int = 0
    error: str | None = None
    kind: str = ""
    # what the server observed
    late: bool = False
    hangs: bool = False
    times: Sequence[float] = ()


def observe(response: Any) -> Observed:
    """The result in a finished `gemini_magic.Response`."""
    parts = response.parts
    return Observed(
        text=response.text,
        thoughts=response.thoughts,
        finish=response.finish_reason,
        blocked=response.block_reason,
        total=response.usage.total,
        blob=sum(len(getattr(part, "data", b"")) for part in parts),
        error=None if response.error is None else str(response.error),
        kind="" if response.error is None else type(response.error).__name__,
    )


def evaluate(case: Case, observed: Observed) -> str:
    """A cell of the table: `right`, or what is wrong. An expected error must contain the server's message."""
    expected = case.expected
    if observed.hangs:
        return f"hangs (over {case.limit:g} s)"
    if (
        observed.error is not None
        and expected.error is None
        and not (expected.blocked and expected.blocked in observed.error)
    ):
        after = " after all the text" if observed.text == expected.text and expected.text else ""
        return f"raises {observed.kind}{after}"
    if expected.error is not None:
        if observed.error is None:
            return "silent: no error"
        if expected.error.lower() not in observed.error.lower():
            return f"raises {observed.kind} without the server's message"
    return _difference(expected, observed) or _conduct(case, observed) or "right"


def _difference(expected: Expected, observed: Observed) -> str | None:
    """What is lost or wrong; None if nothing is."""
    if observed.text != expected.text:
        letters = iter(expected.text)
        lost = all(letter in letters for letter in observed.text)  # the text is right, but not complete
        return ("text lost" if observed.error else "silent: text lost") if lost else "wrong text"
    if expected.blocked and expected.blocked not in (observed.blocked, observed.finish):
        return "silent: no reason"
    actual = {
        "thoughts": observed.thoughts,
        "picture": observed.blob,
        "usage": observed.total,
        "finish reason": observed.finish,
    }
    wanted = {
        "thoughts": expected.thoughts,
        "picture": expected.blob,
        "usage": expected.total,
        "finish reason": expected.finish,
    }
    for name, value in wanted.items():
        if actual[name] != value:
            return f"wrong {name}" if actual[name] else f"silent: {name} lost"
    return None


def _conduct(case: Case, observed: Observed) -> str | None:
    """What is wrong with the requests or with the time; None if nothing is."""
    if case.min_delay and len(observed.times) > 1 and observed.times[1] - observed.times[0] < case.min_delay:
        return "right text, but retries too early"
    if len(observed.times) != case.expected.requests:
        return f"right text, but sends {len(observed.times)} requests"
    return "right text, but late" if observed.late else None


# --------------------------------------------------------------------------------------------------- cases


def _case(
    name: str, group: str, description: str, body: bytes | Sequence[Step], *notes: str, **options: Any
) -> Case:
    server = {key: options.pop(key) for key in ("content_type", "gzip", "close_delimited") if key in options}
    steps = [raw(body)] if isinstance(body, bytes) else body
    return Case(name, group, description, [Answer(steps, server)], notes=frozenset(notes), **options)


def _split(body: bytes, at: bytes, inside: int) -> list[Step]:
    """The body in two network pieces; the second begins `inside` bytes after the start of `at`."""
    cut_at = body.index(at) + inside
    return [raw(body[:cut_at]), pause(0.03), raw(body[cut_at:])]


def _text(text: str) -> Expected:
    return Expected(text=text)


def _live(first: bytes, rest: bytes) -> list[Step]:
    return [raw(first), gate(MORE), raw(rest)]


def _pictured(size: int) -> Step:
    """The picture is created when it is sent, so that its bytes are not held in memory before."""

    def step(exchange: Exchange) -> None:
        dribble(picture(size), 60_000)(exchange)

    return step


EMOJI = sse(chunk("Hi \U0001f600!"), LAST)
# A part of the answer, and an error that says it is incomplete.
HALF = Expected(text=ONE, finish=None, total=None, error="")


def _half(message: str) -> Expected:
    return replace(HALF, error=message)


BYTES = [
    _case("normal", "Bytes", "four events", sse(FIRST, chunk("dear "), chunk("old "), LAST), expected=_text(ONE + "dear old " + TWO)),
    _case("crlf", "Bytes", "CRLF line ends", sse(FIRST, LAST, end="\r\n")),
    _case("lf", "Bytes", "LF line ends", sse(FIRST, LAST, end="\n")),
    _case("cr", "Bytes", "CR line ends", sse(FIRST, LAST, end="\r")),
    _case("cr-live", "Bytes", "CR line ends, the next event after a pause", _live(sse(FIRST, end="\r"), sse(LAST, end="\r")), live=ONE),
    _case("one-byte", "Bytes", "every byte in a separate piece", [dribble(EMOJI)], expected=_text("Hi \U0001f600!" + TWO)),
    _case("split-emoji", "Bytes", "an emoji in two pieces", _split(EMOJI, "\U0001f600".encode(), 2), expected=_text("Hi \U0001f600!" + TWO)),
    _case("split-crlf", "Bytes", "a CRLF in two pieces", _split(ANSWER, b"\r\n", 1)),
    _case("gzip", "Bytes", "gzip, flushed after each event", _live(sse(FIRST), sse(LAST)), gzip=True, live=ONE),
    _case("u2028", "Bytes", "U+2028 in the text, unescaped", sse(chunk("a\u2028b"), LAST), expected=_text("a\u2028b" + TWO)),
    _case("u2029", "Bytes", "U+2029 in the text, unescaped", sse(chunk("a\u2029b"), LAST), expected=_text("a\u2029b" + TWO)),
    _case("u0085", "Bytes", "U+0085 in the text, unescaped", sse(chunk("a\u0085b"), LAST), expected=_text("a\u0085b" + TWO)),
    _case("bom", "Bytes", "a byte order mark at the start", b"\xef\xbb\xbf" + ANSWER, "bom"),
    _case(
        "latin-1",
        "Bytes",
        "`charset=ISO-8859-1` in the header, UTF-8 in the body",
        sse(chunk("na\u00efve "), LAST),
        content_type="text/event-stream; charset=ISO-8859-1",
        expected=_text("na\u00efve " + TWO),
    ),
]  # fmt: skip

_REFUSED = Expected("", finish=None, total=None)
_ON_LINES = json_text(FIRST).replace("}, ", "},\ndata: ").replace('"candidates"', '\ndata: "candidates"')


def _unescaped(mark: bytes) -> bytes:
    """The answer with these bytes in the text of its last event."""
    return sse(FIRST) + sse(LAST).replace(TWO.encode(), mark + TWO.encode())


EVENTS = [
    _case("comment", "Events", "comments (`: ping`)", b": ping\n\n" + sse(FIRST) + b": ping\n\n" + sse(LAST), "comment"),
    _case("no-space", "Events", "`data:{` without a space", ANSWER.replace(b"data: ", b"data:"), "no-space"),
    _case(
        "fields",
        "Events",
        "`id:`, `event:` and `retry:` fields",
        b"retry: 3000\n\n" + b"".join(b"event: message\nid: %d\n%b" % (n, sse(each)) for n, each in enumerate((FIRST, LAST))),
        "field-retry", "field-event", "field-id",
    ),
    _case("lines", "Events", "one JSON text on several `data:` lines", f"data: {_ON_LINES}\n\n".encode() + sse(LAST)),
    _case(
        "bare-lines",
        "Events",
        "an error with `data:` on its first line only",
        sse(FIRST) + BARE_LINES.encode(),
        "bare-lines",
        expected=_half("Stream failed"),
        status="error",
    ),
    _case("tab", "Events", "a tab in a string, unescaped", _unescaped(b"\t"), "control-character", expected=_text(ONE + "\t" + TWO)),
    _case("line-feed", "Events", "a line feed in a string, unescaped", _unescaped(b"\n"), "control-character", "bare-lines", expected=_text(ONE + "\n" + TWO)),
    _case(
        "blank-line",
        "Events",
        "a blank line in a string, unescaped",
        _unescaped(b"\n\n"),
        "control-character", "bare-lines", "blank-line-inside",
        expected=_text(ONE + "\n\n" + TWO),
    ),
    _case(
        "rest-missing",
        "Events",
        "an event whose JSON ends in the middle, then the next event",
        sse(FIRST)[:-20] + b"\r\n\r\n" + sse(chunk("is lost. "), LAST),
        "not-json",
        expected=Expected("is lost. " + TWO, error=""),
        status="truncated",
        message="is lost",
    ),
    _case("done", "Events", "`data: [DONE]` at the end", ANSWER + b"data: [DONE]\n\n", "done-marker"),
    _case("no-blank-line", "Events", "no blank line after the last event", ANSWER.removesuffix(b"\r\n"), "unterminated"),
    _case("no-newline", "Events", "no line end after the last event", ANSWER.removesuffix(b"\r\n\r\n"), "unterminated"),
    _case("no-blank-lines", "Events", "no blank lines at all", sse(FIRST, LAST, end="\n").replace(b"\n\n", b"\n"), "no-blank-line", "unterminated"),
    _case("5-mb", "Events", "a picture of 5 MB on one line", [_pictured(5_000_000)], expected=Expected(text=TWO, blob=5_000_000)),
    _case("20-mb", "Events", "a picture of 20 MB on one line", [_pictured(20_000_000)], expected=Expected(text=TWO, blob=20_000_000)),
]  # fmt: skip

OTHER_BODIES = [
    _case("array", "Other bodies", "a JSON array", f"[{json_text(FIRST)}\n,\r\n{json_text(LAST)}\n]\n".encode(), "json-array", content_type=JSON),
    _case(
        "array-live",
        "Other bodies",
        "a JSON array, the next element after a pause",
        _live(b"[" + json.dumps(FIRST, indent=2).encode(), b",\r\n" + json.dumps(LAST, indent=2).encode() + b"\n]\n"),
        "json-array",
        content_type=JSON,
        live=ONE,
    ),
    _case("html", "Other bodies", "HTTP 200 with an HTML page", SIGN_IN, "not-json", "unterminated", content_type=HTML, expected=replace(_REFUSED, error=""), status="error", message="log in to the network"),
    _case(
        "detail",
        "Other bodies",
        'HTTP 200 with `{"detail": …}`',
        b'{"detail": "No such deployment"}',
        "json-object", "unknown-field",
        content_type=JSON,
        expected=replace(_REFUSED, error="No such deployment"),
        status="error",
    ),
    _case(
        "named-error",
        "Other bodies",
        "`event: error` with a message only",
        sse(FIRST) + b"event: error\n" + sse({"message": "The upstream server failed"}, end="\n"),
        "field-event", "unknown-field",
        expected=_half("upstream server failed"),
        status="error",
    ),
    _case("error-event", "Other bodies", "an error as an event", sse(FIRST, OVERLOADED), expected=_half("overloaded"), status="error"),
    _case(
        "error-second-key",
        "Other bodies",
        "an error as an event, `error` is not the first key",
        sse(FIRST, {"responseId": "x"} | OVERLOADED),
        expected=_half("overloaded"),
        status="error",
    ),
    _case(
        "error-bare",
        "Other bodies",
        "an error, indented and without `data:`",
        sse(FIRST) + json.dumps(OVERLOADED, indent=2).encode() + b"\n",
        "bare-lines", "unterminated", "error-outside-data",
        expected=_half("overloaded"),
        status="error",
    ),
]  # fmt: skip

_LOST = {"expected": HALF, "status": "truncated"}
_SILENT = _case(
    "silent",
    "Endings",
    "no more data in the middle of the answer, with a time limit of 0.5 s",
    [raw(sse(FIRST)), stall()],
    expected=HALF,
    status="stalled",
    stall_timeout=0.5,
)
ENDINGS = [
    _case("no-reason", "Endings", "the body ends without a finish reason", sse(FIRST), message="without a finish reason", **_LOST),
    _case("cut-json", "Endings", "the body ends in the middle of a JSON text", sse(FIRST) + sse(LAST)[:60], "not-json", "unterminated", message="without a finish reason", **_LOST),
    _case("cut", "Endings", "the connection is closed in the middle of an event", [raw(sse(FIRST)), cut()], "not-json", "unterminated", message="connection was lost", **_LOST),
    _case("closed", "Endings", "the connection is closed between two events", [raw(sse(FIRST)), cut(b"")], message="connection was lost", **_LOST),
    _case("reset", "Endings", "the connection is reset (RST)", [raw(sse(FIRST)), gate(MORE), reset()], live=ONE, message="connection was lost", **_LOST),
    _SILENT,
    _case(
        "open-after-stop",
        "Endings",
        "`STOP`, then the connection stays open, with a time limit of 0.5 s",
        [raw(ANSWER), stall()],
        "open-after-finish",
        stall_timeout=0.5,
    ),
    _case("reset-after-stop", "Endings", "`STOP`, then the connection is reset", [raw(ANSWER), gate(MORE), reset()], "lost-after-finish", live=BOTH),
    replace(_SILENT, name="silent-default", description="no more data in the middle of the answer, without a time limit", stall_timeout=None, message="The server sent no data for 60 s", limit=75.0),
]  # fmt: skip

_NO_CONTENT = {"promptTokenCount": 4, "totalTokenCount": 4}
_THOUGHT = chunk() | {
    "candidates": [{"content": {"parts": [{"text": "Hm.", "thought": True}], "role": "model"}, "index": 0}]
}
_UNKNOWN = {
    "candidates": [{"content": {"parts": [{"text": TWO, "newInPart": 1}], "newInContent": 2}, "finishReason": "NEW_REASON", "newInCandidate": [3]}],
    "usageMetadata": USAGE | {"newTokenCount": 4},
    "newAtTop": {"a": 5},
}  # fmt: skip
ANSWERS = [
    _case(
        "prompt-blocked",
        "Answers",
        "`blockReason` without candidates",
        sse({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": _NO_CONTENT}),
        expected=Expected("", finish=None, total=4, blocked="SAFETY"),
        status="blocked",
    ),
    _case(
        "answer-blocked",
        "Answers",
        "`SAFETY` without content",
        sse(FIRST, chunk(finish="SAFETY", usage=USAGE)),
        expected=Expected(ONE, finish="SAFETY", blocked="SAFETY"),
        status="blocked",
    ),
    _case("lower-case", "Answers", "`max_tokens` in lower case", sse(FIRST, chunk(TWO, finish="max_tokens", usage=USAGE)), "reason-spelling", expected=Expected(finish="MAX_TOKENS"), status="truncated"),
    _case(
        "snake-case",
        "Answers",
        "field names in snake_case",
        ANSWER.replace(b"finishReason", b"finish_reason").replace(b"usageMetadata", b"usage_metadata").replace(b"TokenCount", b"_token_count"),
        "snake-case", "unknown-field",
    ),
    _case("thoughts", "Answers", "thoughts", sse(_THOUGHT, FIRST, LAST), expected=Expected(thoughts="Hm.")),
    _case("two-parts", "Answers", "two parts in one chunk", sse(chunk("A", "B"), chunk("C", "D", finish="STOP", usage=USAGE)), expected=_text("ABCD")),
    _case("newline-last", "Answers", "a last chunk that is a line feed", sse(chunk(BOTH), chunk("\n", finish="STOP", usage=USAGE)), expected=_text(BOTH + "\n")),
    _case("unknown", "Answers", "unknown fields, an unknown finish reason", sse(FIRST, _UNKNOWN), "unknown-finish-reason", "unknown-field", expected=Expected(finish="NEW_REASON")),
    _case("usage-last", "Answers", "usage in a last event without candidates", sse(FIRST, chunk(TWO, finish="STOP"), {"usageMetadata": USAGE})),
]  # fmt: skip

_INVALID = google_error(400, "Unknown name: tols", "INVALID_ARGUMENT")
REFUSALS = [
    _case(
        "429",
        "Refusals",
        "429 with RetryInfo, without retries",
        [status(429, body=EXHAUSTED)],
        expected=replace(_REFUSED, error="exceeded your current quota"),
        status="error",
        message="asks to wait 2 s",
    ),
    Case(
        "429-then-200",
        "Refusals",
        f"429 with RetryInfo ({RETRY_DELAY} s), with retries",
        [Answer([status(429, body=EXHAUSTED)]), Answer([raw(ANSWER)])],
        expected=Expected(requests=2),
        notes=frozenset({"retry"}),
        retries=2,
        min_delay=RETRY_DELAY,
    ),
    _case("400-event", "Refusals", "400 with an error framed as an event", [status(400, body=b"data: " + json.dumps(_INVALID).encode() + b"\n\n")], expected=replace(_REFUSED, error="Unknown name: tols"), status="error"),
    _case("400-bom", "Refusals", "400 with a byte order mark", [status(400, body=b"\xef\xbb\xbf" + json.dumps(_INVALID).encode())], expected=replace(_REFUSED, error="Unknown name: tols"), status="error"),
    _case("503-html", "Refusals", "503 with an HTML page", [status(503, body=BAD_GATEWAY)], expected=replace(_REFUSED, error="No server is available"), status="error"),
]  # fmt: skip


def _interaction(name: str, description: str, body: bytes | Sequence[Step], more: dict[str, Any]) -> Case:
    """A case of the Interactions API."""
    own = {key: more[key] for key in ("status", "retries") if key in more}
    usual = {"finish": "completed", "total": wire_interactions.TOTAL}
    expected = usual | {key: more[key] for key in more if key not in (*own, "notes")}
    case = _case(f"interaction-{name}", "Interactions API", description, body, *more.get("notes", ()), **own)
    answers = [replace(answer, options={"content_type": SSE}) for answer in case.answers]
    if case.retries:  # so that a client that asks again gets the same answer
        answers *= 6
    return replace(case, answers=answers, expected=Expected(**expected), api="interactions")


INTERACTIONS = [_interaction(*each) for each in wire_interactions.CASES]

CASES: tuple[Case, ...] = (*BYTES, *EVENTS, *OTHER_BODIES, *ENDINGS, *ANSWERS, *REFUSALS, *INTERACTIONS)
