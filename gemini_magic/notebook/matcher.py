"""Finds what the cursor is in when the user presses Tab: a line of options, a command, an expression, or a prompt.

``completion`` finds the completions; it is imported at the first Tab, because %load_ext imports this module. In the
text of a prompt there are no completions, and IPython's other matchers are suppressed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from IPython.core.completer import SimpleCompletion, context_matcher

__all__ = ["MATCHER", "Place", "matcher_for", "place_of"]

MATCHER = "gemini_magic"
_CELL = re.compile(r"[ \t]*%%gemini(?=\s|$)")
_COMMAND = re.compile(r"[ \t]*(?:\w+[ \t]*=[ \t]*)?%gemini[ \t]+")
_BRACES = re.compile(r"(?<!\\)\{\{")
_NO_BREAK = str.maketrans({" ": "\u00a0", "-": "\u2011"})
_PRIORITY = 1000.0  # before Jedi, which parses the prompt as Python


class _NoCompletions(list[Any]):
    """An empty list that is true: IPython ignores ``suppress`` in a result without completions."""

    def __len__(self) -> int:
        return 1


class Place(NamedTuple):
    """The place of the cursor.

    Attributes:
        kind: the line of ``%%gemini``, a line of ``%gemini``, an expression in ``{{``, or the text of a prompt.
        text: the text of that place before the cursor.
        line: what follows ``%%gemini``, for an expression of its prompt.
    """

    kind: Literal["options", "command", "expression", "prompt"]
    text: str
    line: str = ""


def place_of(cell: str, line: int, column: int) -> Place | None:
    """The place of the cursor; None in code that does not belong to these magics.

    Args:
        cell: the cell's source.
        line: the cursor's line, from 0.
        column: the cursor's column, from 0.
    """
    lines = cell.split("\n")
    first = next((number for number, text in enumerate(lines) if text.strip()), 0)
    magic = _CELL.match(lines[first])
    before = lines[line][:column]
    if magic is None or line < first:
        command = _COMMAND.match(before)
        return None if command is None else Place("command", before[command.end() :])
    options = ""
    if line > first:
        options = lines[first][magic.end() :]
        before = "\n".join((*lines[first + 1 : line], before))
    elif column <= magic.end():
        return None
    else:
        before = before[magic.end() :]
    opened = list(_BRACES.finditer(before))
    if opened and "}}" not in before[opened[-1].end() :]:
        return Place("expression", before[opened[-1].end() :], options)
    return Place("prompt" if line > first else "options", before)


def matcher_for(magics: Any) -> Any:
    """Create a matcher for ``Completer.custom_matchers``.

    Args:
        magics: the registered magics; their runner is created at the first completion.
    """

    def matcher(context: Any) -> Any:
        place = None
        if "%gemini" in context.full_text:
            place = place_of(context.full_text, context.cursor_line, context.cursor_position)
        if place is None:
            return {"completions": []}
        if place.kind == "prompt":
            return _exclusive("", [], "")
        from .completion import complete  # noqa: PLC0415 - imported at the first Tab

        found = complete(magics.runner.context, place.kind, place.text, place.line)
        return {"completions": []} if found is None else _exclusive(*found)

    return context_matcher(identifier=MATCHER, priority=_PRIORITY)(matcher)


def _exclusive(
    fragment: str, texts: list[str], kind: str, descriptions: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A matcher's result that suppresses the results of all other matchers.

    Front ends display the type of a completion beside it, and have no other place for a description. JupyterLab breaks
    it between any two words, over the rows below, so it has no-break spaces and hyphens.
    """
    described = descriptions or {}
    found = [
        SimpleCompletion(text=text, type=described.get(text, kind).translate(_NO_BREAK) or kind)
        for text in texts
    ]
    return {
        "completions": found or _NoCompletions(),
        "matched_fragment": fragment,
        "suppress": True,
        "ordered": True,
    }
