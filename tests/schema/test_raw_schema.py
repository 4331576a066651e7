"""Schemas that are given as JSON Schema: as a dict, as text and as a file."""

import json
import random
from contextlib import suppress

import pytest

from gemini_magic.errors import MismatchError, SchemaError
from gemini_magic.schema import as_schema, rewrite_for_gemini
from gemini_magic.schema.problems import CHECKED

STRING = {"type": "string"}

READ = {
    "types in upper case": (
        {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        {"type": "object", "properties": {"a": STRING}},
    ),
    "nullable": (
        {"type": "object", "properties": {"a": {"type": "STRING", "nullable": True}}},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
    ),
    "nullable choice": (
        {"type": "string", "nullable": True, "enum": ["a"]},
        {"type": ["string", "null"], "enum": ["a", None]},
    ),
    "definitions": (
        {"type": "array", "items": {"$ref": "#/definitions/A"}, "definitions": {"A": STRING, "B": {}}},
        {"type": "array", "items": {"$ref": "#/$defs/A"}, "$defs": {"A": STRING}},
    ),
    "a pointer": (
        {"type": "object", "properties": {"a": STRING, "b": {"$ref": "#/properties/a"}}},
        {"type": "object", "properties": {"a": STRING, "b": {"$ref": "#/$defs/a"}}, "$defs": {"a": STRING}},
    ),
    "a tuple of names": (
        {"type": "object", "properties": {"a": STRING}, "required": ("a",)},
        {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
    ),
    "a field with the name of a keyword": (
        {
            "type": "object",
            "properties": {"type": STRING, "properties": STRING, "$ref": STRING, "definitions": STRING},
        },
    )
    * 2,
}


@pytest.mark.parametrize("name", READ)
def test_a_json_schema_is_read(name):
    given, expected = READ[name]
    assert as_schema(given).sent == expected
    assert as_schema(json.dumps(given)).sent == expected


def test_a_reference_to_the_whole_schema_is_recursion():
    schema = as_schema({"type": "object", "properties": {"value": STRING, "next": {"$ref": "#"}}})
    assert schema.problems({"next": {"next": {"value": 3}}}) == ["next.next.value: expected string, got 3"]
    assert rewrite_for_gemini(schema.sent).schema["properties"]["next"]["properties"]["next"] == {
        "$ref": "#/$defs/Answer"
    }


WRONG = {
    "no keyword": ({"name": "str"}, "it has neither a type nor properties"),
    "an empty dict": ({}, "it has neither a type nor properties"),
    "an unknown type": (
        {"type": "object", "properties": {"a": {"type": "int"}}},
        "a: there is no type 'int'",
    ),
    "a type that is a number": ({"type": 3}, "there is no type 3"),
    "properties that are a list": ({"type": "object", "properties": []}, "properties has the wrong type"),
    "a property that is text": (
        {"type": "object", "properties": {"a": "str"}},
        "a: a schema is expected, not 'str'",
    ),
    "an empty enum": ({"enum": []}, "enum is a list with at least one value"),
    "required numbers": ({"type": "object", "required": [[]]}, "required is a list of names"),
    "required text": ({"type": "object", "required": "a"}, "required is a list of names"),
    "a required field without a schema": (
        {"type": "object", "properties": {"a": {}}, "required": ["b"]},
        "the required field 'b' is not one of the properties",
    ),
    "a reference that leads nowhere": ({"$ref": "#/$defs/A"}, "the reference '#/$defs/A' leads nowhere"),
    "a reference to another file": (
        {"$ref": "https://a.b/c"},
        "the reference 'https://a.b/c' leads out of the schema",
    ),
    "a value that is not JSON": ({"type": "string", "default": object()}, "The schema is not JSON"),
    "a keyword that is no text": ({"type": "object", 3: 4}, "a keyword is text, not 3"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_json_schema_is_an_error(name):
    given, message = WRONG[name]
    with pytest.raises(SchemaError) as error:
        as_schema(given)
    assert message in error.value.message


def test_a_schema_that_is_nested_very_deeply_is_an_error():
    schema = STRING
    for _ in range(2000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(SchemaError, match="nested too deeply"):
        as_schema(schema)


def test_a_file_has_a_json_schema(tmp_path):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps({"type": "object", "properties": {"a": STRING}}))
    expected = {"type": "object", "properties": {"a": STRING}}
    assert as_schema(path).sent == as_schema(str(path)).sent == expected
    assert as_schema("schema.json", base=tmp_path).sent == expected
    assert as_schema(path, many=True).sent == {"type": "array", "items": expected}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("{", "is not valid JSON"),
        ("[]", "neither a type"),
        (" " * 1_000_001, "larger than 1 MB"),
    ],
)
def test_a_file_that_has_none_is_an_error(tmp_path, content, message):
    path = tmp_path / "schema.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SchemaError, match=message):
        as_schema(path)


def test_json_with_a_mistake_is_not_read_as_the_short_form():
    with pytest.raises(SchemaError, match="is not valid JSON"):
        as_schema('{"type": "object",}')


def test_a_long_chain_of_definitions_is_an_error_and_no_crash():
    definitions = {f"D{n}": {"type": "array", "items": {"$ref": f"#/$defs/D{n + 1}"}} for n in range(5000)}
    schema = {"$ref": "#/$defs/D0", "$defs": {**definitions, "D5000": STRING}}
    with pytest.raises(SchemaError, match="nested too deeply"):
        as_schema(schema)
    with pytest.raises(SchemaError, match="nested too deeply"):
        rewrite_for_gemini(schema)


KEYWORDS = sorted(CHECKED | {"$defs", "description", "nullable", "title", "default"})
VALUES = (None, True, 0, -3, 2.5, "a", "string", "array", "#", "#/$defs/A", "#/properties/a", [], {}, 10**400)


def random_value(dice, depth):
    kind = dice.random() if depth else 0
    if kind < 0.3:
        return dice.choice(VALUES)
    if kind < 0.6:
        return {dice.choice(KEYWORDS): random_value(dice, depth - 1) for _ in range(3)}
    if kind < 0.8:
        return [random_value(dice, depth - 1) for _ in range(dice.randrange(3))]
    return {dice.choice("abA"): random_value(dice, depth - 1) for _ in range(dice.randrange(3))}


def test_random_schemas_are_read_or_refused_and_random_values_are_checked():
    dice = random.Random(1)
    read = 0
    for _ in range(3000):
        schema = {dice.choice(KEYWORDS): random_value(dice, 3) for _ in range(2)}
        with suppress(SchemaError):
            rewrite_for_gemini(schema)
        with suppress(SchemaError):
            found = as_schema(schema)
            read += 1
            for _ in range(3):
                with suppress(MismatchError):
                    found.load(random_value(dice, 3))
    assert read > 100
