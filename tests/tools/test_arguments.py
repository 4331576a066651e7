"""Arguments of calls: converted where they fit, refused with a line for each fault where they do not, bounded in any case."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.content import Call
from gemini_magic.tools import Tool, prepare_call, tools_from


@dataclass
class Item:
    name: str
    count: int = 1

    def __post_init__(self):
        if self.count < 0:
            raise ValueError("count must not be negative")


class Place(NamedTuple):
    lat: float
    lon: float


def order(items: list[Item], to: Place, when: date | None = None, more: dict[str, Any] | None = None):
    """Order items."""
    return items, to, when, more


(ORDER,) = tools_from(order)
TO = {"lat": 1, "lon": 2.5}


def prepared(arguments, tool=ORDER):
    return prepare_call(Call(tool.name, arguments), [tool])


def test_arguments_become_the_types_of_the_function():
    found = prepared({"items": [{"name": "a", "count": 2.0}], "to": TO, "when": "2026-01-31"})
    assert found.problems == ()
    assert order(*found.args, **found.kwargs) == ([Item("a", 2)], Place(1.0, 2.5), date(2026, 1, 31), None)
    assert found.error == ""


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ({}, ["items: ", "to: "]),
        ({"items": "a", "to": TO}, ['items: expected array, got "a"']),
        ({"items": [{"name": 3}], "to": TO}, ["items[0].name: expected string, got 3"]),
        ({"items": [{"name": "a", "count": "2"}], "to": TO}, ['items[0].count: expected integer, got "2"']),
        ({"items": [], "to": TO, "colour": 1}, ["colour: expected no such field, got 1"]),
        ({"items": [], "to": 3}, ["to: expected object, got 3"]),
        ({"items": [], "to": TO, "when": "tomorrow"}, ["when: "]),
        ({"items": [{"name": "a", "count": -1}], "to": TO}, ["items"]),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_a_line_for_each_problem(arguments, lines):
    found = prepared(arguments)
    assert (found.args, found.kwargs) == ((), {})
    assert len(found.problems) == len(lines)
    assert all(problem.startswith(line) for problem, line in zip(found.problems, lines, strict=True))
    assert found.error.startswith("order was not run, because its arguments do not fit:\n")
    assert found.error.endswith(found.problems[-1])


def test_a_missing_argument_and_an_unknown_one_are_both_listed():
    lines = prepared({"item": [], "to": TO}).problems
    assert len(lines) == 2
    assert any(line.startswith("items") for line in lines)


def test_a_function_that_was_not_offered_is_named_with_those_that_were():
    found = prepare_call(Call("rm\x1b[2J", {"path": "/"}), [ORDER])
    assert found.tool is None
    assert found.error == "There is no function 'rm[2J'. Available: order."
    assert prepare_call(Call(None), []).error == "There is no function ''. Available: none."
    assert len(prepare_call(Call("x" * 10_000), [ORDER]).error) < 300


def test_the_namespace_of_the_server_before_a_name_is_ignored():
    arguments = {"items": [], "to": TO}
    for name in ("default_api:order", "default_api.order"):
        assert prepare_call(Call(name, arguments), [ORDER]).tool is ORDER
    for name in ("xorder", "default_apiorder", "other:order", "default_api:default_api:order"):
        assert prepare_call(Call(name, arguments), [ORDER]).tool is None


def nested(depth):
    value = "end"
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (nested(200), "the arguments are nested more than 64 levels deep"),
        ({"a": "x" * 1_000_001}, "the arguments have more than 1,000,000 characters"),
        ({"x" * 1_000_001: 1}, "the arguments have more than 1,000,000 characters"),
        ({"a": [0] * 100_001}, "the arguments have more than 100,000 values"),
        ({"a": [{"__proto__": {}}]}, "__proto__: is not allowed as a name"),
    ],
)
def test_hostile_arguments_are_refused_before_anything_looks_at_them(more, line):
    begin = time.process_time()
    assert prepared({"items": [], "to": TO, "more": more}).problems == (line,)
    assert time.process_time() - begin < 2


def test_arguments_are_never_evaluated():
    text = "__import__('os').system('touch owned')"
    found = prepared({"items": [{"name": text}], "to": TO, "more": {"{{ 1 + 1 }}": "{{ 1 + 1 }}"}})
    assert found.kwargs["items"] == [Item(text)]
    assert found.kwargs["more"] == {"{{ 1 + 1 }}": "{{ 1 + 1 }}"}


def test_a_long_list_of_problems_is_cut():
    problems = prepared({"items": [{"name": n} for n in range(500)], "to": TO}).problems
    assert len(problems) == 21
    assert problems[-1].startswith("… and ")


def test_pieces_that_do_not_fit_together_are_refused():
    call = Call("order", {"items": [], "to": TO}, partial_args=[{"jsonPath": "$.__proto__.x"}])
    assert prepare_call(call, [ORDER]).problems == (
        "the arguments arrived in pieces that do not fit together",
    )


def test_a_tool_with_a_plain_schema_gets_json_values():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    tool = Tool(name="t", parameters=schema, function=print, source="mcp:x")
    assert prepared({"a": 1, "b": None}, tool).kwargs == {"a": 1, "b": None}
    assert prepared({"a": "1"}, tool).problems == ('a: expected integer, got "1"',)
    assert prepared({"b": 1}, Tool(name="t", function=print, source="mcp:x")).kwargs == {"b": 1}


def test_the_calls_of_a_declaration_are_not_checked():
    (tool,) = tools_from(
        {"name": "t", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}
    )
    assert prepared({"a": 3}, tool).problems == ()


def two(a: int = 1, b: int = 2, /):
    """Take two."""


def test_a_positional_parameter_cannot_be_left_out_before_another():
    (tool,) = tools_from(two)
    assert prepared({"a": 5, "b": 6}, tool).args == (5, 6)
    assert prepared({}, tool).args == ()
    assert prepared({"b": 6}, tool).problems == ("a: missing, but b is given",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["items", "to", "when", "more", "x"]), JSON))
def test_any_arguments_are_either_converted_or_refused(arguments):
    found = prepared(arguments)
    assert bool(found.problems) != bool(found.kwargs)
