"""The parts of an answer that are not text, as lines and blocks of source code, for every form in which an answer is shown.

Names, types and outputs come from a server. Here they are plain text; ``item_html``, ``static`` and ``terminal`` escape them.
"""

from __future__ import annotations

import json
import keyword
import re
from typing import Any, Final, NamedTuple, TypeAlias

from ..content import Call, CallResult
from ..ledger import (
    AnswerItem,
    CallItem,
    CodeRun,
    MediaItem,
    OtherItem,
    ToolItem,
)
from ..media import read_raster, wav_duration
from ..text import short_line, without_escapes
from .drawable import is_drawable
from .server_tools import server_tool_line, server_tool_texts
from .units import byte_size, duration

__all__ = ["CodeBox", "ItemBlock", "Line", "call_source", "item_blocks", "media_label", "media_reference"]

_MAX_SHOWN: Final = 20_000  # characters of a block of code or output
_MAX_NAME: Final = 80  # characters of a name, a type or an outcome
_MAX_LINE: Final = 300  # characters of an address
_WIDTH: Final = 88  # a longer call has one argument on each line
_MAX_CALL: Final = 4_000  # characters of a call
_OUTCOMES: Final = {
    "OK": "OK",
    "1": "OK",
    "FAILED": "failed",
    "2": "failed",
    "DEADLINE_EXCEEDED": "timed out",
    "3": "timed out",
}
_TEXT_TYPES: Final = re.compile(
    r"text/(?P<text>[a-z0-9.-]+)|application/(?P<data>json|xml|javascript)|image/(?P<svg>svg)\+xml",
    re.IGNORECASE,
)
_NOT_IN_LANGUAGE: Final = re.compile(r"[^a-z0-9_+#.-]")
_LANGUAGES: Final = {"svg": "xml", "plain": "", "x-python": "python"}


class Line(NamedTuple):
    """A line about an item.

    Attributes:
        text: plain text; code is in back-ticks.
        note: whether it describes what is not shown.
    """

    text: str
    note: bool = False


class CodeBox(NamedTuple):
    """Source code, output or a call.

    Attributes:
        text: the text.
        language: the name of the language; empty for output.
        call: whether it is a call, which text formats show without a fence.
    """

    text: str
    language: str = ""
    call: bool = False


ItemBlock: TypeAlias = Line | CodeBox


def item_blocks(item: AnswerItem, *, candidate: int = 0, running: bool = False) -> list[ItemBlock]:
    """Describe an item that is not text; the first block is a line that says what the item is.

    Args:
        item: the item.
        candidate: the index of its candidate.
        running: whether the answer is still arriving.
    """
    match item:
        case MediaItem():
            return _media_blocks(item, candidate)
        case CodeRun():
            return _run_blocks(item, candidate, running=running)
        case CallItem(call=Call() as call):
            return [Line("function call"), CodeBox(call_source(call), "python", call=True)]
        case CallItem(call=CallResult() as result):
            text = json.dumps(result.response, ensure_ascii=False, indent=2)
            box, notes = _shown(text, "json", "The response's `parts` has all of them.")
            return [Line(f"result of the function {_name(result.name)}"), box, *notes]
        case ToolItem():
            return _server_tool_blocks(item, running=running)
        case OtherItem():
            name = f"unknown part `{_name(item.name) or '(no name)'}`"
            return [Line(f"{name}, {byte_size(item.size)}; `r.parts` and the inspector have its JSON")]
        case _:  # a stretch of text
            return []


def media_label(item: MediaItem, candidate: int = 0) -> str:
    """What a media item is: ``picture 1: PNG 1024×1024, 781.5 kB``."""
    of = f" of candidates[{candidate}]" if candidate else ""
    head = f"{item.kind} {item.number + 1}{of}"
    if item.uri:
        kind = f"{_name(item.mime_type)}, " if item.mime_type else ""
        return f"{head}: {kind}at `{short_line(item.uri.replace('`', ''), _MAX_LINE)}`"
    size = byte_size(item.size)
    if item.pcm is not None:
        return f"{head}: {duration(item.size / item.pcm.byte_rate)}, {item.pcm.rate / 1000:g} kHz, {size}"
    data = item.data
    if item.kind == "picture" and (found := read_raster(data)) is not None:
        return f"{head}: {found.name} {found.width}×{found.height}, {size}"
    if item.kind == "audio" and (seconds := wav_duration(data)) is not None:
        return f"{head}: WAV, {duration(seconds)}, {size}"
    return f"{head}: {_name(item.mime_type) or 'unknown type'}, {size}"


