"""Stored answers in a real kernel: a lost connection is resumed, and an interrupt or Stop ends the waiting."""

import pytest
from calibration import assert_soon
from client_stage import until
from fake_server import gate, stall
from interactions_server import InteractionsServer, answer, refusal, text, thought
from kernel import user_kernel, widgets
from surroundings import CANARY

pytestmark = pytest.mark.kernel

WHOLE = answer(thought("Let me see."), text("One, ", "two, ", "three."))


@pytest.fixture(scope="module")
def running():
    with InteractionsServer() as server:
        yield server


@pytest.fixture
def server(running):
    yield running
    running.forget_all()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, running):
    with user_kernel(
        tmp_path_factory.mktemp("kernel"), code="%config GeminiMagics.display = 'text'"
    ) as session:
        code = (
            "%config GeminiMagics.backend = 'interactions'\n"
            f"%config GeminiMagics.base_url = '{running.base_url}'\n"
            f"import os; os.environ['FAKE_KEY'] = '{CANARY}'"
        )
        assert session.execute(code).status == "ok"
        yield session


ASK = "%%gemini -o r -m m --key-env FAKE_KEY --server-store"


def test_a_lost_connection_is_resumed_and_the_saved_cell_says_so(kernel, server):
    server.plan(WHOLE, cuts=(8, 1, 1), end="reset")
    run = kernel.execute(f"{ASK} --display live\ncount")
    assert run.status == "ok", run.error
    assert kernel.value("r.text, r.status, len(r.attempts)") == ("One, two, three.", "complete", 4)
    saved = next(data for data in reversed(run.shown) if "application/vnd.gemini-stream+json" in data)
    for kind in ("text/html", "text/plain", "text/markdown"):
        assert "resumed 3 times" in saved[kind], kind
        assert "One, two, three." in saved[kind]
    assert "⚠" not in saved["text/plain"]
    assert any("reconnecting" in str(message.content) for message in run.of("comm_msg"))
    assert CANARY not in str(run.shown)


def test_an_answer_that_cannot_be_resumed_shows_why(kernel, server):
    server.plan(WHOLE, cuts=(8,))
    server.fail("stream", refusal(403, "permission_denied", "Not yours."), times=9)
    run = kernel.execute(f"{ASK} --display live\ncount")
    assert run.error["ename"] == "TruncatedError"
    message, remedy = run.error["traceback"]
    assert message == "TruncatedError: The connection was lost after 5 characters."
    assert "The server stores the answer: `%gemini resume` reads it from there" in remedy
    assert "Not yours" in run.shown[-1]["text/plain"]


@pytest.mark.parametrize("steps", [(gate("never"),), (stall(),)], ids=["before the head", "after the head"])
def test_the_toolbars_interrupt_while_it_reconnects(kernel, server, steps):
    server.plan(WHOLE, cuts=(8,))
    server.fail("stream", *steps)
    run = kernel.begin(f"{ASK}\ncount")
    until(lambda: server.asked("stream"))
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["ename"] == "Interrupted"
    assert kernel.value("r.text, r.status") == ("One, ", "interrupted")


def test_the_toolbars_interrupt_while_it_waits_to_reconnect(kernel, server):
    server.plan(WHOLE, cuts=(8,))
    server.fail("stream", refusal(503, "service_unavailable", "Busy."), times=9)
    kernel.execute(
        "import gemini_magic.client.reader as reading; backoff = reading.backoff; reading.backoff = lambda n: 60.0"
    )
    run = kernel.begin(f"{ASK}\ncount")
    kernel.wait_for(run, "stream", within="One, ")
    then = kernel.interrupt()
    kernel.finish(run)
    kernel.execute("reading.backoff = backoff")
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["ename"] == "Interrupted"
    assert server.asked("stream") == []


def test_the_stop_button_while_it_reconnects(kernel, server):
    server.plan(WHOLE, cuts=(8,))
    server.fail("stream", gate("never"))
    subshell = kernel.create_subshell()
    run = kernel.begin(f"{ASK} --display live\ncount")
    until(lambda: server.asked("stream"))
    kernel.wait_for(run, "comm_msg", 2)
    (button,) = widgets(run, "ButtonModel")
    then = kernel.click(button, subshell=subshell)
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.status == "ok", run.error
    assert kernel.value("r.text, r.status, r.ledger.cause") == ("One, ", "interrupted", "stop")


def test_stop_ends_a_background_cell_that_reconnects(kernel, server):
    server.plan(WHOLE, cuts=(8,))
    server.fail("stream", gate("never"))
    kernel.execute(f"{ASK} --background\ncount")
    until(lambda: server.asked("stream"))
    assert "Stopped r after 5 characters." in kernel.execute("%gemini stop").stdout
    assert kernel.value("r.status") == "interrupted"
