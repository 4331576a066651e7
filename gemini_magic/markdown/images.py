"""Which images of an answer are drawn, and which are only spoken of; it knows addresses and the heads of image files.

An image that a page fetches tells its host what the answer says, so by default none is fetched. One that is inside the
answer (``data:``) tells nobody: it is drawn when it is small and what it says it is.
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import OptionError

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

__all__ = [
    "DATA_ONLY",
    "Images",
    "Raster",
    "data_image",
    "drawn",
    "is_data",
    "open_data_image",
    "raster_of",
    "size_of",
    "spoken",
]

_MOST_BYTES: Final = 256 * 1024
_LONGEST_SIDE: Final = 4096  # pixels
_MOST_PIXELS: Final = 8_000_000  # a page unpacks four bytes for each

_NAME = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:\*\.(?=[^.]+\.))?{_NAME}")
_ADDRESS: Final = re.compile(rf"https://({_NAME})(?::443)?(?:[/?#][^\s\\<>\"]*)?", re.IGNORECASE)
_DATA_ADDRESS: Final = re.compile(r"data:image/(png|gif|jpeg|webp);base64,([A-Za-z0-9+/]+={0,2})")
_DATA_IMAGE: Final = re.compile(
    r"!\[(?P<alt>[^\[\]]{0,1000})\]\([ \t]*(?P<url>data:image/[A-Za-z0-9.+-]{1,30}[;,][^\s()<>]*)"
    r"(?:[ \t]+(?:\"[^\"]{0,1000}\"|'[^']{0,1000}'))?[ \t]*\)"
)
_OPEN_DATA_IMAGE: Final = re.compile(r"data:image/[A-Za-z0-9.+-]{1,30};base64,[A-Za-z0-9+/=]*")
_DATA: Final = re.compile(r"[A-Za-z0-9+/=]*")
_BEFORE_DATA: Final = re.compile(r"!\[[^\[\]]{0,1000}\]\([ \t]*$")


class Images(NamedTuple):
    """What may be drawn.

    Attributes:
        data: whether small images inside the answer are.
        hosts: where others may come from, by https: names, or ``*.name`` for all below one.
    """

    data: bool = True
    hosts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, words: str) -> Images:
        """Read ``none``, ``data``, or hosts with commas between them (``data`` is then meant, too).

        Raises:
            OptionError: one of them is no host.
        """
        named = [word.strip().lower() for word in words.split(",") if word.strip()]
        if named == ["none"]:
            return cls(data=False)
        hosts = tuple(word for word in named if word != "data")
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise OptionError(
                    f"--images: {host!r} is not a host.",
                    remedy="Name hosts alone, such as img.example.org or *.example.org, or use none or data. "
                    "Letters beyond ASCII are written as xn--….",
                )
        return cls(hosts=hosts)

    def allows(self, url: str) -> bool:
        """Say whether an address may be fetched: https, a plain host of the list, no other port, no credentials."""
        match = _ADDRESS.fullmatch(url)
        host = match[1].lower() if match else ""
        return bool(host) and any(
            host.endswith(name[1:]) if name.startswith("*.") else host == name for name in self.hosts
        )

    def draws(self, url: str) -> bool:
        """Say whether an image is drawn."""
        return self.allows(url) or (self.data and raster_of(url) is not None)


DATA_ONLY: Final = Images()


class Raster(NamedTuple):
    """An image inside an address: its size in pixels."""

    width: int
    height: int


@lru_cache(maxsize=8)  # an open paragraph is drawn again with each update
def raster_of(url: str) -> Raster | None:
    """Return the size of a ``data:`` image that may be drawn.

    None for one that is no PNG, GIF, JPEG or WebP, is not what it says it is, or is too large.
    """
    match = _DATA_ADDRESS.fullmatch(url)
    if match is None or len(match[2]) * 3 // 4 > _MOST_BYTES:
        return None
    try:
        data = binascii.a2b_base64(match[2], strict_mode=True)
    except binascii.Error:
        return None
    size = {"png": _png, "gif": _gif, "jpeg": _jpeg, "webp": _webp}[match[1]](data)
    if size is None or not 0 < min(size) <= max(size) <= _LONGEST_SIDE or size[0] * size[1] > _MOST_PIXELS:
        return None
    return Raster(*size)


def _number(data: bytes, at: int, length: int, *, little: bool = False) -> int:
    return int.from_bytes(data[at : at + length], "little" if little else "big")


def _png(data: bytes) -> tuple[int, int] | None:
    if len(data) < 33 or not data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"):  # noqa: PLR2004 - its first chunk
        return None
    return _number(data, 16, 4), _number(data, 20, 4)


def _gif(data: bytes) -> tuple[int, int] | None:
    """Go from block to block: a frame may be larger than the image says it is, and browsers make room for it."""
    if len(data) < 14 or data[:6] not in (b"GIF87a", b"GIF89a"):  # noqa: PLR2004 - its head
        return None
    width, height = _number(data, 6, 2, little=True), _number(data, 8, 2, little=True)
    at = 13 + _colours(data[10])
    while at < len(data) and data[at] != 0x3B:  # noqa: PLR2004 - the end
        if data[at] == 0x2C:  # noqa: PLR2004 - a frame
            left, top, wide, high = (_number(data, at + place, 2, little=True) for place in (1, 3, 5, 7))
            width, height = max(width, left + wide), max(height, top + high)
            at += 11 + _colours(data[at + 9] if at + 9 < len(data) else 0)
        elif data[at] == 0x21:  # noqa: PLR2004 - an extension
            at += 2
        else:
            return None
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return width, height


def _colours(flags: int) -> int:
    """Return how many bytes the table of colours has that follows."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Go from segment to segment to the frame's head, which has the size."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every segment begins with it
        kind = data[at + 1]
        if kind == 0xFF:  # noqa: PLR2004 - it may be there more than once
            at += 1
        elif 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):  # noqa: PLR2004 - the frame's head
            return _number(data, at + 7, 2), _number(data, at + 5, 2)
        elif kind in (0xD9, 0xDA) or _number(data, at + 2, 2) < 2:  # noqa: PLR2004 - pixels before any size
            return None
        else:
            at += 2 + _number(data, at + 2, 2)
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":  # noqa: PLR2004 - its head
        return None
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _number(data, 26, 2, little=True) & 0x3FFF, _number(data, 28, 2, little=True) & 0x3FFF
    if kind == b"VP8L" and data[20] == 0x2F:  # noqa: PLR2004 - its signature
        bits = _number(data, 21, 4, little=True)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return _number(data, 24, 3, little=True) + 1, _number(data, 27, 3, little=True) + 1
    return None


