"""Pages that were loaded in mid-answer ask the kernel for the states of answers, through a comm."""

from __future__ import annotations

import time
import uuid

import pytest
from kernel import KernelSession, Run

from gemini_magic.views.outputs import TARGET

pytestmark = pytest.mark.kernel

CELL = "%%gemini --backend echo --display html -o r\none two three"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with KernelSession(cwd=tmp_path_factory.mktemp("pages")) as session:
        assert session.execute("%load_ext gemini_magic").status == "ok"
        yield session


def open_comm(kernel, data, target=TARGET):
    content = {"comm_id": uuid.uuid4().hex, "target_name": target, "data": data}
    message = kernel.client.session.msg("comm_open", content)
    run = kernel._runs[message["header"]["msg_id"]] = Run(message["header"]["msg_id"], time.monotonic())
    kernel.client.shell_channel.send(message)
    kernel.wait_for(run, "comm_close")
    return run


def shown(run):
    found = run.of("display_data", "update_display_data")
    return [
        (message.content["transient"]["display_id"], message.content["metadata"]["gemini_magic"])
        for message in found
    ]


def test_a_page_receives_the_finished_answers_that_it_asks_for(kernel):
    cell = kernel.execute(CELL)
    display_id, state = shown(cell)[-1]
    assert state["state"] == "final"
    assert state["id"] == display_id
    run = open_comm(kernel, {"ids": [display_id, "gemini-magic-of-another-kernel", 3, None]})
    [(sent_to, sent)] = shown(run)
    assert sent_to == f"{display_id}-state"
    assert sent == state
    [message] = run.of("update_display_data")
    assert "one two three" in message.content["data"]["text/html"]
    [reply] = run.of("comm_msg")
    assert reply.content["data"] == {"unknown": ["gemini-magic-of-another-kernel"]}


@pytest.mark.parametrize("data", [{}, {"ids": "all"}, {"ids": {}}, {"other": []}, []])
def test_any_other_request_is_answered_without_an_answer(kernel, data):
    run = open_comm(kernel, data)
    assert shown(run) == []
    [reply] = run.of("comm_msg")
    assert reply.content["data"] == {"unknown": []}


def test_a_kernel_without_answers_closes_the_comm(tmp_path):
    with KernelSession(cwd=tmp_path) as kernel:
        assert kernel.execute("%load_ext gemini_magic").status == "ok"
        run = open_comm(kernel, {"ids": ["gemini-magic-of-another-kernel"]})
        assert run.of("comm_msg") == []


def test_answers_of_python_code_are_known_without_the_magics(tmp_path):
    code = """import gemini_magic
gemini_magic.ask("one two", backend="echo").replay(0)"""
    with KernelSession(cwd=tmp_path) as kernel:
        run = kernel.execute(code)
        assert run.status == "ok", run.error
        name = shown(run)[0][1]["id"]
        run = open_comm(kernel, {"ids": [name]})
        [reply] = run.of("comm_msg")
        assert reply.content["data"] == {"unknown": []}
