"""Measures how the CPU time of an action grows with its input, and keeps the ratios for the summary of the run."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["FACTOR", "LIMIT", "Growth", "measure_growth", "record", "summary_lines"]

FACTOR = 4  # the larger input is this many times as large
# Times the time for the larger input. Linear growth gives 4 (n log n: 4.7) and quadratic growth 16. A linear action fails only if
# all measurements of the larger input are 1.6 times too long, and one of the smaller one is not.
LIMIT = 6.5
_SURE = 5.0  # a ratio above that is too large for a single measurement
_LONG_ENOUGH = (
    0.005  # CPU seconds that the smaller input takes at least, so that fixed costs do not hide the growth
)
_ROUNDS = 6  # measurements of both inputs while the ratio is too large: the machine may have been busy
_LARGER = 2  # how often larger inputs are measured if it is still too large: the input may cross a limit between the sizes
_CERTAIN = 0.2  # CPU seconds for the larger input; so much is growth and no noise
_NEAR = 1.6  # times the limit; a ratio below that is measured again, however long it takes
_PREPARED = (
    0.1  # CPU seconds; an action that takes less than _LONG_ENOUGH does not matter beside such a preparation
)
_PROPERTY = "growth"
_WORST = 15  # ratios in the summary


class Growth(NamedTuple):
    """How the time of an action grows.

    Attributes:
        size: the smaller input's size; the other one is :data:`FACTOR` times as large.
        seconds: CPU seconds for the smaller input.
        ratio: the time for the larger input as a multiple of that.
    """

    size: int
    seconds: float
    ratio: float


def measure_growth(prepare: Callable[[int], Callable[[], object]], smallest: int, largest: int) -> Growth:
    """Compare the CPU time of an action for an input and for one of four times the size; the best of several runs counts.

    The size grows until the action takes long enough to be measured. A ratio above :data:`LIMIT` is measured again: with the same
    sizes, then with larger ones. The garbage collector is off, because its passes take longer with the objects of other tests.

    Args:
        prepare: makes the action for a size; its own time does not count. An action may run only once.
        smallest: the first size that is tried.
        largest: the size at which the growth of the smaller input stops.
    """
    gc.disable()
    try:
        size, began = smallest, time.process_time()
        seconds = _cpu_seconds(prepare(smallest))
        while seconds < _LONG_ENOUGH and size < largest:
            # The time for the next size is at least twice this one; several steps at once save calls.
            whole = time.process_time() - began
            if whole > _PREPARED / 2:
                break
            steps = min(_LONG_ENOUGH / max(seconds, 1e-6), _PREPARED / max(whole, 1e-6)) / 2
            size = min(size * max(2, min(16, int(steps))), largest)
            began = time.process_time()
            seconds = _cpu_seconds(prepare(size))
        growth = _measure(prepare, size, seconds)
        for _ in range(_LARGER):
            if growth.ratio <= LIMIT or _is_certain(growth.seconds, growth.seconds * growth.ratio):
                break
            growth = _measure(prepare, 2 * growth.size)
        return growth
    finally:
        gc.enable()


def _measure(
    prepare: Callable[[int], Callable[[], object]], size: int, first: float = float("inf")
) -> Growth:
    """Measure both inputs, again if their ratio is not plain.

    Three measurements of the smaller input, with the first, count from the start, because one that is too long hides growth.
    """
    smaller = min(first, *(_cpu_seconds(prepare(size)) for _ in range(2)))
    larger = _cpu_seconds(prepare(FACTOR * size))
    for _ in range(_ROUNDS):
        if larger <= _SURE * smaller or _is_certain(smaller, larger):
            break
        smaller = min(smaller, _cpu_seconds(prepare(size)))
        if larger > LIMIT * smaller:
            larger = min(larger, _cpu_seconds(prepare(FACTOR * size)))
    return Growth(size, smaller, larger / smaller)


def _is_certain(smaller: float, larger: float) -> bool:
    return larger > _CERTAIN and larger > _NEAR * LIMIT * smaller


def _cpu_seconds(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def record(node: Any, name: str, growth: Growth) -> None:
    """Keep a ratio for the summary of the run, also when the test runs in another process.

    Args:
        node: the test's item.
        name: what was measured.
        growth: the result.
    """
    node.user_properties.append((_PROPERTY, (name, *growth)))


def summary_lines(reports: Iterable[Any]) -> list[str]:
    """The worst ratios of a run, one line each; empty if none was measured."""
    found = [
        value
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == _PROPERTY
    ]
    if not found:
        return []
    found.sort(key=lambda value: value[3], reverse=True)
    lines = [
        f"{len(found)} actions at n and {FACTOR} n; the worst ratios of their CPU times (at most {LIMIT}):"
    ]
    lines += [
        f"  {ratio:5.2f}  {name}, {size:,} and {FACTOR * size:,}, {seconds * 1000:.1f} ms"
        for name, size, seconds, ratio in found[:_WORST]
    ]
    return lines
