"""What is sent to Gemini: only the keywords that it accepts, and what is checked afterwards."""

import dataclasses
from typing import Annotated, Literal, Optional

import msgspec
import pydantic
import pytest

from gemini_magic.errors import SchemaError
from gemini_magic.schema import as_schema, rewrite_answer_schema, rewrite_for_gemini

STRING, INTEGER, NULL = {"type": "string"}, {"type": "integer"}, {"type": "null"}
# docstring of google-genai's GenerateContentConfig.response_json_schema
ACCEPTED = {
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
}


class Node(pydantic.BaseModel):
    value: Annotated[int, pydantic.Field(gt=3, description="a number")]
    kids: list["Node"]
    parent: Optional["Node"] = None
    kind: Literal["a"] = "a"


class Everything(pydantic.BaseModel):
    part: Annotated[float, pydantic.Field(gt=0, lt=9, multiple_of=0.5)]
    text: Annotated[str, pydantic.Field(pattern="^a", min_length=1, max_length=9, examples=["ab"])] = "ab"
    unique: set[int]
    counts: dict[Literal["p", "q"], int]
    pair: tuple[int, str]
    always: Literal[True]
    node: Node


@dataclasses.dataclass
class Chain:
    next: Optional["Chain"]


@dataclasses.dataclass
class Leaf:
    """A leaf."""

    size: Annotated[int, msgspec.Meta(ge=1)]


@dataclasses.dataclass
class Tree:
    left: Annotated[Leaf, "the left one"]
    right: Leaf


