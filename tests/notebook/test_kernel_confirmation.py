"""Confirmations in a real kernel: buttons of an awaited cell, a prompt in a cell that blocks, and an unattended run."""

from __future__ import annotations

import re

import pytest
from kernel import KernelSession, widgets

pytestmark = pytest.mark.kernel
SETUP = """
%load_ext gemini_magic
%config GeminiMagics.backend = 'echo'
import gemini_magic
ran = []

@gemini_magic.tool(confirm=True)
def erase(path: str) -> str:
    "Erases a file."
    ran.append(path)
    return "gone"
"""
ASK = '%%gemini -T erase -o r\n@call erase {"path": "a.csv"}\nDone.\n'


@pytest.fixture(scope="module")
def session():
    with KernelSession() as found:
        assert found.execute(SETUP).status == "ok"
        yield found


@pytest.fixture(autouse=True)
def _nothing_ran(session):
    session.execute("ran.clear()")


def value(session, code):
    return session.execute(code).shown[-1]["text/plain"]


def button(run, session, text):
    session.wait_for(run, "comm_open", within=f"'description': '{text}'")
    [found] = [name for name, state in widgets(run, "ButtonModel").items() if state["description"] == text]
    return found


def answer(session, text):
    """Type a line at the prompt of the running cell; returns the prompt."""
    socket = session.client.stdin_channel.socket
    assert socket.poll(20_000), "the user was not asked"
    message = session.client.session.deserialize(
        session.client.session.feed_identities(socket.recv_multipart())[1]
    )
    session.client.input(text)
    return message["content"]["prompt"]


def test_a_click_runs_the_call_of_an_awaited_cell_and_its_status_line_is_updated_meanwhile(session):
    run = session.begin(ASK)
    found = button(run, session, "Run")
    for seconds in (1, 2):  # the status line counts while the user decides
        session.wait_for(run, "comm_msg", within=f">{seconds}.")
    session.click(found)
    assert session.finish(run).status == "ok"
    assert value(session, "ran, r.tool_runs[0].approved") == "(['a.csv'], 'you')"
    assert not any("with these arguments?" in str(data.get("text/html")) for data in run.shown)
    assert "Approved by you" in run.shown[-1]["text/html"]


def test_a_click_on_skip_and_one_on_stop(session):
    run = session.begin(ASK)
    session.click(button(run, session, "Skip"))
    assert session.finish(run).status == "ok"
    assert value(session, "ran, r.tool_runs[0].state, r.status") == "([], 'skipped', 'complete')"
    run = session.begin(ASK)
    session.wait_for(run, "comm_open", within="Always for this tool")
    stops = [name for name, state in widgets(run, "ButtonModel").items() if state["description"] == "Stop"]
    session.click(stops[-1])  # the first one is that of the whole answer
    session.finish(run)
    assert value(session, "ran, r.tool_runs[0].state, r.status") == "([], 'stopped', 'interrupted')"


def test_a_cell_that_blocks_asks_with_a_prompt_that_can_be_interrupted(session):
    code = f"get_ipython().run_cell_magic('gemini', '-T erase -o r', {ASK.partition(chr(10))[2]!r})"
    run = session.begin(code)
    assert "y = run it" in answer(session, "y")
    assert session.finish(run).status == "ok"
    assert re.search(r'Run erase with these arguments\?\n\{\n  "path": "a.csv"', run.stdout)
    assert value(session, "ran") == "['a.csv']"
    run = session.begin(code)
    assert session.client.stdin_channel.socket.poll(20_000)
    session.client.stdin_channel.socket.recv_multipart()
    session.interrupt()
    session.finish(run)
    assert value(session, "ran, r.tool_runs[0].state, r.status") == "(['a.csv'], 'stopped', 'interrupted')"


def test_an_unattended_run_is_an_error_before_anything_is_sent(session):
    session.execute("r = None")
    run = session.begin(ASK, allow_stdin=False)
    assert session.finish(run).status == "error"
    assert "cannot be asked here" in run.error["evalue"]
    assert value(session, "ran, r") == "([], None)"
