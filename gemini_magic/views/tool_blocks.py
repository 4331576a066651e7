"""A tool run as text: the line of a folded run, and the sections of an open one.

Names, arguments, results and output come from a model or a program. Here they are plain text; ``tool_html``,
``item_text`` and ``terminal`` clean and escape them. API keys are masked, because notebooks are shared.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any, Final, NamedTuple

from ..content import Blob, Call
from ..ledger import ToolRun
from ..text import one_line, short_line, without_escapes
from .status import redact
from .units import duration, whole_seconds

__all__ = [
    "RunLine",
    "RunSection",
    "arguments_text",
    "json_text",
    "one_line_call",
    "result_text",
    "run_clock",
    "run_line",
    "run_pictures",
    "run_sections",
]

_MAX_CALL: Final = 100  # characters of a call on the line
_MAX_OUTCOME: Final = 120  # characters of a result or a message on the line
_MAX_NAME: Final = 80
_MAX_SHOWN: Final = 20_000  # characters of a section
_MAX_DISPLAYS: Final = 20
_SHORT: Final = 0.1  # seconds; a shorter time is shown in milliseconds
_LONG: Final = 10.0  # seconds; a longer time has no decimals
_PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_FAILED: Final = ("failed", "invalid", "not_offered", "timed_out")
_FIXED: Final = {
    "queued": "· waiting",
    "confirming": "· waiting for confirmation",
    "running": "· running",
    "skipped": "· skipped by you",
    "stopped": "■ stopped",
    "not_offered": "✗ not run: no tool of this name is offered",
}
_PROBLEMS: Final = {
    "refused": "· refused",
    "invalid": "✗ not run",
    "timed_out": "✗",  # the message has the number of seconds
    "failed": "✗ failed",
}
_DO_NOT_FIT: Final = "do not fit:\n"  # the end of the first line of what the model receives about arguments
_STILL_RUNNING: Final = "; it is still running"
_APPROVALS: Final = {
    "you": "approved by you",
    "always": "approved by you for all calls of this tool in this session",
}


class RunLine(NamedTuple):
    """The line of a folded tool run.

    Attributes:
        call: the call on one line, perhaps shortened.
        result: what became of it, such as ``→ 21 °C``.
        pictures: what it gave besides, such as ``[picture]``; a page shows small pictures instead.
        facts: more about it, such as ``0.3 s``.
        failed: whether it gave no result.
        whole: whether the line shows all arguments and the complete result.
    """

    call: str
    result: str
    pictures: str
    facts: tuple[str, ...]
    failed: bool
    whole: bool

    @property
    def outcome(self) -> str:
        """What became of the call, such as ``→ 21 °C · 0.3 s``."""
        return " · ".join([" ".join(filter(None, (self.result, self.pictures))), *self.facts])

    @property
    def text(self) -> str:
        """The whole line."""
        return f"{self.call} {self.outcome}".rstrip()


class RunSection(NamedTuple):
    """A section of an open tool run.

    Attributes:
        title: what it is; empty for a sentence.
        text: the text, at most 20,000 characters, or a sentence.
        language: the language of the text; empty for plain text.
    """

    title: str
    text: str
    language: str = ""


def run_line(run: ToolRun) -> RunLine:
    """Return the line of a folded tool run."""
    call, whole_call = one_line_call(run.call)
    result, whole = _outcome(run)
    count = len(run_pictures(run)) if run.state == "done" else 0
    pictures = "" if not count else "[picture]" if count == 1 else f"[{count} pictures]"
    facts = tuple(filter(None, _more_facts(run)))
    return RunLine(call, result, pictures, facts, run.state in _FAILED, whole_call and whole)


def run_clock(run: ToolRun, now: float) -> str:
    """How long a tool has been running at ``now``, in whole seconds; empty if it is not running.

    Args:
        run: the run.
        now: seconds since the first request was sent.
    """
    if run.state != "running" or run.started is None:
        return ""
    return whole_seconds(max(0, int(now - run.started)))


def one_line_call(call: Call) -> tuple[str, bool]:
    """Return a call as Python writes it, on one line, and whether that is the whole call."""
    name = short_line(call.name or "(no name)", _MAX_NAME)
    pieces: list[str] = []
    room = _MAX_CALL
    for key, value in call.args.items():
        if room <= 0:
            pieces.append("…")
            break
        text = one_line(f"{key}={json_text(value)}")
        pieces.append(text if len(text) <= room + 1 else f"{text[:room]}…")
        room -= len(text)
    return f"{name}({', '.join(pieces)})", room >= 0


def arguments_text(call: Call) -> str:
    """Return the complete arguments of a call as JSON, never shortened."""
    return json_text(call.args, indent=2)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON text with masked keys; a value that JSON does not have, as Python shows it."""
    try:
        return redact(json.dumps(value, ensure_ascii=False, indent=indent, default=repr))
    except (ValueError, RecursionError):
        try:
            return redact(repr(value))
        except RecursionError:
            return "(nested too deeply)"


