"""One moment of an answer: the facts that every representation of it shows, each computed once.

HTML, Markdown, plain text and the record of a saved bundle are written from one snapshot, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from .. import markdown
from ..diagnostics import display_notes
from ..events import Note
from ..ledger import AnswerItem, Candidate, Ledger, MediaItem
from ..markdown import Images
from .formats import FormattedAnswer, format_answer
from .sections import MAX_ITEMS, Section, TextSection, hidden_note, split_answer
from .sources import ShownSources, shown_sources
from .status import (
    Details,
    details,
    elapsed_seconds,
    status_facts,
    status_mark,
    thinking_time,
    warnings,
)
from .timeline_data import sparkline
from .truncate import AFTER_STOP, Excerpt, TruncatedText
from .words import word_count

if TYPE_CHECKING:
    from ..markdown import MarkedAnswer, SourceMark

__all__ = ["AnswerSnapshot", "plain_notes"]


class AnswerSnapshot:
    """The facts about an answer that views show.

    A fact is computed when it is first read and is then kept. So a view that paints often computes only the facts that
    it shows. While the ledger is running, two facts can be some chunks apart; each of them stays as it was first read.

    Args:
        ledger: the record.
        now: seconds since the request was sent; measured by the wall clock when omitted.
        error_follows: the cell shows the error of the answer below it, with the details, so the answer omits them.
        shown: what a view shows of the texts; None for the beginning that :class:`Excerpt` selects.
        interrupted: the user does not want to wait, so what would take long is written more simply for a long answer.

    Attributes:
        ledger: the record.
        status: the status of the answer.
        elapsed: seconds since the request was sent, or the whole duration of an answer that has ended.
        interrupted: as given.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        now: float | None = None,
        error_follows: bool = False,
        shown: Mapping[str, TruncatedText] | None = None,
        interrupted: bool = False,
    ) -> None:
        self.ledger = ledger
        self.interrupted = interrupted
        self._shown = shown or {}
        self._error_follows = error_follows
        self.status = ledger.status
        self.elapsed = elapsed_seconds(ledger, now)
        self._marked: dict[TextSection, MarkedAnswer | None] = {}

    @cached_property
    def mark(self) -> str:
        """One character that shows the status without color."""
        return status_mark(self.ledger)

    @cached_property
    def facts(self) -> list[str]:
        """The parts of the status line, most important first."""
        return status_facts(self.ledger, now=self.elapsed)

    @cached_property
    def status_line(self) -> str:
        """Model, state, elapsed time, tokens and source on one line of plain text."""
        return f"{self.mark} {' · '.join(self.facts)}"

    @cached_property
    def details(self) -> Details | None:
        """What went wrong and what can be done; None while it runs and for a complete answer."""
        return details(self.ledger)

    @property
    def shown_details(self) -> Details | None:
        """The details, unless the cell shows them as its error."""
        return None if self._error_follows else self.details

    @cached_property
    def notes(self) -> list[Note]:
        """The diagnostics of the stream."""
        return display_notes(self.ledger)

    @cached_property
    def warnings(self) -> list[str]:
        """The notes that a reader of the answer must know, one line of plain text each."""
        return warnings(self.ledger, self.notes)

    @cached_property
    def thinking_time(self) -> str:
        """How long the model was thinking before the answer began; empty if it was not."""
        return thinking_time(self.ledger, self.elapsed)

    @cached_property
    def thought_words(self) -> str:
        """How many words the thoughts have, such as ``12 words``; empty without thoughts."""
        return word_count(self.ledger.thoughts)

    @cached_property
    def sparkline(self) -> str:
        """How many chunks arrived when, in block characters; empty while the answer is running."""
        return "" if self.status == "running" else sparkline(self.ledger)

    @cached_property
    def images(self) -> Images:
        """Which images may be shown."""
        return Images.parse(self.ledger.display.images)

    @cached_property
    def answer(self) -> TruncatedText:
        """The text of the answer, or the beginning of a very long one."""
        return self._shown.get("answer") or Excerpt(self.ledger, "answer").truncated()

    @cached_property
    def thoughts(self) -> TruncatedText:
        """The text of the thoughts, or the beginning of very long ones."""
        return self._shown.get("thoughts") or Excerpt(self.ledger, "thoughts").truncated()

    @cached_property
    def formatted(self) -> FormattedAnswer:
        """The text of the answer as ``--format`` shows it."""
        return format_answer(self.ledger, self.answer.text)

    @property
    def answer_cut_note(self) -> str:
        """How much of the text of the answer is not shown; empty if all of it is, and for a table, which shows its rows."""
        return "" if self.formatted.form == "table" else self.answer.cut_note

    @property
    def must_be_quick(self) -> bool:
        """Whether the text is too long to be converted while a user who has interrupted the cell waits."""
        return self.interrupted and len(self.answer.text) > 2 * AFTER_STOP

    @property
    def answer_notes(self) -> list[str]:
        """Sentences about the format and about what is not shown of the answer."""
        notes = (self.answer_cut_note, hidden_note(self.items), *self.formatted.remarks)
        return [note for note in notes if note]

    @cached_property
    def items(self) -> list[AnswerItem]:
        """The answer in order; its text is at least as long as :attr:`answer`."""
        self.answer  # noqa: B018 - it must be read first: then the items between its characters are known
        return Candidate(self.ledger, 0).items

    @cached_property
    def sections(self) -> list[Section]:
        """The text and all other items of the answer, in order."""
        return split_answer(self.answer.text, self.items, self.ledger.display.form)

    @cached_property
    def formatted_sections(self) -> list[FormattedAnswer | AnswerItem]:
        """The sections, with their text as ``--format`` shows it."""
        return [
            self._format_section(section) if isinstance(section, TextSection) else section
            for section in self.sections
        ]

    def _format_section(self, section: TextSection) -> FormattedAnswer:
        marked = self.marked(section)
        if marked is not None:
            return FormattedAnswer(marked.text, marked.text, "markdown")
        whole = section.text == self.answer.text
        return self.formatted if whole else format_answer(self.ledger, section.text)

    @cached_property
    def other_media(self) -> list[tuple[int, MediaItem]]:
        """Pictures, audio and videos of the other candidates, each with the index of its candidate."""
        found = [
            (index, item)
            for index in sorted(self.ledger.parts)
            if index
            for item in Candidate(self.ledger, index).items
            if isinstance(item, MediaItem) and item.kind != "file"
        ]
        return found[:MAX_ITEMS]

    @cached_property
    def sources(self) -> ShownSources:
        """What is shown of the sources."""
        return shown_sources(self.ledger)

    @cached_property
    def marks(self) -> list[SourceMark]:
        """The marks of the sources in the text of the answer; only Markdown has marks."""
        if not self.sources or self.ledger.display.form != "markdown" or self.must_be_quick:
            return []
        return self.sources.marks(len(self.answer.text))

    def marked(self, section: TextSection) -> MarkedAnswer | None:
        """A stretch of the answer with the marks of its sources; None if it has none."""
        if section not in self._marked:
            start, end = section.start, section.start + len(section.text)
            marks = [
                mark._replace(offset=mark.offset - start) for mark in self.marks if start < mark.offset <= end
            ]
            self._marked[section] = (
                markdown.render_marked(section.text, marks, ended=True, images=self.images) if marks else None
            )
        return self._marked[section]


def plain_notes(snapshot: AnswerSnapshot) -> list[str]:
    """The paragraphs of plain text below an answer: sources, notes, details, warnings and the status line; some may be empty."""
    return [
        "\n".join(snapshot.sources.lines),
        *snapshot.answer_notes,
        "\n".join(snapshot.shown_details.lines if snapshot.shown_details else ()),
        "\n".join(snapshot.warnings),
        f"[{snapshot.status_line}]",
    ]
