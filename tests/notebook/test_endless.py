"""Answers far longer than those of any model, in a real kernel: they end in time, and the notebook stays small."""

import json

import pytest
from calibration import assert_soon
from fake_server import FakeServer, endless, finish, gate, text
from kernel import user_kernel
from surroundings import CANARY

pytestmark = pytest.mark.kernel

PIECE = "some plain words here, in a line of them.\n" * 2_380  # 100 kB
PARTS = ("text/html", "text/markdown", "text/plain")


@pytest.fixture(scope="module")
def server():
    with FakeServer() as running:
        yield running


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with user_kernel(tmp_path_factory.mktemp("kernel"), env={"FAKE_KEY": CANARY}) as session:
        yield session


def seconds_after(kernel, mark):
    """Seconds from the last byte until now, by the kernel's clock."""
    return float(kernel.execute(f"import time\nprint(time.time() - r.started.timestamp() - {mark})").stdout)


def test_thirty_megabytes_are_shown_in_part_and_stored_completely(kernel, server):
    server.script(*[text(PIECE)] * 300, finish())
    run = kernel.execute(f"%%gemini -o r --base-url {server.base_url} --key-env FAKE_KEY\nhi", timeout=60)
    assert run.status == "ok", run.error
    assert_soon(seconds_after(kernel, "r.timing.total"), 10)
    shown = next(bundle for bundle in reversed(run.shown) if "text/markdown" in bundle)
    assert len(json.dumps(shown)) < 8_000_000
    assert sum(len(str(message.content)) for message in run.messages) < 20_000_000
    for part in PARTS:
        assert "of 29,988,000 characters" in shown[part]
    assert kernel.execute(f"print(r.text == {PIECE[:42]!r} * 2_380 * 300)").stdout == "True\n"


def test_an_endless_answer_can_be_interrupted(kernel, server):
    server.script(endless(text(PIECE)))
    run = kernel.begin(f"%%gemini -o r --max-total 2000 --base-url {server.base_url} --key-env FAKE_KEY\nhi")
    kernel.wait_for(run, "comm_msg", within="too long, the rest is not shown", timeout=20)
    start = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - start, 5)
    assert run.status == "error"
    assert kernel.execute("print(r.status, len(r.text) > 1_000_000)").stdout == "interrupted True\n"


@pytest.mark.parametrize(
    "shown", ["", "too long, the rest is not shown"], ids=["while it arrives", "while it is shown"]
)
def test_an_interrupt_is_obeyed_during_one_very_large_event(kernel, server, shown):
    server.script(text("Hello"), gate(f"go{shown}"), text(PIECE * 400), endless(text(PIECE)))
    run = kernel.begin(f"%%gemini -o r --max-total 2000 --base-url {server.base_url} --key-env FAKE_KEY\nhi")
    kernel.wait_for(run, "comm_msg", within="Hello", timeout=20)
    server.open(f"go{shown}")
    if shown:
        kernel.wait_for(run, "comm_msg", within=shown, timeout=20)
    start = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - start, 1)
    assert run.status == "error"
    assert kernel.execute("print(r.status)").stdout == "interrupted\n"
