"""Stores: whatever is put into a column comes back, alone, in a slice, picked, as Arrow and as pandas."""

from __future__ import annotations

import pickle
import random
import sys
import threading
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pytest

from gemini_magic.tables import Rows
from gemini_magic.tables import strings as texts
from gemini_magic.tables.rows import Column, Columns


class Row(NamedTuple):
    full: int
    count: int | None
    zero: int
    share: float | None
    text: str | None
    empty: str
    rare: str | None
    json: str


class Single(NamedTuple):
    count: float | None


class Pair(NamedTuple):
    number: float | None
    text: str | None


COLUMNS = [
    Column("full", "int32", not_null=True),
    Column("count", "int64"),
    Column("zero", "int32", default=0),
    Column("share", "float64"),
    Column("text", "string"),
    Column("empty", "string", default=""),
    Column("rare", "string", sparse=True),
    Column("json", "string", lambda raw: raw.decode("utf-8", "replace"), encoded=True),
]
PIECES = ["", "a", "ä", "日本", "😀", "word "]
SLICES = [
    slice(None),
    slice(0, 0),
    slice(5, 9),
    slice(40, None),
    slice(199, 200),
    slice(None, None, 3),
    slice(None, None, -1),
]


def made(seed: int) -> list[tuple[Any, ...]]:
    """Two hundred rows in which each column is filled now and then, or late, or never."""
    chance = random.Random(seed)
    begins = [chance.choice([0, 0, 50, 300]) for _ in range(5)]

    def perhaps(place: int, row: int, value: Any, other: Any) -> Any:
        return value if row >= begins[place] and chance.random() < (seed % 3 + 1) / 3 else other

    return [
        (
            row,
            perhaps(0, row, chance.randrange(-9, 2**40), None),
            perhaps(1, row, chance.randrange(5), 0),
            perhaps(2, row, chance.random(), None),
            perhaps(3, row, "".join(chance.choices(PIECES, k=3)), None),
            perhaps(4, row, chance.choice(PIECES), ""),
            chance.choice(["STOP", None, None, None]) if row > 190 else None,
            "".join(chance.choices(PIECES, k=5)),
        )
        for row in range(200)
    ]


def given(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*row[:-1], row[-1].encode()) for row in rows]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("batch", [1, 7, 200])
def test_values_are_the_same_in_every_form(seed, batch, monkeypatch):
    monkeypatch.setattr(texts, "_BLOCK", 200)  # bytes: many blocks
    wanted = made(seed)
    columns = Columns(Row, COLUMNS)
    for start in range(0, 200, batch):
        columns.extend(given(wanted[start : start + batch]))
        if batch > 1:  # tables of the meantime are whole, too
            newest = Row(*wanted[min(start + batch, 200) - 1])
            assert pa.table(Rows(columns)).to_pylist()[-1] == newest._asdict()
    rows = Rows(columns)
    assert list(rows) == wanted
    assert [rows[place] for place in range(200)] == wanted
    for chosen in SLICES:
        part = rows[chosen]
        expected = [Row(*row)._asdict() for row in wanted[chosen]]
        assert part.to_dicts() == expected
        assert pa.table(part).to_pylist() == expected
        pa.table(part).validate(full=True)
    assert columns.stored("json", 200) == [row[-1].encode() for row in wanted]


@pytest.mark.parametrize("empty", [0, 1, 3, 9])
@pytest.mark.parametrize("later", [False, True], ids=["full then", "with other empty rows"])
def test_only_the_first_rows_without_a_value_take_no_memory_for_it(empty, later):
    numbers = [None] * empty + [float(row) for row in range(12)]
    if later:
        numbers[empty + 5] = numbers[-1] = None
    texts = [None if number is None else f"{number}é" for number in numbers]
    columns = Columns(Pair, [Column("number", "float64"), Column("text", "string")])
    columns.extend(list(zip(numbers, texts, strict=True))[: empty + 4])
    assert all(store.known is None for store in columns.stores.values())
    for row in list(zip(numbers, texts, strict=True))[empty + 4 :]:
        columns.append(*row)
    assert all((store.known is None) is not later for store in columns.stores.values())
    rows = Rows(columns)
    wanted = [Pair(*row)._asdict() for row in zip(numbers, texts, strict=True)]
    for start in range(len(wanted) + 1):
        for stop in range(start, len(wanted) + 1):
            part = rows[start:stop]
            assert part.to_dicts() == pa.table(part).to_pylist() == wanted[start:stop]
    assert [row._asdict() for row in map(rows.__getitem__, range(len(wanted)))] == wanted
    assert rows[::2].to_dicts() == wanted[::2]


@pytest.mark.parametrize("batch", [1, 3, 40])
@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ([9] * 30, 1),
        ([9] * 30 + [None] * 10, 1),
        ([9] * 29 + [8, 9, 9], 32),
        ([9] * 10 + [None, 9, 9, None, 8], 15),
        ([None, 9, 9, 9], 4),
        ([9, 2**70, 9], 3),
        ([2**70, 9, 9], 3),
        ([0, 0, 0, 1], 4),
    ],
)
def test_an_integer_that_is_the_same_in_all_rows_is_stored_once(values, stored, batch):
    columns = Columns(Single, [Column("count", "int64")])
    for start in range(0, len(values), batch):
        columns.extend([(value,) for value in values[start : start + batch]])
    assert len(columns.stores["count"].values) == stored
    wanted = [None if value == 2**70 else value for value in values]
    rows = Rows(columns)
    for start in range(len(values)):
        assert rows[start].count == wanted[start]
        for stop in range(start, len(values) + 1):
            part = rows[start:stop]
            assert part["count"] == pa.table(part).column("count").to_pylist() == wanted[start:stop]
    copy = pickle.loads(pickle.dumps(columns))
    assert Rows(copy)["count"] == wanted


