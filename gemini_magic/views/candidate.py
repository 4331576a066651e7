"""One candidate of an answer as users get it."""

from __future__ import annotations

from typing import Any

from ..ledger import AnswerItem, Candidate, SourceRow, rows_of, source_rows
from ..tables import Rows
from .media_objects import AnswerContent

__all__ = ["AnswerCandidate"]


class AnswerCandidate(Candidate, AnswerContent):
    """One candidate answer, with its pictures, audio, code runs, calls and sources. It displays itself in a notebook."""

    @property
    def sources(self) -> Rows[SourceRow]:
        """One row for each source of this candidate, as ``Response.sources``."""
        return rows_of(SourceRow, source_rows(self._ledger, self.index, self.text))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        from .candidate_view import candidate_bundle  # noqa: PLC0415 - most candidates are not displayed

        return candidate_bundle(self._ledger, self)

    def content_items(self) -> tuple[int, list[AnswerItem]]:
        """Return the index of the candidate, and its items."""
        return self.index, self.items
