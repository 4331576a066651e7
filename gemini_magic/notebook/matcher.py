"""Where the cursor is when somebody presses Tab: on a line of ours, in an expression, in the prose of a prompt.

Loading the extension registers it, so it imports nothing a cell would need; what fits at a place is ``completion``'s.
In prose nothing fits, and Python's own guesses are kept out of it.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from IPython.core.completer import SimpleCompletion, context_matcher

__all__ = ["MATCHER", "Place", "matcher_for", "place_of"]

MATCHER = "gemini_magic"
_CELL = re.compile(r"[ \t]*%%gemini(?=\s|$)")
_WORD = re.compile(r"[ \t]*(?:\w+[ \t]*=[ \t]*)?%gemini[ \t]+")
_BRACES = re.compile(r"(?<!\\)\{\{")
_FIRST = 1000.0  # before Jedi, which would read the prompt as Python


class _Nothing(list[Any]):
    """No completions that count as some: only then does IPython ask nobody else."""

    def __len__(self) -> int:
        return 1


class Place(NamedTuple):
    """Where the cursor is.

    Attributes:
        kind: the line of ``%%gemini``, a line of ``%gemini``, within ``{{``, or in the prose of a prompt.
        text: what stands there before the cursor.
    """

    kind: Literal["line", "word", "expression", "prose"]
    text: str


def place_of(cell: str, line: int, column: int) -> Place | None:
    """What of ours the cursor is in; None in any other code.

    Args:
        cell: the cell's source.
        line: the cursor's line, from 0.
        column: its place in that line.
    """
    lines = cell.split("\n")
    first = next((number for number, text in enumerate(lines) if text.strip()), 0)
    magic = _CELL.match(lines[first])
    before = lines[line][:column]
    if magic is None or line < first:
        word = _WORD.match(before)
        return None if word is None else Place("word", before[word.end() :])
    if line > first:
        before = "\n".join((*lines[first + 1 : line], before))
    elif column <= magic.end():
        return None
    else:
        before = before[magic.end() :]
    opened = list(_BRACES.finditer(before))
    if opened and "}}" not in before[opened[-1].end() :]:
        return Place("expression", before[opened[-1].end() :])
    return Place("prose" if line > first else "line", before)


def matcher_for(magics: Any) -> Any:
    """A matcher for ``Completer.custom_matchers``.

    Args:
        magics: the magics that are registered; their desk is made when something is to be completed.
    """

    def matcher(context: Any) -> Any:
        place = None
        if "%gemini" in context.full_text:
            place = place_of(context.full_text, context.cursor_line, context.cursor_position)
        if place is None:
            return {"completions": []}
        if place.kind == "prose":
            return _only("", [], "")
        from .completion import complete  # noqa: PLC0415 - not before somebody presses Tab

        offer = complete(magics.desk, place.kind, place.text)
        return {"completions": []} if offer is None else _only(*offer)

    return context_matcher(identifier=MATCHER, priority=_FIRST)(matcher)


def _only(fragment: str, texts: list[str], kind: str) -> dict[str, Any]:
    """These and no others may take the fragment's place."""
    found = [SimpleCompletion(text=text, type=kind) for text in texts]
    return {
        "completions": found or _Nothing(),
        "matched_fragment": fragment,
        "suppress": True,
        "ordered": True,
    }
