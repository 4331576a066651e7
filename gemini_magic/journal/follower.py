"""One answer on its way into the journal: what is new of it, compressed, until all of it is written.

It looks at a ledger and waits for nobody; where the blocks go is not known here.
"""

from __future__ import annotations

import time
import zlib

from ..ledger import Ledger
from .entries import Begun, Ended, EntrySource, Limits

__all__ = ["AHEAD", "Following"]

AHEAD = 4  # blocks of one answer that are in memory at most
_BLOCK = 2**20  # bytes of lines that are compressed together at most
_GRACE = 0.5  # seconds that the reader of a cancelled stream may still take
_BEAT = 10.0  # seconds between signs of life
_FIRST = 2.0  # seconds after which a request that is not on its way is not waited for
_LEVEL, _WINDOW, _ROOM = 1, 14, 7  # of zlib: fast, and 128 kB for each answer on its way


class Following:
    """Follows one ledger.

    Attributes:
        begun, limits: what the journal is to know of it.
        id: its number there, None until it has one.
        blocks: compressed lines that are not written yet.
        over: when it was first seen to have ended (monotonic), None before.
        done: whether everything has been taken.
        beat: when it was last written (monotonic).
    """

    def __init__(self, ledger: Ledger, source: EntrySource, begun: Begun, limits: Limits) -> None:
        self.begun, self.limits = begun, limits
        self.over: float | None = None
        self._ledger, self._source = ledger, source
        self._since = time.monotonic()
        self.restart()

    def restart(self) -> None:
        """Begin again, for another file."""
        self.id: int | None = None
        self.blocks: list[bytes] = []
        self.done = False
        self.beat = 0.0
        self._source.rewind()
        self._zip = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _ROOM)

    @property
    def running(self) -> bool:
        """Whether the answer still arrives."""
        return self._ledger.status == "running"

    def early(self, now: float) -> bool:
        """Whether its request is not on its way yet: that should not wait for us, not even for the interpreter."""
        preparing = self._ledger.phase in ("preparing", "connecting")
        return preparing and self.id is None and now - self._since < _FIRST

    def look(self, now: float) -> bool:
        """Take what is new; whether there is anything to write."""
        if not self.running and self.over is None:
            self.over = now
        over = self.over is not None and (self._source.complete or now - self.over > _GRACE)
        while len(self.blocks) < AHEAD and not self.done:
            lines = self._source.take(_BLOCK, over=over)
            if not lines:
                self.done = over
                break
            self.blocks.append(self._zip.compress(lines) + self._zip.flush(zlib.Z_SYNC_FLUSH))
        known = self.id is not None
        return bool(self.blocks) or (known and (self.done or now - self.beat > _BEAT))

    @property
    def nothing(self) -> bool:
        """Whether it ended before anything was sent."""
        return self.done and self.id is None and not self.blocks

    def ended(self) -> Ended | None:
        """How it ended; None while more will follow."""
        if not self.done:
            return None
        usage = self._ledger.usage
        return Ended(
            self._ledger.status, "".join(self._ledger.answer), None if usage is None else usage.total
        )

    def written(self, number: int, now: float) -> None:
        """Its blocks are in the file, under this number."""
        self.id, self.blocks, self.beat = number, [], now
