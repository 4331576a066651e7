"""Draws a timeline as a self-contained SVG image, without style sheet, script or font.

The image has presentation attributes only, because sites such as GitHub and nbviewer remove styles. Its colors are
legible on white and on black, because an image inside a page cannot know the theme of the page. One style attribute
lets the image shrink; it may be removed. All text is escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from math import floor
from textwrap import wrap
from typing import Final, NamedTuple

from ..text import shortened, visible
from .step_lanes import StepLane, StepSpan
from .timeline_data import COLUMNS, Bar, Span, TimelineData, bar_height
from .units import byte_size, duration, tick_label, ticks

__all__ = ["draw_timeline"]

# Narrow, because a page shrinks a wider image with its text: at a width of 800 px with open side bar, an output of
# JupyterLab has 370 px, in which the text is as high as that of a footnote.
_WIDTH: Final = 540
_LEFT, _RIGHT = 92, 532
_PLOT: Final = _RIGHT - _LEFT
_LANE, _GAP = 34, 10  # heights
_SIZE: Final = 13  # of letters, in pixels
_LETTER_WIDTH: Final = 7.1  # approximate width of a letter
_LINE: Final = 18  # height of a line of the title and the summary
_ROW: Final = 16  # height of a row of labels
_STEP: Final = 11  # height of the bar of a step
_TICKS: Final = 6
_BAR_WIDTH: Final = 2
# Inside a page; without it the image has its full width.
_SHRINK: Final = 'style="max-width:100%;height:auto"'
_TITLE_LENGTH: Final = 160  # maximum letters of the title
_LINE_LENGTH: Final = 74  # letters of a line of the title
_LARGE_COUNT: Final = 10_000
_VISIBLE_GAP: Final = 0.02  # share of the axis; a shorter gap is in the summary only
_NOT_XML: Final = re.compile("[\ufffe\uffff]")

# The contrast is at least 3.5:1 on white and on #111. The grey of most text has 4.2:1, the maximum for one color on both.
_GREY, _BLUE, _VIOLET, _GREEN, _AMBER, _RED = "#767b84", "#3b82c4", "#9b6ad0", "#2a9461", "#b97a16", "#d6504a"
_COLORS: Final = {"thinking": _VIOLET, "answer": _BLUE, "other": _GREY}
_STEP_COLORS: Final = {"thought": _VIOLET, "model_output": _BLUE}
_STATUS_COLORS: Final = {"running": _GREY, "complete": _GREEN, "blocked": _RED, "error": _RED}
_SPAN_COLORS: Final = {"attempt": _GREEN, "failed": _RED, "pause": _GREY, "gap": _AMBER, "tool": _VIOLET}


def _short_count(count: int) -> str:
    """A count that is short enough for the label of a lane."""
    return f"{count:,}" if count < _LARGE_COUNT else f"{count / 1000:,.0f}k"


def _xml_text(text: str, most: int = 400) -> str:
    """Escape text for XML, on one line and with a maximum length."""
    line = " ".join(_NOT_XML.sub("\ufffd", visible(text)).split())
    return escape(shortened(line, most))


# -- elements of the image


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text_element(
    x: float, y: float, text: str, *, anchor: str = "start", fill: str = _GREY, more: str = ""
) -> str:
    return f'<text x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}" fill="{fill}"{more}>{_xml_text(text)}</text>'


def _rect_element(
    x: float, y: float, width: float, tall: float, *, fill: str, opacity: float, title: str = ""
) -> str:
    inside = f"><title>{_xml_text(title)}</title></rect>" if title else "/>"
    return (
        f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(max(width, 1))}" height="{_number(tall)}"'
        f' rx="2" fill="{fill}" fill-opacity="{opacity}"{inside}'
    )


def _vertical_line(x: float, top: float, bottom: float, color: str, more: str = "") -> str:
    x = floor(x) + 0.5  # aligned to whole pixels, so that it is sharp
    return f'<path d="M{x:g} {_number(top)}V{_number(bottom)}" stroke="{color}"{more}/>'


def _bar_title(bar: Bar, *, timed: bool) -> str:
    """The tooltip of a bar."""
    which = f"#{bar.first}" if bar.chunks == 1 else f"{bar.chunks:,} chunks from #{bar.first}"
    facts = [
        which,
        duration(bar.t) if timed else "",
        byte_size(bar.size),
        f"{bar.chars:,} chars" if bar.chars else "",
    ]
    return " · ".join(filter(None, facts))


def _lane_svg(name: str, bars: Sequence[Bar], top: float, largest: int, *, timed: bool) -> str:
    chunks = sum(bar.chunks for bar in bars)
    lines = [
        _text_element(10, top + 15, name, fill=_COLORS[name], more=' font-weight="600"'),
        _text_element(10, top + 29, f"{_short_count(chunks)} chunk{'' if chunks == 1 else 's'}"),
        f'<g stroke="{_COLORS[name]}" stroke-width="{_BAR_WIDTH}">',
    ]
    for bar in bars:
        x, tall = _LEFT + (bar.column + 0.5) * _PLOT / COLUMNS, max(3, _LANE * bar_height(bar.size, largest))
        where = f"M{_number(x)} {_number(top + _LANE)}v-{_number(tall)}"
        lines.append(f'<path d="{where}"><title>{_xml_text(_bar_title(bar, timed=timed))}</title></path>')
    return "".join([*lines, "</g>"])


def _tokens_svg(data: TimelineData, top: float) -> str:
    """Cumulative token counts as two step areas, thoughts below the answer."""
    steps = [
        (_LEFT + min(1.0, step.position) * _PLOT, step.thoughts, step.output) for step in data.usage_steps
    ]
    most = max(thoughts + output for _, thoughts, output in steps)
    last = data.usage_steps[-1]
    title = f"tokens so far: prompt {last.prompt:,}, answer {last.output:,}, thoughts {last.thoughts:,}"
    counts = " + ".join(map(_short_count, filter(None, (last.output, last.thoughts))))
    lines = [
        _text_element(10, top + 15, "tokens", more=' font-weight="600"'),
        _text_element(10, top + 29, counts),
    ]
    bottom = top + _LANE
    for color, counted in (
        (_BLUE, [(x, thoughts + output) for x, thoughts, output in steps]),
        (_VIOLET, [(x, thoughts) for x, thoughts, _ in steps]),
    ):
        if not any(count for _, count in counted):
            continue
        levels = [(x, bottom - _LANE * count / most) for x, count in counted]
        stairs = f"M{_number(levels[0][0])} {_number(bottom)}V{_number(levels[0][1])}" + "".join(
            f"H{_number(x)}V{_number(y)}" if y != before else "" for (_, before), (x, y) in pairwise(levels)
        )
        lines.append(
            f'<path d="{stairs}H{_RIGHT}V{_number(bottom)}Z" fill="{color}" fill-opacity="0.3" stroke="{color}">'
            f"<title>{_xml_text(title)}</title></path>"
        )
    return "".join(lines)


def _axis_svg(data: TimelineData, top: float, bottom: float) -> str:
    lines = [f'<path d="M{_LEFT} {_number(bottom + 0.5)}H{_RIGHT}" stroke="{_GREY}"/>']
    for position in ticks(data.end, _TICKS, least=0.0 if data.timed else 1.0):
        x = _LEFT + position / data.end * _PLOT
        lines.append(_vertical_line(x, top, bottom + 4, _GREY, ' stroke-opacity="0.3"'))
        text = tick_label(position, data.end) if data.timed else f"{position:,.0f}"
        anchor = "end" if x > _RIGHT - 12 else "middle"
        lines.append(_text_element(min(x, _RIGHT), bottom + _ROW + 1, text, anchor=anchor))
    return "".join(lines)


class _Label(NamedTuple):
    """A label: x of its line, start and end of its text in pixels, row, text and color."""

    x: float
    start: float
    end: float
    row: int
    text: str
    color: str


class _Labels:
    """Labels above the lanes, with a line down from each. Labels never overlap, and lines do not cross labels."""

    def __init__(self) -> None:
        self._labels: list[_Label] = []

    def add(self, x: float, text: str, color: str) -> None:
        """Add a label at ``x``, with its text to the right, or where it fits into the image."""
        wide = len(text) * _LETTER_WIDTH
        left = x + 4 + wide > _RIGHT
        start = max(4.0, x - 4 - wide) if left else x + 4
        row = 0
        while any(
            other == row and begin - 8 < start + wide and start < stop + 8
            for _, begin, stop, other, _, _ in self._labels
        ):
            row += 1
        self._labels.append(_Label(x, start, start + wide, row, text, color))

    @property
    def tall(self) -> float:
        """The height of all rows."""
        return float(_ROW) * max((row + 1 for *_, row, _, _ in self._labels), default=0)

    def lines(self) -> Iterable[tuple[float, float, float | None, str]]:
        """The parts of each line: x, first row, last row (None: down to the axis), color."""
        for x, own_start, own_end, row, _, color in self._labels:
            start = (
                row + 1.0 if own_start < x < own_end else float(row)
            )  # below a label that found no other place
            for crossed in sorted(
                n for _, begin, stop, n, _, _ in self._labels if n > row and begin < x < stop
            ):
                yield x, start, crossed, color
                start = crossed + 1.0
            yield x, start, None, color

    def draw(self, top: float, bottom: float) -> Iterable[str]:
        """The SVG elements of lines and texts."""
        for x, start, stop, color in self.lines():
            end = bottom if stop is None else top + _ROW * stop + 2
            yield _vertical_line(x, top + _ROW * start + 3, end, color, ' stroke-dasharray="3 3"')
        for x, start, stop, row, text, color in self._labels:
            where, anchor = (stop, "end") if start < x else (start, "start")
            yield _text_element(where, top + _ROW * row + 13, text, anchor=anchor, fill=color)


def _labels(data: TimelineData, status: str) -> _Labels:
    """The labels of the end, the milestones and the longest gap."""
    labels = _Labels()
    if not data.timed:
        return labels
    moments: dict[str, tuple[float, list[str]]] = {}
    for name, t in data.moments:
        moments.setdefault(duration(t), (t, []))[1].append(name)
    found = [(t, f"{', '.join(names)} {when}", _GREY) for when, (t, names) in moments.items()]
    if gap := _longest_gap(data):
        found.append((gap.start, f"{gap.label} {duration(gap.end - gap.start)}", _AMBER))
    end = (data.end, f"{status} {duration(data.end)}", _STATUS_COLORS.get(status, _AMBER))
    for t, text, color in [end, *sorted(found)]:
        labels.add(_LEFT + t / data.end * _PLOT, text, color)
    return labels


def _longest_gap(data: TimelineData) -> Span | None:
    """The longest gap, if it is notable and wide enough to be seen."""
    gap = data.notable_gap
    return gap if gap and gap.end - gap.start > _VISIBLE_GAP * data.end else None


def _attempts_svg(data: TimelineData, top: float) -> str:
    name = "rounds" if data.rounds > 1 else "attempts"
    lines = [_text_element(10, top + 11, name, more=' font-weight="600"')]
    for span in data.attempts:
        x, wide = _span_position(span, data.end)
        lines.append(
            _rect_element(
                x,
                top,
                wide,
                12,
                fill=_SPAN_COLORS[span.kind],
                opacity=0.25 if span.kind == "pause" else 0.8,
                title=_span_title(span),
            )
        )
    return "".join(lines)


def _step_lane_svg(lane: StepLane, end: float, top: float) -> str:
    color = _STEP_COLORS.get(lane.kind, _GREEN)
    lines = [_text_element(10, top + _STEP, lane.name, fill=color)]
    for span in lane.spans:
        x, wide = _span_position(span, end)
        lines.append(_rect_element(x, top + 1, wide, _STEP, fill=color, opacity=0.8, title=span.title))
    return "".join(lines)


def _span_position(span: Span | StepSpan, end: float) -> tuple[float, float]:
    return _LEFT + span.start / end * _PLOT, (span.end - span.start) / end * _PLOT


def _shade_element(span: Span, end: float, top: float, bottom: float) -> str:
    """A shaded time without data, behind all lanes."""
    x, wide = _span_position(span, end)
    opacity = 0.1 if span.kind == "pause" else 0.16
    return _rect_element(
        x, top, wide, bottom - top, fill=_SPAN_COLORS[span.kind], opacity=opacity, title=_span_title(span)
    )


def _span_title(span: Span) -> str:
    return f"{span.label}, {duration(span.start)} – {duration(span.end)}"


def _wrapped(facts: str) -> list[str]:
    """Wrap facts that are separated by dots to lines of the image; a fact is broken only if it is longer than a line."""
    whole = facts.replace(" ", "\xa0").replace("\xa0·\xa0", "\xa0· ")
    return [line.replace("\xa0", " ") for line in wrap(whole, _LINE_LENGTH)]


def draw_timeline(data: TimelineData, title: str, status: str) -> str:
    """Draw a timeline.

    Args:
        data: the data of the timeline.
        title: the status line.
        status: the status of the answer.

    Returns:
        An SVG document.
    """
    labels = _labels(data, status)
    short = shortened(title, _TITLE_LENGTH)
    head_lines = [(line, _GREY) for text in (short, data.summary) for line in _wrapped(text)]
    head_lines += [(line, _AMBER) for line in _wrapped(data.remark or "")]
    lanes_top = y = _LINE * len(head_lines) + 14 + labels.tall
    under, over = [], []
    if data.attempts:
        over.append(_attempts_svg(data, y))
        y += 12 + _GAP
    largest = max((bar.size for bars in data.lanes.values() for bar in bars), default=0)
    for name, bars in data.lanes.items():
        over.append(_lane_svg(name, bars, y, largest, timed=data.timed))
        y += _LANE + _GAP
    for steps in data.steps:
        over.append(_step_lane_svg(steps, data.end, y))
        y += _ROW
    y += _GAP - 2 if data.steps else 0
    if any(step.output or step.thoughts for step in data.usage_steps):
        over.append(_tokens_svg(data, y))
        y += _LANE + _GAP
    bottom = y - _GAP + 4 if over else y
    if data.end:
        under.append(_axis_svg(data, lanes_top, bottom))
    if data.moments:
        wait = Span("pause", 0.0, min(data.moments[0][1], data.end), "waiting for the first byte")
        under.append(_shade_element(wait, data.end, lanes_top, bottom))
    if gap := _longest_gap(data):
        under.append(_shade_element(gap, data.end, lanes_top, bottom))
    whole = bottom + (28 if data.end else 6)
    size = f'viewBox="0 0 {_WIDTH} {_number(whole)}" width="{_WIDTH}" height="{_number(whole)}" {_SHRINK}'
    letters = f'font-family="system-ui, sans-serif" font-size="{_SIZE}" fill="none"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {letters}>',
        f"<desc>{_xml_text(f'Timeline: {title}; {data.summary}')}</desc>",
        _rect_element(0, 0, _WIDTH, whole, fill="#808080", opacity=0.04),
        *(
            _text_element(10, _LINE * number + 2, line, fill=color)
            for number, (line, color) in enumerate(head_lines, 1)
        ),
    ]
    return "".join([*head, *under, *over, *labels.draw(lanes_top - labels.tall - 4, bottom), "</svg>"])
