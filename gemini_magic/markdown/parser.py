"""The Markdown dialect: CommonMark, tables, strikethrough, task boxes, footnotes, formulas and a little HTML.

All HTML but the tags and comments of ``inline_html`` is text.

It parses source into tokens and renders tokens as HTML that ``sanitize_html`` still has to sanitize. It keeps
no state between calls and does not know about streams.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from ..text import visible
from .bare_urls import bare_url
from .delimiters import emphasis, strikethrough
from .details import details_block
from .expansion import ReferenceUse
from .fences import FenceState, fence_rule
from .footnotes import footnote_definition, footnote_reference
from .highlight import language_of
from .images import DATA_ONLY, Images, data_image
from .inline_html import comment, inline_tag, pair_tags
from .math import block_environment, block_formula, inline_environment, inline_formula
from .quotes import TERMINATES, quote_rule
from .sanitize import link_allowed, link_host
from .source_marks import MarkPlaces, source_mark, text_until_mark
from .table_rows import TABLE_ROWS, FilledRows, limit_tables
from .token_html import RENDER_RULES, is_open_fence

__all__ = [
    "MD",
    "CodeBlock",
    "References",
    "close_blocks",
    "close_fence",
    "code_blocks",
    "is_open_fence",
    "parse_blocks",
    "parse_inline",
    "parse_inline_source",
    "to_html",
]

_TASK: Final = re.compile(r"\[([ xX])\](?=\s)")
_LOOKS_LIKE_URL: Final = re.compile(
    r"(?:https?:/{1,2})?(?:www\.)?(?P<host>(?:[^\s/?#@:.]+\.)+[^\W\d_]{2,})(?:[:/?#]\S*)?", re.IGNORECASE
)
# Blocks whose direction, left to right or right to left, follows from their text. A list has one direction: if
# its items had their own, their bullets would be on the wrong side.
_WITH_DIRECTION: Final = frozenset(
    f"{name}_open" for name in ("paragraph", "heading", "summary", "bullet_list", "ordered_list", "th", "td")
)


class CodeBlock(NamedTuple):
    """One fenced code block.

    Attributes:
        language: in lower case; ``""`` if the fence names no language.
        text: the code, with its line ends.
    """

    language: str
    text: str


class References(dict[str, Any]):
    """The link definitions of one parse, layered over those in frozen source, which take precedence.

    It is the ``references`` dictionary of a markdown-it environment. The parser looks labels up with ``get``,
    or with ``in`` and ``[]``, and defines a label only if it is not ``in``.

    Attributes:
        frozen: the definitions in frozen source, by normalized label.
        looked_up: every label that was looked up.
    """

    def __init__(self, frozen: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.frozen = {} if frozen is None else frozen
        self.looked_up: set[str] = set()

    def get(self, label: str, default: Any = None) -> Any:
        """Return the definition of a normalized label, or ``default``."""
        self.looked_up.add(label)
        found = self.frozen.get(label)
        return super().get(label, default) if found is None else found

    def __contains__(self, label: object) -> bool:
        self.looked_up.add(str(label))  # older releases of the parser look labels up this way
        return label in self.frozen or super().__contains__(label)

    def __missing__(self, label: str) -> Any:
        return self.frozen[label]


@lru_cache(maxsize=512)  # URLs in the tail are normalized again with each update
def _normalized_url(url: str) -> str:
    try:
        return normalizeLink(url)
    except (ValueError, IndexError, OverflowError):  # an unreadable URL; link_allowed refuses ""
        return ""


class _Dialect(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name
        return link_allowed(url) or url.startswith("#")  # see _finish_links

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the parser's name
        return _normalized_url(url)


def close_fence(tokens: list[Token]) -> None:
    """Mark a fence at the very end as closed: nothing follows.

    A fence in a block quote stays open, because a blank line ends it, and so does one before ``</details>``.
    """
    for token in reversed(tokens):
        ends_before = token.type == "details_close" and token.meta["closed"]
        if token.nesting >= 0 or token.type == "blockquote_close" or ends_before:
            token.meta["closed"] = token.meta.get("closed") or token.type == "fence"
            return


def close_blocks(text: str) -> str:
    """Return a text to which other Markdown may be appended: a fence or a details block that is open at its end is closed."""
    closing = []
    for token in reversed(parse_blocks(text, References())):
        is_open = not (token.meta or {}).get("closed")
        if token.type == "details_close" and token.level == 0 and is_open:
            closing.append("</details>")
        elif token.type == "fence":
            if is_open and token.level == len(closing):
                closing.append(token.markup)
            break
        elif token.nesting >= 0:
            break
    return "\n".join([text.rstrip("\n"), *reversed(closing)]) if closing else text


def _task_box(token: Token) -> None:
    """Replace ``[ ]`` or ``[x]`` at the start of a list item by a box."""
    children = token.children or []
    match = _TASK.match(children[0].content) if children and children[0].type == "text" else None
    if match:
        box = Token("task", "", 0, content="☐" if match[1] == " " else "☑")
        children[0].content = children[0].content[match.end() :]
        children.insert(0, box)


def _finish_links(children: list[Token]) -> list[ReferenceUse]:
    """Drop links inside links and links to a heading; add the real host to links whose text looks like another host.

    CommonMark allows an autolink inside the text of a link. A link to a heading, such as ``[Intro](#intro)``, is
    shown as its text: the headings of an answer have no ids, as two answers of a page could have the same ones.

    Returns:
        The uses of link definitions that are left.
    """
    uses: list[ReferenceUse] = []
    depth = 0
    outer: Token | None = None
    text: list[str] = []
    to_heading: list[bool] = []
    for child in children:
        if child.type in {"link_open", "link_close"}:
            if child.nesting > 0:
                to_heading.append(str(child.attrGet("href") or "").startswith("#"))
            if to_heading[-1] if child.nesting > 0 else to_heading.pop():
                child.type, child.hidden, child.tag = "nothing", True, ""
        if child.type == "link_open":
            depth += 1
            if depth == 1:
                outer, text = child, []
        elif child.type == "link_close":
            depth -= 1
            if depth == 0 and outer is not None:
                _add_host_title(outer, "".join(text).strip())
                if "label" in outer.meta:
                    uses.append(ReferenceUse(outer, child))
        elif depth and (child.type in {"text", "code_inline", "image", "formula"} or _is_text_tag(child)):
            text.append(child.content)
        if child.type == "image":
            child.meta["linked"] = depth > 0
            if "label" in child.meta:
                uses.append(ReferenceUse(child, None))
        if child.type in {"link_open", "link_close"} and depth + (child.nesting < 0) > 1:
            child.type, child.hidden, child.tag = "nothing", True, ""
    return uses


def _is_text_tag(token: Token) -> bool:
    """Return whether this is a tag without a counterpart, which is text."""
    return token.type == "inline_tag" and not token.nesting


def _add_host_title(link: Token, text: str) -> None:
    """Set a link's title to its host if its text looks like a URL with another host."""
    claimed = _LOOKS_LIKE_URL.fullmatch(text)
    host = link_host(str(link.attrGet("href") or "")) if claimed else ""
    if host and claimed and claimed["host"].lower() != host.removeprefix("www."):
        link.attrSet("title", f"Leads to {host}")


def _finish_inline(state: StateCore) -> None:
    """Finish parsed tokens: directions, task boxes, links, and the unfinished formula that healing has found."""
    tokens = state.tokens
    for index, token in enumerate(tokens):
        if token.type in _WITH_DIRECTION:
            token.attrSet("dir", "auto")
        if token.type == "inline" and token.children:
            if index > 1 and tokens[index - 2].type == "list_item_open":
                _task_box(token)
            pair_tags(token.children)
            token.meta["uses"] = _finish_links(token.children)
        if token.type == "inline" and "pending" in token.meta:
            token.children = [*(token.children or ()), token.meta["pending"]]


def _make_parser() -> MarkdownIt:
    # With labels, the uses of link definitions differ from other links.
    md = _Dialect("commonmark", {"html": False, "store_labels": True}).enable(["table", "strikethrough"])
    md.disable(["html_block", "html_inline"])
    md.block.ruler.at("fence", fence_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    limit_tables(md)
    md.block.ruler.at("blockquote", quote_rule, TERMINATES)
    for before, name, rule in (
        ("table", "formula", block_formula),
        ("table", "environment", block_environment),
        ("fence", "details", details_block),
        ("reference", "footnote_definition", footnote_definition),
    ):
        md.block.ruler.before(before, name, rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.inline.ruler.at("emphasis", emphasis)
    md.inline.ruler.at("strikethrough", strikethrough)
    md.inline.ruler.before("escape", "bare_url", bare_url)
    md.inline.ruler.before("escape", "formula", inline_formula)
    md.inline.ruler.before("escape", "environment", inline_environment)
    md.inline.ruler.before("link", "footnote_reference", footnote_reference)
    md.inline.ruler.before("image", "data_image", data_image)
    md.inline.ruler.before("autolink", "inline_tag", inline_tag)
    md.inline.ruler.before("autolink", "comment", comment)
    # ``parse_blocks`` parses blocks; the core chain keeps only rules that work on one inline token at a time.
    md.core.ruler.enableOnly(["inline", "text_join"])
    md.core.ruler.push("finish", _finish_inline)
    for kind, render_rule in RENDER_RULES.items():
        md.add_render_rule(kind, render_rule)
    return md


MD: Final = _make_parser()


@cache
def _marking_parser() -> MarkdownIt:
    """Return a parser that also places source marks; the rules for it would slow down all others."""
    md = _make_parser()
    md.inline.ruler.at("text", text_until_mark)
    md.inline.ruler.before("text", "source_mark", source_mark)
    return md


def parse_blocks(
    source: str,
    references: References,
    table_rows: FilledRows | None = None,
    fence_state: FenceState | None = None,
) -> list[Token]:
    r"""Return the block tokens of a source.

    Args:
        source: with ``\n`` line ends.
        references: new link definitions are added to it.
        table_rows: the frozen rows of a table at the very beginning.
        fence_state: the state after the frozen lines of a Markdown block at the very beginning.
    """
    tokens: list[Token] = []
    if source:
        env = {"references": references, TABLE_ROWS: table_rows, "fence_state": fence_state}
        MD.block.parse(source, MD, env, tokens)
    return tokens


def parse_inline(tokens: list[Token], references: References, marks: MarkPlaces | None = None) -> None:
    """Parse the inline content of block tokens, again if it was parsed before.

    Args:
        tokens: block tokens; their inline tokens get children.
        references: the link definitions; ``looked_up`` gets the labels in the tokens.
        marks: the source marks of the inline tokens; they are placed.
    """
    placing = {} if marks is None else marks.by_token
    by_children = {}
    for token in tokens:
        if token.type == "inline":
            token.children = []
            if id(token) in placing:
                by_children[id(token.children)] = placing[id(token)]
    md = _marking_parser() if placing else MD
    state = StateCore("", md, {"references": references, "source_marks": by_children})
    state.tokens = tokens
    md.core.process(state)
    for token in tokens if placing else ():
        if id(token) in placing:  # what stands at the end of the content
            token.children = [*(token.children or ()), *placing[id(token)].take(len(token.content))]


def parse_inline_source(source: str) -> list[Token]:
    """Return the inline tokens of a source, parsed without link definitions."""
    tokens: list[Token] = []
    MD.inline.parse(source, MD, {"references": References()}, tokens)
    return tokens


def to_html(tokens: list[Token], images: Images = DATA_ONLY) -> str:
    """Return the HTML of tokens whose inline content is parsed; not yet sanitized."""
    return str(MD.renderer.render(tokens, MD.options, {"images": images}))


def code_blocks(text: str) -> list[CodeBlock]:
    """Return the fenced code blocks of an answer in order, including those inside lists and quotes."""
    tokens = parse_blocks(visible(text), References())
    return [CodeBlock(language_of(token.info), token.content) for token in tokens if token.type == "fence"]
