"""The status line of an answer, the details of a bad ending, and the warnings, all as plain text.

Nothing is escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, overload

from .. import media
from ..content import Blob, File, LocalFile
from ..events import Finish, Note
from ..ledger import (
    Candidate,
    Ledger,
    Phase,
    TextStretch,
    ToolRun,
    Transfer,
    count_items,
)
from ..text import visible
from .server_run import run_budget, run_state
from .steps import step_activity, step_count
from .units import whole_seconds
from .words import word_count

__all__ = [
    "Details",
    "details",
    "elapsed_seconds",
    "error_lines",
    "readable_seconds",
    "redact",
    "repetition_notice",
    "status_facts",
    "status_line",
    "status_mark",
    "thinking_time",
    "toolbar_hint",
    "wait_text",
    "warnings",
]

_QUIET = 3.0  # seconds without data after which the status line shows it
_MINUTE = 60.0
_SHORT = 10.0
_WARNINGS = 3  # that are shown
_MISMATCH = "mismatch"  # the kind of a note about a value that does not fit its schema
_NAME = 40  # characters of a name from a gateway, or of a file
_BAR = 20  # characters of a progress bar
_HOST = 80  # characters of the name of a server
_RESUME = "`%gemini resume` asks for the rest."
_AGAIN = "`%gemini resume` sends the same prompt again."
_LIMIT = "`%gemini resume` asks for the rest; `--max-tokens` sets the limit."
_KEY = re.compile(r"AIza[\w-]{16,}")  # Google's API keys; servers quote them in their messages
_SPACE = re.compile(r"\s+")

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
    """Describes the bad ending of an answer.

    Attributes:
        title: a short summary; may be empty.
        message: what happened.
        remedy: what can be done now, with code in back-ticks.
    """

    title: str
    message: str
    remedy: str

    @property
    def lines(self) -> list[str]:
        """Title and message on one line, and the remedy on the next."""
        return [line for line in (f"{self.title} {self.message}".strip(), self.remedy) if line]


@overload
def redact(text: str) -> str: ...
@overload
def redact(text: None) -> None: ...
def redact(text: str | None) -> str | None:
    """Replace Google API keys and lone surrogates in a text from a server."""
    if text is None:
        return None
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _KEY.sub("AIza…", text)


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", redact(text)).strip()


def status_mark(ledger: Ledger) -> str:
    """One character that shows the status without color."""
    return _MARKS["running" if ledger.cause == "arriving" else ledger.status]


def elapsed_seconds(ledger: Ledger, now: float | None = None) -> float:
    """Seconds since the request was sent, or the whole duration of an answer that has ended.

    Args:
        ledger: the record.
        now: seconds since the request was sent, for a running ledger; measured by the wall clock when omitted.
    """
    if ledger.status != "running" and "total" in ledger.marks:
        return ledger.marks["total"]
    if now is not None:
        return max(0.0, now)
    if ledger.status != "running":
        return ledger.raw[-1].t if ledger.raw else 0.0
    return max(0.0, (datetime.now(UTC) - ledger.started).total_seconds())


def readable_seconds(value: float) -> str:
    """A duration in seconds as the status line shows it."""
    if value < _SHORT:
        return f"{value:.1f} s"
    if value < _MINUTE:
        return f"{value:.0f} s"
    return whole_seconds(int(value))


def thinking_time(ledger: Ledger, now: float | None = None) -> str:
    """The time between the first thought and the first text of the answer; empty without thoughts before the answer.

    Until the answer begins, this is the time until ``now`` in whole seconds; see :func:`elapsed_seconds` for ``now``.
    """
    begun, ended = ledger.marks.get("first_thought"), ledger.marks.get("first_text")
    if begun is None:
        return ""
    if ended is None and ledger.status == "running":
        return whole_seconds(max(0, int(elapsed_seconds(ledger, now) - ledger.delay - begun)))
    if ended is None:
        ended = ledger.marks.get("total", ledger.raw[-1].t)
    return readable_seconds(ended - begun) if ended > begun else ""


def wait_text(ledger: Ledger, now: float) -> str:
    """Describe why the next request is not sent yet at ``now`` seconds, with the remaining time, the progress, or the tool.

    The text changes about once a second. It is empty if no request is delayed.
    """
    pause, phase = ledger.pause, ledger.phase
    if phase in ("tools", "confirming"):
        return _tool_state(ledger, now - ledger.delay)
    if isinstance(pause, Transfer):
        return _transfer_text(phase, pause, now) if phase in ("uploading", "processing") else ""
    if pause is None or phase not in ("retrying", "queued", "resuming"):
        return ""
    left = round(pause.until - now)
    why = f" ({_one_line(pause.why)})"
    if ledger.phase == "queued":
        return f"waiting for the rate limit{f', {whole_seconds(left)}' if left > 0 else ''}{why}"
    word = "reconnecting" if phase == "resuming" else "retrying"
    return f"{word}{f' in {whole_seconds(left)}' if left > 0 else ''}{why}, attempt {pause.attempt} of {pause.of}"


def _tool_state(ledger: Ledger, now: float) -> str:
    """Which tool runs and for how long, or which one waits for the user.

    Args:
        ledger: the record.
        now: seconds since the first request was sent.
    """
    question = ledger.confirmation
    if question is not None:
        return f"waiting for your confirmation of {_tool_name(question.run)}"
    running = [run for run in ledger.tool_runs if run.state == "running"]
    if not running:
        return "running tools"
    more = f" and {len(running) - 1} more" if len(running) > 1 else ""
    seconds = max(0, int(now - min(run.started or 0.0 for run in running)))
    return f"running {_tool_name(running[0])}{more}, {whole_seconds(seconds)}"


def _tool_name(run: ToolRun) -> str:
    return _one_line(run.name)[:_NAME] or "a tool"


def toolbar_hint(ledger: Ledger) -> str:
    """A short text for the status line while a tool runs that the Stop button cannot end; else empty.

    Such a tool runs on the thread that handles clicks.
    """
    blocks = ledger.phase == "tools" and any(
        run.state == "running" and not run.in_thread for run in ledger.tool_runs
    )
    return "interrupt with ■ in the toolbar" if blocks else ""


def _rounds(ledger: Ledger) -> str:
    """The number of rounds and of tool runs; empty for an answer without tool runs."""
    rounds, runs = ledger.round + 1, len(ledger.tool_runs)
    if not runs:
        return ""
    return f"{rounds} round{'' if rounds == 1 else 's'}, {runs} tool run{'' if runs == 1 else 's'}"


def _steps(ledger: Ledger) -> str:
    """The number of steps; empty for an answer of an API without steps."""
    count = step_count(ledger)
    return f"{count:,} step{'' if count == 1 else 's'}" if count else ""


def _transfer_text(phase: Phase, transfer: Transfer, now: float) -> str:
    """The progress of an upload, with a bar; or for how long the server has been processing the file."""
    name = _one_line(transfer.name)
    name = name if len(name) <= _NAME else f"{name[: _NAME // 2]}…{name[1 - _NAME // 2 :]}"
    files = f" (file {transfer.number} of {transfer.of})" if transfer.of > 1 else ""
    if phase == "processing":
        return f"the server is processing {name}, {whole_seconds(max(0, int(now - transfer.since)))}{files}"
    share = transfer.sent / transfer.size if transfer.size else 1.0
    filled = int(share * _BAR)
    bar = f"{'━' * filled}{'─' * (_BAR - filled)}"
    return f"uploading {name} {bar} {int(share * 100)} % of {media.readable_size(transfer.size)}{files}"


def _running_state(ledger: Ledger, now: float) -> str:
    if delay := wait_text(ledger, now) or run_state(ledger, now):
        return delay
    if ledger.phase in ("connecting", "waiting") and _resumed_count(ledger):
        return "reconnecting"
    if ledger.phase in ("preparing", "connecting"):
        return "connecting"
    if not ledger.raw:
        return "waiting for the first byte"
    quiet = now - ledger.delay - ledger.raw[-1].t
    activity = step_activity(ledger) or ("thinking" if ledger.thoughts and not ledger.answer else "streaming")
    return f"{activity}, no data for {quiet:.0f} s" if quiet >= _QUIET else activity


def _other_content(ledger: Ledger) -> list[str]:
    """What an answer contains beside text, in few words: the status line should not wrap."""
    return count_items(Candidate(ledger, 0).items)  # tool runs are another fact


def _stretches(ledger: Ledger) -> Sequence[str]:
    """The text of an answer in pieces that no word continues, as a picture or a code run lies between two of them."""
    stretches = [item for item in Candidate(ledger, 0).items if isinstance(item, TextStretch)]
    if len(stretches) <= 1:
        return ledger.answer
    text = ledger.answer.text
    return [f"{text[each.start : each.end]}\n" for each in stretches]


def _ended_state(ledger: Ledger) -> str:
    finish = ledger.finish
    if ledger.status == "complete":
        contents = [text for text in (word_count(_stretches(ledger)), *_other_content(ledger)) if text]
        unusual = f" ({_one_line(finish.reason)})" if finish and finish.outcome != "complete" else ""
        subject = "rest of the answer" if ledger.before else "answer"
        return f"{subject} complete{unusual}, {', '.join(contents) or 'no text'}{_attempts(ledger)}"
    if ledger.status == "truncated":
        return f"truncated: {_truncation(ledger)}"
    if ledger.status == "blocked":
        subject, decisive = _decisive_finish(ledger)
        blocked = ledger.blocked or decisive
        refused = ledger.failure.status if ledger.failure is not None and ledger.failure.blocked else None
        name = refused or (blocked.reason if blocked else "")
        reason = f" ({_one_line(name)})" if name else ""
        return f"{'prompt blocked' if ledger.blocked else f'{subject}blocked'}{reason}"
    if ledger.status == "stalled":
        limit_s = "" if ledger.limit is None else f" for {ledger.limit:g} s"
        if ledger.cause == "timeout":
            return f"stalled: not finished{limit_s.replace('for', 'within')}"
        return f"stalled: no data{limit_s}"
    if ledger.status == "error":
        code = getattr(ledger.error, "code", None)
        status = getattr(ledger.error, "status", None)
        return " ".join(str(part) for part in ("error", code, status) if part) + _attempts(ledger)
    return _interrupted_state(ledger)


def _truncation(ledger: Ledger) -> str:
    """Why a truncated answer is not whole."""
    if ledger.cause == "cut" and ledger.error is not None:
        return "the connection was lost"
    if ledger.cause == "full":
        return "larger than --max-total"
    if ledger.cause == "rounds":
        return "the limit of --max-rounds was reached"
    subject, finish = _decisive_finish(ledger)
    if finish is None:
        return f"{subject}ended without a finish reason"
    if ledger.lost and finish.outcome in ("complete", None):
        return "a part of the answer is lost"
    if finish.outcome == "budget":
        return "the agent's token budget is used up"
    limit = finish.outcome == "truncated"
    return f"{subject}{'stopped at the token limit' if limit else 'ended early by the server'}"


def _decisive_finish(ledger: Ledger) -> tuple[str, Finish | None]:
    """The finish reason that decided the status, and the name of its candidate if it is not the one that is shown."""
    finish = ledger.finish
    if finish is not None and finish.outcome == "complete":
        for index, other in ledger.other_finishes().items():
            if other is None or other.outcome not in ("complete", None):
                return f"candidate {index} ", other
    return "", finish


def _interrupted_state(ledger: Ledger) -> str:
    if ledger.cause == "arriving" and ledger.error is not None:  # the message has the place and the progress
        message = _one_line(ledger.error.message).rstrip(".")
        return message[:1].lower() + message[1:]
    if ledger.cause == "end":
        return "cancelled on the server"
    return {"stop": "stopped", "left": "the kernel ended"}.get(ledger.cause or "", "interrupted")


def _resumed_count(ledger: Ledger) -> int:
    """How often a stored answer was resumed after its stream was cut."""
    return sum(each.resumed and each.attempt > 0 for each in list(ledger.exchanges))


def _resumptions(ledger: Ledger) -> str:
    """How often the answer was resumed, for the status line; empty if it never was."""
    count = 0 if ledger.steps.run is not None else _resumed_count(ledger)  # those are looks
    return f"resumed {'once' if count == 1 else f'{count} times'}" if count else ""


def _attempts(ledger: Ledger) -> str:
    """The number of attempts, if there was more than one in a round."""
    count = len(ledger.exchanges) - ledger.round - _resumed_count(ledger)
    unstreamed = any(note.kind == "fallback" for note in list(ledger.notes))
    last = ", the last without streaming" if unstreamed else ""
    return f" after {count} attempts{last}" if count > 1 else ""


def _other_candidates(ledger: Ledger) -> str:
    """The number of candidates, if there is more than the one that is shown."""
    count = len({0, *ledger.parts})
    return f"1 of {count} candidates shown (.candidates)" if count > 1 else ""


def _tokens(ledger: Ledger) -> str:
    usage = ledger.usage
    if usage is None or (usage.prompt is None and usage.output is None):
        return ""
    prompt, output = ("?" if count is None else f"{count:,}" for count in (usage.prompt, usage.output))
    thoughts = f" (+{usage.thoughts:,} thoughts)" if usage.thoughts else ""
    return f"{prompt} → {output} tokens{thoughts}"


def _gateway(ledger: Ledger) -> list[str]:
    """The provider that a gateway used, and the cache tier, if the answer is from a cache."""
    provider, tier = ledger.extras.get("provider"), ledger.extras.get("cache_tier")
    via = f"via {_one_line(provider)[:_NAME]}" if isinstance(provider, str) and provider.strip() else ""
    hit = isinstance(tier, str) and tier.strip().lower() not in ("", "none")
    return [via, f"cached: {_one_line(str(tier))[:_NAME]}" if hit else ""]


def _sent_media(ledger: Ledger) -> str:
    """The media in the prompt: ``sent 1 image, 2.1 MB``; empty without media."""
    parts = ledger.request.turns[-1].parts if ledger.request and ledger.request.turns else ()
    if not any(isinstance(part, Blob | File | LocalFile) for part in parts):
        return ""
    return f"sent {media.summarize_media(parts)}"


def status_facts(ledger: Ledger, *, now: float | None = None, state: str = "") -> list[str]:
    """The parts of the status line, most important first.

    Args:
        ledger: the record.
        now: seconds since the request was sent; measured by the wall clock when omitted.
        state: what is shown instead of the state of the answer, if it is not empty.
    """
    elapsed = elapsed_seconds(ledger, now)
    asked = ledger.request
    model = ledger.model_version or (asked.settings.agent or asked.model if asked else "")
    if not state:
        state = _running_state(ledger, elapsed) if ledger.status == "running" else _ended_state(ledger)
    sources = {
        "recording": "from a recording",
        "journal": "from the journal",
        "cache": "from the cache",
        "store": "from the store",
        "echo": "offline echo",
    }
    took = readable_seconds(elapsed) if elapsed or ledger.status == "running" else ""
    known = (
        _one_line(ledger.conversation),
        _sent_media(ledger),
        _other_candidates(ledger),
        _rounds(ledger),
        _resumptions(ledger),
        _steps(ledger),
        _tokens(ledger),
        run_budget(ledger),
        *_gateway(ledger),
        sources.get(ledger.source, ""),
    )
    place = f"at {_one_line(ledger.host)[:_HOST]}" if ledger.host else ""
    found = (f"{_one_line(model)} {place}".strip(), state, took, *known)
    return [fact for fact in found if fact]


def status_line(ledger: Ledger, *, now: float | None = None) -> str:
    """The status line: model, state, elapsed time, tokens and source on one line of plain text.

    Args:
        ledger: the record.
        now: seconds since the request was sent; measured by the wall clock when omitted.
    """
    return f"{status_mark(ledger)} {' · '.join(status_facts(ledger, now=now))}"


def details(ledger: Ledger) -> Details | None:
    """Describe a bad ending and its remedy; None for a running or a complete answer."""
    if ledger.status in ("running", "complete"):
        return None
    has_some = ledger.answer or _other_content(ledger)
    partial = "This answer is incomplete." if has_some else "No answer."
    # An interrupted answer has no title, because its message begins with the same text.
    title = {"interrupted": "", "blocked": "Blocked."}.get(ledger.status, partial)
    if ledger.error is None:
        return _token_limit(ledger, title)
    message = _one_line(ledger.error.message)
    return Details(title, message, _one_line(ledger.error.remedy) or (_RESUME if ledger.answer else _AGAIN))


def error_lines(ledger: Ledger) -> tuple[str, str] | None:
    """The message and the remedy of a bad ending as a cell shows them in its error; None if there is none."""
    found = details(ledger)
    return found and (visible(found.message), visible(found.remedy))


def _token_limit(ledger: Ledger, title: str) -> Details:
    """Describe an answer that stopped at the token limit, and whether thinking used up the limit."""
    usage = ledger.usage
    thoughts = (usage.thoughts if usage is not None else None) or 0
    if usage is None or thoughts <= (usage.output or 0):
        return Details(title, "The answer stopped at the token limit.", _LIMIT)
    message = f"The answer stopped at the token limit: thinking used {thoughts:,} tokens, the answer {usage.output or 0:,}."
    return Details(title, message, "Set `--thinking low` or `--thinking off`, or a higher `--max-tokens`.")


def repetition_notice(ledger: Ledger) -> str:
    """A short text for the status line of an answer that repeats itself while it arrives; else empty."""
    return (
        "the model repeats itself: Stop ends the answer"
        if ledger.answer.phrase or ledger.thoughts.phrase
        else ""
    )


def warnings(ledger: Ledger, notes: Sequence[Note]) -> list[str]:
    """The notes that a reader of the answer must know, one line each. Harmless notes are in the tables only.

    Args:
        ledger: the record.
        notes: its diagnostics.
    """
    # The status line shows already that the connection was lost, the kernel ended, or the answer is still running.
    known = ("unterminated", "not-json") if ledger.cause in ("cut", "left", "arriving") else ()
    shown = [note for note in notes if note.severity != "info" and note.kind not in known]
    if ledger.status == "complete" and _resumed_count(ledger):  # the cut was made good
        shown = [note for note in shown if note.kind not in ("unterminated", "not-json")]
    problems = [
        note for note in shown if note.kind == _MISMATCH
    ]  # of a typed answer; each says what to change
    found = [note for note in shown if note.kind != _MISMATCH]
    lines = [_one_line(note.message) for note in (*problems, *found[:_WARNINGS])]
    if len(found) > _WARNINGS:
        lines.append(f"{len(found) - _WARNINGS} more warnings: see `.notes`.")
    return [f"⚠ {line}" for line in lines]
