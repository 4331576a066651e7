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
from .formats import FormattedAnswer, format_answer
from .record import RECORD, write_record
from .snapshot import AnswerSnapshot
from .truncate import MAX_HTML, TruncatedText

__all__ = ["bundle", "html_parts", "inspect", "write_bundle"]


def inspect(ledger: Ledger) -> None:
    """Display the static bundle, with a word to the inspector to unfold itself.

    Where the ledger says that notebooks keep no record, this one has it all the same: it was asked for.
    """
    snapshot = AnswerSnapshot(ledger)
    data = {
        RECORD: write_record(snapshot, ledger.look.record_size or None),
        **write_bundle(snapshot, inspector=False),
    }
    show: Any = display  # IPython has no types for it
    show(data, raw=True, metadata={RECORD: {"expanded": True}})


# Entities, not backslashes: two of those and a bracket begin a formula in JupyterLab, and what a formula holds is put
# back into the page with its quotation marks. An address is a link by itself there, and a broken
# one leads to the page's own server.
# An underscore within a word, as the server's reasons have them, marks nothing up.
_MARKUP: Final = re.compile(
    r"[\\\"`*\[\]<>#!|~&$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE
)


def _render(
    snapshot: AnswerSnapshot, text: TruncatedText, markdown: Callable[[TruncatedText], str]
) -> tuple[str, TruncatedText]:
    """A text as HTML, and what is shown of it: less than before where the HTML is far longer than the text."""
    html = render(markdown(text), ended=True, images=snapshot.images)
    while len(html) > MAX_HTML:
        text = text.shortened(len(text.text) * MAX_HTML // len(html) * 9 // 10)
        html = render(markdown(text), ended=True, images=snapshot.images)
    return html, text


def _formatted(snapshot: AnswerSnapshot, text: TruncatedText) -> FormattedAnswer:
    return snapshot.formatted if text is snapshot.answer else format_answer(snapshot.ledger, text.text)


def html_parts(
    snapshot: AnswerSnapshot, *, answer: str | None = None, thoughts: str | None = None
) -> list[str]:
    """The parts of the static HTML; ready-made HTML of the answer and the thoughts saves rendering them again.

    Only Markdown is: what another form makes of an answer is certain when all of it is there.
    """
    text, thought_text = snapshot.answer, snapshot.thoughts
    if thoughts is None or len(thoughts) > MAX_HTML:
        thoughts, thought_text = _render(snapshot, thought_text, lambda shown: shown.text)
    if answer is None or len(answer) > MAX_HTML or snapshot.ledger.look.form != "markdown":
        answer, text = _render(snapshot, text, lambda shown: _formatted(snapshot, shown).markdown)
    formatted = _formatted(snapshot, text)
    notes = (thought_text.cut_note, text.cut_note, *formatted.remarks)
    return page.document(snapshot, answer, thoughts, form=formatted.form, notes=filter(None, notes))


def _plain(snapshot: AnswerSnapshot) -> str:
    """The answer as text in which nothing can move a cursor, then what went wrong, then the status line."""
    parts = [
        visible(snapshot.formatted.text).rstrip("\n"),
        snapshot.answer.cut_note,
        *snapshot.formatted.remarks,
        "\n".join(snapshot.details.lines if snapshot.details else ()),
        "\n".join(snapshot.warnings),
        f"[{snapshot.status_line}]",
    ]
    return "\n\n".join(visible(part) for part in parts if part)


def _markdown(snapshot: AnswerSnapshot) -> str:
    """The answer as harmless Markdown below its status: a fence that never closed would swallow what follows it."""
    lines = [
        snapshot.status_line,
        snapshot.answer.cut_note,
        *snapshot.formatted.remarks,
        *(snapshot.details.lines if snapshot.details else ()),
        *snapshot.warnings,
    ]
    head = "\n>\n".join(
        "> " + _MARKUP.sub(lambda found: f"&#{ord(found[0])};", visible(line)) for line in lines if line
    )
    return f"{head}\n\n{defang(snapshot.formatted.markdown)}"


def bundle(ledger: Ledger, *, inspector: bool = True) -> dict[str, Any]:
    """The MIME bundle that stays in the notebook; while the ledger is running, it shows what is there.

    Args and result as in :func:`write_bundle`.
    """
    return write_bundle(AnswerSnapshot(ledger), inspector=inspector)


def write_bundle(
    snapshot: AnswerSnapshot, *, inspector: bool = True, parts: list[str] | None = None
) -> dict[str, Any]:
    """Write every representation of an answer from one snapshot.

    Args:
        snapshot: the facts about the answer.
        inspector: whether the record for an inspector is part of it; it is not where its size is 0.
        parts: the HTML that :func:`html_parts` returned, where that exists already.

    Returns:
        ``application/vnd.gemini-stream+json`` (see ``record``), ``text/html``, ``text/markdown``, ``text/plain``.
    """
    record_size = snapshot.ledger.look.record_size
    made: dict[str, Any] = {RECORD: write_record(snapshot)} if inspector and record_size != 0 else {}
    made["text/html"] = page.root_html(html_parts(snapshot) if parts is None else parts)
    made["text/markdown"] = _markdown(snapshot)
    made["text/plain"] = _plain(snapshot)
    return made
