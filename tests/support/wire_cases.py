"""What servers, gateways and networks do to a stream: the bytes of each case, and what a reader owes its user for it.

It knows bytes and outcomes. It asks nothing itself: `tests/client/test_wire_cases.py` puts each case to gemini_magic,
`benchmarks/wire_peers.py` to other clients as well, and both let `judge` decide.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fake_server import (
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
MORE = "more"  # the gate before the second half of a case that must be seen live
PATIENCE = 8.0  # seconds after which that gate is opened all the same, and the case called late
WAIT = 2.1  # seconds a 429 asks to wait: longer than any client's own first delay

# -------------------------------------------------------------------------------------------- what is said

ONE, TWO = "Hello, ", "world."
BOTH = ONE + TWO
USAGE = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}


def chunk(*texts: str, finish: str | None = None, usage: object = None, **extra: object) -> dict[str, Any]:
    """One Gemini chunk with a text part for each text; `extra` goes to its top level."""
    candidate: dict[str, object] = {}
    if texts:
        candidate["content"] = {"parts": [{"text": text} for text in texts], "role": "model"}
    if finish:
        candidate["finishReason"] = finish
    made: dict[str, Any] = {"candidates": [candidate | {"index": 0}]}
    return made | ({"usageMetadata": usage} if usage else {}) | extra


def said(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def sse(*values: object, end: str = "\r\n") -> bytes:
    """Each value as one event."""
    return "".join(f"data: {said(value)}{end}{end}" for value in values).encode()


FIRST = chunk(ONE)
LAST = chunk(TWO, finish="STOP", usage=USAGE)
ANSWER = sse(FIRST, LAST)
OVERLOADED = google_error(503, "The model is overloaded.", "UNAVAILABLE")
# As one gateway's documents show it: `data:` stands on the first line only.
BARE_LINES = 'data: {\n  "error": {\n    "code": 500,\n    "message": "Stream failed",\n    "status": "INTERNAL"\n  }\n}\n\n'
SIGN_IN = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>Please log in to the network.</body></html>\n"
BAD_GATEWAY = b"<html><head><title>503</title></head><body><h1>No server is available</h1></body></html>\n"
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{WAIT}s"}
EXHAUSTED = google_error(429, "You exceeded your current quota.", "RESOURCE_EXHAUSTED", RETRY_INFO)


def picture(size: int) -> bytes:
    """An event whose one line holds an image of so many bytes, base64, and the end of the answer."""
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(size - 8)).decode()
    parts = [{"inlineData": {"mimeType": "image/png", "data": data}}, {"text": TWO}]
    return sse(LAST | {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP", "index": 0}]})


# ------------------------------------------------------------------------------------------------- records


@dataclass(frozen=True)
class Due:
    """What the user must be told; `error` is None when nothing may be raised, else words the error must hold."""

    text: str = BOTH
    thoughts: str = ""
    finish: str | None = "STOP"
    blocked: str | None = None  # a reason that must be visible, raised or not
    total: int | None = 6  # tokens in all
    blob: int = 0  # bytes of media
    error: str | None = None
    requests: int = 1

    @property
    def words(self) -> str:
        """The same for a table."""
        if self.blocked:
            return "the reason of the block" + (", text kept" if self.text else "")
        if self.error is None:
            return "the whole answer"
        return "an error, text kept" if self.text else "an error"


@dataclass(frozen=True)
class Answer:
    """How one request is answered: steps for the fake server, and its options."""

    steps: Sequence[Step]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One thing that happens on the wire."""

    name: str
    group: str
    what: str  # for a table; Markdown
    answers: Sequence[Answer]
    due: Due = Due()
    status: str = "complete"  # gemini_magic's word for it
    says: str = ""  # words that its error must hold beside what is due
    notes: frozenset[str] = frozenset()  # kinds of gemini_magic's notes, all of them
    live: str | None = None  # text that must be seen before the server says more
    silence: float | None = None  # seconds of silence the client is told to bear; None: its default
    retries: int = 0
    waits: float = 0.0  # least time between two requests
    limit: float = 30.0  # seconds until a client counts as hanging

    def put_to(self, server: FakeServer) -> None:
        """Make a server answer the next requests like this."""
        server.forget_all()
        for answer in self.answers:
            server.script(*answer.steps, **answer.options)


