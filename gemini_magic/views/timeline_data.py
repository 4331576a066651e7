"""When what arrived, as a picture needs it: chunks in columns of time, moments, silences, tries and token counts.

It reads one moment of a ledger in linear time, and draws nothing; what it makes does not grow with the stream.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import isfinite
from typing import Final, Literal, NamedTuple

from ..events import Usage
from ..ledger import Ledger
from ..tables import Rows
from ..timing import Timing, measure
from .status import elapsed_seconds, redact, wait_text

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

COLUMNS: Final = 177  # of a time line; five make one of the plain text's
BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SPARKS: Final = 16  # characters of a sparkline
_REFUSED: Final = 400  # HTTP statuses from here on
_FEWEST: Final = 8  # chunks that make one worth while
_NOTABLE: Final = 3  # times the median gap
_LEAST: Final = 0.1  # seconds of a silence that is worth a word
_MAX_TOKENS: Final = 10**12  # tokens: a larger count is a mistake of the server's
_LANES: Final = ("thinking", "answer", "other")
_NOTHING: Final = "No chunks received."
_NO_TIMES: Final = "This recording has no arrival times. The chunks are shown in order."
_DISORDER: Final = "The arrival times of this recording are not valid. The chunks are shown in order."
_AT_ONCE: Final = "All chunks arrived at the same time. They are shown in order."


class Bar(NamedTuple):
    """The chunks of one lane that fall into one column.

    Attributes:
        column: from 0 to ``COLUMNS - 1``.
        first: the first chunk's index, and ``t`` its arrival in seconds.
        chunks: how many there are.
        size: bytes; ``chars``: characters of answer and thoughts.
    """

    column: int
    first: int
    t: float
    chunks: int
    size: int
    chars: int


class Span(NamedTuple):
    """A try, a pause before one, or a silence: seconds since the request was sent, and what to say of it."""

    kind: Literal["attempt", "failed", "pause", "gap"]
    start: float
    end: float
    label: str


class UsageStep(NamedTuple):
    """Token counts from a moment on, at a place from 0 to 1; running totals as sent, the last known where unknown."""

    place: float
    prompt: int
    output: int
    thoughts: int


class TimelineData(NamedTuple):
    """All that a time line shows.

    Attributes:
        timed: whether there are times; without, the chunks stand in their order.
        end: the axis' length: seconds, or chunks.
        lanes: the bars by lane, only of lanes that have any.
        moments: name and seconds of what came first.
        silence: the longest time in which nothing came after the first chunk, None where it takes less than a column.
        tries: tries and pauses, empty for one plain request.
        steps: the token counts.
        chunks, size: chunks and bytes in all.
        timing: the same in figures.
        remark: what a reader must know of the picture; often empty.
    """

    timed: bool
    end: float
    lanes: dict[str, list[Bar]]
    moments: list[tuple[str, float]]
    longest_gap: Span | None
    attempts: list[Span]
    usage_steps: list[UsageStep]
    chunks: int
    size: int
    timing: Timing
    remark: str

    @property
    def notable_gap(self) -> Span | None:
        """The silence, where it is far longer than an ordinary gap (the inspector's ``gaps.js`` has the same rule)."""
        least = max(_LEAST, _NOTABLE * (self.timing.gap_p50 or 0.0))
        return (
            self.longest_gap
            if self.longest_gap and self.longest_gap.end - self.longest_gap.start >= least
            else None
        )


def bar_height(size: int, largest: int) -> float:
    """A bar's height from 0 to 1: the root, so that one large chunk does not flatten all others."""
    return float((size / largest) ** 0.5) if largest else 0.0


def timeline_data(ledger: Ledger, now: float | None = None) -> TimelineData:
    """What a time line of a ledger shows.

    Args:
        ledger: the record; of one that is still filled, what is there.
        now: seconds since the request was sent, for one that still runs; by the wall clock when left out.
    """
    columns = ledger.chunk_columns
    count = columns.length  # first: the reader may be appending
    times: Sequence[float] = columns.given("t", count)
    sizes: Sequence[int] = columns.given("size", count)
    end = _end(ledger, times, now)
    sound = _times_valid(times, end)
    timed = sound and end > 0 and (count <= 1 or times[-1] > 0)
    axis = end if timed else float(count)
    lanes: dict[str, list[Bar]] = {name: [] for name in _LANES}
    said = (columns.given(name, count) for name in ("kind", "text", "thought"))
    for index, (t, size, kind, *texts) in enumerate(zip(times, sizes, *said, strict=True)):
        column = min(COLUMNS - 1, int((t if timed else index + 0.5) / axis * COLUMNS))
        _add(lanes[_lane(kind)], Bar(column, index, t, 1, size, sum(map(len, texts))))
    lacks = any(note.kind == "recording-lacks" for note in list(ledger.notes))
    return TimelineData(
        timed,
        axis,
        {name: bars for name, bars in lanes.items() if bars},
        _moments(ledger) if timed else [],
        _longest_gap(ledger, times, end) if timed else None,
        _attempts(ledger, end) if timed else [],
        _steps(ledger, axis, timed=timed),
        count,
        sum(sizes),
        measure(ledger.marks, times, ledger.usage or Usage()),
        "" if timed and count else _remark(count, sound=sound, lacks=lacks),
    )


def _times_valid(times: Sequence[float], end: float) -> bool:
    """Whether times can be shown at all; a file that was written by hand may hold anything."""
    return isfinite(end) and all(former <= later for former, later in pairwise((0.0, *times, end)))


def _remark(count: int, *, sound: bool, lacks: bool) -> str:
    if not count:
        return _NOTHING
    if not sound:
        return _DISORDER
    return _NO_TIMES if lacks else _AT_ONCE


def _end(ledger: Ledger, times: Sequence[float], now: float | None) -> float:
    """Where the axis ends: at the end of the answer, or now."""
    last = times[-1] if times else 0.0
    if ledger.status != "running":
        return max(last, ledger.marks.get("total", 0.0))
    if ledger.source == "recording" and now is None:
        return last  # a replay has a time of its own
    return max(last, elapsed_seconds(ledger) - ledger.delay if now is None else now)


@lru_cache(maxsize=256)
def _lane(kind: str) -> str:
    kinds = kind.split("+")
    return "answer" if "text" in kinds else "thinking" if "thought" in kinds else "other"


def _add(bars: list[Bar], new: Bar) -> None:
    """Put a chunk into its lane, into the last bar where that is of the same column."""
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


def _longest_gap(ledger: Ledger, times: Sequence[float], end: float) -> Span | None:
    """The longest time without a chunk, the one before the end included."""
    ended = ledger.status == "complete"
    points = times if ended or not times else [*times, end]
    start, stop = max(pairwise(points), key=lambda pair: pair[1] - pair[0], default=(0.0, 0.0))
    if stop - start < end / COLUMNS:
        return None
    last = stop == end and not ended and start == times[-1]
    return Span("gap", start, stop, "no data" if last else "longest gap")


def _attempts(ledger: Ledger, end: float) -> list[Span]:
    """The tries and what was waited for between them; nothing where one request was enough."""
    spans: list[Span] = []
    exchanges = list(ledger.exchanges)
    before = 0.0  # when the try before was over
    for number, exchange in enumerate(exchanges, 1):
        start = (
            before + (exchange.waited if number > 1 else 0.0)
            if exchange.started is None
            else exchange.started
        )
        start = min(start, end)
        if spans and start - exchange.waited > before:  # the try before was silent until it was given up
            spans[-1] = spans[-1]._replace(end=start - exchange.waited)
            before = spans[-1].end
        if exchange.waited and start > before:
            spans.append(Span("pause", before, start, f"wait before attempt {number}"))
        over = exchange.end is not None or number < len(exchanges)
        before = start + (exchange.pieces[-1][0] if exchange.pieces else 0.0) if over else end
        if number == len(exchanges):
            before = max(before, end)
        told = f"HTTP {exchange.status}" if exchange.status else ""
        words = ", ".join(filter(None, (told, exchange.problem and redact(exchange.problem))))
        bad = exchange.problem or number < len(exchanges) or (exchange.status or 0) >= _REFUSED
        kind: Literal["attempt", "failed"] = "failed" if bad else "attempt"
        spans.append(
            Span(
                kind,
                start,
                min(before, end),
                f"attempt {number}: {words or exchange.end or 'no response yet'}",
            )
        )
    if ledger.pause is not None and ledger.status == "running":
        spans.append(Span("pause", min(before, end), end, wait_text(ledger, end + ledger.delay) or "waiting"))
    return spans if len(spans) > 1 else []


def _steps(ledger: Ledger, axis: float, *, timed: bool) -> list[UsageStep]:
    """The token counts, one for each column at most."""
    rows = Rows(ledger.usage_columns)
    steps: list[UsageStep] = []
    known = [0, 0, 0]
    for place, *counts in zip(
        rows["t" if timed else "chunk"], rows["prompt"], rows["output"], rows["thoughts"], strict=True
    ):
        known = [
            former if count is None else min(max(count, 0), _MAX_TOKENS)
            for former, count in zip(known, counts, strict=True)
        ]
        step = UsageStep((place if timed else place + 0.5) / axis, *known)
        if steps and int(steps[-1].place * COLUMNS) == int(step.place * COLUMNS):
            steps.pop()
        steps.append(step)
    return steps


def sparkline(ledger: Ledger) -> str:
    """How many chunks came when, in sixteen block characters; empty for a short stream and for one without times."""
    count = ledger.chunk_columns.length
    times = ledger.chunk_columns.given("t", count)
    end = times[count - 1] if count else 0.0
    if count < _FEWEST or not 0 <= times[0] < end:
        return ""
    edges = [bisect_left(times, end * n / _SPARKS, 0, count) for n in range(_SPARKS)] + [count]
    counts = [max(0, stop - start) for start, stop in pairwise(edges)]
    most = max(counts)
    return "".join(BLOCKS[-(-each * (len(BLOCKS) - 1) // most)] for each in counts) if most else ""
