"""Parses conditions on the rows of a table, such as ``t > 1.5``, ``kind=text`` or ``candidates.0.finishReason=STOP``.

The inspector's ``filter.js`` follows the same rules.
"""

from __future__ import annotations

import json
import operator
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

__all__ = [
    "Condition",
    "parse_condition",
    "value_test",
]

_CONDITION: Final = re.compile(
    r"\s*(?P<field>[\w$.*-]+?)\s*(?:(?P<op>!~|!=|<=|>=|==|=|<|>|~)\s*(?P<value>.*))?", re.DOTALL
)
_INDEX: Final = re.compile(r"\[(\d+|\*)\]")  # the notation of other languages
_SEVERAL: Final = re.compile(r"\b(?:and|or)\b|[,;&|]")
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_REPEATS: Final = frozenset("*+?{")  # without these, the time of a search is linear in the text
_SEARCH_TIME: Final = 2.0  # seconds for all texts of one condition
_SHORTEST: Final = 0.001
_QUOTES: Final = "'\""
_CONSTANTS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "none": None}


class Condition(NamedTuple):
    """One parsed condition.

    Attributes:
        field: a column, or a dotted path into the row's JSON; ``*`` stands for every key or index.
        test: tests one value.
        negated: whether the condition is true if no value passes the test, instead of at least one.
    """

    field: str
    test: Callable[[Any], bool]
    negated: bool = False

    def holds(self, found: Iterable[Any]) -> bool:
        """Whether the condition is true of the values found in one row."""
        return any(map(self.test, found)) is not self.negated


def parse_condition(text: str) -> Condition:
    """Parse one condition: a field alone (true if it exists and is not empty), or a field, an operator and a value.

    Operators are ``=`` ``!=`` ``<`` ``<=`` ``>`` ``>=``, and ``~`` ``!~`` for a regular expression that is searched for
    in the value. Quotes around the value are removed; numbers are compared as numbers.

    Raises:
        ValueError: the condition has another form, the value of a comparison is not a number, or the regular
            expression is not valid. ``holds`` raises it for a regular expression that takes too long.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        index = _INDEX.sub(r".\1", text)
        hint = (
            f"Write an index after a dot: `{index}`."
            if index != text
            else "Write FIELD OP VALUE, such as `t > 1.5` or `kind=text`."
        )
        raise ValueError(f"{text!r} is not a valid condition. {hint}")
    field, op, value = match["field"], match["op"], (match["value"] or "").strip()
    if op is None:
        return Condition(field, _is_not_empty)
    if len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0]:
        value = value[1:-1]
    if op.lstrip("!") == "~":
        test = _search_test(value)
    elif op in _ORDER:
        test = _order_test(_ORDER[op], value, text)
    else:
        test = _equality_test(value)
    return Condition(field, test, op.startswith("!"))


def _is_not_empty(value: Any) -> bool:
    return value not in (None, "", [], {})


def _search_test(value: str) -> Callable[[Any], bool]:
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a valid regular expression: {error}.") from None
    search = pattern.search if _REPEATS.isdisjoint(value) else _limited_search(value)
    return lambda found: found is not None and search(_as_text(found)) is not None


def _limited_search(value: str) -> Callable[[str], object]:
    """Return a search with a time limit for all texts together.

    A pattern such as ``(a+)+$`` takes centuries for some texts, and ``re`` cannot be interrupted. ``regex`` can, by a
    time limit and by the user.

    Raises:
        ValueError: ``regex`` does not accept the expression.
    """
    import regex  # noqa: PLC0415 - most conditions need no regular expression

    try:
        pattern = regex.compile(value, regex.VERSION0)
    except regex.error as error:
        raise ValueError(f"{value!r} is not a valid regular expression: {error}.") from None
    left = _SEARCH_TIME

    def search(text: str) -> object:
        nonlocal left
        begun = time.perf_counter()
        try:
            return pattern.search(text, timeout=max(left, _SHORTEST))
        except TimeoutError:
            raise ValueError(
                f"The search for {value!r} was stopped after {_SEARCH_TIME:g} s. "
                "Avoid a repetition inside a repetition, such as (a+)+."
            ) from None
        finally:
            left -= time.perf_counter() - begun

    return search


def _order_test(order: Callable[[Any, Any], bool], value: str, text: str) -> Callable[[Any], bool]:
    try:
        number = float(value)
    except ValueError:
        hint = " Pass each condition separately." if _SEVERAL.search(value) else ""
        raise ValueError(f"{text!r} compares with {value!r}, which is not a number.{hint}") from None
    return lambda found: (
        isinstance(found, int | float) and not isinstance(found, bool) and order(found, number)
    )


def _equality_test(value: str) -> Callable[[Any], bool]:
    try:
        number: float | None = float(value)
    except ValueError:
        number = None
    constant = _CONSTANTS.get(value.lower(), value)

    def test(found: Any) -> bool:
        if isinstance(found, bool) or found is None:
            return found is constant or _as_text(found) == value
        if isinstance(found, int | float):
            return found == number
        return _as_text(found) == value

    return test


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_test(wanted: Any) -> Callable[[Any], bool]:
    """Return a function that tests one value of a column.

    Args:
        wanted: a value to be equal to, a list, tuple or set of such values, or a function that tests the value.
    """
    if callable(wanted):
        return lambda value: bool(wanted(value))
    if isinstance(wanted, list | tuple | set | frozenset):
        return lambda value: value in wanted
    return lambda value: bool(value == wanted)
