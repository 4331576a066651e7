"""Reads failures from error objects and from HTTP error bodies of any shape.

Supports Google's error model (google.rpc.Status with ErrorInfo, RetryInfo and QuotaFailure details) and the formats of
gateways. The decision whether to retry is the client's.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from ..events import Failure
from ..text import MAX_DEPTH, json_safe, read_json

__all__ = ["failure_of", "http_failure", "message_failure", "retry_after", "with_headers"]

# What to do about a refused setting, by a pattern of the message: many models refuse some settings, or combinations of them.
# The first match counts.
# The patterns of this module are compiled when they are first used (`re` keeps them): most answers are no errors.
_REMEDIES = (
    # Many models refuse log probabilities, or refuse them in streams only.
    (r"logprobs is not enabled", "Leave out --logprobs, add --no-stream, or use another model."),
    (
        r"only supports (?:the )?interactions api",
        "Use --backend interactions; for an agent, --agent NAME in place of -m.",
    ),
    (
        r"thinking level \w+ is not supported",
        "Use another level with --thinking, or leave it out.",
    ),
    (
        r"parameters_?json_?schema",
        (
            "This server or model does not take the parameters of a tool as JSON Schema. Use another model, or give a "
            "declaration with `parameters` as the API writes it."
        ),
    ),
    (
        r"with a response mime type|controlled generation is not supported with",
        (
            "This model does not combine its tools with answers in JSON. Leave out the tools, --schema or -f json, or "
            "use another model."
        ),
    ),
    (
        r"too many states",
        "Use a smaller schema: fewer fields and options, shorter names, fewer fields that may be missing.",
    ),
    (r"json mode is not enabled", "Use another model, or leave out --schema and -f json."),
    (
        r"response_?(?:json_?)?schema",
        "The server does not accept the schema: `--dry-run` shows it. Use a simpler one, or another model.",
    ),
    (
        r"include_?server_?side_?tool_?invocations",
        "To combine the server's tools with functions, add -p toolConfig.includeServerSideToolInvocations=true.",
    ),
    (
        (
            r"tool use with function calling is unsupported"
            r"|tools?\b.{0,60}\bfunction (?:calling|declarations?)\b.{0,40}\b(?:cannot|can't|not) be (?:combined|used)"
            r"|multiple tools are supported only when"
        ),
        (
            "This model does not combine the server's tools, such as --search, with functions. Leave out one of them, or "
            "use another model."
        ),
    ),
    (
        r"function call(?:ing)? (?:is )?not (?:supported|enabled)|not support function call",
        "This model does not support functions. Leave out the tools, or use another model.",
    ),
    (
        r"\b(?:search|grounding|code execution|url ?context|browse|maps|file ?search)\b.{0,60}\bnot (?:supported|enabled)",
        "This model does not support this tool of the server. Leave out its option, or use another model.",
    ),
    (
        r"missing a thought_?signature|thought signature",
        "The signatures of a conversation belong to one model family and one API. Start a new one with --fresh.",
    ),
    (
        r"number of function response parts",
        "Each call of a turn needs one result. Start a new conversation with --fresh.",
    ),
)
# The codes of google.rpc.Status, which errors inside a batch job have: their names and HTTP statuses (google/rpc/code.proto).
_RPC_CODES = {
    1: ("CANCELLED", 499),
    2: ("UNKNOWN", 500),
    3: ("INVALID_ARGUMENT", 400),
    4: ("DEADLINE_EXCEEDED", 504),
    5: ("NOT_FOUND", 404),
    6: ("ALREADY_EXISTS", 409),
    7: ("PERMISSION_DENIED", 403),
    8: ("RESOURCE_EXHAUSTED", 429),
    9: ("FAILED_PRECONDITION", 400),
    10: ("ABORTED", 409),
    11: ("OUT_OF_RANGE", 400),
    12: ("UNIMPLEMENTED", 501),
    13: ("INTERNAL", 500),
    14: ("UNAVAILABLE", 503),
    15: ("DATA_LOSS", 500),
    16: ("UNAUTHENTICATED", 401),
}
_MOST_EVENTS = 10  # events of an error body that are tried
_FIELD = r"(?:event|id|retry)?:"
_LONGEST = 500  # characters of a message that is shown
_LARGEST = 2**31  # no code is larger
_FOREVER = 1e7  # seconds
_DAY = 300.0  # seconds; a longer wait means a daily quota
_SECONDS = r"\d+(\.\d+)?"
_PER_DAY = r"\bper[ _-]?day\b|\bdaily (?:limit|quota)\b"
_RETRY = r"retry in ((?:\d+(?:\.\d+)?\s?(?:h|ms|m|s)?)+)"
_DURATION = r"(\d+(?:\.\d+)?)\s?(h|ms|m|s|)"
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0, "ms": 0.001}
# Every alternative ends or takes the rest of the text, so that a page of unclosed tags does not take quadratic time.
_TAGS = r"<(script|style|head)\b.*?(?:</\1\s*>|(?=<body\b)|\Z)|<[^<>]*>"


def failure_of(error: Any, *, code: int | None = None) -> Failure | None:
    """The failure that an ``error`` value describes.

    Args:
        error: the value of ``error``: an object, or a string from some gateways.
        code: the HTTP status to use if the object has none.

    Returns:
        None if the value is null or empty.
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
    if number in _RPC_CODES:
        name, number = _RPC_CODES[number]
        status = status or name
    reason = next((str(item["reason"]) for item in details if item.get("reason")), None)
    wait = _wait(details, message)
    return Failure(
        shown := _short(message),
        code if number is None else number,
        None if status is None else str(status),
        wait,
        reason,
        _is_final(details, message, reason, wait),
        next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, shown, re.IGNORECASE)), ""),
    )


