"""The HTML of the parts of an answer that are not text: pictures, players, code runs, calls, tool runs, and lines about others.

Code and output are rendered and sanitized by ``markdown`` like the code of an answer. Media is put in afterwards: its ``src`` is
written here from bytes that were checked, so the long base64 text passes neither the Markdown parser nor the sanitizer.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from functools import lru_cache
from html import escape
from math import gcd
from typing import Final

from ..ledger import AnswerItem, CallItem, CodeRun, MediaItem, ToolItem, ToolRun
from ..markdown import render
from ..media import RasterImage, read_raster, sniff, thumbnail
from ..text import one_line, reveal_all, visible
from .drawable import MAX_BYTES, shown_picture
from .formats_live import fenced
from .item_blocks import CodeBox, ItemBlock, Line, item_blocks, media_label, media_reference
from .media_objects import player_type
from .tool_blocks import RunSection, arguments_text, run_line, run_pictures, run_sections

__all__ = [
    "MAX_BYTES",
    "MEDIA_SIZE",
    "MediaBudget",
    "caption_html",
    "confirmation_html",
    "item_html",
    "line_html",
    "playable_audio",
    "run_html",
    "shown_picture",
]

MEDIA_SIZE: Final = 4.0
"""The default maximum size of the media of an answer in a notebook, in megabytes."""

_MEGABYTE: Final = 1_000_000
_MAX_RUN_TEXTS: Final = 1_000_000  # characters of all tool runs of an answer
_MAX_DETAILS: Final = 200_000  # characters of the arguments and results of all uses of the server's tools
_THUMBNAIL_SIDE: Final = 120  # pixels
_MOST_SHRUNK: Final = 16_000_000  # pixels of a picture that has a thumbnail
_MOST_ICONS: Final = 4  # pictures on the line of a tool run
_ICON_SIDE: Final = 72  # pixels; it is shown 18 pixels high
_MAX_ARGUMENTS: Final = 20_000  # characters of arguments that a question shows at once
_MAX_NAME: Final = 128  # of a function; the API allows no more
_INLINE_CODE: Final = re.compile(r"`([^`]+)`")


class MediaBudget:
    """How much media, and how much text of tool runs, an HTML document may still contain.

    Args:
        megabytes: the maximum size of all media together, as base64.
        thumbnails: how many pictures that do not fit have a thumbnail, if Pillow is installed.
        details: characters of the arguments and results of all uses of the server's tools.
    """

    def __init__(self, megabytes: float, *, thumbnails: int = 0, details: int = _MAX_DETAILS) -> None:
        self._room = megabytes * _MEGABYTE
        self._text_room = _MAX_RUN_TEXTS
        self._details = details
        self._thumbnails = thumbnails

    @property
    def has_room(self) -> bool:
        """Whether any media may be included."""
        return self._room > 0

    def take_text(self, length: int) -> bool:
        """Whether this many characters of a tool run still fit; if so, they are used up."""
        if length > self._text_room:
            return False
        self._text_room -= length
        return True

    def take_details(self, length: int) -> bool:
        """Whether this many characters of a use of a server's tool still fit; if so, they are used up."""
        if length > self._details:
            return False
        self._details -= length
        return True

    def take_thumbnail(self, data: bytes) -> bytes | None:
        """A thumbnail of a picture that does not fit; None if there is none."""
        if not self._thumbnails:
            return None
        self._thumbnails -= 1
        return thumbnail(data, _THUMBNAIL_SIDE, load=True, most=_MOST_SHRUNK)

    def take(self, size: int) -> bool:
        """Whether this many bytes still fit; if so, they are used up."""
        length = (size + 2) // 3 * 4
        if length > self._room:
            return False
        self._room -= length
        return True


