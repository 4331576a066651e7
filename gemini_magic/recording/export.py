"""The lines of a recording, taken from a ledger a stretch at a time while it grows.

It only reads: who fills the ledger waits for nobody and knows nothing of it. Where the lines go is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..ledger import Ledger
from .jsonl import dump, end_line, head_line, piece_line, request_line

__all__ = ["Tape"]


class Tape:
    """Gives out what a recording of one ledger would hold, redacted as every recording is.

    Args:
        ledger: the record; its reader may be writing meanwhile.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.rewind()

    def rewind(self) -> None:
        """Begin again with the first line."""
        self._next()
        self._exchange = 0

    def _next(self) -> None:
        self._asked = self._headed = False
        self._pieces = 0

    @property
    def complete(self) -> bool:
        """Whether nothing of the last exchange is outstanding, its end included."""
        exchanges = self._ledger.exchanges
        return not exchanges or exchanges[-1].end is not None

    def take(self, most: int, *, over: bool = False) -> bytes:
        """The lines since the last time; empty when there is nothing new.

        Args:
            most: about how many bytes at most; the rest comes the next time.
            over: nothing more will come: an exchange that nobody ended was cancelled.
        """
        taken, size = list[bytes](), 0
        for line in self._lines(over=over):
            taken.append(dump(line))
            size += len(taken[-1])
            if size >= most:
                break
        return b"".join(taken)

    def _lines(self, *, over: bool) -> Iterator[dict[str, Any]]:
        exchanges = self._ledger.exchanges
        while self._exchange < len(exchanges):
            number, exchange = self._exchange, exchanges[self._exchange]
            end = exchange.end or (
                "cancelled" if over else None
            )  # looked at before the pieces it comes after
            if not self._asked:
                if exchange.started is None and end is None:  # it has not gone out yet
                    return
                self._asked = True
                yield request_line(number, exchange)
            if exchange.status is not None and not self._headed:
                self._headed = True
                yield head_line(number, exchange)
            while self._pieces < len(exchange.pieces):
                self._pieces += 1
                yield piece_line(number, *exchange.pieces[self._pieces - 1])
            if end is None:
                return
            self._exchange += 1
            self._next()
            yield end_line(number, end, exchange.problem)
