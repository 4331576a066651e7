"""Heals the unfinished end of a growing text at the level of blocks, so that the view does not flicker.

Healing (token healing) changes what is displayed for a moment: unfinished markup is shown as it will probably
be when it is finished. It works on the tokens of the unfrozen rest; it never reaches a frozen block or the
final view. It has two steps. A last line that is only structure so far, such as ``-`` or ``| --``, is held
back. Then the last inline content is healed by ``heal_inline``.
"""

from __future__ import annotations

import re
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Final

from .heal_inline import heal_inline
from .math import pending_token, split_opening
from .parser import References, parse_blocks
from .token_html import is_open_fence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown_it.token import Token

__all__ = ["heal_blocks"]

# Quote and list markers before the content of a line.
_CONTAINERS: Final = re.compile(r"(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*")
_ONLY_STRUCTURE: Final = re.compile(
    r"""(?:
        [-=*_+\ \t]*            # list marker, rule, underline of a heading, start of emphasis
      | \d{1,9}[.)]?          # ordered list marker
      | \#{1,6}[ \t]*
      | `{1,2} | `{3,}[^`]* # opening line of a fence
      | ~+[^~]*
      | \|?[ \t|:-]*            # delimiter row of a table
      | \[(?!\^)[^\[\]]*\](?::.*)? # link definition
      | \[\^[^\[\]\s]*\]?:?[ \t]*  # footnote
      | \${1,2} | \\[(\[]?      # formula
      | \\b(?:e(?:g(?:in?)?)?)? | \\begin\{[a-z]*\*?
      | \[[ xX]?\]?[ \t]*       # task box
      | </?[a-z]{0,8}           # a tag, or the first lines of a details block
      | <details(?:\ (?:o(?:p(?:en?)?)?)?)?
      | <details(?:\ open)?>[ \t]*<.* | <summary>.*
    )""",
    re.VERBOSE,
)
_FENCE_END: Final = re.compile(r"[ \t>]*(?:`+|~+)[ \t]*")


def heal_blocks(
    source: str,
    tokens: list[Token],
    references: References,
    parse: Callable[[str, References], list[Token]] = parse_blocks,
) -> tuple[list[Token], References]:
    """Return block tokens and link definitions to display instead of those parsed from ``source``.

    Args:
        source: the unfrozen source, with the prefix of the open block.
        tokens: its block tokens; they may be changed and returned.
        references: its link definitions; they may be changed and returned.
        parse: parses a beginning of the source.
    """
    shown = _without_structure_line(source, tokens)
    if len(shown) != len(source):
        references = References(references.frozen)
        tokens = parse(shown, references)
    last = _unfinished_inline(shown, tokens)
    if last is not None and (at := _unfinished_formula(last, tokens)) >= 0:
        tokens[at : at + 3] = [pending_token(tokens[at], *split_opening(last.content))]
        tokens[at].block = True
    elif last is not None:
        heal_inline(last, references)
    return tokens, references


def _unfinished_formula(last: Token, tokens: list[Token]) -> int:
    """Return where a paragraph begins that may become a formula block, -1 if it cannot.

    Args:
        last: the paragraph's inline token.
        tokens: the block tokens.
    """
    at = next(index for index, token in enumerate(tokens) if token is last) - 1
    return at if at >= 0 and tokens[at].meta.get("formula") == "open" else -1


def _last_leaf(tokens: list[Token]) -> Token | None:
    """Return the last token that is not a closing token."""
    return next((token for token in reversed(tokens) if token.nesting >= 0), None)


def _after_leaf(tokens: list[Token]) -> Iterator[Token]:
    """Yield the closing tokens at the end."""
    return takewhile(lambda token: token.nesting < 0, reversed(tokens))


def _content_start(line: str) -> int:
    """Return where the content of a line begins, after quote and list markers."""
    match = _CONTAINERS.match(line)
    return match.end() if match else 0


def _is_only_structure(line: str) -> bool:
    """Return whether an unfinished line has no text so far."""
    return _ONLY_STRUCTURE.fullmatch(line, _content_start(line)) is not None


def _is_header_row(line: str) -> bool:
    """Return whether a line may become the header of a table."""
    return line.startswith("|", _content_start(line))


def _without_structure_line(source: str, tokens: list[Token]) -> str:
    """Return the source without a last line that is only structure so far."""
    leaf = _last_leaf(tokens)
    start = source.rfind("\n") + 1
    line = source[start:]
    if leaf is not None and is_open_fence(leaf):
        inside = (
            leaf.content.endswith(line.lstrip(" \t>"))
            and leaf.map is not None
            and leaf.map[1] - leaf.map[0] > 1
        )
        held_back = _FENCE_END.fullmatch(line) is not None if inside else _is_only_structure(line)
        return source[:start] if line and held_back else source
    if leaf is not None and leaf.type == "code_block" and line.strip():
        return source
    if leaf is not None and leaf.type == "formula_block" and leaf.map and leaf.map[1] > source.count("\n"):
        return source  # the last line closes a formula
    if _ends_in_table(tokens, source):
        return source
    shown = source[:start] if line.strip() and _is_only_structure(line) else source
    if shown is source and line and _is_header_row(line):
        return source[:start]
    return _without_header_row(shown, source)


def _without_header_row(shown: str, source: str) -> str:
    """Hold back a line that may be a table's header, too, while its delimiter row is incomplete."""
    if not shown.endswith("\n") or shown.endswith("\n\n"):
        return shown
    start = shown.rfind("\n", 0, -1) + 1
    return shown[:start] if _is_header_row(shown[start:-1]) and not source.endswith("\n\n") else shown


def _ends_in_table(tokens: list[Token], source: str) -> bool:
    """Return whether the source ends in a table whose delimiter row is complete."""
    containers = {
        "list_item_close",
        "bullet_list_close",
        "ordered_list_close",
        "blockquote_close",
        "details_close",
    }
    last = next((token for token in reversed(tokens) if token.type not in containers), None)
    if last is None or last.type != "table_close" or source.endswith("\n\n"):
        return False
    table = next(token for token in reversed(tokens) if token.type == "table_open")
    return table.map is not None and source.count("\n") >= table.map[0] + 2


def _unfinished_inline(source: str, tokens: list[Token]) -> Token | None:
    """Return the last inline token if more text may join it."""
    leaf = _last_leaf(tokens)
    if leaf is None or leaf.type != "inline" or source.endswith("\n\n"):
        return None
    if any(token.type == "details_close" and token.meta["closed"] for token in _after_leaf(tokens)):
        return None
    closing = next(after.type for before, after in pairwise(tokens) if before is leaf)
    if closing == "paragraph_close":
        return leaf
    if source.endswith("\n") or closing == "summary_close":  # a heading or a row ends with its line
        return None
    if closing == "heading_close":
        return leaf
    # The parser has filled up the unfinished row with empty cells. A "|" at the end closes the last cell.
    cells = (token for token in reversed(tokens) if token.type == "inline" and token.content)
    return None if source.rstrip().endswith("|") else next(cells, None)