def item_html(
    item: AnswerItem,
    budget: MediaBudget,
    *,
    candidate: int = 0,
    running: bool = False,
    pictures: bool = True,
    absence: str = "is not saved in the notebook",
    clock: str = "",
    captions: bool = False,
) -> str:
    """The safe HTML of an item that is not text.

    Args:
        item: the item.
        budget: what media may still be included.
        candidate: the index of the candidate.
        running: whether the answer is still arriving.
        pictures: whether pictures may be shown.
        absence: why media that does not fit is not there, after its name.
        clock: how long a tool has been running.
        captions: whether pictures have a line with their name above them; players always have one.
    """
    if isinstance(item, CallItem) and item.run is not None:
        return run_html(item.run, budget, pictures=pictures, absence=absence, clock=clock)
    if isinstance(item, MediaItem):
        found = shown_picture(item)
        if found is not None and pictures:
            label = media_label(item, candidate)
            drawn = _picture_html(
                item, found, budget, label, f"{absence}. {media_reference(item, candidate)}"
            )
            return f"{line_html(label)}{drawn}" if captions else drawn
        player = _player_html(item, budget, candidate, absence, running=running)
        if player:
            return player
    blocks = item_blocks(item, candidate=candidate, running=running)
    if isinstance(item, ToolItem):
        return _server_tool_html(item, blocks, budget)
    boxes = [block for block in blocks if isinstance(block, CodeBox)]
    if not boxes:
        return "".join(_block_html(block) for block in blocks)
    if isinstance(item, CallItem):
        return f'<div class="gm-call">{"".join(map(_block_html, blocks))}</div>'
    head, *rest = blocks
    title = head.text if isinstance(head, Line) else ""
    failed = " gm-failed" if isinstance(item, CodeRun) and item.ok is False else ""
    return (
        f'<details class="gm-code{failed}"><summary>{_inline(_capital(title))}</summary>'
        f"{''.join(map(_block_html, rest))}</details>"
    )


def _server_tool_html(item: ToolItem, blocks: list[ItemBlock], budget: MediaBudget) -> str:
    """A folded line about a use of a server's tool, which opens to its arguments and its result."""
    head, *rest = blocks
    if not rest:
        return _block_html(head)
    if not budget.take_details(sum(len(block.text) for block in rest)):
        rest = [Line("The response's `parts` has the arguments and the result.")]
    failed = " gm-failed" if item.is_error else ""
    shown = "".join(map(_block_html, rest))
    return (
        f'<details class="gm-tool{failed}"><summary>{_inline(_capital(head.text))}</summary>{shown}</details>'
    )


def line_html(text: str) -> str:
    """A line about a part; text in back-ticks becomes a ``<code>`` element."""
    return f'<div class="gm-part">{_inline(_capital(text))}</div>'


def _block_html(block: ItemBlock) -> str:
    if isinstance(block, Line):
        return line_html(block.text)
    return _code_html(block.text, block.language)


@lru_cache(maxsize=64)  # a live view writes the items again with each partial answer
def _code_html(text: str, language: str) -> str:
    return render(fenced(text, language), ended=True)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _inline(text: str) -> str:
    return _INLINE_CODE.sub(r"<code>\1</code>", escape(visible(text)))


def run_html(
    run: ToolRun,
    budget: MediaBudget,
    *,
    pictures: bool = True,
    absence: str = "is not saved in the notebook",
    clock: str = "",
) -> str:
    """The safe HTML of a tool run: a folded line, which opens to the arguments, the result and the output.

    Args:
        run: the run.
        budget: what media may still be included.
        pictures: whether pictures may be shown.
        absence: why a picture that does not fit is not there.
        clock: how long the tool has been running.
    """
    line = run_line(run)
    sections = run_sections(run)
    if not budget.take_text(sum(len(section.text) for section in sections)):
        sections = [
            RunSection("", f"`r.tool_runs[{run.number}]` has the arguments, the result and the output.")
        ]
    shown = [
        line_html(section.text)
        if not section.title
        else f"{line_html(section.title)}{_code_html(section.text, section.language)}"
        for section in sections
    ]
    if pictures:
        for number, blob in enumerate(run_pictures(run)):
            item = MediaItem("picture", number, blob.mime_type, [blob.data], 1)
            if (found := shown_picture(item)) is not None:
                label = media_label(item)
                reason = f"{absence}. `r.tool_runs[{run.number}]` has it."
                shown.append(_picture_html(item, found, budget, label, reason))
    failed = " gm-failed" * line.failed
    icons = _icons_html(run, budget) if pictures else ""
    result = " ".join(filter(None, (escape(visible(line.result)), icons or escape(line.pictures))))
    outcome = " · ".join(filter(None, (result, *(escape(visible(fact)) for fact in line.facts), clock)))
    summary = f"<code>{escape(visible(line.call))}</code> {outcome}"
    return f'<details class="gm-tool{failed}"><summary>{summary}</summary>{"".join(shown)}</details>'


def _icons_html(run: ToolRun, budget: MediaBudget) -> str:
    """Small pictures for the line of a folded run; empty without any, without Pillow, and if not all of them fit."""
    found = run_pictures(run)
    if not found or len(found) > _MOST_ICONS or not budget.has_room:
        return ""
    icons = [_icon(blob.data) for blob in found]
    if not all(icons) or not budget.take(sum(map(len, icons))):
        return ""
    sources = (f"data:{sniff(icon).mime_type};base64,{base64.b64encode(icon).decode()}" for icon in icons)
    images = " ".join(f'<img src="{source}" alt="[picture]">' for source in sources)
    return f'<span class="gm-icons">{images}</span>'


