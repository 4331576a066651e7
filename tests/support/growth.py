"""Measures how the CPU time of an action grows with its input, and keeps the ratios for the summary of the run."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["LIMIT", "Growth", "measure_growth", "record", "summary_lines"]

LIMIT = 2.5  # times the time for twice the input
_LONG_ENOUGH = (
    0.008  # CPU seconds that the smaller input takes at least, so that fixed costs do not hide the growth
)
_ROUNDS = 2
_MORE_ROUNDS = 5  # if the ratio is too large at first: the machine may have been busy
_DOUBLINGS = 2  # if it is still too large: the input may cross a limit between the two sizes
_CERTAIN = 0.5  # CPU seconds; so much is growth and no noise
_NEAR = 1.3  # times the limit; a ratio below that is measured again, however long it takes
_PROPERTY = "growth"
_WORST = 15  # ratios in the summary


class Growth(NamedTuple):
    """How the time of an action grows.

    Attributes:
        size: the smaller input's size; the other one has twice that size.
        seconds: CPU seconds for the smaller input.
        ratio: the time for the larger input as a multiple of that.
    """

    size: int
    seconds: float
    ratio: float


def measure_growth(
    prepare: Callable[[int], Callable[[], object]], smallest: int, largest: int, certain: float = _CERTAIN
) -> Growth:
    """Compare the CPU time of an action for an input and for one of twice the size; the best of several runs counts.

    The size is doubled until the action takes long enough to be measured. A ratio above :data:`LIMIT` is measured again:
    with the same sizes, then with larger ones.

    Args:
        prepare: makes the action for a size; its own time does not count. An action may run only once.
        smallest: the first size that is tried.
        largest: the size at which the doubling stops.
        certain: CPU seconds from which a ratio that is far above the limit counts without being measured again.
    """
    gc.collect()
    gc.disable()  # its passes take longer with the objects of other tests
    try:
        size, seconds = smallest, _cpu_seconds(prepare(smallest))
        while seconds < _LONG_ENOUGH and size < largest:
            # The time for the next size is at least twice this one; several steps at once save calls.
            size = min(size * max(2, min(16, int(_LONG_ENOUGH / max(seconds, 1e-6) / 2))), largest)
            seconds = _cpu_seconds(prepare(size))
        growth = _ratio(prepare, size, seconds, _ROUNDS)
        for _ in range(_DOUBLINGS):
            if _is_certain(growth, certain):
                return growth
            growth = _ratio(prepare, growth.size, growth.seconds, _MORE_ROUNDS)
            if _is_certain(growth, certain):
                return growth
            growth = _ratio(prepare, 2 * growth.size, float("inf"), _ROUNDS)
        return growth
    finally:
        gc.enable()


def _is_certain(growth: Growth, certain: float) -> bool:
    return growth.ratio <= LIMIT or (growth.seconds > certain and growth.ratio > _NEAR * LIMIT)


def _ratio(prepare: Callable[[int], Callable[[], object]], size: int, seconds: float, rounds: int) -> Growth:
    larger = float("inf")
    for _ in range(rounds):
        if not seconds < float("inf") or larger < float("inf"):
            seconds = min(seconds, _cpu_seconds(prepare(size)))
        larger = min(larger, _cpu_seconds(prepare(2 * size)))
        if larger <= LIMIT * seconds or (larger > _CERTAIN and larger > _NEAR * LIMIT * seconds):
            break
    return Growth(size, seconds, larger / seconds)


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
    lines = [f"{len(found)} actions at n and 2n; the worst ratios of their CPU times (at most {LIMIT}):"]
    lines += [
        f"  {ratio:5.2f}  {name}, {size:,} and twice that, {seconds * 1000:.1f} ms"
        for name, size, seconds, ratio in found[:_WORST]
    ]
    return lines
