"""The tables that are made of lists when somebody asks: notes, attempts, parts, and counts by modality.

What is in the lists is the ledger's; the tables that grow while an answer streams are in ``records``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from .columns import Column, Type
from .content import Blob, Call, CallResult, Code, CodeResult, File, Opaque, Part, Text, Thought, kind_of
from .events import Chunk, Note, Severity
from .exchange import Attempt, Exchange
from .surrogates import clean
from .tables import Columns, Objects, Rows

__all__ = ["ModalityRow", "NoteRow", "attempt_rows", "modality_rows", "note_rows", "part_rows"]


class NoteRow(NamedTuple):
    """One row of ``Response.notes``: something odd, and where it was seen first.

    ``chunk`` is the index of a chunk, ``byte`` the offset in the body of the answer (also ``offset``); None where it
    belongs to none.
    """

    severity: Severity
    kind: str
    message: str
    chunk: int | None
    byte: int | None

    @property
    def offset(self) -> int | None:
        """The same as ``byte``."""
        return self.byte


class ModalityRow(NamedTuple):
    """One row of ``Response.usage_by_modality``: tokens of one modality, cumulative as sent, and what was added.

    ``kind`` is ``prompt``, ``cached``, ``output`` or ``tool``; ``modality`` the server's word, such as ``TEXT``.
    """

    chunk: int
    t: float
    kind: str
    modality: str
    tokens: int
    delta: int


def _columns(**types: Type) -> list[Column]:
    return [Column(name, type_) for name, type_ in types.items()]


_NOTES = _columns(severity="string", kind="string", message="string", chunk="int32", byte="int64")
_ATTEMPTS = _columns(
    round="int32",
    attempt="int32",
    url="string",
    status="int32",
    ended="string",
    problem="string",
    waited="float64",
    started="float64",
    seconds="float64",
    bytes="int64",
)
_MODALITIES = _columns(
    chunk="int32", t="float64", kind="string", modality="string", tokens="int64", delta="int64"
)
_PARTS = _columns(
    index="int32",
    kind="string",
    text="string",
    mime_type="string",
    size="int64",
    name="string",
    signature="string",
)


def note_rows(notes: Iterable[Note]) -> Rows[NoteRow]:
    """The notes as a table."""
    made = Columns(NoteRow, _NOTES)
    made.extend([(note.severity, note.kind, clean(note.message), note.chunk, note.offset) for note in notes])
    return made.rows()


def attempt_rows(exchanges: Iterable[Exchange]) -> Rows[Attempt]:
    """The HTTP exchanges as a table, without their bytes."""
    made = Columns(Attempt, _ATTEMPTS)
    made.extend([exchange.summary() for exchange in list(exchanges)])
    return made.rows()


def part_rows(parts: Sequence[Part]) -> Rows[Part]:
    """Parts as a table whose records are the parts themselves."""
    rows = [(index, kind_of(part), *_described(part), part.signature) for index, part in enumerate(parts)]
    return Objects(parts, _PARTS, rows).rows()


def _described(part: Part) -> tuple[str | None, str | None, int | None, str | None]:
    """The text that shows a part, its MIME type, its bytes and its name."""
    match part:
        case Text() | Thought():
            return clean(part.text), None, len(part.text.encode("utf-8", "replace")), None
        case Blob():
            return None, part.mime_type, len(part.data), None
        case File():
            return None, part.mime_type, None, part.uri
        case Call():
            return _json(part.args), None, None, part.name
        case CallResult():
            return _json(part.response), None, None, part.name
        case Code():
            return clean(part.code), None, len(part.code.encode("utf-8", "replace")), part.language
        case CodeResult():
            return clean(part.output), None, len(part.output.encode("utf-8", "replace")), part.outcome
        case Opaque():
            return _json(part.raw), None, None, None


def _json(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False, default=repr))


# -- usage by modality

_DETAILS = {
    "promptTokensDetails": "prompt",
    "cacheTokensDetails": "cached",
    "candidatesTokensDetails": "output",
    "toolUsePromptTokensDetails": "tool",
}
# google.ai.generativelanguage Modality, by number (enum-encoding=int).
_MODALITIES_BY_NUMBER = ("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT")


def modality_rows(chunks: Iterable[Chunk]) -> Rows[ModalityRow]:
    """The token counts by modality, from the chunks that hold any."""
    made, before = Columns(ModalityRow, _MODALITIES), dict[tuple[str, str], int]()
    for chunk in list(chunks):
        for kind, modality, tokens in _details(chunk.raw):
            key = (kind, modality)
            made.append(chunk.index, chunk.t, kind, modality, tokens, tokens - before.get(key, 0))
            before[key] = tokens
    return made.rows()


def _details(raw: bytes) -> Iterator[tuple[str, str, int]]:
    if b"TokensDetails" not in raw:
        return
    try:
        value = msgspec.json.decode(raw)
        usage = value.get("usageMetadata", {})
        for name, kind in _DETAILS.items():
            for each in usage.get(name, ()):
                tokens = int(each.get("tokenCount", 0))
                yield kind, _modality(each.get("modality")), tokens
    except (msgspec.MsgspecError, UnicodeError, AttributeError, TypeError, ValueError):
        return  # an odd shape; it stands in the chunk as it came


def _modality(value: Any) -> str:
    if isinstance(value, int) and 0 <= value < len(_MODALITIES_BY_NUMBER):
        return _MODALITIES_BY_NUMBER[value]
    return str(value)
