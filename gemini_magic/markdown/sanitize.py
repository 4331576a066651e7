"""The sanitizer: allow-lists of characters, URLs, elements, attributes and classes that rendered answers may contain.

It works on finished strings and does not parse Markdown.
"""

from __future__ import annotations

import re
import sys
import threading
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import nh3

from ..text import reveal
from .images import DATA_ONLY, Images
from .invisible import mark_invisible

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "SPAN_CLASSES",
    "NewlineNormalizer",
    "link_allowed",
    "link_host",
    "normalize",
    "sanitize_html",
]

# A host name has no "%", as a browser would decode it and look up another name, and no "@", so no
# credentials. "_" occurs in practice (DNS service names).
_HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]{2,45}\])"
_HTTP_URL: Final = re.compile(
    rf"https?://(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?(?:[/?#][^\s\\<>\"]*)?", re.IGNORECASE
)
_MAILTO_URL: Final = re.compile(r"mailto:[^\s\\<>\"@]+@[^\s\\<>\"@]+", re.IGNORECASE)
_MAX_PORT: Final = 65535
# An IP address (a last label that begins with a digit makes a host one), or a host in Punycode.
_UNUSUAL_HOST: Final = re.compile(r"\[|(?:.*\.)?[0-9][^.]*\.?$|(?:.*\.)?xn--", re.IGNORECASE)

_UNUSABLE: Final = re.compile("[\x00\ud800-\udfff]")

SPAN_CLASSES: Final = frozenset(
    f"gm-{name}"
    for name in (
        # code, see highlight.py
        *"adeghimotv",
        *("task", "image", "pending", "u"),
    )
) | {"mathjax_process tex2jax_process"}
_CLASSES: Final = {
    "span": SPAN_CLASSES,
    "div": {"gm-table", "gm-pending", "mathjax_process tex2jax_process"},
    "sup": {"gm-def", "gm-cite"},
}
_LANGUAGE_CLASS: Final = re.compile(r"language-[A-Za-z0-9_+#.-]{1,40}")
# The sanitizer takes quadratic time for character references in one text. A comment, which it drops, divides the text.
_MANY_REFERENCES: Final = 2_000
_LONG_TEXT: Final = re.compile(r">[^<>]{4000,}")
_TEXT_PIECE: Final = re.compile(r"(?>[^&]|&(?:#?[A-Za-z0-9]{1,31};)?){1,1000}")
_PIXELS: Final = re.compile(r"[1-9][0-9]{0,3}")
_CELLS: Final = re.compile(r"[1-9][0-9]?")
_ALIGN: Final = re.compile(r"text-align: ?(?:left|right|center);?")


def normalize(text: str) -> str:
    """Replace NUL and lone surrogates, which pages and encoders refuse, by U+FFFD. Line ends stay as they are."""
    return _UNUSABLE.sub("\ufffd", text)


class NewlineNormalizer:
    r"""Replaces ``\r\n`` and ``\r`` by ``\n`` wherever the text is split into pieces, and normalizes the rest."""

    def __init__(self) -> None:
        self._after_return = False

    def __call__(self, text: str) -> str:
        """Return the next piece of text, normalized."""
        if not text:
            return text
        if self._after_return and text[0] == "\n":
            text = text[1:]
            self._after_return = False
            if not text:
                return text
        self._after_return = text[-1] == "\r"
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return normalize(text)


def link_host(url: str) -> str:
    """Return the host of an http or https URL in lower case, ``""`` for anything else."""
    match = _HTTP_URL.match(url)
    return match["host"].lower() if match else ""


@lru_cache(maxsize=256)
def _is_parseable(url: str) -> bool:
    """Return whether a URL of allowed characters is valid for nh3's own parser (WHATWG URL)."""
    return "href" in nh3.clean(f'<a href="{url}">', tags={"a"}, url_schemes={"https"}, url_relative="deny")


