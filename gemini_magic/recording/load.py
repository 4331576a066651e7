"""Loads a recorded run into a ledger, at once and without a thread."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..backends import Backend, Decoder
from ..diagnostics import body_too_large
from ..endings import Cause
from ..errors import ConnectionFailed, RecordingError, WireError
from ..ledger import Exchange, Ledger, show_tool_runs
from ..pipeline import BodyDecoders, Pipeline
from .jsonl import RecordedExchange

__all__ = ["load_exchanges"]

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


def load_exchanges(exchanges: Sequence[Exchange], backend: Backend, ledger: Ledger) -> None:
    """Load the last run of a recording: its last exchange, and the rounds and attempts before it.

    Args:
        exchanges: the recorded exchanges, in order.
        backend: the dialect of the bodies.
        ledger: an empty ledger; it is closed as the run had ended.

    Raises:
        RecordingError: there is no exchange, or an older version has recorded the run together with others.
    """
    if not exchanges:
        raise RecordingError("The recording contains no exchange.", remedy="Record one with --record FILE.")
    ledger.set_source("recording")
    last = 0.0
    error: WireError | None = None
    decoders = BodyDecoders(backend, ledger)
    for exchange in _last_run(exchanges):
        if ledger.exchanges and exchange.round != ledger.round:
            ledger.end_round("end", t=last)
        if isinstance(exchange, RecordedExchange) and exchange.missing:
            ledger.note("recording-lacks", exchange.missing)
        decoder = decoders.for_request(exchange.method, exchange.url, exchange.body)
        last, error = _load(exchange, backend, decoder, ledger, last)
        show_tool_runs(ledger, exchange)
    cause = _CAUSES.get(exchanges[-1].end or "", "cut")
    if cause == "end" and (ledger.failure is not None or error is not None):
        cause = "failed"
    if cause in ("cut", "failed", "full"):
        ledger.close(cause, t=last, error=error or _no_answer(exchanges[-1]))
    else:
        ledger.close(cause, t=last)


def _last_run(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """The exchanges of the run that began the last exchange.

    Raises:
        RecordingError: they cannot be told apart from those of other runs.
    """
    newest = exchanges[-1]
    if isinstance(newest, RecordedExchange) and newest.first is not None:
        own = [each for each in exchanges if isinstance(each, RecordedExchange)]
        return [each for each in own if newest.first in (each.first, each.number)]
    first = len(exchanges) - 1
    while first and (exchanges[first].attempt or exchanges[first].round or exchanges[first].resumed):
        first -= 1
    run = list(exchanges[first:])
    asking = [(each.round, each.attempt) for each in run if not each.resumed]
    if len(set(asking)) < len(asking):
        raise RecordingError(
            "The recording mixes answers that were recorded at the same time.",
            remedy="Record each answer into a file of its own.",
        )
    return run


def _no_answer(exchange: Exchange) -> ConnectionFailed | WireError:
    """Why a recorded run has no answer, or only a part of one."""
    if exchange.end == "too large":
        return body_too_large(None)
    if exchange.end is None:
        return WireError(
            "The kernel ended before an answer arrived.",
            remedy="Send the request again; the first one may have been billed.",
        )
    if exchange.end == "failed":
        return WireError(
            "The run failed before an answer arrived.", remedy="Run the cell again to see the error."
        )
    return ConnectionFailed(
        "The recording contains no answer: the connection was lost.", remedy="Send the request again."
    )


def _load(
    exchange: Exchange, backend: Backend, decoder: Decoder, ledger: Ledger, offset: float
) -> tuple[float, WireError | None]:
    """Load one exchange. Returns when its last piece arrived, and why its body is not a stream."""
    ledger.begin(exchange)
    last = offset = max(offset, exchange.started or 0.0)
    if exchange.pieces:
        ledger.mark("first_byte", offset + exchange.pieces[0][0])
        last = offset + exchange.pieces[-1][0]
    pipeline = Pipeline(
        exchange,
        ledger,
        backend,
        decoder,
        max_event=sys.maxsize,
        expected=backend.normal_anomalies,
    )
    if exchange.status is not None and not 200 <= exchange.status < 300:  # noqa: PLR2004 - HTTP
        pipeline.refuse(last, exchange.status, b"".join(piece for _, piece in exchange.pieces))
        return last, None
    try:
        for t, piece in exchange.pieces:
            pipeline.feed(offset + t, piece)
        pipeline.close(last)
    except WireError as error:
        return last, error
    return last, pipeline.problem()
