"""The ready-made tools by name, and what `variables` shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gemini_magic.api import begin
from gemini_magic.config import resolve
from gemini_magic.content import Call, Text
from gemini_magic.errors import OptionError
from gemini_magic.prompts import build_request
from gemini_magic.tools import (
    READY_MADE,
    ReadyMadeTools,
    ToolUser,
    permission_of,
    prepare_call,
    result_of,
    tools_from,
    variables_tool,
)


class Account:
    """Its shape and its length would show what it holds."""

    @property
    def shape(self):
        raise AssertionError("a property of a stranger's class is not read")

    def __len__(self):
        raise AssertionError

    def __repr__(self):
        return "canary-repr"


NAMESPACE = {
    "df": pd.DataFrame({"canary-column": ["canary-cell"] * 3}),
    "array": np.zeros((2, 5)),
    "api_key": "canary-key-123",
    "numbers": [1, 2, 3],
    "config": {"password": "canary-password"},
    "account": Account(),
    "count": 5,
    "pd": pd,
    "helper": lambda: 1,
    "_private": "canary-private",
    "In": [],
}


def test_variables_shows_names_types_and_shapes_but_no_value():
    (tool,) = tools_from("variables", {}, ready_made=ReadyMadeTools(NAMESPACE))
    prepared = prepare_call(Call("variables", {}, "1"), [tool])
    assert not prepared.problems
    shown = tool.function()
    assert shown == [
        {"name": "df", "type": "pandas.DataFrame", "shape": [3, 1]},
        {"name": "array", "type": "numpy.ndarray", "shape": [2, 5]},
        {"name": "api_key", "type": "str"},
        {"name": "numbers", "type": "list", "length": 3},
        {"name": "config", "type": "dict", "length": 1},
        {"name": "account", "type": f"{__name__}.Account"},
        {"name": "count", "type": "int"},
    ]
    assert "canary" not in str(result_of(prepared.call, shown))


def test_variables_shows_the_newest_of_many():
    shown = variables_tool({f"v{number}": number for number in range(700)}).function()
    assert (len(shown), shown[-1]["name"]) == (500, "v699")


def test_nothing_is_offered_unless_it_is_named():
    ready = ReadyMadeTools({})
    assert sorted(ready) == sorted(READY_MADE) == ["python", "sql", "variables"]
    assert tools_from([], {}, ready_made=ready) == []


def test_a_function_of_the_user_takes_precedence_and_builtin_means_the_ready_made_tool():
    def variables(a: int) -> int:
        """My own."""
        return a

    namespace = {"variables": variables, "sql": "select 1", "python": 5}
    ready = ReadyMadeTools(namespace, run=len)
    mine, made = (
        tools_from("variables", namespace, ready_made=ready),
        tools_from("builtin:variables", namespace, ready_made=ready),
    )
    assert (mine[0].source, mine[0].function) == ("function", variables)
    assert made[0].source == "ready-made"
    (python,) = tools_from("python", namespace, ready_made=ready)
    assert python.source == "ready-made", "a variable that cannot be a tool hides nothing"


def test_sql_takes_the_names_of_frames():
    (tool,) = tools_from("sql:df, df", {}, ready_made=ReadyMadeTools(NAMESPACE))
    assert tool.name == "sql" and "df(" in tool.description
    ready = ReadyMadeTools(NAMESPACE)
    for name, message in (
        ("sql", "needs the names of DataFrames"),
        ("sql:nope", "there is no variable 'nope'"),
        ("sql:count", "count cannot be a table for sql"),
    ):
        with pytest.raises(OptionError, match=message):
            tools_from(name, {}, ready_made=ready)
    assert "variables:df" not in ready and "builtin:sql:df" in ready


def test_python_is_always_confirmed_and_needs_a_kernel():
    ran = []
    (tool,) = tools_from("python", {}, ready_made=ReadyMadeTools({}, ran.append))
    assert (tool.confirm, tool.source) == ("always", "ready-made")
    assert not ran
    with pytest.raises(OptionError, match="works only in IPython"):
        tools_from("python", {}, ready_made=ReadyMadeTools({}))


def test_python_is_confirmed_each_time_and_returns_what_its_code_prints():
    def run(code):
        print("printed")
        return len(code)

    asked, namespace = [], {}
    (tool,) = tools_from("python", namespace, ready_made=ReadyMadeTools(namespace, run))
    prompt = '@call python {"code": "1 + 1"}\n@call python {"code": "x"}\n'

    def answer(question):
        asked.append((question.run.call.args["code"], question.lasting))
        question.decide("always")

    for mode in ("marked", "none"):
        options, _ = resolve({"backend": "echo", "confirm": mode})
        request = build_request((Text(prompt),), options, (), [tool.declaration])
        user = ToolUser(answer, {permission_of(tool)})
        r = begin(request, options, tools=[tool], tool_user=user).response.wait(60)
        assert [run.state for run in r.ledger.tool_runs] == ["done", "done"]
        assert [run.approved for run in r.ledger.tool_runs] == ["you", "you"]
        assert r.ledger.tool_runs[0].sent.response == {"output": {"stdout": "printed\n", "value": 5}}
    assert asked == [("1 + 1", False), ("x", False)] * 2
