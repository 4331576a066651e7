"""Reads the rows that ``row_cutter`` cuts: their values, what an unfinished row contains so far, and rows inside a broken one."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NoReturn

import msgspec

from ..text import MAX_DEPTH, json_safe
from .row_cutter import CutRow

__all__ = ["doubled_field", "read_row", "recover_rows", "unfinished_value"]

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|"|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_OPEN_STRING: Final = re.compile(
    r'"(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*+', re.DOTALL
)  # without half an escape
_LITERAL: Final = re.compile(r"true|false|null")
_BEGIN: Final = re.compile(r'[,}\]\n][ \t]*(\{)\s*"')  # an object after another value or on a new line
_TRIES: Final = 8  # how many times the characters of a broken row are read at most
_FAILURES: Final = 1_000  # an error of Python's parser counts the lines before it, which takes time


def read_row(text: str) -> Any:
    """Return the value of a row. A raw line end in a string is accepted; a number that JSON does not have is not.

    Raises:
        ValueError: the text is not valid JSON; the message says why and where.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        pass
    try:
        value = json.loads(
            text, strict=False, parse_constant=_refuse, parse_float=_finite, parse_int=_integer
        )
    except json.JSONDecodeError as problem:
        reason = f"{problem.msg[:1].lower()}{problem.msg[1:]}"
        raise ValueError(f"invalid JSON: {reason} at character {problem.pos + 1} of the item") from None
    except RecursionError:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep") from None
    return json_safe(value)  # lone surrogates


def doubled_field(text: str, value: Any) -> str | None:
    """The first field that an object of a row has twice, so that only its last value counts; None if there is none.

    Args:
        text: the text of the row, which is valid JSON.
        value: its value.
    """
    if text.count('":') == _count_fields(value):  # almost always, and faster than to read the text once more
        return None
    doubled: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        if len(found) < len(members) and not doubled:
            names = [name for name, _ in members]
            doubled.append(Counter(names).most_common(1)[0][0])
        return found

    with suppress(ValueError, RecursionError):
        json.loads(text, strict=False, object_pairs_hook=pairs)
    return doubled[0] if doubled else None


def _count_fields(value: Any) -> int:
    """How many fields the objects in a value have together."""
    count, left = 0, [value]
    for each in left:  # it grows
        if isinstance(each, dict):
            count += len(each)
            left += [inner for inner in each.values() if isinstance(inner, dict | list)]
        elif isinstance(each, list):
            left += [inner for inner in each if isinstance(inner, dict | list)]
    return count


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"invalid JSON: {name} is not a JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"invalid JSON: {digits[:20]} is too large for a number")
    return value


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError(f"invalid JSON: a number has {len(digits):,} digits") from None


def recover_rows(row: CutRow) -> Iterator[CutRow]:
    """Find objects in the text of a row that was never closed, such as one with a string without an end.

    They are guesses: an object that is quoted in a text looks the same. The time is linear.

    Args:
        row: the row.
    """
    decoder = json.JSONDecoder(strict=False, parse_constant=_refuse)
    text, at, room, failures = row.text, 0, _TRIES * len(row.text), 0
    line, counted = row.line, 0
    while room > 0 and failures < _FAILURES and (found := _BEGIN.search(text, at)):
        start = found.start(1)
        try:
            value, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as problem:
            unterminated = problem.msg.startswith("Unterminated")
            room -= (len(text) if unterminated else problem.pos) - start
            failures, at = failures + 1, start
        except (ValueError, RecursionError):
            room -= len(text) - start
            failures, at = failures + 1, start
        else:
            line, counted = line + text.count("\n", counted, start), start
            room -= end - start
            at = end - 1
            if isinstance(value, dict):
                yield CutRow(row.start + start, row.start + end, line, text[start:end])


def unfinished_value(text: str) -> Any:
    """Return what an unfinished row contains so far: complete members, and the beginning of the string that is last.

    Args:
        text: the beginning of a JSON text.

    Returns:
        The value; None where nothing of it is complete.
    """
    closers: list[str] = []
    end, expects_key = 0, False  # where the complete text ends; whether a key is next
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == '"':  # not closed
            if not (expects_key and closers[-1:] == ["}"]):
                complete = _OPEN_STRING.match(text, token.start())
                return _parsed(f'{text[: complete.end() if complete else token.end()]}"', closers)
            break
        if sign in "{[":
            if len(closers) == MAX_DEPTH:
                break
            closers.append("}" if sign == "{" else "]")
            end, expects_key = token.end(), sign == "{"
        elif sign in "}]":
            if not closers or closers.pop() != sign:
                return None
            end, expects_key = token.end(), False
        elif sign == ",":
            expects_key = closers[-1:] == ["}"]
        elif sign == ":":
            expects_key = False
        elif sign[0] == '"':
            end = end if expects_key else token.end()
        elif token.end() < len(text) or _LITERAL.fullmatch(sign):  # the number may have more digits
            end = token.end()
    return _parsed(text[:end], closers)


def _parsed(text: str, closers: list[str]) -> Any:
    try:
        return json_safe(json.loads(text + "".join(reversed(closers)), strict=False))
    except (ValueError, RecursionError):
        return None
