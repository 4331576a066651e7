"""Checks a JSON value against a JSON Schema and describes every problem with its place, in one form.

    items[3].urgency: expected integer, got "high"

Only the keywords of :data:`CHECKED` are checked, which are those that Gemini names and those of pydantic and msgspec. The
time is linear in the size of the value times the number of alternatives in the schema.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..text import one_line, shortened

__all__ = ["CHECKED", "MOST_PROBLEMS", "find_problems", "follow_refs", "place_text", "value_text"]

MOST_PROBLEMS = 50  # lines for one answer
_MOST_LEVELS = 100  # of nesting
_MOST_REFS = 50  # references that lead to references
_VALUE = 60  # characters of a value in a line
_OPTIONS = 8  # of an enumeration in a line
_PATTERN_TIME = 0.1  # seconds for each pattern and text
CHECKED = {
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "oneOf",
    "pattern",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "type",
    "uniqueItems",
}
"""The keywords that are checked."""

Place = tuple[str | int, ...]


def find_problems(value: Any, schema: Mapping[str, Any], place: Place = ()) -> list[str]:
    """Return one line for each problem of a value, at most :data:`MOST_PROBLEMS`; empty if it fits.

    Args:
        value: the JSON value.
        schema: the JSON Schema; references are looked up in its ``$defs``.
        place: where the value is, if it is part of a larger one.
    """
    checker = _Checker(schema)
    found = _Found(MOST_PROBLEMS)
    try:
        checker.check(value, schema, place, found)
    except RecursionError:  # alternatives inside alternatives at each of many levels
        found.add(place, "fewer levels", "too many to check")
    return found.lines


def place_text(place: Sequence[str | int]) -> str:
    """The text of a place: ``items[3].urgency``, ``meta["a key"]``; "the answer" for the whole value."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier():
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(shortened(step, _VALUE), ensure_ascii=False)}]"
    return one_line(text) or "the answer"


def value_text(value: Any) -> str:
    """A JSON value on one line, shortened."""
    if isinstance(value, dict | list):
        if not value:
            return "{}" if isinstance(value, dict) else "[]"
        count = len(value)
        kind = "an object" if isinstance(value, dict) else "an array"
        unit = "field" if isinstance(value, dict) else "item"
        return f"{kind} with {count:,} {unit}{'' if count == 1 else 's'}"
    if isinstance(value, str):
        return one_line(json.dumps(shortened(value, _VALUE), ensure_ascii=False))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_VALUE:
        return "a very large number"
    try:
        return one_line(json.dumps(value))
    except (TypeError, ValueError):
        return shortened(one_line(repr(value)), _VALUE)