# -- in a text


def data_image(state: StateInline, silent: bool) -> bool:
    """Parse an image that is inside the text; its address is one step, however long it is."""
    if state.src[state.pos] != "!":
        return False
    match = _DATA_IMAGE.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    state.pos = match.end()
    if not silent:
        token = state.push("image", "img", 0)
        token.attrs = {"src": match["url"]}
        token.content = match["alt"]
        token.children = []
    return True


def open_data_image(text: str) -> int:
    """Return where an image begins whose data are still coming at the very end of a text; -1 if there is none."""
    at = text.rfind("data:image/")
    if at < 0 or not _OPEN_DATA_IMAGE.fullmatch(text, at):
        return -1
    before = _BEFORE_DATA.search(text, max(0, at - 1100), at)
    return before.start() if before else -1


def size_of(text: str) -> int:
    """Return how many characters a text has, the data of images not counted."""
    return len(_OPEN_DATA_IMAGE.sub("", text)) if "data:image/" in text else len(text)


def is_data(text: str) -> bool:
    """Say whether a piece of text can be the middle of an image's data."""
    return _DATA.fullmatch(text) is not None


def drawn(url: str, alt: str, images: Images) -> str:
    """Return the HTML of an image that may be drawn, lazily and discreetly; ``""`` for any other."""
    if not images.draws(url):
        return ""
    size = raster_of(url)
    sides = f' width="{size.width}" height="{size.height}"' if size else ""
    asked = 'loading="lazy" referrerpolicy="no-referrer"'
    return f'<img src="{escape(url)}" alt="{escape(alt)}"{sides} {asked}>'


def spoken(url: str) -> str:
    """Say of what kind and how large an image is that is inside the text but not drawn."""
    kind = re.split("[;,]", url.removeprefix("data:image/"), maxsplit=1)[0]
    return f"{kind}, {max(1, len(url) * 3 // 4096)} kB"
