"""One line for each problem of a value, in one form, whatever the schema was made from."""

import dataclasses
import datetime as dt
import decimal
import enum
import time
from typing import Annotated, Literal, NamedTuple, TypedDict

import msgspec
import pydantic
import pytest

from gemini_magic.errors import MismatchError
from gemini_magic.schema import as_schema, find_problems


class Kind(enum.Enum):
    bug = "bug"
    idea = "idea"


@dataclasses.dataclass
class DataItem:
    urgency: int
    kind: Kind


class StructItem(msgspec.Struct):
    urgency: int
    kind: Kind


class TupleItem(NamedTuple):
    urgency: int
    kind: Kind


class DictItem(TypedDict):
    urgency: int
    kind: Literal["bug", "idea"]


class ModelItem(pydantic.BaseModel):
    urgency: int
    kind: Kind


SHORT = "items list[urgency int, kind bug|idea]"
VALUE = {"items": [{"urgency": 1, "kind": "bug"}, {"urgency": "high", "kind": "joke"}, {"kind": "idea"}]}
LINES = [
    'items[1].urgency: expected integer, got "high"',
    'items[1].kind: expected "bug" or "idea", got "joke"',
    "items[2].urgency: expected integer, got nothing",
]


@pytest.mark.parametrize("item", [DataItem, StructItem, TupleItem, DictItem, ModelItem, None])
def test_the_problems_have_one_form_whatever_the_type(item):
    given = SHORT if item is None else dataclasses.make_dataclass("Holder", [("items", list[item])])
    with pytest.raises(MismatchError) as error:
        as_schema(given).load(VALUE)
    assert list(error.value.problems) == LINES
    assert error.value.message == f"The answer does not fit the schema: {LINES[0]} (and 2 more)."


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
PROBLEMS = [
    (INTEGER, "x", 'the answer: expected integer, got "x"'),
    (INTEGER, True, "the answer: expected integer, got true"),
    (INTEGER, 2.5, "the answer: expected integer, got 2.5"),
    (INTEGER, 3.0, None),
    ({"type": "number"}, 3, None),
    ({"type": ["string", "null"]}, 3, "the answer: expected string or null, got 3"),
    ({"type": "array", "items": INTEGER}, [1, "a"], '[1]: expected integer, got "a"'),
    (STRING, [1, 2], "the answer: expected string, got an array with 2 items"),
    (STRING, {"a": 1}, "the answer: expected string, got an object with 1 field"),
    (STRING, {}, "the answer: expected string, got {}"),
    ({"enum": [1, "a"]}, True, 'the answer: expected 1 or "a", got true'),
    ({"const": "a"}, "b", 'the answer: expected "a", got "b"'),
    (
        {"type": "object", "additionalProperties": INTEGER},
        {"a key": "b"},
        '["a key"]: expected integer, got "b"',
    ),
    ({"type": "object", "additionalProperties": False}, {"a": 1}, "a: expected no such field, got 1"),
    ({"type": "object", "required": ["a"]}, {}, "a: expected a value, got nothing"),
    ({"type": "array", "prefixItems": [INTEGER, STRING]}, [1, 2], "[1]: expected string, got 2"),
    ({"type": "array", "minItems": 2}, [1], "the answer: expected at least 2 items, got 1 item"),
    ({"type": "array", "maxItems": 1}, [1, 2], "the answer: expected at most 1 item, got 2 items"),
    ({"type": "array", "uniqueItems": True}, [1, 2, 1], "[2]: expected no item twice, got 1"),
    ({"type": "integer", "minimum": 3}, 2, "the answer: expected at least 3, got 2"),
    ({"type": "number", "exclusiveMaximum": 3}, 3, "the answer: expected less than 3, got 3"),
    ({"type": "number", "multipleOf": 0.1}, 0.25, "the answer: expected a multiple of 0.1, got 0.25"),
    ({"type": "number", "multipleOf": 0.1}, 0.3, None),
    ({"type": "string", "minLength": 2}, "a", "the answer: expected at least 2 characters, got 1 character"),
    ({"type": "string", "maxLength": 1}, "ab", "the answer: expected at most 1 character, got 2 characters"),
    ({"type": "string", "pattern": "^a"}, "b", 'the answer: expected text that matches ^a, got "b"'),
    (
        {"type": "string", "format": "date"},
        "now",
        'the answer: expected a date such as 2026-01-31, got "now"',
    ),
    ({"type": "string", "format": "date-time"}, "2026-01-31T12:00:00Z", None),
    ({"type": "string", "format": "uuid"}, "x", 'the answer: expected a UUID, got "x"'),
    ({"type": "string", "format": "unknown"}, "x", None),
    ({"type": "object", "maxProperties": 0}, {"a": 1}, "the answer: expected at most no fields, got 1 field"),
    ({"type": "object", "propertyNames": {"enum": ["a"]}}, {"b": 1}, 'b: expected the name "a", got "b"'),
    ({"anyOf": [INTEGER, STRING]}, None, "the answer: expected integer or string, got null"),
    ({"allOf": [INTEGER, {"minimum": 3}]}, 1, "the answer: expected at least 3, got 1"),
    (STRING | {"description": "x"}, "a\n\x1b[31mb" * 20, None),
    (
        INTEGER,
        "\x1b[31m\u202e" + "x" * 100,
        f'the answer: expected integer, got "\\u001b[31m⟨U+202E⟩{"x" * 53}…"',
    ),
    (INTEGER, 10**400 + 0.5 if False else "1", 'the answer: expected integer, got "1"'),
]


