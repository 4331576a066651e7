"""Connections to a real MCP server: a program and an address."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from calibration import assert_soon
from client_stage import until
from surroundings import TESTS

from gemini_magic.errors import OptionError
from gemini_magic.mcp_servers.background import BackgroundLoop, wait_awaited, wait_blocking
from gemini_magic.mcp_servers.connection import McpConnection, McpServerError, ToolFailed
from gemini_magic.mcp_servers.entries import Launch
from gemini_magic.mcp_servers.results import plain_result

SAMPLE = str(TESTS / "support" / "mcp_sample.py")
LOOP = BackgroundLoop()


def launch(*arguments, **fields):
    return Launch("sample", sys.executable, (SAMPLE, *arguments), **fields)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    os.environ["GEMINI_API_KEY"] = "canary-of-this-process"
    mark = tmp_path_factory.mktemp("mcp") / "mark"
    env = {"TOKEN": "canary-token-1", "MCP_SAMPLE_MARK": str(mark)}
    connection = McpConnection(launch(env=env, secrets=("canary-token-1",), keys=("canary-token-1",)), LOOP)
    connection.start()
    del os.environ["GEMINI_API_KEY"]
    connection.mark = mark
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    mark = tmp_path_factory.mktemp("mcp") / "mark"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, SAMPLE, "http", str(port)]
    env = {**os.environ, "MCP_SAMPLE_MARK": str(mark)}
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(listens, 60)
    connection = McpConnection(Launch("web", url=f"http://127.0.0.1:{port}/mcp"), LOOP)
    connection.process, connection.mark = server, mark
    try:
        connection.start()
        yield connection
    finally:
        server.kill()
        server.wait()
        connection.close()


@contextmanager
def soon(limit):
    began = time.monotonic()
    yield
    assert_soon(time.monotonic() - began, limit)


def call(connection, tool, /, **arguments):
    return plain_result(wait_blocking(connection.begin(tool, arguments)), connection.launch.keys)


def test_the_tools_are_listed_and_called(program):
    assert {each.name for each in program.tools} >= {"add", "echo", "crash"}
    add = next(each for each in program.tools if each.name == "add")
    assert (add.description, add.schema["required"]) == ("Add two integers.", ["a", "b"])
    assert call(program, "add", a=2, b=3) == {"result": 5}
    assert call(program, "echo", text="é") == {"result": "é"}


def test_an_address_is_called_like_a_program(address):
    assert call(address, "add", a=2, b=3) == {"result": 5}


def test_a_program_gets_no_variable_that_its_entry_does_not_name(program):
    assert call(program, "environment", name="GEMINI_API_KEY") == "not set"
    assert call(program, "environment", name="TOKEN") == "***", "its own value does not leave this process"


def test_media_becomes_media_of_the_type_that_its_bytes_say(program):
    text, picture, sound, file = call(program, "mixed")
    assert text == "a caption"
    assert (picture.mime_type, picture.data[:4]) == ("image/png", b"\x89PNG")
    assert sound == "[audio/wav: the server sent media that is not valid base64]"
    assert file == {"uri": "file:///notes.txt", "text": "notes"}


def test_an_error_of_the_tool_is_the_servers_words(program):
    with pytest.raises(ToolFailed, match="Error executing tool fail"):
        call(program, "fail", message="secret reason")
    with pytest.raises(ToolFailed, match="Unknown tool: no-such"):
        call(program, "no-such")
    with pytest.raises(ToolFailed, match="valid integer"):
        call(program, "add", a="x", b=1)


def test_a_long_result_is_capped(program):
    assert call(program, "big", size=2_000_100).endswith("x\n[100 more characters left out]")


def test_the_first_call_imports_nothing(program):
    assert "jsonschema" in sys.modules
    with soon(0.3):
        call(program, "echo", text="a")


def test_calls_run_at_the_same_time(program):
    with soon(0.7):
        for future in [program.begin("slow", {"seconds": 0.3}) for _ in range(4)]:
            wait_blocking(future)


def test_a_limit_ends_the_wait_and_cancels_the_call_at_the_server(program):
    with soon(0.4), pytest.raises(TimeoutError):
        wait_blocking(program.begin("slow", {"seconds": 30}), 0.2)
    until(lambda: program.mark.read_text() == "cancelled")


def test_an_interrupt_ends_a_blocking_wait(program):
    program.mark.unlink(missing_ok=True)

    def interrupt():
        until(program.mark.exists)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        times.append(time.monotonic())

    times = []
    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        wait_blocking(program.begin("slow", {"seconds": 30}))
    assert_soon(time.monotonic() - times[0], 0.3)
    until(lambda: program.mark.read_text() == "cancelled")
    assert call(program, "echo", text="next") == {"result": "next"}


def test_a_cancelled_task_ends_an_awaited_wait_though_nothing_wakes_its_loop(program):
    """As ipykernel does it: the handler of the signal cancels the task, which does not wake the loop."""

    async def cell():
        task = asyncio.current_task()
        loop_ticks = []

        def cancel():
            until(program.mark.exists)
            task.cancel()  # from another thread, as the handler of a signal: no wake-up
            loop_ticks.append(time.monotonic())

        program.mark.unlink(missing_ok=True)
        threading.Thread(target=cancel).start()
        try:
            await wait_awaited(program.begin("slow", {"seconds": 30}))
        except asyncio.CancelledError:
            return time.monotonic() - loop_ticks[0]

    assert_soon(asyncio.run(cell()), 0.3)


def test_a_program_that_cannot_start_is_explained_with_its_error_output():
    def message(tried, limit=20.0):
        connection = McpConnection(tried, LOOP, limit)
        with pytest.raises(McpServerError) as caught:
            connection.start()
        assert not connection.running
        return str(caught.value)

    assert "cannot be started: there is no program 'no-such-program'." in message(
        Launch("m", "no-such-program")
    )
    assert "cannot be started: there is no folder '/no/folder'." in message(
        Launch("m", sys.executable, cwd="/no/folder")
    )
    assert "cannot be started: Permission denied." in message(Launch("m", str(Path(SAMPLE).parent)))
    code = "import sys; sys.exit('no config; password canary-9')"
    text = message(Launch("m", sys.executable, ("-c", code), secrets=("canary-9",)))
    assert "ended while it started. Its error output ends with:\nno config; password ***\n" in text
    text = message(Launch("m", sys.executable, ("-c", "print('Usage: m FILE')")))
    assert "ended while it started." in text
    code = "import sys, time; print('waiting', file=sys.stderr, flush=True); time.sleep(60)"
    for limit in (
        0.5,
        10.0,
    ):  # the longer one if the machine is too busy to start a program in the shorter one
        with soon(limit + 3.5):
            text = message(Launch("m", sys.executable, ("-c", code)), limit)
        if "waiting" in text:
            break
    assert f"did not answer within {limit:g} seconds. Its error output ends with:\nwaiting" in text


def test_an_address_that_cannot_be_reached_is_explained_without_its_secrets():
    connection = McpConnection(
        Launch("web", url="http://127.0.0.1:9/mcp?key=canary-8", secrets=("canary-8",)), LOOP
    )
    with pytest.raises(
        McpServerError, match=r"at http://127\.0\.0\.1:9/mcp\?key=… cannot be used: "
    ) as caught:
        connection.start()
    assert "canary" not in str(caught.value)


def test_only_the_end_of_the_error_output_is_kept():
    code = "import sys; sys.stderr.write('a' * 300_000 + 'canary-7' + 'z' * 50 + '\\x1b[2J')"
    connection = McpConnection(Launch("m", sys.executable, ("-c", code), secrets=("canary-7",)), LOOP)
    with pytest.raises(McpServerError):
        connection.start()
    until(lambda: connection.stderr.endswith("a***" + "z" * 50 + "[2J"))
    assert len(connection.stderr) <= 20_000


def test_without_the_package_or_with_its_old_version_the_error_says_what_to_install(monkeypatch):
    for module in (None, type("OldVersion", (), {})()):
        monkeypatch.setitem(sys.modules, "mcp", module)
        with pytest.raises(OptionError, match=r"MCP servers need the package mcp, version 2\.") as caught:
            McpConnection(Launch("m", sys.executable), LOOP).start()
        assert caught.value.remedy == 'Install it: pip install "gemini-magic[mcp]"'


def test_lines_that_are_no_messages_are_not_shown_and_harm_nothing(capfd):
    code = (
        f"import sys; print('Welcome canary-6', flush=True); sys.argv = ['x']; exec(open({SAMPLE!r}).read())"
    )
    connection = McpConnection(Launch("m", sys.executable, ("-c", code)), LOOP)
    connection.start()
    assert call(connection, "echo", text="a") == {"result": "a"}
    connection.close()
    assert "canary-6" not in "".join(capfd.readouterr())


def test_a_stopped_program_has_ended():
    code = "import os, sys; print(os.getpid(), file=sys.stderr, flush=True); sys.stdin.read()"
    for limit in (
        0.6,
        10.0,
    ):  # the longer one if the machine is too busy to start a program in the shorter one
        connection = McpConnection(Launch("m", sys.executable, ("-c", code)), LOOP, limit)
        with pytest.raises(McpServerError):
            connection.start()
        if connection.stderr:
            break
    pid = int(connection.stderr)
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_crash_in_a_call_is_reported_and_the_error_output_is_kept(program):
    with soon(2), pytest.raises(McpServerError, match="ended during the call, so it is not known") as caught:
        call(program, "crash")
    until(lambda: "about to crash, token ***" in program.stderr)
    assert "crash, token" not in str(caught.value), "the message goes to the model"
    assert not program.running
    with pytest.raises(McpServerError, match="has ended"):
        call(program, "echo", text="a")


def test_an_address_whose_server_is_killed_in_a_call_is_reported(address):
    future = address.begin("slow", {"seconds": 30})
    until(address.mark.exists)
    address.process.kill()
    with pytest.raises(McpServerError, match="ended during the call"):
        wait_blocking(future, 60)
    assert not address.running
