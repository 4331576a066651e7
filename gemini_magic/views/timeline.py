"""The time line of an answer as an object: a picture in a notebook, block characters in a terminal, a file on request.

It shows one moment of a ledger and keeps that; it holds no reference to the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from textwrap import shorten, wrap
from typing import Any, Final

from ..errors import OptionError
from ..ledger import Ledger
from ..markdown import visible
from .status import status_line
from .timeline_data import BLOCKS, COLUMNS, TimelineData, bar_height, timeline_data
from .timeline_svg import draw_timeline
from .units import duration, figures, tick_label, ticks

__all__ = ["Timeline"]

_PICTURE: Final = "image/svg+xml"
_LABEL: Final = 9  # characters before a lane
_WIDE: Final = 35  # characters of a lane, five columns each
_LINE: Final = 48  # of a line: a notebook in a narrow window breaks longer ones
_LONGEST: Final = 300  # of what is said of a try


class Timeline:
    """When the chunks of an answer came, how large they were, and what was waited for.

    In a notebook it is a picture, in a terminal a few lines of text (``str(timeline)``). The picture is an
    ``image/svg+xml`` that needs nothing else.

    Args:
        ledger: the record; while it still grows, what has arrived so far is shown.
        now: seconds since the request was sent, for a ledger that still runs; by the wall clock when left out.

    Attributes:
        arrivals: what it shows, as data.
    """

    def __init__(self, ledger: Ledger, *, now: float | None = None) -> None:
        self.data = timeline_data(ledger, now)
        self._status: str = ledger.status
        self._title = visible(status_line(ledger, now=now))

    @cached_property
    def svg(self) -> str:
        """The picture, an SVG document."""
        return draw_timeline(self.data, self._title, self._status)

    @cached_property
    def _plain(self) -> str:
        shown = self.data
        lines = [*_wrapped(self._title), *filter(None, [shown.remark])]
        lines += _lane_lines(shown)
        if shown.timed:
            lines.append(_axis_line(shown.end))
        lines += _wrapped(figures(shown))
        if shown.moments:
            lines += _wrapped(" · ".join(f"{name} {duration(t)}" for name, t in shown.moments))
        for span in shown.attempts:
            words = " ".join(visible(span.label).split())
            lines.append(shorten(f"{words}, {duration(span.end - span.start)}", _LONGEST, placeholder=" …"))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self._plain

    def __repr__(self) -> str:
        return f"<Timeline: {figures(self.data)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython passes them
        return {_PICTURE: self.svg, "text/plain": self._plain}

    def save(self, path: str | Path) -> Path:
        """Write the picture into an ``.svg`` file; in a browser its parts tell more under the mouse.

        Raises:
            OptionError: the name ends in something else, or the file cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise OptionError(
                f"A timeline is saved as an SVG file, but the name is {target.name!r}.",
                remedy="Use a name that ends in .svg. Browsers and most editors can open it.",
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.svg, encoding="utf-8")
        except OSError as error:
            raise OptionError(
                f"Cannot write {target}: {error.strerror or error}.", remedy="Choose another folder."
            ) from None
        return target


def _wrapped(facts: str) -> list[str]:
    """Facts on lines that fit, each fact whole where it can be."""
    whole = facts.replace(" ", "\xa0").replace("\xa0·\xa0", "\xa0· ")
    return [line.replace("\xa0", " ") for line in wrap(whole, _LINE, subsequent_indent="  ")]


def _lane_lines(shown: TimelineData) -> Iterable[str]:
    """A line of blocks for each lane."""
    lanes: dict[str, list[int]] = {}
    for name, bars in shown.lanes.items():
        sizes = lanes[name] = [0] * _WIDE
        for bar in bars:
            sizes[bar.column * _WIDE // COLUMNS] += bar.size
    largest = max((size for sizes in lanes.values() for size in sizes), default=0)
    for name, sizes in lanes.items():
        blocks = (BLOCKS[round(bar_height(size, largest) * 7)] if size else " " for size in sizes)
        yield f"{name:{_LABEL}}{''.join(blocks)}".rstrip()


def _axis_line(end: float) -> str:
    """Round times below the lanes."""
    line = ""
    for place in ticks(end, 3):
        start = _LABEL + min(_WIDE - 1, int(place / end * _WIDE))
        words = f"╵{tick_label(place, end)}"
        if start + len(words) > _LINE:
            words = f"{words[1:]}╵"
            start += 1 - len(words)
        if len(line) < start or not line:
            line = f"{line:{start}}{words}"
    return line
