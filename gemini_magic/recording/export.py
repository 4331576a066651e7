"""The recording of a ledger, produced in batches while the ledger grows. The journal writes these batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..ledger import Ledger, asking_exchange
from .identity import request_digest
from .jsonl import ExchangeLines, dump

__all__ = ["LedgerLines"]


class LedgerLines:
    """Produces the lines that a recording of one ledger consists of, without cookies and credentials.

    It only reads the ledger, and its reader never waits for it.

    Args:
        ledger: the ledger, which another thread may be writing meanwhile.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.rewind()

    def rewind(self) -> None:
        """Start again with the first line."""
        self._exchange = 0
        self._lines: ExchangeLines | None = None

    @property
    def complete(self) -> bool:
        """Whether the last exchange has ended."""
        exchanges = self._ledger.exchanges
        return not exchanges or exchanges[-1].end is not None

    def identity(self, sample: int) -> bytes | None:
        """The identity of the request, for an answer that can be given again; None for another one.

        That is a complete answer of a server, in one round, that calls no function.

        Args:
            sample: the number of the answer for the same request, from 0.
        """
        ledger = self._ledger
        if ledger.status != "complete" or ledger.source not in ("network", "echo") or ledger.before:
            return None
        rounds = ledger.rounds
        if len(rounds) != 1 or rounds[0].calls or ledger.tool_runs:
            return None
        exchange = asking_exchange(ledger.exchanges)
        if exchange.resumed:
            return None  # the model was asked elsewhere
        sent = exchange.method, exchange.url, exchange.body
        return request_digest(ledger.backend, *sent, files=exchange.files, sample=sample)

    def next_lines(self, limit: int, *, ended: bool = False) -> bytes:
        """The lines since the last call; empty when there is nothing new.

        Args:
            limit: about how many bytes at most; the next call continues.
            ended: no more will arrive: an exchange without an end counts as cancelled.
        """
        lines, size = list[bytes](), 0
        for line in self._new(ended=ended):
            lines.append(dump(line))
            size += len(lines[-1])
            if size >= limit:
                break
        return b"".join(lines)

    def _new(self, *, ended: bool) -> Iterator[dict[str, Any]]:
        exchanges = self._ledger.exchanges
        while self._exchange < len(exchanges):
            exchange = exchanges[self._exchange]
            if self._lines is None:
                if exchange.started is None and exchange.end is None and not ended:  # not sent yet
                    return
                self._lines = ExchangeLines(self._exchange, exchange)
            yield from self._lines.new(default_end="cancelled" if ended else None)
            is_last = self._exchange == len(exchanges) - 1
            if not self._lines.complete or (is_last and not ended):
                return  # the calls of the answer follow its end
            self._exchange += 1
            self._lines = None