def test_floating_point_numbers_that_are_equal_are_all_stored():
    columns = Columns(Single, [Column("count", "float64")])
    columns.extend([(0.0,), (-0.0,)])
    columns.append(0.0)
    assert [str(row.count) for row in Rows(columns)] == ["0.0", "-0.0", "0.0"]


def test_rows_are_complete_while_another_thread_appends(monkeypatch):
    monkeypatch.setattr(texts, "_BLOCK", 100)
    wanted = made(2) * 30
    columns, old = Columns(Row, COLUMNS), sys.getswitchinterval()

    def write():
        for row in given(wanted):
            columns.extend([row])

    sys.setswitchinterval(1e-5)
    try:
        writer = threading.Thread(target=write)
        writer.start()
        seen = 0
        while writer.is_alive():
            table = pa.table(Rows(columns))
            seen += 1
            count = table.num_rows
            assert [tuple(row.values()) for row in table.slice(max(0, count - 9)).to_pylist()] == wanted[
                :count
            ][-9:]
        writer.join()
    finally:
        sys.setswitchinterval(old)
    assert seen > 5
    assert [tuple(row.values()) for row in pa.table(Rows(columns)).to_pylist()] == wanted


def test_a_block_that_is_closed_while_reading_is_read_once():
    class Closing(list):
        """The latest strings, which become a block right after they were read."""

        closed = False

        def __len__(self):
            if not self.closed:
                self.closed = True
                store._seal()
            return super().__len__()

    store = texts.EncodedStrings()
    store.extend([b"one", b"two"])
    store._latest = (0, Closing(store._latest[1]))
    assert store.layout(range(2)).buffers[2] == b"onetwo"
    assert store._blocks == [b"onetwo"]


def test_out_of_range_numbers_and_invalid_text_stay_readable():
    columns = Columns(Row, COLUMNS)
    columns.append(0, 2**70, 0, None, "a\ud83d", "\ud83d\ude00", "\ud800", b"\xff{")
    columns.extend([(1, 2**63, 0, None, None, "", None, b"{}"), (2, 5, 2**31, 0.5, None, "", None, b"[]")])
    rows = Rows(columns)
    assert rows["count"] == [None, None, 5]
    assert rows["zero"] == [0, 0, 0]
    assert rows["text"] == ["a�", None, None]
    assert rows["empty"] == ["😀", "", ""]
    assert rows["json"] == ["�{", "{}", "[]"]
    table = pa.table(rows)
    table.validate(full=True)
    assert table.to_pylist() == rows.to_dicts()


def test_bytes_of_a_split_character_are_not_joined_across_rows():
    columns = Columns(Row, COLUMNS)
    columns.extend(
        [
            (n, None, 0, None, None, "", None, raw)
            for n, raw in enumerate(["ä".encode()[:1], "ä".encode()[1:]])
        ]
    )
    assert pa.table(Rows(columns)).column("json").to_pylist() == ["�", "�"]


def test_strings_beyond_two_gigabytes_have_64_bit_offsets(monkeypatch):
    columns = Columns(Row, COLUMNS)
    offsets = columns.stores["text"]._offsets
    columns.append(0, None, 0, None, "one", "", None, b"{}")
    monkeypatch.setattr(texts, "array", lambda code, values=(): pytest.fail("too early"))
    columns.append(1, None, 0, None, "two", "", None, b"{}")
    monkeypatch.undo()
    for _ in range(3):
        offsets.add(2**30 - 4)
    assert offsets.edges(0, 0).typecode == "q"
    several = Columns(Row, COLUMNS).stores["text"]._offsets
    several.extend([1, 2**30, 2**30, 5])
    assert list(several.edges(0, 4)) == [0, 1, 2**30 + 1, 2**31 + 1, 2**31 + 6]
    several.extend([2])
    assert several.bounds(4) == (2**31 + 6, 2**31 + 8)
    assert offsets.layout(range(2), None, b"onetwo").large
    assert pa.table(Rows(columns)).schema.field("text").type == pa.large_string()
    assert pa.table(Rows(columns)).column("text").to_pylist() == ["one", "two"]


@pytest.mark.parametrize("count", [0, 200])
def test_pandas_gets_the_same_frame_with_and_without_pyarrow(count, monkeypatch):
    columns = Columns(Row, COLUMNS)
    columns.extend(given(made(1))[:count])
    rows = Rows(columns)
    by_arrow = rows.to_pandas()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    alone = rows.to_pandas()
    monkeypatch.undo()
    pd.testing.assert_frame_equal(by_arrow, alone)
    text = "str" if int(pd.__version__.partition(".")[0]) >= 3 else "object"
    assert [str(kind) for kind in alone.dtypes] == ["Int32", "Int64", "Int32", "float64", *[text] * 4]
