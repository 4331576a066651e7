"""Turns whole numbers that were written as floats, such as ``3.0``, into integers where a schema has integers.

JSON Schema counts ``3.0`` among the integers; ``msgspec`` does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .problems import follow_refs

__all__ = ["with_integers"]

_MOST_LEVELS = 100


def with_integers(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return the value with integers; the same object if nothing changes.

    Args:
        value: the JSON value.
        schema: its JSON Schema.
    """
    try:
        return _Converter(schema).converted(value, schema, 0)
    except RecursionError:  # alternatives inside alternatives; the check of the value reports it
        return value


class _Converter:
    """Converts the numbers of one value. Results are remembered, so that nested alternatives take linear time."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._definitions = {**root.get("definitions", {}), **root.get("$defs", {})}
        self._results: dict[tuple[int, int], Any] = {}
        self._used: list[Any] = []  # keeps objects alive, so that no other one gets their id

    def converted(self, value: Any, schema: Any, level: int) -> Any:
        """The value with integers; the same object if nothing changes."""
        if not isinstance(value, float | list | dict) or level > _MOST_LEVELS:
            return value
        key = id(value), id(schema)  # not of the schema that a reference leads to, which may be made anew
        if key in self._results:
            return self._results[key]
        place, schema = id(schema), follow_refs(schema, self._definitions)
        if not isinstance(schema, Mapping):
            return value
        found = self._children(value, schema, level)
        for keyword in ("anyOf", "oneOf", "allOf"):
            for each in schema.get(keyword, ()):
                found = self.converted(found, each, level + 1)
        self._used += (value, found)
        self._results[key] = self._results[id(found), place] = found
        return found

    def _children(self, value: Any, schema: Mapping[str, Any], level: int) -> Any:
        """The value with what is inside it converted, as the schema describes it without its alternatives."""
        if isinstance(value, float):
            kinds = schema.get("type")
            names = (kinds,) if isinstance(kinds, str) else kinds or ()
            is_whole = "integer" in names and "number" not in names and value.is_integer()
            return int(value) if is_whole else value
        if isinstance(value, list):
            first, rest = schema.get("prefixItems", ()), schema.get("items")
            changed = [
                self.converted(each, first[number] if number < len(first) else rest, level + 1)
                for number, each in enumerate(value)
            ]
            return changed if any(new is not old for new, old in zip(changed, value, strict=True)) else value
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        fields = {
            name: self.converted(each, properties.get(name, others), level + 1)
            for name, each in value.items()
        }
        return fields if any(fields[name] is not each for name, each in value.items()) else value