@lru_cache(maxsize=256)  # a long URL of a link definition may be used very often
def link_allowed(url: str) -> bool:
    """Return whether a link may lead to this URL: http or https with a plain host, or mailto.

    Refused are other schemes, credentials, relative URLs, fragments, hosts that a browser cannot parse
    (JupyterLab makes a relative URL of them), and ``http:/path``, which a browser resolves against the page's
    own origin (WHATWG URL, section 4.4).
    """
    match = _HTTP_URL.fullmatch(url)
    if match:
        fits = match["port"] is None or int(match["port"]) <= _MAX_PORT
        return fits and (
            _UNUSUAL_HOST.match(match["host"]) is None or _is_parseable(f"https://{match['host']}/")
        )
    return _MAILTO_URL.fullmatch(url) is not None


def _filter_attribute(images: Images, element: str, name: str, value: str) -> str | None:
    """Return the value of an attribute, or None to remove the attribute."""
    if name == "class":
        if element == "code":
            return value if _LANGUAGE_CLASS.fullmatch(value) else None
        return value if value in _CLASSES.get(element, ()) else None
    if name == "href":
        return value if link_allowed(value) else None
    if name == "style":
        return value if _ALIGN.fullmatch(value) else None
    if name == "start":
        return value if value.isascii() and value.isdigit() else None
    if name == "src":
        return value if images.shows(value) else None
    if name in {"width", "height"}:
        return value if _PIXELS.fullmatch(value) else None
    if name == "colspan":
        return value if _CELLS.fullmatch(value) else None
    fixed = _FIXED_VALUES.get(name)
    return value if fixed in {None, value} else None


_FIXED_VALUES: Final = {"dir": "auto", "loading": "lazy", "referrerpolicy": "no-referrer", "open": ""}
_ELEMENTS: Final = frozenset(
    {
        "a",
        "b",
        "bdi",
        "blockquote",
        "br",
        "code",
        "del",
        "details",
        "dfn",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "s",
        "samp",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
        "var",
    }
)
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    **{key: {"dir"} for key in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "summary")},
    "ol": {"start", "dir"},
    "details": {"open"},
    "code": {"class"},
    "span": {"class"},
    "div": {"class"},
    "sup": {"class"},
    "img": {"src", "alt", "width", "height", "loading", "referrerpolicy"},
    "th": {"style", "dir"},
    "td": {"style", "dir", "colspan"},
}


@lru_cache(maxsize=16)
def _cleaner(images: Images) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_ELEMENTS),
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_filter_attribute, images),
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "data"},  # the filter checks each URL by its attribute
        url_relative="deny",
        filter_style_properties={"text-align"},
    )


def _split_text(match: re.Match[str]) -> str:
    return _TEXT_PIECE.sub(r"\g<0><!---->", match[0])


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise an interrupt that arrives while the sanitizer calls the attribute filter.

    The sanitizer ignores exceptions of the filter and keeps the attribute unchanged, so the interrupt would be lost and
    the HTML would not be safe. Signals interrupt the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupts: list[BaseException] = []
    report = sys.unraisablehook

    def keep(ignored: sys.UnraisableHookArgs) -> None:
        if isinstance(ignored.exc_value, Exception) or ignored.exc_value is None:
            report(ignored)
        else:
            interrupts.append(ignored.exc_value)

    sys.unraisablehook = keep
    try:
        yield
    finally:
        sys.unraisablehook = report
    if interrupts:
        raise interrupts[0]


def sanitize_html(html: str, images: Images = DATA_ONLY) -> str:
    """Return a balanced HTML fragment without anything that the allow-lists do not name.

    Args:
        html: from the parser.
        images: the images that it may show.
    """
    if html.count("&") + html.count("\xa0") > _MANY_REFERENCES:
        html = _LONG_TEXT.sub(_split_text, html)
    with _interruptible():
        return _cleaner(images).clean(mark_invisible(reveal(html)))
