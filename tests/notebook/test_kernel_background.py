"""In real kernels: a run on the server is cancelled there by the toolbar, and found again after the kernel was killed."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing

import pytest
from client_stage import until
from interactions_server import InteractionsServer, answer, text
from kernel import KernelSession, widgets
from surroundings import CANARY

pytestmark = pytest.mark.kernel

BEGIN = "import os\n%load_ext gemini_magic\n%config GeminiMagics.display = 'text'\nprint(os.getpid())"


def test_a_run_on_the_server_is_cancelled_by_the_toolbar_and_the_button_and_outlives_its_kernel(tmp_path):
    folders = ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "IPYTHONDIR")
    env = {name: str(tmp_path / name) for name in folders} | {"TEST_KEY": CANARY}
    with InteractionsServer() as server:
        cell = f"%%gemini --agent antigravity-1 --server-background --base-url {server.base_url}"
        cell += " --backend interactions --key-env TEST_KEY -o r\nWhy?"
        with KernelSession(env=env, cwd=tmp_path) as kernel:
            pid = int(kernel.execute(BEGIN).stdout)
            server.plan(answer(text("Working", " done")), gates={4: "never"})
            run = kernel.begin(cell)
            kernel.wait_for(run, "stream", within="Working")
            kernel.interrupt()
            kernel.finish(run)
            assert run.error["ename"] == "Interrupted"
            assert "Stopped after 7 characters. It was cancelled on the server." in run.error["traceback"][0]
            assert server.cancelled == [server.made[0].id]
            server.plan(answer(text("Working", " done")), gates={4: "never"})
            subshell = kernel.create_subshell()
            run = kernel.begin(cell.replace("-o r", "-o r --display live"))
            kernel.wait_for(run, "comm_msg", 2)  # the status line, every quarter of a second
            (button,) = widgets(run, "ButtonModel")
            kernel.click(button, subshell=subshell)
            kernel.finish(run)
            assert run.status == "ok", run.error
            assert kernel.value("r.status, r.ledger.cause") == ("interrupted", "stop")
            assert kernel.value("r.error.message").endswith("It was cancelled on the server.")
            assert server.cancelled == [each.id for each in server.made[:2]]
            server.plan(answer(text("Working", " done")), gates={4: "go"})
            run = kernel.begin(cell)
            kernel.wait_for(run, "stream", within="Working")
            journal = tmp_path / "XDG_DATA_HOME" / "gemini_magic" / "journal.sqlite"
            until(lambda: len(list(journal.with_name("interactions").iterdir())) == 3)
            with closing(sqlite3.connect(journal)) as written:
                until(lambda: written.execute("SELECT count(*) FROM block WHERE run = 3").fetchone()[0])
            os.kill(pid, signal.SIGKILL)
        with KernelSession(env=env, cwd=tmp_path) as again:
            again.execute(BEGIN)
            listed = again.value(
                "[(row.id, row.state) for row in get_ipython().run_line_magic('gemini', 'interactions list')]"
            )
            assert [name for name, _ in listed] == [each.id for each in server.made[::-1]]
            run = again.begin("%gemini last")
            again.wait_for(run, "stream", within="Working")
            server.open("go")
            again.finish(run)
            assert again.value("_gemini.text, _gemini.status") == ("Working done", "complete")
            assert "the model is not asked again" in run.stdout + str(run.shown)
        assert len(server.asked("create")) == 3
        assert len(server.cancelled) == 2
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]
