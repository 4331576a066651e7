"""table(): a table as Markdown, CSV or JSON."""

import csv
import io
import json
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gemini_magic
from gemini_magic.content import Text
from gemini_magic.errors import PromptError
from gemini_magic.prompts import parts_from_object, table

DATA = {"name": ["a|b", 'say "x"', None], "count": [1, 2, 3]}


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        pl.DataFrame,
        pa.table,
        lambda data: [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)],
    ],
)
def test_every_kind_of_table_is_written_in_every_format(make):
    value = make(DATA)
    rows = list(csv.reader(io.StringIO(table(value, format="csv"))))
    assert rows[:3] == [["name", "count"], ["a|b", "1"], ['say "x"', "2"]]
    records = json.loads(table(value, format="json"))
    assert records[:2] == [{"name": "a|b", "count": 1}, {"name": 'say "x"', "count": 2}]
    assert table(value).splitlines()[2] == "| a\\|b | 1 |"


def test_rows_are_limited_with_a_remark_and_columns_are_not():
    frame = pd.DataFrame({f"c{n}": range(300) for n in range(33)})
    text = table(frame, rows=200, format="csv")
    assert text.splitlines()[-1] == "(Shown: the first 200 of 300 rows.)"
    assert len(text.splitlines()) == 203
    assert text.splitlines()[0].endswith(",c32")
    assert len(table(frame, rows=0, format="json").splitlines()) == 302
    assert table(frame.head(50)).count("\n") == 51


def test_values_that_json_does_not_have_are_text_and_nan_is_null():
    frame = pd.DataFrame({"at": [date(2026, 1, 2)], "x": [np.nan], "n": [np.int64(3)], "inf": [np.inf]})
    assert json.loads(table(frame, format="json")) == [{"at": "2026-01-02", "x": None, "n": 3, "inf": None}]


def test_a_table_is_text_and_is_sent_as_it_is():
    text = gemini_magic.table(pd.DataFrame(DATA), format="csv")
    assert isinstance(text, str)
    assert f"Data:\n{text}".startswith("Data:\nname,count")
    assert parts_from_object(text) == ((Text(str(text)),), ())


def test_the_styles_of_a_table_are_left_out_with_a_notice():
    jinja = pytest.importorskip("jinja2")
    assert jinja
    styler = pd.DataFrame(DATA).style
    assert table(styler) == table(pd.DataFrame(DATA))
    assert parts_from_object(table(styler)).notices == ("The request contains a table without its styles.",)
    assert parts_from_object(styler, name="s").notices == ("The request contains s without its styles.",)
    assert parts_from_object(styler).parts == parts_from_object(pd.DataFrame(DATA)).parts


@pytest.mark.parametrize(
    ("value", "options", "message", "remedy"),
    [
        (3, {}, "A int is not a table", "Give a DataFrame"),
        ([], {}, "A list is not a table", "a list of dicts"),
        ([1], {}, "A list is not a table", "a list of dicts"),
        (pl.LazyFrame({"a": [1]}), {}, "A LazyFrame is not a table", "Call .collect() first."),
        (pd.DataFrame(), {"format": "xlsx"}, "format 'xlsx' is not valid", "markdown, csv or json"),
        (pd.DataFrame(), {"rows": -1}, "rows -1 is not valid", "0 sends all"),
        (pd.DataFrame(), {"rows": 2.5}, "rows 2.5 is not valid", "0 sends all"),
    ],
)
def test_what_is_no_table_or_not_valid_is_an_error(value, options, message, remedy):
    with pytest.raises(PromptError, match=message) as caught:
        table(value, **options)
    assert remedy in caught.value.remedy
