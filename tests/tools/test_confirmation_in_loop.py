"""The loop asks before it runs a tool that has to be confirmed, and functions that take too long are given up."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import pytest
from msgspec.structs import replace

import gemini_magic
from gemini_magic.api import begin
from gemini_magic.config import resolve
from gemini_magic.content import Text
from gemini_magic.errors import OptionError
from gemini_magic.prompts import build_request
from gemini_magic.tools import Tool, ToolUser, confirms, permission_of, tools_from

ran: list[str] = []
RELEASE = threading.Event()


@gemini_magic.tool(confirm=True)
def delete(path: str) -> str:
    """Delete a file."""
    ran.append(path)
    return f"deleted {path}"


PROMPT = '@call delete {"path": "a"}\n@call delete {"path": "b"}\n'


@pytest.fixture(autouse=True)
def nothing_ran():
    ran.clear()


def started(user, *functions, prompt=PROMPT, **options):
    tools = tools_from(list(functions or (delete,)))
    resolved, _ = resolve({"backend": "echo", **options})
    request = build_request((Text(prompt),), resolved, (), [each.declaration for each in tools])
    return begin(request, resolved, tools=tools, tool_user=user)


def answering(*decisions, asked=None):
    """A user who gives these decisions, one after the other."""
    left = list(decisions)

    def ask(question):
        if asked is not None:
            asked.append((question.run.name, question.run.call.args, question.run.state))
        question.decide(left.pop(0))

    return ask


def outcome(user, **options):
    r = started(user, **options).response.wait(60)
    return r.status, [(run.state, run.approved) for run in r.ledger.tool_runs]


def test_each_call_is_asked_about_with_its_arguments_before_it_runs():
    asked = []
    r = started(ToolUser(answering("run", "skip", asked=asked))).response.wait(60)
    assert asked == [("delete", {"path": "a"}, "confirming"), ("delete", {"path": "b"}, "confirming")]
    assert ran == ["a"]
    assert [(run.state, run.approved) for run in r.ledger.tool_runs] == [("done", "you"), ("skipped", "")]
    assert r.ledger.tool_runs[1].sent.response == {"error": "The user did not allow this call."}
    assert r.status == "complete"


def test_always_holds_for_the_session():
    allowed = set()
    assert outcome(ToolUser(answering("always"), allowed)) == (
        "complete",
        [("done", "always"), ("done", "always")],
    )
    assert {each.name for each in allowed} == {"delete"}
    assert outcome(ToolUser(answering(), allowed))[1] == [("done", "always"), ("done", "always")]


OTHER = """
def delete(path: str) -> str:
    \"\"\"Delete a file.\"\"\"
    ran.append("other" + path)
    return "other"
