"""The rows of tables that are made when somebody asks for them: parts, notes, counts by modality.

It turns what a ledger holds into records; it keeps nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from .content import Blob, Code, Part, Text, Thought, kind_of
from .events import Chunk
from .records import columns_of
from .tables import Columns, Rows

__all__ = ["ModalityRow", "NoteRow", "PartRow", "modality_rows", "part_row", "rows_of"]

R = TypeVar("R", bound=tuple[Any, ...])
_MOST: Final = 2**62  # a count beyond a table's integers is none


class PartRow(NamedTuple):
    """One row of ``Response.parts_table``.

    Attributes:
        index: position among the candidate's parts.
        candidate: whose part it is.
        kind: text, thought, blob, file, call, result, code and so on.
        text: what it says, or the code it holds; None for media and calls.
        size: bytes of media, characters of text; None for anything else.
        mime_type: of media.
        name: of the function.
        signed: whether it carries a thought signature.
        json: the part's own fields, media left out.
    """

    index: int  # type: ignore[assignment] # see ChunkRow
    candidate: int
    kind: str
    text: str | None
    size: int | None
    mime_type: str | None
    name: str | None
    signed: int
    json: str


class NoteRow(NamedTuple):
    """One row of ``Response.notes``; see :class:`~gemini_magic.events.Note`. ``byte`` (or ``offset``) is its place in the body."""

    kind: str
    severity: str
    message: str
    chunk: int | None
    byte: int | None  # "offset" is a word of SQL

    @property
    def offset(self) -> int | None:
        """The same as ``byte``."""
        return self.byte


class ModalityRow(NamedTuple):
    """One row of ``Response.usage_by_modality``: a count as sent, in tokens, by what it counts."""

    chunk: int
    t: float
    counted: str
    modality: str
    tokens: int


_DETAILS = {
    "promptTokensDetails": "prompt",
    "cacheTokensDetails": "cached",
    "candidatesTokensDetails": "output",
    "toolUsePromptTokensDetails": "tool",
}


def rows_of(record: type[R], rows: Iterable[tuple[Any, ...]]) -> Rows[R]:
    """A table of rows that are all there already; its columns are the record's fields."""
    columns: Columns[R] = Columns(
        record, [column._replace(full=False) for column in columns_of(record, None)]
    )
    columns.extend(list(rows))
    return columns.rows()


def part_row(index: int, candidate: int, part: Part) -> PartRow:
    """The row of one part."""
    text = part.text if isinstance(part, Text | Thought) else part.code if isinstance(part, Code) else None
    blob = isinstance(part, Blob)
    fields = {
        name: value for name, value in msgspec.to_builtins(part).items() if not (blob and name == "data")
    }
    return PartRow(
        index,
        candidate,
        kind_of(part),
        text,
        len(part.data) if isinstance(part, Blob) else None if text is None else len(text),
        getattr(part, "mime_type", None),
        getattr(part, "name", None),
        int(part.signature is not None),
        json.dumps(fields, default=repr, ensure_ascii=False),
    )


def modality_rows(found: Iterable[tuple[Chunk, Mapping[str, Any]]]) -> Iterator[ModalityRow]:
    """The rows of counts by modality, from chunks and their ``usageMetadata``."""
    for chunk, metadata in found:
        for name, counted in _DETAILS.items():
            details = metadata.get(name)
            for each in details if isinstance(details, list) else ():
                count = each.get("tokenCount") if isinstance(each, dict) else None
                if isinstance(count, int) and not isinstance(count, bool) and abs(count) < _MOST:
                    yield ModalityRow(
                        chunk.index, chunk.t, counted, str(each.get("modality", "")).lower(), count
                    )
