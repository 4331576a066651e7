"""What is odd about a stream as a whole: a second look at what was kept, taken when somebody asks.

What a reader stumbles over is noted while it is read (``wire``, ``backends``); this looks for what a single chunk does
not show, and for what nobody needs to know while an answer arrives. It changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from .content import Opaque, Text, Thought
from .events import Delta, Event, Failure, Finish, Note, Usage, UsageReport
from .ledger import Ledger
from .places import Places

__all__ = ["GAP", "all_notes"]

GAP = 10.0  # seconds without a byte that are worth a note
_MUCH = 20  # characters that two chunks do not have in common by chance
_MOST = 50  # notes of one look
_GEMINI = ("gemini", "vertex", "adaptive", "echo")  # dialects whose fields are the Gemini API's

# The fields of GenerateContentResponse (ai.google.dev and Vertex AI), and those that gateways are known to add.
_KNOWN: dict[str, frozenset[str]] = {
    path: frozenset(names.split())
    for path, names in {
        "": "candidates promptFeedback usageMetadata modelVersion responseId createTime modelStatus error provider "
        "serviceTier",
        "candidates[]": "index content finishReason finishMessage safetyRatings citationMetadata groundingMetadata "
        "urlContextMetadata avgLogprobs logprobsResult tokenCount continuationToken groundingAttributions",
        "candidates[].content": "parts role",
        "candidates[].content.parts[]": "text thought thoughtSignature inlineData fileData functionCall "
        "functionResponse executableCode codeExecutionResult videoMetadata mediaResolution partMetadata",
        "usageMetadata": "promptTokenCount cachedContentTokenCount candidatesTokenCount thoughtsTokenCount "
        "toolUsePromptTokenCount totalTokenCount promptTokensDetails cacheTokensDetails candidatesTokensDetails "
        "toolUsePromptTokensDetails trafficType serviceTier cache_tier",
        "promptFeedback": "blockReason blockReasonMessage safetyRatings",
    }.items()
}
_DATA = frozenset(
    [
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
    ]
)
# Words of the API's enums. An unknown reason to finish is noted where the answer ends.
_WORDS: dict[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "blockReason": "BLOCK_REASON_UNSPECIFIED SAFETY OTHER BLOCKLIST PROHIBITED_CONTENT IMAGE_SAFETY MODEL_ARMOR "
        "JAILBREAK",
        "modality": "MODALITY_UNSPECIFIED TEXT IMAGE VIDEO AUDIO DOCUMENT",
        "probability": "HARM_PROBABILITY_UNSPECIFIED NEGLIGIBLE LOW MEDIUM HIGH",
        "outcome": "OUTCOME_UNSPECIFIED OUTCOME_OK OUTCOME_FAILED OUTCOME_DEADLINE_EXCEEDED",
        "language": "LANGUAGE_UNSPECIFIED PYTHON",
    }.items()
}
# What two chunks have in common when they cannot differ in anything that is looked for: names, words, empty lists.
_SKELETON = re.compile(rb'"(\w{1,60})"\s*:\s*("[A-Z][A-Z0-9_]*"|\[\s*\])?')


def all_notes(ledger: Ledger) -> list[Note]:
    """The ledger's own notes, then what a second look finds; each with its chunk and its byte where they are known."""
    found = [*ledger.notes, *_Look(ledger).notes()]
    return Places(ledger).filled(found)


class _Finding:
    """One kind of oddity: where it was first seen, and how often."""

    def __init__(self, detail: str, chunk: int | None) -> None:
        self.detail = detail
        self.chunk = chunk
        self.count = 0

    def times(self) -> str:
        return "" if self.count == 1 else f" ({self.count:,} times, here first)"


