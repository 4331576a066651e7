r"""Replaces each ``{{ expression }}`` in a text by the value of the Python expression, once.

Single braces are text, and ``\{{`` stands for two braces. ``prompts`` converts the values to parts.

An expression may contain ``await``, as a cell of IPython may. If a text has such an expression, the caller evaluates all
expressions of the text with :func:`evaluate_awaiting` on an event loop, and hands the values to the functions that replace
them.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import PurePath
from types import CodeType
from typing import Any, NamedTuple

from .. import prompts
from ..config import to_json
from ..content import Part, Text
from ..errors import GeminiMagicError, PromptError
from ..prompts import (
    LITERAL_BRACES,
    TABLE_ROWS,
    ConvertedObject,
    Expression,
    expression_error,
    parse_source,
    position_in_text,
    scan,
    shorten_source,
    yields,
)
from ..response import Response

__all__ = [
    "EvaluatedExpressions",
    "Expanded",
    "awaits",
    "evaluate_awaiting",
    "evaluate_expression",
    "expand",
    "expand_json",
    "expand_text",
    "single_brace_hint",
]

_SINGLE = re.compile(r"\{([A-Za-z_]\w*)\}")
_QUOTE = re.compile(r'\\.|(")', re.DOTALL)  # group 1 is a quotation mark that is not escaped


class Expanded(NamedTuple):
    """A prompt whose expressions are replaced.

    Attributes:
        parts: its parts; adjacent text is one part.
        notices: a sentence for the user about each value that is not sent whole.
    """

    parts: tuple[Part, ...]
    notices: tuple[str, ...] = ()


class EvaluatedExpressions:
    """The values of the expressions of a text that were evaluated before, in order."""

    def __init__(self) -> None:
        self._values: list[tuple[str, Any]] = []

    def add(self, expression: Expression, value: Any) -> None:
        """Add the value of the next expression."""
        self._values.append((expression.source, value))

    def take(self, expression: Expression) -> tuple[Any] | None:
        """Remove and return the first value of an expression with this source; None if there is none."""
        for at, (source, _) in enumerate(self._values):
            if source == expression.source:
                return (self._values.pop(at)[1],)
        return None


def awaits(text: str) -> bool:
    """Whether an expression of a text contains ``await`` or an asynchronous comprehension.

    It is False for a text with an expression that is not valid; the function that replaces it reports that.
    """
    if "{{" not in text:
        return False
    with suppress(PromptError):
        return any(
            _is_coroutine(_compile(piece, "")) for piece in scan(text) if isinstance(piece, Expression)
        )
    return False


async def evaluate_awaiting(
    text: str, namespace: dict[str, Any], *, where: str = "the cell", first_line: int = 1
) -> EvaluatedExpressions:
    """Evaluate the expressions of a text one after the other, and await those that contain ``await``.

    Args:
        text: the text.
        namespace: the user's variables.
        where: what the text is, for messages.
        first_line: the number of the text's first line, for messages.

    Raises:
        PromptError: an expression that cannot be parsed or evaluated.
        asyncio.CancelledError: the task of the caller was cancelled, even if the expression suppressed that.
    """
    values = EvaluatedExpressions()
    for piece in scan(text, where=where, first_line=first_line):
        if isinstance(piece, str):
            continue
        place = position_in_text(text, piece.start, where, first_line)
        code = _compile(piece, place)
        with _errors_described(piece, namespace, place):
            value = eval(code, namespace)  # noqa: S307 - the user's own expression in the user's own namespace
            if _is_coroutine(code):
                value = await value
        if _is_cancelled():
            raise asyncio.CancelledError
        values.add(piece, value)
    return values


def _is_cancelled() -> bool:
    """Whether the current task of asyncio was cancelled; False outside its event loop."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0


