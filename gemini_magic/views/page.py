"""The HTML of an answer: its pieces and the one style sheet they share, live and saved alike.

It takes finished, sanitised HTML of the Markdown room and puts our own words around it, escaped. It displays
nothing and knows no widget.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

from ..diagnostics import display_notes
from ..ledger import Ledger
from ..markdown import STYLE, visible
from .status import details, facts, mark_of, redacted, thinking_time, words
from .timeline_data import sparkline

__all__ = [
    "CSS",
    "FOLD",
    "LIVE",
    "bar",
    "box",
    "clock",
    "document",
    "look",
    "notes",
    "root",
    "serious",
    "status",
    "thinking",
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
_NOTES_SHOWN: Final = 3

# What JupyterLab's own rules for rendered HTML and for widgets do differently, and for first and last
# children of each piece, is evened out here: an answer must not move when it stops being a widget. So the sparkline
# takes no height: where it has no room on the status' last line, it falls below it, where nothing is seen of it.
_OWN: Final = """
.gemini-magic.gemini-magic{margin:0;padding:0;max-width:100%;overflow:visible;display:block;
color:var(--jp-content-font-color1,inherit);font-size:var(--jp-content-font-size1,14px)}
.gemini-magic.gemini-magic :is(p,ul,ol,blockquote,pre,hr){margin:0 0 .7em}
.gemini-magic.gemini-magic ol{padding-left:3.3em}
.gemini-magic.gemini-magic div:is(.mathjax_process,.gm-pending){margin:0 0 .7em}
.gemini-magic.gemini-magic .mathjax_process mjx-container[display=true]{margin:.3em 0}
.gemini-magic.gemini-magic .gm-table{margin:0 0 .9em}
.gemini-magic.gemini-magic :is(li,blockquote)>p{margin:0 0 .4em}
.gemini-magic.gemini-magic li>:is(ul,ol){margin:0}
.gemini-magic.gemini-magic :is(h1,h2,h3,h4,h5,h6):is(*,:first-child,:last-child){margin:.7em 0 .4em}
.gemini-magic.gemini-magic pre{padding:.6em .8em;overflow-x:auto;background:var(--jp-cell-editor-background,rgba(127,127,127,.1))}
.gemini-magic.gemini-magic pre code{padding:0;background:none;white-space:pre;word-break:normal}
.gemini-magic.gemini-magic :is(th,td){text-align:left}
.gemini-magic.gemini-magic :is(.gm-as-text,.gm-as-json,.gm-as-html) :is(pre,code){white-space:pre-wrap;overflow-wrap:anywhere}
.gemini-magic.gemini-magic .gm-as-text :is(pre,code){padding:0;background:none;font-family:inherit;font-size:inherit;line-height:inherit}
.gemini-magic .gm-bar{container-type:inline-size}
.gemini-magic .gm-status{display:flex;padding:3px 0;line-height:18px;font-size:var(--jp-ui-font-size1,13px);
font-family:var(--jp-ui-font-family,inherit);color:var(--jp-ui-font-color2,inherit);font-variant-numeric:tabular-nums}
.gemini-magic .gm-facts{display:flex;flex:1 1 0;flex-wrap:wrap;min-width:0;min-height:18px;margin-left:-14px;clip-path:inset(0 0 0 14px)}
.gemini-magic .gm-fact{position:relative;padding-left:14px}
.gemini-magic .gm-fact::before{content:"·";position:absolute;left:0;width:14px;text-align:center;opacity:.6}
.gemini-magic .gm-dot{display:none}
.gemini-magic .gm-spark{height:0;margin-left:auto;padding-left:1em;white-space:nowrap;opacity:.7;font-family:monospace}
.gemini-magic .gm-mark{flex:none;width:16px;font-weight:bold}
@container (max-width:720px){.gemini-magic .gm-facts{min-height:36px;align-content:flex-start}
.gemini-magic .gm-fact:first-child{flex-basis:100%}}
.gemini-magic .gm-good{color:var(--jp-success-color1,#2e8b57)}
.gemini-magic .gm-warn{color:var(--jp-warn-color1,#d27d00)}
.gemini-magic .gm-bad{color:var(--jp-error-color1,#d9413d)}
.gemini-magic .gm-box{margin:.2em 0 .6em;padding:.1em .8em;border-left:3px solid currentColor;
line-height:1.5;font-size:var(--jp-ui-font-size1,13px)}
.gemini-magic .gm-box>span{color:var(--jp-content-font-color1,CanvasText)}
.gemini-magic .gm-thinking{margin:0 0 .4em;font-size:var(--jp-ui-font-size1,13px)}
.gemini-magic .gm-thinking>summary{cursor:pointer;line-height:20px;color:var(--jp-ui-font-color2,inherit)}
.gemini-magic .gm-thoughts{margin:.2em 0 .6em;padding-left:.9em;max-height:24em;overflow:auto;font-size:var(--jp-ui-font-size1,13px);
color:var(--jp-ui-font-color2,inherit);border-left:2px solid var(--jp-border-color2,rgba(127,127,127,.4))}
.gemini-magic .gm-note{margin:0 0 .4em;font-size:var(--jp-ui-font-size1,13px);color:var(--jp-ui-font-color2,inherit)}
@media (max-width:760px){.gemini-magic.gemini-magic{padding-left:6px}}
"""

CSS: Final = STYLE + _OWN.lstrip()
FOLD: Final = '<details class="gm-thinking"><summary>Thinking</summary></details>'

# Live, widgets become as thin as the static HTML: no margins, no fonts, no fixed line height. Boxes in boxes are plain
# blocks, as a browser that adds to one lays out that one only. Pieces of one long block look like one: lists and code
# without space between them, a table's rows in one table, words in one line.
LIVE: Final = """
.gemini-magic.gemini-magic.jupyter-widgets{padding-right:20px}
.gemini-magic.gemini-magic.gemini-magic :where(.widget-html,.widget-html-content,.widget-htmlmath,
.widget-htmlmath-content,.mathjax_ignore,.widget-vbox:not(.gm-thoughts)){display:block;width:auto;min-width:0;
height:auto;margin:0;padding:0;overflow:visible;line-height:inherit;font-size:inherit;color:inherit}
.gemini-magic.gemini-magic.gemini-magic :is(.gm-bar>.widget-html,.gm-bar>*>.widget-html-content,.gm-lane>.widget-html,
.gm-lane>*>.widget-html-content,.gm-run:is(.gm-run-table,.gm-run-text) :is(.widget-vbox,.widget-html,.widget-html-content,
.widget-htmlmath,.widget-htmlmath-content,.mathjax_ignore)){display:contents}
.gemini-magic.gemini-magic.gemini-magic .gm-bar{display:flex;flex-direction:row;align-items:flex-start}
.gemini-magic .gm-bar .gm-status{flex:1 1 0;min-width:0}
.gm-live .gm-facts:not(.gm-wait){height:18px;overflow:hidden}
.gm-live .gm-facts:not(.gm-wait)>.gm-fact{max-width:100%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
@container (max-width:720px){.gm-live .gm-facts:not(.gm-wait){height:36px}
.gm-live .gm-facts:not(.gm-wait)>.gm-fact:first-child{flex:0 0 calc(100% - 80px);margin-right:80px}
.gm-live .gm-wait{margin-right:80px}
.gemini-magic.gemini-magic .gm-stop.gm-stop{position:absolute;top:0;right:0}}
.gemini-magic.gemini-magic .gm-stop{flex:none;width:auto;height:22px;margin:1px 0 1px 8px;padding:0 10px;line-height:20px;
font-size:12px;border-radius:3px;border:1px solid var(--jp-border-color1,currentColor);box-shadow:none;
color:var(--jp-ui-font-color1,inherit);background:transparent}
.gemini-magic.gemini-magic .gm-stop:is(:hover,:focus-visible){color:var(--jp-error-color1,#d9413d);border-color:currentColor}
.gemini-magic.gemini-magic.gemini-magic .gm-lane{margin:0 0 .4em;font-size:var(--jp-ui-font-size1,13px)}
.gemini-magic.gemini-magic.gemini-magic .gm-lane:not(:has(details)){display:none}
.gemini-magic .gm-lane .gm-thinking{display:inline-block;margin:0;vertical-align:top}
.gemini-magic .gm-clock{line-height:20px;color:var(--jp-ui-font-color2,inherit);font-variant-numeric:tabular-nums}
.gemini-magic.gemini-magic .gm-lane .gm-thoughts{display:none}
.gemini-magic.gemini-magic .gm-lane:has(details[open]) .gm-thoughts{display:block}
.gemini-magic :is(.widget-html,.widget-htmlmath) [aria-busy],.gemini-magic.gemini-magic.gemini-magic .widget-html:has(+.widget-htmlmath .mathjax_ignore){display:none}
.gemini-magic :is(.gm-answer,.gm-thoughts)>:last-child>:last-child>.widget-html:last-child [aria-busy],
.gemini-magic .gm-run>.widget-vbox:last-child>.widget-html:last-child [aria-busy]{display:revert}
.gemini-magic.gemini-magic .gm-run{display:block;margin:0 0 .7em;overflow:visible}
.gemini-magic.gemini-magic .gm-run :is(.widget-html-content,.mathjax_ignore)>:is(ul,ol,pre){margin:0}
.gemini-magic.gemini-magic .gm-run-table{margin:0 0 .9em;overflow:auto hidden;border-collapse:separate;border-spacing:0}
.gemini-magic.gemini-magic .gm-run-table :is(.gm-table,table){display:contents}
.gemini-magic.gemini-magic .gm-run-code{padding:.6em .8em;overflow:auto hidden;line-height:1.4;border-radius:4px;
background:var(--jp-cell-editor-background,rgba(127,127,127,.1))}
.gemini-magic.gemini-magic .gm-run-code pre{padding:0;overflow:visible;background:none}
.gemini-magic.gemini-magic .gm-as-text .gm-run-code{padding:0;background:none;line-height:inherit}
.gemini-magic.gemini-magic .gm-run-text :is(.widget-html-content,.mathjax_ignore)>:is(p,h1,h2){display:inline}
.gemini-magic .gm-run-text:has(.gm-def) :is(*,p){font-size:var(--jp-ui-font-size1,.9em)}
.gemini-magic.gemini-magic .jupyter-widgets-disconnected::before{display:none}
.gm-live [aria-busy]>p:last-child::after{content:"▍";display:inline-block;width:0;opacity:.55;
animation:gm-blink 1.2s steps(2,jump-none) infinite}
@keyframes gm-blink{50%,to{opacity:0}}
@media (prefers-reduced-motion:reduce){.gm-live [aria-busy]>p:last-child::after{animation:none}}
"""


def _said(text: str) -> str:
    """Our own words or a server's as HTML: escaped, ```code``` in back-ticks."""
    return _CODE.sub(r"<code>\1</code>", escape(visible(text)))


def root(pieces: Iterable[str]) -> str:
    """The pieces below the root element, whose class keeps MathJax out: a price in dollars is no formula."""
    return f'<div class="gemini-magic mathjax_ignore">{"".join(pieces)}<style>{CSS}</style></div>'


def status(ledger: Ledger, *, now: float | None = None, hint: str = "") -> str:
    """The status line; ``hint`` is one more fact at its end.

    Where there is no room for all facts of a growing answer, the last ones are not seen. The narrow page has two lines
    from the beginning, the first for the model alone. Only a wait, which explains itself, takes what it needs. When
    it is over, the line shows how the chunks arrived.
    """
    shown = [*facts(ledger, now=now), *([hint] if hint else [])]
    dot = '<span class="gm-dot"> · </span>'
    line = "".join(
        f'<span class="gm-fact">{dot * (at > 0)}{_said(fact)}</span>' for at, fact in enumerate(shown)
    )
    waits = ledger.status == "running" and ledger.phase in ("retrying", "queued")
    return (
        f'<div class="gm-status"><span class="gm-mark gm-{_TONES[ledger.status]}">{mark_of(ledger)}</span> '
        f'<span class="gm-facts{" gm-wait" * waits}">{line}{_arrivals(ledger)}</span></div>'
    )


def _arrivals(ledger: Ledger) -> str:
    """How the chunks arrived, in a word of blocks; nothing while they still do."""
    blocks = "" if ledger.status == "running" else sparkline(ledger)
    if not blocks:
        return ""
    told = f"Arrivals: {ledger.chunk_columns.length:,} chunks, from the request to the last of them"
    return f' <span class="gm-spark" role="img" aria-label="{told}" title="{told}">{blocks}</span>'


def bar(ledger: Ledger, *, now: float | None = None, hint: str = "") -> str:
    """The status line in the bar that the live view makes of widgets."""
    return f'<div class="gm-bar">{status(ledger, now=now, hint=hint)}</div>'


def thinking(ledger: Ledger, html: str, now: float | None = None) -> str:
    """The thoughts, folded; nothing when there are none."""
    if not html:
        return ""
    said = ", ".join(filter(None, ("Thinking", thinking_time(ledger, now), words(ledger.thoughts))))
    return (
        f'<details class="gm-thinking"><summary>{said}</summary>'
        f'<div class="gm-thoughts">{html}</div></details>'
    )


def clock(time: str) -> str:
    """What stands beside :data:`FOLD`: how long it has taken."""
    return f'<span class="gm-clock">, {time}</span>' if time else ""


def box(ledger: Ledger) -> str:
    """What went wrong and what can be done; nothing for an answer that is complete or still coming."""
    told = details(ledger)
    if told is None:
        return ""
    lines = [
        f"<strong>{_said(told.title)}</strong> {_said(told.message)}" if told.title else _said(told.message)
    ]
    if told.remedy:
        lines.append(_said(told.remedy))
    shown = "<br>".join(f"<span>{line}</span>" for line in lines)
    return f'<div class="gm-box gm-{_TONES[ledger.status]}" role="note">{shown}</div>'


def serious(ledger: Ledger) -> list[str]:
    """Oddities that may mislead the reader, in plain lines; harmless ones are left to the tables."""
    # Said already: the connection was lost, the kernel ended, or more is to come.
    cut = ("unterminated", "not-json") if ledger.cause in ("cut", "left", "arriving") else ()
    found = [note for note in display_notes(ledger) if note.severity != "info" and note.kind not in cut]
    lines = [" ".join(redacted(note.message).split()) for note in found[:_NOTES_SHOWN]]
    if len(found) > _NOTES_SHOWN:
        lines.append(f"{len(found) - _NOTES_SHOWN} more: see the notes.")
    return [f"⚠ {line}" for line in lines]


def notes(ledger: Ledger) -> str:
    """The same as HTML."""
    return "".join(f'<div class="gm-note">{_said(line)}</div>' for line in serious(ledger))


def look(form: str) -> str:
    """The class of an answer that is not shown as Markdown; empty for one that is."""
    return "" if form == "markdown" else f"gm-as-{form}"


def document(
    ledger: Ledger,
    answer: str,
    thoughts: str,
    *,
    form: str = "markdown",
    now: float | None = None,
    hint: str = "",
    cut: Iterable[str] = (),
) -> list[str]:
    """The whole picture in the order in which it is read: status, thoughts, answer, what went wrong.

    Args:
        ledger: the record.
        answer: its sanitised HTML.
        thoughts: the same.
        form: how the answer is shown.
        now: seconds since the request was sent; by the wall clock when left out.
        hint: one more fact for the status line.
        cut: what is not shown, in sentences.
    """
    busy = ' aria-busy="true"' if ledger.status == "running" else ""
    names = " ".join(filter(None, ("gm-answer", look(form))))
    body = f'<div class="{names}" role="region" aria-label="Answer"{busy}>{answer}</div>' if answer else ""
    return [
        bar(ledger, now=now, hint=hint),
        thinking(ledger, thoughts, now),
        body,
        *(f'<div class="gm-note gm-cut">{_said(sentence)}</div>' for sentence in cut),
        box(ledger),
        notes(ledger),
    ]