def result_text(run: ToolRun, *, indent: int | None = None) -> str:
    """Return the result of a run: a string as it is, any other value as JSON. Empty without a result."""
    value = run.result
    if value is None or (
        run.media and value and all(map(_is_picture, value if isinstance(value, list) else [value]))
    ):
        return ""
    return redact(value) if isinstance(value, str) else json_text(value, indent=indent)


def _is_picture(value: Any) -> bool:
    """Whether a part of a result only refers to a picture, which is shown beside it."""
    return isinstance(value, dict) and value.keys() == {"$ref"}


def run_pictures(run: ToolRun) -> list[Blob]:
    """Return the pictures that a tool returned or displayed."""
    displayed = [blob for bundle in run.displays[:_MAX_DISPLAYS] if (blob := _picture_of(bundle)) is not None]
    return [*(blob for blob in run.media if blob.mime_type in _PICTURES), *displayed]


def run_sections(run: ToolRun) -> list[RunSection]:
    """Return the sections of an open tool run: arguments, result, output, displays, and who approved it."""
    remedy = f"`r.tool_runs[{run.number}]` has all of it."
    sections: list[RunSection] = []

    def add(title: str, text: str, language: str = "") -> None:
        if text.strip():
            sections.append(RunSection(title, text[:_MAX_SHOWN], language))
            if len(text) > _MAX_SHOWN:
                note = f"Only the first {_MAX_SHOWN:,} of {len(text):,} characters are shown. {remedy}"
                sections.append(RunSection("", note))

    add("arguments", arguments_text(run.call), "json")
    add("result", result_text(run, indent=2), "" if isinstance(run.result, str) else "json")
    add("message", redact(run.message))
    add("printed", redact(without_escapes(run.stdout)))
    add("printed to stderr", redact(without_escapes(run.stderr)))
    for bundle in run.displays[:_MAX_DISPLAYS]:
        if _picture_of(bundle) is None:
            add("displayed", redact(without_escapes(str(bundle.get("text/plain", "")))))
    if len(run.displays) > _MAX_DISPLAYS:
        sections.append(RunSection("", f"{len(run.displays) - _MAX_DISPLAYS} more displays. {remedy}"))
    if approval := _APPROVALS.get(run.approved):
        sections.append(RunSection("", approval))
    return sections


def _outcome(run: ToolRun) -> tuple[str, bool]:
    """What became of a run, and whether that is the whole result or message."""
    if run.state in _FIXED:
        return _FIXED[run.state], True
    if run.state != "done":
        own = redact(run.message)
        own = own.partition(_DO_NOT_FIT)[2] or own
        message = short_line(own, _MAX_OUTCOME)
        separator = " " if run.state == "timed_out" else ": "
        outcome = _PROBLEMS[run.state] + (f"{separator}{message}" if message else "")
        return f"{outcome}{_STILL_RUNNING * run.still_running}", message == own
    text = result_text(run)
    shown = short_line(text, _MAX_OUTCOME)
    if not shown:
        return "→" if run_pictures(run) else "→ nothing", shown == text
    return f"→ {shown}", shown == text


def _more_facts(run: ToolRun) -> list[str]:
    """The time of a run and the amount of its output, for the line."""
    if run.is_open:
        return []
    lines = len((run.stdout + run.stderr).strip().splitlines())
    printed = f"printed {lines:,} line{'' if lines == 1 else 's'}" if lines else ""
    return [
        "" if run.seconds is None or run.state in ("skipped", "invalid") else _seconds(run.seconds),
        printed,
    ]


def _seconds(value: float) -> str:
    if value < _SHORT:
        return duration(value)
    return f"{value:.1f} s" if value < _LONG else whole_seconds(int(value))


def _picture_of(bundle: dict[str, Any]) -> Blob | None:
    """The picture of a display; None if it is not a picture."""
    for kind in _PICTURES:
        value = bundle.get(kind)
        if isinstance(value, bytes):
            return Blob(kind, value)
        if isinstance(value, str):
            try:
                return Blob(kind, b64decode(value))
            except ValueError:
                return None
    return None
