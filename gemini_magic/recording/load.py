"""A recorded run becomes a ledger again, at once and without a thread."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..backends import Backend
from ..diagnostics import add_wire_note, body_too_large, unreadable_body
from ..endings import Cause
from ..errors import ConnectionFailed, RecordingError, WireError
from ..ledger import Exchange, Ledger
from ..wire import Item, Reader
from .jsonl import Recorded

__all__ = ["read_exchanges"]

_CAUSES: dict[str, Cause] = {
    "eof": "end",
    "cancelled": "stop",
    "kernel ended": "left",
    "still arriving": "arriving",
    "stalled": "stalled",
    "timeout": "timeout",
    "too large": "full",
    "not connected": "failed",
}


def read_exchanges(exchanges: Sequence[Exchange], backend: Backend, ledger: Ledger) -> None:
    """Read the last run of a recording into an empty ledger: its last exchange, and the tries that led to it.

    Args:
        exchanges: what was recorded, in order.
        backend: the dialect of the bodies.
        ledger: an empty ledger; it is closed as the run had ended.

    Raises:
        RecordingError: there is no exchange.
    """
    if not exchanges:
        raise RecordingError("The recording holds no exchange.", remedy="Record one with --record FILE.")
    ledger.source = "recording"
    first = len(exchanges) - 1
    while first and exchanges[first].attempt:
        first -= 1
    last = 0.0
    error: WireError | None = None
    for exchange in exchanges[first:]:
        if isinstance(exchange, Recorded) and exchange.lacks:
            ledger.note("recording-lacks", exchange.lacks)
        last, error = _read(exchange, backend, ledger, last)
    cause = _CAUSES.get(exchanges[-1].end or "", "cut")
    if ledger.failure is not None or error is not None:
        cause = "failed"
    if cause in ("cut", "failed", "full"):
        ledger.close(cause, t=last, error=error or _unanswered(exchanges[-1]))
    else:
        ledger.close(cause, t=last)


def _unanswered(exchange: Exchange) -> ConnectionFailed | WireError:
    """Why a recorded run holds no answer, or no whole one."""
    if exchange.end == "too large":
        return body_too_large(None)
    if exchange.end is None:
        return WireError(
            "The kernel ended before an answer came.", remedy="Ask again; the request may have been billed."
        )
    if exchange.end == "failed":
        return WireError("The run failed before an answer came.", remedy="Run its cell again to see why.")
    return ConnectionFailed("No answer was recorded: the connection was lost.", remedy="Ask again.")


def _read(
    exchange: Exchange, backend: Backend, ledger: Ledger, offset: float
) -> tuple[float, WireError | None]:
    """Read one exchange; returns when its last piece came, and why it is no stream."""
    ledger.begin(exchange)
    last = offset = max(offset, exchange.started or 0.0)
    if exchange.pieces:
        ledger.mark("first_byte", offset + exchange.pieces[0][0])
        last = offset + exchange.pieces[-1][0]
    if exchange.status is not None and not 200 <= exchange.status < 300:  # noqa: PLR2004 - HTTP
        body = b"".join(piece for _, piece in exchange.pieces)
        ledger.fail(backend.failure(exchange.status, body), last)
        return last, None
    reader, before, decode = Reader(max_event=sys.maxsize), len(ledger.raw), backend.decoder()

    def add(items: list[Item], t: float) -> None:
        for item in items:
            ledger.add(item.raw, t, decode(item.raw, item.event), item.offset)

    try:
        for t, piece in exchange.pieces:
            add(reader.feed(piece), offset + t)
        add(reader.close(), last)
    except WireError as error:
        return last, error
    for anomaly in reader.anomalies:
        if anomaly.kind not in backend.normal_anomalies:
            add_wire_note(ledger, anomaly)
    return last, None if len(ledger.raw) > before else unreadable_body(reader, backend)
