"""The schema that the options of a request name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import GenericAlias, MappingProxyType
from typing import Any

from ..errors import OptionError, SchemaError
from .annotations import is_annotation
from .schema import Schema, as_schema

__all__ = ["requested_schema"]


def requested_schema(
    schema: Any = None,
    schema_multi: Any = None,
    names: Mapping[str, object] = MappingProxyType({}),
    *,
    items: str | None = None,
) -> Schema | None:
    """Return the schema of the options ``schema`` and ``schema_multi``; None without both.

    Args:
        schema: what the answer is, in any form that :func:`as_schema` takes.
        schema_multi: what the items of the answer are.
        names: variables whose classes a text may name: ``Person``, ``models.Person`` or ``list[Person]``.
        items: the path of the array whose elements are the items; None if there is one array of objects at most.

    Raises:
        SchemaError: it cannot describe an answer.
        OptionError: both are given, or ``items`` without them.
    """
    if schema is not None and schema_multi is not None:
        raise OptionError(
            "--schema and --schema-multi exclude each other.",
            remedy="Use --schema for one object, or --schema-multi for an array of them.",
        )
    given, many = (schema, False) if schema_multi is None else (schema_multi, True)
    if given is None and items is not None:
        raise OptionError("--items needs a schema.", remedy="Add --schema, or leave out --items.")
    if given is None:
        return None
    if isinstance(given, str):
        given = _named_object(given.strip(), names)
    found = as_schema(given, many=many)
    return found if items is None else found.with_items(items)


_NAME = re.compile(r"(list\[)?\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*(\])?")


def _named_object(text: str, names: Mapping[str, object]) -> Any:
    """The object that a text names, such as ``Person`` or ``list[Person]``; the text itself if it names none.

    Raises:
        SchemaError: it names a class that does not exist.
    """
    found = _NAME.fullmatch(text)
    if found is None or bool(found[1]) != bool(found[3]) or found[2].lower().endswith(".json"):
        return text
    first, *rest = found[2].split(".")
    value: object = names.get(first)
    for name in rest:
        value = getattr(value, name, None)
    if isinstance(value, Schema | Mapping) or is_annotation(value):
        if not found[1]:
            return value
        return (
            as_schema(value, many=True)
            if isinstance(value, Schema | Mapping)
            else GenericAlias(list, (value,))
        )
    if rest or first[0].isupper():
        from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

        close = get_close_matches(first, [name for name, each in names.items() if is_annotation(each)], n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise SchemaError(
            f"There is no class {found[2]}.",
            remedy=f"{hint}Define it in a cell above; for an answer with one field of this name, write '{first} str'.",
        )
    return text
