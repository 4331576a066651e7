import pytest

from gemini_magic.row_runs.row import Row, missing_column

ROW = Row({"text": 0, "count": 1, "my col": 2, "_content": 3, "n": 4}, ("T", 9, "mine", "c", float("nan")))


def test_every_attribute_is_a_column():
    assert (ROW.text, ROW.count, ROW["my col"], ROW._content, ROW["_content"]) == ("T", 9, "mine", "c", "c")


def test_a_missing_value_is_none():
    assert ROW.n is None and ROW["n"] is None


def test_a_column_that_does_not_exist_is_named_with_similar_ones():
    with pytest.raises(AttributeError, match=r"no column 'txt'\. Columns: 'text'"):
        getattr(ROW, "txt")  # noqa: B009 - as a template reads it
    with pytest.raises(KeyError, match="no column 'txt'"):
        ROW["txt"]
    assert missing_column("zz", [f"c{n}" for n in range(20)]).endswith("'c7' and 12 more.")


def test_a_row_has_its_columns_and_cannot_be_changed():
    assert list(ROW) == ["text", "count", "my col", "_content", "n"] and len(ROW) == 5 and "count" in ROW
    assert dir(ROW) == ["_content", "count", "n", "text"]
    assert repr(ROW).startswith("Row(text='T', count=9")
    with pytest.raises(AttributeError, match="cannot be changed"):
        ROW.text = 5
