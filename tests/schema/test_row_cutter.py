"""The cutter finds the rows of an array in any text that a model writes, in pieces of any size, in linear time."""

import json

import pytest
from calibration import assert_cpu_below, cpu_seconds

from gemini_magic.schema import row_cutter
from gemini_magic.schema.row_cutter import MAX_ROW, RowCutter

SIZES = (1, 2, 3, 5, 10_000)


def cut(text, size=10_000, **options):
    cutter = RowCutter(**options)
    rows = [row for at in range(0, len(text), size) for row in cutter.feed(text[at : at + size])]
    return rows, cutter


def texts(text, **options):
    """The texts of the rows, which are the same in pieces of any size."""
    found = [[row.text for row in cut(text, size, **options)[0]] for size in SIZES]
    assert all(each == found[0] for each in found)
    return found[0]


ROWS = {
    "an array": ('[{"a": 1}, {"a": 2}]', ['{"a": 1}', '{"a": 2}']),
    "a code fence": ('```json\n[\n  {"a": 1}\n]\n```', ['{"a": 1}']),
    "prose before and after": ('Two dogs:\n[{"a": 1}]\nIs {this} all? [2]', ['{"a": 1}']),
    "prose with [1] before": ('As [1] says: [{"a": 1}]', ['{"a": 1}']),
    "an empty array in prose": ('Else I write []. [{"a": 1}]', ['{"a": 1}']),
    "NDJSON": ('{"a": 1}\n{"a": 2}\n', ['{"a": 1}', '{"a": 2}']),
    "NDJSON in a fence": ('```\n{"a": 1}\n{"a": 2}\n```\nDone {x}.', ['{"a": 1}', '{"a": 2}']),
    "a missing comma": ('[{"a": 1} {"a": 2}]', ['{"a": 1}', '{"a": 2}']),
    "doubled commas": ('[{"a": 1},, {"a": 2},]', ['{"a": 1}', '{"a": 2}']),
    "brackets and quotes in strings": (
        '[{"a": "]}, {\\"[\\\\"}, {"a": "\\\\\\""}]',
        ['{"a": "]}, {\\"[\\\\"}', '{"a": "\\\\\\""}'],
    ),
    "nested values": ('[{"a": [{"b": {}}, [1]]}, {}]', ['{"a": [{"b": {}}, [1]]}', "{}"]),
    "invalid rows between others": (
        '[{\'a\': 1}, {"a": 2,}, {"a": 3}]',
        ["{'a': 1}", '{"a": 2,}', '{"a": 3}'],
    ),
    "a list without its end": ('[{"a": [1, 2}, {"a": 3}]', ['{"a": [1, 2}', '{"a": 3}']),
    "a bracket too many": ('[{"a": 1]}, {"a": 3}]', ['{"a": 1]}', '{"a": 3}']),
    "a raw line end in a string": ('[{"a": "x\ny"}]', ['{"a": "x\ny"}']),
    "comments": (
        '[// {"b": 0}\n{"a": 1}, /* {"b": 1} **/ {"a": 2} # {"b": 2}\n, {"a": 3}]',
        ['{"a": 1}', '{"a": 2}', '{"a": 3}'],
    ),
    "words between rows": ('[{"a": 1}, ... and so on, {"a": 2}]', ['{"a": 1}', '{"a": 2}']),
    "values that are no objects": (
        '[{"a": 1}, null, -2.5e3, "x", [1]]',
        ['{"a": 1}', "null", "-2.5e3", '"x"', "[1]"],
    ),
    "NaN": ('[{"a": NaN}, {"a": 1}]', ['{"a": NaN}', '{"a": 1}']),
    "the end inside a string": ('[{"a": 1}, {"a": "x', ['{"a": 1}']),
    "the end after a comma": ('[{"a": 1}, ', ['{"a": 1}']),
    "nothing": ("I found no dogs.", []),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_found_in(name):
    text, expected = ROWS[name]
    assert texts(text) == expected


def test_values_of_an_array_without_objects_are_rows():
    text = '["a]b", 1, true, null, [1, [2]], -0.5, "\\"", tru]'
    expected = ['"a]b"', "1", "true", "null", "[1, [2]]", "-0.5", '"\\""', "tru"]
    assert texts(text, objects=False) == expected
    assert texts(f"See [1] and [2]:\n\n  {text}", objects=False) == expected


def test_a_number_at_the_end_may_continue_and_is_not_a_row():
    rows, cutter = cut("[1, 23", objects=False)
    assert [row.text for row in rows] == ["1"]
    assert cutter.open_text() == "23"


def test_a_path_selects_one_array_and_decoys_are_skipped():
    text = (
        '{"note": "\\"dogs\\": [{\\"no\\": 1}]", "cats": [{"dogs": [{"no": 2}]}], "x": {"dogs": [{"no": 3}]}, '
        '"dogs": [{"a": 1}, {"a": 2}], "dogs": [{"no": 4}]}'
    )
    assert texts(text, path=("dogs",)) == ['{"a": 1}', '{"a": 2}']
    assert texts(f"Here: ```json\n{text}\n```", path=("dogs",)) == ['{"a": 1}', '{"a": 2}']


def test_a_path_goes_through_objects():
    text = '{"x": {"n": {"rows": [1]}, "y": {"rows": [{"a": 1}]}}, "y": {"rows": [{"no": 1}]}}'
    assert texts(text, path=("x", "y", "rows")) == ['{"a": 1}']
    assert texts(text, path=("x", "n", "rows"), objects=False) == ["1"]


def test_with_a_path_an_array_at_the_top_is_taken_too():
    assert texts('[{"a": 1}]', path=("dogs",)) == ['{"a": 1}']


def test_a_row_knows_its_characters_and_its_line():
    text = 'Dogs:\n[\n  {"a":\n 1},\n\n  {"a": 2}]'
    for size in SIZES:
        rows = cut(text, size)[0]
        assert [text[row.start : row.end] for row in rows] == [row.text for row in rows]
        assert [row.line for row in rows] == [3, 6]


@pytest.mark.parametrize(
    ("text", "options"),
    [('Dogs:\n[{"a": 1}]', {}), ('Dogs:\n{"a": 1}', {}), ("Dogs:\n[1]", {"objects": False})],
)
def test_the_place_of_the_array_is_known(text, options):
    assert {cut(text, size, **options)[1].begin for size in SIZES} == {6}


def test_the_open_row_is_known_between_pieces():
    cutter = RowCutter()
    cutter.feed('[{"a": 1}, ')
    assert cutter.open_row is None
    cutter.feed('\n{"a": "')
    cutter.feed("text")
    assert cutter.open_text() == '{"a": "text'
    assert cutter.open_text(4) == '{"a"'
    assert cutter.open_row[:3] == (12, 23, 2)


def test_text_after_the_array_is_ignored():
    rows, cutter = cut('[{"a": 1}] [{"a": 2}] {"a": 3}')
    assert (len(rows), cutter.found, cutter.ended) == (1, True, True)


def test_a_very_long_row_is_cut_off_and_the_next_one_is_read():
    rows, _ = cut('[{"a": "' + "x" * (MAX_ROW + 50) + '"}, {"a": 1}]', 1000)
    assert [len(row.text) for row in rows] == [MAX_ROW, 8]
    assert rows[0].problem == "it is longer than 1,000,000 characters"


def test_a_very_deep_row_is_marked_and_the_next_one_is_read():
    rows, _ = cut('[{"a": ' + "[" * 5000 + "]" * 5000 + '}, {"a": 1}]', 7)
    assert rows[0].problem == "it is nested more than 200 levels deep"
    assert rows[1].text == '{"a": 1}'


HOSTILE = {
    "brackets": lambda n: "[" * n,
    "braces": lambda n: "{" * n,
    "nested objects": lambda n: '[{"a":' * (n // 6),
    "a long string": lambda n: '[{"a":"' + "x" * n,
    "backslashes": lambda n: '[{"a":"' + "\\" * n,
    "quotes": lambda n: '[{"a":"' + '\\"' * (n // 2),
    "space": lambda n: "[" + " " * n,
    "slashes": lambda n: '[{"a":1}' + "/" * n,
    "stars": lambda n: '[{"a":1}/*' + "*" * n,
    "a word": lambda n: '[{"a":1} ' + "w" * n,
    "a long key": lambda n: '{"' + "dogs" * (n // 4),
    "nested paths": lambda n: '{"dogs":' * (n // 8),
}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_takes_linear_time_and_bounded_memory(text, monkeypatch):
    monkeypatch.setattr(row_cutter, "MAX_ROW", 10_000)
    for options in ({}, {"path": ("dogs",)}, {"objects": False}):

        def seconds(length, options=options):
            return min(cpu_seconds(lambda: cut(HOSTILE[text](length), 40, **options)) for _ in range(2))

        # Eight times the text: a quadratic reader takes 64 times as long.
        assert seconds(32_000) < 20 * seconds(4_000) + 0.005
        cutter = cut(HOSTILE[text](32_000), 40, **options)[1]
        assert len(cutter.open_text()) <= 10_000
        assert len(cutter._stack) <= 200
        assert len(cutter._keys) <= 2


def table_of(rows):
    texts = 'She said "hi" \\ {x} [y], \U0001f600 é ' * 5
    return [
        {"id": n, "name": f"row {n}", "tags": ["a", "b]"], "more": {"x": [1, 2, {"y": None}]}, "text": texts}
        for n in range(rows)
    ]


@pytest.mark.parametrize("style", [{"separators": (",", ":"), "ensure_ascii": False}, {"indent": 2}, {}])
def test_rows_equal_those_of_the_whole_text_in_pieces_of_any_size(style):
    rows = table_of(20)
    text = json.dumps(rows, **style)
    for size in (1, 7, 40, 1000):
        assert [json.loads(row.text) for row in cut(text, size)[0]] == rows


def test_380_thousand_characters_in_small_pieces_take_a_twentieth_of_a_second():
    text = json.dumps(table_of(1500), ensure_ascii=False)[:380_000]
    assert len(text) == 380_000
    assert_cpu_below(lambda: cut(text, 40), 0.05)
