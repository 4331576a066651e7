"""Reads Markdown as a front end might that trusts it, and says whether anything in it acts.

It changes nothing; ``defang`` does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from markdown_it import MarkdownIt

from .highlight import language_of
from .sanitize import link_allowed

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["harmless", "tame_language"]

# A language whose fence a front end draws instead of showing it; Mermaid fetches images that a diagram names.
_DRAWN: Final = frozenset(
    {"mermaid", "math", "geojson", "topojson", "stl", "vega", "vega-lite", "plantuml", "svgbob"}
)
_OWN_HTML: Final = re.compile(r"</?code>|<pre>\n[ \t>]*<code>[^<]*</code></pre>\s*")


class _Permissive(MarkdownIt):
    """Reads as the front end might: HTML on, every address taken."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - the parser's name
        return True


_JUDGE: Final = _Permissive("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tame_language(info: str) -> str:
    """Return the language of a fence; ``""`` for one that a front end would draw."""
    language = language_of(info)
    return "" if language in _DRAWN else language


def harmless(text: str) -> bool:
    """Read the text with HTML on and say whether nothing in it is markup of the model's own."""
    env: dict[str, Any] = {}
    tokens = _JUDGE.parse(text, env)
    return all(
        _tame(token) and all(_tame(child) for child in token.children or ()) for token in tokens
    ) and all(link_allowed(definition["href"]) for definition in env.get("references", {}).values())


def _tame(token: Token) -> bool:
    if token.type == "image":
        return False
    if token.type in {"html_block", "html_inline"}:
        return _OWN_HTML.fullmatch(token.content) is not None
    if token.type == "fence":
        return token.info.strip().lower() == tame_language(token.info)
    return token.type != "link_open" or link_allowed(str(token.attrGet("href")))
