"""Which media of an answer a page draws or plays, by their bytes and their size."""

from __future__ import annotations

from typing import Final

from ..ledger import AnswerItem, MediaItem
from ..media import RasterImage, read_raster
from .media_objects import player_type

__all__ = ["MAX_BYTES", "is_drawable", "shown_picture"]

_MAX_SIDE: Final = 9_999  # pixels; the labextension accepts four digits
_MAX_PIXELS: Final = 40_000_000  # a browser allocates four bytes for each
# Of one picture or player. The labextension accepts addresses of this length (MAX_MEDIA).
MAX_BYTES: Final = 24_000_000


def shown_picture(item: AnswerItem) -> RasterImage | None:
    """The format and size of a picture that a page may draw; None for anything else, and for pictures that are too large."""
    if not isinstance(item, MediaItem) or item.kind != "picture" or not item.pieces:
        return None
    data = item.pieces[0]
    found = read_raster(data) if len(data) <= MAX_BYTES else None
    if found is None or max(found.width, found.height) > _MAX_SIDE:
        return None
    return found if found.width * found.height <= _MAX_PIXELS else None


def is_drawable(item: MediaItem) -> bool:
    """Whether a page may draw or play a medium."""
    if item.kind == "picture":
        return shown_picture(item) is not None
    if item.kind not in ("audio", "video") or not item.pieces or item.size > MAX_BYTES:
        return False
    return item.pcm is not None or bool(player_type(item.pieces[0], item.kind))
