r"""Reads and writes HTTP traces in Go's ``httprr trace v1`` form: requests and responses, byte for byte.

It does not open files, undo gzip, match requests or remove secrets; the caller does.

The form, as rsc.io's and golang.org/x/oscar's recorders write it: the line ``httprr trace v1``, then records:
a line with the byte lengths of request and response, then both, with nothing between. The request is what Go's
``Request.WriteProxy`` writes (absolute URL in the first line), the response what ``Response.Write`` writes: its
body has no transfer coding and no content coding, and runs to the end of the record. LangChainGo's recorder
ends the first lines with CR LF and one request header with a bare LF; both are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import urlsplit

from ..errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TraceExchange", "parse", "render"]

Headers = tuple[tuple[str, str], ...]

_MAGIC = b"httprr trace v1"
_LENGTHS = re.compile(rb"(\d{1,18}) (\d{1,18})")
_REQUEST = re.compile(r"([A-Za-z]+) (\S+) (HTTP/\d(?:\.\d)?)")
_STATUS = re.compile(r"(HTTP/\d(?:\.\d)?) (\d{3})(?: (.*))?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
# Of no meaning once the body stands whole and decoded in the record.
_TRANSFER = frozenset({"transfer-encoding", "content-encoding", "content-length", "connection", "trailer"})
_FIRST = ("host", "user-agent", "content-length")


class TraceExchange(NamedTuple):
    """One request and its answer.

    Attributes:
        method: such as ``POST``.
        url: absolute.
        request_headers: in the order of the trace.
        request_body: as recorded.
        status: three digits.
        reason: may be empty.
        http_version: of the answer, such as ``HTTP/2.0``.
        headers: of the answer, in the order of the trace.
        body: decoded, without transfer coding.
    """

    method: str
    url: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    http_version: str
    headers: Headers
    body: bytes


def parse(data: bytes) -> list[TraceExchange]:
    """The exchanges of a trace, in its order; empty for a trace of the first line only.

    Raises:
        RecordingError: it is no such trace, or is damaged; the message says where.
    """
    pos = _line_end(data, 0)
    if data[:pos].rstrip(b"\r\n") != _MAGIC:
        _fail(
            "This is not an httprr trace: its first line is not 'httprr trace v1'.",
            gzipped=data[:2] == b"\x1f\x8b",
        )
    exchanges: list[TraceExchange] = []
    while pos < len(data):
        line_at = pos
        pos = _line_end(data, pos)
        lengths = _LENGTHS.fullmatch(data[line_at:pos].rstrip(b"\r\n"))
        number = len(exchanges) + 1
        if lengths is None:
            _fail(f"Record {number} of the httprr trace (byte {line_at}) does not begin with two lengths.")
        middle = pos + int(lengths[1])
        end = middle + int(lengths[2])
        if end > len(data):
            _fail(
                f"Record {number} of the httprr trace (byte {line_at}) needs {end - pos} bytes, "
                f"but only {len(data) - pos} are left."
            )
        exchanges.append(_exchange(data[pos:middle], data[middle:end], number, pos, middle))
        pos = end
    return exchanges


def render(exchanges: Iterable[TraceExchange]) -> bytes:
    """The trace of ``exchanges``, in a form that Go's reader accepts.

    Content-Length is written anew; headers about transfer and content coding are left out, as the bodies have
    none. Secrets must have been removed before.

    Raises:
        RecordingError: a URL is not absolute, or a header cannot stand in one line.
    """
    out = [_MAGIC, b"\n"]
    for number, exchange in enumerate(exchanges, 1):
        request = _request_bytes(exchange, number)
        response = _response_bytes(exchange, number)
        out += [b"%d %d\n" % (len(request), len(response)), request, response]
    return b"".join(out)


def _line_end(data: bytes, pos: int) -> int:
    end = data.find(b"\n", pos)
    return len(data) if end < 0 else end + 1


def _fail(message: str, *, gzipped: bool = False) -> NoReturn:
    remedy = (
        "It looks like gzip: decompress it first."
        if gzipped
        else "Record it again, or take the file anew from version control without changing its line ends."
    )
    raise RecordingError(message, remedy=remedy)


def _exchange(
    request: bytes, response: bytes, number: int, request_at: int, response_at: int
) -> TraceExchange:
    first, request_headers, request_body = _message(request, f"request of record {number}", request_at)
    asked = _REQUEST.fullmatch(first)
    if asked is None:
        _fail(
            f"The request of record {number} (byte {request_at}) begins with {first[:80]!r}, not a request line."
        )
    first, headers, body = _message(response, f"response of record {number}", response_at)
    answered = _STATUS.fullmatch(first)
    if answered is None:
        _fail(
            f"The response of record {number} (byte {response_at}) begins with {first[:80]!r}, not a status line."
        )
    return TraceExchange(
        method=asked[1],
        url=_absolute(asked[2], request_headers),
        request_headers=request_headers,
        request_body=request_body,
        status=int(answered[2]),
        reason=answered[3] or "",
        http_version=answered[1],
        headers=headers,
        body=_dechunked(body) if _is_chunked(headers) else body,
    )


def _message(data: bytes, what: str, at: int) -> tuple[str, Headers, bytes]:
    """First line, headers and body of an HTTP message."""
    blank = _HEAD_END.search(data)
    if blank is None:
        _fail(f"The {what} (byte {at}) has no blank line after its headers.")
    first, *lines = data[: blank.start()].decode("latin-1").split("\n")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            _fail(f"The {what} (byte {at}) has a header without a colon: {line[:80]!r}.")
        headers.append((name.strip(), value.strip()))
    return first.rstrip("\r"), tuple(headers), data[blank.end() :]


def _absolute(target: str, headers: Headers) -> str:
    if "://" in target:
        return target
    host = next((value for name, value in headers if name.lower() == "host"), "")
    return f"https://{host}{target}"


def _is_chunked(headers: Headers) -> bool:
    return any(name.lower() == "transfer-encoding" and "chunked" in value.lower() for name, value in headers)


def _dechunked(body: bytes) -> bytes:
    """``body`` without chunk headers, for traces of other makers; as it is when it has none."""
    parts, pos = [], 0
    while pos < len(body):
        end = body.find(b"\r\n", pos)
        digits = body[pos:end].partition(b";")[0].strip() if end >= 0 else b""
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", digits):
            return body
        size = int(digits, 16)
        if size == 0:
            break
        parts.append(body[end + 2 : end + 2 + size])
        pos = end + 2 + size + 2
    return b"".join(parts)


def _request_bytes(exchange: TraceExchange, number: int) -> bytes:
    url = urlsplit(exchange.url)
    if not url.scheme or not url.netloc or re.search(r"\s", exchange.url):
        _fail(
            f"Exchange {number} cannot be written to an httprr trace: {exchange.url[:80]!r} is no absolute URL."
        )
    given = {name.lower(): value for name, value in exchange.request_headers}
    headers = [
        ("Host", given.get("host", url.netloc.rpartition("@")[2])),
        ("User-Agent", given.get("user-agent", "Go-http-client/1.1")),
    ]
    if exchange.request_body or exchange.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(exchange.request_body))))
    others = [
        (n, v) for n, v in exchange.request_headers if n.lower() not in _TRANSFER and n.lower() not in _FIRST
    ]
    headers += sorted(others, key=lambda pair: pair[0].lower())
    return _head(f"{exchange.method} {exchange.url} HTTP/1.1", headers, number) + exchange.request_body


def _response_bytes(exchange: TraceExchange, number: int) -> bytes:
    headers = [(name, value) for name, value in exchange.headers if name.lower() not in _TRANSFER]
    headers.append(("Content-Length", str(len(exchange.body))))
    first = f"{exchange.http_version} {exchange.status:03d} {exchange.reason}"
    return _head(first, sorted(headers, key=lambda pair: pair[0].lower()), number) + exchange.body


def _head(first: str, headers: list[tuple[str, str]], number: int) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    for line in lines:
        if "\r" in line or "\n" in line:
            _fail(f"Exchange {number} cannot be written to an httprr trace: a line break in {line[:80]!r}.")
    try:
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
    except UnicodeEncodeError:
        return "\r\n".join([*lines, "", ""]).encode()
