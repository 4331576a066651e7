"""Checks whether Markdown is safe for a front end that trusts its HTML.

It reads the Markdown as such a front end might and changes nothing; ``defang_markdown`` does.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from markdown_it import MarkdownIt

from .highlight import language_of
from .quotes import TERMINATES, quote_rule
from .sanitize import link_allowed
from .table_rows import limit_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

__all__ = ["FORMULA_MARK", "formula_reaches_code", "is_safe", "safe_language"]

FORMULA_MARK: Final = re.compile(r"\\?\$|\\\\(?=[\[\](])|\\{1,2}(?=begin)")
"""The first characters of everything that begins a formula to a front end that looks for formulas in the source."""
# Formulas of more than one line as nbconvert finds them, whatever Markdown is in between (markdown_mistune.py).
_FORMULA_BEGIN: Final = re.compile(r"(?<!\\)\$\$|\\\\\[|\\begin\{[a-z]*\*?\}")

# Languages whose fences a front end renders instead of showing the code. Mermaid fetches the images that a
# diagram names.
_RENDERED_LANGUAGES: Final = frozenset(
    {"mermaid", "math", "geojson", "topojson", "stl", "vega", "vega-lite", "plantuml", "svgbob"}
)
_OUR_HTML: Final = re.compile(r"</?code>|<br ?/?>|<pre>\n[ \t>]*<code>[^<]*</code></pre>\s*")
_PAIRED_TAG: Final = re.compile(r"<(/?)(sub|sup|kbd|u|mark)>")


class _TrustingMarkdown(MarkdownIt):
    """Parses as a trusting front end might: with HTML, and with every URL accepted."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - the parser's name
        return True


_TRUSTING: Final = _TrustingMarkdown("commonmark", {"html": True}).enable(["table", "strikethrough"])
limit_tables(_TRUSTING)
_TRUSTING.block.ruler.at("blockquote", quote_rule, TERMINATES)


def safe_language(info: str) -> str:
    """Return the language in a fence's info string; ``""`` for one that a front end would render."""
    language = language_of(info)
    return "" if language in _RENDERED_LANGUAGES else language


def is_safe(text: str) -> bool:
    """Return whether Markdown can do nothing if it is parsed with HTML enabled.

    It may have no image, no HTML other than what ``defang_markdown`` writes, and only allowed links and languages.
    """
    env: dict[str, Any] = {}
    tokens = _TRUSTING.parse(text, env)
    return all(
        _is_safe_token(token)
        and all(_is_safe_token(child) for child in token.children or ())
        and _has_only_pairs(token.children or ())
        for token in tokens
    ) and all(link_allowed(definition["href"]) for definition in env.get("references", {}).values())


def formula_reaches_code(text: str) -> bool:
    """Return whether a formula could begin outside of the fences that are not indented and end inside one or behind it.

    A front end that looks for formulas before it looks for blocks would cut the fence, and what follows would be no
    code.
    """
    lines = text.split("\n")
    fences = [
        token.map
        for token in _TRUSTING.parse(text)
        if token.type == "fence" and token.level == 0 and token.map
    ]
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    at = 0
    last: dict[str, int] = {}  # where each closing is found for the last time
    for first, after in fences:
        if _leaves_formula_open(text, at, starts[first], last):
            return True
        at = starts[after]
    return False


def _leaves_formula_open(text: str, begin: int, end: int, last: dict[str, int]) -> bool:
    """Return whether a formula begins in a part of a text and ends behind that part."""
    at = begin
    while match := _FORMULA_BEGIN.search(text, at, end):
        closing = {"$$": "$$", "\\\\[": "\\\\]"}.get(match[0], match[0].replace("begin", "end"))
        found = text.find(closing, match.end(), end)
        while closing == "$$" and found > 0 and text[found - 1] == "\\":
            found = text.find(closing, found + 1, end)
        if found >= 0:
            at = found + len(closing)
            continue
        if closing not in last:
            last[closing] = text.rfind(closing)
        if last[closing] >= end:
            return True
        at = match.end()
    return False


def _has_only_pairs(children: Sequence[Token]) -> bool:
    """Return whether the tags in one inline source are pairs, so that no tag reaches beyond its block."""
    open_tags: list[str] = []
    for child in children:
        tag = _PAIRED_TAG.fullmatch(child.content) if child.type == "html_inline" else None
        if tag and not tag[1]:
            open_tags.append(tag[2])
        elif tag and (not open_tags or open_tags.pop() != tag[2]):
            return False
    return not open_tags


def _is_safe_token(token: Token) -> bool:
    if token.type == "image":
        return False
    if token.type == "html_inline" and _PAIRED_TAG.fullmatch(token.content):
        return True  # see _has_only_pairs
    if token.type in {"html_block", "html_inline"}:
        return _OUR_HTML.fullmatch(token.content) is not None
    if token.type == "fence":
        return token.info.strip().lower() == safe_language(token.info)
    return token.type != "link_open" or link_allowed(str(token.attrGet("href")))
