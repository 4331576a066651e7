"""A recorded exchange becomes a ledger again, at once and without a thread."""

from __future__ import annotations

from collections.abc import Sequence

from ..backends import Backend
from ..errors import RecordingError
from ..ledger import Exchange, Ledger
from ..wire import Reader
from .oddities import remark

__all__ = ["read_exchanges"]

_CAUSES = {"eof": "end", "cancelled": "stop", "stalled": "stalled", "timeout": "timeout"}


def read_exchanges(exchanges: Sequence[Exchange], backend: Backend, ledger: Ledger) -> None:
    """Read the last run of a recording into an empty ledger: the last exchange, and the failed tries before it.

    Args:
        exchanges: what was recorded, in order.
        backend: the dialect of the bodies.
        ledger: an empty ledger; it is closed as the run had ended.

    Raises:
        RecordingError: there is no exchange.
    """
    if not exchanges:
        raise RecordingError("The recording holds no exchange.", remedy="Record one with --record FILE.")
    exchange = exchanges[-1]
    ledger.begin(exchange)
    if exchange.status is not None and not 200 <= exchange.status < 300:  # noqa: PLR2004 - HTTP
        body = b"".join(piece for _, piece in exchange.pieces)
        ledger.fail(
            backend.failure(exchange.status, body), exchange.pieces[-1][0] if exchange.pieces else 0.0
        )
        ledger.close("failed")
        return
    reader, last = Reader(), 0.0
    for t, piece in exchange.pieces:
        last = t
        ledger.mark("first_byte", t)
        for item in reader.feed(piece):
            ledger.add(item.raw, t, backend.decode(item.raw))
    for item in reader.close():
        ledger.add(item.raw, last, backend.decode(item.raw))
    for oddity in reader.oddities:
        remark(ledger, oddity)
    cause = _CAUSES.get(exchange.end or "", "cut")
    match cause:
        case "end" | "stop" | "stalled" | "timeout":
            ledger.close(cause, t=last)
        case _:
            ledger.close("cut", t=last)
