"""Tests of `gemini_magic.client.single_attempt`: one request at most, and leave to send it."""

import threading

import pytest
from client_stage import CANARY, canary, request, text
from fake_server import FakeServer, cut, event, finish, google_error, hang_up, headers, reset, stall, status
from fake_server import text as chunk

from gemini_magic.backends import backend
from gemini_magic.client import Asker, Key, Secret, SingleAttempt, single_attempt
from gemini_magic.content import Blob, Request, Turn
from gemini_magic.errors import CredentialsError, OptionError
from gemini_magic.ledger import Ledger
from gemini_magic.options import Options

HELLO = (chunk("Hello"), finish())
BUSY = google_error(429, "Quota exceeded. Please retry in 7s.", "RESOURCE_EXHAUSTED")


@pytest.fixture
def server():
    with FakeServer() as running:
        yield running


def attempt(server, may_send=lambda: True, **options):
    options = {"connect_timeout": 5.0, **options}
    asker = Asker(
        Options(base_url=server.base_url, key_env="TEST_KEY", **options), backend("gemini"), canary()
    )
    return SingleAttempt(asker, request(), Ledger(request(), backend="gemini"), may_send)


def test_it_reads_the_answer_on_the_calling_thread(server):
    server.script(*HELLO)
    before = threading.active_count()
    made = attempt(server)
    outcome = made.run()
    assert (made.ledger.status, text(made.ledger), outcome.end) == ("complete", "Hello", "eof")
    assert made.sent(outcome)
    assert not outcome.retryable
    assert threading.active_count() <= before + 1  # the thread of the server's connection
    assert server.requests[0].headers["x-goog-api-key"] == CANARY


@pytest.mark.parametrize(
    ("steps", "http_status", "retryable"),
    [
        ((status(503, body=google_error(503, "busy", "UNAVAILABLE")),), 503, True),
        ((status(429, body=BUSY),), 429, True),
        ((status(400, body=google_error(400, "bad", "INVALID_ARGUMENT")),), 400, False),
        ((event(BUSY),), 200, True),
        ((hang_up(),), None, False),
        ((reset(),), None, False),
        ((headers(), cut()), 200, False),
    ],
    ids=["503", "429", "400", "429 inside 200", "closed", "reset", "cut"],
)
def test_it_sends_one_request_whatever_the_server_does(server, steps, http_status, retryable):
    server.model("m", *steps)
    made = attempt(server, retries=3, fallback=True)
    outcome = made.run()
    assert len(server.requests) == 1
    assert made.ledger.exchanges[-1].status == http_status
    assert made.ledger.status == "error"
    assert outcome.retryable is retryable
    assert made.sent(outcome)


def test_it_asks_for_leave_when_the_connection_stands_and_before_the_first_byte(server):
    asked = []

    def may_send():
        asked.append(len(server.requests))
        return True

    server.model("m", *HELLO)
    attempt(server, may_send).run()
    attempt(server, may_send).run()
    assert asked == [0, 1]
    assert server.connections_opened == 1


def test_without_leave_nothing_is_sent_and_the_connection_is_kept(server):
    server.model("m", *HELLO)
    made = attempt(server, lambda: False)
    outcome = made.run()
    assert outcome.end == "not sent"
    assert not made.sent(outcome)
    assert made.ledger.status == "error"
    attempt(server).run()
    assert len(server.requests) == 1
    assert server.connections_opened == 1


def test_a_connection_that_was_closed_while_it_waited_for_leave_is_replaced_without_a_second_request(server):
    asked = []

    def may_send():
        asked.append(1)
        server.drop_idle_connections()
        return True

    server.model("m", *HELLO)
    attempt(server).run()
    made = attempt(server, may_send)
    made.run()
    assert text(made.ledger) == "Hello"
    assert len(asked) == 1
    assert len(server.requests) == 2
    assert server.connections_opened == 2


def test_an_unreachable_server_was_sent_nothing_and_may_be_asked_again():
    with FakeServer() as gone:
        pass
    made = attempt(gone)
    outcome = made.run()
    assert outcome.end == "not connected"
    assert not made.sent(outcome)
    assert outcome.retryable


def test_it_can_be_cancelled_from_another_thread(server):
    server.model("m", chunk("Hel"), stall())
    made = attempt(server)
    thread = threading.Thread(target=made.run)
    thread.start()
    server.wait_for_requests(1)
    made.cancel()
    thread.join(60)
    assert not thread.is_alive()
    assert made.ledger.status == "interrupted"


def test_an_attempt_that_was_cancelled_while_it_waited_for_leave_sends_nothing(server):
    made = attempt(server, lambda: made.cancel() or True)
    outcome = made.run()
    assert not made.sent(outcome)
    assert not server.requests


def test_media_that_can_neither_be_sent_inside_the_request_nor_be_uploaded_are_refused():
    big = Request(model="m", turns=(Turn("user", (Blob("image/png", b"x" * 3000),)),))
    asker = Asker(Options(base_url="http://127.0.0.1:1", inline_limit=0.001), backend("adaptive"), None)
    with pytest.raises(OptionError, match=r"may have 1\.0 kB in all"):
        SingleAttempt(asker, big, Ledger(big), lambda: True)


def test_a_key_that_expires_is_renewed_for_later_attempts(server, monkeypatch):
    server.model("m", *HELLO)
    keys = iter([Key(Secret("second-token-0123456789"), "a test")])

    def renew():
        try:
            return next(keys)
        except StopIteration:
            raise CredentialsError("signed out") from None

    options = Options(base_url=server.base_url, key_env="TEST_KEY")
    asker = Asker(options, backend("gemini"), Key(Secret("first-token-0123456789"), "a test"), renew)

    def send():
        SingleAttempt(asker, request(), Ledger(request()), lambda: True).run()
        return server.requests[-1].headers["x-goog-api-key"]

    assert send() == "first-token-0123456789"
    monkeypatch.setattr(single_attempt, "_RENEW", -1.0)
    assert send() == "second-token-0123456789"
    assert send() == "second-token-0123456789"  # the sign-in failed: the server says so