class _Look:
    """One look over a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._found: dict[tuple[str, str], _Finding] = {}

    def notes(self) -> Iterator[Note]:
        """What was found."""
        ledger = self._ledger
        chunks = list(ledger.raw)
        self._events(list(ledger.log.pairs()))
        if ledger.backend in _GEMINI:
            self._values([chunk.raw for chunk in chunks])
        yield from self._told()
        yield from _gaps([chunk.t for chunk in chunks])
        yield from _model(ledger)
        if ledger.status == "complete" and not any(ledger.parts.values()):
            yield Note("empty-answer", "The answer is complete, and nothing is in it.", "warning")

    def _see(self, kind: str, detail: str, chunk: int, *, each: bool = True) -> None:
        """It was seen; with ``each`` every detail is a note of its own."""
        key = (kind, detail if each else "")
        if key in self._found or len(self._found) < _MOST:
            self._found.setdefault(key, _Finding(detail, chunk)).count += 1

    def _told(self) -> Iterator[Note]:
        for (kind, _), finding in self._found.items():
            severity, words = _TOLD[kind]
            yield Note(kind, words.format(finding.detail) + finding.times() + ".", severity, finding.chunk)

    # -- what the chunks meant

    def _events(self, pairs: Sequence[tuple[int, Event]]) -> None:
        last = {
            event.candidate: chunk
            for chunk, event in pairs
            if isinstance(event, Delta)
            and not (isinstance(event.part, Text | Thought) and not event.part.text)
        }
        usage: Usage | None = None
        before, pieces, length = "", list[str](), 0
        for chunk, event in pairs:
            if isinstance(event, Delta):
                self._part(event, chunk)
                if isinstance(event.part, Text) and event.candidate == 0:
                    text = event.part.text
                    if len(text) >= _MUCH:
                        whole = "".join(pieces) if len(text) == length else None
                        self._twice(text, before, whole, chunk)
                    before, length = text, length + len(text)
                    pieces.append(text)
            elif isinstance(event, Finish) and not event.prompt:
                if last.get(event.candidate, -1) > chunk:
                    self._see("early-finish", event.reason[:_MUCH], chunk)
            elif isinstance(event, UsageReport):
                if usage is not None:
                    self._shrank(usage, event.usage, chunk)
                if usage is None or event.usage.total is not None:
                    usage = event.usage
            elif isinstance(event, Failure) and chunk >= 0 and Places(self._ledger).bare(chunk):
                self._see("error-outside-data", "", chunk)

    def _part(self, event: Delta, chunk: int) -> None:
        part = event.part
        if isinstance(part, Opaque):
            names = ", ".join(sorted(map(str, part.raw))[:3])
            self._see("unknown-part", names, chunk)
        elif isinstance(part, Text | Thought) and not part.text:
            self._see("empty-part" if part.signature is None else "signature-on-empty", "", chunk)

    def _twice(self, text: str, before: str, whole: str | None, chunk: int) -> None:
        """A text that the chunk ``before`` or the ``whole`` of the answer so far has already."""
        if text in (before, whole):
            self._see("duplicate-text", "that of the one before" if text == before else "all so far", chunk)
        elif len(before) >= _MUCH and text.startswith(before):
            self._see("cumulative-text", "", chunk)

    def _shrank(self, before: Usage, now: Usage, chunk: int) -> None:
        pairs = [(name, getattr(before, name), getattr(now, name)) for name in ("prompt", "output", "total")]
        shrank = [
            f"{name} from {old:,} to {new:,}"
            for name, old, new in pairs
            if old is not None and new is not None and new < old
        ]
        if shrank:
            self._see("usage-shrank", ", ".join(shrank), chunk, each=False)

    # -- what the chunks were

    def _values(self, raws: Sequence[bytes]) -> None:
        seen: dict[tuple[Any, ...], list[tuple[str, str]]] = {}
        for chunk, raw in enumerate(raws):
            skeleton = tuple(_SKELETON.findall(raw))
            if skeleton not in seen:
                seen[skeleton] = list(dict.fromkeys(_oddities(raw)))
            for kind, detail in seen[skeleton]:
                self._see(kind, detail, chunk)


_TOLD: dict[str, tuple[Any, str]] = {
    "early-finish": ("info", "{} was said before the end; who stops there loses the rest"),
    "usage-shrank": ("info", "A running total shrank: {}; the last total counts"),
    "empty-part": ("info", "A part has an empty text"),
    "empty-parts": ("info", "A chunk has an empty list of parts"),
    "signature-on-empty": ("info", "A signature came on an empty text; it is kept and sent back with the conversation"),
    "duplicate-text": ("warning", "The text of a chunk is {} once more; nothing was removed"),
    "cumulative-text": ("warning", "A chunk begins with the text of the one before: its server may send totals, not pieces"),
    "unknown-part": ("info", "A part of a kind that this version does not know ({}); it is kept as it came"),
    "unknown-field": ("info", "A field that this version does not know, {}; it is in `raw`"),
    "unknown-value": ("info", "A word that this version does not know, {}; it is taken as it is"),
    "duplicate-key": ("warning", "An object has the key {} twice; the last one counts"),
    "error-outside-data": ("warning", "An error stood outside `data:`; many clients would not have seen it"),
}  # fmt: skip


def _gaps(times: Sequence[float]) -> Iterator[Note]:
    long = [(later - earlier, chunk) for chunk, (earlier, later) in enumerate(pairwise(times), 1)]
    long = [gap for gap in long if gap[0] > GAP]
    if long:
        gap, chunk = max(long)
        more = f", the longest of {len(long):,} such waits" if len(long) > 1 else ""
        yield Note("long-gap", f"Nothing came for {gap:.1f} s before this chunk{more}.", "info", chunk)


def _model(ledger: Ledger) -> Iterator[Note]:
    """Another model than the one asked; an alias is meant to be another."""
    asked = (
        ledger.request.model if ledger.request else ledger.exchanges[-1].model if ledger.exchanges else None
    )
    if asked is None or not ledger.model_version or ledger.backend not in _GEMINI:
        return
    asked = asked.rpartition("/")[2]
    came = ledger.model_version.rpartition("/")[2][:80]
    if came.startswith(asked) or ledger.backend == "echo":
        return
    if asked.endswith("-latest"):
        yield Note("model-alias", f"{asked} stood for {came}.")
    else:
        yield Note("model-differs", f"{asked} was asked, {came} answered.", "warning")


def _oddities(raw: bytes) -> Iterator[tuple[str, str]]:
    """What is odd in one JSON text."""
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            names = [name for name, _ in items]
            twice.extend(name for name in made if names.count(name) > 1)
        return made

    try:
        value = json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return  # noted when it was read
    yield from (("duplicate-key", repr(name[:60])) for name in twice)
    yield from _unknown(value, "")


def _unknown(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        if path.endswith(".parts") and not value:
            yield "empty-parts", ""
        for item in value:
            yield from _unknown(item, f"{path}[]")
    elif isinstance(value, dict):
        known = _KNOWN.get(path)
        data = path.endswith((".args", ".response", "groundingMetadata", "error", ".raw"))
        if data:
            return
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            if known is not None and name not in known:
                if not path.endswith(".parts[]") or value.keys() & _DATA:  # else it is an unknown part
                    yield "unknown-field", inner[:100]
            elif isinstance(item, str) and name in _WORDS and item not in _WORDS[name]:
                yield "unknown-value", f"{inner}: {item[:40]}"
            else:
                yield from _unknown(item, inner)
