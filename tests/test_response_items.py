"""``r.items``, ``r.items_table`` and the items of a stream: typed objects that arrive one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import polars as pl
import pytest
from view_stage import feed

from gemini_magic.content import Request, Text, Turn
from gemini_magic.ledger import Ledger
from gemini_magic.response import Response
from gemini_magic.response_stream import Callbacks, ResponseStream
from gemini_magic.schema import as_schema


@dataclass
class Dog:
    name: str
    age: int


TEXT = '[{"name": "Rex", "age": 3}, {"name": "Ada", "age": "x"}, {"name": "Bob", "age": 7}]'


def response_of(schema=list[Dog], text=""):
    ledger = Ledger(
        Request(model="m", turns=(Turn("user", (Text("hi"),)),)),
        schema=None if schema is None else as_schema(schema),
    )
    if text:
        feed(ledger, text, finish="STOP")
        ledger.close("end", t=1.0)
    return Response(ledger)


class Arriving:
    """A stream that adds a piece of the text for each event that is read."""

    def __init__(self, response, text, size=10):
        self._ledger = response.ledger
        self._pieces = [text[at : at + size] for at in range(0, len(text), size)]
        self.sent = 0

    def _events(self):
        for piece in self._pieces:
            feed(self._ledger, piece)
            self.sent += len(piece)
            yield list(self._ledger.events)[-1]
        feed(self._ledger, finish="STOP")
        self._ledger.close("end", t=1.0)

    def __iter__(self):
        return self._events()

    async def __aiter__(self):
        for event in self._events():
            yield event


def stream_of(text, on_chunk=None, schema=list[Dog]):
    response = response_of(schema)
    source = Arriving(response, text)
    return ResponseStream(response, source, Callbacks(on_chunk, None, None)), source


def test_items_are_a_sequence_of_objects():
    items = response_of(text=TEXT).items
    assert isinstance(items, Sequence)
    assert items == [Dog("Rex", 3), Dog("Bob", 7)]
    assert (len(items), items[-1], items[:1]) == (2, Dog("Bob", 7), [Dog("Rex", 3)])
    assert Dog("Rex", 3) in items
    with pytest.raises(IndexError):
        items[2]
    assert repr(items) == "<Items: 2 items, 1 invalid>"
    assert items.complete


def test_items_that_do_not_fit_are_apart():
    [invalid] = response_of(text=TEXT).items.invalid
    assert invalid.problems == ('[1].age: expected integer, got "x"',)
    assert invalid.text == '{"name": "Ada", "age": "x"}'


def test_items_grow_while_the_answer_arrives():
    response = response_of()
    items, first = response.items, TEXT[:40]
    assert (len(items), items.complete) == (0, False)
    feed(response.ledger, first)
    assert items == [Dog("Rex", 3)]
    before = items[0]
    feed(response.ledger, TEXT[len(first) :])
    assert len(items) == 2
    assert items[0] is before
    assert response.items[0] is before


def test_recovered_items_are_apart():
    response = response_of(
        text='[{"name": "Rex", "age": 3}, {"name": "A, "age": 1}, {"name": "B", "age": 2}]'
    )
    assert response.items == [Dog("Rex", 3)]
    assert response.items.recovered == [Dog("B", 2)]
    assert repr(response.items) == "<Items: 1 item, 1 invalid, 1 recovered>"


def test_without_a_schema_items_are_plain_values():
    assert response_of(None, '```json\n[{"a": 1}]\n```').items == [{"a": 1}]
    assert response_of(None, "Just text.").items == []


def test_iterating_over_the_items_of_a_stream_gives_each_as_it_is_complete():
    pieces = []
    stream, source = stream_of(TEXT, pieces.append)
    seen = []
    for item in stream.items:
        seen.append((item, source.sent))
    assert [item for item, _ in seen] == [Dog("Rex", 3), Dog("Bob", 7)]
    assert seen[0][1] < 40
    assert "".join(pieces) == TEXT
    assert stream.response.items == stream.items


def test_async_iteration_gives_each_item_as_it_is_complete():
    stream, source = stream_of(TEXT)

    async def read():
        return [(item, source.sent) async for item in stream.items]

    seen = asyncio.run(read())
    assert [item for item, _ in seen] == [Dog("Rex", 3), Dog("Bob", 7)]
    assert seen[0][1] < 40


def test_plain_iteration_of_a_stream_gives_events():
    stream, _ = stream_of(TEXT)
    assert {type(event).__name__ for event in stream} == {"Delta"}


def test_the_table_has_a_typed_column_for_each_field():
    schema = "list[name, age int, score float|null, ok bool, tags list[str], class str]"
    rows = [
        {"name": "Rex", "age": 3, "score": 1, "ok": True, "tags": ["a"], "class": "x"},
        {"name": "Ada", "age": 4.0, "score": None, "ok": False, "tags": [], "class": "y"},
    ]
    table = response_of(schema, json.dumps(rows)).items_table
    assert table.columns == ("name", "age", "score", "ok", "tags", "class")
    assert table.to_dicts()[0] == {**rows[0], "score": 1.0, "tags": '["a"]'}
    frame = pl.DataFrame(table)
    assert frame.schema == {
        "name": pl.String,
        "age": pl.Int64,
        "score": pl.Float64,
        "ok": pl.Boolean,
        "tags": pl.String,
        "class": pl.String,
    }
    assert frame.row(1) == ("Ada", 4, None, False, "[]", "y")
    typed = table.to_pandas()
    assert [str(kind) for kind in typed.dtypes[1:4]] == ["Int64", "float64", "boolean"]
    assert list(pd.DataFrame(table).columns) == list(table.columns)
    assert len(table.where("age > 3")) == 1
    assert table[0].name == "Rex"


def test_an_empty_table_has_its_typed_columns():
    frame = pl.DataFrame(response_of("list[name, ok bool]").items_table)
    assert frame.schema == {"name": pl.String, "ok": pl.Boolean}


def test_the_types_of_undeclared_columns_are_those_of_their_values():
    text = '[{"a": 1, "b": true, "c": 1, "d": "x", "e": null}, {"a": 2, "b": null, "c": 1.5, "d": 1}]'
    frame = pl.DataFrame(response_of(None, text).items_table)
    assert dict(frame.schema) == {
        "a": pl.Int64,
        "b": pl.Boolean,
        "c": pl.Float64,
        "d": pl.String,
        "e": pl.String,
    }
    assert frame["d"].to_list() == ["x", "1"]


def test_a_table_of_values_has_one_column():
    assert response_of(list[int], "[1, 2]").items_table.to_dicts() == [{"value": 1}, {"value": 2}]


def test_values_beyond_their_column_are_null():
    text = json.dumps([{"a": 10**30, "b": 10**400}])
    table = response_of("list[a int, b float]", text).items_table
    assert table.to_dicts() == [{"a": None, "b": None}]
