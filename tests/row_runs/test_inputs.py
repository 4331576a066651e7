import importlib
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gemini_magic.errors import PromptError
from gemini_magic.row_runs import row_files
from gemini_magic.row_runs.inputs import open_source
from gemini_magic.tables import export

RECORDS = [{"id": number, "text": f"text {number}", "n": number / 2} for number in range(30)]


def read(data, positions=None):
    source = open_source(data)
    chosen = range(source.width) if positions is None else positions
    return [tuple(row) for batch in source.read(chosen) for row in batch]


EXPECTED = [tuple(record.values()) for record in RECORDS]


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet") / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(RECORDS), path, row_group_size=7)
    return path


class OnlyStream:
    """An object that only has an Arrow C stream."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "make",
    [
        list,
        iter,
        tuple,
        pd.DataFrame,
        pl.DataFrame,
        pl.LazyFrame,
        pa.Table.from_pylist,
        lambda rows: pa.Table.from_pylist(rows).to_reader(),
        lambda rows: OnlyStream(pa.Table.from_pylist(rows)),
        lambda rows: duckdb.from_arrow(pa.Table.from_pylist(rows)),
    ],
)
def test_columns_are_read_in_any_choice_and_order(make):
    assert read(make(RECORDS)) == EXPECTED
    assert read(make(RECORDS), [2, 0]) == [(row[2], row[0]) for row in EXPECTED]
    assert read(make(RECORDS), [1, 1, 0])[3] == ("text 3", "text 3", 3)
    assert len(read(make(RECORDS), [])) == 30
    assert [type(value) for value in read(make(RECORDS))[3]] == [int, str, float]


@pytest.mark.parametrize("library", ["pyarrow", "polars", "duckdb"])
def test_a_parquet_file_is_read_by_the_library_that_is_installed(parquet, library, monkeypatch):
    real = importlib.import_module
    monkeypatch.setattr(
        row_files, "import_module", lambda name: real(name) if name.startswith(library) else _missing(name)
    )
    source = open_source(parquet)
    assert (source.library, source.length, source.columns) == (library, 30, ("id", "text", "n"))
    assert read(parquet) == EXPECTED
    assert read(str(parquet), [1, 0, 1])[4] == ("text 4", 4, "text 4")
    assert len(read(parquet, [])) == 30


def _missing(name):
    raise ImportError(name)


def test_a_parquet_file_without_a_library_is_refused_with_a_remedy(parquet, monkeypatch, tmp_path):
    monkeypatch.setattr(row_files, "import_module", _missing)
    with pytest.raises(PromptError, match="needs pyarrow, polars or DuckDB") as caught:
        open_source(parquet)
    assert "pip install pyarrow" in caught.value.remedy
    monkeypatch.undo()
    (tmp_path / "x.parquet").write_bytes(b"no")
    with pytest.raises(PromptError, match="cannot be read"):
        open_source(tmp_path / "x.parquet")


def test_an_arrow_stream_is_read_without_pyarrow(monkeypatch):
    monkeypatch.setattr(export, "import_module", _missing)
    table = OnlyStream(pl.DataFrame(RECORDS))
    assert read(table) == EXPECTED
    assert read(table, [2, 0])[3] == (1.5, 3)
    assert len(read(table, [])) == 30


def test_an_arrow_table_with_equal_names_is_read_by_position():
    table = pa.table([pa.array([1]), pa.array(["x"])], names=["a", "a"])
    assert read(table, [1, 0]) == [("x", 1)]


def test_a_reader_is_read_once_and_a_table_again():
    table = pa.Table.from_pylist(RECORDS)
    assert not open_source(table.to_reader()).again and open_source(table).again
    assert open_source(OnlyStream(table)).again
    assert not open_source(iter(RECORDS * 17)).again and open_source(RECORDS).again
    assert open_source(iter(RECORDS)).again  # it ends within the rows that are read at once


# -- frames of pandas


def test_the_levels_of_an_index_come_after_the_columns():
    frame = pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None])
    )
    source = open_source(frame)
    assert source.levels == ("k", None)
    assert read(frame, [1, 2, 0]) == [("x", 1, 1), ("y", 2, 2)]
    assert open_source(frame.reset_index(drop=True)).levels == ()
    assert read(pd.Series(["a", "b"], index=pd.Index([5, 6], name="k")), [0, 1]) == [("a", 5), ("b", 6)]


def test_a_frame_is_read_exactly_whatever_its_types():
    frame = pd.DataFrame(
        {
            "big": [9007199254740993, 2],
            "nullable": pd.array([9007199254740993, None], dtype="Int64"),
            "text": pd.array(["a", None], dtype="string"),
            "kind": pd.Categorical(["x", "y"]),
            "when": pd.to_datetime(["2026-01-02", None]),
            "any": [np.int64(3), "s"],
        }
    )
    (first, second) = read(frame)
    assert first[:4] == (9007199254740993, 9007199254740993, "a", "x") and first[4] == pd.Timestamp(
        "2026-01-02"
    )
    assert second[1] is pd.NA and second[4] is pd.NaT


def test_a_large_frame_is_read_in_batches():
    frame = pd.DataFrame({"a": range(25_000)})
    for each in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        sizes = [len(list(batch)) for batch in open_source(each).read([0])]
        assert sum(sizes) == 25_000 and max(sizes) <= 10_000
        assert sum(len(list(batch)) for batch in open_source(each).read([])) == 25_000


def test_an_iterator_is_read_as_it_is_needed():
    taken = []

    def rows():
        for number in range(10_000):
            taken.append(number)
            yield {"a": number}

    batches = open_source(rows()).read([0])
    next(batches)
    assert len(taken) <= 1000


# -- CSV files


def csv_file(tmp_path, text, name="rows.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def test_every_value_of_a_csv_file_is_its_text(tmp_path):
    path = csv_file(tmp_path, '\ufeffid,text\n007,"a ""b""\nc"\n\n1.50,\n')
    assert open_source(path).columns == ("id", "text")
    assert read(path) == [("007", 'a "b"\nc'), ("1.50", "")]
    assert read(str(path), [1]) == [('a "b"\nc',), ("",)]


@pytest.mark.parametrize(("text", "name"), [("a\tb\n1\t2\n", "x.tsv"), ("a;b\n1;2\n", "x.csv")])
def test_other_separators(tmp_path, text, name):
    assert read(csv_file(tmp_path, text, name)) == [("1", "2")]


def test_a_field_of_a_megabyte_is_read(tmp_path):
    assert len(read(csv_file(tmp_path, f"a\n{'x' * 1_000_000}\n"))[0][0]) == 1_000_000


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        ("", "utf-8", "is empty"),
        ("a,b\n1,2\n1,2,3\n", "utf-8", "Row 2 of .* has 3 values, and the first line names 2 columns"),
        ("a,b\n1\n", "utf-8", "Row 1 of .* has 1 values"),
        ("a\nä\n", "latin-1", "is not UTF-8"),
    ],
)
def test_a_csv_file_that_cannot_be_read_is_an_error(tmp_path, text, encoding, message):
    with pytest.raises(PromptError, match=message):
        read(csv_file(tmp_path, text, encoding=encoding))


# -- what is refused


class OtherFrame:
    """A frame of a library that is not known: iterating over it gives the names of its columns."""

    columns = ("a", "b")

    def __iter__(self):
        return iter(self.columns)


@pytest.mark.parametrize(
    ("data", "message", "remedy"),
    [
        (pl.col("a"), "A polars expression has no rows", "{{ row.NAME }}"),
        ({"b", "a"}, "A set has no order", "sorted"),
        (OtherFrame(), "A OtherFrame of .* cannot be read", "DataFrame of pandas or polars"),
        ({"a": [1]}, "A dict is not a list of rows", "DataFrame"),
        (5, "a value of type int", "DataFrame"),
        (b"abc", "a value of type bytes", "DataFrame"),
        ("some text", "is not the path of a CSV or Parquet file", ".csv"),
        (Path("nope.csv"), "does not exist", "Relative paths start at"),
        ([{"a": 1}, "x"], "several kinds: dict and str", "list of dicts"),
    ],
)
def test_other_inputs_are_refused(data, message, remedy):
    with pytest.raises(PromptError, match=message) as caught:
        open_source(data)
    assert remedy in caught.value.remedy


def test_an_asynchronous_iterator_is_refused():
    async def rows():
        yield 1

    with pytest.raises(PromptError, match="asynchronous"):
        open_source(rows())


def test_a_row_of_another_kind_is_an_error_with_its_number():
    with pytest.raises(PromptError, match="Row 12,001 is a str"):
        read([*({"a": 1} for _ in range(12_000)), "x"])


def test_an_error_of_the_input_is_described():
    def rows():
        yield from ({"a": number} for number in range(1200))
        raise KeyError("gone")

    with pytest.raises(
        PromptError, match="A generator of dicts cannot be read after row 1,000: KeyError: 'gone'"
    ):
        read(rows())
    frame = pl.LazyFrame({"a": ["x"]}).with_columns(pl.col("a").cast(pl.Int64))
    with pytest.raises(
        PromptError, match="A LazyFrame of polars cannot be read after row 0: InvalidOperationError"
    ):
        read(frame)


def test_fields_that_a_record_lacks_are_none():
    assert read([{"a": 1}, {"b": 2}]) == [(1, None), (None, 2)]


def test_no_library_of_frames_is_loaded_for_a_list():
    code = """
import sys
from gemini_magic.row_runs.plan import prepare
list(prepare("{{ row.a }}", [{"k": 1, "a": "x"}], id="k").batches())
print(sorted({"pandas", "polars", "pyarrow", "duckdb", "numpy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
