"""The rounds of an answer: each is one request with its answer, and the function calls in it.

Text, parts, chunks and calls of all rounds lie in the same lists, one round after the other; a round has their ranges.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ..content import Call
from ..events import Evidence, Usage

__all__ = ["Round", "RoundLog", "RoundStart", "add_usage", "paragraph_gap", "shifted_evidence"]


class Round(Struct, frozen=True, eq=False, kw_only=True):
    """One round of an answer. A range holds the first position and the position after the last one.

    Attributes:
        number: from 0.
        exchanges: the range of ``Ledger.exchanges``, retries included.
        chunks: the range of ``Ledger.raw``.
        parts: the range of the parts of candidate 0.
        chars: the range of characters of the answer.
        first_call: the number of its first call among all calls of the answer.
        calls: the function calls of candidate 0, each in one piece.
        started: when its first request was sent, in seconds since the first request of the answer.
        ended: when its last bytes arrived; None while it runs.
        usage: its token counts; None if the server sent none.
        finish_reason: the last finish reason of candidate 0, or None.
        cost: what a gateway reports as its cost, as sent; None if it does not.
    """

    number: int
    exchanges: tuple[int, int]
    chunks: tuple[int, int]
    parts: tuple[int, int]
    chars: tuple[int, int]
    first_call: int
    calls: tuple[Call, ...]
    started: float | None
    ended: float | None
    usage: Usage | None
    finish_reason: str | None
    cost: object = None


class RoundStart(NamedTuple):
    """Where a round begins: the lengths of the lists of the ledger at that moment."""

    exchange: int = 0
    chunk: int = 0
    part: int = 0
    char: int = 0
    call: int = 0


class RoundLog:
    """The rounds of a ledger that have ended, and what it counts for the running one.

    Attributes:
        ended: the rounds that have ended.
        start: where the running one begins.
        part_starts: the number of parts that each candidate had before it.
        usage: its token counts; ``usage_before``: those of the rounds that have ended, together.
        ended_at: when its last bytes arrived, in seconds since the first request was sent; None while it is read.
        awaits_gap: the kinds of text, ``text`` and ``thought``, whose next piece begins a paragraph.
    """

    def __init__(self) -> None:
        self.ended: list[Round] = []
        self.start = RoundStart()
        self.part_starts: dict[int, int] = {}
        self.usage: Usage | None = None
        self.usage_before: Usage | None = None
        self.ended_at: float | None = None
        self.awaits_gap = set[str]()

    def begin(
        self, ended: Round, start: RoundStart, part_starts: dict[int, int], usage: Usage | None
    ) -> None:
        """Begin the next round.

        Args:
            ended: the round before it.
            start: where it begins.
            part_starts: the number of parts that each candidate has.
            usage: the token counts of all rounds so far.
        """
        self.ended.append(ended)
        self.start, self.part_starts, self.usage_before = start, part_starts, usage
        self.usage, self.ended_at = None, None
        self.awaits_gap = {"text", "thought"}


def add_usage(before: Usage | None, new: Usage | None) -> Usage | None:
    """Add two token counts; a count that only one of them has is kept."""
    if before is None or new is None:
        return new if before is None else before
    return Usage(*(_sum(old, count) for old, count in zip(before, new, strict=True)))


def _sum(old: int | None, new: int | None) -> int | None:
    return old if new is None else (old or 0) + new


def paragraph_gap(before: str, text: str) -> str:
    """Return what separates two texts so that they are two paragraphs; empty if one of them has it already.

    Args:
        before: the end of the first text.
        text: the beginning of the second one.
    """
    if not before or not text or text.startswith("\n\n"):
        return ""
    newlines = len(before) - len(before.rstrip("\n")) + len(text) - len(text.lstrip("\n"))
    return "\n" * max(0, 2 - newlines)


def shifted_evidence(evidence: Evidence, by: int) -> Evidence:
    """Return evidence whose passages count from the beginning of the whole answer.

    Args:
        evidence: what the server reports about the answer of one round.
        by: bytes of the answer before the text of that round.
    """

    def shifted(place: int | None) -> int | None:
        return None if place is None else place + by

    grounding = evidence.grounding
    if grounding is not None:
        supports = (
            each._replace(start=shifted(each.start), end=shifted(each.end)) if each.part is None else each
            for each in grounding.supports
        )
        grounding = replace(grounding, supports=tuple(supports))
    citations = (
        each._replace(start=shifted(each.start), end=shifted(each.end)) for each in evidence.citations
    )
    return replace(evidence, citations=tuple(citations), grounding=grounding)
