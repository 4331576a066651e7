"""The lasting picture of an answer: one MIME bundle that needs no kernel, no widget and no script.

It holds the record an inspector reads, safe HTML, Markdown made harmless, and plain text. It displays nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from IPython.display import display

from ..ledger import Ledger
from ..markdown import defang, render, visible
from . import page
from .formats import shown as in_form
from .record import RECORD, record
from .status import details, status_line
from .truncate import MOST_HTML, Excerpt, left_out

__all__ = ["bundle", "drawn", "inspect", "plain"]


def inspect(ledger: Ledger) -> None:
    """Display the static bundle, with a word to the inspector to unfold itself.

    Where the ledger says that notebooks keep no record, this one has it all the same: it was asked for.
    """
    data = {RECORD: record(ledger, ledger.display.record_size or None), **bundle(ledger, inspector=False)}
    show: Any = display  # IPython has no types for it
    show(data, raw=True, metadata={RECORD: {"expanded": True}})


# Entities, not backslashes: two of those and a bracket begin a formula in JupyterLab, and what a formula holds is put
# back into the page with its quotation marks. An address is a link by itself there, and a broken
# one leads to the page's own server.
# An underscore within a word, as the server's reasons have them, marks nothing up.
_MARKUP: Final = re.compile(
    r"[\\\"`*\[\]<>#!|~&$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE
)


def _html(excerpt: Excerpt, markdown: Callable[[str], str] = str) -> str:
    """An excerpt as HTML, made shorter where that is far longer than the text."""
    html = render(markdown(excerpt.text), ended=True, images=excerpt.images)
    while len(html) > MOST_HTML:
        excerpt.shorten(len(excerpt.text) * MOST_HTML // len(html) * 9 // 10)
        html = render(markdown(excerpt.text), ended=True, images=excerpt.images)
    return html


def drawn(ledger: Ledger, *, answer: str | None = None, thoughts: str | None = None) -> list[str]:
    """The pieces of the static HTML; ready-made HTML of the answer and the thoughts saves rendering them again.

    Only Markdown is: what another form makes of an answer is certain when all of it is there.
    """
    excerpts = Excerpt(ledger, "thoughts"), Excerpt(ledger, "answer")
    if thoughts is None or len(thoughts) > MOST_HTML:
        thoughts = _html(excerpts[0])
    if answer is None or len(answer) > MOST_HTML or ledger.display.form != "markdown":
        answer = _html(excerpts[1], lambda text: in_form(ledger, text).markdown)
    said = in_form(ledger, excerpts[1].text)
    cut = (*left_out(*excerpts), *said.remarks)
    return page.document(ledger, answer, thoughts, form=said.form, cut=cut)


def plain(ledger: Ledger) -> str:
    """The answer as text in which nothing can move a cursor, then what went wrong, then the status line."""
    told = details(ledger)
    answer = Excerpt(ledger, "answer")
    said = in_form(ledger, answer.text)
    parts = [visible(said.text).rstrip("\n"), *left_out(answer), *said.remarks]
    if told:
        parts.append(
            "\n".join(line for line in (f"{told.title} {told.message}".strip(), told.remedy) if line)
        )
    parts += ["\n".join(page.serious(ledger)), f"[{status_line(ledger)}]"]
    return "\n\n".join(visible(part) for part in parts if part)


def _markdown(ledger: Ledger) -> str:
    """The answer as harmless Markdown below its status: a fence that never closed would swallow what follows it."""
    told = details(ledger)
    answer = Excerpt(ledger, "answer")
    said = in_form(ledger, answer.text)
    lines = [status_line(ledger), *left_out(answer), *said.remarks]
    if told:
        lines += [line for line in (f"{told.title} {told.message}".strip(), told.remedy) if line]
    lines += page.serious(ledger)
    head = "\n>\n".join(
        "> " + _MARKUP.sub(lambda found: f"&#{ord(found[0])};", visible(line)) for line in lines
    )
    return f"{head}\n\n{defang(said.markdown)}"


def bundle(ledger: Ledger, *, inspector: bool = True, shown: list[str] | None = None) -> dict[str, Any]:
    """The MIME bundle that stays in the notebook.

    Args:
        ledger: the record; while it runs, the bundle shows what is there.
        inspector: whether the record for an inspector is part of it; it is not where its size is 0.
        shown: what :func:`drawn` made of it, where that exists already.

    Returns:
        ``application/vnd.gemini-stream+json`` (see ``record``), ``text/html``, ``text/markdown``, ``text/plain``.
    """
    made: dict[str, Any] = {RECORD: record(ledger)} if inspector and ledger.display.record_size != 0 else {}
    made["text/html"] = page.root(drawn(ledger) if shown is None else shown)
    made["text/markdown"] = _markdown(ledger)
    made["text/plain"] = plain(ledger)
    return made
