"""URLs in plain text, such as ``https://example.org/a``, as links.

A URL begins with ``http://`` or ``https://`` and a host name of ASCII letters with a dot, and ends before the first
character that is not ASCII, so Chinese text right after it is not part of it. Punctuation at its end and brackets
without a counterpart are text. No link is made where a reader could be misled about where it leads: an ``@`` or a
letter of another script right after the host, or a path that is cut off in the middle of a word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .delimiters import is_cjk

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

__all__ = ["bare_url", "last_url"]

_LAST_URL: Final = re.compile(
    r"(?<!\]\()(?<![A-Za-z0-9]:)(?<![A-Za-z0-9.+\-/@])https?(?P<rest>://[^\s<>`\[\]\\]*)$", re.IGNORECASE
)
_URL_STOPS: Final = frozenset("<>`[]\\")
_SCHEME: Final = re.compile(r"(?:^|[^A-Za-z0-9.+\-/@:]|(?<![A-Za-z0-9]):)(https?)$", re.IGNORECASE)
_LONGEST_SCHEME: Final = 7  # with the two characters before it
_HOST: Final = re.compile(
    r"://(?:[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+(?:xn--[A-Za-z0-9-]{1,58}|[A-Za-z]{2,63})(?::[0-9]{1,5})?"
)
_PATH: Final = re.compile(r"(?:[/?#][A-Za-z0-9\-._~:/?#@!&'()*+,;=%]*)?")
_MISLEADING: Final = frozenset("@\\%_-")
_CUT_OFF: Final = ("/", "=", "-", "_")
_TRAILING: Final = "?!.,:;*_~'\""


def last_url(text: str) -> int:
    """Return where ``://`` of a bare URL at the very end of a text is, which may grow; -1 if there is none.

    The destination of a link is no bare URL.
    """
    begin = len(text) - text.endswith("\n")
    while begin and text[begin - 1] not in _URL_STOPS and not text[begin - 1].isspace():
        begin -= 1
    match = _LAST_URL.search(text, begin)
    return match.start("rest") if match else -1


def _ends_host(text: str, at: int, end: int) -> bool:
    """Return whether a host may end at a position: what follows cannot be taken for a part of it."""
    after, beyond = text[at : min(at + 1, end)], text[at + 1 : min(at + 2, end)]
    if after in _MISLEADING and after:
        return False
    if after == ".":
        return not (beyond.isalnum() and not beyond.isascii())
    if after == ":":
        return not beyond.isascii() or not beyond.isalnum()
    return not after.isalnum() or is_cjk(after)


def _without_trailing_text(url: str) -> str:
    """Return a URL without the punctuation and the unbalanced brackets at its end."""
    surplus = url.count(")") - url.count("(")
    while url:
        if url[-1] in _TRAILING:
            url = url[:-1]
        elif url[-1] == ")" and surplus > 0:
            url, surplus = url[:-1], surplus - 1
        else:
            break
    return url


def bare_url(state: StateInline, silent: bool) -> bool:
    """Parse a URL whose scheme is the text before the parser's position."""
    text, at, end = state.src, state.pos, state.posMax
    if state.linkLevel > 0 or not text.startswith("://", at, end):
        return False
    scheme = _SCHEME.search(text[max(0, at - _LONGEST_SCHEME) : at])
    host = _HOST.match(text, at, end) if scheme else None
    if scheme is None or host is None or not _ends_host(text, host.end(), end):
        return False
    path = _PATH.match(text, host.end(), end)
    stop = path.end() if path else host.end()
    after = text[stop : min(stop + 1, end)]
    # A "$" may begin a formula, for this parser or for a front end.
    if after == "$" or (text[at:stop].endswith(_CUT_OFF) and after.isalpha() and not after.isascii()):
        return False
    rest = _without_trailing_text(text[at:stop])
    shown = (scheme[1] + rest).replace("&amp;", "&")
    url = state.md.normalizeLink(shown)
    if not state.md.validateLink(url):
        return False
    if not silent:
        if not state.pending.endswith(scheme[1]):
            return False
        state.pending = state.pending[: -len(scheme[1])]
        opening = state.push("link_open", "a", 1)
        opening.attrs, opening.markup, opening.info = {"href": url}, "linkify", "auto"
        state.push("text", "", 0).content = shown
        closing = state.push("link_close", "a", -1)
        closing.markup, closing.info = "linkify", "auto"
    state.pos = at + len(rest)
    return True
