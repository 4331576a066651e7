"""Reads the JSON value of an answer: JSON alone, or in a code fence or between other text; describes what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ..errors import MismatchError
from ..text import json_safe, replace_surrogates
from .problems import place_text

__all__ = ["MAX_LEVELS", "JsonAnswer", "read_answer", "read_lines"]

MAX_LEVELS = 100
"""Levels of nesting that an answer may have."""

_FENCE = re.compile(r"```[ \t]*[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_BRACKET = re.compile(r"[{\[]")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]]', re.DOTALL)
_SPACE = re.compile(r"\s*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MOST_TRIES = 20  # places at which JSON between other text may begin
_MOST_NAMES = 5  # of doubled fields in a note
_CONTEXT = 20  # characters around a mistake


class JsonAnswer(NamedTuple):
    """The value of an answer.

    Attributes:
        value: the JSON value.
        notes: sentences about what is unusual in its text.
    """

    value: Any
    notes: tuple[str, ...] = ()


def read_answer(text: str) -> JsonAnswer:
    """Read the JSON value of an answer.

    Raises:
        MismatchError: the text has no valid JSON. NaN and numbers beyond the range of a float are not valid.
    """
    text = replace_surrogates(text).strip().removeprefix("\ufeff").lstrip()
    if not text:
        raise _invalid("it is empty")
    try:
        return _decoded(text)
    except MismatchError:
        for inner, note in _candidates(text):
            try:
                value, notes = _decoded(inner)
            except MismatchError:
                continue
            return JsonAnswer(value, (note, *notes))
        raise


def read_lines(text: str) -> JsonAnswer | None:
    """Read an answer of several JSON objects one after another, such as NDJSON, as their array; None for any other text."""
    text = replace_surrogates(text).strip().removeprefix("\ufeff").lstrip()
    fenced = [found[1].strip() for found in _FENCE.finditer(text)]
    text = fenced[0] if len(fenced) == 1 else text
    decoder, values, notes, place = json.JSONDecoder(), [], dict[str, None](), 0
    try:
        while place < len(text):
            if text[place] != "{":
                return None
            _, end = decoder.raw_decode(text, place)
            value, found = _decoded(text[place:end])
            values.append(value)
            notes |= dict.fromkeys(found)
            place = _SPACE.match(text, end).end()  # type: ignore[union-attr] # it matches anywhere
    except (ValueError, RecursionError, MismatchError):
        return None
    if len(values) == 1:
        return None
    return JsonAnswer(values, ("The objects one after another were read as an array.", *notes))


def _candidates(text: str) -> list[tuple[str, str]]:
    """Parts of a text that may be the JSON, each with a note about the rest."""
    fenced = [(found[1], "The JSON is in a code fence.") for found in _FENCE.finditer(text)]
    if len(fenced) == 1:
        return fenced
    if text[0] in "{[":
        return []  # JSON with a mistake; a part of it is not the answer
    found: list[tuple[str, str]] = []
    decoder = json.JSONDecoder()
    for number, bracket in enumerate(_BRACKET.finditer(text)):
        if number == _MOST_TRIES:
            break
        try:
            value, end = decoder.raw_decode(text, bracket.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) or any(isinstance(each, dict) for each in value):  # not a mark such as [1]
            found.append((text[bracket.start() : end], "The text around the JSON was ignored."))
            break
    return found


def _decoded(text: str) -> JsonAnswer:
    """The value of a text that is only JSON.

    Raises:
        MismatchError: it is not.
    """
    if text.count("[") + text.count("{") > MAX_LEVELS and _levels(text) > MAX_LEVELS:
        raise _invalid(f"it is nested deeper than {MAX_LEVELS} levels")
    doubled: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items) and len(doubled) < _MOST_NAMES:
            seen: set[str] = set()
            doubled.append(next(name for name, _ in items if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
        return found

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_float=_finite, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _described(text, error) from None
    if _SURROGATE.search(text):
        value = json_safe(value)
    if not doubled:
        return JsonAnswer(value)
    names = ", ".join(place_text([name]) for name in dict.fromkeys(doubled))
    return JsonAnswer(value, (f"An object has a field twice, and the last one counts: {names}.",))


class _NotFinite(ValueError):  # noqa: N818 - it never leaves this module
    """A number is beyond the range of a float."""


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise _NotFinite
    return number


def _levels(text: str) -> int:
    """How deeply a JSON text is nested."""
    deepest = level = 0
    for token in _BRACKETS.finditer(text):
        if token[0] in "{[":
            level += 1
            deepest = max(deepest, level)
        elif token[0] in "}]":
            level -= 1
    return deepest


def _described(text: str, error: Exception) -> MismatchError:
    """The error for a text that is not JSON, with the place of the mistake."""
    if isinstance(error, _NotFinite):
        return _invalid("a number is too large")
    if isinstance(error, _Constant):
        return _invalid(f"{error} is not a JSON number")
    if isinstance(error, RecursionError):
        return _invalid(f"it is nested deeper than {MAX_LEVELS} levels")
    if not isinstance(error, json.JSONDecodeError):
        return _invalid("a number has too many digits")
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return _invalid("it ends before the JSON does")
    near = " ".join(text[max(0, error.pos - _CONTEXT) : error.pos + _CONTEXT].split())
    place = f"line {error.lineno}, column {error.colno}, near {json.dumps(near, ensure_ascii=False)}"
    return _invalid(f"{error.msg[:1].lower()}{error.msg[1:]} at {place}")


class _Constant(ValueError):  # noqa: N818 - it never leaves this module
    """A word that Python's JSON accepts and JSON does not."""


def _refuse(word: str) -> Any:
    raise _Constant(word)


def _invalid(reason: str) -> MismatchError:
    return MismatchError(
        f"The answer is not valid JSON: {reason}.",
        problems=(f"the answer: {reason}",),
        remedy="`r.text` has the text. Ask again, or use --repair 1 to ask again automatically.",
    )
