"""What is odd about a whole stream: found by looking over all that arrived, when somebody asks.

What a single byte or chunk shows is noted by the readers as it comes; here is what takes two chunks to see, or JSON read
once more. It changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final

from .content import Text
from .events import Chunk, Delta, Finish, Note, status_of
from .ledger import Ledger
from .surrogates import clean

__all__ = ["lint"]

_LONG_GAP: Final = 10.0  # seconds between two chunks that a reader feels as standing still
_TWICE: Final = 20  # characters: shorter pieces of text may well come twice in a row
_ALIAS: Final = ("latest", "gemini-pro", "gemini-flash")  # names that stand for whatever is newest
_NAME: Final = 60  # characters of a server's word
_FOUND: Final = 5  # names of unknown fields that one note tells

# The documented fields of a streamed answer (Gemini API and Vertex AI references, GenerateContentResponse), and those of
# gateways that this package knows. Others are kept, and shown in the raw JSON.
_ANSWER: Final = {
    "candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId", "createTime", "modelStatus",
    "serviceTier", "error", "provider", "cache_tier", "automaticFunctionCallingHistory",
}  # fmt: skip
_CANDIDATE: Final = {
    "content", "index", "finishReason", "finishMessage", "safetyRatings", "citationMetadata", "groundingMetadata",
    "groundingAttributions", "urlContextMetadata", "tokenCount", "avgLogprobs", "logprobsResult", "continuationToken",
    "score",
}  # fmt: skip
_PART: Final = {
    "text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "videoMetadata", "mediaResolution", "partMetadata", "toolCall", "toolResponse",
}  # fmt: skip
_USAGE: Final = {
    "promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount", "cachedContentTokenCount",
    "toolUsePromptTokenCount", "promptTokensDetails", "candidatesTokensDetails", "cacheTokensDetails",
    "toolUsePromptTokensDetails", "trafficType", "serviceTier", "cache_tier",
}  # fmt: skip
_DIALECTS: Final = ("gemini", "vertex", "adaptive")


def lint(ledger: Ledger) -> list[Note]:
    """The oddities of a stream as a whole, in the order of its chunks.

    One note of a kind at most, about the first chunk that shows it; it says how many there are. The time is linear in
    the bytes, which are parsed once more.

    Args:
        ledger: the record; of one that still runs, what is there.
    """
    chunks = list(ledger.raw)
    notes = [*_ends(ledger), *_usage(ledger), *_texts(ledger), *_gaps(chunks), *_model(ledger)]
    if ledger.backend in _DIALECTS:
        notes += _fields(chunks)
    return sorted(notes, key=lambda note: -1 if note.chunk is None else note.chunk)


def _times(count: int) -> str:
    return "" if count == 1 else f" ({count:,} times)"


def _ends(ledger: Ledger) -> Iterator[Note]:
    """A reason to end that was not the end."""
    rows = ledger.event_columns.rows()
    early: list[int] = []
    pending: dict[int, int] = {}  # candidate -> chunk that said it was over
    for event, chunk in zip(list(ledger.events), rows["chunk"], strict=False):
        if chunk is None:
            continue
        if isinstance(event, Finish) and not event.prompt and status_of(event.reason) is not None:
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
            "warning",
            early[0],
        )


def _usage(ledger: Ledger) -> Iterator[Note]:
    rows = ledger.usage_columns.rows()
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
    columns = ledger.chunk_columns.rows()
    texts: Sequence[str] = columns["text"]
    again = [at for at in range(1, len(texts)) if len(texts[at]) >= _TWICE and texts[at] == texts[at - 1]]
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


# -- what the JSON holds


def _fields(chunks: Sequence[Chunk]) -> Iterator[Note]:
    seen: dict[str, dict[str, int]] = {"unknown-field": {}, "duplicate-key": {}}
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
        for where, item, known in _objects(value):
            for name in item.keys() - known:
                found("unknown-field", f"{where}{name}", chunk.index)
            kind = _emptiness(item) if known is _PART else None
            if kind:
                counts[kind] += 1
                first.setdefault(kind, chunk.index)
    if names := seen["unknown-field"]:
        more = f" and {len(names) - _FOUND} more" if len(names) > _FOUND else ""
        listed = ", ".join(sorted(names)[:_FOUND])
        yield Note(
            "unknown-field",
            f"Fields that are not documented: {listed}{more}. They are in `raw`.",
            "info",
            first["unknown-field"],
        )
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


def _objects(value: Any) -> Iterator[tuple[str, Mapping[str, Any], set[str]]]:
    """The objects of an answer whose fields are documented, each with where it stands and what is known there."""
    if not isinstance(value, dict):
        return
    yield "", value, _ANSWER
    usage = value.get("usageMetadata")
    if isinstance(usage, dict):
        yield "usageMetadata.", usage, _USAGE
    candidates = value.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if not isinstance(candidate, dict):
            continue
        yield "candidates.", candidate, _CANDIDATE
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                yield "parts.", part, _PART


def _emptiness(part: Mapping[str, Any]) -> str | None:
    if part.get("text", "") != "" or part.keys() - {"text", "thought", "thoughtSignature"}:
        return None
    return "empty-signature" if part.get("thoughtSignature") else "empty-part"
