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
