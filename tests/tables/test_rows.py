"""Rows: what three DataFrame libraries, slices and filters make of them."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from calibration import assert_cpu_below

from gemini_magic.tables import Rows
from gemini_magic.tables.rows import Column, Columns


class Row(NamedTuple):
    number: int
    t: float
    text: str | None
    size: int | None


class JsonRow(NamedTuple):
    number: int
    text: str
    json: str


def table(count: int) -> Columns[Row]:
    columns = Columns(
        Row,
        [
            Column("number", "int32"),
            Column("t", "float64"),
            Column("text", "string", lambda raw: None if raw is None else raw.decode()),
            Column("size", "int64"),
        ],
    )
    for number in range(count):
        columns.append(
            number,
            number / 2,
            f"<b>{number}</b>".encode() if number % 2 else None,
            None if number == 0 else number,
        )
    return columns


def json_table(count: int) -> Rows[JsonRow]:
    columns = Columns(
        JsonRow, [Column("number", "int32"), Column("text", "string"), Column("json", "string", encoded=True)]
    )
    for number in range(count):
        chunk = {
            "candidates": [{"content": {"parts": [{"text": f"word {number}"}], "role": "model"}}],
            "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": number % 20},
            "modelVersion": "gemini-2.5-flash",
        }
        columns.append(number, f"word {number}", json.dumps(chunk).encode())
    return Rows(columns)


# Conditions, the rows of 20,000 that meet them, and seconds for 100,000 rows.
CONDITIONS = [
    ("usageMetadata.totalTokenCount > 9", 10_000, 0.3),
    ("candidates.0.content.parts.0.text ~ 99", 560, 0.35),
    ("candidates.*.content.role = model", 20_000, 0.6),
    ("text ~ 99", 560, 0.08),
    ("json ~ word 99", 111, 0.15),
]


@pytest.mark.parametrize(("condition", "count", "limit"), CONDITIONS)
def test_a_condition_drops_what_it_has_decoded_at_once(condition, count, limit):
    rows = json_table(20_000)
    assert len(rows.where(condition)) == count
    # With all decoded values in memory, the garbage collector made it ten times as slow.
    assert_cpu_below(lambda: rows.where(condition), limit / 5)


def test_pandas_polars_and_pyarrow_accept_a_table():
    rows = Rows(table(5))
    frame = pd.DataFrame(rows)
    assert list(frame.columns) == ["number", "t", "text", "size"]
    assert frame["number"].tolist() == [0, 1, 2, 3, 4]
    polars = pl.DataFrame(rows)
    assert polars.schema == {"number": pl.Int32, "t": pl.Float64, "text": pl.String, "size": pl.Int64}
    assert polars["text"].to_list() == [None, "<b>1</b>", None, "<b>3</b>", None]
    arrow = pa.table(rows)
    assert arrow.column("size").to_pylist() == [None, 1, 2, 3, 4]
    assert arrow.schema.field("number").type == pa.int32()


def test_columns_without_nulls_read_like_any_other():
    columns = Columns(Row, [Column("number", "int32", not_null=True), Column("t", "float64", not_null=True)])
    assert pa.table(Rows(columns)).num_rows == 0
    columns.extend([(0, 0.5), (1, 1.0), (2, 1.5)])
    rows = Rows(columns)
    frozen = pa.table(rows)
    columns.extend([(3, 2.0)])  # appends after the table was read
    assert frozen.to_pydict() == {"number": [0, 1, 2], "t": [0.5, 1.0, 1.5]}
    assert frozen.schema.field("number").type == pa.int32()
    assert rows["number"] == [0, 1, 2]
    assert pl.DataFrame(Rows(columns)[::2]).rows() == [(0, 0.5), (2, 1.5)]
    assert pa.table(rows[::-1]).column("t").to_pylist() == [1.5, 1.0, 0.5]
    assert rows.to_pandas().dtypes.astype(str).tolist() == ["Int32", "float64"]


def test_a_row_appears_only_with_all_its_values():
    columns = table(2)
    with pytest.raises(ValueError):
        columns.extend([(2, 1.0, None, 2), (3, 1.5, None)])
    columns.extend([])
    assert len(Rows(columns)) == 2


def test_a_table_can_be_filled_on_access():
    waiting = [(0, 0.0, None, 1), (1, 0.5, b"a", None)]

    def more():
        new = waiting.copy()
        waiting.clear()
        return new

    columns = Columns(Row, table(0).columns, more)
    first = Rows(columns)
    assert first["text"] == [None, "a"]
    waiting.append((2, 1.0, b"b", 2))
    assert len(Rows(columns)) == 3
    assert len(Rows(columns)) == 3
    assert len(first) == 2


def test_the_conversion_methods_agree():
    rows = Rows(table(4))
    assert rows.to_polars().rows() == [tuple(row) for row in rows]
    assert rows.to_arrow().to_pylist() == rows.to_dicts()
    assert rows.to_pandas()["size"].tolist() == [pd.NA, 1, 2, 3]
    assert str(rows.to_pandas().dtypes["size"]) == "Int64"


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_a_missing_library_is_named_with_its_install_command(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    rows = Rows(table(1))
    with pytest.raises(
        ImportError, match=f"^{name} is not installed\\. Run `pip install {name}` and restart the kernel\\.$"
    ):
        {"pandas": rows.to_pandas, "polars": rows.to_polars, "pyarrow": rows.to_arrow}[name]()


def test_empty_rows_keep_their_columns_and_types():
    rows = Rows(table(0))
    assert pl.DataFrame(rows).schema["t"] == pl.Float64
    assert pa.table(rows).schema.names == ["number", "t", "text", "size"]
    assert list(rows.to_pandas().columns) == ["number", "t", "text", "size"]
    assert len(rows) == 0


def test_a_table_does_not_grow_but_a_new_one_has_the_new_rows():
    columns = table(2)
    before = Rows(columns)
    columns.append(2, 1.0, None, 2)
    assert len(before) == 2
    assert len(Rows(columns)) == 3
    assert pl.DataFrame(before).height == 2


def test_slices_are_tables_that_libraries_accept():
    rows = Rows(table(10))
    part = rows[2:8:2]
    assert [row.number for row in part] == [2, 4, 6]
    assert pl.DataFrame(part)["number"].to_list() == [2, 4, 6]
    assert rows[-1] == Row(9, 4.5, "<b>9</b>", 9)
    assert rows["number"] == list(range(10))


def test_where_takes_a_list_of_values_or_a_function_of_a_value():
    rows = Rows(table(10))
    assert [row.number for row in rows.where(number=[1, 3, 99])] == [1, 3]
    assert [row.number for row in rows.where(number={4}, t=lambda t: t > 1)] == [4]
    with pytest.raises(TypeError, match=r"a string such as 't > 1\.5'"):
        rows.where(5)


def test_where_takes_values_and_a_predicate():
    rows = Rows(table(10))
    assert [row.number for row in rows.where(text=None)] == [0, 2, 4, 6, 8]
    assert [row.number for row in rows.where(lambda row: row.t > 3, text=None)] == [8]
    with pytest.raises(KeyError, match="Unknown column 'nope'"):
        rows.where(nope=1)


def test_records_are_made_without_running_the_garbage_collector():
    rows, runs = Rows(table(30_000)), []

    def count(phase, info):
        if phase == "start":
            runs.append(info["generation"])

    gc.collect()
    gc.callbacks.append(count)
    try:
        records = list(rows)
    finally:
        gc.callbacks.remove(count)
    assert len(records) == 30_000
    assert len(runs) <= 15  # one for each list of records; there were 43
    assert 2 not in runs


@pytest.mark.parametrize("enabled", [True, False])
def test_iterating_leaves_the_garbage_collector_as_it_was(enabled):
    (gc.enable if enabled else gc.disable)()
    try:
        records = iter(Rows(table(3000)))
        assert next(records).number == 0
        assert gc.isenabled() is enabled
        assert [record.number for record in records] == list(range(1, 3000))
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_iterating_reads_few_rows_ahead_at_first():
    columns = table(20_000)
    read, decoded = [], columns.stores["number"].decoded
    columns.stores["number"].decoded = lambda rows: read.append(len(rows)) or decoded(rows)
    records = iter(Rows(columns))
    next(records)
    assert read == [1000]
    assert sum(1 for _ in records) == 19_999
    assert max(read) == 4000


def test_a_table_counts_and_finds_records_without_being_a_sequence():
    rows = Rows(table(3))
    row = rows[1]
    assert row in rows
    assert rows.index(row) == 1
    assert rows.count(row) == 1
    assert not isinstance(rows, Sequence)
    with pytest.raises(ValueError):
        rows.index(Row(99, 0.0, None, None))
    with pytest.raises(IndexError, match="Row 3 is out of range: the table has 3 rows"):
        rows[3]


def test_the_preview_is_escaped_and_shortened():
    html = Rows(table(1000))._repr_html_()
    assert "&lt;b&gt;1&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "1000 rows" in html
    assert html.count("<tr>") == 12  # head, five, dots, five


def test_a_terminal_shows_a_plain_table_without_empty_columns():
    class Printer:
        printed = ""

        def text(self, piece):
            self.printed += piece

    printer = Printer()
    Rows(table(3)).where(text=None)._repr_pretty_(printer, cycle=False)
    assert printer.printed.splitlines() == [
        "number  t      size",
        "0       0.000",
        "2       1.000  2",
        "2 rows",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.000"),
        (12.3456, "12.346"),
        (0.0005, "0.001"),
        (0.000014, "0.000014"),
        (-0.00032, "-0.00032"),
        (1e-300, "0.000000000"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_small_numbers_such_as_costs_have_two_digits(value, shown):
    columns = Columns(MessageRow, [Column("count", "float64"), Column("message", "string")])
    columns.extend([(value, "x")])
    assert f">{shown}</td>" in Rows(columns)._repr_html_()


class MessageRow(NamedTuple):
    count: int
    message: str


def test_numbers_align_right_text_aligns_left_and_messages_are_shown_in_full():
    columns = Columns(MessageRow, [Column("count", "int32"), Column("message", "string")])
    columns.append(5, "word " * 40)
    html = Rows(columns)._repr_html_()
    assert ">5</td>" in html.split("text-align:right")[-1]
    assert html.count("text-align:right") == 2
    assert "word " * 40 in html
    assert "1 row." in html
    assert "DataFrame" not in Rows(columns)[:0]._repr_html_()


def chunk_table() -> Columns[JsonRow]:
    columns = Columns(
        JsonRow, [Column("number", "int32"), Column("text", "string"), Column("json", "string")]
    )
    for index, reason in enumerate([None, "STOP", "MAX_TOKENS"]):
        json = (
            f'{{"candidates": [{{"finishReason": "{reason}"}}], "usage": {{"total": {index * 10}}}}}'
            if reason
            else "{"
        )
        columns.append(index, f"# {index}", json)
    return columns


def test_where_takes_conditions_on_columns_and_into_the_json():
    rows = Rows(chunk_table())

    def found(*conditions):
        return [row.number for row in rows.where(*conditions)]

    assert found("number >= 1") == [1, 2]
    assert found("text ~ [12]$", "number != 2") == [1]
    assert found("candidates.0.finishReason=STOP") == [1]
    assert found("candidates.*.finishReason") == [1, 2]
    assert found("usage.total > 10", lambda row: row.number < 9) == [2]
    assert found("candidates.0.finishReason != STOP") == [0, 2]
    assert found("number > 5", "usage.total > 10") == []
    assert len(Rows(chunk_table())[:0].where("usage.total > 10")) == 0


def test_an_unknown_field_is_an_error_with_a_suggestion():
    rows = Rows(chunk_table())
    with pytest.raises(KeyError, match="Did you mean usage"):
        rows.where("usgae.total>1")
    with pytest.raises(KeyError, match="Did you mean text"):
        rows.where("txet=1")
    with pytest.raises(KeyError, match=r"'finishreason' in 'candidates\.0'\. Did you mean finishReason"):
        rows.where("candidates.0.finishreason=STOP")
    with pytest.raises(KeyError, match="Did you mean total"):
        rows.where("number > 0", "usage.totl > 1")
    assert len(rows.where("usage.cached > 1")) == 0  # no chunk has it, and no similar name exists
    with pytest.raises(KeyError, match=r"^.Unknown column or JSON field .zzz.\. Columns: number"):
        Rows(table(3)).where("zzz=1")
    with pytest.raises(ValueError, match="is not a valid condition"):
        rows.where("=1")


def test_duckdb_accepts_a_table():
    chunks = Rows(table(5))
    assert duckdb.sql("select t, text from chunks where number = 1").fetchall() == [(0.5, "<b>1</b>")]
    empty = chunks[:0]  # noqa: F841 - DuckDB finds it by its name
    assert [name for name, *_ in duckdb.sql("select * from empty").description] == [
        "number",
        "t",
        "text",
        "size",
    ]


def test_rows_equal_rows_and_lists_of_the_same_records():
    rows = Rows(table(3))
    assert rows == Rows(table(3))
    assert rows == list(rows)
    assert rows != rows[:2]
    assert rows != "rows"
    assert not rows[:0]


def test_the_note_below_a_preview_counts_rows_and_lists_empty_columns():
    columns = Columns(MessageRow, [Column("count", "int32"), Column("message", "string")])
    columns.append(1, None)
    html = Rows(columns)._repr_html_()
    assert html.endswith(
        "<small>1 row. Empty columns: message. "
        "Any DataFrame library accepts this table: <code>pd.DataFrame(_)</code></small></div>"
    )
