"""The journal in real kernels: killed, restarted, two at once; and the message about it below a cell."""

import os
import signal

import pytest
from client_stage import until
from fake_server import FakeServer, finish, stall, text
from kernel import KernelSession

pytestmark = pytest.mark.kernel

BEGIN = "import os\n%load_ext gemini_magic\n%config GeminiMagics.display = 'text'\nprint(os.getpid())"


def introductions(run):
    start = "Answers are saved in the journal"
    return [data["text/plain"] for data in run.shown if start in data.get("text/plain", "")]


def test_an_answer_survives_its_kernel(tmp_path):
    folders = ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "IPYTHONDIR")
    env = {name: str(tmp_path / name) for name in folders} | {"TEST_KEY": "k"}
    with FakeServer() as server:
        server.model("whole", text("A whole answer."), finish())
        server.model("half", text("Half an "), text("answer"), stall())
        options = f"--base-url {server.base_url} --key-env TEST_KEY"
        with KernelSession(env=env, cwd=tmp_path) as kernel, KernelSession(env=env, cwd=tmp_path) as other:
            pid = int(kernel.execute(BEGIN).stdout)
            # the first interactive cell shows the message, once; a non-interactive one does not
            assert introductions(kernel.execute(f"%%gemini -m whole {options}\none", allow_stdin=False)) == []
            (message,) = introductions(kernel.execute(f"%%gemini -m whole {options}\ntwo"))
            assert str(tmp_path / "XDG_DATA_HOME" / "gemini_magic" / "journal.sqlite") in message
            assert "journal=False" in message
            assert introductions(kernel.execute(f"%%gemini -m whole {options}\nthree")) == []
            # a call from a cell is saved as well
            call = f"import gemini_magic\ngemini_magic.ask('four', model='whole', base_url={server.base_url!r}).text"
            assert kernel.execute(call).shown[-1]["text/plain"] == "'A whole answer.'"
            # another kernel; each answer is in the file before the next request, because the numbers are assigned there
            listed = "[(row.question, row.status) for row in get_ipython().run_line_magic('gemini', 'journal list')]"
            other.execute(BEGIN)
            until(lambda: len(other.value(listed)) == 4, 10)
            assert introductions(other.execute(f"%%gemini -m whole {options}\nfive")) == []
            until(lambda: len(other.value(listed)) == 5, 10)
            run = kernel.begin(f"%%gemini -m half {options}\nWill you be whole?")
            kernel.wait_for(run, "stream", within="answer")
            until(lambda: ("Will you be whole?", "running") in other.value(listed), 10)
            arrived = "get_ipython().run_line_magic('gemini', 'show 6').text"
            half = "'Half an answer'"
            until(lambda: other.execute(f"print(repr({arrived}))").stdout.endswith(f"{half}\n"), 10)
            early = other.execute("%gemini show 6").shown[-1]["text/plain"]
            assert "still arriving in another kernel, 14 characters so far" in early
            assert "sk again" not in early
            os.kill(pid, signal.SIGKILL)
            until(lambda: ("Will you be whole?", "running") not in other.value(listed), 10)
            assert other.value(listed) == [
                ("Will you be whole?", "interrupted"),
                *((question, "complete") for question in ("five", "four", "three", "two", "one")),
            ]
        with KernelSession(env=env, cwd=tmp_path) as again:
            again.execute(BEGIN)
            shown = again.execute("%gemini show 6")
            assert shown.stdout.startswith("6 · ")
            assert "Half an answer" in shown.shown[-1]["text/plain"]
            assert "The kernel ended after 14 characters." in shown.shown[-1]["text/plain"]
            assert again.value("_.status, _.text, len(_.chunks)") == ("interrupted", "Half an answer", 2)
            last = again.execute("%gemini last 2")
            assert "A whole answer." in last.shown[-1]["text/plain"]
            assert introductions(again.execute(f"%%gemini -m whole {options}\nsix")) == []
            found = again.execute("%gemini journal search half").shown[-1]["text/plain"]
            assert "Will you be whole?" in found
            assert "interrupted" in found
