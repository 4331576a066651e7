"""Retries: which failures are retried, after which wait, and how they are recorded; size limits; --fallback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from calibration import assert_soon
from client_stage import CANARY, finished, kinds, request, start, text
from fake_server import cut, endless, event, finish, google_error, hang_up, headers, raw, stall, status
from fake_server import text as chunk

from gemini_magic.backends import Model, backend
from gemini_magic.client import Key, Secret, open_stream, reader, remember_models
from gemini_magic.client.retry import acceptable_wait, backoff, retry_after, worth_retrying
from gemini_magic.errors import WireError
from gemini_magic.events import Failure
from gemini_magic.ledger import Ledger
from gemini_magic.options import Options
from gemini_magic.recording import Recorder, Replay, load_exchanges, read_recording
from gemini_magic.response import Response

HELLO = (chunk("Hello"), finish())


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: 0.01)


def refusal(code, message="no", name="UNAVAILABLE", *details):
    return status(code, body=google_error(code, message, name, *details))


# ---------------------------------------------------------------------------------------- the rules


@pytest.mark.parametrize("code", [408, 429, 499, 500, 502, 503, 504])
def test_codes_that_are_retried(code):
    assert worth_retrying(Failure("m", code))
    assert not worth_retrying(Failure("m", code, final=True))
    assert not worth_retrying(Failure("m", code, retry_after=301.0))


@pytest.mark.parametrize("code", [200, 301, 400, 401, 402, 403, 404, 405, 409, 413, 422, 501, 505])
def test_codes_that_are_not_retried(code):
    assert not worth_retrying(Failure("m", code, retry_after=1.0))


@pytest.mark.parametrize("name", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED", "INTERNAL"])
def test_a_status_name_without_a_code_is_retried(name):
    assert worth_retrying(Failure("m", None, name))
    assert not worth_retrying(Failure("m", 400, name))
    assert not worth_retrying(Failure("m", None, "INVALID_ARGUMENT"))


def test_the_backoff_doubles_up_to_half_a_minute_with_jitter():
    for number in range(12):
        waits = {backoff(number) for _ in range(50)}
        middle = min(30.0, 0.5 * 2**number)
        assert len(waits) > 10
        assert middle * 0.7 <= min(waits) <= max(waits) <= middle * 1.3


def test_the_retry_after_header_is_parsed():
    assert retry_after((("Retry-After", "7"),)) == 7
    assert retry_after((("retry-after", " 1.5 "),)) == 1.5
    assert retry_after((("retry-after", "4000"),)) == 4000
    assert not acceptable_wait(4000)
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 10 <= retry_after((("retry-after", soon),)) <= 20
    assert retry_after((("retry-after", "Fri, 01 Jan 1999 00:00:00 GMT"),)) == 0
    for value in ("", "soon", "-3", "1e9"):
        assert retry_after((("retry-after", value),)) is None


# --------------------------------------------------------------------------------- as they happen


def test_a_wait_of_an_hour_is_not_accepted(fake_server):
    fake_server.model("m", status(503, {"Retry-After": "3600"}))
    ledger = finished(start(fake_server))
    assert (ledger.status, len(fake_server.requests)) == ("error", 1)


@pytest.mark.parametrize(
    ("body", "headers", "remedy"),
    [
        (("no",), {"Retry-After": "3600"}, "The server asks to wait 3,600 s (1 h). Ask again after that."),
        (("Please retry in 1s. Quota: limit: 0, model: m",), {}, "The key has no quota for this model."),
        (("Please retry in 1.2s.", {"violations": [{"quotaId": "RequestsPerDayPerProject"}]}), {}, "The quota of the day is used up."),
        (("You have used all requests per day. Retry in 1s.",), {"Retry-After": "1"}, "The quota of the day is used up."),
    ],
)  # fmt: skip
def test_the_remedy_of_a_used_up_quota_does_not_ask_to_wait_a_second(fake_server, body, headers, remedy):
    message, *details = body
    fake_server.script(status(429, headers, google_error(429, message, "RESOURCE_EXHAUSTED", *details)))
    ledger = finished(start(fake_server, retries=3))
    assert len(fake_server.requests) == 1
    assert ledger.error.remedy.startswith(remedy)
    loaded = Ledger()
    load_exchanges(ledger.exchanges, backend("gemini"), loaded)
    assert loaded.error.remedy == ledger.error.remedy


def test_the_remedy_of_an_invalid_key_names_its_source(fake_server):
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    fake_server.script(status(400, body=google_error(400, "API key not valid.", "INVALID_ARGUMENT", reason)))
    key = Key(Secret(CANARY), "environment variable MY_KEY")
    ledger = finished(start(fake_server, key=key))
    assert (
        ledger.error.remedy
        == "The key comes from environment variable MY_KEY. Set it to a valid key and ask again."
    )


def test_the_remedy_of_an_unknown_model_names_similar_ones(fake_server):
    options = Options(base_url=fake_server.base_url)
    names = ("gemini-9-flash", "gemini-9-pro", "imagen-9")
    remember_models(backend("gemini"), options, [Model(name, None, None, None, (), None) for name in names])
    refused = status(404, body=google_error(404, "models/gemini-9-flush is not found", "NOT_FOUND"))
    fake_server.script(refused)
    stream = open_stream(
        request(model="gemini-9-flush"),
        Options(base_url=fake_server.base_url, model="gemini-9-flush"),
        ledger=Ledger(),
        backend=backend("gemini"),
    )
    remedy = finished(stream).error.remedy
    assert remedy.startswith("Did you mean gemini-9-flash")
    assert "`%gemini models`" in remedy


@pytest.mark.parametrize(
    ("tier", "code", "words"),
    [
        ("flex", 503, "free capacity"),
        ("priority", 429, "rate limit of its own"),
        ("standard", 503, "temporary problem"),
        ("priority", 503, "temporary problem"),
    ],
)
def test_the_remedy_of_a_full_service_tier_explains_it(fake_server, tier, code, words):
    fake_server.model("m", refusal(code))
    stream = start(fake_server, service_tier=tier, retries=0)
    assert words in finished(stream).error.remedy


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_not_retried(fake_server, code):
    fake_server.model("m", refusal(code, "no", "PERMISSION_DENIED"))
    assert finished(start(fake_server)).status == "error"
    assert len(fake_server.requests) == 1


def test_a_request_cancelled_on_the_way_is_retried_only_before_any_content(fake_server):
    fake_server.script(event(google_error(499, "cancelled", "CANCELLED")))
    fake_server.script(chunk("Half"), event(google_error(499, "cancelled", "CANCELLED")))
    ledger = finished(start(fake_server))
    assert (ledger.status, text(ledger), len(fake_server.requests)) == ("error", "Half", 2)


def test_token_counts_are_not_content(fake_server):
    counts = event({"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}})
    fake_server.script(counts, cut())
    fake_server.script(*HELLO)
    ledger = finished(start(fake_server))
    assert (ledger.status, text(ledger), len(fake_server.requests)) == ("complete", "Hello", 2)
    assert "possibly-billed" in kinds(ledger)
    fake_server.model("m", counts, cut())
    ledger = finished(start(fake_server))
    assert (ledger.status, len(fake_server.requests)) == ("truncated", 4)
    fake_server.model("m", event({"promptFeedback": {"blockReason": "SAFETY"}}), cut())
    finished(start(fake_server))
    assert len(fake_server.requests) == 5


def test_the_response_lists_its_attempts(fake_server):
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}
    fake_server.script(refusal(429, "Slow down.", "RESOURCE_EXHAUSTED", retry))
    fake_server.script(hang_up())
    fake_server.script(*HELLO)
    first, second, third = Response(finished(start(fake_server))).attempts
    assert (first.status, first.problem, first.waited) == (429, "429: Slow down.", 0)
    assert second.problem == "The connection was lost before an answer arrived"
    assert second.waited == pytest.approx(0.2, abs=0.1)
    assert (third.status, third.problem, third.end) == (200, None, "eof")


def test_the_timeline_shows_the_attempts_and_the_waits(fake_server, tmp_path):
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}
    fake_server.script(refusal(429, "Slow down.", "RESOURCE_EXHAUSTED", retry))
    fake_server.script(*HELLO)
    response = Response(finished(start(fake_server)))
    failed, pause, last = response.timeline().data.attempts
    assert (failed.kind, pause.kind, last.kind) == ("failed", "pause", "attempt")
    assert pause.end - pause.start == pytest.approx(0.2, abs=0.1)
    assert failed.end == pause.start <= pause.end == last.start < response.chunks[0].t
    assert failed.label == "attempt 1: HTTP 429, 429: Slow down."
    loaded = Response.load(response.save(tmp_path / "r.jsonl"))
    assert [span.kind for span in loaded.timeline().data.attempts] == ["failed", "pause", "attempt"]


def test_a_recorded_retry_is_replayed(fake_server, tmp_path):
    fake_server.script(refusal(503))
    fake_server.script(*HELLO)
    file = tmp_path / "r.jsonl"
    finished(start(fake_server, recorders=[Recorder(file)]))
    ledger = finished(start(fake_server, replay=Replay(file, speed=0)))
    assert (text(ledger), len(ledger.exchanges), len(fake_server.requests)) == ("Hello", 2, 2)


# --------------------------------------------------------------------------------------------- caps


def test_an_event_above_the_limit_keeps_the_text_before_it(fake_server):
    fake_server.script(chunk("Hello "), raw(b'data: {"a": "' + b"x" * 400_000), stall())
    ledger = finished(start(fake_server, max_event=0.25))
    assert (ledger.status, text(ledger)) == ("error", "Hello ")
    assert isinstance(ledger.error, WireError)
    assert "--max-event" in ledger.error.remedy
    fake_server.wait_for_disconnect()
    assert len(fake_server.requests) == 1


def test_an_endless_answer_is_truncated_at_the_limit(fake_server, tmp_path):
    file = tmp_path / "r.jsonl"
    fake_server.script(endless(chunk("word " * 200)))
    stream = start(fake_server, max_total=0.5, recorders=[Recorder(file)])
    ledger = finished(stream)
    assert (ledger.status, ledger.cause) == ("truncated", "full")
    assert isinstance(ledger.error, WireError)
    assert str(ledger.error).startswith("The response is larger than 0.5 MB, so the rest was not read.")
    assert "--max-total" in ledger.error.remedy
    read = sum(len(piece) for _, piece in ledger.exchanges[0].pieces)
    assert 2**19 < read < 2**19 + 2**17
    fake_server.wait_for_disconnect()
    again = finished(start(fake_server, replay=Replay(file, speed=0)))
    loaded = Response.load(file).ledger
    assert read_recording(file)[0].end == "too large"
    for other in (again, loaded):
        assert (other.status, text(other)) == ("truncated", text(ledger))


def test_endless_comments_are_stopped_at_the_limit_as_well(fake_server):
    fake_server.script(headers(), endless(raw(b": ping " + b"x" * 10_000 + b"\n\n")))
    ledger = finished(start(fake_server, max_total=0.1))
    assert (ledger.status, ledger.cause, type(ledger.error)) == ("error", "full", WireError)


def test_the_limits_count_decompressed_bytes(fake_server):
    bomb = raw(b'data: {"a": "' + b"x" * 30_000_000)  # 30 kB on the wire
    fake_server.script(chunk("Hello "), bomb, gzip=True)
    ledger = finished(start(fake_server, max_event=1, max_total=4))
    assert (text(ledger), type(ledger.error)) == ("Hello ", WireError)


# --------------------------------------------------------------------------- without streaming


def whole(server):
    """Which requests asked for the whole answer at once."""
    return [request.path.endswith(":generateContent") for request in server.requests]


def answer(piece):
    candidate = {"content": {"parts": [{"text": piece}], "role": "model"}, "finishReason": "STOP"}
    return status(200, body={"candidates": [candidate]})


def test_no_stream_reads_the_whole_answer_at_once(fake_server):
    fake_server.script(answer("Hello"))
    ledger = finished(start(fake_server, no_stream=True))
    assert (ledger.status, text(ledger), whole(fake_server)) == ("complete", "Hello", [True])
    assert kinds(ledger) == []  # one JSON object is what was asked for


def test_a_requested_json_array_is_not_noted(fake_server):
    fake_server.script(*HELLO)
    ledger = finished(start(fake_server, alt="json"))
    assert (ledger.status, text(ledger), kinds(ledger)) == ("complete", "Hello", [])


def test_without_streaming_the_first_byte_timeout_applies(fake_server):
    fake_server.script(headers(), stall())
    ledger = finished(start(fake_server, no_stream=True, stall_timeout=0.1, first_byte_timeout=0.4))
    assert (ledger.status, ledger.limit) == ("stalled", 0.4)


@pytest.mark.parametrize(
    ("steps", "billed"),
    [
        ([refusal(404, "streaming is not supported", "NOT_FOUND")], False),
        ([refusal(400, "streaming is not supported", "INVALID_ARGUMENT")], False),
        ([event(google_error(400, "no streaming", "INVALID_ARGUMENT"))], False),
        ([status(404)], False),
        ([status(405)], False),
        ([refusal(501, "not implemented", "UNIMPLEMENTED")], False),
        ([refusal(503)], False),
        ([hang_up()], True),
        ([headers(), stall()], True),
        ([status(200, body=b"<html>proxy</html>")], True),
        ([status(200, body=b"")], True),
    ],
    ids=[
        "404",
        "400",
        "error event",
        "bare 404",
        "405",
        "501",
        "503",
        "dies silently",
        "stalls",
        "not a stream",
        "empty",
    ],
)
def test_fallback_sends_the_request_once_more_without_streaming(fake_server, steps, billed):
    fake_server.script(*steps)
    fake_server.script(answer("Hello"))
    limit = 0.5 if len(steps) == 2 else 30.0  # of the server that falls silent
    ledger = finished(start(fake_server, fallback=True, retries=0, first_byte_timeout=limit))
    assert (ledger.status, text(ledger), whole(fake_server)) == ("complete", "Hello", [False, True])
    (message,) = [note.message for note in ledger.notes if note.kind == "fallback"]
    assert ("both requests may be billed" in message) is billed
    assert [each.attempt for each in ledger.exchanges] == [0, 1]


def test_the_fallback_follows_the_other_attempts_and_is_made_once(fake_server):
    fake_server.model("m", refusal(503))
    ledger = finished(start(fake_server, fallback=True, retries=2))
    assert (ledger.status, whole(fake_server)) == ("error", [False, False, False, True])


@pytest.mark.parametrize(
    "steps",
    [
        [refusal(401, "no", "UNAUTHENTICATED")],
        [refusal(403, "no", "PERMISSION_DENIED")],
        [refusal(429, "quota exceeded, limit: 0", "RESOURCE_EXHAUSTED")],
        [refusal(400, "Invalid value at 'generation_config.temperature'", "INVALID_ARGUMENT")],
        [event(google_error(400, "Invalid value", "INVALID_ARGUMENT"))],
        [refusal(404, "models/quik is not found for API version v1beta", "NOT_FOUND")],
        [status(404, body=google_error(404, "The model `quik` does not exist", "NOT_FOUND"))],
        [chunk("Half"), cut()],
        [event({"promptFeedback": {"blockReason": "SAFETY"}})],
        [finish()],
    ],
    ids=[
        "401",
        "403",
        "no quota",
        "argument",
        "argument event",
        "no model",
        "nor here",
        "content came",
        "blocked",
        "an empty answer",
    ],
)
def test_no_fallback_where_it_cannot_help(fake_server, steps):
    fake_server.script(*steps)
    ledger = finished(start(fake_server, fallback=True, retries=0))
    assert "fallback" not in kinds(ledger)
    assert whole(fake_server) == [False]


def test_no_fallback_when_a_recording_contains_no_answer(fake_server, tmp_path):
    file = tmp_path / "r.jsonl"
    fake_server.script(*HELLO)
    finished(start(fake_server, recorders=[Recorder(file)]))
    ledger = finished(start(fake_server, "another", fallback=True, replay=Replay(file, speed=0)))
    assert (ledger.status, kinds(ledger), len(ledger.exchanges)) == ("error", [], 1)


def test_no_fallback_when_the_server_is_unreachable():
    ledger = finished(start("http://127.0.0.1:9", fallback=True, retries=0))
    assert (ledger.status, kinds(ledger), len(ledger.exchanges)) == ("error", [], 1)


def test_no_fallback_by_default(fake_server):
    fake_server.script(refusal(404))
    finished(start(fake_server, retries=0))
    assert whole(fake_server) == [False]


def test_the_fallback_is_recorded_and_replayed(fake_server, tmp_path):
    file = tmp_path / "r.jsonl"
    fake_server.script(refusal(404))
    fake_server.script(answer("Hello"))
    finished(start(fake_server, fallback=True, recorders=[Recorder(file)]))
    ledger = finished(start(fake_server, fallback=True, replay=Replay(file, speed=0)))
    assert (ledger.status, text(ledger), len(fake_server.requests)) == ("complete", "Hello", 2)


# ------------------------------------------------------------------------------- time that is up


def test_a_wait_that_would_pass_the_timeout_is_noted_and_named_in_the_remedy(fake_server, monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: (0.01, 0.02, 60.0)[number])
    fake_server.model("m", refusal(503, "busy"))
    ledger = finished(start(fake_server, timeout=3.0, retries=20))
    assert_soon(ledger.marks["total"], 2)
    assert (ledger.status, len(fake_server.requests)) == ("error", 3)
    assert "503" in ledger.error.message
    due = "would have started 60.0 s later, after --timeout 3"
    assert ledger.error.remedy.startswith(f"Increase --timeout: another attempt {due}. ")
    (note,) = [note for note in ledger.notes if note.kind == "gave-up"]
    assert note.message == f"No other attempt was made: the next one {due}."


def test_the_remedy_names_the_timeout_when_no_connection_was_made(monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: 60.0)
    ledger = finished(start("http://127.0.0.1:9", timeout=3.0, retries=20))
    assert_soon(ledger.marks["total"], 2)
    assert "Increase --timeout: another attempt would have started" in ledger.error.remedy


def test_the_timeout_is_not_named_when_all_attempts_were_made(fake_server):
    fake_server.model("m", refusal(503, "busy"))
    ledger = finished(start(fake_server, timeout=30.0, retries=1))
    assert "gave-up" not in kinds(ledger)
    assert "--timeout" not in ledger.error.remedy


def test_the_total_time_counts_although_nothing_was_sent(monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: 0.1)
    ledger = finished(start("http://127.0.0.1:9", retries=2))
    assert ledger.marks["total"] >= 0.2
    assert_soon(ledger.marks["total"], 5)


def test_the_total_time_counts_while_the_request_is_queued(fake_server):
    fake_server.model("m", *HELLO)
    finished(start(fake_server, model="turns", rpm=1))
    stream = start(fake_server, model="turns", rpm=1)
    stream.wait(0.2)
    stream.cancel()
    assert stream.ledger.phase == "done"
    assert stream.ledger.marks["total"] >= 0.2
    assert_soon(stream.ledger.marks["total"], 5)
    assert stream.ledger.exchanges == []
