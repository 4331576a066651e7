"""Decides which images of an answer are shown, and which become a placeholder.

Fetching an image can send parts of the answer to its host, so by default the page fetches no images. An image
inside the answer (a ``data:`` URL) sends nothing; it is shown if it is small and its content has the type
that the URL names.
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import OptionError
from ..media import read_raster

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

__all__ = [
    "DATA_ONLY",
    "Images",
    "RasterSize",
    "data_image",
    "describe_data_image",
    "image_html",
    "is_image_data",
    "length_without_data",
    "open_data_image",
    "raster_size",
]

_MAX_BYTES: Final = 256 * 1024
_MAX_SIDE: Final = 4096  # pixels
_MAX_PIXELS: Final = 8_000_000  # a browser allocates four bytes for each

_NAME = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:\*\.(?=[^.]+\.))?{_NAME}")
_HTTPS_URL: Final = re.compile(rf"https://({_NAME})(?::443)?(?:[/?#][^\s\\<>\"]*)?", re.IGNORECASE)
_DATA_URL: Final = re.compile(r"data:image/(png|gif|jpeg|webp);base64,([A-Za-z0-9+/]+={0,2})")
_DATA_IMAGE: Final = re.compile(
    r"!\[(?P<alt>[^\[\]]{0,1000})\]\([ \t]*(?P<url>data:image/[A-Za-z0-9.+-]{1,30}[;,][^\s()<>]*)"
    r"(?:[ \t]+(?:\"[^\"]{0,1000}\"|'[^']{0,1000}'))?[ \t]*\)"
)
_OPEN_DATA_IMAGE: Final = re.compile(r"data:image/[A-Za-z0-9.+-]{1,30};base64,[A-Za-z0-9+/=]*")
_DATA: Final = re.compile(r"[A-Za-z0-9+/=]*")
_BEFORE_DATA: Final = re.compile(r"!\[[^\[\]]{0,1000}\]\([ \t]*$")


class Images(NamedTuple):
    """Which images are shown.

    Attributes:
        data: whether small images inside the answer are shown.
        hosts: the hosts from which images may be fetched by https: names, or ``*.name`` for all subdomains.
    """

    data: bool = True
    hosts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: str) -> Images:
        """Parse the value of ``--images``: ``none``, ``data``, or comma-separated hosts, which include ``data``.

        Raises:
            OptionError: a name is not a host.
        """
        names = [name.strip().lower() for name in value.split(",") if name.strip()]
        if names == ["none"]:
            return cls(data=False)
        hosts = tuple(name for name in names if name != "data")
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise OptionError(
                    f"--images: {host!r} is not a host.",
                    remedy="Use none, data, or host names such as img.example.org or *.example.org. "
                    "Write international host names in Punycode (xn--…).",
                )
        return cls(hosts=hosts)

    def allows_fetch(self, url: str) -> bool:
        """Return whether a URL may be fetched: https, a listed host, the default port, no credentials."""
        match = _HTTPS_URL.fullmatch(url)
        host = match[1].lower() if match else ""
        return bool(host) and any(
            host.endswith(name[1:]) if name.startswith("*.") else host == name for name in self.hosts
        )

    def shows(self, url: str) -> bool:
        """Return whether an image with this URL is shown."""
        return self.allows_fetch(url) or (self.data and raster_size(url) is not None)


DATA_ONLY: Final = Images()


class RasterSize(NamedTuple):
    """The size of an image inside a ``data:`` URL, in pixels."""

    width: int
    height: int


@lru_cache(maxsize=8)  # an open paragraph is rendered again with each update
def raster_size(url: str) -> RasterSize | None:
    """Return the size of a ``data:`` image that may be shown.

    Returns None if the image is not a PNG, GIF, JPEG or WebP, is not of the type that the URL names, or is
    too large.
    """
    match = _DATA_URL.fullmatch(url)
    if match is None or len(match[2]) * 3 // 4 > _MAX_BYTES:
        return None
    try:
        data = binascii.a2b_base64(match[2], strict_mode=True)
    except binascii.Error:
        return None
    found = read_raster(data)
    if found is None or found.mime_type != f"image/{match[1]}":
        return None
    if max(found.width, found.height) > _MAX_SIDE or found.width * found.height > _MAX_PIXELS:
        return None
    return RasterSize(found.width, found.height)


# -- images in Markdown


def data_image(state: StateInline, silent: bool) -> bool:
    """Parse an image with a ``data:`` URL. The URL is matched as one piece, so its length costs little."""
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
    """Return where an image begins whose data are unfinished at the very end of a text; -1 if there is no such image."""
    at = text.rfind("data:image/")
    if at < 0 or not _OPEN_DATA_IMAGE.fullmatch(text, at):
        return -1
    before = _BEFORE_DATA.search(text, max(0, at - 1100), at)
    return before.start() if before else -1


def length_without_data(text: str) -> int:
    """Return the length of a text without the data of images."""
    return len(_OPEN_DATA_IMAGE.sub("", text)) if "data:image/" in text else len(text)


def is_image_data(text: str) -> bool:
    """Return whether a piece of text can be the middle of an image's data."""
    return _DATA.fullmatch(text) is not None


def image_html(url: str, alt: str, images: Images) -> str:
    """Return the HTML of an image that may be shown, loaded lazily and without referrer; ``""`` for any other image."""
    if not images.shows(url):
        return ""
    size = raster_size(url)
    sides = f' width="{size.width}" height="{size.height}"' if size else ""
    policy = 'loading="lazy" referrerpolicy="no-referrer"'
    return f'<img src="{escape(url)}" alt="{escape(alt)}"{sides} {policy}>'


def describe_data_image(url: str) -> str:
    """Return the type and size of an image that is inside the text but not shown, such as ``png, 12 kB``."""
    kind = re.split("[;,]", url.removeprefix("data:image/"), maxsplit=1)[0]
    return f"{kind}, {max(1, len(url) * 3 // 4096)} kB"
