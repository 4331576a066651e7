"""What a ledger's state is called in plain words, on one line, and what can be done about a bad ending.

Plain text only: it knows neither HTML nor terminals, and escapes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate, islice
from typing import NamedTuple, overload

from ..content import Blob, Call, Code
from ..ledger import Ledger

__all__ = [
    "Details",
    "details",
    "elapsed_of",
    "facts",
    "mark_of",
    "redacted",
    "status_line",
    "thinking_time",
    "waiting",
    "words",
]

_QUIET = 3.0  # seconds without a byte after which the line says so
_MINUTE = 60.0
_SHORT = 10.0
_COUNTED = 1_000_000  # characters whose words are counted
_NAME = 40  # characters of a gateway's word
_RESUME = "`%gemini resume` asks for the rest."
_AGAIN = "`%gemini resume` asks the same question again."
_LIMIT = "`%gemini resume` asks for the rest; `--max-tokens` sets the limit."
_KEY = re.compile(r"AIza[\w-]{16,}")  # how Google's API keys begin; servers quote them in their messages
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"(?<!\S)[^\w\s]*\w\S*")

_MARKS = {
    "running": "…",
    "complete": "✓",
    "truncated": "⚠",
    "stalled": "⚠",
    "blocked": "✕",
    "error": "✕",
    "interrupted": "■",
}


class Details(NamedTuple):
    """What a reader should know about an answer that did not end well.

    Attributes:
        title: a few words.
        message: what happened; empty when the title says it all.
        remedy: what can be done now, code in back-ticks; empty when there is nothing.
    """

    title: str
    message: str
    remedy: str


@overload
def redacted(text: str) -> str: ...
@overload
def redacted(text: None) -> None: ...
def redacted(text: str | None) -> str | None:
    """A server's words without what looks like a Google API key, and without what no encoder takes."""
    if text is None:
        return None
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _KEY.sub("AIza…", text)


def _line(text: str) -> str:
    return _SPACE.sub(" ", redacted(text)).strip()


def words(pieces: Sequence[str]) -> str:
    """``1 word`` or ``1,234 words``; bare markup such as ``|`` or ``---`` is no word; empty without text.

    The words of a very long text are estimated from its beginning.
    """
    pieces = list(pieces)  # a copy first: the reader may be appending
    length = sum(map(len, pieces))
    text = "".join(pieces) if length <= _COUNTED else "".join(islice(pieces, _enough(pieces)))[:_COUNTED]
    if not text.strip():
        return ""
    count = sum(1 for _ in _WORD.finditer(text))
    if length > _COUNTED:
        about = round(count * length / _COUNTED)
        return f"about {round(about, 2 - len(str(about))):,} words"
    return f"{count:,} word{'' if count == 1 else 's'}"


def _enough(pieces: Sequence[str]) -> int:
    """How many pieces hold the characters that are counted."""
    return next(at for at, length in enumerate(accumulate(map(len, pieces)), 1) if length >= _COUNTED)


def mark_of(ledger: Ledger) -> str:
    """One character that shows the status without colour."""
    return _MARKS["running" if ledger.cause == "arriving" else ledger.status]


def elapsed_of(ledger: Ledger, now: float | None = None) -> float:
    """Seconds since the request was sent: ``now`` while it runs, the whole duration when it is over.

    Without ``now`` a running ledger is measured by the wall clock.
    """
    if ledger.status != "running" and "total" in ledger.marks:
        return ledger.marks["total"]
    if now is not None:
        return max(0.0, now)
    if ledger.status != "running":
        return ledger.raw[-1].t if ledger.raw else 0.0
    return max(0.0, (datetime.now(UTC) - ledger.started).total_seconds())


def _seconds(value: float) -> str:
    if value < _SHORT:
        return f"{value:.1f} s"
    if value < _MINUTE:
        return f"{value:.0f} s"
    minutes, seconds = divmod(int(value), 60)
    return f"{minutes} min {seconds:02d} s"


