"""The HTML of an answer: its pieces and the one style sheet they share, live and saved alike.

It takes finished, sanitised HTML of the Markdown room and puts our own words around it, escaped. It displays
nothing and knows no widget.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

from ..markdown import visible
from .snapshot import AnswerSnapshot
from .stylesheet import ANSWER_CSS

__all__ = [
    "THINKING_HEAD",
    "bar_html",
    "clock_html",
    "details_html",
    "document",
    "form_class",
    "root_html",
    "status_html",
    "thinking_html",
    "warnings_html",
]

_TONES: Final = {
    "running": "busy",
    "complete": "good",
    "truncated": "warn",
    "stalled": "warn",
    "interrupted": "warn",
    "blocked": "bad",
    "error": "bad",
}
_CODE: Final = re.compile(r"`([^`]+)`")

THINKING_HEAD: Final = '<details class="gm-thinking"><summary>Thinking</summary></details>'


def _inline_html(text: str) -> str:
    """Our own words or a server's as HTML: escaped, ```code``` in back-ticks."""
    return _CODE.sub(r"<code>\1</code>", escape(visible(text)))


def root_html(pieces: Iterable[str]) -> str:
    """The pieces below the root element, whose class keeps MathJax out: a price in dollars is no formula."""
    return f'<div class="gemini-magic mathjax_ignore">{"".join(pieces)}<style>{ANSWER_CSS}</style></div>'


def status_html(snapshot: AnswerSnapshot, *, notice: str = "") -> str:
    """The status line; ``hint`` is one more fact at its end.

    Where there is no room for all facts of a growing answer, the last ones are not seen. The narrow page has two lines
    from the beginning, the first for the model alone. Only a wait, which explains itself, takes what it needs. When
    it is over, the line shows how the chunks arrived.
    """
    shown = [*snapshot.facts, *([notice] if notice else [])]
    dot = '<span class="gm-dot"> · </span>'
    line = "".join(
        f'<span class="gm-fact">{dot * (at > 0)}{_inline_html(fact)}</span>' for at, fact in enumerate(shown)
    )
    waits = snapshot.status == "running" and snapshot.ledger.phase in ("retrying", "queued")
    return (
        f'<div class="gm-status"><span class="gm-mark gm-{_TONES[snapshot.status]}">{snapshot.mark}</span> '
        f'<span class="gm-facts{" gm-wait" * waits}">{line}{_sparkline_html(snapshot)}</span></div>'
    )


def _sparkline_html(snapshot: AnswerSnapshot) -> str:
    """How the chunks arrived, in a word of blocks; nothing while they still do."""
    blocks = snapshot.sparkline
    if not blocks:
        return ""
    count = snapshot.ledger.chunk_columns.length
    label = f"Arrival of {count:,} chunks, from the request to the last chunk"
    return f' <span class="gm-spark" role="img" aria-label="{label}" title="{label}">{blocks}</span>'


def bar_html(snapshot: AnswerSnapshot, *, notice: str = "") -> str:
    """The status line in the bar that the live view makes of widgets."""
    return f'<div class="gm-bar">{status_html(snapshot, notice=notice)}</div>'


def thinking_html(snapshot: AnswerSnapshot, html: str) -> str:
    """The thoughts, folded; nothing when there are none."""
    if not html:
        return ""
    said = ", ".join(filter(None, ("Thinking", snapshot.thinking_time, snapshot.thought_words)))
    return (
        f'<details class="gm-thinking"><summary>{said}</summary>'
        f'<div class="gm-thoughts">{html}</div></details>'
    )


def clock_html(time: str) -> str:
    """What stands beside :data:`FOLD`: how long it has taken."""
    return f'<span class="gm-clock">, {time}</span>' if time else ""


def details_html(snapshot: AnswerSnapshot) -> str:
    """What went wrong and what can be done; nothing for an answer that is complete or still coming."""
    details = snapshot.details
    if details is None:
        return ""
    lines = [
        f"<strong>{_inline_html(details.title)}</strong> {_inline_html(details.message)}"
        if details.title
        else _inline_html(details.message)
    ]
    if details.remedy:
        lines.append(_inline_html(details.remedy))
    shown = "<br>".join(f"<span>{line}</span>" for line in lines)
    return f'<div class="gm-box gm-{_TONES[snapshot.status]}" role="note">{shown}</div>'


def warnings_html(snapshot: AnswerSnapshot) -> str:
    """The warnings, a line each."""
    return "".join(f'<div class="gm-note">{_inline_html(line)}</div>' for line in snapshot.warnings)


def form_class(form: str) -> str:
    """The class of an answer that is not shown as Markdown; empty for one that is."""
    return "" if form == "markdown" else f"gm-as-{form}"


def document(
    snapshot: AnswerSnapshot,
    answer: str,
    thoughts: str,
    *,
    form: str = "markdown",
    notice: str = "",
    notes: Iterable[str] = (),
) -> list[str]:
    """The whole picture in the order in which it is read: status, thoughts, answer, what went wrong.

    Args:
        snapshot: the facts about the answer.
        answer: its sanitised HTML.
        thoughts: the same.
        form: how the answer is shown.
        notice: one more fact for the status line.
        notes: what is not shown, in sentences.
    """
    busy = ' aria-busy="true"' if snapshot.status == "running" else ""
    names = " ".join(filter(None, ("gm-answer", form_class(form))))
    body = f'<div class="{names}" role="region" aria-label="Answer"{busy}>{answer}</div>' if answer else ""
    return [
        bar_html(snapshot, notice=notice),
        thinking_html(snapshot, thoughts),
        body,
        *(f'<div class="gm-note gm-cut">{_inline_html(sentence)}</div>' for sentence in notes),
        details_html(snapshot),
        warnings_html(snapshot),
    ]