@dataclass
class Seen:
    """What a client told its user. `error` is its message, `kind` its class."""

    text: str = ""
    thoughts: str = ""
    finish: str | None = None
    blocked: str | None = None
    total: int | None = None
    blob: int = 0
    error: str | None = None
    kind: str = ""
    # what the server and the clock saw
    late: bool = False
    hangs: bool = False
    times: Sequence[float] = ()


def seen_by(response: Any) -> Seen:
    """What a finished `gemini_magic.Response` tells."""
    parts = response.parts
    return Seen(
        text=response.text,
        thoughts=response.thoughts,
        finish=response.finish_reason,
        blocked=response.block_reason,
        total=response.usage.total,
        blob=sum(len(getattr(part, "data", b"")) for part in parts),
        error=None if response.error is None else str(response.error),
        kind="" if response.error is None else type(response.error).__name__,
    )


def judge(case: Case, seen: Seen) -> str:
    """One cell: `right`, or what is not. A raised error is right where one is due and it holds the server's words."""
    due = case.due
    if seen.hangs:
        return f"hangs (over {case.limit:g} s)"
    if seen.error is not None and due.error is None and not (due.blocked and due.blocked in seen.error):
        after = " after all the text" if seen.text == due.text and due.text else ""
        return f"raises {seen.kind}{after}"
    if due.error is not None:
        if seen.error is None:
            return "silent: no error"
        if due.error.lower() not in seen.error.lower():
            return f"raises {seen.kind} without the server's words"
    return _difference(due, seen) or _conduct(case, seen) or "right"


def _difference(due: Due, seen: Seen) -> str | None:
    if seen.text != due.text:
        letters = iter(due.text)
        lost = all(letter in letters for letter in seen.text)  # what came is right, but not all of it came
        return ("text lost" if seen.error else "silent: text lost") if lost else "wrong text"
    if due.blocked and due.blocked not in (seen.blocked, seen.finish):
        return "silent: no reason"
    told = {
        "thoughts": seen.thoughts,
        "picture": seen.blob,
        "usage": seen.total,
        "finish reason": seen.finish,
    }
    wanted = {"thoughts": due.thoughts, "picture": due.blob, "usage": due.total, "finish reason": due.finish}
    for name, value in wanted.items():
        if told[name] != value:
            return f"wrong {name}" if told[name] else f"silent: {name} lost"
    return None


def _conduct(case: Case, seen: Seen) -> str | None:
    if case.waits and len(seen.times) > 1 and seen.times[1] - seen.times[0] < case.waits:
        return "right text, but asks again too early"
    if len(seen.times) != case.due.requests:
        return f"right text, but asks {len(seen.times)} times"
    return "right text, but late" if seen.late else None


# --------------------------------------------------------------------------------------------------- cases


def _case(
    name: str, group: str, what: str, body: bytes | Sequence[Step], *notes: str, **options: Any
) -> Case:
    server = {key: options.pop(key) for key in ("content_type", "gzip", "close_delimited") if key in options}
    steps = [raw(body)] if isinstance(body, bytes) else body
    return Case(name, group, what, [Answer(steps, server)], notes=frozenset(notes), **options)


def _split(body: bytes, at: bytes, inside: int) -> list[Step]:
    """The body in two network pieces, the second some bytes after `at` begins."""
    place = body.index(at) + inside
    return [raw(body[:place]), pause(0.03), raw(body[place:])]


def _text(text: str) -> Due:
    return Due(text=text)


def _live(first: bytes, rest: bytes) -> list[Step]:
    return [raw(first), gate(MORE), raw(rest)]


def _pictured(size: int) -> Step:
    """Made when it is sent: nobody else should hold so many bytes."""

    def step(exchange: Exchange) -> None:
        dribble(picture(size), 60_000)(exchange)

    return step


EMOJI = sse(chunk("Hi \U0001f600!"), LAST)
# A part of the answer, and word that it is no more than that.
HALF = Due(text=ONE, finish=None, total=None, error="")


def _half(words: str) -> Due:
    return replace(HALF, error=words)


