r"""Finds ``{{ expression }}`` in a text and puts values in its place, once.

One Python expression between double braces; single braces are text and ``\{{`` is two braces. It knows no option
and sends nothing; what a value becomes is decided in ``asking``.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..content import Part, Text
from ..errors import GeminiMagicError, PromptError
from ..prompts import part_from_object

__all__ = ["Expression", "expand", "expand_text", "hint", "scan"]

_OPEN = re.compile(r"\\\{\{|\{\{")
_LONGEST = 20_000  # characters of one expression: what is longer is a text with stray braces
_SINGLE = re.compile(r"\{([A-Za-z_]\w*)\}")
_LITERAL = "Write \\{{ for two braces, or use --verbatim to send the cell as it is."


class Expression(NamedTuple):
    """One ``{{ expression }}``.

    Attributes:
        source: what stands between the braces, blanks at its ends removed.
        start, end: its place in the text, braces included.
    """

    source: str
    start: int
    end: int


def scan(text: str, *, where: str = "the prompt", first_line: int = 1) -> list[str | Expression]:
    """The text as literal pieces and expressions, in order; escapes are undone.

    An expression ends at the first ``}}`` that makes it valid Python, so braces and quotes inside it need no care.

    Args:
        text: the text.
        where: what it is, for messages.
        first_line: the number of its first line, for messages.

    Raises:
        PromptError: an expression that is not closed, is empty or is not Python.
    """
    pieces: list[str | Expression] = []
    position = 0
    while found := _OPEN.search(text, position):
        pieces.append(text[position : found.start()])
        if found[0] != "{{":
            pieces.append("{{")
            position = found.end()
            continue
        expression = _expression(text, found.start(), _place(text, found.start(), where, first_line))
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
            raise PromptError(f"{place}: {{{{ }}}} is empty.", remedy=_LITERAL)
        try:
            _parse(source)
        except SyntaxError as error:
            if problem is None:
                problem, first = error, source
        else:
            return Expression(source, start, end + 2)
        end = text.find("}}", end + 1)
    if problem is None or first is None:
        raise PromptError(f"{place}: {{{{ is never closed.", remedy=_LITERAL)
    raise PromptError(f"{place}: {{{{ {_short(first)} }}}} is not a Python expression.", remedy=_LITERAL)


def _parse(source: str) -> ast.Expression:
    try:
        # In brackets, so that an expression may go over several lines.
        tree = ast.parse(f"(\n{source}\n)", mode="eval")
        ast.parse(source.replace("\n", " "), mode="eval")  # brackets that close ours are no expression
    except ValueError as error:  # a null character
        raise SyntaxError(str(error)) from None
    return tree


def _short(source: str) -> str:
    line = " ".join(source.split())
    return line if len(line) <= 60 else line[:59] + "…"  # noqa: PLR2004 - fits a line of a message


def _place(text: str, offset: int, where: str, first_line: int) -> str:
    line = text.count("\n", 0, offset) + first_line
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"{where}, line {line}, column {column}"


def _evaluate(expression: Expression, names: dict[str, Any], place: str) -> Any:
    code = compile(_parse(expression.source), "<prompt>", "eval")
    shown = f"{{{{ {_short(expression.source)} }}}}"
    try:
        return eval(code, names)  # noqa: S307 - the user's own expression in the user's own namespace
    except NameError as error:
        name = error.name or ""
        if name not in _words(expression.source):  # raised inside something that the expression called
            raise _failed(error, shown, place) from error
        close = difflib.get_close_matches(name, _public(names)) or difflib.get_close_matches(
            name, dir(builtins)
        )
        remedy = f"Did you mean {' or '.join(f'`{each}`' for each in close)}?" if close else _LITERAL
        raise PromptError(f"{place}: {shown}: there is no {name!r}.", remedy=remedy) from error
    except Exception as error:  # whatever the user's expression raises
        raise _failed(error, shown, place) from error


def _words(source: str) -> set[str]:
    return {node.id for node in ast.walk(_parse(source)) if isinstance(node, ast.Name)}


def _failed(error: Exception, shown: str, place: str) -> PromptError:
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return PromptError(
        f"{place}: {shown} failed: {_short(said)}.", remedy="Mend the expression; nothing was sent."
    )


def _public(names: Mapping[str, Any]) -> list[str]:
    return [name for name in names if not name.startswith("_")]


def _names(namespace: Mapping[str, Any], local: Mapping[str, Any] | None) -> dict[str, Any]:
    # The namespace itself where possible: a function made by an expression then sees later changes.
    if not local and isinstance(namespace, dict):
        return namespace
    return {**namespace, **(local or {})}


def expand(
    text: str,
    namespace: Mapping[str, Any],
    local: Mapping[str, Any] | None = None,
    *,
    where: str = "the cell",
    first_line: int = 1,
) -> tuple[Part, ...]:
    """The parts a prompt becomes; neighbouring text is one part.

    Args:
        text: the prompt.
        namespace: the user's names.
        local: names of the function the cell runs in; they come first.
        where: what the text is, for messages.
        first_line: number of the text's first line, for messages.

    Raises:
        PromptError: an expression that cannot be read or evaluated, or a value that cannot be sent.
    """
    parts: list[Part] = []
    names = _names(namespace, local)
    for piece in scan(text, where=where, first_line=first_line):
        part: Part
        if isinstance(piece, str):
            part = Text(piece)
        else:
            place = _place(text, piece.start, where, first_line)
            value = _evaluate(piece, names, place)
            try:
                part = part_from_object(value)
            except GeminiMagicError as error:
                raise PromptError(f"{place}: {error.message}", remedy=error.remedy) from error
            except Exception as error:  # a value's own __str__ or __repr__
                shown = _short(piece.source)
                raise PromptError(
                    f"{place}: the value of {{{{ {shown} }}}} has no text: {type(error).__name__}: {error}.",
                    remedy="Write str(...) or pick a field of it.",
                ) from error
        if isinstance(part, Text) and parts and isinstance(parts[-1], Text):
            part = Text(parts.pop().text + part.text)  # type: ignore[union-attr] # a Text, as just seen
        parts.append(part)
    return tuple(parts)


def expand_text(
    text: str, namespace: Mapping[str, Any], local: Mapping[str, Any] | None = None, *, where: str
) -> str:
    """The same for a text that has to stay text, such as an option's value.

    Raises:
        PromptError: see :func:`expand`; also when a value is media.
    """
    parts = expand(text, namespace, local, where=where)
    texts = [part.text for part in parts if isinstance(part, Text)]
    if len(texts) != len(parts):
        raise PromptError(f"{where} takes text only.", remedy="Put media in the cell's body.")
    return "".join(texts)


def hint(text: str, namespace: Mapping[str, Any]) -> str | None:
    """One line for a user who wrote ``{name}`` and may have meant ``{{ name }}``; None otherwise."""
    if "{{" in text:
        return None
    for found in _SINGLE.finditer(text):
        if found[1] in namespace:
            return f"{{{found[1]}}} was sent as it stands; write {{{{ {found[1]} }}}} to put its value there."
    return None
