"""A time line as an SVG picture that needs nothing around it: no style sheet, no script, no font of its own.

What it shows comes from ``arrivals``. Everything is said in presentation attributes, which survive where pages clean a
picture (GitHub, nbviewer), and in middle tones that read on white and on black: a picture inside a page cannot know the
page's theme. One style lets it shrink; it may be cleaned away. Every text is escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from math import floor
from typing import Final

from ..markdown import visible
from .timeline_data import COLUMNS, Bar, Span, TimelineData, bar_height
from .units import byte_size, duration, figures, tick_label, ticks

__all__ = ["draw_timeline"]

_WIDTH: Final = 800
_LEFT, _RIGHT, _TOP = 84, 792, 50
_PLOT: Final = _RIGHT - _LEFT
_LANE, _GAP = 34, 10  # heights
_LETTER: Final = 6.1  # the width of one at 11 px, roughly
_FITS: Final = (
    'style="max-width:100%;height:auto"'  # inside a page; where styles are stripped it is as wide as it is
)
_TITLE: Final = 112  # letters that fit
_MANY: Final = 10_000
_SEEN: Final = 0.02  # of the axis: a shorter silence is in the figures only
_NOT_XML: Final = re.compile("[\ufffe\uffff]")

# Each at least 3.5:1 on white and on #111; the grey of most words 4.2:1, which is the most one colour can have on both.
_GREY, _BLUE, _VIOLET, _GREEN, _AMBER, _RED = "#767b84", "#3b82c4", "#9b6ad0", "#2a9461", "#b97a16", "#d6504a"
_COLOURS: Final = {"thinking": _VIOLET, "answer": _BLUE, "other": _GREY}
_TONES: Final = {"running": _GREY, "complete": _GREEN, "blocked": _RED, "error": _RED}
_SPANS: Final = {"attempt": _GREEN, "failed": _RED, "pause": _GREY, "gap": _AMBER}


def _short_count(count: int) -> str:
    """A count that fits beside a lane."""
    return f"{count:,}" if count < _MANY else f"{count / 1000:,.0f}k"


def _xml_text(words: str, most: int = 400) -> str:
    """Anything as XML text on one line, shortened."""
    line = " ".join(_NOT_XML.sub("\ufffd", visible(words)).split())
    return escape(line if len(line) <= most else f"{line[: most - 1]}…")


# -- pieces of the picture


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text_element(
    x: float, y: float, words: str, *, anchor: str = "start", fill: str = _GREY, more: str = ""
) -> str:
    return f'<text x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}" fill="{fill}"{more}>{_xml_text(words)}</text>'


def _rect_element(
    x: float, y: float, width: float, tall: float, *, fill: str, opacity: float, title: str = ""
) -> str:
    inside = f"><title>{_xml_text(title)}</title></rect>" if title else "/>"
    return (
        f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(max(width, 1))}" height="{_number(tall)}"'
        f' rx="2" fill="{fill}" fill-opacity="{opacity}"{inside}'
    )


def _vertical_line(x: float, top: float, bottom: float, colour: str, more: str = "") -> str:
    x = floor(x) + 0.5  # on whole pixels it is sharp
    return f'<path d="M{x:g} {_number(top)}V{_number(bottom)}" stroke="{colour}"{more}/>'


def _bar_title(bar: Bar, *, timed: bool) -> str:
    """What a bar's tooltip says."""
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
        _text_element(10, top + 15, name, fill=_COLOURS[name], more=' font-weight="600"'),
        _text_element(10, top + 29, f"{_short_count(chunks)} chunk{'' if chunks == 1 else 's'}"),
        f'<g stroke="{_COLOURS[name]}" stroke-width="3">',
    ]
    for bar in bars:
        x, tall = _LEFT + bar.column * _PLOT / COLUMNS + 1.5, max(3, _LANE * bar_height(bar.size, largest))
        where = f"M{_number(x)} {_number(top + _LANE)}v-{_number(tall)}"
        lines.append(f'<path d="{where}"><title>{_xml_text(_bar_title(bar, timed=timed))}</title></path>')
    return "".join([*lines, "</g>"])