BYTES = [
    _case("normal", "Bytes", "four events", sse(FIRST, chunk("dear "), chunk("old "), LAST), due=_text(ONE + "dear old " + TWO)),
    _case("crlf", "Bytes", "CRLF line ends", sse(FIRST, LAST, end="\r\n")),
    _case("lf", "Bytes", "LF line ends", sse(FIRST, LAST, end="\n")),
    _case("cr", "Bytes", "CR line ends", sse(FIRST, LAST, end="\r")),
    _case("cr-live", "Bytes", "CR line ends, the next event later", _live(sse(FIRST, end="\r"), sse(LAST, end="\r")), live=ONE),
    _case("one-byte", "Bytes", "every byte alone", [dribble(EMOJI)], due=_text("Hi \U0001f600!" + TWO)),
    _case("split-emoji", "Bytes", "an emoji cut in two", _split(EMOJI, "\U0001f600".encode(), 2), due=_text("Hi \U0001f600!" + TWO)),
    _case("split-crlf", "Bytes", "a CRLF cut in two", _split(ANSWER, b"\r\n", 1)),
    _case("gzip", "Bytes", "gzip with a flush an event", _live(sse(FIRST), sse(LAST)), gzip=True, live=ONE),
    _case("u2028", "Bytes", "U+2028 in the text, unescaped", sse(chunk("a\u2028b"), LAST), due=_text("a\u2028b" + TWO)),
    _case("u2029", "Bytes", "U+2029 in the text, unescaped", sse(chunk("a\u2029b"), LAST), due=_text("a\u2029b" + TWO)),
    _case("u0085", "Bytes", "U+0085 in the text, unescaped", sse(chunk("a\u0085b"), LAST), due=_text("a\u0085b" + TWO)),
    _case("bom", "Bytes", "a byte order mark first", b"\xef\xbb\xbf" + ANSWER, "bom"),
    _case(
        "latin-1",
        "Bytes",
        "`charset=ISO-8859-1` in the header, UTF-8 in the body",
        sse(chunk("na\u00efve "), LAST),
        content_type="text/event-stream; charset=ISO-8859-1",
        due=_text("na\u00efve " + TWO),
    ),
]  # fmt: skip

_REFUSED = Due("", finish=None, total=None)
_SPREAD = said(FIRST).replace("}, ", "},\ndata: ").replace('"candidates"', '\ndata: "candidates"')
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
    _case("lines", "Events", "one JSON text on several `data:` lines", f"data: {_SPREAD}\n\n".encode() + sse(LAST)),
    _case(
        "bare-lines",
        "Events",
        "an error whose later lines have no `data:`",
        sse(FIRST) + BARE_LINES.encode(),
        "bare-lines",
        due=_half("Stream failed"),
        status="error",
    ),
    _case("done", "Events", "`data: [DONE]` at the end", ANSWER + b"data: [DONE]\n\n", "done-marker"),
    _case("no-blank-line", "Events", "no blank line after the last event", ANSWER.removesuffix(b"\r\n"), "unterminated"),
    _case("no-newline", "Events", "no line end after the last event", ANSWER.removesuffix(b"\r\n\r\n"), "unterminated"),
    _case("no-blank-lines", "Events", "no blank lines at all", sse(FIRST, LAST, end="\n").replace(b"\n\n", b"\n"), "no-blank-line", "unterminated"),
    _case("5-mb", "Events", "a picture of 5 MB on one line", [_pictured(5_000_000)], due=Due(text=TWO, blob=5_000_000)),
    _case("20-mb", "Events", "a picture of 20 MB on one line", [_pictured(20_000_000)], due=Due(text=TWO, blob=20_000_000)),
]  # fmt: skip

BODIES = [
    _case("array", "Other bodies", "a JSON array", f"[{said(FIRST)}\n,\r\n{said(LAST)}\n]\n".encode(), "json-array", content_type=JSON),
    _case(
        "array-live",
        "Other bodies",
        "a JSON array, the next element later",
        _live(b"[" + json.dumps(FIRST, indent=2).encode(), b",\r\n" + json.dumps(LAST, indent=2).encode() + b"\n]\n"),
        "json-array",
        content_type=JSON,
        live=ONE,
    ),
    _case("html", "Other bodies", "HTTP 200 with an HTML page", SIGN_IN, "not-json", "unterminated", content_type=HTML, due=replace(_REFUSED, error=""), status="error", says="log in to the network"),
    _case("error-event", "Other bodies", "an error as an event", sse(FIRST, OVERLOADED), due=_half("overloaded"), status="error"),
    _case(
        "error-second-key",
        "Other bodies",
        "the same, `error` not its first key",
        sse(FIRST, {"responseId": "x"} | OVERLOADED),
        due=_half("overloaded"),
        status="error",
    ),
    _case(
        "error-bare",
        "Other bodies",
        "the same, indented and without `data:`",
        sse(FIRST) + json.dumps(OVERLOADED, indent=2).encode() + b"\n",
        "bare-lines", "unterminated", "error-outside-data",
        due=_half("overloaded"),
        status="error",
    ),
]  # fmt: skip

