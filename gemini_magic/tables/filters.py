"""Conditions on the rows of a table, as people type them: ``t > 1.5``, ``kind=text``, ``candidates.0.finishReason=STOP``.

It knows values and JSON, and nothing of what columns mean.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import msgspec

__all__ = [
    "Condition",
    "equality_test",
    "misspelled_field",
    "parse_condition",
    "parse_json_texts",
    "unknown_field",
    "values_at",
]

_FORM: Final = re.compile(
    r"\s*(?P<field>[\w$.*-]+?)\s*(?:(?P<op>!~|!=|<=|>=|==|=|<|>|~)\s*(?P<value>.*))?", re.DOTALL
)
_INDEX: Final = re.compile(r"\[(\d+|\*)\]")  # as other languages write a position
_SEVERAL: Final = re.compile(r"\b(?:and|or)\b|[,;&|]")
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_QUOTES: Final = "'\""
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "none": None}


class Condition(NamedTuple):
    """One condition.

    Attributes:
        field: a column, or a dotted path into the row's JSON; ``*`` stands for any key or position.
        holds: whether it is true of the values found there: of any of them, and of none if it begins with ``!``.
    """

    field: str
    holds: Callable[[list[Any]], bool]


def parse_condition(text: str) -> Condition:
    """Read one condition: a field alone (it is there and not empty), or field, operator and value.

    Operators are ``=`` ``!=`` ``<`` ``<=`` ``>`` ``>=``, and ``~`` ``!~`` for a regular expression found anywhere in the
    value. Quotes around the value are left out; numbers are compared as numbers.

    Raises:
        ValueError: it has no such form, the value of a comparison is no number, or the expression is none.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        index = _INDEX.sub(r".\1", text)
        hint = (
            f"Positions follow a dot: `{index}`."
            if index != text
            else "Write FIELD OPERATOR VALUE, such as `t > 1.5` or `kind=text`."
        )
        raise ValueError(f"{text!r} is no condition. {hint}")
    field, op, value = match["field"], match["op"], (match["value"] or "").strip()
    if op is None:
        return Condition(field, lambda found: any(each not in (None, "", [], {}) for each in found))
    if len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0]:
        value = value[1:-1]
    if op.lstrip("!") == "~":
        test = _search(value)
    elif op in _ORDER:
        test = _compare(_ORDER[op], value, text)
    else:
        test = _equal(value)
    if op.startswith("!"):
        return Condition(field, lambda found: not any(map(test, found)))
    return Condition(field, lambda found: any(map(test, found)))


def _search(value: str) -> Callable[[Any], bool]:
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}.") from None
    return lambda found: found is not None and pattern.search(_said(found)) is not None


def _compare(order: Callable[[Any, Any], bool], value: str, text: str) -> Callable[[Any], bool]:
    try:
        number = float(value)
    except ValueError:
        hint = " Give several conditions one by one." if _SEVERAL.search(value) else ""
        raise ValueError(f"{text!r} compares with {value!r}, which is no number.{hint}") from None
    return lambda found: (
        isinstance(found, int | float) and not isinstance(found, bool) and order(found, number)
    )


def _equal(value: str) -> Callable[[Any], bool]:
    try:
        number: float | None = float(value)
    except ValueError:
        number = None
    word = _WORDS.get(value.lower(), value)

    def test(found: Any) -> bool:
        if isinstance(found, bool) or found is None:
            return found is word or _said(found) == value
        if isinstance(found, int | float):
            return found == number
        return _said(found) == value

    return test


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def equality_test(wanted: Any) -> Callable[[Any], bool]:
    """Whether a value is the one that is wanted, one of them, or one for which a function says so."""
    if callable(wanted):
        return lambda value: bool(wanted(value))
    if isinstance(wanted, list | tuple | set | frozenset):
        return lambda value: value in wanted
    return lambda value: bool(value == wanted)


def values_at(value: Any, path: str) -> list[Any]:
    """The values at a dotted path: keys, positions, and ``*`` for all of either."""
    return list(_walk(value, path.split(".")))


def _walk(value: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, *rest = steps
    inner: list[Any] = []
    if step == "*":
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    elif isinstance(value, dict):
        inner = [value[step]] if step in value else []
    elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
        inner = [value[int(step)]]
    for each in inner:
        yield from _walk(each, rest)


def parse_json_texts(texts: Iterable[str]) -> list[Any]:
    """The JSON values of some texts; None for what cannot be read."""
    values = []
    for text in texts:
        try:
            values.append(msgspec.json.decode(text))
        except (ValueError, RecursionError):
            values.append(_leniently(text))
    return values


def _leniently(text: str) -> Any:
    """JSON with numbers or halves of characters that a strict reader refuses; None for what is none at all."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def misspelled_field(path: str, values: Sequence[Any]) -> KeyError | None:
    """What to raise for a path that is in none of the values, if one of its names is nearly one that is there."""
    steps = path.split(".")
    for depth in range(1, len(steps)):
        inner = [found for value in values for found in _walk(value, steps[:depth])]
        names = {key for each in inner if isinstance(each, dict) for key in each}
        if names and steps[depth] not in names:
            close = get_close_matches(steps[depth], names, n=1, cutoff=0.8)
            if not close:
                return None
            where = ".".join(steps[:depth])
            return KeyError(f"no field {steps[depth]!r} in {where!r}. Did you mean {close[0]}?")
    return None


def unknown_field(name: str, columns: Sequence[str], values: Sequence[Any]) -> KeyError | None:
    """What to raise for a field that is no column and that no JSON object has; None when one has it."""
    fields = {key for value in values if isinstance(value, dict) for key in value}
    if name == "*" or name in fields:
        return None
    close = get_close_matches(name, [*columns, *fields], n=1)
    known = f"Did you mean {close[0]}?" if close else f"There are {', '.join(columns)}."
    return KeyError(f"no column and no JSON field {name!r}. {known}")
