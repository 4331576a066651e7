"""The static bundle of a run over many rows: one MIME bundle that needs neither kernel nor widgets nor scripts.

Everything in it that comes from a model, a server or the data is plain text.
"""

from __future__ import annotations

from html import escape
from typing import Any, Final

from ..text import visible
from . import page
from .formats_live import escape_markdown
from .row_progress import FailureReason, RowProgress
from .row_table import RowTable, shown_rows
from .row_text import (
    ending_lines,
    example_line,
    failure_line,
    next_steps,
    rows_facts,
    rows_line,
    rows_mark,
    rows_remarks,
    rows_tone,
)

__all__ = [
    "UNFINISHED_RUN",
    "partial_rows_bundle",
    "rows_bar_html",
    "rows_bundle",
    "rows_failures_html",
    "rows_plain",
]

_MOST_REASONS: Final = 20
_PLAIN_REASONS: Final = 5  # of which plain text and Markdown show examples
_PLAIN_EXAMPLES: Final = 3

UNFINISHED_RUN: Final = "The rows were still being asked when this was written."


def rows_bar_html(progress: RowProgress, *, notice: str = "", now: float | None = None) -> str:
    """The status line of a run.

    Args:
        progress: the progress.
        notice: one more fact at the end.
        now: as for :func:`~gemini_magic.views.row_text.rows_facts`.
    """
    facts = [*rows_facts(progress, now=now), *([notice] if notice else [])]
    return page.facts_html(rows_mark(progress), rows_tone(progress), facts, waiting=not progress.ended)


def rows_bundle(progress: RowProgress, *, name: str = "run", error_follows: bool = False) -> dict[str, Any]:
    """The MIME bundle that stays in the notebook.

    Args:
        progress: the progress, usually of a run that has ended.
        name: the name of the run's variable, for the sentence about what to do next.
        error_follows: whether the cell raises why the run ended, so that the bundle does not say it too.

    Returns:
        ``text/html``, ``text/markdown`` and ``text/plain``.
    """
    parts = [f'<div class="gm-bar">{rows_bar_html(progress)}</div>', _table_html(progress)]
    parts.append(rows_failures_html(progress))
    if not error_follows:
        parts.append(_ending_html(progress))
    parts += map(page.note_html, rows_remarks(progress))
    if progress.ended:
        parts.append(page.note_html(next_steps(progress, name)))
    return {
        "text/html": page.root_html(parts),
        "text/markdown": _markdown(progress, name, error_follows=error_follows),
        "text/plain": rows_plain(progress, name=name, error_follows=error_follows),
    }


def partial_rows_bundle(
    progress: RowProgress, *, notice: str = "", live: bool = False, now: float | None = None
) -> dict[str, Any]:
    """The bundle of a run that goes on, for a notebook that is saved before its end.

    Args:
        progress: the progress.
        notice: one more fact at the end of the status line.
        live: whether the bundle is shown now and replaced soon, so that it need not say that it is not the end.
        now: as for :func:`~gemini_magic.views.row_text.rows_facts`.

    Returns:
        ``text/html`` and ``text/plain``; the last paragraph of the text is the status line in brackets, which the
        labextension replaces when the kernel has ended.
    """
    bar = rows_bar_html(progress, notice=notice, now=now)
    parts = [f'<div class="gm-bar">{bar}</div>', _table_html(progress), rows_failures_html(progress)]
    note = f'<div class="gm-note gm-unfinished">{escape(UNFINISHED_RUN)}</div>'
    table = _table_plain(progress)
    status = f"[{rows_line(progress, now=now)} · {UNFINISHED_RUN}]"
    return {
        "text/html": page.root_html(parts if live else [*parts, note], partial=True),
        "text/plain": "\n\n".join(filter(None, (table, visible(status)))),
    }


def _table_html(progress: RowProgress) -> str:
    rows, note = shown_rows(progress)
    if not rows:
        return ""
    table = RowTable(progress).html(rows)
    body = f'<div class="gm-answer gm-as-table" role="region" aria-label="Rows">{table}</div>'
    return body + (page.note_html(note) if progress.ended else "")


def rows_failures_html(progress: RowProgress, *, live: bool = False) -> str:
    """The reasons of failures, each with its number of rows.

    Args:
        progress: the progress.
        live: whether the HTML is replaced soon, so that nothing in it can be unfolded, and only the first reasons are shown.
    """
    if live:
        shown = (failure._replace(examples=()) for failure in progress.failures[:_PLAIN_REASONS])
        return "".join(map(_failure_html, shown))
    return "".join(map(_failure_html, progress.failures[:_MOST_REASONS]))


def _failure_html(failure: FailureReason) -> str:
    """How many rows failed for a reason, which opens to examples."""
    title = f'<span class="gm-bad">{escape(visible(failure_line(failure)))}</span>'
    examples = "".join(
        f'<div class="gm-part">{escape(visible(example_line(each.key, each.error)))}</div>'
        for each in failure.examples
    )
    if not examples:
        return f'<div class="gm-note">{title}</div>'
    return f'<details class="gm-tool gm-reason"><summary>{title}</summary><div>{examples}</div></details>'


def _ending_html(progress: RowProgress) -> str:
    lines = ending_lines(progress)
    if not lines:
        return ""
    shown = "<br>".join(f"<span>{page.inline_html(line)}</span>" for line in lines)
    return f'<div class="gm-box gm-{rows_tone(progress)}" role="note">{shown}</div>'


def _table_plain(progress: RowProgress) -> str:
    rows, note = shown_rows(progress)
    if not rows:
        return ""
    return "\n".join(filter(None, (RowTable(progress).plain(rows), note if progress.ended else "")))


def _failure_lines(progress: RowProgress) -> list[str]:
    lines = []
    for failure in progress.failures[:_PLAIN_REASONS]:
        lines.append(failure_line(failure))
        lines += [f"  {example_line(each.key, each.error)}" for each in failure.examples[:_PLAIN_EXAMPLES]]
    if len(progress.failures) > _PLAIN_REASONS:
        lines.append(f"{len(progress.failures) - _PLAIN_REASONS} more reasons")
    return lines


def rows_plain(progress: RowProgress, *, name: str = "run", error_follows: bool = False) -> str:
    """The run as plain text: its rows, the failures, remarks, and the status line in brackets.

    Args and result as in :func:`rows_bundle`.
    """
    paragraphs = [
        _table_plain(progress),
        "\n".join(_failure_lines(progress)),
        *([] if error_follows else ["\n".join(ending_lines(progress))]),
        "\n".join(rows_remarks(progress)),
        next_steps(progress, name) if progress.ended else "",
        f"[{rows_line(progress)}]",
    ]
    return "\n\n".join(visible(each) for each in paragraphs if each)


def _markdown(progress: RowProgress, name: str, *, error_follows: bool) -> str:
    """The same as harmless Markdown, the status first."""
    lines = [
        rows_line(progress),
        *_failure_lines(progress),
        *([] if error_follows else ending_lines(progress)),
        *rows_remarks(progress),
        next_steps(progress, name) if progress.ended else "",
    ]
    head = "\n>\n".join(f"> {escape_markdown(line.strip())}" for line in lines if line)
    rows, note = shown_rows(progress)
    table = RowTable(progress).markdown(rows) if rows else ""
    return "\n\n".join(filter(None, (head, table, escape_markdown(note))))
