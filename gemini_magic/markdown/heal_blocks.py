"""Guesses how the unfinished end of a source will read, so that a growing answer does not flicker.

It works on the copy that is displayed for a moment; nothing it does reaches a frozen block or the final
view. Two steps: hold back a last line that is only structure so far, then mend the last inline content.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from .heal_inline import mend
from .math import pending
from .parser import Refs, blocks_of
from .token_html import is_open_fence

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["heal"]

# Quote and list markers before the content of a line.
_CONTAINERS = r"(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*"
_ONLY_STRUCTURE: Final = re.compile(
    rf"""{_CONTAINERS}(?:
        [-=*_+\ \t]*            # list marker, rule, underline of a heading, start of emphasis
      | \d{{1,9}}[.)]?          # ordered list marker
      | \#{{1,6}}[ \t]*
      | `{{1,2}} | `{{3,}}[^`]* # opening line of a fence
      | ~+[^~]*
      | \|?[ \t|:-]*            # delimiter row of a table
      | \[(?!\^)[^\[\]]*\](?::.*)? # link definition
      | \[\^[^\[\]\s]*\]?:?[ \t]*  # footnote
      | \${{1,2}} | \\[(\[]?      # formula
      | \[[ xX]?\]?[ \t]*       # task box
    )""",
    re.VERBOSE,
)
_FENCE_END: Final = re.compile(r"[ \t>]*(?:`+|~+)[ \t]*")
_HEADER_ROW: Final = re.compile(rf"{_CONTAINERS}\|.*")


def heal(source: str, tokens: list[Token], refs: Refs) -> tuple[list[Token], Refs]:
    """Return block tokens and definitions to display instead of those parsed from ``source``.

    ``tokens`` and ``refs`` are the parse of ``source``; they may be changed and returned.
    """
    shown = _hold_back(source, tokens)
    if len(shown) != len(source):
        refs = Refs(refs.settled)
        tokens = blocks_of(shown, refs)
    last = _open_inline(shown, tokens)
    if last is not None and (at := _open_block(last, tokens)) >= 0:
        tokens[at : at + 3] = [pending(tokens[at], last.content[:2], last.content[2:])]
        tokens[at].block = True
    elif last is not None:
        mend(last, refs)
    return tokens, refs


def _open_block(last: Token, tokens: list[Token]) -> int:
    """Return where a paragraph begins that may yet be a formula, -1 if it may not."""
    at = next(index for index, token in enumerate(tokens) if token is last) - 1
    return at if at >= 0 and tokens[at].meta.get("formula") == "open" else -1


def _leaf(tokens: list[Token]) -> Token | None:
    """Return the last token that is not the end of another."""
    return next((token for token in reversed(tokens) if token.nesting >= 0), None)


def _hold_back(source: str, tokens: list[Token]) -> str:
    """Return the source without a last line that says nothing but structure."""
    leaf = _leaf(tokens)
    start = source.rfind("\n") + 1
    line = source[start:]
    if leaf is not None and is_open_fence(leaf):
        inside = (
            leaf.content.endswith(line.lstrip(" \t>"))
            and leaf.map is not None
            and leaf.map[1] - leaf.map[0] > 1
        )
        held = _FENCE_END if inside else _ONLY_STRUCTURE
        return source[:start] if line and held.fullmatch(line) else source
    if leaf is not None and leaf.type == "code_block" and line.strip():
        return source
    if leaf is not None and leaf.type == "formula_block" and leaf.map and leaf.map[1] > source.count("\n"):
        return source  # it is what closes a formula
    if _in_table(tokens, source):
        return source
    shown = source[:start] if line.strip() and _ONLY_STRUCTURE.fullmatch(line) else source
    if shown is source and line and _HEADER_ROW.fullmatch(line):
        return source[:start]
    return _without_header_row(shown, source)


def _without_header_row(shown: str, source: str) -> str:
    """Also hold back the line that may be a table's header while its delimiter row is being typed."""
    if not shown.endswith("\n") or shown.endswith("\n\n"):
        return shown
    start = shown.rfind("\n", 0, -1) + 1
    could_be_header = _HEADER_ROW.fullmatch(shown[start:-1]) is not None
    return shown[:start] if could_be_header and not source.endswith("\n\n") else shown


def _in_table(tokens: list[Token], source: str) -> bool:
    """Say whether the source ends in a table whose delimiter row is complete."""
    around = {"list_item_close", "bullet_list_close", "ordered_list_close", "blockquote_close"}
    last = next((token for token in reversed(tokens) if token.type not in around), None)
    if last is None or last.type != "table_close" or source.endswith("\n\n"):
        return False
    table = next(token for token in reversed(tokens) if token.type == "table_open")
    return table.map is not None and source.count("\n") >= table.map[0] + 2


def _open_inline(source: str, tokens: list[Token]) -> Token | None:
    """Return the last inline token if more text may join it."""
    leaf = _leaf(tokens)
    if leaf is None or leaf.type != "inline" or source.endswith("\n\n"):
        return None
    closing = next(after.type for before, after in pairwise(tokens) if before is leaf)
    if closing == "paragraph_close":
        return leaf
    if source.endswith("\n"):  # a heading or a row ends with its line
        return None
    if closing == "heading_close":
        return leaf
    # The row being typed was filled up with empty cells; a border at the end closes the last one.
    cells = (token for token in reversed(tokens) if token.type == "inline" and token.content)
    return None if source.rstrip().endswith("|") else next(cells, None)
