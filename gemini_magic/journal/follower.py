"""Collects the new recording lines of one answer as compressed blocks, until all of it is written.

A follower reads a ledger and never blocks; the writer decides where the blocks go.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence

from ..ledger import Ledger
from ..media import StoredMedia
from .entries import AnswerEnd, AnswerStart, EntrySource, Limits

__all__ = ["MAX_BLOCKS", "Follower"]

MAX_BLOCKS = 4  # blocks of one answer kept in memory at most
_BLOCK_SIZE = 2**20  # bytes of lines compressed into one block at most
_MAX_MEDIA = 20_000_000  # bytes of a medium that the journal keeps
_MAX_SHARE = 0.2  # of the size of the journal that one medium may take
_GRACE = 0.5  # seconds that the reader of a cancelled stream may need to finish
_HEARTBEAT = 10.0  # seconds between two heartbeats
_MAX_DELAY = 2.0  # seconds for which the journal waits until a request has been sent
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 1, 14, 7  # zlib: fast, and 128 kB for each answer in progress


class Follower:
    """Follows one ledger.

    Attributes:
        start: what was asked.
        limits: limits of the journal that apply.
        id: number of the entry, None until it has one.
        blocks: compressed lines that have not been written yet.
        ended_at: monotonic time at which the answer was first seen to have ended, None before.
        done: whether all lines have been collected.
        heartbeat: monotonic time of the last write.
    """

    def __init__(self, ledger: Ledger, source: EntrySource, start: AnswerStart, limits: Limits) -> None:
        self.start, self.limits = start, limits
        self.ended_at: float | None = None
        self._ledger, self._source = ledger, source
        self._since = time.monotonic()
        self.restart()

    def restart(self) -> None:
        """Start again with the first line, for another file."""
        self.id: int | None = None
        self.blocks: list[bytes] = []
        self.done = False
        self.heartbeat = 0.0
        self._written = set[str]()  # the digests of the media in the file
        self._source.rewind()
        self._zip = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)

    @property
    def running(self) -> bool:
        """Whether the answer is still arriving."""
        return self._ledger.status == "running"

    def is_sending(self, now: float) -> bool:
        """Whether the request has not been sent yet; the journal then keeps out of its way."""
        preparing = self._ledger.phase in ("preparing", "connecting")
        return preparing and self.id is None and now - self._since < _MAX_DELAY

    def collect(self, now: float) -> bool:
        """Collect new lines; returns whether there is anything to write."""
        if not self.running and self.ended_at is None:
            self.ended_at = now
        ended = self.ended_at is not None and (self._source.complete or now - self.ended_at > _GRACE)
        while len(self.blocks) < MAX_BLOCKS and not self.done:
            lines = self._source.next_lines(_BLOCK_SIZE, ended=ended)
            if not lines:
                self.done = ended
                break
            self.blocks.append(self._zip.compress(lines) + self._zip.flush(zlib.Z_SYNC_FLUSH))
        known = self.id is not None
        return bool(self.blocks) or (known and (self.done or now - self.heartbeat > _HEARTBEAT))

    @property
    def is_empty(self) -> bool:
        """Whether the answer ended before anything was sent."""
        return self.done and self.id is None and not self.blocks

    def end(self) -> AnswerEnd | None:
        """How the answer ended; None while more lines will follow."""
        if not self.done:
            return None
        usage = self._ledger.usage if self._ledger.source == "network" else None  # else no tokens were used
        tokens = None if usage is None else usage.total
        identity = self._source.identity(self.start.sample)
        return AnswerEnd(self._ledger.status, "".join(self._ledger.answer), tokens, identity)

    def media(self) -> list[StoredMedia]:
        """The media of the requests that are not in the file yet; large ones are never written."""
        most = min(_MAX_MEDIA, self.limits.size * _MAX_SHARE)
        found = {each.digest: each for exchange in self._ledger.exchanges for each in exchange.media.values()}
        return [
            each
            for each in found.values()
            if each.data is not None and each.size <= most and each.digest not in self._written
        ]

    def mark_written(self, number: int, media: Sequence[StoredMedia], now: float) -> None:
        """Record that the blocks and these media are in the file, under this entry number."""
        self.id, self.blocks, self.heartbeat = number, [], now
        self._written.update(each.digest for each in media)
