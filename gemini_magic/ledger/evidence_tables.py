"""The rows of the tables of sources, pages, safety ratings, log probabilities and transcripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from ..content import Transcript
from ..events import SafetyRating, TokenScore
from .candidates import Candidate
from .ledger import Ledger
from .row_types import LogprobRow, SafetyRow, SourceRow, TranscriptRow, UrlContextRow
from .sources import NumberedSource, answer_sources, pages_of

__all__ = ["logprob_rows", "safety_rows", "source_rows", "transcript_rows", "url_context_rows"]

_AHEAD: Final = 200  # bytes of the answer in which a token is looked for where it is not the next text


def source_rows(ledger: Ledger, candidate: int = 0, text: str | None = None) -> Iterator[SourceRow]:
    """Return the rows of the numbered sources of a candidate; arguments as for :func:`answer_sources`."""
    return map(_source_row, answer_sources(ledger, candidate, text).sources)


def _source_row(each: NumberedSource) -> SourceRow:
    source = each.source
    passages = [
        {"start": passage.first, "end": passage.last, "text": passage.text} for passage in each.passages
    ]
    return SourceRow(
        each.number,
        source.kind,
        each.title,
        source.uri,
        each.domain,
        source.license or None,
        len(passages),
        "\n".join(passage.text for passage in each.passages),
        _json({"passages": passages, "text": source.text}),
    )


def url_context_rows(ledger: Ledger) -> Iterator[UrlContextRow]:
    """Return the rows of the pages that the server was to read for candidate 0."""
    return (UrlContextRow(page.url, page.status, chunk) for chunk, page in pages_of(ledger, 0))


def safety_rows(ledger: Ledger, read: Callable[[bytes], Sequence[SafetyRating]]) -> Iterator[SafetyRow]:
    """Return the rows of the safety ratings.

    Args:
        ledger: the record.
        read: the backend's reader of the ratings in one JSON text.
    """
    for chunk in ledger.raw:
        for rating in read(chunk.raw):
            yield SafetyRow(
                chunk.index,
                chunk.t,
                "prompt" if rating.candidate is None else "answer",
                rating.candidate,
                rating.category,
                rating.probability,
                None if rating.blocked is None else int(rating.blocked),
                rating.probability_score,
                rating.severity,
                rating.severity_score,
            )


def logprob_rows(ledger: Ledger, read: Callable[[bytes], Sequence[TokenScore]]) -> Iterator[LogprobRow]:
    """Return the rows of the tokens with log probabilities.

    Args:
        ledger: the record.
        read: the backend's reader of the tokens in one JSON text.
    """
    places: dict[int, _TokenPlaces] = {}
    index = 0
    for chunk in ledger.raw:
        for score in read(chunk.raw):
            if score.candidate not in places:
                places[score.candidate] = _TokenPlaces(Candidate(ledger, score.candidate).text)
            yield LogprobRow(
                index,
                chunk.index,
                score.candidate,
                score.token,
                score.logprob,
                places[score.candidate].next(score.token),
                score.token_id,
                _json({"alternatives": score.alternatives}),
            )
            index += 1


class _TokenPlaces:
    """Finds tokens in the text of an answer, one after the other.

    Tokens of thoughts are not in it, and a token can be a part of a character.
    """

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "replace")
        self._at = 0

    def next(self, token: str) -> int | None:
        """The byte at which the next token begins; None if it is not in the text."""
        data = token.encode("utf-8", "replace")
        if not data:
            return None
        if "\ufffd" in token and not self._data.startswith(data, self._at):  # a part of a character
            return self._at if self._at < len(self._data) else None
        at = self._data.find(data, self._at, self._at + _AHEAD + len(data))
        if at < 0:
            return None
        self._at = at + len(data)
        return at


def transcript_rows(ledger: Ledger) -> Iterator[TranscriptRow]:
    """Return the rows of the transcripts in candidate 0."""
    parts = (part for part in Candidate(ledger, 0).parts if isinstance(part, Transcript))
    return (
        TranscriptRow(
            index,
            part.speaker,
            part.language,
            part.start,
            part.end,
            part.text,
            _json({"words": part.words, "finished": part.finished}),
        )
        for index, part in enumerate(parts)
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)