def follow_refs(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Follow the references of a schema to ``$defs`` or ``definitions``; an unknown one allows any value."""
    for _ in range(_MOST_REFS):
        if not isinstance(schema, Mapping) or "$ref" not in schema:
            return schema
        _, _, name = str(schema["$ref"]).rpartition("/")
        target = definitions.get(name, {})
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**target, **beside} if beside and isinstance(target, Mapping) else target
    return {}


class _Found:
    """The lines so far; full when no more are wanted."""

    def __init__(self, most: int) -> None:
        self.lines: list[str] = []
        self._most = most

    @property
    def full(self) -> bool:
        return len(self.lines) >= self._most

    def add(self, place: Place, expected: str, got: str) -> None:
        if not self.full:
            self.lines.append(f"{place_text(place)}: expected {expected}, got {got}")


class _Checker:
    """Checks values against one schema."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.definitions = {**root.get("definitions", {}), **root.get("$defs", {})}
        self._fitting: dict[tuple[int, int], bool] = {}

    def check(self, value: Any, schema: Any, place: Place, found: _Found) -> None:
        """Add the problems of a value to ``found``."""
        if found.full or schema is True:
            return
        if len(place) > _MOST_LEVELS:
            found.add(place[:3], f"at most {_MOST_LEVELS} levels", "more")
            return
        schema = follow_refs(schema, self.definitions)
        if schema is False:
            found.add(place, "no such field", value_text(value))
            return
        if not isinstance(schema, Mapping) or not schema:
            return
        if not self._check_type(value, schema, place, found):
            return
        if isinstance(value, str):
            _check_text(value, schema, place, found)
        elif isinstance(value, list):
            self._check_array(value, schema, place, found)
        elif isinstance(value, dict):
            self._check_object(value, schema, place, found)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            _check_number(value, schema, place, found)
        for each in schema.get("allOf", ()):
            self.check(value, each, place, found)
        for keyword in ("anyOf", "oneOf"):
            if options := schema.get(keyword):
                self._check_alternatives(value, options, place, found)

    def fits(self, value: Any, schema: Any, place: Place) -> bool:
        """Whether a value has no problem. A result is remembered, so that nested alternatives take linear time."""
        key = id(value), id(schema)
        known = self._fitting.get(key) if isinstance(value, dict | list) else None
        if known is None:
            found = _Found(1)
            self.check(value, schema, place, found)
            known = self._fitting[key] = not found.lines
        return known

    def _check_type(self, value: Any, schema: Mapping[str, Any], place: Place, found: _Found) -> bool:
        """Check ``type``, ``enum`` and ``const``. Returns whether the other keywords apply."""
        if "const" in schema and not _same(value, schema["const"]):
            found.add(place, value_text(schema["const"]), value_text(value))
            return False
        options = schema.get("enum")
        if isinstance(options, list) and not any(_same(value, each) for each in options):
            found.add(place, _one_of([value_text(each) for each in options]), value_text(value))
            return False
        kinds = schema.get("type")
        names = [kinds] if isinstance(kinds, str) else kinds or ()
        if names and not any(_is_of(value, name) for name in names):
            found.add(place, _one_of(list(names)), value_text(value))
            return False
        return True

    def _check_alternatives(self, value: Any, options: Sequence[Any], place: Place, found: _Found) -> None:
        if any(self.fits(value, each, place) for each in options):
            return
        resolved = [follow_refs(each, self.definitions) for each in options]
        near = [
            number
            for number, each in enumerate(resolved)
            if isinstance(each, Mapping) and _same_kind(value, each)
        ]
        if isinstance(value, dict) and len(near) > 1:
            near = [max(near, key=lambda number: self._likeness(value, resolved[number]))]
        if len(near) == 1:
            self.check(value, options[near[0]], place, found)
        else:
            found.add(place, _one_of([_describe(each) for each in resolved]), value_text(value))

    def _likeness(self, value: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[int, int]:
        """How well an object matches one of several schemas: by its fixed values, then by its names."""
        properties = schema.get("properties", {})
        fixed = [
            name
            for name, each in properties.items()
            if isinstance(each, Mapping) and {"const", "enum"} & each.keys()
        ]
        matching = sum(name in value and self.fits(value[name], properties[name], ()) for name in fixed)
        return matching, sum(name in properties for name in value)

    def _check_array(self, value: list[Any], schema: Mapping[str, Any], place: Place, found: _Found) -> None:
        _check_count(value, schema, ("Items", "item"), place, found)
        first = schema.get("prefixItems", ())
        rest = schema.get("items", True)
        for number, each in enumerate(value):
            if found.full:
                return
            self.check(each, first[number] if number < len(first) else rest, (*place, number), found)
        if schema.get("uniqueItems"):
            texts = set()
            for number, each in enumerate(value):
                text = json.dumps(each, sort_keys=True)
                if text in texts:
                    found.add((*place, number), "no item twice", value_text(each))
                texts.add(text)

    def _check_object(
        self, value: dict[str, Any], schema: Mapping[str, Any], place: Place, found: _Found
    ) -> None:
        _check_count(value, schema, ("Properties", "field"), place, found)
        properties, required = schema.get("properties", {}), schema.get("required", ())
        missing = {name for name in required if name not in value}
        for name in (*properties, *(name for name in required if name not in properties)):
            each = properties.get(name, True)
            if name in missing:
                found.add((*place, name), _describe(follow_refs(each, self.definitions)), "nothing")
            elif name in value:
                self.check(value[name], each, (*place, name), found)
        rest, names = schema.get("additionalProperties", True), schema.get("propertyNames", True)
        for name, each in value.items():
            if found.full:
                return
            if names is not True and not self.fits(name, names, ()):
                wanted = f"the name {_describe(names)}" if _describe(names) != "a value" else "another name"
                found.add((*place, name), wanted, value_text(name))
            if name not in properties:
                self.check(each, rest, (*place, name), found)


def _check_text(value: str, schema: Mapping[str, Any], place: Place, found: _Found) -> None:
    _check_count(value, schema, ("Length", "character"), place, found)
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and (problem := _pattern_problem(pattern, value)):
        found.add(place, problem, value_text(value))
    name = schema.get("format")
    test = _FORMATS.get(name) if isinstance(name, str) else None
    if test is not None and not _accepts(test[1], value):
        found.add(place, test[0], value_text(value))


def _pattern_problem(pattern: str, value: str) -> str:
    """What a text must be that does not match a pattern; empty if it matches.

    ``regex`` stops a search after a time, which ``re`` cannot: a pattern such as ``(a+)+$`` takes centuries for some texts.
    """
    import regex  # noqa: PLC0415 - few schemas have a pattern

    try:
        matches = regex.search(pattern, value, timeout=_PATTERN_TIME, flags=regex.VERSION0)
    except regex.error:
        return ""  # the pattern of another language
    except TimeoutError:
        return f"a text in which {shortened(pattern, _VALUE)} is found within {_PATTERN_TIME:g} s"
    return "" if matches else f"text that matches {shortened(pattern, _VALUE)}"


def _check_number(value: float, schema: Mapping[str, Any], place: Place, found: _Found) -> None:
    for keyword, words, test in _LIMITS:
        limit = schema.get(keyword)
        if isinstance(limit, int | float) and not test(value, limit):
            found.add(place, f"{words} {limit}", value_text(value))
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step > 0 and not _is_multiple(value, step):
        found.add(place, f"a multiple of {step}", value_text(value))


def _is_multiple(value: float, step: float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    try:
        quotient = value / step
    except OverflowError:
        return True
    return (
        math.isclose(quotient, round(quotient), rel_tol=1e-9, abs_tol=1e-9)
        if math.isfinite(quotient)
        else True
    )


_LIMITS: tuple[tuple[str, str, Callable[[float, float], bool]], ...] = (
    ("minimum", "at least", lambda value, limit: value >= limit),
    ("maximum", "at most", lambda value, limit: value <= limit),
    ("exclusiveMinimum", "more than", lambda value, limit: value > limit),
    ("exclusiveMaximum", "less than", lambda value, limit: value < limit),
)


def _check_count(
    value: Any, schema: Mapping[str, Any], counted: tuple[str, str], place: Place, found: _Found
) -> None:
    name, unit = counted
    least, most, count = schema.get(f"min{name}"), schema.get(f"max{name}"), len(value)
    if isinstance(least, int | float) and count < least:
        found.add(place, f"at least {_counted(least, unit)}", _counted(count, unit))
    if isinstance(most, int | float) and count > most:
        found.add(place, f"at most {_counted(most, unit)}", _counted(count, unit))


def _counted(count: float, unit: str) -> str:
    return f"{count:,g} {unit}{'' if count == 1 else 's'}" if count else f"no {unit}s"


def _is_datetime(text: str) -> bool:
    dt.datetime.fromisoformat(text)
    return len(text) > 10  # noqa: PLR2004 - a date alone has ten characters


def _is_date(text: str) -> bool:
    dt.date.fromisoformat(text)
    return True


def _is_time(text: str) -> bool:
    dt.time.fromisoformat(text)
    return True


def _is_uuid(text: str) -> bool:
    uuid.UUID(text)
    return True


_FORMATS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "date-time": ("a date with a time such as 2026-01-31T12:00:00Z", _is_datetime),
    "date": ("a date such as 2026-01-31", _is_date),
    "time": ("a time such as 12:00:00", _is_time),
    "uuid": ("a UUID", _is_uuid),
}


def _accepts(test: Callable[[str], bool], value: str) -> bool:
    try:
        return test(value)
    except ValueError:
        return False


def _is_of(value: Any, name: str) -> bool:
    if name == "integer":  # JSON Schema counts 3.0 among the integers
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and value.is_integer()
        )
    if name == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    kinds: dict[str, Any] = {
        "string": str,
        "boolean": bool,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    return isinstance(value, kinds[name]) if name in kinds else True


def _same(value: Any, option: Any) -> bool:
    """Whether two JSON values are equal; 1 and true are not."""
    return value == option and isinstance(value, bool) == isinstance(option, bool)


def _same_kind(value: Any, schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    names = [kinds] if isinstance(kinds, str) else kinds or ()
    return any(_is_of(value, name) for name in names) or (not names and "enum" not in schema)


def _describe(schema: Any) -> str:
    """What a schema expects, in a few words."""
    if not isinstance(schema, Mapping):
        return "a value"
    if "const" in schema:
        return value_text(schema["const"])
    if isinstance(options := schema.get("enum"), list):
        return _one_of([value_text(each) for each in options])
    kinds = schema.get("type")
    if kinds:
        return _one_of([kinds] if isinstance(kinds, str) else list(kinds))
    options = schema.get("anyOf") or schema.get("oneOf")
    return _one_of([_describe(each) for each in options]) if options else "a value"


def _one_of(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    if len(names) > _OPTIONS:
        names = [*names[: _OPTIONS - 1], f"{len(names) - _OPTIONS + 1:,} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
