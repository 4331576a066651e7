"""The HTML of an answer, live and saved: the status line, the thoughts, the answer, the details and the warnings.

The HTML of the answer and of the thoughts is sanitized by ``markdown``. All other text is escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

from ..text import visible
from .snapshot import AnswerSnapshot
from .sources import ShownSources
from .stylesheet import saved_css_for

__all__ = [
    "BELOW_ANSWER",
    "THINKING_HEAD",
    "TONES",
    "UNFINISHED",
    "bar_html",
    "clock_html",
    "details_html",
    "document",
    "facts_html",
    "form_class",
    "inline_html",
    "note_html",
    "root_html",
    "sources_box",
    "sources_html",
    "status_html",
    "thinking_html",
    "unfinished_html",
    "warnings_html",
]

TONES: Final = {
    "running": "busy",
    "complete": "good",
    "truncated": "warn",
    "stalled": "warn",
    "interrupted": "warn",
    "blocked": "bad",
    "error": "bad",
}
# What the labextension adds to an answer whose kernel has ended; its rules are in the style sheet of a partial answer.
_LATER: Final = '<div class="gm-box gm-warn"><span><code></code></span></div>'
BELOW_ANSWER: Final = 3
"""The place behind the answer in the list that :func:`document` returns."""
_WAITING: Final = (
    "uploading",
    "processing",
    "retrying",
    "resuming",
    "following",
    "queued",
)  # phases in which the status line has a long text
_NO_QUERIES: Final = "<small>The response's <code>grounding</code> has the search suggestions.</small>"
_BLANK_LINE: Final = re.compile(r"\n(?=[^\S\n]*\n)")
_CODE: Final = re.compile(r"`([^`]+)`")

# The labextension shows this for some seconds after a reload, and removes it when the kernel has ended.
UNFINISHED: Final = "The answer was still arriving when this was written."
THINKING_HEAD: Final = '<details class="gm-thinking"><summary>Thinking</summary></details>'


def inline_html(text: str) -> str:
    """Escape plain text, ours or a server's; text in back-ticks becomes a ``<code>`` element."""
    return _CODE.sub(r"<code>\1</code>", escape(visible(text)))


def root_html(pieces: Iterable[str], *, partial: bool = False) -> str:
    """Wrap the parts of an answer in the root element.

    Its classes keep MathJax (3 and later, and 2) from reading the text: a price in dollars is not a formula. The HTML
    has no blank line, which would end it in a Markdown document, such as one that nbconvert writes (CommonMark, "HTML
    blocks").

    Args:
        pieces: the parts.
        partial: whether the answer is still arriving.
    """
    opening = '<div class="gemini-magic mathjax_ignore tex2jax_ignore">'
    html = _BLANK_LINE.sub("&#10;", f"{opening}{''.join(pieces)}")
    css = saved_css_for(html + _LATER * partial)
    return f"{html}<style>{css}</style></div>" if css else f"{html}</div>"


def status_html(snapshot: AnswerSnapshot, *, notice: str = "") -> str:
    """The status line, with a sparkline of the chunks when the answer has ended.

    The status line of a running answer has a fixed height, so the last facts are hidden where it is too narrow. A
    narrow page has two lines from the start, the first one for the model. Only while a retry or the rate limit is
    waited for, the line is as high as its text.

    Args:
        snapshot: the facts about the answer.
        notice: one more fact at the end of the line.
    """
    shown = [*snapshot.facts, *([notice] if notice else [])]
    waiting = snapshot.status == "running" and snapshot.ledger.phase in _WAITING
    return facts_html(
        snapshot.mark, TONES[snapshot.status], shown, end=_sparkline_html(snapshot), waiting=waiting
    )


def facts_html(mark: str, tone: str, facts: Iterable[str], *, end: str = "", waiting: bool = False) -> str:
    """A status line.

    Args:
        mark: one character.
        tone: the class of its color, as in :data:`TONES`.
        facts: the facts, as plain text.
        end: HTML at the end of the line.
        waiting: whether the line is as high as its text, also while the answer is running.
    """
    dot = '<span class="gm-dot"> · </span>'
    line = "".join(
        f'<span class="gm-fact">{dot * (at > 0)}{inline_html(fact)}</span>' for at, fact in enumerate(facts)
    )
    return (
        f'<div class="gm-status"><span class="gm-mark gm-{tone}">{mark}</span> '
        f'<span class="gm-facts{" gm-wait" * waiting}">{line}{end}</span></div>'
    )


