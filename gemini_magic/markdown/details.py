"""The block that a reader can unfold: ``<details>``, a summary, Markdown, and ``</details>``.

It is decided line by line, like a fence. It begins with a line ``<details>`` or ``<details open>``, which may
contain ``<summary>…</summary>``; otherwise the next line may. It ends at its line ``</details>``: blocks inside it
are counted, and lines of fences are skipped. A block without that line ends with its list item or quote, or with the
text. Other spellings are text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .fences import is_markdown

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock

__all__ = ["details_block", "may_open_details"]

_CODE_INDENT: Final = 4  # spaces that make a line code
_MAX_LINE: Final = 2_000  # characters of the first line

_CONTAINERS = r"(?P<containers>(?:[ \t>]|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*)"
_OPENING: Final = re.compile(r"<details(?P<open> open)?>[ \t]*(?:<summary>(?P<summary>.*)</summary>[ \t]*)?")
_SUMMARY: Final = re.compile(r"<summary>(?P<summary>.*)</summary>[ \t]*")
_LINE: Final = re.compile(
    rf"{_CONTAINERS}(?:(?P<opening>{_OPENING.pattern})|(?P<closing></details>[ \t]*)|(?P<fence>`{{3,}}|~{{3,}})(?P<info>.*))"
)


class _Scanner:
    """Reads the lines inside a block up to its closing line. It knows fences only roughly, but always alike."""

    def __init__(self) -> None:
        self._depth = 1
        self._fences: list[str] = []  # a Markdown block may contain others
        self._in_markdown = False
        self._fence_indent = 0
        self._fence_in_quote = False

    @property
    def is_neutral(self) -> bool:
        """Whether only the block itself is open, so that scanning could begin here."""
        return self._depth == 1 and not self._fences

    def closes(self, line: str) -> bool:
        """Read a line with its indentation in the block; return whether it is the closing line."""
        match = _LINE.fullmatch(line)
        if self._fences and self._continue_fence(line, match):
            return False
        if match is None:
            return False
        if match["fence"]:
            if match["fence"][0] == "~" or "`" not in match["info"]:
                self._fences = [match["fence"]]
                self._in_markdown = is_markdown(match["info"])
                self._fence_in_quote = ">" in match["containers"]
                self._fence_indent = len(match["containers"]) if match["containers"].strip() else 0
        elif match["opening"]:
            self._depth += 1
        elif self._depth > 1:
            self._depth -= 1
        else:
            return len(match["containers"]) < _CODE_INDENT and not match["containers"].strip()
        return False

    def _continue_fence(self, line: str, match: re.Match[str] | None) -> bool:
        """Return whether a line belongs to the open fence: its list item or quote may end before it."""
        indent = len(line) - len(line.lstrip(" \t>"))
        if self._fence_in_quote:
            inside = ">" in line[:indent]
        else:
            inside = not line.strip() or indent >= self._fence_indent
        if not inside:
            self._fences.clear()
        elif match is not None and (match["fence"] or "").startswith(self._fences[0]):
            if not match["info"].strip():
                if len(match["fence"]) >= len(self._fences[-1]):
                    self._fences.pop()
            elif self._in_markdown:
                self._fences.append(match["fence"])
        return inside


def details_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse the block. ``meta["neutral"]`` of its first token lists the lines at which parsing could begin inside it."""
    line = _line(state, start)
    match = _OPENING.fullmatch(line) if len(line) <= _MAX_LINE else None
    if match is None or state.is_code_block(start):
        return False
    if silent:
        return True
    scanner, neutral = _Scanner(), [start + 1]
    after, closed = start + 1, False
    while after < end and not closed and (state.isEmpty(after) or state.sCount[after] >= state.blkIndent):
        indent = max(0, state.sCount[after] - state.blkIndent)
        closed = scanner.closes(" " * indent + _line(state, after))
        after += 1
        if scanner.is_neutral:
            neutral.append(after)
    body_end = after - closed
    summary, body = match["summary"], start + 1
    if summary is None and body < body_end and not state.is_code_block(body):
        match_below = _SUMMARY.fullmatch(_line(state, body))
        if match_below is not None:
            summary, body = match_below["summary"], body + 1
    opening = state.push("details_open", "details", 1)
    opening.map = [start, after]
    opening.meta = {"closed": closed, "neutral": neutral}
    if match["open"]:
        opening.attrs = {"open": ""}
    outer_end, state.lineMax = state.lineMax, body_end
    _push_summary(state, summary, [start, body])
    first = len(state.tokens)
    state.md.block.tokenize(state, body, body_end)
    if summary is None and len(state.tokens) > first:
        state.tokens[first - 2].content = "Details"
    state.lineMax, state.line = outer_end, after
    state.push("details_close", "details", -1).meta = {"closed": closed}
    return True


def may_open_details(line: str) -> bool:
    """Return whether an unfinished line may become the first line of the block."""
    return len(line) <= _MAX_LINE and line.lstrip(" \t").startswith("<details")


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _push_summary(state: StateBlock, summary: str | None, lines: list[int]) -> None:
    """Add the tokens of the summary; an empty one as long as it is not known whether there is one."""
    state.push("summary_open", "summary", 1).map = lines
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = (summary or "").strip(), lines, []
    state.push("summary_close", "summary", -1)