def _whole(seconds: int) -> str:
    """Seconds that are counted down."""
    return f"{seconds} s" if seconds < _MINUTE else _seconds(seconds)


def thinking_time(ledger: Ledger, now: float | None = None) -> str:
    """How long it thought before the answer began, by the stamps of the ledger; empty when it did not.

    While it still thinks these are whole seconds until ``now``, which counts as in :func:`elapsed_of`.
    """
    begun, ended = ledger.marks.get("first_thought"), ledger.marks.get("first_text")
    if begun is None:
        return ""
    if ended is None and ledger.status == "running":
        return _whole(max(0, int(elapsed_of(ledger, now) - ledger.delay - begun)))
    if ended is None:
        ended = ledger.marks.get("total", ledger.raw[-1].t)
    return _seconds(ended - begun) if ended > begun else ""


def waiting(ledger: Ledger, now: float) -> str:
    """Why no request is on its way at ``now`` seconds, and how long that lasts; empty while one is.

    It changes once a second.
    """
    pause = ledger.pause
    if pause is None or ledger.phase not in ("retrying", "queued"):
        return ""
    left = round(pause.until - now)
    why = f" ({_line(pause.why)})"
    if ledger.phase == "queued":
        return f"waiting for its turn{f', {_whole(left)}' if left > 0 else ''}{why}"
    return f"retrying{f' in {_whole(left)}' if left > 0 else ''}{why}, attempt {pause.attempt} of {pause.of}"


def _running(ledger: Ledger, now: float) -> str:
    if wait := waiting(ledger, now):
        return wait
    if ledger.phase in ("preparing", "connecting"):
        return "connecting"
    if not ledger.raw:
        return "waiting for the first byte"
    quiet = now - ledger.delay - ledger.raw[-1].t
    doing = "thinking" if ledger.thoughts and not ledger.answer else "streaming"
    return f"{doing}, nothing for {quiet:.0f} s" if quiet >= _QUIET else doing


def _others(ledger: Ledger) -> list[str]:
    """What an answer holds beside text."""
    held = Counter(map(type, ledger.parts.get(0, ())))
    kinds = ((Call, "function call", "calls"), (Blob, "media part", "images"), (Code, "code run", "parts"))
    counted = ((held[kind], name, where) for kind, name, where in kinds)
    return [
        f"{count} {name}{'' if count == 1 else 's'} (.{where})" for count, name, where in counted if count
    ]


def _ended(ledger: Ledger) -> str:
    finish = ledger.finish
    if ledger.status == "complete":
        held = [said for said in (words(ledger.answer), *_others(ledger)) if said]
        unusual = f" ({_line(finish.reason)})" if finish and finish.outcome != "complete" else ""
        whose = "rest" if ledger.before else "answer"
        return f"{whose} complete{unusual}, {', '.join(held) or 'no text'}{_tries(ledger)}"
    if ledger.status == "truncated":
        if ledger.cause == "cut":
            return "truncated: the connection was lost"
        if ledger.cause == "full":
            return "truncated: it passed --max-total"
        if finish is None:
            return "truncated: it ended without a finish reason"
        limit = finish.outcome == "truncated"
        return f"truncated: {'stopped at the token limit' if limit else 'the server stopped in the middle'}"
    if ledger.status == "blocked":
        blocked = ledger.blocked or finish
        reason = f" ({_line(blocked.reason)})" if blocked else ""
        return f"{'prompt blocked' if ledger.blocked else 'blocked'}{reason}"
    if ledger.status == "stalled":
        limit_s = "" if ledger.limit is None else f" for {ledger.limit:g} s"
        if ledger.cause == "timeout":
            return f"stalled: not finished{limit_s.replace('for', 'within')}"
        return f"stalled: nothing came{limit_s}"
    if ledger.status == "error":
        code = getattr(ledger.error, "code", None)
        status = getattr(ledger.error, "status", None)
        return " ".join(str(part) for part in ("error", code, status) if part) + _tries(ledger)
    return _interrupted(ledger)


