r"""Reads and writes HTTP traces in Go's ``httprr trace v1`` format: requests and responses, byte for byte.

The caller opens files, decompresses gzip, matches requests and removes secrets.

The format, as the recorders of rsc.io and golang.org/x/oscar write it: the line ``httprr trace v1``, then records. A
record is a line with the lengths of request and response in bytes, followed by both without a separator. The request
is the output of Go's ``Request.WriteProxy`` (with an absolute URL in the first line), the response that of
``Response.Write``: its body has no transfer coding and no content coding, and ends with the record. LangChainGo's
recorder ends the first lines with CR LF and one request header with a bare LF; both are accepted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import urlsplit

from ..errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TraceExchange", "parse_trace", "render_trace"]

Headers = tuple[tuple[str, str], ...]

_MAGIC = b"httprr trace v1"
_LENGTHS = re.compile(rb"(\d{1,18}) (\d{1,18})")
_REQUEST = re.compile(r"([A-Za-z]+) (\S+) (HTTP/\d(?:\.\d)?)")
_STATUS = re.compile(r"(HTTP/\d(?:\.\d)?) (\d{3})(?: (.*))?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
# These do not apply to the body in a record, which is complete and decoded.
_TRANSFER = frozenset({"transfer-encoding", "content-encoding", "content-length", "connection", "trailer"})
_FIRST_HEADERS = ("host", "user-agent", "content-length")


class TraceExchange(NamedTuple):
    """One request and its response.

    Attributes:
        method: such as ``POST``.
        url: absolute.
        request_headers: in the order of the trace.
        request_body: as recorded.
        status: three digits.
        reason: may be empty.
        http_version: of the response, such as ``HTTP/2.0``.
        headers: of the response, in the order of the trace.
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


def parse_trace(data: bytes) -> list[TraceExchange]:
    """The exchanges of a trace, in its order; empty for a trace of only the first line.

    Raises:
        RecordingError: the data is not an httprr trace, or is damaged; the message says where.
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
            _fail(f"Record {number} of the httprr trace (byte {line_at}) does not start with two lengths.")
        middle = pos + int(lengths[1])
        end = middle + int(lengths[2])
        if end > len(data):
            _fail(
                f"Record {number} of the httprr trace (byte {line_at}) needs {end - pos} bytes, "
                f"but the file has only {len(data) - pos} more."
            )
        exchanges.append(_exchange(data[pos:middle], data[middle:end], number, pos, middle))
        pos = end
    return exchanges


def render_trace(exchanges: Iterable[TraceExchange]) -> bytes:
    """The trace of ``exchanges``, in a form that Go's reader accepts.

    Content-Length is computed; headers about transfer and content coding are omitted, as the bodies have none. The
    caller must remove secrets first.

    Raises:
        RecordingError: a URL is not absolute, or a header contains a line break.
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
        "The file looks like gzip. Decompress it first."
        if gzipped
        else "Record the trace again, or restore the file from version control without converting its line ends."
    )
    raise RecordingError(message, remedy=remedy)


def _exchange(
    request: bytes, response: bytes, number: int, request_at: int, response_at: int
) -> TraceExchange:
    first, request_headers, request_body = _message(request, f"request of record {number}", request_at)
    request_line = _REQUEST.fullmatch(first)
    if request_line is None:
        _fail(
            f"The request of record {number} (byte {request_at}) starts with {first[:80]!r}, which is not a request line."
        )
    first, headers, body = _message(response, f"response of record {number}", response_at)
    status_line = _STATUS.fullmatch(first)
    if status_line is None:
        _fail(
            f"The response of record {number} (byte {response_at}) starts with {first[:80]!r}, which is not a status line."
        )
    return TraceExchange(
        method=request_line[1],
        url=_absolute(request_line[2], request_headers),
        request_headers=request_headers,
        request_body=request_body,
        status=int(status_line[2]),
        reason=status_line[3] or "",
        http_version=status_line[1],
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
    """``body`` without chunk headers, for traces of other recorders; unchanged if it has none."""
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
            f"Exchange {number} cannot be written to an httprr trace: {exchange.url[:80]!r} is not an absolute URL."
        )
    original = {name.lower(): value for name, value in exchange.request_headers}
    headers = [
        ("Host", original.get("host", url.netloc.rpartition("@")[2])),
        ("User-Agent", original.get("user-agent", "Go-http-client/1.1")),
    ]
    if exchange.request_body or exchange.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(exchange.request_body))))
    others = [
        (n, v)
        for n, v in exchange.request_headers
        if n.lower() not in _TRANSFER and n.lower() not in _FIRST_HEADERS
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
            _fail(
                f"Exchange {number} cannot be written to an httprr trace: {line[:80]!r} contains a line break."
            )
    try:
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
    except UnicodeEncodeError:
        return "\r\n".join([*lines, "", ""]).encode()