def http_failure(status: int, body: bytes) -> Failure:
    """The failure that an HTTP error describes, whether its body is JSON, a list, HTML, text or empty.

    Args:
        status: the HTTP status.
        body: the body as far as it was read, without content encoding.
    """
    text = _text(body)
    for value in _values(text):
        found = message_failure(value, code=status)
        if found is not None:
            return found
    plain = (
        _short(html.unescape(re.sub(_TAGS, " ", text, flags=re.IGNORECASE | re.DOTALL)))
        if text.startswith("<")
        else _short(text)
    )
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "no explanation"
    return Failure(plain or phrase, status, None, _wait([], plain))


def retry_after(headers: Iterable[tuple[str, str]]) -> float | None:
    """Seconds of a ``Retry-After`` header, which may also hold a date (RFC 9110, 10.2.3); None without one.

    A date is compared with the ``Date`` of the response, so that a recording gives the same seconds as the network.
    """
    found = {name.lower(): value.strip() for name, value in reversed(tuple(headers))}
    value = found.get("retry-after", "")
    if re.fullmatch(_SECONDS, value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    try:
        now = parsedate_to_datetime(found.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        pass
    try:
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except TypeError:  # a date without a time zone
        return None


def with_headers(failure: Failure, headers: Iterable[tuple[str, str]]) -> Failure:
    """The failure with the wait that the headers ask for, if its body asks for none."""
    wait = retry_after(headers) if failure.retry_after is None else None
    if wait is None:
        return failure
    return msgspec.structs.replace(failure, retry_after=wait, final=failure.final or wait > _DAY)


def message_failure(value: Any, *, code: int | None = None) -> Failure | None:
    """The failure that a JSON value describes, as servers send it in place of an answer; None if it describes none.

    Args:
        value: a JSON value: an object with ``error``, ``detail`` or ``message``, or a list that begins with one.
        code: the HTTP status to use if the value has none.
    """
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return None
    error = value.get("error") or value.get("errors") or value.get("detail")
    if isinstance(error, list) and len(error) == 1 and isinstance(error[0], dict) and "message" in error[0]:
        error = error[0]
    own = value if isinstance(value.get("message"), str) and value["message"] else None
    if isinstance(error, str) and own is not None:
        error = None  # the message explains a name, such as "Forbidden"
    return failure_of(error or own, code=code)


def _text(body: bytes) -> str:
    """The text of a body, without a byte order mark."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace").strip()
    return body.decode("utf-8", "replace").strip()


def _values(text: str) -> Iterator[Any]:
    """The JSON value of an error body, which may be framed as a server-sent event."""
    data = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    bare = "\n".join(line.removeprefix("data:") for line in text.splitlines() if not re.match(_FIELD, line))
    for candidate in (text, *(("\n".join(data), bare, *data[:_MOST_EVENTS]) if data else ())):
        try:
            yield json_safe(read_json(candidate.encode(), max_depth=MAX_DEPTH))
        except ValueError:
            continue


def _code(value: Any) -> int | None:
    """A code, given as a number or as a string; None for anything else."""
    try:
        number = None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < _LARGEST else None


def _place(item: Any) -> str:
    """One validation error of FastAPI: its location and its message."""
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
    """Seconds to wait, from the message (``1h2m3.5s``, as Go writes it) or else from RetryInfo, which is rounded down."""
    if found := re.search(_RETRY, message, re.IGNORECASE):
        durations = re.findall(_DURATION, found[1], re.IGNORECASE)
        return min(_FOREVER, sum(float(number) * _UNITS[unit.lower()] for number, unit in durations))
    for item in details:
        delay = item.get("retryDelay")
        if isinstance(delay, str) and re.fullmatch(r"\d+(\.\d+)?s", delay):
            return min(_FOREVER, float(delay[:-1]))
    return None


def _is_final(details: list[dict[str, Any]], message: str, reason: str | None, wait: float | None) -> bool:
    """Whether a short wait cannot help: a daily quota, a limit of zero, or a wait of many minutes."""
    quotas = [
        str(violation.get("quotaId", ""))
        for item in details
        for violation in _list(item.get("violations"))
        if isinstance(violation, dict)
    ]
    return (
        any("PerDay" in quota or "Daily" in quota for quota in quotas)
        or re.search(r"\blimit: 0\b", message) is not None
        or re.search(_PER_DAY, message, re.IGNORECASE) is not None
        or reason == "MODEL_CAPACITY_EXHAUSTED"
        or (wait or 0) > _DAY
    )
