"""Errors of the Interactions API: three shapes, whether asking again helps, and what to do."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends.interactions_errors import interactions_failure
from gemini_magic.client.retry import worth_retrying
from gemini_magic.endings import service_error

RETRIED = {
    (429, "rate_limit_exceeded"),
    (429, "too_many_requests"),
    (500, "api_error"),
    (503, "service_unavailable"),
    (504, "deadline_exceeded"),
    (409, "aborted"),
}
NOT_RETRIED = {
    (400, "invalid_request"),
    (400, "failed_precondition"),
    (400, "parameter_unknown"),
    (401, "authentication"),
    (402, "payment_required"),
    (403, "permission_denied"),
    (404, "not_found"),
    (404, "model_not_found"),
    (409, "already_exists"),
    (416, "out_of_range"),
    (429, "quota_exceeded"),
    (499, "cancelled"),
    (501, "unimplemented"),
}


def failure(status, code, message="m"):
    return interactions_failure(status, json.dumps({"error": {"code": code, "message": message}}).encode())


@pytest.mark.parametrize(("status", "code"), sorted(RETRIED | NOT_RETRIED))
def test_the_code_decides_whether_to_ask_again(status, code):
    found = failure(status, code)
    assert (found.code, found.status, found.message, found.blocked) == (status, code, "m", False)
    assert worth_retrying(found) == ((status, code) in RETRIED)


@pytest.mark.parametrize("code", ["safety", "IMAGE_SAFETY", "prohibitedContent", "content-blocked"])
def test_a_refusal_of_a_filter_is_blocked_however_its_code_is_written(code):
    assert failure(400, code).blocked


def test_a_quota_of_the_day_and_an_account_that_cannot_pay_have_a_remedy():
    assert "quota of the day" in service_error(failure(429, "quota_exceeded")).remedy
    assert "billing account" in service_error(failure(402, "payment_required")).remedy
    assert "--fresh" in service_error(failure(400, "missing_thought_signature")).remedy


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'[{"error":{"code":401,"message":"Bad key","status":"UNAUTHENTICATED"}}]', "Bad key"),
        (b'{"error":{"code":401,"message":"Bad key","status":"UNAUTHENTICATED"}}', "Bad key"),
        (b'data: {"error":{"code":"authentication","message":"Bad key"}}\n\n', "Bad key"),
        (b"<html><body>Sign in</body></html>", "Sign in"),
        (b"", "Unauthorized"),
    ],
)
def test_errors_of_the_front_end_and_of_proxies_are_read(body, message):
    found = interactions_failure(401, body)
    assert (found.code, found.message) == (401, message)
