"""The Batch API of the Gemini Developer API: URLs, bodies and answers.

Reference: ai.google.dev, "Batch API" and ``batches``. Facts about the wire that the reference does not have are from recorded
exchanges: requests and results are nested twice in lists of the same name, counts are texts, counts of zero are missing, and
the results of a job are in ``metadata.output`` and in ``response`` alike. No I/O, no key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from ..content import Request
from ..events import Failure
from ..text import MAX_DEPTH, json_safe, read_json
from .backend import BatchAnswer, BatchApi, BatchState, Endpoint, HttpRequest, RemoteJob
from .gemini_files import gemini_base
from .gemini_resources import resource_number, resource_text, resource_time
from .http_errors import failure_of
from .urls import quoted

__all__ = ["gemini_batch_api"]

_MAX_INLINE: Final = 20_000_000  # bytes of a job with its requests inside ("Batch API": 20 MB)
_MAX_FILE: Final = 2_000_000_000  # bytes of a file with requests ("Batch API": 2 GB)
_PAGE: Final = 100  # jobs per page
_MAX_KEY: Final = 200  # characters of a key; ours are shorter
_ACCEPT: Final = (("accept", "application/json"),)
_NAME: Final = re.compile(r"batches/[A-Za-z0-9_-]{1,200}")
_FILE: Final = re.compile(r"files/[A-Za-z0-9_.-]{1,200}")
# Characters that some readers of lines take for the end of a line. In JSON they occur in strings only.
_SEPARATORS: Final = (
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
    ("\x85".encode(), b"\\u0085"),
)
# The states by their names without the prefix. Those after UNSPECIFIED are the ones of Vertex AI, which the SDK knows, too.
_STATES: Final[dict[str, BatchState]] = {
    "PENDING": "pending",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
    "UNSPECIFIED": "unknown",
    "QUEUED": "pending",
    "PAUSED": "pending",
    "UPDATING": "running",
    "CANCELLING": "running",
    "PARTIALLY_SUCCEEDED": "succeeded",
}
_ENDED: Final = ("succeeded", "failed", "cancelled", "expired")

_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


def gemini_batch_api(encode: Callable[[Request], bytes], model_path: Callable[[str], str]) -> BatchApi:
    """The batch jobs of the Gemini API.

    Args:
        encode: a request -> the JSON text of a ``GenerateContentRequest``, with its media in it.
        model_path: a model -> its path in a URL.
    """

    def inline_row(request: Request, key: str) -> bytes:
        return b'{"request":%b,"metadata":{"custom_id":%b}}' % (encode(request), json.dumps(key).encode())

    def file_row(request: Request, key: str) -> bytes:
        line = b'{"key":%b,"request":%b}' % (json.dumps(key).encode(), encode(request))
        for separator, escaped in _SEPARATORS:
            line = line.replace(separator, escaped)
        return line

    def create(endpoint: Endpoint, model: str, display_name: str, source: bytes) -> HttpRequest:
        url = f"{gemini_base(endpoint)}/{quoted(model_path(model))}:batchGenerateContent"
        name = json.dumps(display_name).encode()
        body = b'{"batch":{"displayName":%b,"inputConfig":%b}}' % (name, source)
        return HttpRequest("POST", url, (("content-type", "application/json"), *_ACCEPT), body)

    def create_inline(
        endpoint: Endpoint, model: str, display_name: str, rows: Sequence[bytes]
    ) -> HttpRequest:
        return create(endpoint, model, display_name, b'{"requests":{"requests":[%b]}}' % b",".join(rows))

    def create_from_file(endpoint: Endpoint, model: str, display_name: str, file: str) -> HttpRequest:
        return create(endpoint, model, display_name, b'{"fileName":%b}' % json.dumps(file).encode())

    return BatchApi(
        inline_row=inline_row,
        file_row=file_row,
        create_inline=create_inline,
        create_from_file=create_from_file,
        get=_get,
        cancel=_cancel,
        delete=_delete,
        list=_list,
        download=_download,
        read=_read,
        read_list=_read_list,
        inline_answers=_inline_answers,
        file_answer=_file_answer,
        file_type="application/jsonl",
        max_inline=_MAX_INLINE,
        max_file=_MAX_FILE,
    )


# ------------------------------------------------------------------------------ requests


def _get(endpoint: Endpoint, name: str) -> HttpRequest:
    return HttpRequest("GET", f"{gemini_base(endpoint)}/{quote(name)}", _ACCEPT, b"")


def _cancel(endpoint: Endpoint, name: str) -> HttpRequest:
    headers = (("content-type", "application/json"), *_ACCEPT)
    return HttpRequest("POST", f"{gemini_base(endpoint)}/{quote(name)}:cancel", headers, b"{}")


def _delete(endpoint: Endpoint, name: str) -> HttpRequest:
    return HttpRequest("DELETE", f"{gemini_base(endpoint)}/{quote(name)}", _ACCEPT, b"")


def _list(endpoint: Endpoint, page: str) -> HttpRequest:
    query = f"pageSize={_PAGE}" + (f"&pageToken={quote(page, safe='')}" if page else "")
    return HttpRequest("GET", f"{gemini_base(endpoint)}/batches?{query}", _ACCEPT, b"")


def _download(endpoint: Endpoint, file: str) -> Sequence[HttpRequest]:
    """The SDK's address, and the one of the REST examples, to which the first can redirect."""
    base = gemini_base(endpoint)
    root, _, version = base.rpartition("/")
    path = f"{quote(file)}:download?alt=media"
    return [
        HttpRequest("GET", url, (("accept", "*/*"),), b"")
        for url in (f"{base}/{path}", f"{root}/download/{version}/{path}")
    ]


