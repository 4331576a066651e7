"""Conditions on rows, written as text: ``FIELD OP VALUE``, where a field may lie deep in a row's JSON.

It reads conditions and says which rows meet them; what a table is, it does not know.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import msgspec

from .any_json import read_json
from .errors import OptionError

__all__ = ["JSON", "Condition", "close_to", "meeting", "read"]

JSON = "json"  # the column whose text is looked into

_FORM = re.compile(r"\s*([^\s=!<>~]+)\s*(==|=~|!=|!~|<=|>=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
_ALIASES = {"==": "=", "=~": "~"}
_HOW = (
    "Write FIELD OP VALUE, such as kind=text or usageMetadata.totalTokenCount>100; OP is one of "
    "= != < <= > >= ~ !~ (~ takes a regular expression)."
)
_CLOSE = 0.6  # of a column's name
_TYPO = 0.88  # of a field's name: promptTokenCount is not meant by thoughtsTokenCount
_LISTED = 12
_SAMPLE = 1000  # rows whose fields are looked at for one that may have been meant
_QUOTES = ("'", '"')

Test: TypeAlias = Callable[[Any], bool]


class Condition(NamedTuple):
    """One condition, read.

    Attributes:
        said: as it was written.
        path: the field's names and positions; ``*`` stands for all of a list, or of an object.
        test: whether one value meets it.
        negative: whether it is met by what ``test`` does not find, as ``!=`` and ``!~`` are.
        absent: whether a missing field counts as found, as for ``=null``.
    """

    said: str
    path: tuple[str, ...]
    test: Test
    negative: bool = False
    absent: bool = False

    def met(self, values: Sequence[Any]) -> bool:
        """Whether the values found at the path meet it: any of them, or (negative) none."""
        found = any(map(self.test, values)) or (self.absent and not values)
        return found is not self.negative


def read(said: str) -> Condition:
    """Read a condition.

    Raises:
        OptionError: it has not the form ``FIELD OP VALUE``, its regular expression cannot be read, or an order is
            asked of something that is no number.
    """
    form = _FORM.fullmatch(said)
    path = () if form is None else tuple(form[1].replace("[", ".").replace("]", "").split("."))
    if form is None or not all(path):
        raise OptionError(f"{said!r} is no condition.", remedy=_HOW)
    op, value = _ALIASES.get(form[2], form[2]), form[3]
    if len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES:
        value, quoted = value[1:-1], True
    else:
        quoted = False
    if op in ("~", "!~"):
        return Condition(said, path, partial(_matches, _pattern(said, value)), op == "!~")
    if op in ("=", "!="):
        meant = value if quoted else _meant(value)
        return Condition(said, path, partial(_is, meant, value), op == "!=", meant is None)
    number = _number(_meant(value))
    if number is None:
        raise OptionError(
            f"{said!r} asks for an order, but {value!r} is no number.",
            remedy="Compare with a number, such as t<0.5; = and ~ compare texts.",
        )
    return Condition(said, path, partial(_ORDERS[op], number))


def _pattern(said: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as problem:
        raise OptionError(
            f"The regular expression of {said!r} cannot be read: {problem}.",
            remedy=r"Put a \ before a character that is meant as such: \( \[ \. \* \+ \?",
        ) from None


def _meant(text: str) -> Any:
    """A number, true, false or null as such; anything else is a text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


