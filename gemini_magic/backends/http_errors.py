"""What a server means when it says no: error objects and HTTP error bodies of any shape.

Knows Google's error model (google.rpc.Status with ErrorInfo, RetryInfo and QuotaFailure details) and what gateways
send instead; decides nothing about retrying beyond reading what the server said.
"""

from __future__ import annotations

import html
import re
from http import HTTPStatus
from typing import Any

from ..events import Failure
from ..lenient_json import MAX_DEPTH, json_safe, read_json

__all__ = ["failure_of", "http_failure"]

_LONGEST = 500  # characters of a message that is shown
_LARGEST = 2**31  # no code is larger
_FOREVER = 1e7  # seconds
_DAY = 300.0  # seconds; a longer wait is a quota that returns tomorrow
_RETRY = re.compile(r"retry in ((?:\d+(?:\.\d+)?\s?(?:h|ms|m|s)?)+)", re.IGNORECASE)
_FIGURE = re.compile(r"(\d+(?:\.\d+)?)\s?(h|ms|m|s|)", re.IGNORECASE)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0, "ms": 0.001}
# Each alternative finds its end or takes the rest: a page of unclosed tags must not cost the square of its length.
_TAGS = re.compile(
    r"<(script|style|head)\b.*?(?:</\1\s*>|(?=<body\b)|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL
)


def failure_of(error: Any, *, code: int | None = None) -> Failure | None:
    """The failure an ``error`` value describes.

    Args:
        error: the value under ``error``: an object, or a string as some gateways send.
        code: the HTTP status to use when the object has none.

    Returns:
        None when the value says nothing (null, empty).
    """
    if not error:
        return None
    if isinstance(error, list):
        error = "; ".join(map(_place, error))
    if not isinstance(error, dict):
        return Failure(_short(str(error)), code, None, _wait([], str(error)))
    details = [item for item in _list(error.get("details")) if isinstance(item, dict)]
    message = str(error.get("message") or error.get("detail") or error.get("status") or "no message")
    own = error.get("code")
    number = _code(own)
    status = error.get("status") or (own if isinstance(own, str) and number is None else None)
    reason = next((str(item["reason"]) for item in details if item.get("reason")), None)
    wait = _wait(details, message)
    return Failure(
        _short(message),
        code if number is None else number,
        None if status is None else str(status),
        wait,
        reason,
        _hopeless(details, message, reason, wait),
    )


def http_failure(status: int, body: bytes) -> Failure:
    """The failure an HTTP error means, whether its body is JSON, a list, HTML, text or empty.

    Args:
        status: the HTTP status.
        body: what was read of the body, content-encoding undone.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        value = json_safe(read_json(body, max_depth=MAX_DEPTH))
    except ValueError:
        value = None
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        found = failure_of(value.get("error") or value.get("detail") or value.get("message"), code=status)
        if found is not None:
            return found
    plain = _short(html.unescape(_TAGS.sub(" ", text))) if text.startswith("<") else _short(text)
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "no explanation"
    return Failure(plain or phrase, status, None, _wait([], plain))


def _code(value: Any) -> int | None:
    """A code, whether it came as a number, a float or a string; None for what can be none."""
    try:
        number = None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < _LARGEST else None


def _place(item: Any) -> str:
    """One of the mistakes that FastAPI lists: where it is, and what."""
    if not isinstance(item, dict) or "msg" not in item:
        return str(item)
    where = ".".join(str(step) for step in _list(item.get("loc")))
    return f"{where}: {item['msg']}" if where else str(item["msg"])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _wait(details: list[dict[str, Any]], message: str) -> float | None:
    """Seconds to wait: the message's figure (Go's form, ``1h2m3.5s``) is the exact one, RetryInfo's is cut off."""
    if found := _RETRY.search(message):
        figures = _FIGURE.findall(found[1])
        return min(_FOREVER, sum(float(number) * _UNITS[unit.lower()] for number, unit in figures))
    for item in details:
        delay = item.get("retryDelay")
        if isinstance(delay, str) and re.fullmatch(r"\d+(\.\d+)?s", delay):
            return min(_FOREVER, float(delay[:-1]))
    return None


def _hopeless(details: list[dict[str, Any]], message: str, reason: str | None, wait: float | None) -> bool:
    """Whether waiting a little cannot help: a daily quota, a limit of zero, or a wait of many minutes."""
    quotas = [
        str(violation.get("quotaId", ""))
        for item in details
        for violation in _list(item.get("violations"))
        if isinstance(violation, dict)
    ]
    return (
        any("PerDay" in quota or "Daily" in quota for quota in quotas)
        or re.search(r"\blimit: 0\b", message) is not None
        or reason == "MODEL_CAPACITY_EXHAUSTED"
        or (wait or 0) > _DAY
    )
