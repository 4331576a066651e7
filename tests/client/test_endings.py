"""How a stream ends when the network or the server fails, and when another attempt is made."""

import json

import pytest
from calibration import assert_soon
from client_stage import finished, kinds, start, text, until
from fake_server import (
    cut,
    dribble,
    event,
    finish,
    gate,
    google_error,
    pause,
    raw,
    reset,
    stall,
    status,
)
from fake_server import text as say

from gemini_magic.client import attempt, reader
from gemini_magic.errors import ConnectionFailed, ServiceError, StalledError, TruncatedError, WireError
from gemini_magic.tables import Rows

RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda attempt: 0.01)


def ended(server, **options):
    return finished(start(server, **options))


# ------------------------------------------------------------------------------------------- time limits


def test_silence_before_the_first_byte_ends_with_the_first_byte_timeout(fake_server):
    fake_server.script(gate("never"))
    ledger = ended(fake_server, first_byte_timeout=0.1)
    assert (ledger.status, ledger.limit) == ("stalled", 0.1)
    assert isinstance(ledger.error, StalledError)
    assert len(fake_server.requests) == 1


def test_the_first_byte_timeout_applies_until_the_body_begins(fake_server):
    fake_server.script(stall())
    ledger = ended(fake_server, first_byte_timeout=0.1, stall_timeout=5)
    assert (ledger.status, ledger.limit) == ("stalled", 0.1)


def test_silence_in_mid_answer_ends_with_the_stall_timeout(fake_server):
    fake_server.script(say("half"), stall())
    ledger = ended(fake_server, stall_timeout=0.1, first_byte_timeout=5)
    assert (ledger.status, ledger.limit, text(ledger)) == ("stalled", 0.1, "half")
    assert "0.1 s" in ledger.error.message
    assert ledger.exchanges[0].end == "stalled"


def test_comments_restart_the_stall_timeout(fake_server):
    fake_server.script(
        say("a"), *[step for _ in range(12) for step in (raw(b": ping\n\n"), pause(0.06))], say("b"), finish()
    )
    ledger = ended(fake_server, stall_timeout=0.6)
    assert (ledger.status, text(ledger)) == ("complete", "ab")


def test_the_total_timeout_ends_a_stream_that_still_receives_bytes(fake_server):
    fake_server.script(*[step for n in range(100) for step in (say(f"{n} "), pause(0.02))])
    ledger = ended(fake_server, timeout=0.5, stall_timeout=5)
    assert (ledger.status, ledger.cause, ledger.limit) == ("stalled", "timeout", 0.5)
    assert text(ledger).startswith("0 1 ")
    assert ledger.marks["total"] > 0.45
    assert_soon(ledger.marks["total"], 0.9)


def test_an_event_without_its_blank_line_counts_when_the_stream_stalls(fake_server):
    whole = b'data: {"candidates":[{"content":{"parts":[{"text":"late"}]}}]}\n'  # its blank line never comes
    fake_server.script(say("half, "), raw(whole), stall())
    ledger = ended(fake_server, stall_timeout=0.3)
    assert (ledger.status, text(ledger)) == ("stalled", "half, late")


# -------------------------------------------------------------------------------------- broken connections


@pytest.mark.parametrize("how", [cut, reset])
def test_a_connection_lost_in_mid_answer_truncates_it(fake_server, how):
    fake_server.script(say("half"), gate("read"), how())
    stream = start(fake_server)
    until(lambda: text(stream.ledger))
    fake_server.open("read")
    ledger = finished(stream)
    assert (ledger.status, ledger.cause, text(ledger)) == ("truncated", "cut", "half")
    assert isinstance(ledger.error, TruncatedError)
    assert len(fake_server.requests) == 1
    assert ledger.exchanges[0].end == "connection lost"


def test_the_end_of_input_without_a_finish_reason_truncates_the_answer(fake_server):
    fake_server.script(say("half"), close_delimited=True)
    ledger = ended(fake_server)
    assert (ledger.status, ledger.cause) == ("truncated", "end")


def test_a_finish_reason_does_not_end_the_stream(fake_server):
    fake_server.script(say("a", finish="STOP"), say("b", finish="STOP"))
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("complete", "ab")


RAW_STRINGS = {
    "a tab": (b"a\tb", "a\tb"),
    "a line feed": (b"a\nb", "a\nb"),
    "a blank line": (b"a\n\nb", "a\n\nb"),
}


