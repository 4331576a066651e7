"""The HTML of an answer: its pieces and the one style sheet they share, live and saved alike.

It takes finished, sanitised HTML of the Markdown room and puts our own words around it, escaped. It displays
nothing and knows no widget.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

from ..ledger import Ledger
from ..markdown import STYLE, visible
from .status import details, facts, mark_of, redacted, words

__all__ = [
    "CSS",
    "LIVE",
    "box",
    "document",
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
# children of each piece, is evened out here: an answer must not move when it stops being a widget.
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
.gemini-magic.gemini-magic pre{padding:.6em .8em;background:var(--jp-cell-editor-background,rgba(127,127,127,.1))}
.gemini-magic.gemini-magic pre code{padding:0;background:none}
.gemini-magic.gemini-magic :is(th,td){text-align:left}
.gemini-magic .gm-status{padding:3px 0;min-height:18px;line-height:18px;font-size:var(--jp-ui-font-size1,13px);
font-family:var(--jp-ui-font-family,inherit);color:var(--jp-ui-font-color2,inherit);font-variant-numeric:tabular-nums}
.gemini-magic .gm-fact{display:inline-block}
.gemini-magic .gm-fact:not(:last-child)::after{content:"\\a0·\\a0";opacity:.6}
.gemini-magic .gm-dot{display:none}
.gemini-magic .gm-mark{display:inline-block;min-width:1.2em;font-weight:bold}
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
.gemini-magic .gm-rest>p:last-child::after{content:"▍";display:inline-block;width:0;opacity:.55;
animation:gm-blink 1.2s steps(2,jump-none) infinite}
@keyframes gm-blink{50%,to{opacity:0}}
@media (max-width:760px){.gemini-magic.gemini-magic{padding-left:6px}}
@media (prefers-reduced-motion:reduce){.gemini-magic .gm-rest>p:last-child::after{animation:none}}
"""

CSS: Final = STYLE + _OWN.lstrip()
FOLD: Final = '<details class="gm-thinking"><summary>Thinking</summary></details>'
# Seen where there are no widgets, and in a notebook that was saved in mid-answer and whose kernel is gone.
WAITING: Final = (
    "The answer appears here when it is finished. If it never does, the kernel ended before it: "
    "%gemini last shows what had arrived."
)

# Live, widgets become as thin as the static HTML: no boxes of their own, no fonts, no fixed line height. Pieces of one
# long block look like one: lists and code without space between them, a table's rows in one table, words in one line.
LIVE: Final = """
.gemini-magic.gemini-magic.jupyter-widgets{padding-right:20px}
.gemini-magic.gemini-magic :is(.widget-html,.widget-html-content,.widget-htmlmath,.widget-htmlmath-content,.mathjax_ignore,
.widget-vbox:not(.gm-thoughts,.gm-run)){display:contents;
line-height:inherit;font-size:inherit;color:inherit}
.gemini-magic.gemini-magic .gm-answer{display:block;margin:0;overflow:visible}
.gemini-magic.gemini-magic .gm-bar{display:flex;align-items:flex-start;margin:0;overflow:visible}
.gemini-magic .gm-bar .gm-status{flex:1 1 auto;min-width:0}
.gemini-magic.gemini-magic .gm-stop{flex:none;width:auto;height:22px;margin:1px 0 1px 8px;padding:0 10px;line-height:20px;
font-size:12px;border-radius:3px;border:1px solid var(--jp-border-color1,currentColor);box-shadow:none;
color:var(--jp-ui-font-color1,inherit);background:transparent}
.gemini-magic.gemini-magic .gm-stop:is(:hover,:focus-visible){color:var(--jp-error-color1,#d9413d);border-color:currentColor}
.gemini-magic.gemini-magic .gm-lane .gm-thoughts{display:none}
.gemini-magic.gemini-magic .gm-lane:has(details[open]) .gm-thoughts{display:block}
.gemini-magic .gm-rest,.gemini-magic.gemini-magic .widget-html:has(+.widget-htmlmath .mathjax_ignore){display:none}
.gemini-magic :is(.gm-answer,.gm-thoughts)>:last-child>:last-child>.widget-html:last-child .gm-rest,
.gemini-magic .gm-run>.widget-vbox:last-child>.widget-html:last-child .gm-rest{display:revert}
.gemini-magic.gemini-magic .gm-run{display:block;margin:0 0 .7em;overflow:visible}
.gemini-magic.gemini-magic .gm-run :is(.widget-html-content,.mathjax_ignore)>:is(ul,ol,pre){margin:0}
.gemini-magic.gemini-magic .gm-run-table{margin:0 0 .9em;overflow:auto hidden;border-collapse:collapse;border-spacing:0}
.gemini-magic.gemini-magic .gm-run-table :is(.gm-table,table){display:contents}
.gemini-magic.gemini-magic .gm-run-code{padding:.6em .8em;overflow:auto hidden;line-height:1.4;border-radius:4px;
background:var(--jp-cell-editor-background,rgba(127,127,127,.1))}
.gemini-magic.gemini-magic .gm-run-code pre{padding:0;overflow:visible;background:none}
.gemini-magic.gemini-magic .gm-run-text :is(.widget-html-content,.mathjax_ignore)>:is(p,h1,h2){display:inline}
.gemini-magic .gm-run-text:has(.gm-def) :is(*,p){font-size:var(--jp-ui-font-size1,.9em)}
"""


