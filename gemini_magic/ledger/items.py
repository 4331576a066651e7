"""The answer of a candidate as a list of items in the order in which they arrived: text, pictures, audio, code runs, calls.

A stretch of text lies between two other items and is a Markdown document by itself. It is stored as a range of the answer's
text, so byte and character offsets of the whole answer still apply to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from .. import media
from ..content import (
    Blob,
    Call,
    CallPieces,
    CallResult,
    Code,
    CodeResult,
    File,
    Opaque,
    Part,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Transcript,
    TranscriptWriter,
)
from .tool_runs import ToolRun

if TYPE_CHECKING:
    from ..media import PcmFormat

__all__ = [
    "AnswerItem",
    "CallItem",
    "CodeRun",
    "MediaItem",
    "OtherItem",
    "PlacedParts",
    "TextStretch",
    "ToolItem",
    "count_items",
    "items_of_parts",
]

_FLAGS = {"thought", "thoughtSignature"}  # fields of a part that are not its data
_END_OF_ROUND = -1  # in place of the characters before a part
_RECENT = 100  # code runs among which a result finds its code


class TextStretch(NamedTuple):
    """A stretch of the answer's text.

    Attributes:
        start, end: the range of characters of the answer's text.
    """

    start: int
    end: int


class MediaItem(Struct, frozen=True, eq=False):
    """A picture, audio, a video, or a file of any other type.

    Attributes:
        kind: what it is by its MIME type.
        number: its number among the items of this kind of the candidate, from 0.
        mime_type: as the server sent it.
        pieces: the decoded bytes; audio may arrive in many pieces. The list grows, so only the first ``count`` belong to
            this item.
        count: how many pieces.
        pcm: the format of raw samples, which need a header to be played; None for anything else.
        uri: the address of media that is not in the answer; empty for media that is.
        run: the number of the code run that produced it; None for anything else.
    """

    kind: Literal["picture", "audio", "video", "file"]
    number: int
    mime_type: str
    pieces: list[bytes]
    count: int
    pcm: PcmFormat | None = None
    uri: str = ""
    run: int | None = None

    @property
    def size(self) -> int:
        """Bytes as received."""
        return sum(map(len, self.pieces[: self.count]))

    @property
    def data(self) -> bytes:
        """The bytes of a file: raw samples as WAV, anything else as received."""
        if self.pcm is not None:
            return media.wav_bytes(self.pcm, self.pieces[: self.count])
        return self.pieces[0] if self.count == 1 else b"".join(self.pieces[: self.count])


class CodeRun(Struct, frozen=True, eq=False):
    """Code that the server ran for the model, and what it gave.

    Attributes:
        number: its number in the answer, from 0.
        code: the source; empty for a result without code.
        language: as sent, such as ``PYTHON``; None if it was not sent.
        outcome: as sent, such as ``OUTCOME_OK``; None while the code runs.
        output: what it printed, or the error.
        images: the pictures that arrived with the code or its result, before anything else. Empty among the items of an
            answer, where these pictures are items themselves.
        id: the server's id of the run, or None.
        done: whether the result has arrived.
    """

    number: int
    code: str
    language: str | None = None
    outcome: str | None = None
    output: str = ""
    images: tuple[Blob, ...] = ()
    id: str | None = None
    done: bool = False

    @property
    def ok(self) -> bool | None:
        """Whether the code ran without an error; None while it runs."""
        return (self.outcome or "").removeprefix("OUTCOME_") in ("OK", "1") if self.done else None


class CallItem(Struct, frozen=True, eq=False):
    """A function call that the model requests, or the result of one, which only an echo of a conversation contains.

    Attributes:
        call: the call or the result.
        run: what became of the call; None for a call that nothing ran.
    """

    call: Call | CallResult
    run: ToolRun | None = None


class ToolItem(Struct, frozen=True, eq=False):
    """A use of one of the server's own tools that it reports.

    Attributes:
        tool: the type of the tool as sent, such as ``google_search`` or ``GOOGLE_SEARCH_WEB``; empty if it was not sent.
        args: its arguments as sent.
        response: the response as sent; None before it arrives, and for a use that gave nothing.
        id: the server's id of the use, or None.
        name, server: the function of an MCP server and the name of the server, or None.
        is_error: whether the use failed; None where the server does not say.
        done: whether the response has arrived.
    """

    tool: str
    args: Any = None
    response: Any = None
    id: str | None = None
    name: str | None = None
    server: str | None = None
    is_error: bool | None = None
    done: bool = False


class OtherItem(Struct, frozen=True, eq=False):
    """A part of an unknown kind, as received."""

    raw: dict[str, Any]

    @property
    def name(self) -> str:
        """Its type; for a part of ``generateContent`` the name of its first field that is not a flag."""
        if isinstance(kind := self.raw.get("type"), str) and kind:
            return kind
        return next((name for name in self.raw if name not in _FLAGS), "")

    @property
    def size(self) -> int:
        """Bytes of its JSON text."""
        try:
            return len(msgspec.json.encode(self.raw))
        except (UnicodeEncodeError, msgspec.MsgspecError):  # a lone surrogate, as some servers send
            return len(repr(self.raw))


AnswerItem: TypeAlias = TextStretch | MediaItem | CodeRun | CallItem | ToolItem | OtherItem


_COUNTED = ("function call", "picture", "audio file", "video", "file", "code run")


def count_items(items: Iterable[AnswerItem]) -> list[str]:
    """Count the items that are not text, in few words, such as ``2 pictures``; calls that were answered do not count."""
    contents = Counter(map(_noun, items))
    return [
        f"{contents[noun]} {noun}{'' if contents[noun] == 1 else 's'}" for noun in _COUNTED if contents[noun]
    ]


def _noun(item: AnswerItem) -> str:
    match item:
        case CallItem(call=Call(), run=None):
            return "function call"
        case CodeRun():
            return "code run"
        case MediaItem(kind=kind):
            return "audio file" if kind == "audio" else kind
    return ""


class PlacedParts:
    """The parts of an answer that are not text, each with the characters of the text before it; append-only, for one writer.

    Readers get the items; each read costs the parts that are new since the last one.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[int, Part | TextStretch]] = []
        self._builder = _ItemBuilder()
        self._read = 0  # parts that the builder has
        self._runs: dict[int, ToolRun] = {}  # the newest run of each call, by the number of the call
        self._lock = Lock()

    def __getstate__(self) -> tuple[list[tuple[int, Part | TextStretch]], dict[int, ToolRun]]:
        return self._parts, self._runs

    def __setstate__(self, state: tuple[list[tuple[int, Part | TextStretch]], dict[int, ToolRun]]) -> None:
        self.__init__()  # type: ignore[misc] # the lock and the items are not stored
        self._parts, self._runs = state

    def __len__(self) -> int:
        return len(self._parts)

    def append(self, start: int, part: Part | TextStretch) -> None:
        """Append a part that follows the first ``start`` characters of the text, or a stretch that was spoken."""
        self._parts.append((start, part))

    def end_round(self) -> None:
        """End a round: a call in pieces that is still open does not continue in the next one."""
        self._parts.append((_END_OF_ROUND, TextStretch(0, 0)))

    def set_run(self, number: int, run: ToolRun) -> None:
        """Set what became of a call.

        Args:
            number: the number of the call among all calls of the answer, from 0.
            run: the run, which replaces an earlier one.
        """
        with self._lock:
            self._runs[number] = run
            self._builder.set_run(number, run)

    def items(self, length: int) -> list[AnswerItem]:
        """Return the items of the answer; an item that has not changed since the last call is the same object.

        Args:
            length: characters of the text. It must be read before this call, so that the parts within the text are known.
        """
        with self._lock:
            new = self._parts[self._read :]
            self._read += len(new)
            for start, part in new:
                self._builder.add(start, part, self._runs)
            return self._builder.items(length)