def _number(value: Any) -> float | None:
    """A number, also one that came as a text, as some servers send counts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return value is not None and pattern.search(_text(value)) is not None


def _is(meant: Any, text: str, value: Any) -> bool:
    if value is None or meant is None:
        return value is meant
    return (value == meant and isinstance(value, bool) is isinstance(meant, bool)) or _text(value) == text


def _below(number: float, value: Any) -> bool:
    return (own := _number(value)) is not None and own < number


def _above(number: float, value: Any) -> bool:
    return (own := _number(value)) is not None and own > number


def _at_most(number: float, value: Any) -> bool:
    return (own := _number(value)) is not None and own <= number


def _at_least(number: float, value: Any) -> bool:
    return (own := _number(value)) is not None and own >= number


_ORDERS: dict[str, Callable[[float, Any], bool]] = {
    "<": _below,
    ">": _above,
    "<=": _at_most,
    ">=": _at_least,
}


# -- which rows


def meeting(
    conditions: Sequence[str], names: Sequence[str], column: Callable[[str], list[Any]]
) -> Iterator[bool]:
    """For each row, whether it meets all conditions.

    Args:
        conditions: as they were written.
        names: the columns' names. A field that is not one of them is looked for in the JSON of the column ``json``,
            if there is one; ``json.NAME`` is always meant so.
        column: gives the values of a column.

    Raises:
        OptionError: a condition cannot be read, or its field exists in no row; close matches are named.
    """
    asked = [read(said) for said in conditions]
    deep = [each for each in asked if len(each.path) > 1 or each.path[0] not in names]
    if deep and JSON not in names:
        raise _unknown(deep[0], names)
    results: list[Iterable[bool]] = [
        [each.met([value]) for value in column(each.path[0])] for each in asked if each not in deep
    ]
    results += _deep(deep, column(JSON), names) if deep else ()
    return map(all, zip(*results, strict=True))


def _deep(
    conditions: Sequence[Condition], texts: Sequence[str | None], names: Sequence[str]
) -> list[list[bool]]:
    """For each condition, which rows meet it; each row is parsed once, and let go of."""
    paths = [each.path[1:] if each.path[0] == JSON else each.path for each in conditions]
    results: list[list[bool]] = [[] for _ in conditions]
    seen = [False] * len(conditions)
    for text in texts:
        value = _parsed(text)
        for place, (condition, path) in enumerate(zip(conditions, paths, strict=True)):
            found = list(_walk(value, path))
            seen[place] = seen[place] or bool(found)
            results[place].append(condition.met(found))
    for condition, path, there in zip(conditions, paths, seen, strict=True):
        if not there:
            _check(condition, path, [_parsed(text) for text in texts[:_SAMPLE]], names)
    return results


def _parsed(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        pass
    try:
        return read_json(text.encode("utf-8", "replace"))
    except ValueError:
        return None


def _walk(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """The values that a path leads to."""
    if not path:
        yield value
        return
    name, *rest = path
    for inner in _inside(value, name):
        yield from _walk(inner, rest)


def _inside(value: Any, name: str) -> Iterable[Any]:
    if isinstance(value, dict):
        if name == "*":
            return value.values()
        return [value[name]] if name in value else ()
    if isinstance(value, list):
        if name == "*":
            return value
        if name.lstrip("-").isdecimal() and -len(value) <= int(name) < len(value):
            return [value[int(name)]]
    return ()


def _check(condition: Condition, path: Sequence[str], values: list[Any], names: Sequence[str]) -> None:
    """A path that leads nowhere in any row: an error where its first name is unknown, or another looks mistyped.

    Raises:
        OptionError: so it is.
    """
    for place, name in enumerate(path):
        within = [inner for value in values for inner in _walk(value, path[:place])]
        known = dict.fromkeys(key for inner in within if isinstance(inner, dict) for key in inner)
        if name == "*" or name in known or any(isinstance(inner, list) for inner in within):
            continue
        if place == 0 and known:
            raise _unknown(condition, (*names, *known))
        plain = {_plain(key): key for key in known}
        close = plain.get(_plain(name)) or close_to(name, known, _TYPO)
        if close:
            raise OptionError(
                f"No row has a field {'.'.join(path[: place + 1])!r}.",
                remedy=f"Did you mean {'.'.join((*path[:place], close))}?",
            )
        return


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _unknown(condition: Condition, known: Sequence[str]) -> OptionError:
    name = condition.path[0] if condition.path[0] != JSON else ".".join(condition.path[:2])
    plain = {_plain(each): each for each in known}
    close = plain.get(_plain(name)) or close_to(name, known)
    listed = ", ".join(known[:_LISTED]) + (", …" if len(known) > _LISTED else "")
    return OptionError(
        f"There is no field {name!r} in these rows.",
        remedy=f"Did you mean {close}?" if close else f"There are: {listed}.",
    )


def close_to(name: str, known: Iterable[str], cutoff: float = _CLOSE) -> str | None:
    """The name that was probably meant, or None."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)
