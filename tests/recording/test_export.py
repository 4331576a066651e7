"""Every recording consists of the same lines: written live, exported as a file, or taken in batches."""

import pytest
from client_stage import finished, start
from fake_server import finish, google_error, status
from fake_server import text as say
from recording_stage import lines

from gemini_magic.ledger.ledger import Exchange, Ledger
from gemini_magic.recording import LedgerLines, Recorder, write_recording


@pytest.fixture
def attempts(fake_server, tmp_path):
    """A live recording of a failed and a successful attempt, and the ledger."""
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}
    fake_server.script(status(429, body=google_error(429, "Slow.", "RESOURCE_EXHAUSTED", retry)))
    fake_server.script(say("one"), say(" two"), finish())
    path = tmp_path / "live.jsonl"
    return path, finished(start(fake_server, recorders=[Recorder(path)]))


def batches(source, size, **options):
    """All batches until there is nothing new."""
    found = []
    while batch := source.next_lines(size, **options):
        found.append(batch)
    return found


def test_a_live_recording_an_export_and_the_batches_of_a_ledger_are_the_same_bytes(attempts, tmp_path):
    live, ledger = attempts
    write_recording(tmp_path / "export.jsonl", ledger.exchanges)
    assert (tmp_path / "export.jsonl").read_bytes() == live.read_bytes()
    assert b"".join(batches(LedgerLines(ledger), 10**9)) == live.read_bytes()


@pytest.mark.parametrize("size", [1, 100, 500])
def test_batches_of_any_size_hold_every_line_once_and_again_after_rewind(attempts, size):
    live, ledger = attempts
    source = LedgerLines(ledger)
    found = batches(source, size)
    assert b"".join(found) == live.read_bytes()
    assert len(found) > 1
    assert source.next_lines(size) == b""
    source.rewind()
    assert b"".join(batches(source, size)) == live.read_bytes()


def test_batches_follow_an_exchange_while_it_grows(tmp_path):
    ledger = Ledger()
    source = LedgerLines(ledger)
    exchange = Exchange("POST", "http://h/p", (), b"{}")
    ledger.begin(exchange)
    assert source.next_lines(1000) == b""  # the request was not sent yet
    exchange.started = 0.0
    assert b'"request"' in source.next_lines(1000)
    exchange.status = 200
    exchange.pieces.append((0.5, b"data: {}\n\n"))
    path = tmp_path / "batch.jsonl"
    path.write_bytes(source.next_lines(1000))
    head, piece = lines(path)
    assert (head["status"], piece["text"]) == (200, "data: {}\n\n")
    assert not source.complete
    path.write_bytes(source.next_lines(1000, ended=True))
    assert lines(path) == [{"exchange": 0, "end": "cancelled"}]
    assert source.next_lines(1000, ended=True) == b""
