"""The record classes of the tables and the column types of their fields."""

from typing import NamedTuple

import pytest

from gemini_magic.ledger import Attempt, ChunkRow, EventRow, ModalityRow, NoteRow, PartRow, UsageRow, rows_of
from gemini_magic.ledger.row_types import columns_of

RECORDS = (Attempt, ChunkRow, EventRow, ModalityRow, NoteRow, PartRow, UsageRow)


class UndeclaredRow(NamedTuple):
    t: float
    colour: int
    weight: float


def test_a_field_without_a_column_type_is_an_error_when_its_table_is_made():
    with pytest.raises(TypeError, match=r"^No column type is declared for UndeclaredRow\.colour, weight\.$"):
        rows_of(UndeclaredRow, [])


@pytest.mark.parametrize("record", RECORDS)
def test_the_type_of_a_column_holds_what_the_field_is_annotated_with(record):
    expected = {"int": ("int32", "int64"), "float": ("float64",), "str": ("string",)}
    types = {column.name: column.type for column in columns_of(record)}
    for name, annotation in record.__annotations__.items():
        annotated = getattr(annotation, "__forward_arg__", annotation).partition(" ")[0]
        assert types[name] in expected[annotated], name
