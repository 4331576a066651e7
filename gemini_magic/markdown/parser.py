"""The one Markdown dialect of this package: CommonMark, tables, strikethrough, task boxes; HTML is text.

It turns source into tokens and tokens into HTML that still has to pass ``sanitize.sanitize_html``; it keeps no state
between calls and does not know about streams.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.rules_block import table as table_rule
from markdown_it.rules_block.fence import fence
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from .footnotes import mark, note
from .highlight import language_of
from .images import DATA_ONLY, Images, data_image
from .math import block_formula, inline_formula
from .sanitize import link_allowed, link_host, visible
from .token_html import RULES, is_open_fence

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock

__all__ = [
    "MD",
    "CodeBlock",
    "Refs",
    "blocks_of",
    "close_fence",
    "code_blocks",
    "draw",
    "inline",
    "is_open_fence",
    "missing_cells",
]

_TASK: Final = re.compile(r"\[([ xX])\](?=\s)")
_LOOKS_LIKE_ADDRESS: Final = re.compile(
    r"(?:https?:/{1,2})?(?:www\.)?(?P<host>(?:[^\s/?#@:.]+\.)+[^\W\d_]{2,})(?:[:/?#]\S*)?", re.IGNORECASE
)
# Cells the parser adds to a table's short rows before it says that the table has ended.
_MOST_CELLS: Final = getattr(import_module(table_rule.__module__), "MAX_AUTOCOMPLETED_CELLS", sys.maxsize)


class CodeBlock(NamedTuple):
    """One fenced block: its language in lower case (``""`` if none was named) and its text, line ends kept."""

    language: str
    text: str


class Refs(dict[str, Any]):
    """Link definitions of one parse over those already settled, which win; notes each label asked for.

    The parser looks labels up with ``get``, or ``in`` and ``[]``, and defines them after ``in``.
    """

    def __init__(self, settled: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.settled = {} if settled is None else settled
        self.asked: set[str] = set()

    def get(self, label: str, default: Any = None) -> Any:
        """Return the definition of a normalised label, or ``default``."""
        self.asked.add(label)
        found = self.settled.get(label)
        return super().get(label, default) if found is None else found

    def __contains__(self, label: object) -> bool:
        self.asked.add(str(label))  # older releases of the parser look links up this way
        return label in self.settled or super().__contains__(label)

    def __missing__(self, label: str) -> Any:
        return self.settled[label]


@lru_cache(maxsize=512)  # links and definitions in the tail are read again with each update
def _normal_address(url: str) -> str:
    try:
        return normalizeLink(url)
    except (ValueError, IndexError, OverflowError):  # an address no library can read is refused
        return ""


class _Dialect(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name
        return link_allowed(url)

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the parser's name
        return _normal_address(url)


def _fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a fence as CommonMark says, and note whether its closing line was there."""
    if not fence(state, start, end, silent):
        return False
    if not silent:
        token = state.tokens[-1]
        last = state.line - 1
        line = state.src[state.bMarks[last] + state.tShift[last] : state.eMarks[last]].strip()
        token.meta["closed"] = (
            last > start
            and len(line) >= len(token.markup)
            and not line.strip(token.markup[0])
            and not state.is_code_block(last)
        )
    return True


def _cells(row: str) -> int:
    """Count the cells of a table's line as the parser does."""
    cells = escapedSplit(row.strip(" \t\n"))
    return len(cells) - (cells[:1] == [""]) - (len(cells) > 1 and cells[-1] == "")


