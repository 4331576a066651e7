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
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    return _converted(value, schema, definitions, 0)


def _converted(value: Any, schema: Any, definitions: Mapping[str, Any], level: int) -> Any:
    if not isinstance(value, float | list | dict) or level > _MOST_LEVELS:
        return value
    schema = follow_refs(schema, definitions)
    if not isinstance(schema, Mapping):
        return value
    kinds = schema.get("type")
    names = (kinds,) if isinstance(kinds, str) else kinds or ()
    if isinstance(value, float):
        if "integer" in names and "number" not in names and value.is_integer():
            return int(value)
    elif isinstance(value, list):
        first, rest = schema.get("prefixItems", ()), schema.get("items")
        changed = [
            _converted(each, first[number] if number < len(first) else rest, definitions, level + 1)
            for number, each in enumerate(value)
        ]
        if any(new is not old for new, old in zip(changed, value, strict=True)):
            value = changed
    else:
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        fields = {
            name: _converted(each, properties.get(name, others), definitions, level + 1)
            for name, each in value.items()
        }
        if any(fields[name] is not each for name, each in value.items()):
            value = fields
    for keyword in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(keyword, ()):
            value = _converted(value, each, definitions, level + 1)
    return value
