"""Parameters of functions of other parties, such as MCP servers, whose schemas Gemini does not accept as they are."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import FunctionDeclaration, Request, RequestSettings, Text, Turn
from gemini_magic.errors import SchemaError
from gemini_magic.tools import Tool, tools_from


def declared(schema, *, strict=False):
    function = FunctionDeclaration(name="f", parameters=schema, strict=strict)
    settings = RequestSettings(functions=(function,))
    request = Request(model="m", turns=(Turn("user", (Text("hi"),)),), settings=settings)
    body = json.loads(backend("gemini").encode(request, Endpoint()).body)
    return body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]


def test_only_the_fields_that_gemini_does_not_accept_are_loosened():
    odd = {"not": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "odd": odd, "place": {"$ref": "#/$defs/Place"}},
        "required": ["city", "odd", "missing"],
        "$defs": {"Place": {"type": "object", "properties": {"lat": {"type": "number"}}}},
    }
    assert declared(schema) == {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "odd": {"description": json.dumps(odd)},
            "place": {"type": "object", "properties": {"lat": {"type": "number"}}},
        },
        "required": ["city", "odd"],
    }
    with pytest.raises(SchemaError, match="f: odd"):
        declared(schema, strict=True)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": [1]},
        {"type": "object", "properties": {"a": 3}},
        {"type": "object", "properties": {"a": {"anyOf": 3}}},
        {"type": "object", "properties": {"a": {"enum": "xyz", "type": ["object"]}}},
        {"type": "object", "properties": {"a": {}}, "required": 3},
        {"type": "object", "properties": {"a": {"not": {}}}, "required": [[1], {}, "b"]},
        {
            "type": "object",
            "properties": {"a": {"not": {}}, "b": {"$ref": "#/$defs/B"}},
            "$defs": {"B": {"items": {"$ref": "#/$defs/B"}}},
        },
        {"$ref": "#"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"$defs": 3, "type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}},
        {"allOf": [{}, {}], "type": "object"},
        {"type": "object", "properties": {"a": {"not": {"x" * 10_000: 1}}}},
    ],
)
def test_a_schema_of_any_shape_is_sent_as_an_object(schema):
    sent = declared(schema)
    assert sent["type"] == "object"
    assert len(json.dumps(sent)) < 3000
    assert '"$ref":' not in json.dumps(sent)


def test_a_hostile_depth_does_not_stop_the_request():
    deep: object = {"not": {}}
    for _ in range(3000):
        deep = {"type": "array", "items": deep}
    assert declared({"type": "object", "properties": {"a": deep}})["type"] == "object"


def test_functions_of_python_and_declarations_are_strict_and_other_tools_are_not():
    def f(a: int) -> int:
        """Text."""
        return a

    made = tools_from([f, {"name": "g"}, Tool(name="h", function=print, parameters={"type": "object"})])
    assert [tool.declaration.strict for tool in made] == [True, True, False]
