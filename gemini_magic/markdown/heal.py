"""Guesses how the unfinished end of a source will read, so that a growing answer does not flicker.

It works on the copy that is displayed for a moment; nothing it does reaches a frozen block or the final
view. Two steps: hold back a last line that is only structure so far, then mend the last inline content.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.balance_pairs import link_pairs

from .parser import MD, Refs, blocks_of, is_open_fence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.rules_inline.state_inline import Delimiter
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
      | \[[^\[\]]*\](?::.*)?    # link definition
      | \[[ xX]?\]?[ \t]*       # task box
    )""",
    re.VERBOSE,
)
_FENCE_END: Final = re.compile(r"[ \t>]*(?:`+|~+)[ \t]*")
_HEADER_ROW: Final = re.compile(rf"{_CONTAINERS}\|.*")
_TRAILING: Final = re.compile(r"(?:[*_~`\\]|!?\[)+$")
_HALF_ENTITY: Final = re.compile(r"&#?[A-Za-z0-9]{0,31}$")
_HALF_AUTOLINK: Final = re.compile(r"<[A-Za-z/][^\s<>]{0,300}$")
_CODE_RUN: Final = re.compile(r"\\.|`+", re.DOTALL)
_BRACKET: Final = re.compile(r"\\.|!?\[|\]", re.DOTALL)
_LITERAL_OPENING: Final = re.compile(r"\[(?:$|[\s\d^]|[xX](?:\]|$))")
_REACH: Final = 2000  # characters back from the end within which an unfinished link is looked for
_DEPTH: Final = 4  # links inside images inside links; more is no answer but an attack


def heal(source: str, tokens: list[Token], refs: Refs) -> tuple[list[Token], Refs]:
    """Return block tokens and definitions to display instead of those parsed from ``source``.

    ``tokens`` and ``refs`` are the parse of ``source``; they may be changed and returned.
    """
    shown = _hold_back(source, tokens)
    if len(shown) != len(source):
        refs = Refs(refs.settled)
        tokens = blocks_of(shown, refs)
    last = _open_inline(shown, tokens)
    if last is not None:
        last.content = _mend(last.content, refs)
    return tokens, refs


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


def _mend(content: str, refs: Refs) -> str:
    """Return inline source whose open code, links and emphasis at the end are closed or dropped."""
    code = _open_code(content)
    if code is not None:
        start, ticks = code
        inner = content[start + len(ticks) :].rstrip("`")
        span = ticks + inner + ticks if inner.strip() else ""
        return _closed(_half_link((content[:start] + span).rstrip(), refs))
    content = _half_autolink(_HALF_ENTITY.sub("", content))
    content = _half_link(content, refs)
    return _closed(_without_trailing(content))


def _code_runs(content: str) -> Iterator[tuple[int, int]]:
    """Yield where each code span begins and ends; an opening run without its closer ends at -1."""
    runs = [match.span() for match in _CODE_RUN.finditer(content) if match[0][0] == "`"]
    index = 0
    while index < len(runs):
        start, stop = runs[index]
        length = stop - start
        closer = next((i for i in range(index + 1, len(runs)) if runs[i][1] - runs[i][0] == length), None)
        if closer is None:
            yield start, -1
            return
        yield start, runs[closer][1]
        index = closer + 1


def _open_code(content: str) -> tuple[int, str] | None:
    """Return position and back-ticks of the first code span that is not closed."""
    for start, stop in _code_runs(content):
        if stop < 0:
            run = re.match("`+", content[start:])
            return (start, run[0]) if run else None
    return None


def _masked(content: str) -> str:
    """Return the content with its code spans blotted out, same length."""
    pieces, at = [], 0
    for start, stop in _code_runs(content):
        pieces += [content[at:start], "x" * (stop - start)]
        at = stop
    return "".join([*pieces, content[at:]])


def _without_trailing(content: str) -> str:
    """Drop a run of delimiters at the end, unless it ends a code span."""
    match = _TRAILING.search(content)
    if not match:
        return content
    return content[: max(match.start(), _last_code_end(content))].rstrip()


def _last_code_end(content: str) -> int:
    return max((stop for _, stop in _code_runs(content)), default=0)


def _half_autolink(content: str) -> str:
    match = _HALF_AUTOLINK.search(content)
    return content[: match.start()] if match and match.start() >= _last_code_end(content) else content


def _half_link(content: str, refs: Refs) -> str:
    """Show a link being typed as its text and an image being typed as nothing."""
    for _ in range(_DEPTH):
        shorter = _one_half_link(content, refs)
        if shorter == content:
            break
        content = shorter
    return content


def _one_half_link(content: str, refs: Refs) -> str:
    masked = _masked(content)
    openings: list[re.Match[str]] = []
    resume = max(0, len(content) - _REACH)
    for match in _BRACKET.finditer(masked, resume):
        if match.start() < resume or match[0][0] == "\\":
            continue
        if match[0] != "]":
            openings.append(match)
        elif openings:
            opening = openings.pop()
            end = _target_end(masked, match.end())
            inner = content[opening.end() : match.start()]
            if end < 0 and not _settled(inner, masked[match.end() :], refs):
                return content[: opening.start()] + ("" if opening[0] == "![" else inner)
            resume = max(end, match.end())
    for opening in openings:
        bracket = opening.end() - 1
        if opening[0] == "![":
            return content[: opening.start()]
        if not _LITERAL_OPENING.match(content[bracket:]) and not content[:bracket][-1:].isalnum():
            return content[:bracket] + content[bracket + 1 :]
    return content


def _target_end(text: str, at: int) -> int:
    """Return where a link's target ends; -1 when it is still being typed (or may yet begin)."""
    if at >= len(text):
        return -1
    if text[at] == "[":
        return text.find("]", at) + 1 or -1
    if text[at] != "(":
        return at
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    return -1


def _settled(text: str, rest: str, refs: Refs) -> bool:
    """Say whether a bracket pair at the very end reads well as it is: a known label, ``[1]``, ``[^note]``."""
    return not rest and (
        _LITERAL_OPENING.match("[" + text + "]") is not None or normalizeReference(text) in refs
    )


def _closed(content: str) -> str:
    """Close every emphasis and strikethrough that is open at the end."""
    state = StateInline(content, MD, {"references": Refs()}, [])
    MD.inline.tokenize(state)
    link_pairs(state)
    closers = []
    for delimiter in state.delimiters:
        if delimiter.open and delimiter.end < 0 and not _inside_word(state.tokens, delimiter):
            marker = chr(delimiter.marker)
            closers.append(marker * 2 if marker == "~" else marker)
    return content.rstrip() + "".join(reversed(closers)) if closers else content


def _inside_word(tokens: list[Token], delimiter: Delimiter) -> bool:
    """Say whether a letter or digit stands before the run: ``2*3`` is seldom emphasis."""
    at = delimiter.token - 1
    while at >= 0 and tokens[at].content and not tokens[at].content.strip(chr(delimiter.marker)):
        at -= 1
    return at >= 0 and tokens[at].content[-1:].isalnum()
