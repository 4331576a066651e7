"""Formats the times, sizes and axis labels of a timeline as text."""

from __future__ import annotations

from math import floor, log10
from typing import Final

__all__ = ["byte_size", "duration", "tick_label", "ticks", "whole_seconds"]

_MINUTE: Final = 60.0
_TEN_MINUTES: Final = 600.0
_SHORT: Final = 10.0  # seconds that are written with two decimals
_LONGEST: Final = 1e12  # seconds; a file may hold any number
_KILO, _MEGA = 1000, 1_000_000


def duration(seconds: float) -> str:
    """Seconds with three digits: ``620 ms``, ``1.31 s``, ``12.4 s``, ``2 min 05 s``."""
    seconds = min(seconds, _LONGEST)
    thousandths = round(seconds * 1000, 1)
    if round(thousandths) < _KILO:
        return f"{thousandths:.0f} ms" if thousandths >= 1 else f"{thousandths:g} ms"
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.2f} s" if round(seconds, 2) < _SHORT else f"{seconds:.1f} s"
    return whole_seconds(round(seconds))


def whole_seconds(seconds: int) -> str:
    """Whole seconds, for a clock or a countdown: ``8 s``, ``2 min 05 s``."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def byte_size(size: int) -> str:
    """A number of bytes: ``812 B``, ``18.3 kB``, ``1.2 MB``."""
    if size < _KILO:
        return f"{size} B"
    kilos = round(size / _KILO, 1)
    return f"{kilos:.1f} kB" if kilos < _KILO else f"{size / _MEGA:.1f} MB"


def ticks(end: float, most: int = 8, least: float = 0.0) -> list[float]:
    """Round positions on an axis from 0 to ``end``: at most ``most`` steps of 1, 2 or 5 times a power of ten."""
    unit = _MINUTE if end >= _TEN_MINUTES else 1.0
    rough = max(end / unit / most, least)
    power = 10.0 ** floor(log10(rough))
    step = next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9)) * power
    return [n * step * unit for n in range(int(end / unit / step + 1e-9) + 1)]


def tick_label(position: float, end: float) -> str:
    """The label of a tick; all labels of an axis have the same unit."""
    if end >= _TEN_MINUTES:
        return f"{position / _MINUTE:g} min"
    return f"{position:g} s" if end >= 1 else f"{position * 1000:g} ms"
