"""The data of a timeline: chunks in columns of time, milestones, the longest gap, attempts and token counts.

The ledger is read once, in linear time. The size of the data does not depend on the number of chunks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import isfinite
from typing import Final, NamedTuple

from ..events import Usage
from ..ledger import Ledger
from ..tables import Rows
from ..timing import Timing, measure
from .status import elapsed_seconds
from .step_lanes import StepLane, step_lanes
from .steps import shown_steps
from .timeline_attempts import Span, attempt_spans
from .units import byte_size, duration

__all__ = [
    "BLOCKS",
    "COLUMNS",
    "Bar",
    "Span",
    "TimelineData",
    "UsageStep",
    "bar_height",
    "sparkline",
    "timeline_data",
]

COLUMNS: Final = 177  # of a timeline; a character of the plain text is five columns wide
BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SPARKS: Final = 16  # characters of a sparkline
_MIN_CHUNKS: Final = 8  # chunks; a shorter stream has no sparkline
_NOTABLE_FACTOR: Final = 3  # a gap is notable if it is this many times the median gap
_NOTABLE_SECONDS: Final = 0.1  # seconds; a shorter gap is never notable
_MAX_TOKENS: Final = 10**12  # tokens; a larger count is an error of the server
_LANES: Final = ("thinking", "answer", "other")
_NO_CHUNKS: Final = "No chunks received."
_NO_TIMES: Final = "This recording has no arrival times. The chunks are shown in order."
_INVALID_TIMES: Final = "The arrival times of this recording are not valid. The chunks are shown in order."
_AT_ONCE: Final = "All chunks arrived at the same time. They are shown in order."


class Bar(NamedTuple):
    """The chunks of one lane in one column.

    Attributes:
        column: from 0 to ``COLUMNS - 1``.
        first: the index of the first chunk.
        t: the arrival of the first chunk in seconds.
        chunks: the number of chunks.
        size: bytes.
        chars: characters of the answer and the thoughts.
    """

    column: int
    first: int
    t: float
    chunks: int
    size: int
    chars: int


class UsageStep(NamedTuple):
    """Cumulative token counts from a position on, from 0 to 1; the last known count where one is missing."""

    position: float
    prompt: int
    output: int
    thoughts: int


class TimelineData(NamedTuple):
    """The data that a timeline shows.

    Attributes:
        timed: whether there are arrival times; without them the chunks are in order, at equal distances.
        end: the length of the axis, in seconds or in chunks.
        lanes: the bars of each lane that has any.
        moments: name and time in seconds of the first byte, the first thought and the first text.
        longest_gap: the longest time without a chunk after the first one; None if it is shorter than a column.
        attempts: attempts or rounds, the pauses between them, and the tool runs; empty for a single request.
        steps: the lanes of the steps of an answer that has steps.
        usage_steps: the token counts.
        chunks: the number of all chunks.
        size: the bytes of all chunks.
        rounds: the number of rounds.
        timing: the same figures as ``Response.timing``.
        remark: a sentence about missing or invalid times; often empty.
    """

    timed: bool
    end: float
    lanes: dict[str, list[Bar]]
    moments: list[tuple[str, float]]
    longest_gap: Span | None
    attempts: list[Span]
    steps: list[StepLane]
    usage_steps: list[UsageStep]
    chunks: int
    size: int
    rounds: int
    timing: Timing
    remark: str

    @property
    def summary(self) -> str:
        """Chunks, bytes and gaps on one line of text."""
        timing, gap = self.timing, self.longest_gap
        facts = [f"{self.chunks:,} chunk{'' if self.chunks == 1 else 's'}", byte_size(self.size)]
        if self.timed and timing.gap_p50 is not None:
            facts += f"median gap {duration(timing.gap_p50)}", f"p95 gap {duration(timing.gap_p95 or 0)}"
        if gap is not None:
            facts.append(f"{gap.label} {duration(gap.end - gap.start)} at {duration(gap.start)}")
        return " · ".join(facts)

    @property
    def notable_gap(self) -> Span | None:
        """The longest gap, if it is far longer than the median gap; ``gaps.js`` of the inspector has the same rule."""
        gap, least = self.longest_gap, max(_NOTABLE_SECONDS, _NOTABLE_FACTOR * (self.timing.gap_p50 or 0.0))
        return gap if gap and gap.end - gap.start >= least else None


def bar_height(size: int, largest: int) -> float:
    """The height of a bar from 0 to 1: the square root, so that one large chunk does not make all others tiny."""
    return float((size / largest) ** 0.5) if largest else 0.0


def timeline_data(ledger: Ledger, now: float | None = None) -> TimelineData:
    """Read the data of a timeline from a ledger.

    Args:
        ledger: the record; of a running one, what was received so far is read.
        now: seconds since the request was sent, for a running ledger; measured by the wall clock when omitted.
    """
    columns = ledger.chunk_columns
    count = columns.length  # read first, because the reader thread may append
    times: Sequence[float] = columns.stored("t", count)
    sizes: Sequence[int] = columns.stored("size", count)
    end = _end(ledger, times, now)
    valid = _times_valid(times, end)
    timed = valid and end > 0 and (count <= 1 or times[-1] > 0)
    axis = end if timed else float(count)
    lanes: dict[str, list[Bar]] = {name: [] for name in _LANES}
    contents = (columns.stored(name, count) for name in ("kind", "text", "thought"))
    for index, (t, size, kind, *texts) in enumerate(zip(times, sizes, *contents, strict=True)):
        column = min(COLUMNS - 1, int((t if timed else index + 0.5) / axis * COLUMNS))
        _add(lanes[_lane(kind)], Bar(column, index, t, 1, size, sum(map(len, texts))))
    lacks = any(note.kind == "recording-lacks" for note in list(ledger.notes))
    return TimelineData(
        timed,
        axis,
        {name: bars for name, bars in lanes.items() if bars},
        _moments(ledger) if timed else [],
        _longest_gap(ledger, times, end) if timed else None,
        attempt_spans(ledger, end) if timed else [],
        step_lanes(shown_steps(ledger), end) if timed else [],
        _usage_steps(ledger, axis, timed=timed),
        count,
        sum(sizes),
        ledger.round + 1,
        measure(ledger.marks, times, ledger.usage or Usage(), [each.chunks[0] for each in ledger.rounds[1:]]),
        "" if timed and count else _remark(count, valid=valid, lacks=lacks),
    )


def _times_valid(times: Sequence[float], end: float) -> bool:
    """Whether the times are finite and ascending; the times in a recording file can be anything."""
    return isfinite(end) and all(former <= later for former, later in pairwise((0.0, *times, end)))


def _remark(count: int, *, valid: bool, lacks: bool) -> str:
    if not count:
        return _NO_CHUNKS
    if not valid:
        return _INVALID_TIMES
    return _NO_TIMES if lacks else _AT_ONCE


def _end(ledger: Ledger, times: Sequence[float], now: float | None) -> float:
    """The end of the axis: the end of the answer, or now."""
    last = times[-1] if times else 0.0
    if ledger.status != "running":
        return max(last, ledger.marks.get("total", 0.0))
    if ledger.source == "recording" and now is None:
        return last  # a replay has its own speed
    return max(last, elapsed_seconds(ledger) - ledger.delay if now is None else now)


@lru_cache(maxsize=256)
def _lane(kind: str) -> str:
    kinds = kind.split("+")
    return "answer" if "text" in kinds else "thinking" if "thought" in kinds else "other"


def _add(bars: list[Bar], new: Bar) -> None:
    """Add a chunk to its lane: to the last bar if it has the same column, else as a new bar."""
    if not bars or bars[-1].column != new.column:
        bars.append(new)
        return
    old = bars[-1]
    bars[-1] = old._replace(
        chunks=old.chunks + new.chunks, size=old.size + new.size, chars=old.chars + new.chars
    )


def _moments(ledger: Ledger) -> list[tuple[str, float]]:
    marks = dict(ledger.marks)
    return [
        (name.replace("_", " "), marks[name])
        for name in ("first_byte", "first_thought", "first_text")
        if name in marks
    ]


def _rounds(ledger: Ledger, count: int) -> Sequence[int]:
    """The rounds of the first chunks; empty for an answer of one round."""
    return ledger.chunk_columns.stored("round", count) if ledger.round else ()


def _longest_gap(ledger: Ledger, times: Sequence[float], end: float) -> Span | None:
    """The longest time without a chunk, including the time before the end of an incomplete answer."""
    ended = ledger.status == "complete"
    points = times if ended or not times else [*times, end]
    pairs: Iterable[tuple[float, float]] = pairwise(points)
    if ledger.round:  # the time of the tools is no gap
        rounds = _rounds(ledger, len(times))
        pairs = [pair for n, pair in enumerate(pairs) if n + 1 >= len(times) or rounds[n] == rounds[n + 1]]
    start, stop = max(pairs, key=lambda pair: pair[1] - pair[0], default=(0.0, 0.0))
    if stop - start < end / COLUMNS:
        return None
    last = stop == end and not ended and start == times[-1]
    return Span("gap", start, stop, "no data" if last else "longest gap")


def _usage_steps(ledger: Ledger, axis: float, *, timed: bool) -> list[UsageStep]:
    """The token counts, at most one step for each column."""
    rows = Rows(ledger.usage_columns)
    steps: list[UsageStep] = []
    known, before, number = [0, 0, 0], [0, 0, 0], 0
    rounds = ledger.chunk_columns.stored("round", ledger.chunk_columns.length)
    for position, chunk, *counts in zip(
        rows["t" if timed else "chunk"],
        rows["chunk"],
        rows["prompt"],
        rows["output"],
        rows["thoughts"],
        strict=True,
    ):
        if rounds[chunk] != number:  # a round counts from 0
            number, before = rounds[chunk], known
        known = [
            former if count is None else start + min(max(count, 0), _MAX_TOKENS)
            for former, count, start in zip(known, counts, before, strict=True)
        ]
        step = UsageStep((position if timed else position + 0.5) / axis, *known)
        if steps and int(steps[-1].position * COLUMNS) == int(step.position * COLUMNS):
            steps.pop()
        steps.append(step)
    return steps


def sparkline(ledger: Ledger) -> str:
    """The number of chunks over time in 16 block characters; empty for a short stream and without arrival times."""
    count = ledger.chunk_columns.length
    times = ledger.chunk_columns.stored("t", count)
    end = times[count - 1] if count else 0.0
    if count < _MIN_CHUNKS or not 0 <= times[0] < end:
        return ""
    edges = [bisect_left(times, end * n / _SPARKS, 0, count) for n in range(_SPARKS)] + [count]
    counts = [max(0, stop - start) for start, stop in pairwise(edges)]
    most = max(counts)
    return "".join(BLOCKS[-(-each * (len(BLOCKS) - 1) // most)] for each in counts) if most else ""
