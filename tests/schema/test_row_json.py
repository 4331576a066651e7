"""Values of rows, of unfinished rows, and of rows inside a broken one."""

import json

import pytest
from calibration import cpu_seconds

from gemini_magic.schema.row_cutter import RowCutter
from gemini_magic.schema.row_json import doubled_field, read_row, recover_rows, unfinished_value


def recovered(text):
    cutter = RowCutter()
    cutter.feed(text)
    return [(row.text, row.line) for row in recover_rows(cutter.open_row)]


def test_a_raw_line_end_and_a_lone_surrogate_in_a_string_are_accepted():
    assert read_row('{"a": "x\ny\tz"}') == {"a": "x\ny\tz"}
    assert read_row('{"a": "\\ud83d\\ude00 \\ud83d"}') == {"a": "\U0001f600 �"}


DOUBLED = {
    '{"a": 1, "b": 2}': None,
    '{"a": 1, "a": 2}': "a",
    '{"a" : 1, "b": 1, "a"\n: 2}': "a",
    '{"a": {"b": [{"c": 1, "d": 0, "c": 1}]}}': "c",
    '{"a": "\\":\\":", "b": "x: y"}': None,
    '{"a": "\\":", "b": 1, "b": 2}': "b",
    '[{"a": 1}, {"a": 2}]': None,
    "[" * 500 + "]" * 500: None,
}


@pytest.mark.parametrize("text", DOUBLED)
def test_a_field_that_an_object_has_twice_is_found(text):
    assert doubled_field(text, read_row(text)) == DOUBLED[text]


INVALID = {
    '{"a": NaN}': "invalid JSON: NaN is not a JSON number",
    '{"a": -Infinity}': "invalid JSON: -Infinity is not a JSON number",
    '{"a": 1e999}': "invalid JSON: 1e999 is too large for a number",
    '{"a": ' + "9" * 5000 + "}": "invalid JSON: a number has 5,000 digits",
    "{'a': 1}": "invalid JSON: expecting property name enclosed in double quotes at character 2 of the item",
    '{"a": 1,}': "invalid JSON: expecting property name enclosed in double quotes at character 8 of the item",
    "tru": "invalid JSON: expecting value at character 1 of the item",
}


@pytest.mark.parametrize("text", INVALID)
def test_a_row_that_is_not_json_is_an_error_with_its_reason(text):
    with pytest.raises(ValueError, match="JSON") as caught:
        read_row(text)
    # Python 3.13 has other words for a trailing comma.
    assert str(caught.value)[:14] == INVALID[text][:14]
    assert str(caught.value) == INVALID[text] or text == '{"a": 1,}'


def test_an_unfinished_row_shows_its_complete_members_and_the_beginning_of_its_last_string():
    text = '{"name": "A \\"b\\" \\u00e9\\\\", "n": 12, "ok": true, "tags": ["x", {"y": null}], "e": {}, "f": 1.5e3}'
    whole = json.loads(text)
    for length in range(1, len(text)):
        value = unfinished_value(text[:length])
        assert list(value) == list(whole)[: len(value)]
        assert all(value[key] == whole[key] for key in list(value)[:-1])
    assert unfinished_value(text) == whole
    assert unfinished_value('{"name": "Al') == {"name": "Al"}
    assert unfinished_value('{"name": "Al", "n": 1') == {"name": "Al"}  # it may become 12
    assert unfinished_value('{"name": "Al", "n": 1,') == {"name": "Al", "n": 1}
    assert unfinished_value('{"name": "Al", "ni') == {"name": "Al"}
    assert unfinished_value('{"a": "x\\u00') == {"a": "x"}


@pytest.mark.parametrize("text", ["", "12", "nothing", "}", "{]", '{"a" 1}', "[" * 5000])
def test_an_unfinished_text_that_is_not_json_never_fails(text):
    unfinished_value(text)


RECOVERED = {
    "a string without an end": (
        '[{"a": 1}, {"a": "x, {"a": 2},\n{"a": 3}]',
        [('{"a": 2}', 1), ('{"a": 3}', 2)],
    ),
    "a missing brace": ('[{"a": 1}, {"a": {"b": 1}, {"a": 2}, {"a": 3}]', [('{"a": 2}', 1), ('{"a": 3}', 1)]),
    "an object as the value of a later row": (
        '[{"a": "x, "b": 2},\n{"a": 2},\n {"a": {"b": 1}}]',
        [('{"a": 2}', 2), ('{"a": {"b": 1}}', 3)],
    ),
    "a cut row": ('[{"a": 1}, {"a": "x', []),
}


@pytest.mark.parametrize("name", RECOVERED)
def test_rows_after_a_broken_one_are_recovered_from(name):
    text, expected = RECOVERED[name]
    assert recovered(text) == expected


@pytest.mark.parametrize("repeated", [',{"a', ',{"a":', ',{"a":"b"}', ',{"a":["', ',{"a":"\\"'])
def test_rows_are_recovered_in_linear_time(repeated):
    def seconds(count):
        return min(cpu_seconds(lambda: recovered('[{"a":"' + repeated * count)) for _ in range(2))

    assert seconds(8_000) < 20 * seconds(1_000) + 0.01
