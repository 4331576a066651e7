"""In a real kernel: waits with a countdown that can be interrupted, and cells with `%gemini resume`."""

from __future__ import annotations

import re
import threading
import time

import pytest
from calibration import assert_soon
from fake_server import FakeServer, Script, cut, finish, google_error, stall, status, text
from kernel import user_kernel, widgets
from surroundings import CANARY

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def server():
    with FakeServer() as running:
        yield running


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with user_kernel(tmp_path_factory.mktemp("kernel"), env={"FAKE_KEY": CANARY}) as session:
        yield session


@pytest.fixture
def options(server):
    server.forget_all()
    return f"-o r --base-url {server.base_url} --key-env FAKE_KEY"


def busy(seconds):
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}
    return status(429, body=google_error(429, "Slow down.", "RESOURCE_EXHAUSTED", delay))


@pytest.mark.parametrize("display", ["live", "html", "text"])
def test_the_wait_for_another_attempt_counts_down(kernel, server, options, display):
    server.script(busy(2.4))
    server.script(text("Hello"), finish())
    run = kernel.execute(f"%%gemini --display {display} {options}\nhi")
    assert run.status == "ok", run.error
    waits = re.findall(r"retrying in (\d) s \(429: Slow down\.\), attempt 2 of 4", str(run.messages))
    assert list(dict.fromkeys(waits)) in (
        [["2"]] if display == "text" else [["2", "1"], ["1"]]
    )  # on a slow machine
    assert kernel.value("r.text, len(r.attempts), r.attempts[0].problem") == ("Hello", 2, "429: Slow down.")


@pytest.mark.parametrize("display", ["live", "text"])
def test_the_toolbars_interrupt_while_it_waits(kernel, server, options, display):
    server.script(busy(100))
    run = kernel.begin(f"%%gemini --display {display} {options}\nhi")
    kernel.wait_for(run, {"live": "comm_msg", "text": "stream"}[display], within="retrying in ")
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.2)
    assert run.error["ename"] == "Interrupted"
    assert kernel.value("r.status, len(r.attempts)") == ("interrupted", 1)
    assert len(server.requests) == 1


def test_a_wait_for_the_rate_limit_is_shown_and_can_be_interrupted(kernel, server, options):
    server.model("turns", text("Hello"), finish())
    assert kernel.execute(f"%%gemini -m turns --rpm 1 {options}\nhi").status == "ok"
    run = kernel.begin(f"%%gemini -m turns --rpm 1 {options}\nhi")
    kernel.wait_for(run, "comm_msg", within="(at most 1 request a minute)")
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.2)
    assert "waiting for the rate limit, 1 min 00 s" in str(run.messages)
    assert kernel.value("r.status, len(r.attempts)") == ("interrupted", 0)
    assert len(server.requests) == 1


LONG = "1. one two *three* [four](https://a.b/c)\n" * 8_000


def test_an_interrupt_ends_the_last_rendering_of_an_awaited_cell(kernel, server, options):
    sent = threading.Event()
    chunks = [text(LONG[at : at + 4_000]) for at in range(0, len(LONG), 4_000)]
    server.script(*chunks, finish(), lambda _: sent.set())
    run = kernel.begin(f"%%gemini {options}\nhi")
    assert sent.wait(60)
    time.sleep(0.1)  # until the kernel has read it
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["ename"] == "Interrupted"
    states = [m.content["metadata"]["gemini_magic"]["state"] for m in run.of("update_display_data")]
    assert states[-1] == "final"
    assert "characters are shown" in run.shown[-1]["text/html"]


@pytest.mark.parametrize(
    "cell", ["%gemini models OPTIONS\nawait asyncio.sleep(0)", "%%gemini --count OPTIONS\nhi"]
)
def test_an_interrupt_ends_a_short_request_of_an_awaited_cell(kernel, server, options, cell):
    server.route("/v1beta/models", Script([stall()]))
    server.script(stall())
    kernel.execute("import asyncio")
    run = kernel.begin(
        cell.replace("OPTIONS", options.removeprefix("-o r ") if "models" in cell else options)
    )
    server.wait_for_requests(1)
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["ename"] == "Interrupted"
    assert run.error["evalue"] == "Interrupted while waiting for the server."


FILE = """
with open("huge.mp4", "wb") as file:
    file.write(bytes.fromhex("00000018667479706d703432000000006d7034326d703431"))
    file.truncate(1_900_000_000)
"""


def test_an_interrupt_ends_the_reading_of_a_large_file(kernel, server, options):
    assert kernel.execute(FILE).status == "ok"
    run = kernel.begin(f"%%gemini -a huge.mp4 {options}\n{{{{ print('begun', flush=True) or 1 }}}}")
    kernel.wait_for(run, "stream", within="begun")
    time.sleep(0.1)  # until it reads the file
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["evalue"] == "Interrupted while the prompt was prepared. Nothing was sent."
    assert server.requests == []


def test_a_cell_with_resume_is_awaited_and_stops_at_a_click(kernel, server, options):
    server.script(text("Half "), cut())
    server.script(text("a loaf"), stall())
    assert kernel.execute(f"%%gemini {options}\nhi").error["ename"] == "TruncatedError"
    cell = "# the rest\n%gemini resume -o s --display live\n"
    run = kernel.begin(cell)
    kernel.wait_for(run, "comm_msg", within="a loaf")
    (button,) = widgets(run, "ButtonModel")
    then = kernel.click(button, subshell=kernel.create_subshell())
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.status == "ok", run.error
    assert kernel.value("r.text + s.text, s.status, s.ledger.cause") == (
        "Half a loaf",
        "interrupted",
        "stop",
    )
    assert kernel.value("cell in (In[-2], In[-3], In[-4])".replace("cell", repr(cell.rstrip())))


def test_resume_with_other_code_in_its_cell_has_no_button(kernel, server, options):
    server.script(text("Half "), cut())
    server.script(text("a loaf"), finish())
    kernel.execute(f"%%gemini {options}\nhi")
    run = kernel.execute("x = 1\n%gemini resume -o s --display live\n")
    assert run.status == "ok", run.error
    assert widgets(run, "ButtonModel") == {}
    assert kernel.value("r.text + s.text") == "Half a loaf"


def test_a_question_mark_shows_the_help(kernel):
    assert kernel.execute("%gemini resume?").status == "ok"
    assert "new request" in kernel.execute("%gemini resume -h").stdout


def test_a_background_cell_writes_its_file(kernel, server, options):
    server.script(text("Hello"), finish())
    assert kernel.execute(f"%%gemini --background --to out.md {options}\nhi").status == "ok"
    assert kernel.value("r.wait(60).status, open('out.md').read()") == (
        "complete",
        kernel.value("f'Hello\\n\\n---\\nTokens: {r.usage.total}\\n'"),
    )
