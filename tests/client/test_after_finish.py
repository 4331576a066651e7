"""A connection that stays open, or breaks, after the finish reason of an answer."""

import pytest
from calibration import assert_soon
from client_stage import finished, kinds, start, text
from fake_server import bare, cut, event, finish, gate, pause, raw, reset, stall
from fake_server import text as say

from gemini_magic.client import connection
from gemini_magic.errors import StalledError, TruncatedError

GRACE = 0.2  # seconds


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch):
    monkeypatch.setattr(connection, "END_GRACE", GRACE)


def ended(server, **options):
    return finished(start(server, **options))


LATER = {"usageMetadata": {"totalTokenCount": 6}}
ONCE = {
    "with the last text": [say("a"), say("b", finish="STOP")],
    "after the text": [say("a"), say("b"), finish()],
    "token limit": [say("a"), say("b", finish="MAX_TOKENS")],
}
STATUS = {"token limit": "truncated"}


@pytest.mark.parametrize("case", ONCE)
def test_an_open_connection_ends_after_a_grace_period(fake_server, case):
    fake_server.script(*ONCE[case], stall())
    ledger = ended(fake_server, stall_timeout=20)
    assert (ledger.status, text(ledger), ledger.error) == (STATUS.get(case, "complete"), "ab", None)
    assert kinds(ledger) == ["open-after-finish"]
    assert f"for {GRACE:g} s" in ledger.notes[0].message
    assert_soon(ledger.marks["total"], 5)


def test_keep_alive_comments_do_not_extend_the_grace_period(fake_server):
    pings = [step for _ in range(100) for step in (raw(b": ping\n\n"), pause(0.05))]
    fake_server.script(say("a"), say("b", finish="STOP"), *pings)
    ledger = ended(fake_server, stall_timeout=20)
    assert (ledger.status, text(ledger)) == ("complete", "ab")
    assert_soon(ledger.marks["total"], 2)


def test_an_answer_may_continue_within_the_grace_period(fake_server):
    fake_server.script(
        say("a"), say("b", finish="STOP"), pause(GRACE / 2), say("c"), pause(2 * GRACE), finish()
    )
    ledger = ended(fake_server, stall_timeout=20)
    assert (ledger.status, text(ledger), ledger.cause) == ("complete", "abc", "end")


@pytest.mark.parametrize(
    "how", [lambda: cut(b""), reset, lambda: bare(b"zz\r\n")], ids=["cut", "reset", "bad chunk"]
)
@pytest.mark.parametrize("case", ONCE)
def test_a_lost_connection_after_the_finish_reason_is_noted(fake_server, case, how):
    fake_server.script(*ONCE[case], gate("read"), how())
    stream = start(fake_server)
    while not stream.ledger.finishes:
        stream.wait_change(stream.ledger.version, 1)
    fake_server.open("read")
    ledger = finished(stream)
    assert (ledger.status, text(ledger), ledger.error) == (STATUS.get(case, "complete"), "ab", None)
    assert kinds(ledger) == ["lost-after-finish"]


CODE = {"executableCode": {"language": "PYTHON", "code": "print(1)"}}
EVERY = {
    "every chunk": [say("a", finish="STOP"), say("b", finish="STOP")],
    "the only chunk": [say("ab", finish="STOP")],
    "the first chunk": [say("ab", finish="STOP"), event(LATER)],
    "code that the server runs": [
        say("ab"),
        event({"candidates": [{"content": {"parts": [CODE]}, "finishReason": "STOP"}]}),
    ],
    "text after it": [say("a"), say("", finish="STOP"), say("b")],
}


@pytest.mark.parametrize("case", EVERY)
def test_nothing_is_shortened_where_the_finish_reason_does_not_show_the_end(fake_server, case):
    fake_server.script(*EVERY[case], stall())
    ledger = ended(fake_server, stall_timeout=4 * GRACE)
    assert (ledger.status, text(ledger), ledger.limit) == ("stalled", "ab", 4 * GRACE)
    assert isinstance(ledger.error, StalledError)
    assert kinds(ledger) == ["uncertain-end"]


@pytest.mark.parametrize("case", EVERY)
def test_a_cut_cannot_be_distinguished_from_an_end_where_every_chunk_has_a_finish_reason(fake_server, case):
    fake_server.script(*EVERY[case], pause(0.1), reset())
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("truncated", "ab")
    assert isinstance(ledger.error, TruncatedError)
    assert kinds(ledger) == ["uncertain-end"]


def test_half_an_event_after_the_finish_reason_is_lost_text(fake_server):
    fake_server.script(say("a"), say("b", finish="STOP"), cut())
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("truncated", "ab")
    assert isinstance(ledger.error, TruncatedError)


def test_a_chunk_after_the_finish_reason_ends_the_grace_period_but_not_the_answer(fake_server):
    fake_server.script(say("a"), say("b", finish="STOP"), event(LATER), stall())
    ledger = ended(fake_server, stall_timeout=3 * GRACE)
    assert (ledger.status, text(ledger), ledger.limit) == ("complete", "ab", 3 * GRACE)
    assert kinds(ledger) == ["open-after-finish"]