def _sparkline_html(snapshot: AnswerSnapshot) -> str:
    """The sparkline of the chunks; empty while the answer is running."""
    blocks = snapshot.sparkline
    if not blocks:
        return ""
    count = snapshot.ledger.chunk_columns.length
    label = f"Arrival of {count:,} chunks, from the request to the last chunk"
    return f' <span class="gm-spark" style="opacity:.5" role="img" aria-label="{label}" title="{label}">{blocks}</span>'


def bar_html(snapshot: AnswerSnapshot, *, notice: str = "") -> str:
    """The status line inside the bar, which is a widget in the live view."""
    return f'<div class="gm-bar">{status_html(snapshot, notice=notice)}</div>'


def thinking_html(snapshot: AnswerSnapshot, html: str) -> str:
    """The thoughts in a folded section; empty without thoughts."""
    if not html:
        return ""
    heading = ", ".join(filter(None, ("Thinking", snapshot.thinking_time, snapshot.thought_words)))
    return (
        f'<details class="gm-thinking"><summary>{heading}</summary>'
        f'<div class="gm-thoughts">{html}</div></details>'
    )


def clock_html(time: str) -> str:
    """The thinking time beside :data:`THINKING_HEAD`; empty without a time."""
    return f'<span class="gm-clock">, {time}</span>' if time else ""


def details_html(snapshot: AnswerSnapshot) -> str:
    """A box with what went wrong and what can be done; empty without details."""
    details = snapshot.shown_details
    if details is None:
        return ""
    lines = [
        f"<strong>{inline_html(details.title)}</strong> {inline_html(details.message)}"
        if details.title
        else inline_html(details.message)
    ]
    if details.remedy:
        lines.append(inline_html(details.remedy))
    shown = "<br>".join(f"<span>{line}</span>" for line in lines)
    return f'<div class="gm-box gm-{TONES[snapshot.status]}" role="note">{shown}</div>'


def note_html(sentence: str) -> str:
    """A sentence about the answer; text in back-ticks is displayed as code. Empty without a sentence."""
    return f'<div class="gm-note">{inline_html(sentence)}</div>' if sentence else ""


def sources_html(snapshot: AnswerSnapshot) -> str:
    """The numbered sources of an answer, and what was searched for; empty without both."""
    return sources_box(snapshot.sources)


def sources_box(sources: ShownSources) -> str:
    """Numbered sources, and what was searched for; empty without both."""
    if not sources:
        return ""
    found = ""
    if listed := sources.list_html:
        found = (
            '<div class="gm-sources" role="region" aria-label="Sources"><strong>Sources</strong>'
            f"{listed}{note_html(sources.note)}</div>"
        )
    if sources.queries or sources.suggestions:  # the labextension shows the suggestions in its place
        links = sources.queries_html or _NO_QUERIES
        found += f'<div class="gm-queries" role="region" aria-label="Google Search">{links}</div>'
    return found


def warnings_html(snapshot: AnswerSnapshot) -> str:
    """The warnings, one element for each."""
    return "".join(map(note_html, snapshot.warnings))


def unfinished_html() -> str:
    """The note below a partial answer."""
    return f'<div class="gm-note gm-unfinished">{UNFINISHED}</div>'


def form_class(form: str) -> str:
    """The CSS class of an answer that is not shown as Markdown; empty for Markdown."""
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
    """The parts of the HTML in reading order: status line, thoughts, answer, notes, details, warnings.

    Args:
        snapshot: the facts about the answer.
        answer: the sanitized HTML of the answer.
        thoughts: the sanitized HTML of the thoughts.
        form: the format in which the answer is shown.
        notice: one more fact for the status line.
        notes: sentences about the format and about text that is not shown.
    """
    busy = ' aria-busy="true"' if snapshot.status == "running" else ""
    names = " ".join(filter(None, ("gm-answer", form_class(form))))
    body = f'<div class="{names}" role="region" aria-label="Answer"{busy}>{answer}</div>' if answer else ""
    return [
        bar_html(snapshot, notice=notice),
        thinking_html(snapshot, thoughts),
        body,
        *(f'<div class="gm-note gm-cut">{inline_html(sentence)}</div>' for sentence in notes),
        details_html(snapshot),
        warnings_html(snapshot),
    ]