@pytest.mark.parametrize(("schema", "value", "line"), PROBLEMS)
def test_a_problem_is_described_on_one_line(schema, value, line):
    assert find_problems(value, schema) == ([] if line is None else [line])


def test_problems_are_in_the_order_of_the_fields():
    schema = as_schema("a int, b int, c int")
    assert schema.problems({"c": "x", "a": "y"}) == [
        'a: expected integer, got "y"',
        "b: expected integer, got nothing",
        'c: expected integer, got "x"',
    ]


def test_of_several_alternatives_the_nearest_is_described():
    cat = {
        "type": "object",
        "properties": {"type": {"const": "cat"}, "lives": INTEGER},
        "required": ["type", "lives"],
    }
    dog = {"type": "object", "properties": {"type": {"const": "dog"}, "tricks": STRING}, "required": ["type"]}
    schema = {"type": "array", "items": {"anyOf": [cat, dog]}}
    assert find_problems([{"type": "dog", "tricks": 3}], schema) == ["[0].tricks: expected string, got 3"]
    assert find_problems([{"type": "cat"}], schema) == ["[0].lives: expected integer, got nothing"]


def test_a_recursive_schema_is_followed():
    node = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}}
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    assert find_problems({"kids": [{"kids": [{"kids": 3}]}]}, schema) == [
        "kids[0].kids[0].kids: expected array, got 3"
    ]


def test_the_number_of_lines_is_limited():
    assert len(find_problems(["x"] * 100_000, {"type": "array", "items": INTEGER})) == 50


