"""The timeline of an answer: an SVG image in a notebook, block characters in a terminal, and an ``.svg`` file.

A timeline shows the ledger at one moment and keeps no reference to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from textwrap import shorten, wrap
from typing import Any, Final

from ..errors import OptionError
from ..ledger import Ledger
from ..text import one_line, visible
from .status import status_line
from .timeline_data import BLOCKS, COLUMNS, TimelineData, bar_height, timeline_data
from .timeline_svg import draw_timeline
from .units import duration, tick_label, ticks

__all__ = ["Timeline"]

_SVG: Final = "image/svg+xml"
_LABEL_WIDTH: Final = 9  # characters of the label of a lane
_LANE_WIDTH: Final = 35  # characters of a lane, each five columns wide
_LINE_WIDTH: Final = 48  # maximum characters of a line; a notebook in a narrow window wraps longer lines
_MAX_ATTEMPT: Final = 300  # maximum characters of the text about an attempt


class Timeline:
    """Shows when the chunks of an answer arrived, how large they were, and where time was spent waiting.

    In a notebook it is displayed as a self-contained ``image/svg+xml``, in a terminal as a few lines of text
    (``str(timeline)``).

    Args:
        ledger: the record; of a running one, what was received so far is shown.
        now: seconds since the request was sent, for a running ledger; measured by the wall clock when omitted.

    Attributes:
        data: the data that it shows.
    """

    def __init__(self, ledger: Ledger, *, now: float | None = None) -> None:
        self.data = timeline_data(ledger, now)
        self._status: str = ledger.status
        self._title = visible(status_line(ledger, now=now))

    @cached_property
    def svg(self) -> str:
        """The image as an SVG document."""
        return draw_timeline(self.data, self._title, self._status)

    @cached_property
    def _plain(self) -> str:
        data = self.data
        lines = [*_wrapped(self._title), *filter(None, [data.remark])]
        lines += _lane_lines(data)
        lines += _step_lines(data)
        if data.timed:
            lines.append(_axis_line(data.end))
        lines += _wrapped(data.summary)
        if data.moments:
            lines += _wrapped(" · ".join(f"{name} {duration(t)}" for name, t in data.moments))
        for span in data.attempts:
            label = " ".join(visible(span.label).split())
            lines.append(
                shorten(f"{label}, {duration(span.end - span.start)}", _MAX_ATTEMPT, placeholder=" …")
            )
        return visible("\n".join(lines))

    def __str__(self) -> str:
        return self._plain

    def __repr__(self) -> str:
        return f"<Timeline: {one_line(self.data.summary)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython passes them
        return {_SVG: self.svg, "text/plain": self._plain}

    def save(self, path: str | Path) -> Path:
        """Write the image into an ``.svg`` file. A browser shows tooltips for its parts.

        Returns:
            The path of the file.

        Raises:
            OptionError: the name does not end in ``.svg``, or the file cannot be written.
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
    """Wrap facts that are separated by dots; a fact is broken only if it is longer than a line."""
    whole = facts.replace(" ", "\xa0").replace("\xa0·\xa0", "\xa0· ")
    return [line.replace("\xa0", " ") for line in wrap(whole, _LINE_WIDTH, subsequent_indent="  ")]


def _lane_lines(data: TimelineData) -> Iterable[str]:
    """A line of block characters for each lane."""
    lanes: dict[str, list[int]] = {}
    for name, bars in data.lanes.items():
        sizes = lanes[name] = [0] * _LANE_WIDTH
        for bar in bars:
            sizes[bar.column * _LANE_WIDTH // COLUMNS] += bar.size
    largest = max((size for sizes in lanes.values() for size in sizes), default=0)
    for name, sizes in lanes.items():
        blocks = (BLOCKS[round(bar_height(size, largest) * 7)] if size else " " for size in sizes)
        yield f"{name:{_LABEL_WIDTH}}{''.join(blocks)}".rstrip()


def _step_lines(data: TimelineData) -> Iterable[str]:
    """A line for each lane of steps."""
    for lane in data.steps:
        cells = [" "] * _LANE_WIDTH
        for span in lane.spans:
            first = min(_LANE_WIDTH - 1, int(span.start / data.end * _LANE_WIDTH))
            last = min(_LANE_WIDTH - 1, int(span.end / data.end * _LANE_WIDTH))
            cells[first : last + 1] = "━" * (last + 1 - first)
        name = one_line(lane.name)[: _LABEL_WIDTH - 1]
        yield f"{name:{_LABEL_WIDTH}}{''.join(cells)}".rstrip()


def _axis_line(end: float) -> str:
    """The line with round times below the lanes."""
    line = ""
    for position in ticks(end, 3):
        start = _LABEL_WIDTH + min(_LANE_WIDTH - 1, int(position / end * _LANE_WIDTH))
        label = f"╵{tick_label(position, end)}"
        if start + len(label) > _LINE_WIDTH:
            label = f"{label[1:]}╵"
            start += 1 - len(label)
        if len(line) < start or not line:
            line = f"{line:{start}}{label}"
    return line
