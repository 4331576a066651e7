r"""The grammar of ``{{ expression }}`` in a prompt: finds the expressions, and describes their errors.

Single braces are text, and ``\{{`` stands for two braces. Cells and row runs evaluate the expressions.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from ..errors import PromptError

__all__ = [
    "LITERAL_BRACES",
    "Expression",
    "expression_error",
    "names_in_source",
    "parse_source",
    "position_in_text",
    "scan",
    "shorten_source",
    "yields",
]

LITERAL_BRACES: Final = "Write \\{{ for literal braces, or use --verbatim to send the cell unchanged."
"""The remedy for braces that may be meant as text."""

_OPEN = re.compile(r"\\\{\{|\{\{")
_LONGEST = 20_000  # characters of an expression; a longer one is text with stray braces


class Expression(NamedTuple):
    """One ``{{ expression }}``.

    Attributes:
        source: the text between the braces, stripped.
        start, end: its offsets in the text, including the braces.
    """

    source: str
    start: int
    end: int


def scan(text: str, *, where: str = "the prompt", first_line: int = 1) -> list[str | Expression]:
    """Split a text into literal pieces, with escapes resolved, and expressions.

    An expression ends at the first ``}}`` that makes it valid Python, so it may contain braces and quotes.

    Args:
        text: the text.
        where: what the text is, for messages.
        first_line: the number of the text's first line, for messages.

    Raises:
        PromptError: an expression that is not closed, is empty or is not valid Python.
    """
    pieces: list[str | Expression] = []
    position = 0
    while found := _OPEN.search(text, position):
        pieces.append(text[position : found.start()])
        if found[0] != "{{":
            pieces.append("{{")
            position = found.end()
            continue
        expression = _expression(
            text, found.start(), position_in_text(text, found.start(), where, first_line)
        )
        pieces.append(expression)
        position = expression.end
    pieces.append(text[position:])
    return [piece for piece in pieces if piece]


def _expression(text: str, start: int, place: str) -> Expression:
    problem: SyntaxError | None = None
    first: str | None = None
    end = text.find("}}", start + 2)
    while end != -1 and end - start < _LONGEST:
        source = text[start + 2 : end].strip()
        if not source:
            raise PromptError(f"{place}: {{{{ }}}} is empty.", remedy=LITERAL_BRACES)
        try:
            parse_source(source)
        except SyntaxError as error:
            if problem is None:
                problem, first = error, source
        else:
            return Expression(source, start, end + 2)
        end = text.find("}}", end + 1)
    if problem is None or first is None:
        raise PromptError(f"{place}: {{{{ is not closed.", remedy=LITERAL_BRACES)
    raise PromptError(
        f"{place}: {{{{ {shorten_source(first)} }}}} is not a Python expression.", remedy=LITERAL_BRACES
    )


def parse_source(source: str) -> ast.Expression:
    """Parse an expression, which may span several lines.

    Raises:
        SyntaxError: it is not a Python expression.
    """
    try:
        # In parentheses, so that an expression can span several lines.
        tree = ast.parse(f"(\n{source}\n)", mode="eval")
        ast.parse(source.replace("\n", " "), mode="eval")  # refuses source that closes our parentheses
    except (ValueError, RecursionError, MemoryError) as error:  # a null character, or too many levels
        raise SyntaxError(str(error) or type(error).__name__) from None
    return tree


def shorten_source(source: str) -> str:
    """An expression on one line of a message."""
    line = " ".join(source.split())
    return line if len(line) <= 60 else line[:59] + "…"  # noqa: PLR2004 - fits on one line of a message


def position_in_text(text: str, offset: int, where: str, first_line: int) -> str:
    """The place of an offset for messages: ``the cell, line 3, column 7``."""
    line = text.count("\n", 0, offset) + first_line
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"{where}, line {line}, column {column}"


def yields(tree: ast.AST) -> bool:
    """Whether an expression contains ``yield``, except in a lambda."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        nodes += (child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.Lambda))
    return False


def names_in_source(source: str) -> set[str]:
    """The names that an expression uses or defines."""
    return {node.id for node in ast.walk(parse_source(source)) if isinstance(node, ast.Name)}


def expression_error(
    error: BaseException, expression: Expression, names: Iterable[str], place: str
) -> PromptError:
    """The error to raise when an expression of the user raised one.

    Args:
        error: the error.
        expression: the expression.
        names: the names that it may use.
        place: where it is, for the message.
    """
    shown = f"{{{{ {shorten_source(expression.source)} }}}}"
    name = error.name or "" if isinstance(error, NameError) else ""
    if name not in names_in_source(expression.source):  # raised in code that the expression called
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return PromptError(
            f"{place}: {shown} failed: {shorten_source(text)}.",
            remedy="Fix the expression. Nothing was sent.",
        )
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    public = [each for each in names if not each.startswith("_")]
    close = get_close_matches(name, public) or get_close_matches(name, dir(builtins))
    remedy = f"Did you mean {' or '.join(f'`{each}`' for each in close)}?" if close else LITERAL_BRACES
    return PromptError(f"{place}: {shown}: name {name!r} is not defined.", remedy=remedy)
