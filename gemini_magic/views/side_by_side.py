"""Answers side by side: their common status line, their columns and the table below, as HTML, Markdown and plain text.

Each column is written as a single answer is; only its status line, answer and notes stand in a column of a grid, which a
narrow page shows one below the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, Final

from ..ledger import Ledger
from ..markdown import join_defanged
from ..text import visible
from . import page
from .formats_live import escape_markdown
from .snapshot import AnswerSnapshot
from .static import BEFORE_BLANK_LINE, bundle_markdown, bundle_plain, html_parts, partial_plain
from .status import elapsed_seconds, readable_seconds
from .truncate import first_characters, was_stopped

__all__ = [
    "TABLE_HEADS",
    "AnswerColumn",
    "AnswerColumns",
    "ColumnsSnapshot",
    "column_html",
    "columns_bundle",
    "columns_parts",
    "grid_html",
    "partial_columns_bundle",
    "table_text",
    "write_columns",
]

TABLE_HEADS: Final = ("", "status", "words", "first text (s)", "total (s)", "tokens", "cost")
_NUMBERS_FROM: Final = 2  # the column of the table from which on cells are numbers
_SOURCES: Final = {"recording": "from a recording", "cache": "from the cache", "echo": "offline echo"}


class AnswerColumn:
    """One column: its answer, and above it those that did not fit their schema and were requested again.

    Args:
        label: its heading.
        ledger: the record of its answer.
        continues: whether another answer may follow when this one has ended.

    Attributes:
        label, ledger, continues: the same, of the newest answer.
        earlier: the records of the answers before, oldest first. They have ended.
    """

    def __init__(self, label: str, ledger: Ledger, *, continues: bool = False) -> None:
        self.label = label
        self.ledger = ledger
        self.continues = continues
        self.earlier: list[Ledger] = []
        self._folded: list[str] = []

    def follow_with(self, ledger: Ledger) -> None:
        """Show the next answer below the one before, which has ended."""
        self.earlier.append(self.ledger)
        self.ledger = ledger

    @property
    def running(self) -> bool:
        """Whether the answer is arriving, or another one may follow."""
        return self.continues or self.ledger.status == "running"

    @property
    def status(self) -> str:
        """The status of the newest answer; ``running`` also while another one may follow."""
        return "running" if self.running else self.ledger.status

    @property
    def version(self) -> int:
        """Increases with every change."""
        return sum(each.version + 1 for each in self.earlier) + self.ledger.version + (not self.continues)

    @property
    def seconds(self) -> float:
        """The time that the answers have taken so far."""
        return sum(elapsed_seconds(each) for each in (*self.earlier, self.ledger))

    @property
    def folded(self) -> list[str]:
        """The HTML of the answers before, each folded."""
        for number in range(len(self._folded), len(self.earlier)):
            parts = "".join(html_parts(AnswerSnapshot(self.earlier[number])))
            head = escape(self.heading(number))
            self._folded.append(
                f'<details class="gm-tool gm-before"><summary>{head}</summary><div>{parts}</div></details>'
            )
        return self._folded

    @staticmethod
    def heading(number: int) -> str:
        """The heading of an answer before, by its number from 0."""
        return f"Answer {number + 1}, which did not fit its schema"


class AnswerColumns:
    """Several answers that are shown side by side.

    Args:
        columns: the columns.
        cells: returns the cells of the table, one row for each column, as texts; see :data:`TABLE_HEADS`.

    Attributes:
        columns, cells: as given.
    """

    def __init__(self, columns: Sequence[AnswerColumn], cells: Callable[[], list[tuple[str, ...]]]) -> None:
        self.columns = tuple(columns)
        self.cells = cells

    @property
    def running(self) -> bool:
        """Whether an answer is arriving."""
        return any(each.running for each in self.columns)

    @property
    def version(self) -> int:
        """Increases with every change."""
        return sum(each.version for each in self.columns)


class ColumnsSnapshot:
    """One moment of answers side by side: the facts of their common status line.

    Args:
        columns: the answers.

    Attributes:
        columns: as given.
        tone: the name of the color of the mark: busy, good, warn or bad.
        mark: one character that shows the status without color.
    """

    def __init__(self, columns: AnswerColumns) -> None:
        self.columns = columns
        self._statuses = [each.status for each in columns.columns]
        self.tone, self.mark = self._find_tone()

    def _find_tone(self) -> tuple[str, str]:
        statuses = self._statuses
        if "running" in statuses:
            return "busy", "…"
        if all(each == "complete" for each in statuses):
            return "good", "✓"
        if "interrupted" in statuses:
            return "warn", "■"
        return ("warn", "⚠") if "complete" in statuses else ("bad", "✕")

    def facts(self, state: str = "") -> list[str]:
        """The parts of the status line, most important first.

        Args:
            state: what is shown instead of the state, if it is not empty.
        """
        count, statuses = len(self._statuses), self._statuses
        ended = sum(each != "running" for each in statuses)
        complete = statuses.count("complete")
        if not state and ended < count:
            state = f"streaming, {ended} of {count} ended"
        elif not state:
            state = f"comparison complete, {complete} of {count} answers"
            if complete < count:
                others = sorted({each for each in statuses if each != "complete"})
                state = f"comparison ended, {complete} of {count} answers complete ({', '.join(others)})"
        longest = max(each.seconds for each in self.columns.columns)
        sources = {each.ledger.source for each in self.columns.columns}
        source = _SOURCES.get(sources.pop(), "") if len(sources) == 1 else ""
        found = (f"{count} answers side by side", state, readable_seconds(longest), source)
        return [fact for fact in found if fact]

    @property
    def status_line(self) -> str:
        """The status line as plain text."""
        return f"{self.mark} {' · '.join(self.facts())}"

    def bar_html(self, notice: str = "") -> str:
        """The status line as HTML; see :func:`~gemini_magic.views.page.bar_html`."""
        return f'<div class="gm-bar">{self.status_html(notice)}</div>'

    def status_html(self, notice: str = "") -> str:
        """The status line without its bar, and one more fact at its end."""
        facts = [*self.facts(), *([notice] if notice else [])]
        return page.facts_html(self.mark, self.tone, facts)


def column_html(label: str, parts: Iterable[str]) -> str:
    """The HTML of one column."""
    return (
        f'<div class="gm-column" role="region" aria-label="{escape(visible(label))}">'
        f"{label_html(label)}{''.join(parts)}</div>"
    )


def label_html(label: str) -> str:
    """The heading of a column."""
    return f'<div class="gm-label">{escape(visible(label))}</div>'


def grid_html(columns: Iterable[str]) -> str:
    """The HTML of all columns."""
    return f'<div class="gm-columns">{"".join(columns)}</div>'


def table_html(cells: Iterable[Sequence[str]]) -> str:
    """The table below the columns."""

    def row(tag: str, texts: Sequence[str]) -> str:
        aligned = (
            '"text-align:left"' if at < _NUMBERS_FROM else '"text-align:right"' for at in range(len(texts))
        )
        return "".join(
            f"<{tag} style={style}>{escape(visible(text))}</{tag}>"
            for text, style in zip(texts, aligned, strict=True)
        )

    rows = "".join(f"<tr>{row('td', each)}</tr>" for each in cells)
    return (
        f'<div class="gm-table"><table><thead><tr>{row("th", TABLE_HEADS)}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def table_text(cells: Iterable[Sequence[str]]) -> str:
    """The table as plain text."""
    rows = [tuple(map(visible, row)) for row in (TABLE_HEADS, *cells)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(TABLE_HEADS))]
    lines = (
        "  ".join(
            cell.ljust(width) if at < _NUMBERS_FROM else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def _table_markdown(cells: Iterable[Sequence[str]]) -> str:
    def line(texts: Iterable[str]) -> str:
        return f"| {' | '.join(texts)} |"

    rows = (line(escape_markdown(visible(text)).replace("|", "\\|") for text in row) for row in cells)
    marks = (":--" if at < _NUMBERS_FROM else "--:" for at in range(len(TABLE_HEADS)))
    return "\n".join((line(TABLE_HEADS), line(marks), *rows))


# -- bundles


def _snapshots(columns: AnswerColumns, *, interrupted: bool) -> list[AnswerSnapshot]:
    found = []
    for each in columns.columns:
        stopped = interrupted or was_stopped(each.ledger)
        shown = first_characters(each.ledger) if stopped else None
        found.append(AnswerSnapshot(each.ledger, shown=shown, interrupted=stopped))
    return found


def columns_bundle(columns: AnswerColumns, *, interrupted: bool = False) -> dict[str, Any]:
    """The MIME bundle that stays in the notebook: ``text/html``, ``text/markdown`` and ``text/plain``.

    It has no record for the inspector; each answer can be inspected alone.

    Args:
        columns: the answers; of a running one it shows what was received.
        interrupted: the user does not want to wait: long text is left out.
    """
    return write_columns(columns, [(each, None) for each in _snapshots(columns, interrupted=interrupted)])


def columns_parts(
    columns: AnswerColumns, answers: Sequence[tuple[AnswerSnapshot, list[str] | None]]
) -> list[str]:
    """The parts of the HTML: the status line, the columns and the table. Arguments as for :func:`write_columns`."""
    html = [
        column_html(column.label, [*column.folded, *html_parts(snapshot)] if parts is None else parts)
        for column, (snapshot, parts) in zip(columns.columns, answers, strict=True)
    ]
    return [ColumnsSnapshot(columns).bar_html(), grid_html(html), table_html(columns.cells())]


def write_columns(
    columns: AnswerColumns,
    answers: Sequence[tuple[AnswerSnapshot, list[str] | None]],
    parts: list[str] | None = None,
) -> dict[str, Any]:
    """Write every representation of answers side by side.

    Args:
        columns: the answers.
        answers: the facts about each answer, and the parts of its HTML if they exist already.
        parts: the result of :func:`columns_parts`, if it exists already.
    """
    snapshot, cells = ColumnsSnapshot(columns), columns.cells()
    labels = [visible(each.label) for each in columns.columns]
    html = page.root_html(columns_parts(columns, answers) if parts is None else parts)
    markdown_texts = [f"> {escape_markdown(snapshot.status_line)}", _table_markdown(cells)]
    plain = [f"[{visible(snapshot.status_line)}]", table_text(cells)]
    for label, column, (answer, _) in zip(labels, columns.columns, answers, strict=True):
        before = [(column.heading(at), AnswerSnapshot(each)) for at, each in enumerate(column.earlier)]
        markdown_texts.append(f"## {escape_markdown(label)}")
        markdown_texts += (f"### {escape_markdown(head)}\n\n{bundle_markdown(each)}" for head, each in before)
        markdown_texts.append(f"{'### Answer' if before else ''}\n\n{bundle_markdown(answer)}".lstrip("\n"))
        texts = (f"{head}:\n\n{bundle_plain(each)}" for head, each in before)
        plain.append("\n\n".join((f"── {label} ──", *texts, bundle_plain(answer))))
    return {
        "text/html": BEFORE_BLANK_LINE.sub("&#10;", html),
        "text/markdown": join_defanged(markdown_texts),
        "text/plain": "\n\n".join(plain),
    }


def partial_columns_bundle(
    snapshot: ColumnsSnapshot, answers: Sequence[tuple[AnswerSnapshot, list[str]]], notice: str = ""
) -> dict[str, Any]:
    """The bundle of answers that are still arriving, for a notebook that is saved before their end.

    Args:
        snapshot: the facts about all of them.
        answers: the facts about each answer, and the parts of its HTML.
        notice: one more fact for the common status line.
    """
    columns = snapshot.columns
    grid = grid_html(
        column_html(column.label, parts) for column, (_, parts) in zip(columns.columns, answers, strict=True)
    )
    plain = "\n\n".join(
        f"── {visible(column.label)} ──\n\n{partial_plain(answer)}"
        for column, (answer, _) in zip(columns.columns, answers, strict=True)
    )
    line = " · ".join(filter(None, (snapshot.status_line, page.UNFINISHED)))
    return {
        "text/html": page.root_html([snapshot.bar_html(notice), grid, page.unfinished_html()], partial=True),
        "text/plain": f"{plain}\n\n[{visible(line)}]",
    }
