"""The columns of results: one for each field of the schema, and those of the run, whose names begin with ``_``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from ..errors import MismatchError
from ..schema import Schema, follow_refs, read_answer
from .keys import key_value
from .store_values import ResultRow

__all__ = [
    "KeyKinds",
    "OutputColumn",
    "OutputKind",
    "answer_columns",
    "answer_fields",
    "converted",
    "key_cell",
    "system_columns",
]

OutputKind: TypeAlias = Literal[
    "string",
    "int64",
    "float64",
    "bool",
    "date",
    "datetime",
    "datetime_utc",
    "strings",
    "int64s",
    "float64s",
    "bools",
]
"""The type of a column; the last four are lists."""

_MOST: Final = 2**63
_EXACT: Final = 2**53
_ANSWERED: Final = ("complete", "stale")  # statuses whose answers fill the columns of the schema


class OutputColumn(NamedTuple):
    """One column of the results.

    Attributes:
        name: its name.
        kind: its type.
        read: returns its value for a row.
    """

    name: str
    kind: OutputKind
    read: Callable[[ResultRow], Any]


def system_columns(*, samples: bool) -> list[OutputColumn]:
    """The columns that every run has.

    Args:
        samples: whether a row has several answers, so that their numbers are a column.
    """
    found: list[OutputColumn] = [
        OutputColumn(
            "_text", "string", lambda row: row.text if row.text or row.request is not None else None
        ),
        OutputColumn("_status", "string", lambda row: row.status),
        OutputColumn("_error", "string", lambda row: row.error or None),
        OutputColumn("_reason", "string", lambda row: row.reason or None),
        OutputColumn("_tokens", "int64", _tokens),
        OutputColumn("_tokens_in", "int64", lambda row: row.tokens_in),
        OutputColumn("_tokens_out", "int64", lambda row: row.tokens_out),
        OutputColumn("_tokens_thought", "int64", lambda row: row.tokens_thought),
        OutputColumn("_tokens_cached", "int64", lambda row: row.tokens_cached),
        OutputColumn("_cost", "float64", lambda row: row.cost),
        OutputColumn(
            "_shared", "string", lambda row: None if row.shared is None else str(key_value(row.shared))
        ),
        OutputColumn("_attempts", "int64", lambda row: row.attempts),
        OutputColumn("_model", "string", lambda row: row.model or None),
        OutputColumn("_first_text", "float64", lambda row: row.first_text),
        OutputColumn("_seconds", "float64", lambda row: row.seconds),
    ]
    if samples:
        found.insert(0, OutputColumn("_sample", "int64", lambda row: row.sample))
    return found


def _tokens(row: ResultRow) -> int | None:
    counts = [each for each in (row.tokens_in, row.tokens_out, row.tokens_thought) if each is not None]
    total = sum(counts)
    return total if counts and total < _MOST else None  # a server may send any count


# -- fields of the schema

_KINDS: Final[Mapping[str, OutputKind]] = {
    "string": "string",
    "integer": "int64",
    "number": "float64",
    "boolean": "bool",
}
_LISTS: Final[Mapping[str, OutputKind]] = {
    "string": "strings",
    "int64": "int64s",
    "float64": "float64s",
    "bool": "bools",
}


def answer_columns(schema: Schema | None) -> dict[str, OutputKind]:
    """The columns of a schema: the fields of an object with their types. Other values are JSON text.

    Args:
        schema: the schema; None, or one of an array or a single value, has no columns.
    """
    if schema is None:
        return {}
    definitions = schema.sent.get("$defs", {})
    top = follow_refs(schema.sent, definitions)
    properties = top.get("properties") if isinstance(top, Mapping) else None
    if not isinstance(properties, Mapping):
        return {}
    return {str(name): _field_kind(each, definitions) for name, each in properties.items()}


def _field_kind(schema: Any, definitions: Mapping[str, Any], *, in_list: bool = False) -> OutputKind:
    found = follow_refs(schema, definitions)
    if not isinstance(found, Mapping):
        return "string"
    kinds = found.get("type")
    alternatives = found.get("anyOf") or found.get("oneOf")
    if isinstance(alternatives, Sequence) and kinds is None:
        kept = [
            each for each in alternatives if not (isinstance(each, Mapping) and each.get("type") == "null")
        ]
        return _field_kind(kept[0], definitions, in_list=in_list) if len(kept) == 1 else "string"
    if isinstance(kinds, list):
        kept = [each for each in kinds if each != "null"]
        kinds = kept[0] if len(kept) == 1 else None
    if kinds == "array" and not in_list:
        item = _field_kind(found.get("items"), definitions, in_list=True)
        return _LISTS[item] if _is_plain(found.get("items"), definitions) else "string"
    return _KINDS.get(str(kinds), "string")


def _is_plain(schema: Any, definitions: Mapping[str, Any]) -> bool:
    """Whether the items of a list are single values of one type."""
    found = follow_refs(schema, definitions)
    return isinstance(found, Mapping) and found.get("type") in _KINDS


def answer_fields(row: ResultRow) -> Mapping[str, Any]:
    """The fields of an answer; empty if it is not complete or is not a JSON object."""
    if row.status not in _ANSWERED or not row.text:
        return {}
    try:
        value = msgspec.json.decode(row.text)  # four times as fast
    except ValueError:  # JSON in a code fence, between other text, or with lone surrogates
        try:
            value = read_answer(row.text).value
        except MismatchError:
            return {}
    return value if isinstance(value, dict) else {}


def converted(value: Any, kind: OutputKind) -> Any:
    """A JSON value as a value of a column: null if it is of another type or out of its range."""
    if value is None:
        return None
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if kind in _SINGLE:
        if not isinstance(value, list):
            return None
        return [converted(each, _SINGLE[kind]) for each in value]
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if kind == "float64":
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    return value if -_MOST <= value < _MOST else None


_SINGLE: Final[Mapping[str, OutputKind]] = {plural: single for single, plural in _LISTS.items()}  # type: ignore[misc] # the keys of _LISTS are kinds


# -- keys

_OF_TAG: Final[Mapping[bytes, OutputKind]] = {
    b"i": "int64",
    b"f": "float64",
    b"s": "string",
    b"b": "bool",
    b"d": "date",
    b"n": "datetime",
    b"t": "datetime_utc",
}


class KeyKinds:
    """Finds the type of a column that holds keys."""

    def __init__(self) -> None:
        self._tags: set[bytes] = set()
        self._largest = 0

    def add(self, key: bytes) -> None:
        """Read one key.

        Args:
            key: the canonical form of a single value.
        """
        tag = key[:1]
        self._tags.add(tag)
        if tag == b"i":
            number = int(key[1:])
            self._largest = max(self._largest, number if number >= 0 else -number - 1)

    @property
    def kind(self) -> OutputKind:
        """The type: that of all keys, or text if they have several or one that columns do not have."""
        if self._tags == {b"i", b"f"} and self._largest <= _EXACT:
            return "float64"
        if len(self._tags) != 1 or self._largest >= _MOST:
            return "string"
        return _OF_TAG.get(next(iter(self._tags)), "string")


def key_cell(key: bytes, kind: OutputKind) -> Any:
    """The value of a key in a column of this type."""
    value = key_value(key)
    if kind == "float64":
        return float(value)
    if kind == "string":
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return value
