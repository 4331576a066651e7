"""Limits of time that a slow or busy machine does not exceed and that a fast machine does not hide.

A limit is given in seconds on the reference machine when it is idle. A calibration loop, run in the same process, measures how
much slower this machine is now. CPU time is scaled both ways. Wall time is scaled only upwards, because timers and pauses do not
get shorter on a fast machine.

The module imports nothing from gemini_magic.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# CPU seconds of one calibration loop on the reference machine (CPython 3.11).
REFERENCE = 0.0125


def _loop() -> int:
    """A fixed amount of work of the kind that the package does: integers, strings, a list."""
    total, texts = 0, []
    for number in range(160_000):
        total += number % 7
        texts.append(str(total))
    return len("".join(texts))


def cpu_seconds(work: Callable[[], object]) -> float:
    """The CPU time of all threads of this process for one call, without that of collecting what earlier tests have left."""
    gc.freeze()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.unfreeze()


def cpu_slowness() -> float:
    """How many times the CPU time of the reference machine this machine takes for the same work; below 1 if it is faster."""
    return min(cpu_seconds(_loop) for _ in range(5)) / REFERENCE


def wall_slowness() -> float:
    """How many times longer work takes at this moment than on the idle reference machine, at least 1.

    It is the longest of several loops, because a busy machine is not busy evenly, or the number of threads that competed for each
    processor in the last minute, because the load may have ended.
    """
    longest = 0.0
    for _ in range(8):
        began = time.perf_counter()
        _loop()
        longest = max(longest, time.perf_counter() - began)
    return max(1.0, longest / REFERENCE, _load())


def _load() -> float:
    """The load average of the last minute, for each processor; 0 where the system does not report it."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (AttributeError, OSError):
        return 0.0


def assert_cpu_below(work: Callable[[], object], limit: float, times: int = 5) -> None:
    """Assert that `work` takes less CPU time than `limit` seconds on the reference machine.

    It is called up to `times` times; the fastest call counts.
    """
    slowness = cpu_slowness()
    taken: list[float] = []
    while len(taken) < times:
        taken.append(cpu_seconds(work))
        if taken[-1] < limit * slowness:
            return
    raise AssertionError(
        f"{min(taken):.3f} s of CPU time, the limit is {limit * slowness:.3f} s "
        f"({limit:g} s on the reference machine, this one takes {slowness:.2f} times as long)"
    )


def assert_soon(seconds: float, limit: float) -> None:
    """Assert that something took less wall time than `limit` seconds on the idle reference machine.

    The load of this machine is measured only if `seconds` is not below `limit`.
    """
    if seconds < limit:
        return
    slowness = wall_slowness()
    assert seconds < limit * slowness, (
        f"{seconds:.3f} s, the limit is {limit * slowness:.3f} s "
        f"({limit:g} s on the idle reference machine, this one takes {slowness:.2f} times as long)"
    )


def assert_ratio_below(
    work: Callable[[], object],
    unit: Callable[[], object],
    limit: float,
    *,
    slack: float = 0.0,
    rounds: int = 8,
) -> float:
    """Assert that `work` takes less than `limit` times the CPU time of `unit`, and `slack` seconds; returns the ratio.

    Both are called in turn, and the fastest call of each counts. One round is enough for half the limit. More rounds follow
    while the ratio is too large: a busy machine needs them, and no number of rounds helps a real loss.
    """
    whole = part = float("inf")
    for turn in range(rounds):
        part = min(part, cpu_seconds(unit))
        whole = min(whole, cpu_seconds(work))
        if whole < limit * part * (1.0 if turn else 0.5) + slack:
            return whole / part
    raise AssertionError(
        f"{whole:.4f} s of CPU time are {whole / part:.1f} times {part:.4f} s, the limit is {limit:g} times"
    )


@contextmanager
def soon(limit: float) -> Iterator[None]:
    """Assert that the body of the `with` statement takes less wall time than `limit`, as `assert_soon` does."""
    began = time.perf_counter()
    yield
    assert_soon(time.perf_counter() - began, limit)