def missing_cells(head: str, rows: list[str]) -> int:
    """Count the cells that rows lack, given the line with the table's head; less than 0 if they have more."""
    wanted = _cells(head.partition("\n")[0])
    return sum(wanted - _cells(row) for row in rows)


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a table; one whose first rows are not in the source fills up no more cells than a whole one."""
    spent = state.env.get("spent", 0)
    if spent and start == 0 and not silent:
        lines = state.src.split("\n")
        for line in range(2, end):
            spent += missing_cells(lines[0], lines[line : line + 1])
            if spent > _MOST_CELLS:
                end = line
                break
    return table_rule(state, start, end, silent)


def close_fence(tokens: list[Token]) -> None:
    """Take a fence at the very end for closed, as nothing follows; not one in a block quote, which a blank line ends."""
    for token in reversed(tokens):
        if token.nesting >= 0 or token.type == "blockquote_close":
            token.meta["closed"] = token.meta.get("closed") or token.type == "fence"
            return


def _task_box(token: Token) -> None:
    """Turn ``[ ]`` or ``[x]`` at the start of a list item into a drawn box."""
    children = token.children or []
    match = _TASK.match(children[0].content) if children and children[0].type == "text" else None
    if match:
        box = Token("task", "", 0, content="☐" if match[1] == " " else "☑")
        children[0].content = children[0].content[match.end() :]
        children.insert(0, box)


def _links(children: list[Token]) -> None:
    """Drop links inside links (an autolink can stand in a link's text) and tell the host where the text lies."""
    depth = 0
    outer: Token | None = None
    text: list[str] = []
    for child in children:
        if child.type == "link_open":
            depth += 1
            if depth == 1:
                outer, text = child, []
        elif child.type == "link_close":
            depth -= 1
            if depth == 0 and outer is not None:
                _name_host(outer, "".join(text).strip())
        elif depth and child.type in {"text", "code_inline", "image", "formula"}:
            text.append(child.content)
        if child.type == "image":
            child.meta["linked"] = depth > 0
        if child.type in {"link_open", "link_close"} and depth + (child.nesting < 0) > 1:
            child.type, child.hidden, child.tag = "nothing", True, ""


def _name_host(link: Token, text: str) -> None:
    host = link_host(str(link.attrGet("href") or ""))
    claimed = _LOOKS_LIKE_ADDRESS.fullmatch(text)
    if host and claimed and claimed["host"].lower() != host.removeprefix("www."):
        link.attrSet("title", f"Leads to {host}")


def _finish(state: StateCore) -> None:
    tokens = state.tokens
    for index, token in enumerate(tokens):
        if token.type == "inline" and token.children:
            if index > 1 and tokens[index - 2].type == "list_item_open":
                _task_box(token)
            _links(token.children)
        if token.type == "inline" and "pending" in token.meta:
            token.children = [*(token.children or ()), token.meta["pending"]]


def _make() -> MarkdownIt:
    md = _Dialect("commonmark", {"html": False}).enable(["table", "strikethrough"])
    md.disable(["html_block", "html_inline"])
    md.block.ruler.at("fence", _fence, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    for before, name, rule in (("table", "formula", block_formula), ("reference", "note", note)):
        md.block.ruler.before(before, name, rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.inline.ruler.before("escape", "formula", inline_formula)
    md.inline.ruler.before("link", "mark", mark)
    md.inline.ruler.before("image", "data_image", data_image)
    # Blocks are parsed by ``blocks_of``; what stays in the core chain works on one inline token at a time.
    md.core.ruler.enableOnly(["inline", "text_join"])
    md.core.ruler.push("finish", _finish)
    for kind, drawing in RULES.items():
        md.add_render_rule(kind, drawing)
    return md


MD: Final = _make()


def blocks_of(source: str, refs: Refs, spent: int = 0) -> list[Token]:
    r"""Return the block tokens of a source with ``\n`` line ends; new definitions go into ``refs``.

    ``spent`` is how many cells the rows lack that a table at the very beginning has had before.
    """
    tokens: list[Token] = []
    if source:
        MD.block.parse(source, MD, {"references": refs, "spent": spent}, tokens)
    return tokens


def inline(tokens: list[Token], refs: Refs) -> None:
    """Parse the inline content of block tokens, again if it was parsed before; ``refs.asked`` grows."""
    for token in tokens:
        if token.type == "inline":
            token.children = []
    state = StateCore("", MD, {"references": refs})
    state.tokens = tokens
    MD.core.process(state)


def draw(tokens: list[Token], images: Images = DATA_ONLY) -> str:
    """Return the HTML of tokens whose inline content is parsed; not yet cleaned."""
    return str(MD.renderer.render(tokens, MD.options, {"images": images}))


def code_blocks(text: str) -> list[CodeBlock]:
    """Return the fenced code blocks of an answer in order, those inside lists and quotes too."""
    tokens = blocks_of(visible(text), Refs())
    return [CodeBlock(language_of(token.info), token.content) for token in tokens if token.type == "fence"]
