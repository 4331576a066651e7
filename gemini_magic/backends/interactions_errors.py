"""Failures and statuses of the Interactions API, and what they mean for an answer.

Errors have three shapes: ``{"error": {"code": "rate_limit_exceeded", "message": …}}`` before and in a stream, Google's
error model in an array (as the front end answers before the API is reached), and ``google.rpc.Status`` in a step.

Reference: ai.google.dev/gemini-api/docs/api-errors; the statuses are those of google-genai's ``InteractionStatus``.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from ..events import Failure, Finish, FinishOutcome
from ..text import json_safe
from .http_errors import failure_of, http_failure

__all__ = [
    "BAD_ENDINGS",
    "CANCELLED",
    "RUNNING",
    "interactions_failure",
    "status_finish",
    "step_failure",
    "stream_failure",
]

CANCELLED: Final = "cancelled"
# Codes of errors, with the HTTP status that the API documents for each.
_CODES: Final = {
    "invalid_request": 400,
    "failed_precondition": 400,
    "parameter_unknown": 400,
    "authentication": 401,
    "payment_required": 402,
    "permission_denied": 403,
    "not_found": 404,
    "model_not_found": 404,
    "already_exists": 409,
    "aborted": 409,
    "out_of_range": 416,
    "rate_limit_exceeded": 429,
    "quota_exceeded": 429,
    "too_many_requests": 429,
    "resource_exhausted": 429,
    CANCELLED: 499,
    "api_error": 500,
    "internal": 500,
    "unimplemented": 501,
    "service_unavailable": 503,
    "unavailable": 503,
    "deadline_exceeded": 504,
    "gateway_timeout": 504,
}
# Codes for which a filter refused the prompt or the answer; no status of an interaction shows that.
_BLOCKED: Final = frozenset(
    {
        "safety",
        "recitation",
        "language",
        "prohibited_content",
        "spii",
        "blocklist",
        "image_safety",
        "image_prohibited_content",
        "image_recitation",
        "image_other",
        "content_blocked",
    }
)
# Codes for which asking again does not help: the quota of the day, an account that cannot pay, an answer that was stopped.
_FINAL: Final = frozenset({"quota_exceeded", "payment_required", CANCELLED})
_REMEDIES: Final = {
    "payment_required": "Check the billing account of the project of this key.",
    "missing_thought_signature": "Start a new conversation with --fresh: a signature of this one is missing.",
    "too_many_tool_calls": "Ask for less in one request, or leave out tools that are not needed.",
}
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def interactions_failure(status: int, body: bytes) -> Failure:
    """Return the failure that an HTTP error describes, whatever its body is; never raises."""
    return _classified(http_failure(status, body))


def stream_failure(error: Any) -> Failure | None:
    """Return the failure in an ``error`` of an event; None for an empty one, which means nothing."""
    failure = failure_of(json_safe(error))
    return None if failure is None else _classified(failure)


def step_failure(error: Any) -> Failure | None:
    """Return the failure of one step (``google.rpc.Status``), or of an entry of an interaction's ``errors``."""
    return stream_failure(error) if isinstance(error, dict | str) else None


def _classified(failure: Failure) -> Failure:
    code = _CAMEL.sub("_", failure.status or "").replace("-", "_").replace(" ", "_").lower()
    return msgspec.structs.replace(
        failure,
        code=failure.code if failure.code is not None else _CODES.get(code),
        final=failure.final or code in _FINAL,
        blocked=code in _BLOCKED,
        remedy=failure.remedy or _REMEDIES.get(code, ""),
    )


# -- statuses

_OUTCOMES: Final[dict[str, FinishOutcome]] = {
    "completed": "complete",
    "done": "complete",  # of the preview
    "requires_action": "complete",
    "incomplete": "truncated",
    "budget_exceeded": "budget",
    "requires_continuation": "paused",
    "failed": "error",
    CANCELLED: "interrupted",
}
RUNNING: Final = frozenset({"in_progress", "queued", "idle"})
"""Statuses of an interaction that has not ended: a stream that ends with one of them is truncated."""
BAD_ENDINGS: Final = frozenset(
    status for status, outcome in _OUTCOMES.items() if outcome not in ("complete", "paused")
)
"""Statuses that end an interaction although no event says that it is complete."""


def status_finish(status: str, message: str | None = None, *, last: bool = True) -> Finish | None:
    """Return the end that a status means; None for the status of an interaction that still runs.

    Args:
        status: the status as sent.
        message: the server's explanation, or None.
        last: whether nothing of the answer follows.
    """
    if status in RUNNING or not status:
        return None
    if status == "failed":
        message = message or "the server does not say why"
    return Finish(status, message, outcome=_OUTCOMES.get(status), last=last)
