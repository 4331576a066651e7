"""Where the time of an answer went, computed from arrival times; it holds no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from .events import Usage

__all__ = ["Timing", "measure"]


_TOLD: Final = {
    "connect": "connect",
    "first_byte": "first byte",
    "first_thought": "first thought",
    "first_text": "first text",
    "total": "total",
    "gap_p50": "median gap",
    "gap_p95": "p95 gap",
    "longest_gap": "longest gap",
    "chunks_per_second": "chunks/s",
    "tokens_per_second": "tokens/s",
}


class Timing(NamedTuple):
    """Where the time went, in seconds since the (first) request was sent; None for what did not happen.

    ``first_byte`` is that of the try that brought the answer. ``gap_*`` are between arrivals of chunks. ``tokens_per_second`` counts answer and thought tokens between the
    first chunk and the last.
    """

    connect: float | None
    first_byte: float | None
    first_thought: float | None
    first_text: float | None
    total: float | None
    gap_p50: float | None
    gap_p95: float | None
    longest_gap: float | None
    chunks_per_second: float | None
    tokens_per_second: float | None

    def __repr__(self) -> str:
        shown = (
            f"{name}={value if value is None else round(value, 4)}" for name, value in self._asdict().items()
        )
        return f"Timing({', '.join(shown)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's signature
        """A line for each figure; within something else, a single one."""
        rows = self.told()
        width = max((len(name) for name, _ in rows), default=0)
        lines = "\n".join(f"{name:<{width}}  {figure}" for name, figure in rows)
        printer.text(lines if lines and len(printer.stack) == 1 else repr(self))

    def told(self) -> list[tuple[str, str]]:
        """What happened, in words and with units."""
        return [
            (_TOLD[name], f"{value:.1f}" if name.endswith("per_second") else f"{value:.3f} s")
            for name, value in self._asdict().items()
            if value is not None
        ]


def measure(marks: Mapping[str, float], times: Sequence[float], usage: Usage) -> Timing:
    """The timing of an answer.

    Args:
        marks: named moments, in seconds since the request was sent.
        times: the chunks' arrivals, in seconds since the request was sent.
        usage: the final counts.
    """
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    span = times[-1] - times[0] if len(times) > 1 else 0.0
    said = [count for count in (usage.output, usage.thoughts) if count is not None]
    return Timing(
        marks.get("connect"),
        marks.get("first_byte"),
        marks.get("first_thought"),
        marks.get("first_text"),
        marks.get("total"),
        _quantile(gaps, 0.5),
        _quantile(gaps, 0.95),
        gaps[-1] if gaps else None,
        len(gaps) / span if span else None,
        sum(said) / span if span and said else None,
    )


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None