def deep(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_nested_alternatives_take_linear_time():
    node = {"$ref": "#/$defs/Node"}
    either = {
        "anyOf": [
            {"type": "object", "properties": {"a": node, "b": INTEGER}, "required": ["b"]},
            {"type": "object", "properties": {"a": node, "c": INTEGER}, "required": ["c"]},
        ]
    }
    begun = time.process_time()
    assert find_problems(deep(80), {**node, "$defs": {"Node": either}})
    assert time.process_time() - begun < 1  # without a memory of results: 2**80 checks


def test_whole_numbers_in_nested_alternatives_take_linear_time():
    node = {"$ref": "#/$defs/Node", "description": "beside it"}
    branches = [{"type": "object", "properties": {"a": node, name: INTEGER}} for name in "bc"]
    value = {"b": 1.0}
    for _ in range(40):
        value = {"a": value, "b": 1.0, "c": 2.0}
    begun = time.process_time()
    loaded = as_schema({**node, "$defs": {"Node": {"anyOf": branches}}}).load(value)
    assert time.process_time() - begun < 1  # without a memory of results: 2**40 visits
    assert repr(loaded["a"]["a"]["c"]) == "2"


def test_alternatives_inside_alternatives_are_no_crash():
    node = {"$ref": "#/$defs/Node"}
    either = {"type": "object", "properties": {"a": node}}
    for _ in range(20):
        either = {"anyOf": [{"type": "string"}, either]}
    schema = as_schema({**node, "$defs": {"Node": either}})
    assert schema.problems(deep(95)) in ([], ["the answer: expected fewer levels, got too many to check"])


def test_a_very_deep_value_is_a_problem_and_no_crash():
    schema = {
        "$ref": "#/$defs/Node",
        "$defs": {"Node": {"type": "object", "properties": {"a": {"$ref": "#/$defs/Node"}}}},
    }
    assert find_problems(deep(300), schema) == ["a.a.a: expected at most 100 levels, got more"]


def test_a_pattern_that_takes_too_long_is_stopped():
    begun = time.process_time()
    [line] = find_problems("a" * 40 + "b", {"type": "string", "pattern": "^(a|aa)+$"})
    assert "within 0.1 s" in line
    assert time.process_time() - begun < 2


class Checked(pydantic.BaseModel):
    age: int

    @pydantic.field_validator("age")
    @classmethod
    def adult(cls, value):
        if value < 18:
            raise ValueError("must be an adult")
        return value


@dataclasses.dataclass
class CheckedData:
    age: Annotated[int, msgspec.Meta(multiple_of=5)]

    def __post_init__(self):
        if self.age < 18:
            raise ValueError("must be an adult")


@dataclasses.dataclass
class Unusual:
    wait: dt.timedelta
    price: decimal.Decimal
    counts: dict[Kind, int]


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("wait", "soon", 'wait: expected ISO8601 duration, got "soon"'),
        ("price", "much", 'price: expected decimal string, got "much"'),
        ("counts", {"joke": 1}, 'counts.joke: expected the name "bug" or "idea", got "joke"'),
    ],
)
def test_a_value_that_only_the_type_checks_has_the_same_form(field, value, line):
    good = {"wait": "P1D", "price": "1.5", "counts": {"bug": 1}}
    schema = as_schema(Unusual)
    assert schema.load(good) == Unusual(dt.timedelta(1), decimal.Decimal("1.5"), {Kind.bug: 1})
    assert schema.problems(good | {field: value}) == [line]


def test_the_checks_of_a_class_speak_in_their_own_words():
    assert as_schema(list[Checked]).problems([{"age": 20}, {"age": 3}]) == [
        "[1].age: must be an adult, got 3"
    ]
    assert as_schema(list[CheckedData]).problems([{"age": 20}, {"age": 5}]) == ["[1]: must be an adult"]


def test_pydantic_keeps_its_own_lenient_rule_and_msgspec_its_strict_one():
    assert as_schema(ModelItem).load({"urgency": "3", "kind": "bug"}).urgency == 3
    assert as_schema(DataItem).problems({"urgency": "3", "kind": "bug"}) == [
        'urgency: expected integer, got "3"'
    ]


def test_the_place_of_a_problem_in_a_union_of_models_has_no_names_of_classes():
    class Cat(pydantic.BaseModel):
        kind: Literal["cat"]
        lives: int

    class Dog(pydantic.BaseModel):
        kind: Literal["dog"]
        tricks: int

    class Home(pydantic.BaseModel):
        pet: Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]

    assert as_schema(Home).problems({"pet": {"kind": "dog", "tricks": "x"}}) == [
        'pet.tricks: expected integer, got "x"'
    ]