def _tokens_svg(shown: TimelineData, top: float) -> str:
    """Running totals as two areas of steps, thoughts below the answer."""
    steps = [(_LEFT + min(1.0, step.place) * _PLOT, step.thoughts, step.output) for step in shown.usage_steps]
    most = max(thoughts + output for _, thoughts, output in steps)
    last = shown.usage_steps[-1]
    said = f"tokens so far: prompt {last.prompt:,}, answer {last.output:,}, thoughts {last.thoughts:,}"
    counts = " + ".join(map(_short_count, filter(None, (last.output, last.thoughts))))
    lines = [
        _text_element(10, top + 15, "tokens", more=' font-weight="600"'),
        _text_element(10, top + 29, counts),
    ]
    bottom = top + _LANE
    for colour, counted in (
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
            f'<path d="{stairs}H{_RIGHT}V{_number(bottom)}Z" fill="{colour}" fill-opacity="0.3" stroke="{colour}">'
            f"<title>{_xml_text(said)}</title></path>"
        )
    return "".join(lines)


def _axis_svg(shown: TimelineData, top: float, bottom: float) -> str:
    lines = [f'<path d="M{_LEFT} {_number(bottom + 0.5)}H{_RIGHT}" stroke="{_GREY}"/>']
    for place in ticks(shown.end, least=0.0 if shown.timed else 1.0):
        x = _LEFT + place / shown.end * _PLOT
        lines.append(_vertical_line(x, top, bottom + 4, _GREY, ' stroke-opacity="0.3"'))
        words = tick_label(place, shown.end) if shown.timed else f"{place:,.0f}"
        anchor = "end" if x > _RIGHT - 12 else "middle"
        lines.append(_text_element(min(x, _RIGHT), bottom + 16, words, anchor=anchor))
    return "".join(lines)


class _Labels:
    """Words above the lanes, each on a line of its own where two would touch, with poles that leave words out."""

    def __init__(self) -> None:
        self._labels: list[
            tuple[float, float, float, int, str, str]
        ] = []  # pole, start, end, row, words, colour

    def add(self, x: float, words: str, colour: str) -> None:
        """A flag at ``x``, its words to the right, or to the left where they would leave the picture."""
        wide = len(words) * _LETTER
        left = x + 4 + wide > _RIGHT
        start = x - 4 - wide if left else x + 4
        row = 0
        while any(
            other == row and begin - 8 < start + wide and start < stop + 8
            for _, begin, stop, other, _, _ in self._labels
        ):
            row += 1
        self._labels.append((x, start, start + wide, row, words, colour))

    @property
    def tall(self) -> float:
        """The height of all of them."""
        return 15.0 * max((row + 1 for *_, row, _, _ in self._labels), default=0)

    def poles(self) -> Iterable[tuple[float, float, float | None, str]]:
        """Each piece of a pole: where, from which row to which (None: all the way down), colour."""
        for x, _, _, row, _, colour in self._labels:
            start = float(row)
            for crossed in sorted(
                n for _, begin, stop, n, _, _ in self._labels if n > row and begin < x < stop
            ):
                yield x, start, crossed, colour
                start = crossed + 1.0
            yield x, start, None, colour

    def draw(self, top: float, bottom: float) -> Iterable[str]:
        """The poles and the words."""
        for x, start, stop, colour in self.poles():
            end = bottom if stop is None else top + 15 * stop + 2
            yield _vertical_line(x, top + 15 * start + 3, end, colour, ' stroke-dasharray="3 3"')
        for x, start, stop, row, words, colour in self._labels:
            where, anchor = (stop, "end") if start < x else (start, "start")
            yield _text_element(where, top + 15 * row + 12, words, anchor=anchor, fill=colour)


