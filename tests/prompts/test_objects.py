import json
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gemini_magic.content import Text
from gemini_magic.errors import PromptError
from gemini_magic.prompts import part_from_object, text_from_object


def test_plain_values_become_their_str():
    assert part_from_object(1.5) == Text("1.5")
    assert text_from_object({"a": 1}) == "{'a': 1}"
    assert text_from_object("as it is\n") == "as it is\n"


def test_a_dataframe_becomes_a_markdown_table():
    frame = pd.DataFrame({"name": ["a|b", "c"], "count": [1, None]})
    assert text_from_object(frame) == "| name | count |\n| --- | --- |\n| a\\|b | 1.0 |\n| c | nan |"


def test_an_index_with_labels_is_kept():
    series = pd.Series([1, 2], index=pd.Index(["x", "y"], name="key"), name="value")
    assert text_from_object(series) == "| key | value |\n| --- | --- |\n| x | 1 |\n| y | 2 |"


def test_a_large_table_is_truncated_with_a_remark():
    frame = pd.DataFrame({f"c{n}": range(1234) for n in range(33)})
    lines = text_from_object(frame).splitlines()
    assert lines[-1] == "(Shown: the first 50 of 1,234 rows and the first 20 of 33 columns.)"
    assert len(lines) == 2 + 50 + 2
    assert lines[0].endswith("| c19 |")


@pytest.mark.parametrize("library", [pl.DataFrame, pa.table])
def test_tables_of_other_libraries_become_markdown_tables(library):
    assert text_from_object(library({"a": [1, 2]})) == "| a |\n| --- |\n| 1 |\n| 2 |"


def test_a_polars_series_becomes_a_table():
    assert text_from_object(pl.Series("a", [1])) == "| a |\n| --- |\n| 1 |"


def test_functions_and_modules_become_their_source_code():
    assert text_from_object(test_plain_values_become_their_str).startswith(
        "def test_plain_values_become_their_str():\n"
    )
    assert text_from_object(json).startswith('r"""JSON')
    with pytest.raises(PromptError, match="source code of len is not available"):
        text_from_object(len)


def test_an_exception_becomes_a_short_traceback():
    def deep(n):
        return 1 / 0 if n == 0 else deep(n - 1)

    try:
        deep(20)
    except ZeroDivisionError as error:
        text = text_from_object(error)
    assert text.startswith("Traceback")
    assert text.endswith("ZeroDivisionError: division by zero")
    assert len(text.splitlines()) < 12


@pytest.mark.parametrize("value", [b"bytes", bytearray(b"x"), Path("a.png")])
def test_media_are_refused_with_the_name_of_their_type(value):
    with pytest.raises(PromptError, match=f"{type(value).__name__} cannot be part of a prompt"):
        text_from_object(value)
