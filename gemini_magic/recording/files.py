"""Reads and writes whole recordings: ``.jsonl``, Go's ``.httprr``, and a body alone as ``.sse``."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from ..errors import RecordingError
from ..ledger import Exchange, clean_headers, clean_url
from ..media import collapse_media, expand_media
from ..private_files import make_private_folder, open_private, write_all
from ..wire import httprr
from .jsonl import ExchangeLines, RecordedExchange, dump, media_line, parse_recording

__all__ = ["MAX_TOTAL", "read_recording", "write_recording"]

MAX_TOTAL = 128.0
"""MB that a compressed recording may expand to, as ``--max-total``."""
_MEGABYTE = 2**20

_NO_TIMES = "An .httprr file contains no arrival times: everything seems to arrive at once."
_BODY_ALONE = "An .sse file contains only a body: no request, no status and no arrival times."


def read_recording(path: Path, *, max_total: float = MAX_TOTAL) -> list[Exchange]:
    """Read the exchanges of a recording: ``.jsonl``, ``.httprr`` or ``.sse``, each also compressed as ``.gz``.

    Args:
        path: the file.
        max_total: MB (2**20 bytes) that a compressed file may expand to.

    Raises:
        RecordingError: the file cannot be read, it is not a recording, or it expands to more than ``max_total``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(
            f"The recording {path} cannot be read: {error.strerror or error}.",
            remedy="Check the path.",
        ) from None
    name = path.name.lower()
    if name.endswith(".gz"):
        data = _decompressed(path.name, data, max_total)
        name = name.removesuffix(".gz")
    if name.endswith(".httprr") or data.startswith(b"httprr trace v1"):
        found = [_from_trace(trace) for trace in httprr.parse_trace(data)]
        if not found:
            raise RecordingError(
                f"{path.name} contains no exchange.", remedy="Record one with --record FILE."
            )
        return list(found)
    if name.endswith(".sse"):
        exchange = RecordedExchange("POST", "", (), b"")
        exchange.set_head(200)
        exchange.finish("eof")
        exchange.pieces.append((0.0, data))
        exchange.missing = _BODY_ALONE
        return [exchange]
    return parse_recording(path.name, data)


def _decompressed(name: str, data: bytes, max_total: float) -> bytes:
    """The content of a gzip file.

    Raises:
        RecordingError: it is not a gzip file, or its content is larger than ``max_total`` MB.
    """
    limit = int(max_total * _MEGABYTE)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(limit + 1)
    except (OSError, EOFError, zlib.error):
        raise RecordingError(
            f"{name} is not a valid gzip file.", remedy="Check the file's name and content."
        ) from None
    if len(content) > limit:
        raise RecordingError(
            f"{name} expands from {len(data) / _MEGABYTE:,.1f} MB to more than {max_total:,g} MB.",
            remedy="If you trust the file, raise the limit: --max-total MB, or Response.load(…, max_total=MB).",
        )
    return content


def _from_trace(trace: httprr.TraceExchange) -> RecordedExchange:
    headers = tuple(clean_headers(trace.request_headers).items())
    body, media = collapse_media(trace.request_body)
    exchange = RecordedExchange(trace.method, clean_url(trace.url), headers, body, media=media)
    exchange.set_head(
        trace.status,
        reason=trace.reason,
        http_version=trace.http_version,
        headers=clean_headers(trace.headers).items(),
    )
    if trace.body:
        exchange.pieces.append((0.0, trace.body))
    exchange.finish("eof")
    exchange.missing = _NO_TIMES
    return exchange


def write_recording(path: Path, exchanges: Sequence[Exchange]) -> None:
    """Write exchanges as ``.jsonl`` (all), ``.httprr`` (those with a response; no times) or ``.sse`` (the last body).

    Raises:
        RecordingError: the file type is not supported, there is nothing to write, or the file cannot be written.
    """
    formats = {".jsonl": _to_lines, ".httprr": _to_trace, ".sse": _to_body}
    if path.suffix not in formats:
        raise RecordingError(
            f"{path.name} is not a supported file type.", remedy=f"Use one of {', '.join(formats)}."
        )
    pieces = formats[path.suffix](exchanges) if exchanges else iter(())
    first = next(pieces, b"")
    if not first:
        raise RecordingError(
            "There is nothing to save yet.", remedy="Wait until the first bytes have arrived."
        )
    try:
        make_private_folder(path.parent)
        with open_private(path, "wb") as file:
            for piece in chain((first,), pieces):
                write_all(file, piece)
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be written: {error.strerror or error}.", remedy="Choose another folder."
        ) from None


def _to_lines(exchanges: Sequence[Exchange]) -> Iterator[bytes | bytearray]:
    written, first = set[str](), 0
    for number, exchange in enumerate(exchanges):
        if not (exchange.round or exchange.attempt):
            first = number
        for media in exchange.media.values():
            if media.digest not in written:
                written.add(media.digest)
                yield media_line(media)
        yield from map(dump, ExchangeLines(number, exchange, first).new())


def _to_trace(exchanges: Sequence[Exchange]) -> Iterator[bytes]:
    traces = [
        httprr.TraceExchange(
            method=exchange.method,
            url=clean_url(exchange.url),
            request_headers=tuple(clean_headers(exchange.headers).items()),
            request_body=b"".join(expand_media(exchange.body, exchange.media)),
            status=exchange.status,
            reason=exchange.reason,
            http_version=exchange.http_version or "HTTP/1.1",
            headers=tuple(clean_headers(exchange.response_headers).items()),
            body=b"".join(piece for _, piece in exchange.pieces),
        )
        for exchange in exchanges
        if exchange.status is not None
    ]
    if traces:
        yield httprr.render_trace(traces)


def _to_body(exchanges: Sequence[Exchange]) -> Iterator[bytes]:
    if exchanges[-1].resumed and len(exchanges) > 1:
        raise RecordingError(
            "An .sse file holds one body, but this answer was read in several.",
            remedy="Save it as a .jsonl file.",
        )
    yield b"".join(piece for _, piece in exchanges[-1].pieces)