def _labels(shown: TimelineData, status: str) -> _Labels:
    """The end, what came first, and the silence."""
    labels = _Labels()
    if not shown.timed:
        return labels
    moments: dict[str, tuple[float, list[str]]] = {}
    for name, t in shown.moments:
        moments.setdefault(duration(t), (t, []))[1].append(name)
    found = [(t, f"{', '.join(names)} {when}", _GREY) for when, (t, names) in moments.items()]
    if silence := _longest_gap(shown):
        found.append((silence.start, f"{silence.label} {duration(silence.end - silence.start)}", _AMBER))
    end = (shown.end, f"{status} {duration(shown.end)}", _TONES.get(status, _AMBER))
    for t, words, colour in [end, *sorted(found)]:
        labels.add(_LEFT + t / shown.end * _PLOT, words, colour)
    return labels


def _longest_gap(shown: TimelineData) -> Span | None:
    """The longest one, where it is worth a word and wide enough to be seen."""
    silence = shown.notable_gap
    return silence if silence and silence.end - silence.start > _SEEN * shown.end else None


def _attempts_svg(shown: TimelineData, top: float) -> str:
    lines = [_text_element(10, top + 11, "attempts", more=' font-weight="600"')]
    for span in shown.attempts:
        x, wide = _span_position(span, shown.end)
        lines.append(
            _rect_element(
                x,
                top,
                wide,
                12,
                fill=_SPANS[span.kind],
                opacity=0.25 if span.kind == "pause" else 0.8,
                title=_span_title(span),
            )
        )
    return "".join(lines)


def _span_position(span: Span, end: float) -> tuple[float, float]:
    return _LEFT + span.start / end * _PLOT, (span.end - span.start) / end * _PLOT


def _shade_element(span: Span, end: float, top: float, bottom: float) -> str:
    """A time in which nothing came, behind all lanes."""
    x, wide = _span_position(span, end)
    opacity = 0.1 if span.kind == "pause" else 0.16
    return _rect_element(
        x, top, wide, bottom - top, fill=_SPANS[span.kind], opacity=opacity, title=_span_title(span)
    )


def _span_title(span: Span) -> str:
    return f"{span.label}, {duration(span.start)} – {duration(span.end)}"


def draw_timeline(shown: TimelineData, title: str, status: str) -> str:
    """The picture.

    Args:
        shown: what it shows.
        title: the status line.
        status: how the answer ended, in a word, or ``running``.
    """
    labels = _labels(shown, status)
    lanes_top = y = _TOP + labels.tall + (16 if shown.remark else 0) + 4
    under, over = [], []
    if shown.attempts:
        over.append(_attempts_svg(shown, y))
        y += 12 + _GAP
    largest = max((bar.size for bars in shown.lanes.values() for bar in bars), default=0)
    for name, bars in shown.lanes.items():
        over.append(_lane_svg(name, bars, y, largest, timed=shown.timed))
        y += _LANE + _GAP
    if any(step.output or step.thoughts for step in shown.usage_steps):
        over.append(_tokens_svg(shown, y))
        y += _LANE + _GAP
    bottom = y - _GAP + 4 if over else y
    if shown.end:
        under.append(_axis_svg(shown, lanes_top, bottom))
    if shown.moments:
        wait = Span("pause", 0.0, min(shown.moments[0][1], shown.end), "waiting for the first byte")
        under.append(_shade_element(wait, shown.end, lanes_top, bottom))
    if silence := _longest_gap(shown):
        under.append(_shade_element(silence, shown.end, lanes_top, bottom))
    whole = bottom + (26 if shown.end else 6)
    size = f'viewBox="0 0 {_WIDTH} {_number(whole)}" width="{_WIDTH}" height="{_number(whole)}" {_FITS}'
    letters = 'font-family="system-ui, sans-serif" font-size="11" fill="none"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {letters}>',
        f"<desc>{_xml_text(f'Timeline: {title}; {figures(shown)}')}</desc>",
        _rect_element(0, 0, _WIDTH, whole, fill="#808080", opacity=0.04),
        _text_element(
            10, 20, title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…", more=' font-size="13"'
        ),
        _text_element(10, 38, figures(shown)),
    ]
    if shown.remark:
        head.append(_text_element(10, 56, shown.remark, fill=_AMBER))
    return "".join([*head, *under, *over, *labels.draw(lanes_top - labels.tall - 4, bottom), "</svg>"])
