"""Types become JSON Schema: options in their order, and errors that name the field."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import subprocess
import sys
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, TypedDict

import msgspec
import pydantic
import pytest

from gemini_magic.errors import SchemaError
from gemini_magic.schema import as_schema, object_schema
from gemini_magic.schema.annotations import describe_annotation


class Kind(enum.Enum):
    bug = "bug"
    idea = "idea"
    alpha = "alpha"


class Level(enum.IntEnum):
    high = 3
    low = 1


class Colour(enum.Flag):
    red = 1


class Mixed(enum.Enum):
    one = 1
    text = "x"


@dataclasses.dataclass
class Item:
    """A thing to do."""

    name: Annotated[str, "what to do"]
    urgency: int = 0


@dataclasses.dataclass
class Node:
    value: int
    kids: list["Node"]


class Point(NamedTuple):
    x: int
    label: str = "none"


class Address(TypedDict):
    street: str
    number: NotRequired[int]


class Pet(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    pet_name: Annotated[str, msgspec.Meta(min_length=1, description="its name")]
    age: Annotated[int, msgspec.Meta(ge=0, lt=50)] | None = None


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    tricks: list[str]


class Model(pydantic.BaseModel):
    name: str
    age: int


@dataclasses.dataclass
class HasModel:
    models: list[Model]


T = typing.TypeVar("T")


@dataclasses.dataclass
class Box(typing.Generic[T]):
    value: T


UserId = NewType("UserId", int)
STRING, INTEGER = {"type": "string"}, {"type": "integer"}
ITEM = {
    "type": "object",
    "description": "A thing to do.",
    "properties": {"name": {"type": "string", "description": "what to do"}, "urgency": INTEGER},
    "required": ["name"],
}
POINT = {"type": "object", "properties": {"x": INTEGER, "label": STRING}, "required": ["x"]}

TYPES = {
    "int": (int, INTEGER),
    "float": (float, {"type": "number"}),
    "bool": (bool, {"type": "boolean"}),
    "str": (str, STRING),
    "None": (type(None), {"type": "null"}),
    "Any": (Any, {}),
    "Optional": (Optional[int], {"type": ["integer", "null"]}),  # noqa: UP045 - as users write it
    "union": (int | str, {"type": ["integer", "string"]}),
    "list": (list[int], {"type": "array", "items": INTEGER}),
    "bare list": (list, {"type": "array", "items": {}}),
    "Sequence": (Sequence[str], {"type": "array", "items": STRING}),
    "set": (set[int], {"type": "array", "items": INTEGER, "uniqueItems": True}),
    "tuple of any length": (tuple[int, ...], {"type": "array", "items": INTEGER}),
    "fixed tuple": (
        tuple[int, str],
        {"type": "array", "prefixItems": [INTEGER, STRING], "minItems": 2, "maxItems": 2},
    ),
    "dict": (dict[str, int], {"type": "object", "additionalProperties": INTEGER}),
    "Mapping": (Mapping[str, int], {"type": "object", "additionalProperties": INTEGER}),
    "dict with keys of a Literal": (
        dict[Literal["a", "b"], int],
        {"type": "object", "additionalProperties": INTEGER, "propertyNames": {"enum": ["a", "b"]}},
    ),
    "Literal keeps its order": (Literal["z", "a"], {"type": "string", "enum": ["z", "a"]}),
    "Literal of numbers": (Literal[3, 1], {"type": "integer", "enum": [3, 1]}),
    "Literal of mixed types": (
        Literal[1, "a", None],  # noqa: PYI061 - as users write it
        {"type": ["integer", "string", "null"], "enum": [1, "a", None]},
    ),
    "Literal of members": (Literal[Kind.idea], {"type": "string", "enum": ["idea"]}),
    "Enum keeps its order": (Kind, {"type": "string", "enum": ["bug", "idea", "alpha"]}),
    "IntEnum keeps its order": (Level, {"type": "integer", "enum": [3, 1]}),
    "optional Enum": (
        Kind | None,
        {"anyOf": [{"type": "string", "enum": ["bug", "idea", "alpha"]}, {"type": "null"}]},
    ),
    "datetime": (dt.datetime, {"type": "string", "format": "date-time"}),
    "date": (dt.date, {"type": "string", "format": "date"}),
    "time": (dt.time, {"type": "string", "format": "time"}),
    "timedelta": (dt.timedelta, {"type": "string", "format": "duration"}),
    "UUID": (uuid.UUID, {"type": "string", "format": "uuid"}),
    "Decimal": (decimal.Decimal, {"type": "string", "description": "a decimal number"}),
    "NewType": (UserId, INTEGER),
    "Annotated text": (Annotated[int, "in years"], {"type": "integer", "description": "in years"}),
    "dataclass": (Item, ITEM),
    "TypedDict": (
        Address,
        {"type": "object", "properties": {"street": STRING, "number": INTEGER}, "required": ["street"]},
    ),
    "NamedTuple": (Point, POINT),
    "Struct": (
        Pet,
        {
            "type": "object",
            "properties": {
                "petName": {"type": "string", "minLength": 1, "description": "its name"},
                "age": {
                    "anyOf": [{"type": "integer", "exclusiveMaximum": 50, "minimum": 0}, {"type": "null"}]
                },
            },
            "required": ["petName"],
            "additionalProperties": False,
        },
    ),
    "list of classes": (
        list[Item],
        {"type": "array", "items": {"$ref": "#/$defs/Item"}, "$defs": {"Item": ITEM}},
    ),
    "recursive class": (
        Node,
        {
            "$ref": "#/$defs/Node",
            "$defs": {
                "Node": {
                    "type": "object",
                    "properties": {
                        "value": INTEGER,
                        "kids": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                    },
                    "required": ["value", "kids"],
                }
            },
        },
    ),
    "generic class": (
        Box[int],
        {"type": "object", "properties": {"value": INTEGER}, "required": ["value"]},
    ),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_becomes_json_schema(name):
    hint, schema = TYPES[name]
    found = describe_annotation(hint).schema
    assert found == schema
    assert str(list(found.get("properties", ()))) == str(list(schema.get("properties", ())))  # the order too


def test_tagged_structs_become_alternatives_with_their_tag():
    schema = as_schema(list[Cat | Dog])
    assert [each["properties"]["type"] for each in schema.sent["$defs"].values()] == [
        {"type": "string", "enum": ["Cat"]},
        {"type": "string", "enum": ["Dog"]},
    ]
    assert schema.load([{"type": "Dog", "tricks": ["sit"]}]) == [Dog(tricks=["sit"])]


REFUSED = {
    "keys that are not text": (
        dict[int, str],
        "field: the keys of dict[int, str] are not text, as JSON requires.",
    ),
    "bytes": (bytes, "field: bytes has no JSON form."),
    "object": (object, "field: object has no JSON form."),
    "Path": (pathlib.Path, "field: Path has no JSON form."),
    "complex": (complex, "field: complex has no JSON form."),
    "type": (type, "field: type has no JSON form."),
    "Iterable": (Iterable[int], "field: Iterable[int] has no JSON form."),
    "deque": (collections.deque, "field: deque has no JSON form."),
    "Counter": (collections.Counter, "field: Counter has no JSON form."),
    "OrderedDict": (collections.OrderedDict, "field: OrderedDict has no JSON form."),
    "Callable": (Callable[[int], int], "field: Callable[[int], int] has no JSON form."),
    "Flag": (Colour, "field: Colour is a Flag, whose values combine."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_type_without_a_json_form_is_refused_with_the_path_of_its_field(name):
    hint, message = REFUSED[name]
    holder = dataclasses.make_dataclass("Holder", [("field", hint)])
    with pytest.raises(SchemaError) as error:
        as_schema(holder)
    assert error.value.message == message
    assert error.value.remedy


def test_the_path_of_a_refused_field_leads_through_lists_and_classes():
    inner = dataclasses.make_dataclass("Inner", [("data", bytes)])
    outer = dataclasses.make_dataclass("Outer", [("rows", list[inner])])
    with pytest.raises(SchemaError, match=r"rows\[\]\.data: bytes has no JSON form\."):
        as_schema(outer)


@pytest.mark.parametrize(
    "hint", [Item | Node, list[int] | list[str], Mixed], ids=["objects", "arrays", "mixed enum"]
)
def test_a_type_that_msgspec_cannot_load_is_refused_in_its_words(hint):
    with pytest.raises(SchemaError, match="is not supported") as error:
        as_schema(hint)
    assert "pydantic" in error.value.remedy


def test_a_plain_class_with_annotations_is_refused_with_the_remedy():
    class Plain:
        name: str

    with pytest.raises(SchemaError) as error:
        as_schema(Plain)
    assert error.value.remedy == "Make it a dataclass: put @dataclass above class Plain."


def test_a_class_inside_a_function_that_names_itself_is_refused_with_the_reason():
    @dataclasses.dataclass
    class Local:
        kids: "list[Local]"

    with pytest.raises(SchemaError) as error:
        as_schema(Local)
    assert "names itself" in error.value.message
    assert error.value.remedy == "Define it outside of functions."


@pytest.mark.parametrize("given", [3, None, 3.5, pytest.param(object(), id="object"), [1]], ids=repr)
def test_a_value_that_is_no_schema_is_refused(given):
    with pytest.raises(SchemaError, match="is not a schema"):
        as_schema(given)


LOADED = {
    "dataclass": (Item, {"name": "a", "urgency": 2}, Item("a", 2)),
    "default": (Item, {"name": "a"}, Item("a", 0)),
    "whole float": (Item, {"name": "a", "urgency": 3.0}, Item("a", 3)),
    "whole float in a list": (list[int], [1.0, 2], [1, 2]),
    "whole float in pydantic": (Model, {"name": "a", "age": 3.0}, Model(name="a", age=3)),
    "TypedDict": (Address, {"street": "a"}, {"street": "a"}),
    "NamedTuple": (Point, {"x": 1}, Point(1, "none")),
    "NamedTuple in a list": (list[Point], [{"x": 1, "label": "b"}], [Point(1, "b")]),
    "NamedTuple in a dict": (dict[str, Point], {"a": {"x": 1}}, {"a": Point(1)}),
    "optional NamedTuple": (Point | None, {"x": 1}, Point(1)),
    "NamedTuple in a tuple": (tuple[int, Point], [1, {"x": 1}], (1, Point(1))),
    "Struct with other names": (Pet, {"petName": "Rex"}, Pet("Rex")),
    "Enum": (Kind, "idea", Kind.idea),
    "date": (dt.date, "2026-01-31", dt.date(2026, 1, 31)),
    "datetime": (dt.datetime, "2026-01-31T12:00:00", dt.datetime(2026, 1, 31, 12)),  # noqa: DTZ001 - as the model wrote it
    "set": (set[int], [1, 1, 2], {1, 2}),
    "recursive class": (Node, {"value": 1, "kids": [{"value": 2, "kids": []}]}, Node(1, [Node(2, [])])),
    "pydantic model": (Model, {"name": "a", "age": 1}, Model(name="a", age=1)),
    "list of models": (list[Model], [{"name": "a", "age": 1}], [Model(name="a", age=1)]),
    "dataclass with models": (
        HasModel,
        {"models": [{"name": "a", "age": 1}]},
        HasModel([Model(name="a", age=1)]),
    ),
    "generic class": (Box[int], {"value": 1}, Box(1)),
}


@pytest.mark.parametrize("name", LOADED)
def test_a_value_becomes_an_instance_of_the_type(name):
    hint, value, instance = LOADED[name]
    found = as_schema(hint).load(value)
    assert found == instance
    assert type(found) is type(instance)


def test_pydantic_is_never_imported():
    code = (
        "import sys, dataclasses\n"
        "from gemini_magic.schema import as_schema\n"
        "Item = dataclasses.make_dataclass('Item', [('name', str)])\n"
        "as_schema(list[Item]).load([{'name': 'a'}])\n"
        "as_schema('name, age int').problems({'name': 3})\n"
        "print([each for each in ('pydantic', 'jsonschema', 'regex') if each in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_fields_of_an_object_are_loaded_one_by_one():
    schema = object_schema(
        {"city": str, "day": dt.date, "point": Point, "model": Model},
        optional=["day"],
        descriptions={"city": "where"},
    )
    assert schema.sent["properties"]["city"] == {"type": "string", "description": "where"}
    assert schema.sent["required"] == ["city", "point", "model"]
    value = {"city": "Paris", "day": "2026-01-31", "point": {"x": 1}, "model": {"name": "a", "age": 1}}
    loaded = schema.load(value)
    assert loaded == {
        "city": "Paris",
        "day": dt.date(2026, 1, 31),
        "point": Point(1),
        "model": Model(name="a", age=1),
    }
    assert schema.problems({"city": 3, "point": {"x": "1"}, "model": {"name": "a"}, "other": 1}) == [
        "other: expected no such field, got 1",
        "city: expected string, got 3",
        'point.x: expected integer, got "1"',
        "model.age: expected integer, got nothing",
    ]


def test_classes_of_the_same_name_in_several_fields_are_kept_apart():
    first = dataclasses.make_dataclass("Part", [("a", int)])
    other = dataclasses.make_dataclass("Part", [("b", str)])
    schema = object_schema({"one": list[first], "two": list[other]})
    assert list(schema.sent["$defs"]) == ["Part", "Part_2"]
    assert schema.sent["properties"]["two"]["items"] == {"$ref": "#/$defs/Part_2"}
    assert schema.load({"one": [], "two": [{"b": "x"}]})["two"] == [other("x")]


def test_a_literal_of_members_is_refused_with_a_remedy_that_fits():
    with pytest.raises(SchemaError, match="Literal may only contain") as caught:
        as_schema(Literal[Kind.idea])
    assert caught.value.remedy.startswith("Write the values themselves")
