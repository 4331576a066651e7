"""What may leave this room: characters, addresses, elements, attributes and classes, as allow-lists.

It does not parse Markdown and does not know what an answer is; it judges finished strings.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Final

import nh3

from .images import DATA_ONLY, Images

__all__ = [
    "SPAN_CLASSES",
    "Newlines",
    "sanitize_html",
    "link_allowed",
    "link_host",
    "normalise",
    "reveal",
    "visible",
]

# One label of a host name holds no "%": a browser would decode it and look up another name. "@" is
# missing as well, so no credentials; "_" is legal in practice (DNS service names).
_HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]{2,45}\])"
_WEB: Final = re.compile(
    rf"https?://(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?(?:[/?#][^\s\\<>\"]*)?", re.IGNORECASE
)
_MAIL: Final = re.compile(r"mailto:[^\s\\<>\"@]+@[^\s\\<>\"@]+", re.IGNORECASE)
_LARGEST_PORT: Final = 65535
# An address in numbers (a last label that begins with a digit makes it one), or in encoded letters.
_ODD_HOST: Final = re.compile(r"\[|(?:.*\.)?[0-9][^.]*\.?$|(?:.*\.)?xn--", re.IGNORECASE)

_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_BIDI = "\u202a-\u202e\u2066-\u2069"
_TAGS = "\U000e0000-\U000e007f"
# The flags of England, Scotland and Wales are a black flag, tag letters and a cancel tag: no hidden text.
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_HIDDEN: Final = re.compile(f"({_FLAG})|([{_CONTROLS}])|([{_BIDI}{_TAGS}])")
_NEWLINES: Final = re.compile(r"\r\n?")
_UNUSABLE: Final = re.compile("[\x00\ud800-\udfff]")

SPAN_CLASSES: Final = frozenset(
    f"gm-{name}"
    for name in (
        # code, see highlight.py
        *"adeghimotv",
        *("task", "image", "pending"),
    )
) | {"mathjax_process"}
_CLASSES: Final = {
    "span": SPAN_CLASSES,
    "div": {"gm-table", "gm-pending", "mathjax_process"},
    "sup": {"gm-def"},
}
_LANGUAGE_CLASS: Final = re.compile(r"language-[A-Za-z0-9_+#.-]{1,40}")
_SIDE: Final = re.compile(r"[1-9][0-9]{0,3}")
_ALIGN: Final = re.compile(r"text-align: ?(?:left|right|center);?")


def normalise(text: str) -> str:
    """Replace what no page and no encoder takes: NUL and surrogates become U+FFFD. Newlines stay as they are."""
    return _UNUSABLE.sub("\ufffd", text)


class Newlines:
    r"""Makes ``\r\n`` and ``\r`` one ``\n`` wherever the pieces of text are cut, and normalises the rest."""

    def __init__(self) -> None:
        self._after_return = False

    def __call__(self, text: str) -> str:
        """Return the next piece of text, normalised."""
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
        return normalise(text)


def _shown(match: re.Match[str]) -> str:
    flag, control, hidden = match.groups()
    if flag:
        return str(flag)
    if control:
        return " " if control in "\x0b\x0c" else ""
    return f"⟨U+{ord(hidden):04X}⟩"


def reveal(text: str) -> str:
    """Drop control characters but newline and tab; show bidi controls and tag characters as ``⟨U+202E⟩``.

    A right-to-left override or an invisible tag character can make text read differently from what
    it is (Unicode Technical Report 36, section 2), so a reader gets to see them.
    """
    return _HIDDEN.sub(_shown, text)


def visible(text: str) -> str:
    r"""Return text for a terminal or a plain-text field: nothing in it can move the cursor or hide.

    Every line end becomes ``\n``: a lone carriage return would overwrite the line before it.
    """
    return reveal(normalise(_NEWLINES.sub("\n", text)))


def link_host(url: str) -> str:
    """Return the host of a web address in lower case, ``""`` for anything else."""
    match = _WEB.match(url)
    return match["host"].lower() if match else ""


@lru_cache(maxsize=256)
def _readable(url: str) -> bool:
    """Say whether an address of allowed characters is one, by the sanitiser's own parser (WHATWG URL)."""
    return "href" in nh3.clean(f'<a href="{url}">', tags={"a"}, url_schemes={"https"}, url_relative="deny")


def link_allowed(url: str) -> bool:
    """Say whether a link may lead to this address: http(s) with a plain host, or mailto.

    Refused are hosts that a browser cannot read, as JupyterLab makes a relative address of them, other schemes, credentials, relative addresses, fragments, and ``http:/path``, which a
    browser resolves against the page's own origin (WHATWG URL, section 4.4).
    """
    match = _WEB.fullmatch(url)
    if match:
        fits = match["port"] is None or int(match["port"]) <= _LARGEST_PORT
        return fits and (_ODD_HOST.match(match["host"]) is None or _readable(f"https://{match['host']}/"))
    return _MAIL.fullmatch(url) is not None


def _attribute(images: Images, element: str, name: str, value: str) -> str | None:
    """Judge one attribute; None removes it."""
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
        return value if images.draws(value) else None
    if name in {"width", "height"}:
        return value if _SIDE.fullmatch(value) else None
    fixed = _FIXED.get(name)
    return value if fixed in {None, value} else None


_FIXED: Final = {"loading": "lazy", "referrerpolicy": "no-referrer"}
_ELEMENTS: Final = frozenset(
    {
        "a",
        "b",
        "bdi",
        "blockquote",
        "br",
        "code",
        "del",
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
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "samp",
        "span",
        "strong",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
        "var",
    }
)
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "ol": {"start"},
    "code": {"class"},
    "span": {"class"},
    "div": {"class"},
    "sup": {"class"},
    "img": {"src", "alt", "width", "height", "loading", "referrerpolicy"},
    "th": {"style"},
    "td": {"style"},
}


@lru_cache(maxsize=16)
def _cleaner(images: Images) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_ELEMENTS),
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_attribute, images),
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "data"},  # each address is judged by the filter, by its place
        url_relative="deny",
        filter_style_properties={"text-align"},
    )


def sanitize_html(html: str, images: Images = DATA_ONLY) -> str:
    """Return a balanced HTML fragment with everything removed that the allow-lists do not name.

    Args:
        html: from the parser.
        images: those that may be in it.
    """
    return _cleaner(images).clean(reveal(html))
