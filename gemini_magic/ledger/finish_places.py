"""Where the finish reasons of the candidates arrived, which shows whether an answer has ended before its stream does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..content import Code, CodeResult, Opaque, Text, ToolCall, ToolResult
from .parts import Parts

__all__ = ["FinishPlaces"]

_SERVER_TOOLS = (
    Code,
    CodeResult,
    ToolCall,
    ToolResult,
    Opaque,
)  # parts of them; those of new tools are not known


class _FinishPlace(NamedTuple):
    """Where the finish reason of a candidate arrived.

    Attributes:
        times, chunk: how many finish reasons the candidate has, and the chunk with the last one.
        parts: the candidate's parts so far.
    """

    times: int
    chunk: int
    parts: int


class FinishPlaces:
    """The finish reasons of one attempt, by candidate.

    Attributes:
        first_chunks: the first chunk of the round with a part, by candidate.
        newest: the last chunk with a finish reason; -1 without one.
        last: whether a finish reason arrived after which nothing of the answer follows.
    """

    def __init__(self) -> None:
        self.first_chunks: dict[int, int] = {}
        self.newest = -1
        self.last = False
        self._places: dict[int, _FinishPlace] = {}

    def begin_attempt(self) -> None:
        """Forget the finish reasons of the attempt before."""
        self._places.clear()
        self.newest = -1
        self.last = False

    def add(self, candidate: int, chunk: int, parts: int, *, last: bool = False) -> None:
        """Add a finish reason, after so many parts of the candidate; ``last`` if nothing of the answer follows."""
        self.last = self.last or last
        before = self._places.get(candidate)
        self._places[candidate] = _FinishPlace(1 if before is None else before.times + 1, chunk, parts)
        self.newest = chunk

    def finished(self, parts: Mapping[int, Parts], starts: Mapping[int, int], wanted: int) -> bool:
        """Whether the finish reasons show where the answer ends.

        Some servers send a finish reason with every chunk, and some continue after one. So each candidate must have
        exactly one, after a chunk with content that has none, and no content may follow it. An answer in which the
        server uses its own tools may continue after a long time: Gemini 2.5 sends ``STOP`` before it runs code.

        Args:
            parts: the parts by candidate.
            starts: the part with which the round begins, by candidate; 0 for candidates that are not in it.
            wanted: how many candidates were requested.
        """
        places, first_chunks = self._places, self.first_chunks
        if self.last:
            return True
        if len(places) < wanted or not first_chunks.keys() <= places.keys():
            return False
        for candidate, place in places.items():
            first = first_chunks.get(candidate)
            if place.times != 1 or first is None or first >= place.chunk:
                return False
            own = parts[candidate]
            if own.has(_SERVER_TOOLS, starts.get(candidate, 0)):
                return False
            if any(not isinstance(part, Text) or part.text for part in own[place.parts :]):
                return False
        return True
