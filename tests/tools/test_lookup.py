"""Tools by name, in lists, and declarations without a function; the values of the decorator."""

from __future__ import annotations

import pytest

import gemini_magic
from gemini_magic.content import FunctionDeclaration
from gemini_magic.errors import OptionError
from gemini_magic.tools import Tool, can_be_tool, is_marked, tools_from

DECLARED = {"name": "book", "description": "Books.", "parameters": {"type": "OBJECT", "properties": {}}}


def weather(city: str) -> str:
    """Weather of a city."""
    return city


def names(*given, **more):
    return [tool.name for tool in tools_from(*given, **more)]


def test_one_tool_or_several():
    own = Tool(name="own")
    assert names(weather) == ["weather"]
    assert names([weather, own, DECLARED]) == ["weather", "own", "book"]
    assert names(own) == ["own"]
    assert names(DECLARED) == ["book"]
    assert names(None) == names(()) == []
    assert names("weather", {"weather": weather}) == ["weather"]


def test_names_are_looked_up_in_the_namespace_and_then_among_the_ready_made_tools():
    ready = {"sql": Tool(name="sql", source="ready-made"), "weather": Tool(name="other")}
    space = {"weather": weather, "sql": "select 1", "book": DECLARED}
    assert names(["weather", "sql", "book"], space, ready_made=ready) == ["weather", "sql", "book"]
    assert names(["sql"], None, ready_made=ready) == ["sql"]


class Station:
    def read(self, city: str) -> str:
        """Read it."""
        return city


def test_a_dotted_name_is_a_method_of_a_variable():
    (tool,) = tools_from("station.read", {"station": Station()})
    assert (tool.name, tool.function("x")) == ("read", "x")


@pytest.mark.parametrize(
    ("given", "space", "message", "remedy"),
    [
        (
            "wether",
            {"weather": weather},
            "--tool wether: there is no function of that name.",
            "Did you mean weather?",
        ),
        ("zzz", {"weather": weather}, "--tool zzz: there is no function of that name.", "in a cell above"),
        ("x", {"x": 3}, "An object of the type int cannot be a tool.", "Give a function"),
        (
            "a.b.c",
            {"a": Station},
            "--tool a.b.c: an object of the type type has no attribute b.",
            "station.read",
        ),
        ("a.b", {}, "--tool a.b: there is no function of that name.", "in a cell above"),
        ("a, b", {}, "--tool 'a, b' is not the name of a function.", "Repeat the option: -T a -T b"),
        ("", {}, "--tool '' is not the name of a function.", "-T weather"),
        (
            "def f(x: int):\n    return " + "x" * 99,
            {},
            f"--tool 'def f(x: int): return {'x' * 38}…' is not the name of a function.",
            "-T weather",
        ),
        ("weather", None, "tools: 'weather' is text.", "tools=[weather]"),
        ([weather, weather], None, "Two tools have the name weather.", "name="),
        ({"description": "x"}, None, "A declaration has no name.", '"name"'),
        ({"name": "a b"}, None, "A declaration has the name 'a b', which is not valid.", '"name"'),
        (
            {"name": "a", "parameters": 3},
            None,
            "The parameters of the declaration a must be a JSON object.",
            "type",
        ),
        (
            {"name": "a", "parameters": {}, "parametersJsonSchema": {}},
            None,
            "The declaration a has parametersJsonSchema and parameters.",
            "only one",
        ),
    ],
)
def test_mistakes(given, space, message, remedy):
    with pytest.raises(OptionError) as problem:
        tools_from(given, space)
    assert problem.value.message == message
    assert remedy in problem.value.remedy


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (nested(5000), "it is nested too deeply"),
        ({"x": float("nan")}, "Out of range"),
        ({"x": {1}}, "Object of type set"),
    ],
    ids=["levels", "NaN", "set"],
)
def test_a_declaration_that_is_not_json_is_an_error(inside, reason):
    with pytest.raises(OptionError, match=f"The declaration a is not JSON: {reason}"):
        tools_from({"name": "a", "parameters": {"type": "object", "properties": inside}})


def test_no_function_of_ipython_is_proposed():
    with pytest.raises(OptionError) as problem:
        tools_from("nope", {"open": open, "weather": weather})
    assert problem.value.remedy == "Define the function in a cell above."


class Gone:
    """As a weak proxy whose object is gone."""

    def __getattribute__(self, name):
        raise ReferenceError


def test_an_object_that_cannot_be_read_is_no_tool_and_hides_none():
    gone = Gone()
    assert not can_be_tool(gone)
    assert not is_marked(gone)
    with pytest.raises(OptionError, match="there is no function of that name"):
        tools_from("weathr", {"gone": gone, "weather": weather})


def test_a_declaration_is_kept_as_written_and_has_no_function():
    (tool,) = tools_from(DECLARED)
    assert (tool.function, tool.source) == (None, "declaration")
    assert tool.declaration == FunctionDeclaration(
        name="book", description="Books.", parameters=DECLARED["parameters"], written=DECLARED
    )


def test_what_can_be_a_tool():
    assert all(map(can_be_tool, [weather, print, DECLARED, Tool(name="a")]))
    assert not any(map(can_be_tool, [3, "weather", int, None, [weather]]))


class Unreadable(dict):
    def get(self, key, default=None):
        raise RuntimeError


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"x": 1},
        {"name": "Anna"},
        {"name": "Anna", "description": 3},
        {"name": "two words", "description": "x"},
        {"name": "a", "parameters": [1]},
        {3: 4},
        Unreadable(name="a"),
    ],
)
def test_a_mapping_without_the_form_of_a_declaration_does_not_hide_a_ready_made_tool(value):
    ready = {"variables": Tool(name="variables", source="ready-made")}
    assert not can_be_tool(value)
    (found,) = tools_from("variables", {"variables": value}, ready_made=ready)
    assert found.source == "ready-made"


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "a b"},
        {"name": ""},
        {"description": 3},
        {"confirm": "always"},
        {"thread": None},
        {"timeout": 0},
        {"timeout": True},
        {"max_result": 0},
        {"max_result": 1.5},
    ],
)
def test_settings_that_are_not_valid(settings):
    with pytest.raises(OptionError, match=f"tool: {next(iter(settings))} .* is not valid"):
        gemini_magic.tool(**settings)


def test_what_cannot_hold_the_settings():
    class Slotted:
        __slots__ = ()

        def __call__(self, a: int) -> int:
            return a

    for value in (Slotted(), [].append):
        with pytest.raises(OptionError, match="cannot be stored"):
            gemini_magic.tool(value)
    with pytest.raises(OptionError, match="cannot be called"):
        gemini_magic.tool(3)