def media_reference(item: MediaItem, candidate: int = 0, *, shown: bool = True) -> str:
    """How the user gets a media item: the attribute of the response, and the command that shows it.

    Args:
        item: the item.
        candidate: the index of its candidate.
        shown: whether a page can show it.
    """
    owner = f"candidates[{candidate}]." if candidate else ""
    name = {"picture": "images", "audio": "audio", "video": "videos"}.get(item.kind)
    if name is None:
        return f"The response's `{owner}parts` has it."
    if not shown:
        return f"The response's `{owner}{name}[{item.number}].save()` writes it to a file."
    other = f" candidate {candidate}" if candidate else ""
    command = f"; `%gemini show {item.kind} {item.number + 1}{other}` shows it"
    return f"The response's `{owner}{name}[{item.number}]` has it{command}."


def call_source(call: Call) -> str:
    """A call as Python writes it, ``name(arg="…")``; one argument on each line if it is long."""
    name = _name(call.name) or "(no name)"
    pieces, room = [], _MAX_CALL
    for key, value in call.args.items():
        text = _argument(key, value, room)
        pieces.append(text)
        room -= len(text)
        if room <= 0:
            pieces.append("…")
            break
    line = f"{name}({', '.join(pieces)})"
    if len(line) <= _WIDTH or not pieces:
        return line
    return "\n".join([f"{name}(", *(f"    {piece}," for piece in pieces), ")"])


def _argument(key: str, value: Any, room: int) -> str:
    name = short_line(key, _MAX_NAME)
    text = _literal(value, room)
    if name.isidentifier() and not keyword.iskeyword(name):
        return f"{name}={text}"
    return f"**{{{json.dumps(name, ensure_ascii=False)}: {text}}}"


def _literal(value: Any, room: int) -> str:
    """A JSON value as Python writes it, shortened."""
    text = json.dumps(value[: room + 1], ensure_ascii=False) if isinstance(value, str) else repr(value)
    return short_line(text, max(1, room))


def _media_blocks(item: MediaItem, candidate: int) -> list[ItemBlock]:
    label = media_label(item, candidate)
    has_place = item.uri or is_drawable(item)  # where the user finds it
    line = Line(label if has_place else f"{label}. {media_reference(item, candidate, shown=False)}")
    found = _TEXT_TYPES.fullmatch(item.mime_type.partition(";")[0].strip()) if not item.uri else None
    if found is None:
        return [line]
    try:
        text = item.data.decode()
    except UnicodeDecodeError:
        return [line]
    name = next(filter(None, found.groups())).lower()
    owner = "images" if item.kind == "picture" else "parts"
    box, notes = _shown(text, _LANGUAGES.get(name, name), f"The response's `{owner}` has all of them.")
    return [Line(label), box, *notes]


def _run_blocks(run: CodeRun, candidate: int, *, running: bool) -> list[ItemBlock]:
    where = f"{f'candidates[{candidate}].' if candidate else ''}code_runs[{run.number}]"
    language = (run.language or "").strip()
    name = "Python" if language.upper() == "PYTHON" else _name(language)
    if run.done:
        outcome = _name((run.outcome or "").removeprefix("OUTCOME_"))
        state = _OUTCOMES.get(outcome, outcome.lower() or "done")
    else:
        state = "running" if running else "no result"
    facts = ", ".join(filter(None, (name, state)))
    blocks: list[ItemBlock] = [Line(f"code run {run.number + 1}: {facts}")]
    for title, text, kind, attribute in (
        ("", run.code, language.lower(), "code"),
        ("output", without_escapes(run.output), "", "output"),
    ):
        if text.strip():
            box, notes = _shown(
                text,
                _NOT_IN_LANGUAGE.sub("", kind)[:40],
                f"The response's `{where}.{attribute}` has all of them.",
            )
            blocks += [*([Line(title)] if title else []), box, *notes]
    return blocks


def _shown(text: str, language: str, remedy: str) -> tuple[CodeBox, list[Line]]:
    """The beginning of a text, and a note if that is not all of it."""
    if len(text) <= _MAX_SHOWN:
        return CodeBox(text, language), []
    note = f"Only the first {_MAX_SHOWN:,} of {len(text):,} characters are shown. {remedy}"
    return CodeBox(text[:_MAX_SHOWN], language), [Line(note, note=True)]


def _server_tool_blocks(item: ToolItem, *, running: bool) -> list[ItemBlock]:
    blocks: list[ItemBlock] = [Line(server_tool_line(item, running=running))]
    for title, text, language, length in server_tool_texts(item):
        blocks += [Line(title), CodeBox(text, language)]
        if length > len(text):
            note = (
                f"Only the first {len(text):,} of {length:,} characters are shown. `r.parts` has all of them."
            )
            blocks.append(Line(note, note=True))
    return blocks


def _name(value: str | None) -> str:
    return short_line((value or "").replace("`", ""), _MAX_NAME)