REWRITTEN = {
    "const": ({"const": "a"}, {"type": "string", "enum": ["a"]}),
    "enum without a type": ({"enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}),
    "optional type": ({"anyOf": [STRING, NULL]}, {"type": ["string", "null"]}),
    "optional type, null first": (
        {"oneOf": [NULL, INTEGER], "description": "x"},
        {"type": ["integer", "null"], "description": "x"},
    ),
    # with type ["string", "null"], the enum would still forbid null
    "optional choice": (
        {"anyOf": [{"type": "string", "enum": ["a"]}, NULL]},
        {"anyOf": [{"type": "string", "enum": ["a"]}, NULL]},
    ),
    "null in a choice": (
        {"type": ["string", "null"], "enum": ["a", None]},
        {"anyOf": [{"type": "string", "enum": ["a"]}, NULL]},
    ),
    "described constants": (
        {"anyOf": [{"const": "a", "description": "first"}, {"const": "b", "description": "second"}]},
        {"type": "string", "enum": ["a", "b"], "description": '"a": first; "b": second'},
    ),
    "one of several types": ({"anyOf": [STRING, {"type": "array", "items": STRING}]},) * 2,
    "true or false": ({"enum": [True, False]}, {"type": "boolean"}),
    "allOf of one": ({"allOf": [STRING], "description": "x"}, {"type": "string", "description": "x"}),
    "exclusive bounds of an integer": (
        {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 9},
        {"type": "integer", "minimum": 4, "maximum": 8},
    ),
    "tuple": (
        {"type": "array", "prefixItems": [INTEGER], "items": False, "minItems": 1, "maxItems": 1},
        {"type": "array", "prefixItems": [INTEGER], "minItems": 1, "maxItems": 1},
    ),
    "annotations": (
        {"type": "string", "title": "T", "default": "x", "examples": ["y"], "$comment": "z", "x-own": 1},
        STRING,
    ),
    "order of the fields": (
        {"type": "object", "properties": {"z": STRING, "a": INTEGER}, "required": ["z"]},
        {
            "type": "object",
            "properties": {"z": STRING, "a": INTEGER},
            "required": ["z"],
            "propertyOrdering": ["z", "a"],
        },
    ),
    "type is missing": ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
    "no other fields": (
        {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
    ),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_schema_is_rewritten_for_gemini(name):
    given, expected = REWRITTEN[name]
    assert rewrite_for_gemini(given).schema == expected


def keywords(schema):
    """All keywords in a schema."""
    found = set(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found |= keywords(schema[key])
    for key in ("properties", "$defs"):
        for each in schema.get(key, {}).values():
            found |= keywords(each)
    for key in ("anyOf", "prefixItems"):
        for each in schema.get(key, ()):
            found |= keywords(each)
    return found


@pytest.mark.parametrize("hint", [Everything, list[Everything], Node, Tree])
def test_only_keywords_that_gemini_accepts_are_sent(hint):
    assert keywords(rewrite_for_gemini(as_schema(hint).sent).schema) <= ACCEPTED


def test_rules_without_a_keyword_are_in_the_description_and_listed():
    found = rewrite_for_gemini(as_schema(Everything).sent)
    assert found.schema["properties"]["part"] == {
        "type": "number",
        "description": "more than 0; less than 9; a multiple of 0.5",
    }
    assert found.checked_afterwards == (
        "part: more than 0",
        "part: less than 9",
        "part: a multiple of 0.5",
        "text: matches the regular expression ^a",
        "text: at least 1 character",
        "text: at most 9 characters",
        "unique: no item twice",
        'counts: the fields are any of "p", "q"',
        "always: always true",
    )


def test_a_description_is_kept_before_the_rules():
    found = rewrite_for_gemini({"type": "string", "description": "The name.", "minLength": 2})
    assert found.schema["description"] == "The name (at least 2 characters)"


def test_only_the_reference_that_leads_back_stays():
    found = rewrite_for_gemini(as_schema(Node).sent).schema
    assert found["properties"]["kids"] == {"type": "array", "items": {"$ref": "#/$defs/Node"}}
    assert found["properties"]["parent"] == {"anyOf": [{"$ref": "#/$defs/Node"}, NULL]}
    assert found["properties"]["value"] == {"type": "integer", "minimum": 4, "description": "a number"}
    assert found["$defs"]["Node"] == {key: value for key, value in found.items() if key != "$defs"}


def test_a_class_that_does_not_contain_itself_is_inlined_with_the_description_of_its_field():
    found = rewrite_for_gemini(as_schema(Tree).sent).schema
    assert "$defs" not in found
    assert found["properties"]["left"] == {
        "type": "object",
        "properties": {"size": {"type": "integer", "minimum": 1}},
        "required": ["size"],
        "description": "the left one",
    }
    assert found["properties"]["right"]["description"] == "A leaf."


REFUSED = {
    "recursion in a required field": (
        as_schema(Chain).sent,
        "next: Chain contains itself, which Gemini supports only in a field that may be missing.",
    ),
    "not": (
        {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"not": {}}}}}},
        "a.b: Gemini does not support not.",
    ),
    "several allOf": (
        {"type": "array", "items": {"allOf": [STRING, INTEGER]}},
        "[]: Gemini does not support allOf with several schemas.",
    ),
    "patternProperties": (
        {"type": "object", "patternProperties": {"a": {}}},
        "Gemini does not support patternProperties.",
    ),
    "objects in an enum": (
        {"type": "object", "properties": {"a": {"enum": [{}]}}},
        "a: Gemini supports only texts and numbers in enum.",
    ),
    "an unknown reference": (
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}},
        "The schema is not valid: the reference '#/$defs/B' leads nowhere.",
    ),
    "no value fits": ({"type": "object", "properties": {"a": False}}, "a: no value fits this schema."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_gemini_cannot_express_is_an_error_that_names_the_field(name):
    schema, message = REFUSED[name]
    with pytest.raises(SchemaError) as error:
        rewrite_for_gemini(schema)
    assert error.value.message == message
    assert error.value.remedy


def inside(value):
    return {"type": "object", "properties": {"a": value}}


MALFORMED = [
    {"type": "object", "properties": "x"},
    {"type": "object", "properties": {}, "required": 5},
    inside({"allOf": 3}),
    inside({"prefixItems": 5}),
    inside({"anyOf": 3}),
    inside({"enum": 3}),
    inside({"enum": []}),
    inside({"type": {}}),
    inside({"properties": []}),
    inside({"additionalProperties": 3}),
    inside({"$ref": 3}),
    inside(None),
    {"$defs": 5, **inside({"$ref": "#/$defs/q"})},
]


@pytest.mark.parametrize("schema", MALFORMED, ids=repr)
def test_a_malformed_schema_of_a_tool_server_is_an_error_or_harmless(schema):
    try:
        found = rewrite_for_gemini(schema).schema
    except SchemaError as error:
        assert error.remedy
    else:
        assert keywords(found) <= ACCEPTED


def test_a_reference_to_any_place_is_inlined():
    schema = {"type": "object", "properties": {"a": {"$ref": "#/properties/b"}, "b": STRING}}
    assert rewrite_for_gemini(schema).schema["properties"]["a"] == STRING


def test_references_that_double_at_each_level_are_refused_in_time():
    levels = 40
    definitions = {
        f"L{number}": {
            "type": "object",
            "properties": {name: {"$ref": f"#/$defs/L{number + 1}"} for name in "ab"},
        }
        for number in range(levels)
    }
    definitions[f"L{levels}"] = STRING
    with pytest.raises(SchemaError, match="too large"):
        rewrite_for_gemini({"$ref": "#/$defs/L0", "$defs": definitions})


def test_the_schema_of_an_answer_is_rewritten_once_and_another_object_again():
    schema = {"type": "object", "properties": {"a": STRING}}
    first = rewrite_answer_schema(schema)
    assert first == rewrite_for_gemini(schema)
    assert rewrite_answer_schema(schema) is first
    other = {"type": "object", "properties": {"b": STRING}}
    assert rewrite_answer_schema(other) == rewrite_for_gemini(other)
    with pytest.raises(SchemaError):
        rewrite_answer_schema({"$ref": "#/$defs/None"})
    assert rewrite_answer_schema(dict(schema)) == first
