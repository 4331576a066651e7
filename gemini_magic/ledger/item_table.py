"""The table of the items of an answer: a column for each field, with the type that the schema declares."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from .. import schema as schemas
from ..tables import Column, Columns, ColumnType, Rows

if TYPE_CHECKING:
    from ..schema import ItemLog

__all__ = ["item_rows"]

_TYPES: Final[dict[str, ColumnType]] = {
    "integer": "int64",
    "number": "float64",
    "boolean": "bool",
    "string": "string",
}
_MAX_COLUMNS: Final = 1_000
_LARGEST: Final = 2**1023  # an integer beyond it has no float
_VALUE: Final = "value"  # the column of items that are not objects


def item_rows(log: ItemLog) -> Rows[Any]:
    """Return a table with one row for each item that fits.

    Numbers, booleans and strings are themselves, and other values are JSON texts. Fields that the schema does not name become
    columns only if it names none.

    Args:
        log: the items.
    """
    values = [row.value for row in list(log.rows) if isinstance(row, schemas.LoadedItem)]
    declared = log.field_schemas
    if not declared and not all(isinstance(value, dict) for value in values):
        declared, values = {_VALUE: log.item_schema}, [{_VALUE: value} for value in values]
    names = list(declared) or list(dict.fromkeys(key for value in values for key in value))
    names = names[:_MAX_COLUMNS] or [_VALUE]
    rows = [value if isinstance(value, dict) else {} for value in values]
    columns = [
        Column(name, _column_type(declared.get(name), (row.get(name) for row in rows))) for name in names
    ]
    make_record: Any = namedtuple  # noqa: PYI024 - its fields are known only now
    record = make_record("ItemRow", names, rename=True)
    record._fields = tuple(names)  # pandas reads the names of the columns here, also those that are keywords
    found: Columns[Any] = Columns(record, columns)
    found.extend([tuple(_stored(row.get(column.name), column.type) for column in columns) for row in rows])
    return Rows(found)


def _column_type(declared: Any, values: Iterable[Any]) -> ColumnType:
    """The type that a field has by its schema; by its values where the schema allows several."""
    kinds = declared.get("type") if isinstance(declared, Mapping) else None
    kinds = [kinds] if isinstance(kinds, str) else list(kinds or ())
    named = [kind for kind in kinds if kind != "null"]
    if len(named) == 1:
        return _TYPES.get(named[0], "string")
    found = {type(value) for value in values if value is not None}
    if found == {bool}:
        return "bool"
    if found == {int}:
        return "int64"
    return "float64" if found and found <= {int, float} else "string"


def _stored(value: Any, kind: ColumnType) -> Any:
    if value is None:
        return None
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None  # the type of the user is laxer than its schema
    if kind == "float64":
        return float(value) if abs(value) < _LARGEST else None
    return int(value)
