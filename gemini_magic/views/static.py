"""The lasting picture of an answer: one MIME bundle that needs no kernel, no widget and no script.

It holds the record an inspector reads, safe HTML, Markdown made harmless, and plain text. It displays nothing.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ..ledger import Ledger
from ..markdown import defang, render, visible
from . import page
from .excerpt import MOST, MOST_HTML, Excerpt, left_out
from .status import details, redacted, status_line

__all__ = ["RECORD", "bundle", "drawn", "plain", "record"]

RECORD: Final = "application/vnd.gemini-stream+json"
_VERSION: Final = 1
_MOST_CHUNKS: Final = 20_000
_MOST_CHARS: Final = MOST
_MOST_NOTES: Final = 200
# Entities, not backslashes: two of those and a bracket begin a formula in JupyterLab, and what a formula holds is put
# back into the page with its quotation marks. An address is a link by itself there, and a broken
# one leads to the page's own server.
# An underscore within a word, as the server's reasons have them, marks nothing up.
_MARKUP: Final = re.compile(
    r"[\\\"`*\[\]<>#!|~&$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE
)


def _start(pieces: list[str], most: int) -> tuple[str, int]:
    """The first characters of a text, and how many there are."""
    pieces = list(pieces)  # a copy first: the reader may be appending
    count, length = 0, 0
    while count < len(pieces) and length < most:
        length += len(pieces[count])
        count += 1
    return "".join(pieces[:count])[:most], sum(map(len, pieces))


def _html(excerpt: Excerpt) -> str:
    """An excerpt as HTML, made shorter where that is far longer than the text."""
    html = render(excerpt.text, images=excerpt.images)
    while len(html) > MOST_HTML:
        excerpt.shorten(len(excerpt.text) * MOST_HTML // len(html) * 9 // 10)
        html = render(excerpt.text, images=excerpt.images)
    return html


def drawn(ledger: Ledger, *, answer: str | None = None, thoughts: str | None = None) -> list[str]:
    """The pieces of the static HTML; ready-made HTML of the answer and the thoughts saves rendering them again."""
    excerpts = Excerpt(ledger, "thoughts"), Excerpt(ledger, "answer")
    thoughts, answer = (
        _html(excerpt) if ready is None or len(ready) > MOST_HTML else ready
        for excerpt, ready in zip(excerpts, (thoughts, answer), strict=True)
    )
    return page.document(ledger, answer, thoughts, cut=left_out(*excerpts))


def plain(ledger: Ledger) -> str:
    """The answer as text in which nothing can move a cursor, then what went wrong, then the status line."""
    told = details(ledger)
    answer = Excerpt(ledger, "answer")
    parts = [visible(answer.text).rstrip("\n"), *left_out(answer)]
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
    lines = [status_line(ledger), *left_out(answer)]
    if told:
        lines += [line for line in (f"{told.title} {told.message}".strip(), told.remedy) if line]
    lines += page.serious(ledger)
    head = "\n>\n".join(
        "> " + _MARKUP.sub(lambda found: f"&#{ord(found[0])};", visible(line)) for line in lines
    )
    return f"{head}\n\n{defang(answer.text)}"


def _chunks(ledger: Ledger) -> tuple[int, dict[str, list[Any]]]:
    """How many chunks there are, and the columns of the first of them."""
    columns = ledger.chunk_columns
    count = columns.length
    values = {
        column.name: list(stored[: min(count, _MOST_CHUNKS)])
        for column, stored in zip(columns.columns, columns.values, strict=True)
        if column.name in ("t", "size", "kind", "text", "thought")
    }
    values["t"] = [round(t, 6) for t in values["t"]]
    for share in ("text", "thought"):
        values[share] = [len(piece) for piece in values[share]]
    return count, values


def record(ledger: Ledger) -> dict[str, Any]:
    """What an inspector needs: the text once, and for each chunk where its share of the text ends.

    ``chunks`` has parallel columns: ``t`` (seconds since the request was sent), ``size`` (bytes of the JSON
    text), ``kind``, ``text`` and ``thought`` (characters the chunk adds to ``text`` and ``thoughts``). Request
    and headers are left out. A field that was cut names itself in ``capped``.
    """
    text, chars = _start(ledger.answer, _MOST_CHARS)
    thoughts, thought_chars = _start(ledger.thoughts, _MOST_CHARS)
    count, chunks = _chunks(ledger)
    capped = {
        name: f"{kept_count:,} of {whole:,} {what}"
        for name, kept_count, whole, what in (
            ("chunks", _MOST_CHUNKS, count, "chunks"),
            ("text", _MOST_CHARS, chars, "characters"),
            ("thoughts", _MOST_CHARS, thought_chars, "characters"),
            ("notes", _MOST_NOTES, len(ledger.notes), "notes"),
        )
        if whole > kept_count
    }
    told = details(ledger)
    finish = ledger.finish
    return {
        "v": _VERSION,
        "model": ledger.request.model if ledger.request else None,
        "model_version": redacted(ledger.model_version),
        "response_id": redacted(ledger.response_id),
        "backend": ledger.backend,
        "source": ledger.source,
        "started": ledger.started.isoformat(),
        "status": ledger.status,
        "status_line": status_line(ledger),
        "finish_reason": redacted(finish.reason) if finish else None,
        "finish_message": redacted(finish.message) if finish else None,
        "block_reason": redacted(ledger.blocked.reason) if ledger.blocked else None,
        "details": told._asdict() if told else None,
        "usage": ledger.usage._asdict() if ledger.usage else None,
        "timing": {name: round(t, 6) for name, t in list(ledger.marks.items())},
        "text": text,
        "thoughts": thoughts,
        "chunks": chunks,
        "notes": [
            {
                "kind": note.kind,
                "message": redacted(note.message),
                "severity": note.severity,
                "chunk": note.chunk,
                "offset": note.offset,
            }
            for note in ledger.notes[:_MOST_NOTES]
        ],
        "capped": capped,
    }


def bundle(ledger: Ledger, *, inspector: bool = True, shown: list[str] | None = None) -> dict[str, Any]:
    """The MIME bundle that stays in the notebook.

    Args:
        ledger: the record; while it runs, the bundle shows what is there.
        inspector: whether the record for an inspector is part of it.
        shown: what :func:`drawn` made of it, where that exists already.

    Returns:
        ``application/vnd.gemini-stream+json`` (see :func:`record`), ``text/html``, ``text/markdown``, ``text/plain``.
    """
    made: dict[str, Any] = {RECORD: record(ledger)} if inspector else {}
    made["text/html"] = page.root(drawn(ledger) if shown is None else shown)
    made["text/markdown"] = _markdown(ledger)
    made["text/plain"] = plain(ledger)
    return made