@pytest.mark.parametrize("case", RAW_STRINGS)
def test_raw_control_characters_in_a_string_are_read_and_noted(fake_server, case):
    sent, received = RAW_STRINGS[case]
    fake_server.script(
        raw(b'data: {"candidates":[{"content":{"parts":[{"text":"' + sent + b'"}]}}]}\n\n'), finish()
    )
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("complete", received)
    assert "control-character" in kinds(ledger)
    assert json.loads(ledger.raw[0].raw)["candidates"][0]["content"]["parts"][0]["text"] == received
    assert b"".join(piece for _, piece in ledger.exchanges[0].pieces).count(sent) == 1


@pytest.mark.parametrize(
    "broken",
    [
        b'data: {"candidates":[{"content":{"parts":[{"text":"lost\n\n',
        b'data: {"candidates":[{"content":{"parts":[{"text":"lost"}]}\n\n',
        b'data: {"candidates":[{"content":{"parts":[{"text":["lost"]}]}}]}\n\n',
        b'data: {"candidates":[{"content":{"parts":[{"text":"lost" "x"}]}}]}\n\n',
    ],
)
def test_an_answer_of_which_text_was_lost_is_not_complete(fake_server, broken):
    fake_server.script(say("before "), raw(broken), say("after"), finish())
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("truncated", "before after")
    assert isinstance(ledger.error, TruncatedError)
    assert "is lost" in ledger.error.message


@pytest.mark.parametrize(
    "harmless", [b"data: ping\n\n", b"upstream warning\n\n", b"data: <p>{x}</p>\n\n", b'data: "x"\n\n']
)
def test_text_that_is_not_a_part_of_the_answer_is_not_lost_text(fake_server, harmless):
    fake_server.script(say("a"), raw(harmless), say("b"), finish())
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("complete", "ab")


def test_an_error_in_mid_answer_keeps_the_text_and_is_not_retried(fake_server):
    error = google_error(503, "The model is overloaded.", "UNAVAILABLE")
    fake_server.script(say("half"), raw(json.dumps(error, indent=2).encode()))
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("error", "half")
    assert isinstance(ledger.error, ServiceError)
    assert ledger.error.code == 503
    assert len(fake_server.requests) == 1  # after content nothing is tried again


def test_an_answer_is_read_byte_by_byte(fake_server):
    message = "naïve 😀 漢字"
    chunk = {"candidates": [{"content": {"parts": [{"text": message}]}, "finishReason": "STOP"}]}
    fake_server.script(dribble(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\r\n\r\n"))
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("complete", message)


def test_an_html_page_with_status_200_is_an_error_that_quotes_it(fake_server):
    fake_server.script(raw(b"<html><body><h1>Please log in</h1></body></html>"), content_type="text/html")
    ledger = ended(fake_server)
    assert ledger.status == "error"
    assert isinstance(ledger.error, WireError)
    assert "Please log in" in ledger.error.message
    assert "not-json" in kinds(ledger)


def test_an_internal_error_ends_the_stream(fake_server, monkeypatch, capfd):
    def broken(*arguments, **options):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(attempt, "send", broken)
    ledger = ended(fake_server)
    assert ledger.status == "error"
    assert "Internal error while reading the response: ZeroDivisionError: a bug" in ledger.error.message
    assert capfd.readouterr().err == ""


# --------------------------------------------------------------------------------------------- other attempts


def test_a_full_quota_is_retried_after_the_wait_that_the_server_asks_for(fake_server):
    fake_server.script(status(429, body=google_error(429, "Slow down.", "RESOURCE_EXHAUSTED", RETRY_INFO)))
    fake_server.script(say("ok"), finish())
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger), ledger.attempt) == ("complete", "ok", 1)
    first, second = fake_server.requests
    assert second.time - first.time >= 0.05
    assert [(each.attempt, each.status) for each in ledger.exchanges] == [(0, 429), (1, 200)]
    assert "retry" in kinds(ledger)
    assert ledger.failure is None
    assert ledger.pause is None


def test_an_html_error_page_of_a_gateway_is_retried(fake_server):
    fake_server.script(status(503, body="<html><h1>503 Service Unavailable</h1></html>"))
    fake_server.script(say("ok"), finish())
    assert text(ended(fake_server)) == "ok"


def test_the_retry_after_header_sets_the_wait(fake_server):
    fake_server.script(status(503, {"Retry-After": "0"}))
    fake_server.script(say("ok"), finish())
    assert text(ended(fake_server)) == "ok"


