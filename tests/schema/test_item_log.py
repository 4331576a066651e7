"""Items are read, validated and loaded once, when they are complete; invalid ones become rows with their problems."""

import copy
import json
import pickle
from dataclasses import dataclass
from typing import Literal

import pytest

from gemini_magic.schema import InvalidItem, LoadedItem, Schema, as_schema
from gemini_magic.schema.item_log import ItemLog


@dataclass
class Dog:
    name: str
    age: int = 0
    kind: Literal["good", "very good"] = "good"


@dataclass
class Kennel:
    place: str
    dogs: list[Dog]


def log_of(text, schema=list[Dog], *, ended=True, size=7):
    log = ItemLog(as_schema(schema))
    source = []
    for at in range(0, len(text), size):
        source.append(text[at : at + size])
        log.read(source, ended=False)
    if ended:
        log.read(source, ended=True)
    return log


def problems(log):
    return [row.problems for row in log.invalid]


def test_items_are_objects_of_the_type():
    log = log_of('[{"name": "Rex", "age": 3}, {"name": "Ada", "kind": "very good"}]')
    assert log.items == [Dog("Rex", 3), Dog("Ada", 0, "very good")]
    assert (log.complete, problems(log)) == (True, [])
    assert list(log.field_schemas) == ["name", "age", "kind"]


def test_items_of_the_only_array_of_objects_are_read():
    log = log_of('{"place": "[{]", "dogs": [{"name": "Rex"}, {"age": 1}]}', Kennel)
    assert log.items == [Dog("Rex")]
    assert problems(log) == [("dogs[1].name: expected string, got nothing",)]


def test_an_item_that_does_not_fit_has_the_lines_of_its_problems_and_the_next_ones_are_read():
    log = log_of('[{"name": 1, "age": "x"},\n {"name": "Rex"}, null, {"name": "Ada", "age": NaN}]')
    assert log.items == [Dog("Rex")]
    first, second, third = log.invalid
    assert first.problems == ("[0].name: expected string, got 1", '[0].age: expected integer, got "x"')
    assert (first.number, first.line, first.text) == (0, 1, '{"name": 1, "age": "x"}')
    assert (second.number, second.line) == (2, 2)
    assert second.problems == ("[2]: expected object, got null",)
    assert third.problems == ("[3]: invalid JSON: NaN is not a JSON number",)


def test_invalid_json_in_one_item_is_a_row_with_its_text():
    log = log_of("[{'name': 'Rex'}, {\"name\": \"Ada\"}]")
    assert log.items == [Dog("Ada")]
    assert log.invalid[0].text == "{'name': 'Rex'}"
    assert log.invalid[0].problems[0].startswith("[0]: invalid JSON: expecting property name")


def test_each_item_is_validated_once():
    loaded = []

    class Counting(Schema):
        def load_item(self, value):
            loaded.append(value)
            return value

    log, source = ItemLog(Counting({"type": "array"})), []
    for character in '[{"a": 1}, {"a": 2}]':
        source.append(character)
        log.read(source, ended=False)
        log.read(source, ended=False)
    log.read(source, ended=True)
    log.read(source, ended=True)
    assert loaded == [{"a": 1}, {"a": 2}]


def test_a_cut_answer_keeps_its_complete_items():
    log = log_of('[{"name": "Rex"}, {"name": "A')
    assert log.items == [Dog("Rex")]
    assert log.invalid == [InvalidItem(1, 1, '{"name": "A', ("[1]: it is not complete",), cut=True)]
    assert not log.complete


@pytest.mark.parametrize("text", ['[{"name": "Rex"}', '[{"name": "Rex"},', '[{"name": "Rex"}, ... and'])
def test_an_answer_that_is_cut_between_items_is_not_complete(text):
    log = log_of(text)
    assert log.items == [Dog("Rex")]
    assert (log.complete, problems(log)) == (False, [])


def test_ndjson_has_no_end_and_is_complete():
    log = log_of('{"name": "Rex"}\n{"name": "Ada"}\n')
    assert log.items == [Dog("Rex"), Dog("Ada")]
    assert log.complete


def test_items_after_one_without_an_end_are_recovered_apart():
    log = log_of('[{"name": "Rex"}, {"name": "A, "age": 1}, {"name": "B"}, {"name": 7}]')
    assert log.items == [Dog("Rex")]
    assert [row.item for row in log.recovered] == [Dog("B")]
    assert problems(log) == [("[1]: it is not complete",)]


def test_equal_items_in_a_row_are_counted_and_kept():
    log = log_of('[{"name": "Rex"}' + ', {"name": "Ada"}' * 3 + "]")
    assert [row.repeats for row in log.rows] == [0, 0, 1, 2]
    assert len(log.items) == 4


def test_the_unfinished_item_is_shown_by_its_values():
    log = log_of('[{"name": "Rex", "age": 3}, {"name": "Ad', ended=False)
    assert log.open_value == {"name": "Ad"}
    assert log_of('[{"name": "Rex", "age": 3}, ', ended=False).open_value is None


def test_items_that_are_not_objects():
    assert log_of('["a", "b,]"]', list[str]).items == ["a", "b,]"]
    assert log_of("[1, 2.0, 3", list[int]).items == [1, 2]
    assert problems(log_of('[1, "x"]', list[int])) == [('[1]: expected integer, got "x"',)]


def test_without_a_schema_items_are_plain_values():
    log = ItemLog(Schema({}))
    log.read(['[{"a": 1}, {"b": [2]}]'], ended=True)
    assert log.items == [{"a": 1}, {"b": [2]}]


def test_a_resumed_answer_begins_with_its_first_part():
    log = ItemLog(as_schema(list[Dog]), before='[{"name": "Re')
    log.read(['x"}, {"name": "Ada"}]'], ended=True)
    assert log.items == [Dog("Rex"), Dog("Ada")]


def test_very_many_items_are_counted_and_not_kept(monkeypatch):
    monkeypatch.setattr("gemini_magic.schema.item_log._MOST_ROWS", 10)
    log = log_of(json.dumps([{"name": "Rex"}] * 25))
    assert (len(log.items), log.left_out) == (10, 15)


def test_a_copy_reads_its_own_text():
    log = log_of('[{"name": "Rex"}]')
    for twin in (copy.copy(log), copy.deepcopy(log), pickle.loads(pickle.dumps(log))):
        assert twin.rows == []
        twin.read(['[{"name": "Ada"}]'], ended=True)
        assert twin.items == [Dog("Ada")]


def test_rows_say_where_they_begin():
    rows = log_of('Dogs:\n[\n{"name": "Rex"},\n\n{"name": "Ada"}\n]').rows
    assert [(row.number, row.line) for row in rows] == [(0, 3), (1, 5)]
    assert all(isinstance(row, LoadedItem) for row in rows)