def _interrupted(ledger: Ledger) -> str:
    if ledger.cause == "arriving" and ledger.error is not None:  # where, and how far it is
        said = _line(ledger.error.message).rstrip(".")
        return said[:1].lower() + said[1:]
    return {"stop": "stopped", "left": "the kernel ended"}.get(ledger.cause or "", "interrupted")


def _tries(ledger: Ledger) -> str:
    """How often it was asked, where that was more than once."""
    count = len(ledger.exchanges)
    whole = any(note.kind == "fallback" for note in list(ledger.notes))
    last = ", the last without streaming" if whole else ""
    return f" after {count} tries{last}" if count > 1 else ""


def _others_said(ledger: Ledger) -> str:
    """That there are more answers than the one that is shown."""
    count = len({0, *ledger.parts})
    return f"answer 1 of {count} shown, `.candidates` has all" if count > 1 else ""


def _tokens(ledger: Ledger) -> str:
    usage = ledger.usage
    if usage is None or (usage.prompt is None and usage.output is None):
        return ""
    prompt, output = ("?" if count is None else f"{count:,}" for count in (usage.prompt, usage.output))
    thoughts = f" (+{usage.thoughts:,} thoughts)" if usage.thoughts else ""
    return f"{prompt} → {output} tokens{thoughts}"


def _gateway(ledger: Ledger) -> list[str]:
    """Which provider a gateway took the answer from, and whether it came from its cache."""
    provider, tier = ledger.extras.get("provider"), ledger.extras.get("cache_tier")
    via = f"via {_line(provider)[:_NAME]}" if isinstance(provider, str) and provider.strip() else ""
    hit = isinstance(tier, str) and tier.strip().lower() not in ("", "none")
    return [via, f"cached: {_line(str(tier))[:_NAME]}" if hit else ""]


def facts(ledger: Ledger, *, now: float | None = None) -> list[str]:
    """The pieces of the status line, most important first.

    Args:
        ledger: the record.
        now: seconds since the request was sent; by the wall clock when left out.
    """
    elapsed = elapsed_of(ledger, now)
    model = ledger.model_version or (ledger.request.model if ledger.request else "")
    state = _running(ledger, elapsed) if ledger.status == "running" else _ended(ledger)
    sources = {"recording": "from a recording", "journal": "from the journal", "echo": "offline echo"}
    took = _seconds(elapsed) if elapsed or ledger.status == "running" else ""
    known = (_others_said(ledger), _tokens(ledger), *_gateway(ledger), sources.get(ledger.source, ""))
    found = (_line(model), state, took, *known)
    return [fact for fact in found if fact]


def status_line(ledger: Ledger, *, now: float | None = None) -> str:
    """One line of plain text: model, state, elapsed time, tokens, and whether it is a recording.

    Args:
        ledger: the record.
        now: seconds since the request was sent; by the wall clock when left out.
    """
    return f"{mark_of(ledger)} {' · '.join(facts(ledger, now=now))}"


def details(ledger: Ledger) -> Details | None:
    """What went wrong and what is offered; None while it runs and for an answer that is complete."""
    if ledger.status in ("running", "complete"):
        return None
    partial = "This answer is incomplete." if ledger.answer else "No answer."
    title = {"interrupted": "Stopped.", "blocked": "Blocked."}.get(ledger.status, partial)
    if ledger.error is None:
        return Details(title, "It stopped at the token limit.", _LIMIT)
    message = _line(ledger.error.message)
    if ledger.status == "interrupted" and message.startswith(("Stopped", "The kernel ended", "Still")):
        title = ""
    return Details(title, message, _line(ledger.error.remedy) or (_RESUME if ledger.answer else _AGAIN))