def test_an_error_object_as_the_first_event_is_retried(fake_server):
    error = google_error(503, "Overloaded.", "UNAVAILABLE")
    fake_server.script(event(error), stall())
    fake_server.script(say("ok"), finish())
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("complete", "ok")
    rows = [(row.attempt, row.kind.partition("+")[0]) for row in Rows(ledger.chunk_columns)]
    assert rows == [(0, "error"), (1, "text"), (1, "text")]


def test_all_attempts_share_one_clock(fake_server):
    error = google_error(503, "Overloaded.", "UNAVAILABLE")
    fake_server.script(pause(0.05), event(error))
    fake_server.script(say("ok"), pause(0.02), finish())
    ledger = ended(fake_server)
    times = [chunk.t for chunk in ledger.raw]
    assert times == sorted(times)
    assert times[0] >= 0.05
    assert times[-1] <= ledger.marks["total"]
    # The pieces of an exchange count from their own request.
    assert_soon(ledger.exchanges[1].pieces[0][0], 0.05)


def test_retries_are_limited_and_the_last_refusal_is_the_error(fake_server):
    for n in range(3):
        fake_server.script(status(503, body=google_error(503, f"Overloaded {n}.", "UNAVAILABLE")))
    ledger = ended(fake_server, retries=2)
    assert len(fake_server.requests) == 3
    assert ledger.status == "error"
    assert "Overloaded 2." in ledger.error.message


def test_retries_0_forbids_another_attempt(fake_server):
    fake_server.script(status(503))
    ledger = ended(fake_server, retries=0)
    assert (ledger.status, len(fake_server.requests)) == ("error", 1)


@pytest.mark.parametrize("code", [301, 400, 401, 403, 404])
def test_a_status_that_another_attempt_cannot_change_is_not_retried(fake_server, code):
    fake_server.script(status(code, {"Location": "http://127.0.0.1:9/"}))
    ledger = ended(fake_server)
    assert (ledger.status, ledger.error.code, len(fake_server.requests)) == ("error", code, 1)


def test_a_used_up_daily_quota_is_not_retried(fake_server):
    daily = {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
    }
    fake_server.script(status(429, body=google_error(429, "Quota.", "RESOURCE_EXHAUSTED", daily)))
    ledger = ended(fake_server)
    assert (ledger.error.code, len(fake_server.requests)) == (429, 1)


def test_no_attempt_starts_after_the_total_timeout(fake_server):
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30s"}
    fake_server.script(status(429, body=google_error(429, "Slow down.", "RESOURCE_EXHAUSTED", retry)))
    ledger = ended(fake_server, timeout=2.0)
    assert (ledger.status, ledger.error.code) == ("error", 429)
    assert_soon(ledger.marks["total"], 1)


def test_an_unanswered_request_is_sent_once_more_and_noted(fake_server):
    fake_server.script(reset())
    fake_server.script(say("ok"), finish())
    ledger = ended(fake_server)
    assert (ledger.status, text(ledger)) == ("complete", "ok")
    assert "possibly-billed" in kinds(ledger)


def test_a_request_that_stays_unanswered_twice_is_not_sent_again(fake_server):
    fake_server.script(reset())
    fake_server.script(reset())
    ledger = ended(fake_server)
    assert ledger.status == "error"
    assert isinstance(ledger.error, ConnectionFailed)
    assert len(fake_server.requests) == 2


def test_retries_0_forbids_repeating_an_unanswered_request(fake_server):
    fake_server.script(reset())
    ledger = ended(fake_server, retries=0)
    assert (ledger.status, len(fake_server.requests)) == ("error", 1)
    assert "billed" in ledger.error.remedy
    assert "possibly-billed" not in kinds(ledger)


def test_a_server_that_does_not_listen_is_a_connection_error():
    ledger = finished(start("http://127.0.0.1:9", retries=2))
    assert ledger.status == "error"
    assert isinstance(ledger.error, ConnectionFailed)
    assert ledger.error.message.startswith("Could not connect: ")
    assert ledger.error.remedy == "Check the network, the proxy settings and --base-url."
    assert [each.end for each in ledger.exchanges] == ["not connected"] * 3


def test_an_error_page_is_read_up_to_a_limit(fake_server):
    fake_server.script(status(400, body=b"x" * (3 * 2**20)))
    ledger = ended(fake_server)
    assert ledger.error.code == 400
    assert 2**20 <= sum(len(piece) for _, piece in ledger.exchanges[0].pieces) < 2**21