# ------------------------------------------------------------------------------ jobs


def _read(value: Any) -> RemoteJob | None:
    """The job in an answer: an operation with the job as ``metadata``, or the job itself. Never raises."""
    if not isinstance(value, dict):
        return None
    fields = value.get("metadata")
    if not isinstance(fields, dict):
        fields = value
    name = value.get("name") if isinstance(value.get("name"), str) else fields.get("name")
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        return None
    reported = resource_text(fields.get("state"))
    state = _STATES.get(re.sub(r"^(?:BATCH|JOB)_STATE_", "", reported.upper()), "unknown")
    failure = _failure(value.get("error")) or _failure(fields.get("error"))
    done = value.get("done") is True
    if done and state not in _ENDED:
        state = "failed" if failure is not None else "succeeded"
    stats = fields.get("batchStats")
    stats = stats if isinstance(stats, dict) else {}
    counts = [
        resource_number(stats.get(f"{each}RequestCount")) for each in ("successful", "failed", "pending")
    ]
    total = resource_number(stats.get("requestCount"))
    succeeded, failed, pending = (
        counts if total is None else (0 if count is None else count for count in counts)
    )
    return RemoteJob(
        name=name,
        display_name=resource_text(fields.get("displayName")),
        state=state,
        reported_state=reported,
        ended=done or state in _ENDED,
        created=resource_time(fields.get("createTime")),
        finished=resource_time(fields.get("endTime")),
        requests=total,
        succeeded=succeeded,
        failed=failed,
        pending=pending,
        result_file=_result_file(fields.get("output")) or _result_file(value.get("response")),
        failure=failure,
    )


def _read_list(value: dict[str, Any]) -> tuple[list[RemoteJob], str]:
    entries = value.get("operations", value.get("batches"))
    found = [_read(each) for each in entries] if isinstance(entries, list) else []
    page = value.get("nextPageToken")
    return [each for each in found if each is not None], page if isinstance(page, str) else ""


def _failure(error: Any) -> Failure | None:
    return failure_of(json_safe(error)) if isinstance(error, dict | str) else None


def _result_file(output: Any) -> str:
    name = output.get("responsesFile") if isinstance(output, dict) else None
    return name if isinstance(name, str) and _FILE.fullmatch(name) else ""


# ------------------------------------------------------------------------------ results


def _inline_answers(body: bytes) -> tuple[list[BatchAnswer], int]:
    """The results in an answer to ``get``, from whichever of the two places has more, and how many cannot be read."""
    top = _fields(body)
    places = [_field(_fields(top.get("metadata")), "output"), top.get("response"), top.get("output")]
    rows = max((_rows(place) for place in places), key=len)
    found = [_answer(row, "metadata") for row in rows]
    answers = [each for each in found if each is not None]
    return answers, len(found) - len(answers)


def _file_answer(line: bytes) -> BatchAnswer | None:
    return _answer(line, "key")


def _answer(raw: bytes | msgspec.Raw, key_field: str) -> BatchAnswer | None:
    """The result of one request; None if it is neither an answer nor an error."""
    fields = _fields(raw)
    key = _key(
        fields.get("key") if key_field == "key" else _field(_fields(fields.get("metadata")), "custom_id")
    )
    if key is None and key_field == "key":  # seen for results of files, too
        key = _key(_field(_fields(fields.get("metadata")), "key"))
    response, error = (_present(fields.get(name)) for name in ("response", "error"))
    if response is not None and bytes(response[:1]) == b"{":
        return BatchAnswer(key, bytes(response))
    if error is None:
        return None
    body = b'{"error":%b}' % bytes(error)
    try:
        failure = failure_of(json_safe(read_json(bytes(error), max_depth=MAX_DEPTH)))
    except ValueError:
        failure = None
    return BatchAnswer(key, body, failure or Failure("The server reported an error without a message."))


def _present(raw: msgspec.Raw | None) -> memoryview | None:
    """The bytes of a field; None if it is missing or null."""
    if raw is None:
        return None
    text = memoryview(raw)
    return None if bytes(text[:4]) == b"null" else text


def _fields(raw: bytes | msgspec.Raw | None) -> dict[str, msgspec.Raw]:
    """The fields of a JSON object, undecoded; empty for anything else."""
    try:
        return {} if raw is None else _raw_fields.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}


def _field(fields: dict[str, msgspec.Raw], name: str) -> msgspec.Raw | None:
    return fields.get(name)


def _rows(output: msgspec.Raw | None) -> list[msgspec.Raw]:
    inner = _fields(output).get("inlinedResponses")
    for raw in (_fields(inner).get("inlinedResponses"), inner):
        try:
            if raw is not None:
                return _raw_list.decode(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
    return []


def _key(raw: msgspec.Raw | None) -> str | None:
    try:
        value = None if raw is None else msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_KEY else None
