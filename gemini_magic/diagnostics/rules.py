"""Checks a whole stream for anything unusual, when the notes of a response are requested.

The readers note what a single byte or chunk shows, at once. The checks here need two chunks or parse the JSON a second
time. They change nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final

from ..backends import backend
from ..content import Opaque, Text
from ..events import Chunk, Delta, Failure, Finish, Note
from ..ledger import Ledger
from ..tables import Rows
from ..text import replace_surrogates
from .offsets import ChunkOffsets

__all__ = ["check_stream"]

_LONG_GAP: Final = 10.0  # seconds between two chunks after which an answer seems to have stopped
_MIN_REPEATED: Final = 20  # characters: shorter pieces of text may occur twice in a row
_MIN_DISTINCT: Final = 5  # different characters: the lines of a table may occur twice in a row
_ALIASES: Final = ("latest", "gemini-pro", "gemini-flash")  # endings of names that stand for the newest model
_MAX_NAME: Final = 60  # characters of a server's name for something
_MAX_NAMES: Final = 5  # unknown names that one note lists


def check_stream(ledger: Ledger, offsets: ChunkOffsets) -> list[Note]:
    """The notes about a stream as a whole, in the order of its chunks.

    There is at most one note of a kind. It refers to the first chunk concerned and says how many there are. The time is
    linear in the bytes, which are parsed once more.

    Args:
        ledger: the record. While the stream runs, the chunks so far are checked.
        offsets: the offsets of its chunks.
    """
    chunks = list(ledger.raw)
    # The first chunks of the later rounds: each round is a separate stream, with its own totals and finish reason.
    begins = {each.chunks[0] for each in ledger.rounds[1:]}
    notes = [
        *_finish_reasons(ledger, begins),
        *_usage(ledger, begins),
        *_repeated_text(ledger, begins),
        *_gaps(chunks, begins),
        *_model(ledger),
        *_tier(ledger),
        *_parts_and_errors(ledger, offsets),
    ]
    undocumented = backend(ledger.backend).undocumented
    if undocumented is not None:
        notes += _fields(chunks, undocumented)
    return sorted(notes, key=lambda note: -1 if note.chunk is None else note.chunk)


def _times(count: int) -> str:
    return "" if count == 1 else f" ({count:,} times)"


def _finish_reasons(ledger: Ledger, begins: Container[int]) -> Iterator[Note]:
    """A finish reason before the end of the answer."""
    rows = Rows(ledger.event_columns)
    early: list[int] = []
    pending: dict[int, int] = {}  # candidate -> chunk with its finish reason
    newest = -1
    for event, chunk in zip(list(ledger.events), rows["chunk"], strict=False):
        if chunk is None:
            continue
        if chunk != newest and chunk in begins:
            pending.clear()
        newest = chunk
        if isinstance(event, Finish) and not event.prompt and event.outcome is not None:
            pending.setdefault(event.candidate, chunk)
        elif isinstance(event, Delta) and pending.get(event.candidate, chunk) < chunk:
            if not (isinstance(event.part, Text) and not event.part.text):
                early.append(pending[event.candidate])
            del pending[event.candidate]
    if early:
        yield Note(
            "early-finish",
            f"A finish reason arrived before the end of the answer{_times(len(early))}. A client that stops there loses the "
            "rest.",
            "info",
            early[0],
        )


def _usage(ledger: Ledger, begins: Collection[int]) -> Iterator[Note]:
    """A total token count that decreases."""
    rows = Rows(ledger.usage_columns)
    totals = [
        (chunk, total) for chunk, total in zip(rows["chunk"], rows["total"], strict=True) if total is not None
    ]
    decreased = [
        later
        for earlier, later in pairwise(totals)
        if later[1] < earlier[1] and not any(earlier[0] < begin <= later[0] for begin in begins)
    ]
    if decreased:
        yield Note(
            "usage-shrank",
            f"The total token count decreased{_times(len(decreased))}, so it is not a running total. The last value is used.",
            "warning",
            decreased[0][0],
        )


def _repeated_text(ledger: Ledger, begins: Collection[int]) -> Iterator[Note]:
    """Text that is sent twice: the same piece again, or everything from the beginning."""
    columns = Rows(ledger.chunk_columns)
    texts: Sequence[str] = columns["text"]
    repeated = [
        index
        for index in range(1, len(texts))
        if len(texts[index]) >= _MIN_REPEATED
        and index not in begins
        and texts[index] == texts[index - 1]
        and len(set(texts[index])) > _MIN_DISTINCT
    ]
    if repeated:
        yield Note(
            "duplicate-text",
            f"A chunk repeats the text of the previous chunk{_times(len(repeated))}. No text was removed.",
            "warning",
            repeated[0],
        )
    filled = [(index, text) for index, text in enumerate(texts) if text]
    if len(filled) > 1 and not begins and len(filled[-1][1]) >= _MIN_REPEATED:
        if not all(later.startswith(earlier) for (_, earlier), (_, later) in pairwise(filled)):
            return
        yield Note(
            "cumulative-text",
            "Each chunk repeats the whole text so far. The Gemini API sends only the new text.",
            "warning",
            filled[1][0],
        )


def _gaps(chunks: Sequence[Chunk], begins: Container[int]) -> Iterator[Note]:
    """The longest time between two chunks; between two rounds functions run."""
    gaps = [
        (later.t - earlier.t, later.index) for earlier, later in pairwise(chunks) if later.index not in begins
    ]
    long = [gap for gap in gaps if gap[0] >= _LONG_GAP]
    if long:
        longest = max(long)
        count = f", the longest of {len(long)} gaps of {_LONG_GAP:g} s or more" if len(long) > 1 else ""
        message = f"This chunk arrived {longest[0]:.1f} s after the previous one{count}."
        yield Note("gap", message, "info", longest[1])


def _model(ledger: Ledger) -> Iterator[Note]:
    """An answer from another model than the requested one."""
    requested = ledger.request.model.removeprefix("models/") if ledger.request else ""
    answered = replace_surrogates(ledger.model_version or "").removeprefix("models/")[:_MAX_NAME]
    if (
        requested
        and answered
        and not answered.startswith(requested)
        and not requested.startswith(answered)
        and not requested.endswith(_ALIASES)
    ):
        yield Note("other-model", f"{requested!r} was requested, but {answered!r} answered.", "info")


def _tier(ledger: Ledger) -> Iterator[Note]:
    """An answer in another service tier than the requested one: a full priority tier answers as standard."""
    requested = backend(ledger.backend).requested_tier(ledger.request) if ledger.request else None
    served = ledger.extras.get("serviceTier")
    if not (isinstance(requested, str) and isinstance(served, str)) or requested == "batch":
        return  # the answers of batch jobs report the standard tier
    asked, used = (
        replace_surrogates(each).lower().removeprefix("service_tier_")[:_MAX_NAME]
        for each in (requested, served)
    )
    if asked and used not in ("", "unspecified") and asked != used:
        message = (
            f"The service tier {asked!r} was requested, but the answer was served and is billed as {used!r}."
        )
        yield Note("other-tier", message, "info")


def _parts_and_errors(ledger: Ledger, offsets: ChunkOffsets) -> Iterator[Note]:
    """Parts of an unknown kind, an error outside an event, and a complete answer without content."""
    unknown: dict[str, int] = {}
    rows = Rows(ledger.event_columns)
    for event, chunk in zip(list(ledger.events), rows["chunk"], strict=False):
        if chunk is None:
            continue
        if isinstance(event, Delta) and isinstance(event.part, Opaque):
            unknown.setdefault(_unknown_kind(event.part.raw), chunk)
        elif isinstance(event, Failure) and not offsets.has_field_name(chunk):
            message = "An error was sent outside a `data:` field. Many clients would miss it."
            yield Note("error-outside-data", message, "warning", chunk)
    if unknown:
        listed = "; ".join(list(unknown)[:_MAX_NAMES])
        message = f"Parts of an unknown kind: {listed}. They are kept unchanged."
        yield Note("unknown-part", message, "info", min(unknown.values()))
    if ledger.status == "complete" and not any(ledger.parts.values()):
        yield Note("empty-answer", "The answer is complete but empty.", "warning")


def _unknown_kind(raw: dict[str, Any]) -> str:
    """What an unknown part is: its type, or the names of its fields."""
    kind = raw.get("type")
    names = sorted(str(name) for name in raw if name != "thoughtSignature")
    shown = kind if isinstance(kind, str) and kind else ", ".join(names)
    return replace_surrogates(shown)[:_MAX_NAME] or "(without a field)"


# -- the JSON of the chunks


class _Findings:
    """What the JSON of the chunks shows, by kind of note: the first chunk concerned, and names or a count."""

    def __init__(self) -> None:
        self.first: dict[str, int] = {}
        self.names: dict[str, set[str]] = {}
        self.counts: dict[str, int] = {}

    def add(self, kind: str, chunk: int, name: str = "") -> None:
        self.first.setdefault(kind, chunk)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.names.setdefault(kind, set()).add(replace_surrogates(name)[:_MAX_NAME])

    def listed(self, kind: str) -> str:
        """The first names, in alphabetical order."""
        return ", ".join(sorted(self.names[kind])[:_MAX_NAMES])


def _fields(
    chunks: Iterable[Chunk], undocumented: Callable[[Any], Iterable[tuple[str, str]]]
) -> Iterator[Note]:
    """Fields and enum values that are not documented, keys that occur twice, and empty parts."""
    found = _Findings()
    for chunk in chunks:
        try:
            value = json.loads(chunk.raw, object_pairs_hook=partial(_checked_object, found, chunk.index))
        except (ValueError, RecursionError):
            continue  # the readers have noted it
        for kind, name in undocumented(value):
            found.add(kind, chunk.index, name)
    for kind, severity, message in (
        ("unknown-field", "info", "Undocumented fields: {names}{more}. Their values are in `raw`."),
        ("unknown-value", "info", "Undocumented enum values: {names}. They are kept unchanged."),
        ("duplicate-key", "warning", "An object has a key twice ({names}). The last value is used."),
        ("empty-part", "info", "A part is empty{times}."),
        (
            "empty-signature",
            "info",
            "An empty part has a thought signature{times}. It is kept, and sent back in the conversation.",
        ),
    ):
        if kind in found.first:
            more = len(found.names[kind]) - _MAX_NAMES
            text = message.format(
                names=found.listed(kind),
                more=f" and {more} more" if more > 0 else "",
                times=_times(found.counts[kind]),
            )
            yield Note(kind, text, severity, found.first[kind])  # type: ignore[arg-type] # it is a Severity


def _checked_object(found: _Findings, chunk: int, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs; keys that occur twice are added to ``found``."""
    value = dict(pairs)
    if len(value) < len(pairs):
        for name, times in Counter(name for name, _ in pairs).items():
            if times > 1:
                found.add("duplicate-key", chunk, name)
    return value
