"""Rebuilds a response from the attempts of a request, with every piece as it arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from ..backends import HttpRequest, host_to_name
from ..content import Request
from ..errors import StoreError
from ..ledger import Exchange
from ..media import media_in
from ..prices import TokenPrice
from ..response import Response, response_from_exchanges
from ..schema import Schema
from .raw import fill_exchange
from .store_queries import RawAttempt
from .store_values import RunRecord

__all__ = ["NOT_KEPT", "rebuilt_response"]

NOT_KEPT: Final = "not kept"
"""The ending of an attempt whose response was not stored."""


def rebuilt_response(
    run: RunRecord,
    attempts: Sequence[RawAttempt],
    chosen: int | None,
    *,
    asked: Request | None,
    http: HttpRequest | None,
    schema: Schema | None,
    price: TokenPrice | None,
) -> Response:
    """Return the response of an attempt; attempts before it that brought no answer are listed in it.

    Args:
        run: the run that asked.
        attempts: the attempts of the request, oldest first.
        chosen: the number of the attempt; None if none has brought an answer.
        asked: the request as a value, where the caller knows it.
        http: the request as it was sent, where the caller knows it.
        schema: the schema of the answer.
        price: the user's prices.

    Raises:
        StoreError: the attempt has no response, or a damaged one.
    """
    found = [each for each in attempts if chosen is not None and each.attempt <= chosen]
    if not found or found[-1].attempt != chosen:
        raise StoreError("This row has no response yet.", remedy="Run the cell again to ask for it.")
    if found[-1].ended == NOT_KEPT:
        raise StoreError(
            "Only the text of this response was stored.",
            remedy='run.df has the text. Runs with keep="raw", the default, store whole responses.',
        )
    first = found[0].sent
    exchanges = [
        _exchange(each, first, run, http or HttpRequest("POST", "", (), b""))
        for each in found
        if each is found[-1] or not each.has_answer
    ]
    response = response_from_exchanges(Response, exchanges, run.dialect, asked, price=price, schema=schema)
    try:
        started = datetime.fromtimestamp(first, UTC)
    except (ValueError, OverflowError, OSError):  # the file may hold any number
        started = datetime.fromtimestamp(0, UTC)
    response.ledger.set_source(
        "store", started=started, host=run.host if http is None else host_to_name(http.url)
    )
    return response


def _exchange(raw: RawAttempt, first: float, run: RunRecord, http: HttpRequest) -> Exchange:
    started = max(0.0, raw.sent - first)
    exchange = Exchange(
        http.method,
        http.url,
        http.headers,
        http.body,
        attempt=raw.attempt - 1,
        backend=run.dialect,
        started=started,
        media=media_in(http.media),
    )
    try:
        fill_exchange(exchange, raw.head, raw.pieces, raw.ended)
    except ValueError as error:
        raise StoreError(f"A stored response is damaged: {error}.", remedy="Ask this row again.") from None
    if raw.problem:
        exchange.finish(exchange.end or "cancelled", raw.problem)
    return exchange
