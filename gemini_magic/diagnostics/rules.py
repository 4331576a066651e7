"""What is odd about a whole stream: found by looking over all that arrived, when somebody asks.

What a single byte or chunk shows is noted by the readers as it comes; here is what takes two chunks to see, or JSON read
once more. It changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final

from ..backends import backend
from ..content import Opaque, Text
from ..events import Chunk, Delta, Failure, Finish, Note
from ..ledger import Ledger
from ..lenient_json import clean
from ..tables import Rows
from .offsets import ChunkOffsets

__all__ = ["lint"]

_LONG_GAP: Final = 10.0  # seconds between two chunks that a reader feels as standing still
_TWICE: Final = 20  # characters: shorter pieces of text may well come twice in a row
_FEW: Final = 5  # different characters: ruled lines do come twice
_ALIAS: Final = ("latest", "gemini-pro", "gemini-flash")  # names that stand for whatever is newest
_NAME: Final = 60  # characters of a server's word
_FOUND: Final = 5  # names of unknown fields that one note tells


def lint(ledger: Ledger) -> list[Note]:
    """The oddities of a stream as a whole, in the order of its chunks.

    One note of a kind at most, about the first chunk that shows it; it says how many there are. The time is linear in
    the bytes, which are parsed once more.

    Args:
        ledger: the record; of one that still runs, what is there.
    """
    chunks = list(ledger.raw)
    notes = [
        *_ends(ledger),
        *_usage(ledger),
        *_texts(ledger),
        *_gaps(chunks),
        *_model(ledger),
        *_held(ledger),
    ]
    undocumented = backend(ledger.backend).undocumented
    if undocumented is not None:
        notes += _fields(chunks, undocumented)
    return sorted(notes, key=lambda note: -1 if note.chunk is None else note.chunk)


def _times(count: int) -> str:
    return "" if count == 1 else f" ({count:,} times)"


def _ends(ledger: Ledger) -> Iterator[Note]:
    """A reason to end that was not the end."""
    rows = Rows(ledger.event_columns)
    early: list[int] = []
    pending: dict[int, int] = {}  # candidate -> chunk that said it was over
    for event, chunk in zip(list(ledger.events), rows["chunk"], strict=False):
        if chunk is None:
            continue
        if isinstance(event, Finish) and not event.prompt and event.outcome is not None:
            pending.setdefault(event.candidate, chunk)
        elif isinstance(event, Delta) and pending.get(event.candidate, chunk) < chunk:
            if not (isinstance(event.part, Text) and not event.part.text):
                early.append(pending[event.candidate])
            del pending[event.candidate]
    if early:
        yield Note(
            "early-finish",
            f"A finish reason came before the end{_times(len(early))}: the answer went on. A reader that stops there loses "
            "the rest.",
            "info",
            early[0],
        )


def _usage(ledger: Ledger) -> Iterator[Note]:
    rows = Rows(ledger.usage_columns)
    totals = [
        (chunk, total) for chunk, total in zip(rows["chunk"], rows["total"], strict=True) if total is not None
    ]
    shrunk = [now for before, now in pairwise(totals) if now[1] < before[1]]
    if shrunk:
        yield Note(
            "usage-shrank",
            f"The total of tokens became smaller{_times(len(shrunk))}: it is no running total here. The last one counts.",
            "warning",
            shrunk[0][0],
        )


def _texts(ledger: Ledger) -> Iterator[Note]:
    """Text that comes twice: the same piece again, or all of it from the beginning."""
    columns = Rows(ledger.chunk_columns)
    texts: Sequence[str] = columns["text"]
    again = [
        at
        for at in range(1, len(texts))
        if len(texts[at]) >= _TWICE and texts[at] == texts[at - 1] and len(set(texts[at])) > _FEW
    ]
    if again:
        yield Note(
            "duplicate-text",
            f"A chunk repeats the text of the one before{_times(len(again))}. Nothing was left out.",
            "warning",
            again[0],
        )
    said = [(at, text) for at, text in enumerate(texts) if text]
    if len(said) > 1 and len(said[-1][1]) >= _TWICE:
        if not all(later.startswith(earlier) for (_, earlier), (_, later) in pairwise(said)):
            return
        yield Note(
            "cumulative-text",
            "Each chunk repeats the whole text so far; the Gemini API sends what is new only.",
            "warning",
            said[1][0],
        )


def _gaps(chunks: Sequence[Chunk]) -> Iterator[Note]:
    gaps = [(later.t - earlier.t, later.index) for earlier, later in pairwise(chunks)]
    long = [gap for gap in gaps if gap[0] >= _LONG_GAP]
    if long:
        longest = max(long)
        count = f", one of {len(long)} longer than {_LONG_GAP:g} s" if len(long) > 1 else ""
        yield Note(
            "gap", f"Nothing came for {longest[0]:.1f} s before this chunk{count}.", "info", longest[1]
        )


def _model(ledger: Ledger) -> Iterator[Note]:
    asked = ledger.request.model.removeprefix("models/") if ledger.request else ""
    came = clean(ledger.model_version or "").removeprefix("models/")[:_NAME]
    if (
        asked
        and came
        and not came.startswith(asked)
        and not asked.startswith(came)
        and not asked.endswith(_ALIAS)
    ):
        yield Note("other-model", f"{asked!r} was asked, {came!r} answered.", "info")


def _held(ledger: Ledger) -> Iterator[Note]:
    """Parts of a kind that is not known, an error that is no event, and a whole answer with nothing in it."""
    places = ChunkOffsets(ledger)
    unknown: dict[str, int] = {}
    rows = Rows(ledger.event_columns)
    for event, chunk in zip(list(ledger.events), rows["chunk"], strict=False):
        if chunk is None:
            continue
        if isinstance(event, Delta) and isinstance(event.part, Opaque):
            names = sorted(str(name) for name in event.part.raw if name != "thoughtSignature")
            unknown.setdefault(clean(", ".join(names))[:_NAME] or "one without a field", chunk)
        elif isinstance(event, Failure) and places.bare(chunk):
            words = "An error stands outside `data:`; many clients would not have seen it."
            yield Note("error-outside-data", words, "warning", chunk)
    if unknown:
        listed = "; ".join(list(unknown)[:_FOUND])
        words = f"Parts of a kind that is not known here: {listed}. They are kept as they came."
        yield Note("unknown-part", words, "info", min(unknown.values()))
    if ledger.status == "complete" and not any(ledger.parts.values()):
        yield Note("empty-answer", "The answer is complete, and nothing is in it.", "warning")


# -- what the JSON holds


def _fields(
    chunks: Sequence[Chunk], undocumented: Callable[[Any], Iterable[tuple[str, str]]]
) -> Iterator[Note]:
    seen: dict[str, dict[str, int]] = {"unknown-field": {}, "unknown-value": {}, "duplicate-key": {}}
    counts = dict.fromkeys(("empty-part", "empty-signature"), 0)
    first: dict[str, int] = {}

    def found(kind: str, name: str, at: int) -> None:
        first.setdefault(kind, at)
        names = seen[kind]
        name = clean(name)[:_NAME]
        names[name] = names.get(name, 0) + 1

    for chunk in chunks:
        try:
            value = json.loads(chunk.raw, object_pairs_hook=partial(_paired, found, chunk.index))
        except (ValueError, RecursionError):
            continue  # the readers have said so
        for kind, name in undocumented(value):
            if kind in counts:
                counts[kind] += 1
                first.setdefault(kind, chunk.index)
            else:
                found(kind, name, chunk.index)
    if names := seen["unknown-field"]:
        more = f" and {len(names) - _FOUND} more" if len(names) > _FOUND else ""
        listed = ", ".join(sorted(names)[:_FOUND])
        yield Note(
            "unknown-field",
            f"Fields that are not documented: {listed}{more}. They are in `raw`.",
            "info",
            first["unknown-field"],
        )
    if names := seen["unknown-value"]:
        listed = ", ".join(sorted(names)[:_FOUND])
        told = f"Words that are not documented: {listed}. They are taken as they are."
        yield Note("unknown-value", told, "info", first["unknown-value"])
    if names := seen["duplicate-key"]:
        yield Note(
            "duplicate-key",
            f"An object names a field twice ({', '.join(sorted(names)[:_FOUND])}); the last value counts.",
            "warning",
            first["duplicate-key"],
        )
    words = {
        "empty-part": "A part is empty",
        "empty-signature": "A thought signature came on an empty part; it is kept, and sent back in a conversation",
    }
    for kind, count in counts.items():
        if count:
            yield Note(kind, f"{words[kind]}{_times(count)}.", "info", first[kind])


def _paired(found: Any, at: int, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        for name in {name for name in names if names.count(name) > 1}:
            found("duplicate-key", name, at)
    return value