"""


def defined(source, **names):
    """The function of a cell."""
    names["ran"] = ran
    exec(source, names)
    return names["delete"]


def approvals(user, function):
    r = started(user, function, confirm="all", prompt='@call delete {"path": "a"}\n').response.wait(60)
    return [run.approved for run in r.ledger.tool_runs]


def test_always_holds_for_a_function_that_was_defined_again_unless_its_code_changed():
    allowed = set()
    assert approvals(ToolUser(answering("always"), allowed), defined(OTHER)) == ["always"]
    assert approvals(ToolUser(answering(), allowed), defined(OTHER)) == ["always"]  # the cell ran again
    changed = defined(OTHER.replace('"other" +', '"changed" +'))
    assert approvals(ToolUser(answering("run"), allowed), changed) == ["you"]


class Folder:
    def __init__(self, name):
        self.name = name

    def delete(self, path: str) -> str:
        """Delete a file."""
        return self.name + path


def with_default(value):
    def delete(path: str) -> str:
        """Delete a file."""
        return path

    delete.__defaults__ = (value,)
    return delete


def with_closure(value):
    def delete(path: str) -> str:
        """Delete a file."""
        return value

    return delete


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Folder("a").delete, Folder("b").delete),
        (with_default("a"), with_default("b")),
        (with_closure("a"), with_closure("b")),
        (partial(with_closure("a")), partial(with_closure("a"))),
    ],
    ids=["methods of two objects", "defaults", "closures", "partials"],
)
def test_always_does_not_hold_for_another_function_with_the_same_name_and_code(first, second):
    tools = [replace(each, name="delete") for each in tools_from([named(first, "one"), named(second, "two")])]
    assert permission_of(tools[0]) == permission_of(tools[0])
    assert permission_of(tools[0]) != permission_of(tools[1])


def named(function, name):
    return replace(tools_from(function)[0], name=name)


def test_always_for_a_tool_of_a_server_ends_with_another_description_or_server():
    first = Tool(name="files__read", description="Reads.", function=print, source="mcp:files")
    assert permission_of(first) == permission_of(replace(first, function=repr))  # the connection is new
    for change in (
        {"description": "Reads and sends."},
        {"source": "mcp:other"},
        {"parameters": {"type": "object"}},
    ):
        assert permission_of(first) != permission_of(replace(first, **change))


def test_stop_ends_the_answer():
    assert outcome(ToolUser(answering("run", "stop"))) == (
        "interrupted",
        [("done", "you"), ("stopped", "")],
    )
    assert ran == ["a"]


def test_a_decision_may_come_later_from_another_thread():
    def ask(question):
        threading.Timer(0.02, question.decide, args=("run",)).start()

    assert outcome(ToolUser(ask))[1] == [("done", "you"), ("done", "you")]


def test_an_open_question_is_closed_when_the_answer_is_stopped():
    questions = []
    response, stream = started(ToolUser(questions.append))
    version = -1
    while not questions:
        version = stream.wait_change(version, 5)
    assert response.ledger.confirmation is questions[0]
    assert response.ledger.phase == "confirming"
    stream.cancel("stop")
    assert response.ledger.confirmation is None
    assert [run.state for run in response.ledger.tool_runs] == ["stopped", "stopped"]


def test_nothing_is_sent_where_the_user_cannot_be_asked():
    with pytest.raises(OptionError, match="you cannot be asked here"):
        started(None)
    with pytest.raises(OptionError):
        gemini_magic.ask("hi", backend="echo", tools=[delete])


def test_which_tools_are_confirmed():
    plain, marked, always = (Tool(name="t", confirm=confirm) for confirm in (False, True, "always"))
    assert [confirms(each, "marked") for each in (plain, marked, always)] == [False, True, True]
    assert [confirms(each, "all") for each in (plain, marked, always)] == [True, True, True]
    assert [confirms(each, "none") for each in (plain, marked, always)] == [False, False, True]


def test_a_tool_in_a_thread_that_takes_too_long_is_left_running_and_reported():
    release = threading.Event()

    @gemini_magic.tool(thread=True, timeout=0.05)
    def hang() -> str:
        """Hang."""
        release.wait(60)
        return "late"

    r = started(None, hang, prompt="@call hang\n").response.wait(60)
    release.set()
    (run,) = r.ledger.tool_runs
    assert (run.state, run.still_running, run.message) == ("timed_out", True, "no answer within 0.05 s")
    assert run.sent.response == {"error": "The function gave no answer within 0.05 s."}
    assert any("still running" in note.message for note in r.ledger.notes)
    assert r.status == "complete"


async def endless() -> str:
    """Wait."""
    await asyncio.sleep(20)
    return "late"


def test_a_coroutine_that_takes_too_long_is_cancelled():
    began = time.monotonic()
    r = started(None, endless, prompt="@call endless\n", tool_timeout=0.05).response.wait(60)
    assert time.monotonic() - began < 10
    assert [(run.state, run.still_running) for run in r.ledger.tool_runs] == [("timed_out", False)]


async def deaf(release: str) -> str:
    """Block."""
    RELEASE.wait(60)
    return "late"


def test_a_coroutine_that_blocks_its_loop_is_left_behind_and_the_next_one_runs(monkeypatch):
    monkeypatch.setattr("gemini_magic.tools.loop._GRACE", 0.05)
    r = started(None, deaf, prompt='@call deaf {"release": "x"}\n', tool_timeout=0.05).response.wait(60)
    assert [(run.state, run.still_running) for run in r.ledger.tool_runs] == [("timed_out", True)]
    r = started(None, quick, prompt="@call quick\n").response.wait(60)
    RELEASE.set()
    assert r.ledger.tool_runs[0].result == "quick"


async def quick() -> str:
    """Quick."""
    return "quick"


def test_output_of_a_tool_beside_the_thread_is_in_its_record_while_it_runs():
    printed, release = threading.Event(), threading.Event()

    @gemini_magic.tool(thread=True)
    def talk() -> str:
        """Talk."""
        print("so far")
        printed.set()
        release.wait(60)
        return "done"

    response, stream = started(None, talk, prompt="@call talk\n")
    version = -1
    while not any(run.stdout for run in response.ledger.tool_runs):
        version = stream.wait_change(version, 5)
    assert response.ledger.tool_runs[0].state == "running"
    release.set()
    assert response.wait(60).ledger.tool_runs[0].state == "done"
