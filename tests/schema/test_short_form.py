"""The short form of a schema: names, types, choices and descriptions, with errors that name the field."""

import pytest

from gemini_magic.errors import SchemaError
from gemini_magic.schema import as_schema

STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def fields(**properties):
    return {"type": "object", "properties": properties, "required": list(properties)}


FORMS = {
    "name": fields(name=STRING),
    "name, age int, tags list[str], kind bug|idea|praise, score float|null": fields(
        name=STRING,
        age=INTEGER,
        tags={"type": "array", "items": STRING},
        kind={"type": "string", "enum": ["bug", "idea", "praise"]},
        score={"type": ["number", "null"]},
    ),
    "name: the full name, age int: in years": fields(
        name={"type": "string", "description": "the full name"},
        age={"type": "integer", "description": "in years"},
    ),
    "kind: bug|idea": fields(kind={"type": "string", "enum": ["bug", "idea"]}),
    "kind bug|idea: what it is": fields(
        kind={"type": "string", "enum": ["bug", "idea"], "description": "what it is"}
    ),
    "age: int": fields(age=INTEGER),
    "tags: list[str]": fields(tags={"type": "array", "items": STRING}),
    "rating 1|2|3": fields(rating={"type": "integer", "enum": [1, 2, 3]}),
    "kind 'in progress'|done": fields(kind={"type": "string", "enum": ["in progress", "done"]}),
    'kind "int"|yes': fields(kind={"type": "string", "enum": ["int", "yes"]}),
    "kind bug|idea|null": fields(
        kind={"anyOf": [{"type": "string", "enum": ["bug", "idea"]}, {"type": "null"}]}
    ),
    "when date, at datetime, ok bool, x any": fields(
        when={"type": "string", "format": "date"},
        at={"type": "string", "format": "date-time"},
        ok={"type": "boolean"},
        x={},
    ),
    "props dict[str,int]": fields(props={"type": "object", "additionalProperties": INTEGER}),
    "who {name, age int}": fields(who=fields(name=STRING, age=INTEGER)),
    "items list[{name, n int}]": fields(items={"type": "array", "items": fields(name=STRING, n=INTEGER)}),
    "items list[name, n int], more": fields(
        items={"type": "array", "items": fields(name=STRING, n=INTEGER)}, more=STRING
    ),
    "grid list[list[int]]": fields(grid={"type": "array", "items": {"type": "array", "items": INTEGER}}),
    "list[name, age int]": {"type": "array", "items": fields(name=STRING, age=INTEGER)},
    "list[str]": {"type": "array", "items": STRING},
    "list[{name}]": {"type": "array", "items": fields(name=STRING)},
    "int": INTEGER,
    "{name, age int}": fields(name=STRING, age=INTEGER),
    "größe float": fields(größe={"type": "number"}),
    "a? int, b": {"type": "object", "properties": {"a": INTEGER, "b": STRING}, "required": ["b"]},
    "a?: int": {"type": "object", "properties": {"a": INTEGER}},
    "name\nage int  # in years, rounded\ntags list[str]: all, sorted\n": fields(
        name=STRING,
        age={"type": "integer", "description": "in years, rounded"},
        tags={"type": "array", "items": STRING, "description": "all, sorted"},
    ),
}


@pytest.mark.parametrize("text", FORMS)
def test_the_short_form_becomes_json_schema(text):
    found = as_schema(text).sent
    assert found == FORMS[text]
    assert list(found.get("properties", ())) == list(FORMS[text].get("properties", ()))


MISTAKES = {
    "": ("The schema is empty.", "For example"),
    "  \n": ("The schema is empty.", "For example"),
    ",,": ("The schema has no fields.", "For example"),
    "a, a int": ("The schema has the field a twice.", "For example"),
    "age integr": ("age: there is no type 'integr'.", "Did you mean integer?"),
    "name full name": ("name: there is no type 'full'.", "a colon before a description"),
    "name str full": ("name: 'full' is not expected after its type.", "Separate fields by commas"),
    "x int|yes": ("x: a choice has either options or types, not both: yes.", "in quotes"),
    "tags list": ("tags: a list needs the type of its items.", "list[str]"),
    "tags list[strng]": ("tags: there is no type 'strng'.", "Did you mean string?"),
    "who dict": ("who: write its fields in braces.", "{name, age int}"),
    "who dict[int,str]": ("who: the keys of a dict are text.", "dict[str, int]"),
    "who {name": ("who: a closing } is missing.", "For example"),
    "tags list[str": ("tags: a closing ] is missing.", "For example"),
    "who {}": ("The schema has no fields.", "For example"),
    "3 int": ("The name of a field is expected, not '3 int'.", "For example"),
    "name str]": ("name: ']' is not expected after its type.", "Separate fields"),
    "a" + " {a" * 40: ("The schema is nested too deeply.", "For example"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_the_short_form_is_an_error_that_names_the_field(text):
    message, remedy = MISTAKES[text]
    with pytest.raises(SchemaError) as error:
        as_schema(text)
    assert error.value.message == message
    assert remedy in error.value.remedy


def test_the_time_to_parse_grows_with_the_text_only():
    many = ", ".join(f"field{number} int" for number in range(3000))
    assert len(as_schema(many).sent["properties"]) == 3000
    with pytest.raises(SchemaError):
        as_schema("x list[" * 3000)
