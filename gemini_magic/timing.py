"""Where the time of an answer went, computed from arrival times. Nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from .events import Usage

__all__ = ["TIMING_LABELS", "Timing", "measure"]

# The label of each field of Timing, wherever one is shown.
TIMING_LABELS: Final = {
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
    """Where the time went; values that are not known are None.

    Attributes:
        connect: seconds until the connection was open.
        first_byte: seconds until the first byte of the attempt that brought the answer.
        first_thought, first_text: seconds until the first thought and the first text of the answer.
        total: seconds until the end of the stream.
        gap_p50, gap_p95, longest_gap: median, 95th percentile and maximum of the seconds between two chunks of a round.
        chunks_per_second: chunks after the first, for each second from the first chunk of a round to its last.
        tokens_per_second: answer and thought tokens for each of these seconds.

    The first five count from when the first request was sent.
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
        """Print one line for each known value; inside a container, all on one line."""
        rows = self.labels()
        width = max((len(label) for label, _ in rows), default=0)
        lines = "\n".join(f"{label:<{width}}  {value}" for label, value in rows)
        printer.text(lines if lines and len(printer.stack) == 1 else repr(self))

    def labels(self) -> list[tuple[str, str]]:
        """Return the label and the formatted value of every known field; times have the unit s."""
        return [
            (TIMING_LABELS[name], f"{value:.1f}" if name.endswith("per_second") else f"{value:.3f} s")
            for name, value in self._asdict().items()
            if value is not None
        ]


def measure(
    marks: Mapping[str, float], times: Sequence[float], usage: Usage, starts: Sequence[int] = ()
) -> Timing:
    """Compute the timing of an answer.

    Args:
        marks: named moments, in seconds since the first request was sent.
        times: arrival of each chunk, in seconds since the first request was sent.
        usage: the final token counts.
        starts: the first chunk of each round after the first. The time between two rounds is not a gap in the answer.
    """
    ends = [0, *starts, len(times)]
    rounds = [times[first:end] for first, end in pairwise(ends)]
    gaps = sorted(later - earlier for each in rounds for earlier, later in pairwise(each))
    span = sum(each[-1] - each[0] for each in rounds if len(each) > 1)
    counts = [count for count in (usage.output, usage.thoughts) if count is not None]
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
        sum(counts) / span if span and counts else None,
    )


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None
