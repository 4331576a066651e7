"""Values at dotted paths in JSON texts."""

from __future__ import annotations

import json

import pytest

from gemini_magic.tables.json_paths import JsonPath, misspelled_field, unknown_field

VALUE = {"a": {"b": [{"c": 1}, {"c": "x"}, 3]}, "n": None, "t": True, "empty": ""}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b.0.c", [1]),
        ("a.b.*.c", [1, "x"]),
        ("*.b.2", [3]),
        ("a.b.9", []),
        ("a.b.-1", []),
        ("a.b.²", []),
        ("n", [None]),
        ("n.x", []),
        ("nope", []),
    ],
)
def test_a_path_finds_keys_indices_and_stars(path, found):
    assert JsonPath(path).find_in(VALUE) == found
    assert JsonPath(path).find(json.dumps(VALUE)) == found
    assert JsonPath(path).find(json.dumps(VALUE).encode()) == found


# Texts whose shape differs from what a path suggests, or that a strict parser rejects, and the values at a.0.b in them.
TEXTS = [
    ('{"a": [{"b": 1}]}', [1]),
    ('{"a": [{"b": null}]}', [None]),
    ('{"a": [{"b": {"c": [1, "x"]}}]}', [{"c": [1, "x"]}]),
    ('{"a": {"0": {"b": 2}}}', [2]),
    ('{"a": []}', []),
    ('{"a": null}', []),
    ('{"a": "text"}', []),
    ('{"a": [null, {"b": 1}]}', []),
    ("[1, 2]", []),
    ("3", []),
    ("not JSON", []),
    ('{"a": [{"b": 1}]', []),
    ("", []),
    ('{"a": [{"b": 1}], "a": [{"b": 2}]}', [2]),
    ('{"\\u0061": [{"b": 3}]}', [3]),
    ('{"a": [{"b": NaN}], "x": Infinity}', None),
    ('{"x": "\\ud800", "a": [{"b": 4}]}', [4]),
    ('{"a": [{"b": "\\ud800"}]}', ["\ud800"]),
    ('{"x": 1e999, "a": [{"b": 5}]}', [5]),
    ('{"a": [{"b": 123456789012345678901234567890}]}', [123456789012345678901234567890]),
    ("[" * 100_000, []),
    ('{"a": [{"b": ' + "[" * 100_000, []),
]


@pytest.mark.parametrize(("text", "found"), TEXTS)
def test_a_text_of_any_shape_is_searched(text, found):
    values = JsonPath("a.0.b").find(text)
    assert JsonPath("a.0.b").find(text.encode()) == values or found is None
    if found is None:  # NaN differs from itself
        assert [str(value) for value in values] == ["nan"]
    else:
        assert values == found


def test_a_text_with_invalid_utf_8_is_searched():
    assert JsonPath("a").find(b'{"x": "\xff", "a": 1}') == [1]
    assert JsonPath("a").find(b'{"a": "\xff"}') == ["\ufffd"]


@pytest.mark.parametrize(
    "path", ["a." * 1000 + "a", "9" * 5000, "a.", ".", "a..b", "\ud800", "0.0.0", "inner"]
)
def test_a_path_of_any_form_is_searched(path):
    assert JsonPath(path).find('{"a": {"": {"b": 1}}}') in ([], [{"b": 1}], [1], [{"": {"b": 1}}])


def test_the_errors_name_a_field_that_is_spelled_alike():
    texts = ['{"usage": {"total": 1}}', "not JSON", '{"other": {"total": 2}}']
    assert "Did you mean usage?" in str(unknown_field("usag", ["t"], texts))
    assert unknown_field("usage", ["t"], texts) is None
    assert "Unknown field 'totl' in 'usage'. Did you mean total?" in str(
        misspelled_field("usage.totl", texts)
    )
    assert misspelled_field("usage.total.x", texts) is None
    assert misspelled_field("usage.nothing", texts) is None