def items_of_parts(parts: Iterable[Part]) -> list[AnswerItem]:
    """Return the items of a whole list of parts, without keeping anything."""
    builder, writer, length = _ItemBuilder(), TranscriptWriter(), 0
    for part in parts:
        if isinstance(part, Text):
            length += len(part.text)
        elif isinstance(part, Transcript):
            before = length
            length += len(writer.add(part, follows_text=bool(length)))
            builder.add(before, TextStretch(before, length))
        elif not isinstance(part, Thought):
            builder.add(length, part)
    return builder.items(length)


class _ItemBuilder:
    """Makes items of parts, one after another."""

    def __init__(self) -> None:
        self._items: list[AnswerItem] = []
        self._starts: list[int] = []  # of each item
        self._counts = {"picture": 0, "audio": 0, "video": 0, "file": 0}
        self._runs: list[int] = []  # positions of the code runs
        self._open_run: tuple[int, int] | None = (
            None  # the run to which pictures belong, and where it last grew
        )
        self._tools: dict[str | None, int] = {}  # positions of the tools without a response, by id
        self._calls: list[int] = []  # positions of the calls
        self._call: tuple[int, CallPieces] | None = None  # the last call in pieces, with its position
        self._call_grew = False
        self._spoken = 0  # characters of transcripts behind the last item

    def items(self, length: int) -> list[AnswerItem]:
        """The items with the stretches of text between them.

        Args:
            length: characters of the text.
        """
        self._finish_call()
        found: list[AnswerItem] = []
        done = 0
        for start, item in zip(self._starts, self._items, strict=True):
            if start > length:
                break
            if start > done:
                found.append(TextStretch(done, start))
                done = start
            found.append(item)
        if length > done:
            found.append(TextStretch(done, length))
        return found

    def set_run(self, number: int, run: ToolRun) -> None:
        """Set what became of a call; does nothing if the call has not been added yet."""
        if number < len(self._calls):
            position = self._calls[number]
            item = self._items[position]
            if isinstance(item, CallItem):
                self._items[position] = CallItem(item.call, run)

    def add(
        self, start: int, part: Part | TextStretch, runs: Mapping[int, ToolRun] = MappingProxyType({})
    ) -> None:
        """Add a part.

        Args:
            start: the part follows so many characters of the text.
            part: the part, or a stretch that was spoken.
            runs: what became of the calls, by their numbers.
        """
        if start == _END_OF_ROUND:
            self._finish_call()
            self._call = None
        elif isinstance(part, TextStretch):
            self._spoken += part.end - part.start
        elif isinstance(part, Blob):
            if not part.thought:
                self._add_blob(start, part)
        elif isinstance(part, Code):
            self._runs.append(len(self._items))
            self._append(start, CodeRun(len(self._runs) - 1, part.code, part.language, id=part.id))
        elif isinstance(part, CodeResult):
            self._add_result(start, part)
        elif isinstance(part, Call):
            self._add_call(start, part, runs)
        elif isinstance(part, CallResult):
            self._append(start, CallItem(part))
        elif isinstance(part, File):
            item = MediaItem("file", self._next("file"), part.mime_type or "", [], 0, uri=part.uri)
            self._append(start, item)
        elif isinstance(part, ToolCall):
            self._tools[part.id] = len(self._items)
            self._append(start, ToolItem(part.tool, part.args, None, part.id, part.name, part.server))
        elif isinstance(part, ToolResult):
            self._add_tool_result(start, part)
        elif isinstance(part, Opaque):
            self._add_opaque(start, part.raw)

    def _append(self, start: int, item: AnswerItem) -> None:
        self._items.append(item)
        self._starts.append(start)
        self._spoken = 0
        self._open_run = (len(self._items) - 1, start) if isinstance(item, CodeRun) else None

    def _next(self, kind: str) -> int:
        number = self._counts[kind]
        self._counts[kind] += 1
        return number

    def _add_blob(self, start: int, blob: Blob) -> None:
        kind = _media_kind(blob.mime_type)
        pcm = media.pcm_format(blob.mime_type) if kind == "audio" else None
        last = self._last_sound(start) if pcm is not None else None
        if last is not None:
            position, item = last
            if item.pcm == pcm:
                item.pieces.append(blob.data)
                self._items[position] = msgspec.structs.replace(item, count=item.count + 1)
                return
        item = MediaItem(kind, self._next(kind), blob.mime_type, [blob.data], 1, pcm)
        open_run = self._open_run
        if kind != "picture" or open_run is None or open_run[1] != start:
            self._append(start, item)
            return
        made_by = self._items[open_run[0]]
        self._append(start, msgspec.structs.replace(item, run=getattr(made_by, "number", None)))
        self._open_run = open_run

    def _last_sound(self, start: int) -> tuple[int, MediaItem] | None:
        """The last item if it is audio; a transcript of it may follow it."""
        position = len(self._items) - 1
        item = self._items[position] if self._items else None
        adjoins = isinstance(item, MediaItem) and self._starts[position] + self._spoken == start
        return (position, item) if adjoins and isinstance(item, MediaItem) else None

    def _add_result(self, start: int, part: CodeResult) -> None:
        found = self._run_of(part.id)
        if found is None:
            self._runs.append(len(self._items))
            self._append(start, CodeRun(len(self._runs) - 1, "", id=part.id))
            found = self._runs[-1]
        item = self._items[found]
        if isinstance(item, CodeRun):
            self._items[found] = msgspec.structs.replace(
                item, outcome=part.outcome, output=part.output, done=True
            )
            self._open_run = found, start

    def _run_of(self, ident: str | None) -> int | None:
        """The position of the run without a result that a result belongs to: by id, else the first one."""
        waiting = [
            (position, item)
            for position in self._runs[-_RECENT:]
            if isinstance(item := self._items[position], CodeRun) and not item.done
        ]
        same = [position for position, item in waiting if ident is not None and item.id == ident]
        if same:
            return same[0]
        unnamed = [position for position, item in waiting if ident is None or item.id is None]
        return unnamed[0] if unnamed else None

    def _add_call(self, start: int, part: Call, runs: Mapping[int, ToolRun]) -> None:
        if self._call is not None and self._call[1].accepts(part):
            self._call[1].add(part)
            self._call_grew = True
            return
        self._finish_call()
        self._call = None
        if part.will_continue or part.partial_args:
            self._call = len(self._items), CallPieces(part)
            self._call_grew = True
        self._calls.append(len(self._items))
        self._append(start, CallItem(part, runs.get(len(self._calls) - 1)))

    def _finish_call(self) -> None:
        """Put the arguments that have arrived into the item of the last call in pieces."""
        if self._call is not None and self._call_grew:
            position, pieces = self._call
            self._items[position] = CallItem(pieces.call(), getattr(self._items[position], "run", None))
            self._call_grew = False

    def _add_opaque(self, start: int, raw: dict[str, Any]) -> None:
        if raw.get("thought") is True or not raw.keys() - _FLAGS:
            return
        self._append(start, OtherItem(raw))

    def _add_tool_result(self, start: int, part: ToolResult) -> None:
        position = self._tools.pop(part.call_id, None)
        item = None if position is None else self._items[position]
        if position is None or not isinstance(item, ToolItem):
            position, item = len(self._items), ToolItem(part.tool, id=part.call_id)
            self._append(start, item)
        self._items[position] = msgspec.structs.replace(
            item,
            tool=item.tool or part.tool,
            response={} if part.result is None else part.result,
            is_error=part.is_error,
            done=True,
        )


def _media_kind(mime_type: str) -> Literal["picture", "audio", "video", "file"]:
    family = mime_type.strip().lower().partition("/")[0]
    kinds: dict[str, Literal["picture", "audio", "video"]] = {
        "image": "picture",
        "audio": "audio",
        "video": "video",
    }
    return kinds.get(family, "file")
