"""What is shown of an answer's sources: marks in its text, a list below it, and what was searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .. import markdown
from ..ledger import AnswerSources, Ledger, NumberedSource, answer_sources
from .status import redact

if TYPE_CHECKING:
    from ..markdown import SourceEntry, SourceMark

# The names of the package markdown are used through it: an answer without sources in a terminal needs no parser.
__all__ = ["ShownSources", "shown_sources"]

_LISTED: Final = 100  # sources
_QUERIES: Final = 20


class ShownSources:
    """The sources of an answer that has ended, in every form in which they are shown.

    Args:
        sources: the sources.

    Attributes:
        suggestions: the search engine's own HTML with suggestions, not sanitized; empty where none was sent.
    """

    def __init__(self, sources: AnswerSources) -> None:
        self.numbered = sources.sources
        self.suggestions = sources.suggestions
        self.queries = tuple(map(redact, sources.queries[:_QUERIES]))
        self._entries = [_entry(each) for each in self.numbered[:_LISTED]]
        left_out = len(self.numbered) - len(self._entries)
        self.note = f"{left_out} more sources are in the response's `sources`." if left_out else ""
        self._places = sources.marks() if self.numbered else []

    def __bool__(self) -> bool:
        return bool(self.numbered or self.queries or self.suggestions)

    def marks(self, length: int) -> list[SourceMark]:
        """The marks in the first ``length`` characters of the answer."""
        targets = {
            each.number: markdown.MarkTarget(each.number, redact(each.uri), redact(each.title))
            for each in self.numbered
        }
        return [
            markdown.SourceMark(end, tuple(targets[number] for number in numbers))
            for end, numbers in self._places
            if end <= length
        ]

    @property
    def list_html(self) -> str:
        """The numbered list, as safe HTML; empty without sources."""
        return markdown.render_source_list(self._entries)

    @property
    def queries_html(self) -> str:
        """The queries as links to their results, as safe HTML; empty without queries."""
        return markdown.render_queries(self.queries)

    @property
    def as_markdown(self) -> str:
        """The list and the queries as Markdown, which still has to be defanged."""
        return markdown.source_list_markdown(self._entries, self.queries)

    @property
    def lines(self) -> list[str]:
        """The list and the queries as lines of plain text, not yet free of control characters."""
        lines = [f"{each.number}. {redact(each.line)}" for each in self.numbered[:_LISTED]]
        shown = ["Sources:", *lines] if lines else []
        if self.note:
            shown.append(self.note)
        return [*shown, *([f"Searched for: {'; '.join(self.queries)}"] if self.queries else [])]


def _entry(each: NumberedSource) -> SourceEntry:
    return markdown.SourceEntry(redact(each.title), redact(each.uri), tuple(map(redact, each.notes)))


def shown_sources(ledger: Ledger) -> ShownSources:
    """Return what is shown of the sources of candidate 0; nothing while the answer is running."""
    return ShownSources(AnswerSources() if ledger.status == "running" else answer_sources(ledger))
