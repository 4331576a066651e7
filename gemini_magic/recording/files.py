"""Whole recordings as files: ``.jsonl``, and Go's ``.httprr`` and a bare ``.sse`` body in both directions.

It reads and writes what is there; it does not record (``recorder``) and does not choose an answer (``replay``).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from ..errors import RecordingError
from ..ledger import Exchange, clean_headers, clean_url
from ..wire import TraceExchange, httprr
from .jsonl import Recorded, dump, lines_of, parse

__all__ = ["read_recording", "write_recording"]

_NO_TIMES = "An httprr trace holds no arrival times: everything seems to have come at once."
_BODY_ALONE = "An .sse file holds a body alone: no request, no status, no arrival times."


def read_recording(path: Path) -> list[Exchange]:
    """The exchanges of a recording: ``.jsonl``, ``.httprr`` or ``.sse``, each also as ``.gz``.

    Raises:
        RecordingError: there is no such file, or it is not a recording.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(
            f"The recording {path} cannot be read: {error.strerror or error}.",
            remedy="Check the file's name.",
        ) from None
    name = path.name.lower()
    if name.endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise RecordingError(
                f"{path.name} is not a gzip file.", remedy="Check the file's name."
            ) from None
        name = name.removesuffix(".gz")
    if name.endswith(".httprr") or data.startswith(b"httprr trace v1"):
        found = [_from_trace(trace) for trace in httprr.parse_trace(data)]
        if not found:
            raise RecordingError(f"{path.name} holds no exchange.", remedy="Record one with --record FILE.")
        return list(found)
    if name.endswith(".sse"):
        exchange = Recorded("POST", "", (), b"")
        exchange.status, exchange.end = 200, "eof"
        exchange.pieces.append((0.0, data))
        exchange.lacks = _BODY_ALONE
        return [exchange]
    return parse(path.name, data)


def _from_trace(trace: TraceExchange) -> Recorded:
    headers = tuple(clean_headers(trace.request_headers).items())
    exchange = Recorded(trace.method, clean_url(trace.url), headers, trace.request_body)
    exchange.status, exchange.reason, exchange.http_version = trace.status, trace.reason, trace.http_version
    exchange.response_headers = tuple(clean_headers(trace.headers).items())
    if trace.body:
        exchange.pieces.append((0.0, trace.body))
    exchange.end = "eof"
    exchange.lacks = _NO_TIMES
    return exchange


def write_recording(path: Path, exchanges: Sequence[Exchange]) -> None:
    """Write exchanges as ``.jsonl`` (all), ``.httprr`` (those answered; no times) or ``.sse`` (the last body alone).

    Raises:
        RecordingError: the suffix is not known, there is nothing to write, or the file cannot be written.
    """
    makers = {".jsonl": _to_lines, ".httprr": _to_trace, ".sse": _to_body}
    if path.suffix not in makers:
        raise RecordingError(f"{path.name} has no known ending.", remedy=f"Use one of {', '.join(makers)}.")
    data = makers[path.suffix](exchanges) if exchanges else b""
    if not data:
        raise RecordingError("There is nothing to save yet.", remedy="Wait for the first bytes.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be written: {error.strerror or error}.", remedy="Choose another folder."
        ) from None


def _to_lines(exchanges: Sequence[Exchange]) -> bytes:
    return b"".join(
        dump(line) for number, exchange in enumerate(exchanges) for line in lines_of(number, exchange)
    )


def _to_trace(exchanges: Sequence[Exchange]) -> bytes:
    traces = [
        TraceExchange(
            method=exchange.method,
            url=clean_url(exchange.url),
            request_headers=tuple(clean_headers(exchange.headers).items()),
            request_body=exchange.body,
            status=exchange.status,
            reason=exchange.reason,
            http_version=exchange.http_version or "HTTP/1.1",
            headers=tuple(clean_headers(exchange.response_headers).items()),
            body=b"".join(piece for _, piece in exchange.pieces),
        )
        for exchange in exchanges
        if exchange.status is not None
    ]
    return httprr.render_trace(traces) if traces else b""


def _to_body(exchanges: Sequence[Exchange]) -> bytes:
    return b"".join(piece for _, piece in exchanges[-1].pieces)
