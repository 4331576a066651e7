import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gemini_magic
from gemini_magic.content import Blob, CallResult, Text, Thought, Turn
from gemini_magic.errors import PromptError
from gemini_magic.prompts import parts_from_object


def text_of(value, **options):
    """The text for a value, which must be the only part."""
    (part,) = parts_from_object(value, **options).parts
    assert isinstance(part, Text)
    return part.text


def notices(value, **options):
    return parts_from_object(value, **options).notices


def test_plain_values_become_their_str():
    assert parts_from_object(1.5).parts == (Text("1.5"),)
    assert text_of({"a": 1}) == "{'a': 1}"
    assert text_of("as it is\n") == "as it is\n"


def test_a_dataframe_becomes_a_markdown_table():
    frame = pd.DataFrame({"name": ["a|b", "c"], "count": [1, None]})
    assert text_of(frame) == "| name | count |\n| --- | --- |\n| a\\|b | 1.0 |\n| c | nan |"


def test_an_index_with_labels_is_kept():
    series = pd.Series([1, 2], index=pd.Index(["x", "y"], name="key"), name="value")
    assert text_of(series) == "| key | value |\n| --- | --- |\n| x | 1 |\n| y | 2 |"


def test_a_large_table_is_truncated_with_a_remark():
    frame = pd.DataFrame({f"c{n}": range(1234) for n in range(33)})
    lines = text_of(frame).splitlines()
    assert lines[-1] == "(Shown: the first 50 of 1,234 rows and the first 20 of 33 columns.)"
    assert len(lines) == 2 + 50 + 2
    assert lines[0].endswith("| c19 |")


@pytest.mark.parametrize("library", [pl.DataFrame, pa.table])
def test_tables_of_other_libraries_become_markdown_tables(library):
    assert text_of(library({"a": [1, 2]})) == "| a |\n| --- |\n| 1 |\n| 2 |"


def test_a_polars_series_becomes_a_table():
    assert text_of(pl.Series("a", [1])) == "| a |\n| --- |\n| 1 |"


def test_functions_and_modules_become_their_source_code():
    assert text_of(test_plain_values_become_their_str).startswith(
        "def test_plain_values_become_their_str():\n"
    )
    assert text_of(json).startswith('r"""JSON')
    with pytest.raises(PromptError, match="source code of len is not available"):
        text_of(len)


def test_an_exception_becomes_a_short_traceback():
    def deep(n):
        return 1 / 0 if n == 0 else deep(n - 1)

    try:
        deep(20)
    except ZeroDivisionError as error:
        text = text_of(error)
    assert text.startswith("Traceback")
    assert text.endswith("ZeroDivisionError: division by zero")
    assert len(text.splitlines()) < 12


def test_the_user_is_informed_how_many_rows_and_columns_are_sent():
    frame = pd.DataFrame({f"c{n}": range(100_000) for n in range(33)})
    assert notices(frame, name="big") == (
        "The request contains 50 of 100,000 rows of big; --table-rows N changes it.",
        "The request contains 20 of 33 columns of big; insert only the columns that you need.",
    )
    assert notices(frame.iloc[:50, :20], name="small") == ()


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        pl.DataFrame,
        pa.table,
        lambda data: pd.Series(data["n"]),
        lambda data: pl.Series(data["n"]),
    ],
)
def test_table_rows_limits_the_rows_of_every_kind_of_table_and_0_sends_all(make):
    table = make({"n": list(range(120))})
    assert text_of(table, table_rows=0).splitlines()[-1] == "| 119 |"
    assert notices(table, table_rows=0) == ()
    assert "| 6 |" in text_of(table, table_rows=7)
    assert "| 7 |" not in text_of(table, table_rows=7)
    assert notices(table, name="t", table_rows=7) == (
        "The request contains 7 of 120 rows of t; --table-rows N changes it.",
    )


def test_an_index_is_a_table_and_not_an_abridged_repr():
    assert text_of(pd.Index(["a", "b"], name="key")) == "| key |\n| --- |\n| a |\n| b |"
    assert notices(pd.Index(range(1000)), name="i") == (
        "The request contains 50 of 1,000 rows of i; --table-rows N changes it.",
    )


def test_a_value_that_its_library_abridges_is_reported():
    assert notices(np.arange(10)) == ()
    (notice,) = notices(np.arange(10_000), name="values")
    assert notice.startswith("The request contains values as numpy prints it, which leaves out values")
    assert notices(["an ellipsis ..."]) == ()


def test_a_shortened_traceback_is_reported():
    def deep(n):
        return 1 / 0 if n == 0 else deep(n - 1)

    try:
        deep(4)
    except ZeroDivisionError as error:
        (notice,) = notices(error, name="error")
    assert notice.startswith("The request contains the innermost 3 of 6 frames of the traceback of error;")


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (Blob("image/png", b"x"), [Blob("image/png", b"x")]),
        (CallResult("f", {"a": 1}), [CallResult("f", {"a": 1})]),
        (Text("signed", "s"), [Text("signed", "s")]),
        (Thought("thought"), [Text("thought")]),
        (Turn("model", (Text("a"), Blob("image/png", b"x"))), [Text("a"), Blob("image/png", b"x")]),
        ([Text("a"), "b", 3], [Text("a"), Text("b"), Text("3")]),
        ([1, "b"], [Text("[1, 'b']")]),
    ],
)
def test_parts_are_sent_as_parts(value, parts):
    assert list(parts_from_object(value).parts) == parts


def test_the_parts_of_an_answer_can_be_sent():
    answer = gemini_magic.ask("one\n```python\nx = 1\n```", backend="echo")
    assert parts_from_object(answer.parts).parts == answer.parts
    assert text_of(answer.candidates[0]) == answer.text
    assert text_of(answer.code_blocks[0]) == "x = 1\n"


@pytest.mark.parametrize(
    "value", [object(), iter([]), (n for n in ()), pd.DataFrame({"a": [1]}).groupby("a")]
)
def test_an_object_without_a_text_is_refused(value):
    with pytest.raises(
        PromptError, match=r"x would be sent as <.* at 0x[0-9a-f]+>, which shows only its type"
    ) as caught:
        parts_from_object(value, name="x")
    assert caught.value.remedy == "Insert one of its attributes, or a value computed from it."


def test_the_images_of_an_answer_are_left_out_of_its_text_with_a_notice():
    answer = type(
        "Response", (), {"__module__": "gemini_magic.response", "text": "Here.", "status": "complete"}
    )()
    answer.images = [Blob("image/png", b"x")]
    assert text_of(answer) == "Here."
    assert notices(answer, name="r") == (
        "The request contains the text of r without its 1 image; {{ r.images }} inserts it.",
    )
    answer.images *= 2
    assert notices(answer, name="r") == (
        "The request contains the text of r without its 2 images; {{ r.images }} inserts them.",
    )
