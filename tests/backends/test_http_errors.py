"""HTTP errors of any shape, and the waits that servers request in them."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends import backend
from gemini_magic.events import Failure

failure = backend("gemini").failure


def body(message="no", code=429, status="RESOURCE_EXHAUSTED", details=()):
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return json.dumps({"error": error}).encode()


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "48s"}


def quota(ident):
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": ident}]}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_bodies_of_json_html_text_and_empty_bodies_are_read(status):
    assert failure(status, body("said", status, "S")) == Failure("said", status, "S")
    page = b"<html><head><title>x</title></head><body><h1>Bad &amp; worse</h1></body></html>"
    assert failure(status, page).message == "Bad & worse"
    assert failure(status, b"plain\nwords").message == "plain words"
    assert failure(status, b"").message
    assert failure(status, b"").code == status


def test_arrays_and_the_formats_of_gateways_are_read():
    assert failure(400, b"[" + body("said", 400, "S") + b"]") == Failure("said", 400, "S")
    assert failure(422, b'{"detail":"missing"}').message == "missing"
    assert failure(400, b'{"error":{"code":"invalid_request","message":"m"}}') == Failure(
        "m", 400, "invalid_request"
    )
    assert failure(400, b'{"error":"words"}') == Failure("words", 400)
    assert failure(599, b"").message == "no explanation"


BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "sent",
    [
        BOM + body("words", 400, "S"),
        body("words", 400, "S").decode().encode("utf-16"),
        b"data: " + body("words", 400, "S") + b"\n\n",
        BOM + b"data: " + body("words", 400, "S") + b"\r\n\r\n",
        b"event: error\r\ndata:" + body("words", 400, "S") + b"\r\n\r\n",
        b"data: " + json.dumps(json.loads(body("words", 400, "S")), indent=1).encode() + b"\n\n",
        b'data: {"error": {\ndata: "code": 400, "message": "words", "status": "S"}}\n\n',
        b": ping\n\ndata: " + body("words", 400, "S") + b"\n\ndata: [DONE]\n\n",
    ],
)
def test_the_framing_of_an_error_body_does_not_hide_the_words_of_the_server(sent):
    assert failure(400, sent) == Failure("words", 400, "S")


def test_other_names_of_the_message_are_read():
    assert failure(400, b'{"errors":[{"message":"words"}]}').message == "words"
    assert failure(400, b'{"message":"words","code":1001}') == Failure("words", 1001)
    assert failure(403, b'{"error":"Forbidden","message":"words","status":403}').message == "words"
    assert failure(400, b'{"error":{"message":"a\tb"}}').message == "a b"


@pytest.mark.parametrize("dialect", ["gemini", "vertex", "gateway"])
@pytest.mark.parametrize(
    ("event", "value", "expected"),
    [
        ("error", {"message": "words"}, Failure("words")),
        ("error", {"message": "words", "code": 503, "id": 1}, Failure("words", 503)),
        ("error", {"error": {"message": "words", "code": 503}}, Failure("words", 503)),
        (None, {"detail": "words"}, Failure("words")),
        (None, {"error": "words"}, Failure("words")),
    ],
)
def test_an_error_in_a_stream_is_read_in_any_form(dialect, event, value, expected):
    decoded = backend(dialect).decoder()(json.dumps(value).encode(), event)
    assert [one for one in decoded.events if isinstance(one, Failure)] == [expected]


@pytest.mark.parametrize(
    "value",
    [{}, {"type": "ping"}, {"message": "working", "progress": 3}, {"usageMetadata": {"x": "message"}}],
)
def test_a_chunk_that_only_looks_like_an_error_is_none(value):
    assert not any(
        isinstance(one, Failure)
        for one in backend("gemini").decoder()(json.dumps(value).encode(), None).events
    )


def test_the_requested_wait_is_read():
    assert failure(429, body(details=[RETRY])).retry_after == 48.0
    assert failure(429, body("Please retry in 48.939935699s.", details=[RETRY])).retry_after == 48.939935699
    assert failure(429, body("Please retry in 250ms.")).retry_after == 0.25
    assert failure(429, body("Please retry in 1m2.5s.")).retry_after == 62.5
    assert failure(429, body("retry in 30 s, please")).retry_after == 30
    assert failure(429, body("Please retry in 7 minutes.")).retry_after == 420
    assert failure(429, b'{"error":"retry in 3"}').retry_after == 3
    assert failure(429, body("word " * 200 + "Please retry in 3s.")).retry_after == 3
    assert failure(429, body()).retry_after is None


@pytest.mark.parametrize(
    "message",
    [
        body(details=[quota("GenerateRequestsPerDayPerProject")]),
        body("quota exceeded, limit: 0, model: x"),
        body(details=[{"reason": "MODEL_CAPACITY_EXHAUSTED"}]),
        body("Please retry in 4000s."),
        body("Please retry in 20h33m7.9s."),
        body("quota exceeded, " + "metric " * 100 + "limit: 0"),
    ],
)
def test_a_failure_that_a_short_wait_cannot_solve_is_final(message):
    assert failure(429, message).final


def test_an_ordinary_limit_is_not_final_and_the_reason_is_kept():
    found = failure(429, body("limit: 05", details=[quota("PerMinute"), {"reason": "RATE_LIMIT_EXCEEDED"}]))
    assert not found.final
    assert found.reason == "RATE_LIMIT_EXCEEDED"
    assert failure(400, body("API key not valid.", 400, details=[{"reason": "API_KEY_INVALID"}])).reason == (
        "API_KEY_INVALID"
    )