def _is_coroutine(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _compile(expression: Expression, place: str) -> CodeType:
    """Compile an expression, in which ``await`` is allowed as at the top level of a cell."""
    shown = f"{{{{ {shorten_source(expression.source)} }}}}"
    tree = parse_source(expression.source)
    if yields(tree):
        raise PromptError(
            f"{place}: {shown}: yield is not possible in a prompt.",
            remedy="Assign the value to a variable in another cell, and insert the variable.",
        )
    try:
        code: CodeType = compile(tree, "<prompt>", "eval", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        problem = error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
        raise PromptError(
            f"{place}: {shown} is not a valid Python expression: {problem}.", remedy=LITERAL_BRACES
        ) from error
    return code


def evaluate_expression(
    expression: Expression, names: dict[str, Any], place: str, values: EvaluatedExpressions | None
) -> Any:
    """The value of an expression: evaluated before, or now.

    Raises:
        PromptError: it cannot be evaluated, or it contains ``await`` and was not evaluated before.
    """
    if values is not None and (found := values.take(expression)):
        return found[0]
    code = _compile(expression, place)
    if _is_coroutine(code):
        raise PromptError(
            f"{place}: {{{{ {shorten_source(expression.source)} }}}}: await is not possible here, because this cell is not awaited.",
            remedy="Start the cell with %%gemini, without %%time and the like, and leave %autoawait on; "
            "or assign the awaited value to a variable in another cell, and insert the variable.",
        )
    with _errors_described(expression, names, place):
        return eval(code, names)  # noqa: S307 - the user's own expression in the user's own namespace


@contextmanager
def _errors_described(expression: Expression, names: Mapping[str, Any], place: str) -> Iterator[None]:
    """Turn errors of the user's expression into a :class:`PromptError` that names it."""
    try:
        yield
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise expression_error(error, expression, names, place) from error  # of something that it awaited
    except (Exception, SystemExit) as error:  # from the user's expression
        raise expression_error(error, expression, names, place) from error


def _merged(namespace: Mapping[str, Any], local: Mapping[str, Any] | None) -> dict[str, Any]:
    # The namespace itself where possible, so that a function created by an expression sees later changes.
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
    table_rows: int = TABLE_ROWS,
    values: EvaluatedExpressions | None = None,
    paths_as_text: bool = False,
) -> Expanded:
    """Convert a prompt to parts.

    Args:
        text: the prompt.
        namespace: the user's variables.
        local: variables of the function in which the cell runs; they hide those of ``namespace``.
        where: what the text is, for messages.
        first_line: the number of the text's first line, for messages.
        table_rows: the largest number of rows of a table; 0 for all.
        values: the values of expressions that were evaluated before.
        paths_as_text: whether a path is inserted as text instead of the file's content.

    Raises:
        PromptError: an expression that cannot be parsed or evaluated, or a value that cannot be sent.
    """
    parts: list[Part] = []
    notices: list[str] = []
    names = _merged(namespace, local)
    for piece in scan(text, where=where, first_line=first_line):
        added: tuple[Part, ...]
        if isinstance(piece, str):
            added = (Text(piece),)
        else:
            place = position_in_text(text, piece.start, where, first_line)
            value = evaluate_expression(piece, names, place, values)
            if paths_as_text and isinstance(value, PurePath):
                value = str(value)
            added, found = _converted(piece, value, place, table_rows)
            notices += found
        for part in added:
            last = parts[-1] if parts else None
            if isinstance(part, Text) and isinstance(last, Text) and part.signature is last.signature is None:
                parts[-1] = Text(last.text + part.text)
            else:
                parts.append(part)
    return Expanded(tuple(parts), tuple(notices))


def _converted(expression: Expression, value: Any, place: str, table_rows: int) -> ConvertedObject:
    """The parts and notices for the value of an expression.

    Raises:
        PromptError: the value cannot be sent.
    """
    shown = shorten_source(expression.source)
    if value is None:
        raise PromptError(
            f"{place}: {{{{ {shown} }}}} is None.",
            remedy="Insert a value. A function that prints its result returns None; str(None) inserts the word.",
        )
    try:
        return prompts.parts_from_object(value, name=shown, table_rows=table_rows)
    except GeminiMagicError as error:
        raise PromptError(f"{place}: {error.message}", remedy=error.remedy) from error
    except Exception as error:  # from the value's __str__ or __repr__
        raise PromptError(
            f"{place}: the value of {{{{ {shown} }}}} cannot be converted to text: {type(error).__name__}: {error}.",
            remedy="Convert it with str(...), or use one of its attributes.",
        ) from error


def expand_text(
    text: str,
    namespace: Mapping[str, Any],
    local: Mapping[str, Any] | None = None,
    *,
    where: str,
    table_rows: int = TABLE_ROWS,
    notices: list[str] | None = None,
    values: EvaluatedExpressions | None = None,
) -> str:
    """Replace the expressions in a text that must stay text, such as an option's value.

    Args:
        text: the text.
        namespace: the user's variables.
        local: variables of the function in which the cell runs.
        where: what the text is, for messages.
        table_rows: the largest number of rows of a table; 0 for all.
        notices: the list to which the notices are added.
        values: the values of expressions that were evaluated before.

    Raises:
        PromptError: as for :func:`expand`, and for a value that is not text.
    """
    expanded = expand(
        text, namespace, local, where=where, table_rows=table_rows, values=values, paths_as_text=True
    )
    texts = [part.text for part in expanded.parts if isinstance(part, Text)]
    if len(texts) != len(expanded.parts):
        raise PromptError(f"{where} accepts only text.", remedy="Put media into the prompt of the cell.")
    if notices is not None:
        notices += expanded.notices
    return "".join(texts)


def expand_json(
    text: str,
    namespace: Mapping[str, Any],
    local: Mapping[str, Any] | None = None,
    *,
    where: str,
    values: EvaluatedExpressions | None = None,
) -> str:
    """Replace the expressions in a JSON text by the JSON of their values.

    A text value that is a JSON object or array already, as ``json.dumps`` returns it, is inserted as it is. Between the
    quotation marks of a JSON string, a value becomes text. A text that is neither a single expression nor JSON, such as
    ``text/{{ kind }}``, is expanded as text.

    Args:
        text: the text.
        namespace: the user's variables.
        local: variables of the function in which the cell runs.
        where: what the text is, for messages.
        values: the values of expressions that were evaluated before.

    Raises:
        PromptError: as for :func:`expand_text`, and for a value that cannot be written as JSON.
    """
    pieces = scan(text, where=where)
    literal = "".join(piece for piece in pieces if isinstance(piece, str)).strip()
    single = not literal and len([piece for piece in pieces if isinstance(piece, Expression)]) == 1
    if not (single or literal.startswith(("{", "[", '"'))):
        return expand_text(text, namespace, local, where=where, values=values)
    names = _merged(namespace, local)
    found: list[str] = []
    in_string = False
    for piece in pieces:
        if isinstance(piece, str):
            found.append(piece)
            marks = sum(1 for mark in _QUOTE.finditer(piece) if mark[1])
            in_string ^= bool(marks % 2)
            continue
        place = position_in_text(text, piece.start, where, 1)
        value = evaluate_expression(piece, names, place, values)
        if isinstance(value, Response):
            value = value.text
        if isinstance(value, PurePath):
            value = str(value)
        if in_string:
            inserted = "".join(
                part.text for part in _converted(piece, value, place, 0).parts if isinstance(part, Text)
            )
            found.append(json.dumps(inserted)[1:-1])
        else:
            found.append(_json_of(value, f"{place}: {{{{ {shorten_source(piece.source)} }}}}"))
    return "".join(found)


def _json_of(value: Any, place: str) -> str:
    if isinstance(value, str):
        with suppress(ValueError):
            if isinstance(json.loads(value), dict | list):
                return value
    try:
        return to_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise PromptError(
            f"{place} cannot be written as JSON: {shorten_source(str(error))}.",
            remedy="Insert a dict, a list, text, a number, True, False or None. "
            "A class is inserted as its schema, such as Model.model_json_schema().",
        ) from error


def single_brace_hint(text: str, namespace: Mapping[str, Any]) -> str | None:
    """A hint for a prompt with ``{name}`` where ``{{ name }}`` may have been meant; None for other prompts."""
    if "{{" in text:
        return None
    for found in _SINGLE.finditer(text):
        if found[1] in namespace:
            return f"{{{found[1]}}} was sent unchanged. To insert its value, write {{{{ {found[1]} }}}}."
    return None
