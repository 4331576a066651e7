"""In a real kernel: tools of an MCP server, and how waiting for them is interrupted and stopped."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import pytest
from calibration import assert_soon
from kernel import KernelSession, widgets
from surroundings import TESTS

pytestmark = pytest.mark.kernel

KEY = "AIzaKERNEL0123456789abcdefghijklmnopqrs"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    home = tmp_path_factory.mktemp("kernel")
    config = home / "config"
    config.mkdir()
    mark = home / "mark"
    entry = {
        "command": sys.executable,
        "args": [str(TESTS / "support" / "mcp_sample.py")],
        "env": {"MCP_SAMPLE_MARK": str(mark), "PID": "${HOME}"},
    }
    code = f"open({str(mark)!r}, 'w').close(); import sys; sys.stdin.read()"
    silent = {"command": sys.executable, "args": ["-c", code]}
    (config / "gemini_magic_mcp.json").write_text(
        json.dumps({"mcpServers": {"sample": entry, "silent": silent}})
    )
    folders = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(config),
        "IPYTHONDIR": str(home / "ipython"),
        "GEMINI_API_KEY": KEY,
    }
    with KernelSession(env=folders, cwd=home) as session:
        session.mark = mark
        assert session.execute("%load_ext gemini_magic").status == "ok"
        refused = session.execute("%gemini mcp trust sample", allow_stdin=False)
        (command,) = re.findall(r"%gemini mcp trust sample [0-9a-f]{8}", "".join(refused.error["traceback"]))
        assert "Approved" in session.execute(command).stdout
        yield session


def cell(kind, prompt, options=""):
    magic = f"%%gemini --backend echo -o r --confirm none --mcp sample {options}\n{prompt}\n"
    return magic if kind == "awaited" else f"%%time\n{magic}"


def begin(kernel, kind, options=""):
    """Start a cell whose answer calls a tool that waits; returns it once the server has received the call."""
    kernel.mark.unlink(missing_ok=True)
    run = kernel.begin(cell(kind, '@call sample__slow {"seconds": 60}', options))
    wait_for(kernel.mark.exists)
    return run


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("kind", ["plain", "awaited"])
def test_a_cell_calls_tools_and_the_servers_environment_has_no_key(kernel, kind):
    prompt = '@call sample__environment {"name": "GEMINI_API_KEY"}\n@call sample__add {"a": 1, "b": 2}'
    run = kernel.execute(cell(kind, prompt))
    assert run.status == "ok", run.error
    assert kernel.value("[t.result for t in r.ledger.tool_runs]") == ["not set", {"result": 3}]


@pytest.mark.parametrize("kind", ["plain", "awaited"])
def test_an_interrupt_ends_a_call_and_cancels_it_at_the_server(kernel, kind):
    run = begin(kernel, kind)
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert kernel.value("[t.state for t in r.ledger.tool_runs]") == ["stopped"]
    wait_for(lambda: kernel.mark.read_text() == "cancelled")
    run = kernel.execute(cell(kind, '@call sample__echo {"text": "next"}'))
    assert run.status == "ok", run.error
    assert kernel.value("r.ledger.tool_runs[0].result") == {"result": "next"}


@pytest.mark.parametrize("kind", ["plain", "awaited"])
def test_an_interrupt_ends_the_start_of_a_server_that_does_not_answer(kernel, kind):
    kernel.mark.unlink(missing_ok=True)
    run = kernel.begin(cell(kind, "Hi").replace("--mcp sample", "--mcp silent"))
    wait_for(kernel.mark.exists)
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["ename"] in ("Interrupted", "KeyboardInterrupt")


def test_the_stop_button_ends_a_call(kernel):
    run = begin(kernel, "awaited", "--display live")
    kernel.wait_for(run, "comm_msg", within="sample__slow(")
    (button,) = widgets(run, "ButtonModel")
    then = kernel.click(button)
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert kernel.value("r.status, r.ledger.cause") == ("interrupted", "stop")


def test_a_server_ends_with_its_kernel(kernel):
    children = kernel.value(
        "__import__('subprocess').run(['pgrep', '-P', str(__import__('os').getpid()), '-f', 'mcp_sample'], capture_output=True, text=True).stdout.split()",
    )
    assert len(children) == 1
    kernel._manager.shutdown_kernel(now=False)
    wait_for(lambda: not Path(f"/proc/{children[0]}").exists())