def _said(text: str) -> str:
    """Our own words or a server's as HTML: escaped, ```code``` in back-ticks."""
    return _CODE.sub(r"<code>\1</code>", escape(visible(text)))


def root(pieces: Iterable[str]) -> str:
    """The pieces below the root element, whose class keeps MathJax out: a price in dollars is no formula."""
    return f'<div class="gemini-magic mathjax_ignore">{"".join(pieces)}<style>{CSS}</style></div>'


def status(ledger: Ledger, *, now: float | None = None, hint: str = "") -> str:
    """The status line; ``hint`` is one more fact at its end."""
    shown = [*facts(ledger, now=now), *([hint] if hint else [])]
    dot = '<span class="gm-dot"> · </span>'
    line = dot.join(f'<span class="gm-fact">{_said(fact)}</span>' for fact in shown)
    tone = _TONES[ledger.status]
    return f'<div class="gm-status"><span class="gm-mark gm-{tone}">{mark_of(ledger)}</span> {line}</div>'


def thinking(ledger: Ledger, html: str) -> str:
    """The thoughts, folded; nothing when there are none."""
    if not html:
        return ""
    count = words(ledger.thoughts)
    return (
        f'<details class="gm-thinking"><summary>Thinking, {count}</summary>'
        f'<div class="gm-thoughts">{html}</div></details>'
    )


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
    cut = (
        ("unterminated", "not-json") if ledger.cause == "cut" else ()
    )  # said already: the connection was lost
    found = [note for note in list(ledger.notes) if note.severity != "info" and note.kind not in cut]
    lines = [" ".join(redacted(note.message).split()) for note in found[:_NOTES_SHOWN]]
    if len(found) > _NOTES_SHOWN:
        lines.append(f"{len(found) - _NOTES_SHOWN} more: see the notes.")
    return [f"⚠ {line}" for line in lines]


def notes(ledger: Ledger) -> str:
    """The same as HTML."""
    return "".join(f'<div class="gm-note">{_said(line)}</div>' for line in serious(ledger))


def document(
    ledger: Ledger,
    answer: str,
    thoughts: str,
    *,
    now: float | None = None,
    hint: str = "",
    cut: Iterable[str] = (),
) -> list[str]:
    """The whole picture in the order in which it is read: status, thoughts, answer, what went wrong.

    Args:
        ledger: the record.
        answer: its sanitised HTML.
        thoughts: the same.
        now: seconds since the request was sent; by the wall clock when left out.
        hint: one more fact for the status line.
        cut: what is not shown, in sentences.
    """
    busy = ' aria-busy="true"' if ledger.status == "running" else ""
    body = f'<div class="gm-answer" role="region" aria-label="Answer"{busy}>{answer}</div>' if answer else ""
    return [
        status(ledger, now=now, hint=hint),
        thinking(ledger, thoughts),
        body,
        *(f'<div class="gm-note gm-cut">{_said(sentence)}</div>' for sentence in cut),
        box(ledger),
        notes(ledger),
    ]