_LOST = {"due": HALF, "status": "truncated"}
_SILENT = _case(
    "silent",
    "Endings",
    "silence in mid-answer, told to bear 0.5 s of it",
    [raw(sse(FIRST)), stall()],
    due=HALF,
    status="stalled",
    silence=0.5,
)
ENDINGS = [
    _case("no-reason", "Endings", "the end without a finish reason", sse(FIRST), says="without a finish reason", **_LOST),
    _case("cut-json", "Endings", "the end in the middle of a JSON text", sse(FIRST) + sse(LAST)[:60], "not-json", "unterminated", says="without a finish reason", **_LOST),
    _case("cut", "Endings", "closed in the middle of an event", [raw(sse(FIRST)), cut()], "not-json", "unterminated", says="connection was lost", **_LOST),
    _case("closed", "Endings", "closed between two events", [raw(sse(FIRST)), cut(b"")], says="connection was lost", **_LOST),
    _case("reset", "Endings", "reset (RST)", [raw(sse(FIRST)), gate(MORE), reset()], live=ONE, says="connection was lost", **_LOST),
    _SILENT,
    replace(_SILENT, name="silent-default", what="silence in mid-answer, nothing set", silence=None, says="No data arrived for 60 s", limit=75.0),
]  # fmt: skip

_NO_CONTENT = {"promptTokenCount": 4, "totalTokenCount": 4}
_THOUGHT = chunk() | {
    "candidates": [{"content": {"parts": [{"text": "Hm.", "thought": True}], "role": "model"}, "index": 0}]
}
_STRANGE = {
    "candidates": [{"content": {"parts": [{"text": TWO, "newInPart": 1}], "newInContent": 2}, "finishReason": "NEW_REASON", "newInCandidate": [3]}],
    "usageMetadata": USAGE | {"newTokenCount": 4},
    "newAtTop": {"a": 5},
}  # fmt: skip
ANSWERS = [
    _case(
        "prompt-blocked",
        "Answers",
        "`blockReason` and no candidates",
        sse({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": _NO_CONTENT}),
        due=Due("", finish=None, total=4, blocked="SAFETY"),
        status="blocked",
    ),
    _case(
        "answer-blocked",
        "Answers",
        "`SAFETY` without content",
        sse(FIRST, chunk(finish="SAFETY", usage=USAGE)),
        due=Due(ONE, finish="SAFETY", blocked="SAFETY"),
        status="blocked",
    ),
    _case("thoughts", "Answers", "thoughts", sse(_THOUGHT, FIRST, LAST), due=Due(thoughts="Hm.")),
    _case("two-parts", "Answers", "two parts in one chunk", sse(chunk("A", "B"), chunk("C", "D", finish="STOP", usage=USAGE)), due=_text("ABCD")),
    _case("newline-last", "Answers", "a last chunk of one line feed", sse(chunk(BOTH), chunk("\n", finish="STOP", usage=USAGE)), due=_text(BOTH + "\n")),
    _case("unknown", "Answers", "unknown fields, an unknown reason", sse(FIRST, _STRANGE), "unknown-finish-reason", "unknown-field", due=Due(finish="NEW_REASON")),
    _case("usage-last", "Answers", "usage in a last event without candidates", sse(FIRST, chunk(TWO, finish="STOP"), {"usageMetadata": USAGE})),
]  # fmt: skip

REFUSALS = [
    _case(
        "429",
        "Refusals",
        "429 with RetryInfo, no retries wanted",
        [status(429, body=EXHAUSTED)],
        due=replace(_REFUSED, error="exceeded your current quota"),
        status="error",
        says="asks to wait 2 s",
    ),
    Case(
        "429-then-200",
        "Refusals",
        f"429 with RetryInfo ({WAIT} s), retries wanted",
        [Answer([status(429, body=EXHAUSTED)]), Answer([raw(ANSWER)])],
        due=Due(requests=2),
        notes=frozenset({"retry"}),
        retries=2,
        waits=WAIT,
    ),
    _case("503-html", "Refusals", "503 with an HTML page", [status(503, body=BAD_GATEWAY)], due=replace(_REFUSED, error="No server is available"), status="error"),
]  # fmt: skip

CASES: tuple[Case, ...] = (*BYTES, *EVENTS, *BODIES, *ENDINGS, *ANSWERS, *REFUSALS)