@lru_cache(maxsize=32)  # a live view writes the items again with each partial answer
def _icon(data: bytes) -> bytes:
    """A small picture; empty if there is none."""
    return thumbnail(data, _ICON_SIDE, load=True, most=_MOST_SHRUNK) or b""


def confirmation_html(run: ToolRun) -> str:
    """The safe HTML of a question whether a tool may run: its name and its complete arguments."""
    name = _inline(
        f"Run `{one_line(run.call.name or '').replace('`', '')[:_MAX_NAME]}` with these arguments?"
    )
    text = reveal_all(arguments_text(run.call))
    shown = _code_html(text[:_MAX_ARGUMENTS], "json")
    if len(text) > _MAX_ARGUMENTS:
        rest = _code_html(text[_MAX_ARGUMENTS:], "")
        shown += (
            f'<details class="gm-rest"><summary>Show all {len(text):,} characters</summary>{rest}</details>'
        )
    return f'<div class="gm-question" role="alert">{name}</div>{shown}'


def _picture_html(item: MediaItem, found: RasterImage, budget: MediaBudget, label: str, absence: str) -> str:
    """A picture, or an empty place of the same size with its label and why it is not there."""
    label = _capital(label)
    size = f'width="{found.width}" height="{found.height}"'
    data = item.pieces[0]
    if budget.take(len(data)):
        source = f"data:{found.mime_type};base64,{base64.b64encode(data).decode()}"
        picture = f'<img src="{source}" alt="{escape(label)}" {size}>'
        return f'<details class="gm-picture"><summary>{picture}</summary></details>'
    blank = base64.b64encode(_blank_png(found.width, found.height)).decode()
    picture = f'<img src="data:image/png;base64,{blank}" alt="{escape(label)}" {size}>'
    text = _inline(f"{label} {absence}")
    small = _thumbnail_html(budget.take_thumbnail(data))
    return f'<div class="gm-picture gm-absent">{picture}<span class="gm-absence">{small}{text}</span></div>'


def _thumbnail_html(data: bytes | None) -> str:
    found = None if data is None else read_raster(data)
    if data is None or found is None:
        return ""
    source = f"data:{found.mime_type};base64,{base64.b64encode(data).decode()}"
    return f'<img src="{source}" alt="" width="{found.width}" height="{found.height}">'


@lru_cache(maxsize=32)
def _blank_png(width: int, height: int) -> bytes:
    """A transparent PNG of the same proportions: the page keeps the place of a picture that is not there."""
    divisor = gcd(width, height)
    width, height = width // divisor, height // divisor

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = bytes((width + 7) // 8 + 1) * height
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"tRNS", b"\0\0") + chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def caption_html(item: MediaItem, candidate: int = 0) -> str:
    """The line below or beside a player."""
    return f'<span class="gm-caption">{_inline(_capital(media_label(item, candidate)))}</span>'


def playable_audio(item: MediaItem) -> str:
    """The MIME type with which a page plays complete audio; empty for what browsers do not play."""
    if item.kind != "audio" or item.uri or not item.pieces or item.size > MAX_BYTES:
        return ""
    return player_type(item.data if item.pcm is not None else item.pieces[0], "audio")


def _player_html(item: MediaItem, budget: MediaBudget, candidate: int, absence: str, *, running: bool) -> str:
    """A player of audio or of a video, or a line about one that does not fit; empty for what browsers do not play."""
    if item.kind not in ("audio", "video") or item.uri:
        return ""
    label = _capital(media_label(item, candidate))
    if running and item.pcm is not None:
        return f'<div class="gm-sound">{caption_html(item, candidate)}</div>'
    kind = player_type(item.data if item.pcm is not None else item.pieces[0], item.kind)
    if not kind or item.size > MAX_BYTES:
        return ""
    if not budget.take(item.size):
        text = f"{label} {absence}. {media_reference(item, candidate)}"
        return f'<div class="gm-sound"><span class="gm-caption">{_inline(text)}</span></div>'
    source = f"data:{kind};base64,{base64.b64encode(item.data).decode()}"
    return (
        f'<div class="gm-sound"><{item.kind} controls src="{source}" title="{escape(label)}"></{item.kind}>'
        f'<span class="gm-caption">{_inline(label)}</span></div>'
    )
