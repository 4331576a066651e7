"""The types of a function's parameters as the schema of an object, in which each parameter is a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import SchemaError
from ..schema import Schema, object_schema

__all__ = ["argument_schema", "inexpressible"]


def inexpressible(hint: Any) -> SchemaError | None:
    """The error for a type that has no JSON Schema, or whose values cannot be converted; None for any other type."""
    try:
        object_schema({"value": hint})
    except SchemaError as problem:
        return problem
    return None


def argument_schema(parameters: Mapping[str, tuple[Any, bool, str]]) -> Schema | None:
    """The schema of a function's arguments; None without parameters.

    Args:
        parameters: the type of each parameter, whether it is required, and its description.
    """
    if not parameters:
        return None
    return object_schema(
        {name: hint for name, (hint, _, _) in parameters.items()},
        optional=[name for name, (_, required, _) in parameters.items() if not required],
        descriptions={name: text for name, (_, _, text) in parameters.items() if text},
    )
