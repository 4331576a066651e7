"""The JSON value of an answer, and what is wrong with text that has none."""

import time

import pytest

from gemini_magic.errors import MismatchError
from gemini_magic.schema import read_answer

READ = [
    ('{"a": 1}', {"a": 1}, ()),
    ("\ufeff [1]\n", [1], ()),
    ('"text"', "text", ()),
    ("3.0", 3.0, ()),
    ('```json\n{"a": 1}\n```', {"a": 1}, ("The JSON is in a code fence.",)),
    ("Here it is:\n```\n[1, 2]\n```\nDone.", [1, 2], ("The JSON is in a code fence.",)),
    ('As [1] says: {"a": 1}. Done.', {"a": 1}, ("The text around the JSON was ignored.",)),
    ('The rows: [{"a": 1}]', [{"a": 1}], ("The text around the JSON was ignored.",)),
    ('{"a": 1, "a": 2}', {"a": 2}, ("An object has a field twice, and the last one counts: a.",)),
    ('{"a": "\\ud800"}', {"a": "�"}, ()),
    ("1" * 400, int("1" * 400), ()),
]


@pytest.mark.parametrize(("text", "value", "notes"), READ)
def test_the_json_of_an_answer_is_read(text, value, notes):
    assert read_answer(text) == (value, notes)


INVALID = [
    ("", "it is empty"),
    ("  \n", "it is empty"),
    ("Hello", 'expecting value at line 1, column 1, near "Hello"'),
    ('{"a": 1', "it ends before the JSON does"),
    ('{"a": "x', "it ends before the JSON does"),
    ("[1, 2", "it ends before the JSON does"),
    ("[1, 2,]", 'expecting value at line 1, column 7, near "[1, 2,]"'),
    (
        '[{"a": 1} {"a": 2}]',
        'expecting \',\' delimiter at line 1, column 11, near "[{\\"a\\": 1} {\\"a\\": 2}]"',
    ),
    ('{"a": NaN}', "NaN is not a JSON number"),
    ('{"a": -Infinity}', "-Infinity is not a JSON number"),
    ('{"a": 1e999}', "a number is too large"),
    ("1" * 5000, "a number has too many digits"),
    ("[" * 101 + "]" * 101, "it is nested deeper than 100 levels"),
    ("[" * 100_000, "it is nested deeper than 100 levels"),
    ('{"a":' * 100_000, "it is nested deeper than 100 levels"),
]


@pytest.mark.parametrize(("text", "reason"), INVALID, ids=[reason[:30] for _, reason in INVALID])
def test_text_that_is_not_json_is_an_error_that_says_where(text, reason):
    with pytest.raises(MismatchError) as error:
        read_answer(text)
    assert error.value.message == f"The answer is not valid JSON: {reason}."
    assert error.value.problems == (f"the answer: {reason}",)


def test_one_hundred_levels_are_read():
    assert read_answer("[" * 100 + "]" * 100).value


@pytest.mark.parametrize(
    "text",
    ["{" * 200_000, "x[" * 200_000, '"' * 400_000, "```\n" * 100_000, "\\" * 400_000, '[{"a":1},' * 40_000],
)
def test_hostile_text_takes_linear_time(text):
    begun = time.process_time()
    with pytest.raises(MismatchError):
        read_answer(text)
    assert time.process_time() - begun < 2
