"""Functions become declarations: every kind of callable, and the error for what cannot be declared."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

import gemini_magic
from gemini_magic.content import Call
from gemini_magic.errors import OptionError
from gemini_magic.tools import prepare_call, tools_from


class Unit(Enum):
    WARM = "warm"
    COLD = "cold"


@dataclass
class Place:
    lat: float
    lon: float


def weather(city: str, when: datetime, unit: Unit = Unit.WARM) -> str:
    """Weather of a city.

    Args:
        city: The city.
        when: The day.
    """
    return f"{city} {when:%Y} {unit.name}"


async def later(city: str) -> str:
    """Weather later."""
    return city


class Station:
    """A weather station."""

    def read(self, city: str) -> str:
        """Read it."""
        return city

    @classmethod
    def of_class(cls, city: str) -> str:
        """Read the class."""
        return city

    @staticmethod
    def of_none(city: str) -> str:
        """Read nothing."""
        return city

    def __call__(self, city: str) -> str:
        """Call it."""
        return city


class LateStation:
    """A station."""

    async def __call__(self, city: str) -> str:
        return city


def wrapping(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@wrapping
def wrapped(city: str) -> str:
    """Wrapped."""
    return city


@wrapping
async def wrapped_later(city: str) -> str:
    """Wrapped later."""
    return city


def positional(city: str, days: int = 3, /, *, unit: str = "C") -> Any:
    """Takes two by position."""
    return city, days, unit


def keyed(secret: str, city: str) -> str:
    """Takes a secret."""
    return secret + city


def made_inside():
    class Local(msgspec.Struct):
        name: str

    def inside(place: Local) -> str:
        """Inside."""
        return place.name if isinstance(place, Local) else ""

    return inside


def tool_of(function):
    (found,) = tools_from(function)
    return found


def run(function, **arguments):
    """What a call of the model returns."""
    tool = tool_of(function)
    prepared = prepare_call(Call(tool.name, arguments), [tool])
    assert prepared.problems == ()
    return tool.function(*prepared.args, **prepared.kwargs)


def test_a_function_with_types_and_a_docstring():
    tool = tool_of(weather)
    assert (tool.name, tool.description, tool.notices) == ("weather", "Weather of a city.", ())
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city."},
            "when": {"type": "string", "format": "date-time", "description": "The day."},
            "unit": {"type": "string", "enum": ["warm", "cold"]},
        },
        "required": ["city", "when"],
        "additionalProperties": False,
    }
    assert (tool.function, tool.source, tool.is_async, tool.confirm) == (weather, "function", False, False)
    assert run(weather, city="Rome", when="2026-01-02T00:00:00", unit="cold") == "Rome 2026 COLD"


ONE_CITY = [
    (later, "later", "Weather later.", True),
    (Station().read, "read", "Read it.", False),
    (Station.of_class, "of_class", "Read the class.", False),
    (Station.of_none, "of_none", "Read nothing.", False),
    (Station(), "Station", "Call it.", False),
    (LateStation(), "LateStation", "A station.", True),
    (wrapped, "wrapped", "Wrapped.", False),
    (wrapped_later, "wrapped_later", "Wrapped later.", True),
    (functools.partial(keyed, "s"), "keyed", "Takes a secret.", False),
    (functools.partial(keyed, secret="s"), "keyed", "Takes a secret.", False),
    (functools.partial(functools.partial(later)), "later", "Weather later.", True),
    (functools.lru_cache(wrapped), "wrapped", "Wrapped.", False),
]


@pytest.mark.parametrize(("function", "name", "text", "is_async"), ONE_CITY)
def test_other_callables_with_one_parameter(function, name, text, is_async):
    tool = tool_of(function)
    assert (tool.name, tool.description, tool.is_async) == (name, text, is_async)
    assert tool.parameters["properties"] == {"city": {"type": "string"}}
    result = run(function, city="Rome")
    if inspect.isawaitable(result):
        result.close()
    else:
        assert result.endswith("Rome")


def test_what_a_partial_has_bound_is_neither_offered_nor_described():
    tool = tool_of(functools.partial(keyed, secret="hunter2"))
    assert "secret" not in tool.parameters["properties"]
    assert "hunter2" not in str(tool.declaration)
    assert prepare_call(Call("keyed", {"city": "a", "secret": "b"}), [tool]).problems


def test_parameters_that_are_positional_only_are_passed_by_position():
    assert run(positional, city="a", days=2, unit="F") == ("a", 2, "F")
    assert run(positional, city="a", unit="F") == ("a", 3, "F")


def test_a_type_of_an_enclosing_function():
    assert run(made_inside(), place={"name": "x"}) == "x"


def f_annotated(
    a: Annotated[int, "The number."],
    b: Annotated[int, msgspec.Meta(ge=0, description="From 0.")] = 3,
    c=2.5,
    d: Literal["z", "a"] = "z",
    e: str | None = None,
    *rest: int,
    place: Place | None = None,
    **more: int,
):
    """Take many.

    Args:
        a: Not this text.
        c: A factor, 1 by default
        e: Any text.
        rest: More numbers.
    """


def test_hints_defaults_and_stars():
    tool = tool_of(f_annotated)
    fields = tool.parameters["properties"]
    assert list(fields) == ["a", "b", "c", "d", "e", "place"]
    assert tool.parameters["required"] == ["a"]
    assert fields["a"] == {"type": "integer", "description": "The number."}
    assert fields["b"]["minimum"] == 0
    assert fields["b"]["description"] == "From 0. Default: 3."
    assert fields["c"] == {"type": "number", "description": "A factor, 1 by default"}
    assert fields["d"] == {"type": "string", "enum": ["z", "a"], "description": "Default: 'z'."}
    assert fields["e"]["description"] == "Any text."
    assert tool.notices == ()


def test_a_parameter_with_a_default_that_cannot_be_expressed_is_left_out_with_a_notice():
    def plot(kind: str, frame=None, done: Callable[[], None] = print, größe: int = 1):  # noqa: PLC2401
        """Plot it."""

    tool = tool_of(plot)
    assert list(tool.parameters["properties"]) == ["kind"]
    assert [notice.partition(":")[0] for notice in tool.notices] == [
        f"The tool plot is offered without the parameter {name}" for name in ("frame", "done", "größe")
    ]


def test_notices_about_docstrings():
    def bare(city: str):
        pass

    def wrong(city: str):
        """Text.

        Args:
            town: The town.
        """

    assert tool_of(bare).description.startswith("bare(city: ")
    assert tool_of(bare).notices == ("The tool bare has no docstring, so the model sees only its signature.",)
    assert tool_of(wrong).notices == (
        "The docstring of wrong describes parameters that it does not have: town.",
    )


def test_defaults_that_may_be_secret_are_not_sent():
    def login(user: str = "me", password: str = "hunter2", api_key="sk-1", note: str = "n" * 40):
        pass

    tool = tool_of(login)
    sent = str(tool.declaration)
    assert tool.description == "login(user: str, password: str, api_key, note: str)"
    assert "Default: 'me'" in sent
    assert not any(text in sent for text in ("hunter2", "sk-1", "nnn"))
    bound = tool_of(functools.partial(login, password="x"))
    assert "password" not in str(bound.declaration)


def test_what_a_function_returns_is_part_of_its_description():
    def temperature() -> float:
        """Temperature here.

        Returns:
            Degrees Celsius.
        """

    tool = tool_of(temperature)
    assert tool.description == "Temperature here.\n\nReturns: Degrees Celsius."
    assert tool.parameters is None
    assert prepare_call(Call("temperature", {}), [tool]).problems == ()
    assert prepare_call(Call("temperature", {"a": 1}), [tool]).problems


def untyped(city):
    """Text."""


def unknown(city: Ciudad):  # noqa: F821 - the name is not defined
    """Text."""


def of_frame(frame: DataFrame):
    """Text."""


class DataFrame:
    pass


def of_call(done: Callable[[int], int]):
    """Text."""


def of_bytes(data: bytes):
    """Text."""


def café(a: int):  # noqa: PLC2401
    """Text."""


def umlaut(größe: int):  # noqa: PLC2401
    """Text."""


def stream_rows(n: int):
    """Text."""
    yield n


@pytest.mark.parametrize(
    ("function", "message", "remedy"),
    [
        (untyped, "untyped cannot be a tool: the parameter city has no type.", "city: str"),
        (Station.read, "read cannot be a tool: the parameter self has no type.", "obj.method"),
        (
            unknown,
            "the type of the parameter city is not known (name 'Ciudad' is not defined)",
            "Define the type",
        ),
        (of_frame, "the type of the parameter frame", "name of the table as str"),
        (of_call, "the type of the parameter done", ""),
        (of_bytes, "the type of the parameter data", "Use str"),
        (lambda a: a, "A lambda cannot be a tool", "Use def"),
        (café, "the API accepts only ASCII", "name="),
        (umlaut, "the parameter größe has a name that the API does not accept", "ASCII letters"),
        (stream_rows, "stream_rows cannot be a tool: it is a generator.", "Return a list"),
        (Place, "Place cannot be a tool: it is a class.", "Define a function"),
        (len, "len cannot be a tool: the parameter obj has no type.", ""),
        (dict.fromkeys, "fromkeys cannot be a tool", ""),
        (3, "tools must be a list of functions, not int.", "tools=[weather]"),
    ],
)
def test_what_cannot_be_a_tool_has_an_error_with_a_remedy(function, message, remedy):
    with pytest.raises(OptionError) as problem:
        tools_from(function)
    assert message in problem.value.message
    assert problem.value.remedy
    assert remedy in problem.value.remedy


def test_a_pydantic_model_is_a_type():
    pydantic = pytest.importorskip("pydantic")

    class Person(pydantic.BaseModel):
        name: str
        age: int

    def greet(person: Person) -> str:
        """Greet."""
        return f"{type(person).__name__} {person.name}"

    greet.__annotations__["person"] = Person
    assert run(greet, person={"name": "Ada", "age": 36}) == "Person Ada"
    tool = tool_of(greet)
    (problem,) = prepare_call(Call("greet", {"person": {"name": "Ada", "age": "x"}}), [tool]).problems
    assert problem.startswith("person.age: expected integer")


def test_settings_of_the_decorator():
    @gemini_magic.tool(
        name="get_weather", description="Ask me.", confirm=True, thread=True, timeout=3, max_result=50
    )
    def f(city: str) -> str:
        """Text."""
        return city

    tool = tool_of(f)
    assert (tool.name, tool.description, tool.confirm, tool.thread) == ("get_weather", "Ask me.", True, True)
    assert (tool.timeout, tool.max_result) == (3, 50)
    assert f("x") == "x"

    @gemini_magic.tool
    def g(city: str) -> str:
        """Text."""
        return city

    assert tool_of(g).name == "g"

    @gemini_magic.tool(confirm=True)
    def risky(city: str, days: int) -> str:
        """Text."""
        return city

    class Holder:
        @gemini_magic.tool(confirm=True)
        def risky(self, city: str) -> str:
            """Text."""
            return city

    confirmed = (
        risky,
        functools.partial(risky, days=1),
        wrapping(risky),
        functools.lru_cache(risky),
        Holder().risky,
    )
    assert all(tool_of(each).confirm for each in confirmed)
    assert tool_of(gemini_magic.tool(functools.partial(keyed, "s"), name="find")).name == "find"
    assert (
        tool_of(gemini_magic.tool(lambda city="x": city, name="short", description="Text.")).name == "short"
    )
