"""Options of a cell about tools: which functions are offered, and which of them the model must call."""

from __future__ import annotations

import json

import pytest
from fake_server import cut, finish, text
from projects import write_project
from surroundings import CANARY

from gemini_magic.config import resolve
from gemini_magic.errors import OptionError, TruncatedError

DEFINED = """
def weather(city: str) -> str:
    "Weather of a city."
    return "sunny"

def clock(zone: str = "UTC", near=None) -> str:
    "Time in a zone."
    return "noon"

book = {"name": "book", "description": "Books a table."}
number = 3
"""


@pytest.fixture
def defined(cells):
    cells(DEFINED)
    return cells


@pytest.fixture
def asking(defined, fake_server, monkeypatch):
    """Options of a cell that sends its request to the fake server."""
    monkeypatch.setenv("FAKE_KEY", CANARY)
    defined("%config GeminiMagics.backend = 'gemini'")
    return f"-q -m m --base-url {fake_server.base_url} --key-env FAKE_KEY --retries 0"


def declared(request):
    functions = [tool["functionDeclarations"] for tool in request["tools"] if "functionDeclarations" in tool]
    return [function["name"] for group in functions for function in group]


def dry(cells, line):
    assert cells(f"%%gemini --dry-run -o sent {line}\nhi").success
    return cells.names["sent"].body


def test_functions_and_declarations_are_offered_by_the_names_of_variables(defined):
    body = dry(defined, "-T weather --tool book -T {{ 'clock' }}")
    assert declared(body) == ["weather", "book", "clock"]
    assert "without the parameter near: it has no type" in defined.shown
    assert "tools" not in dry(defined, "")


def test_the_choice_and_the_tools_of_the_server(defined):
    body = dry(defined, "-T weather -T clock --tool-choice clock --maps --file-search my-store --search")
    assert body["toolConfig"] == {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["clock"]},
        "includeServerSideToolInvocations": True,
    }
    assert [next(iter(tool)) for tool in body["tools"]] == [
        "googleSearch",
        "googleMaps",
        "fileSearch",
        "functionDeclarations",
    ]
    assert body["tools"][2] == {"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/my-store"]}}
    modes = [dry(defined, f"-T weather --tool-choice {mode}") for mode in ("any", "NONE", "auto")]
    assert [each["toolConfig"]["functionCallingConfig"] for each in modes] == [
        {"mode": "ANY"},
        {"mode": "NONE"},
        {"mode": "AUTO"},
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-T wether", "Did you mean weather?"),
        ("-T number", "An object of the type int cannot be a tool."),
        ("-T weather -T weather", "Two tools have the name weather."),
        ("--tool-choice any", "--tool-choice needs a function."),
        ("-T weather --tool-choice clock", "nor a function of this request"),
        ("-T weather --tool-choice ,", "nor a function of this request"),
        ("--file-search ../x", "is not the name of a store"),
        ("-T weather --backend gateway", "does not support tools and functions"),
        ("""-T weather --body '{"tools": [{"googleSearch": {}}]}'""", "--tool and --body both set tools"),
        ("-T", "-T requires a value: NAME."),
    ],
)
def test_mistakes_are_errors_before_anything_is_sent(defined, line, message):
    error = defined.error(f"%%gemini {line}\nhi")
    assert isinstance(error, OptionError)
    assert message in str(error)


def test_the_users_own_json_may_declare_functions_and_choose_among_them(defined):
    declaration = json.dumps({"tools": [{"functionDeclarations": [{"name": "f"}]}]})
    body = dry(defined, f"--body '{declaration}' --tool-choice f")
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["f"]


def test_a_resumed_answer_offers_the_same_functions(asking, defined, fake_server):
    fake_server.script(text("One, "), cut())
    fake_server.script(text("two."), finish())
    line = f"{asking} -T weather --tool-choice auto"
    assert isinstance(defined.error(f"%%gemini {line}\ncount"), TruncatedError)
    assert defined("%gemini resume").success
    first, rest = (request.body for request in fake_server.requests)
    assert declared(first) == declared(rest) == ["weather"]
    assert first["toolConfig"] == rest["toolConfig"]


def test_the_next_cell_of_a_conversation_offers_only_its_own_functions(asking, defined, fake_server):
    fake_server.script(text("One."), finish())
    fake_server.script(text("Two."), finish())
    assert defined(f"%%gemini --chat a {asking} -T weather\none").success
    assert defined(f"%%gemini --chat a {asking}\ntwo").success
    assert ["tools" in request.body for request in fake_server.requests] == [True, False]


@pytest.mark.parametrize("name", ["tool", "tool_choice"])
def test_no_configuration_offers_functions(defined, tmp_path, monkeypatch, name):
    folder = tmp_path / "project"
    folder.mkdir()
    write_project(folder, f'{name} = "weather"\n')
    monkeypatch.chdir(folder)
    with pytest.raises(OptionError, match=f"{name} belongs to a single cell and cannot be configured"):
        resolve()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match=f"{name} belongs to a single cell and cannot be configured"):
        resolve({}, {name: "weather"})
