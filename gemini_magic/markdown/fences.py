r"""Fences, and the Markdown block that contains fences of the same length.

Models put a Markdown file into three back-ticks although the fences inside it have three, too. CommonMark ends the
block at the first closing line of an inner fence. Here, in a block whose language is Markdown, a line such as
```` ```python ```` opens an inner fence, and a line of back-ticks alone closes the innermost one. If no inner
fence is open, a line of back-ticks alone with a blank line before it and text right after it opens one;
otherwise it ends the block. Only lines at least as long as the block's first one count, as no shorter one could
end it.

So one line of look-ahead decides: a line that ends the block as the last line of a text may turn out to open an
inner fence when the next line arrives. Until then the end is *provisional*: the block is shown as closed but not
frozen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from markdown_it.rules_block.fence import fence

from .highlight import language_of

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock

__all__ = ["FenceState", "fence_rule", "is_markdown"]

_MARKDOWN: Final = frozenset({"markdown", "md", "mdx", "gfm"})
_CODE_INDENT: Final = 4  # spaces after which a line closes no fence


class FenceState(NamedTuple):
    """What the lines of a Markdown block mean for the lines that follow.

    Attributes:
        inner: the lengths of the inner fences that are open, the innermost last.
        blank: whether the last line is blank.
    """

    inner: tuple[int, ...] = ()
    blank: bool = False


class _Body(NamedTuple):
    """The end of a Markdown block: the line after its content, and what follows from the content."""

    end: int
    closed: bool
    provisional: bool
    state: FenceState


def is_markdown(info: str) -> bool:
    """Return whether an info string names Markdown."""
    return language_of(info) in _MARKDOWN


def fence_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a fence.

    ``meta["closed"]`` records whether its closing line is there. For a Markdown block, ``meta["provisional"]``
    records whether that line may still open an inner fence, and ``meta["state"]`` is the ``FenceState`` at the end
    of its content. ``env["fence_state"]`` is the one at the end of the frozen lines of a fence on the first line.
    """
    if not fence(state, start, end, silent):
        return False
    if silent:
        return True
    token = state.tokens[-1]
    if is_markdown(token.info):
        before = state.env.get("fence_state") if start == 0 else None
        body = _read_markdown(state, start + 1, end, token.markup, before or FenceState())
        state.line = body.end + body.closed
        token.meta.update(closed=body.closed, provisional=body.provisional, state=body.state)
        token.map = [start, state.line]
        token.content = state.getLines(start + 1, body.end, state.sCount[start], True)
        return True
    last = state.line - 1
    line = _line(state, last).strip()
    token.meta["closed"] = (
        last > start
        and len(line) >= len(token.markup)
        and not line.strip(token.markup[0])
        and not state.is_code_block(last)
    )
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _read_markdown(state: StateBlock, start: int, end: int, markup: str, before: FenceState) -> _Body:
    """Find the end of a Markdown block.

    Args:
        state: the parser's state.
        start: the first line of the content.
        end: the line after the last one available.
        markup: the characters of the opening line.
        before: the state before the first line.
    """
    inner, blank = list(before.inner), before.blank
    for line in range(start, end):
        # The last, empty line of a quote may begin behind the source; the library's rule ends there, too.
        if _ends_container(state, line) or state.bMarks[line] + state.tShift[line] >= len(state.src):
            return _Body(line, False, False, FenceState(tuple(inner), blank))
        text = _line(state, line)
        length = len(text) - len(text.lstrip(markup[0]))
        if length >= len(markup) and state.sCount[line] - state.blkIndent < _CODE_INDENT:
            info = text[length:].strip(" \t")
            follows = line + 1 < end and not _ends_container(state, line + 1) and not state.isEmpty(line + 1)
            if info:
                if markup[0] == "~" or "`" not in info:
                    inner.append(length)
            elif inner:
                if length >= inner[-1]:
                    inner.pop()
            elif blank and follows and _line(state, line + 1).strip(markup[0] + " \t"):
                inner.append(length)
            else:
                return _Body(line, True, blank and line + 1 >= end, FenceState((), blank))
        blank = state.isEmpty(line)
    return _Body(end, False, False, FenceState(tuple(inner), blank))


def _ends_container(state: StateBlock, line: int) -> bool:
    """Return whether a line is outside of the list item that contains the fence."""
    return not state.isEmpty(line) and state.sCount[line] < state.blkIndent
