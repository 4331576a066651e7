"""Decodes what Gemini reports about an answer beside its text: citations, grounding, pages that it read, safety, scores.

Reference: ai.google.dev, ``CitationMetadata``, ``GroundingMetadata``, ``UrlContextMetadata``, ``SafetyRating`` and
``LogprobsResult``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ..events import (
    Citation,
    Event,
    Evidence,
    Grounding,
    Note,
    RetrievedPage,
    SafetyRating,
    Source,
    Support,
    TokenScore,
)
from ..text import MAX_DEPTH, json_safe, read_json
from .gemini_reference import with_documented_names

__all__ = ["add_evidence", "safety_ratings", "token_scores", "unread_pages"]

_RETRIEVAL: Final[dict[int | str, str]] = {1: "success", 2: "error", 3: "paywall", 4: "unsafe"}  # by number
_STATUS: Final = "URL_RETRIEVAL_STATUS_"
_READ: Final = ("", "success", "unspecified")
_URL_QUOTED: Final = 200  # characters of an address that a note quotes
_QUOTED: Final = 40  # characters of a status that a note quotes
_LARGEST: Final = 2**53  # larger numbers are not offsets
# The kinds of sources, and the fields with their address and their title in order of preference.
_KINDS: Final = {
    "web": ("web", ("uri",), ("title",)),
    "image": ("image", ("sourceUri", "imageUri"), ("title",)),
    "maps": ("maps", ("uri",), ("title",)),
    "retrievedContext": ("file", ("uri",), ("title", "documentName", "fileSearchStore")),
}
_OTHER_FIELDS: Final = (("uri", "sourceUri"), ("title", "name"))


def add_evidence(candidate: Any, index: int, events: list[Event]) -> None:
    """Append the evidence of a candidate.

    Args:
        candidate: the candidate, as the typed decoder read it.
        index: its index.
        events: receives the events.
    """
    if citation := candidate.citation_metadata:
        events.append(Evidence("citation", citation, index, _citations(citation)))
    if grounding := candidate.grounding_metadata:
        events.append(Evidence("grounding", grounding, index, grounding=_grounding(grounding)))
    if url_context := candidate.url_context_metadata:
        events.append(Evidence("url_context", url_context, index, pages=_pages(url_context)))


def unread_pages(metadata: Any, notes: Sequence[Event]) -> list[Event]:
    """Return notes about the pages that the ``url_context`` tool could not read, without those in ``notes``."""
    found: list[Event] = []
    for url, status in _pages(metadata):
        if status not in _READ:
            message = f"The page {url[:_URL_QUOTED]} could not be read ({status[:_QUOTED]})."
            note = Note("page-not-read", message, "warning")
            if note not in notes:
                found.append(note)
    return found


def _pages(metadata: Any) -> tuple[RetrievedPage, ...]:
    return tuple(
        RetrievedPage(_text(page.get("retrievedUrl")), _page_status(page.get("urlRetrievalStatus")))
        for page in _objects(metadata, "urlMetadata")
    )


def _page_status(value: Any) -> str:
    if not isinstance(value, int | str) or value in (0, "0", ""):
        return ""
    number = int(value) if isinstance(value, str) and value in ("1", "2", "3", "4") else value
    return _RETRIEVAL.get(number) or str(value).removeprefix(_STATUS).lower()


def _citations(metadata: Any) -> tuple[Citation, ...]:
    """The sources in ``citationMetadata``: the Developer API lists them as ``citationSources``, Vertex AI as ``citations``."""
    return tuple(
        _citation(source) for name in ("citationSources", "citations") for source in _objects(metadata, name)
    )


def _citation(source: dict[str, Any]) -> Citation:
    start, end = (
        value if isinstance(value := source.get(name), int) else None for name in ("startIndex", "endIndex")
    )
    uri, title, terms = (
        None if source.get(name) is None else str(source[name]) for name in ("uri", "title", "license")
    )
    return Citation(start, end, uri, title, terms)


def _grounding(metadata: Any) -> Grounding:
    if not isinstance(metadata, dict):
        return Grounding()
    entry = metadata.get("searchEntryPoint")
    queries = [
        query.strip()
        for name in ("webSearchQueries", "imageSearchQueries")
        for query in _list(metadata.get(name))
        if isinstance(query, str) and query.strip()  # Gemini 2.5 sends empty ones, too
    ]
    return Grounding(
        tuple(map(_source, _list(metadata.get("groundingChunks")))),
        tuple(map(_support, _objects(metadata, "groundingSupports"))),
        tuple(dict.fromkeys(queries)),
        _text(entry.get("renderedContent")) if isinstance(entry, dict) else "",
    )


def _source(chunk: Any) -> Source:
    """One entry of ``groundingChunks``; every entry becomes a source, as supports count them."""
    if not isinstance(chunk, dict):
        return Source("other", _text(chunk))
    for name, value in chunk.items():
        if isinstance(value, dict):
            kind, uris, titles = _KINDS.get(name, (name, *_OTHER_FIELDS))
            text = _text(value.get("text"))
            title = _first(value, titles)
            page = value.get("pageNumber")
            if kind == "file" and isinstance(page, int) and title:
                title = f"{title}, page {page}"
            return Source(kind, title, _first(value, uris), _text(value.get("domain")), text)
    return Source("other")


def _support(support: dict[str, Any]) -> Support:
    segment = support.get("segment")
    segment = segment if isinstance(segment, dict) else {}
    end = _offset(segment.get("endIndex"))
    start = _offset(segment.get("startIndex"))
    indices = [_offset(index) for index in _list(support.get("groundingChunkIndices"))]
    return Support(
        (start or 0) if end is not None else start,  # the API leaves out zeros
        end,
        _text(segment.get("text")),
        tuple(index for index in indices if index is not None),
        _offset(segment.get("partIndex")),
    )


def safety_ratings(raw: bytes) -> list[SafetyRating]:
    """Return the safety ratings in one JSON text: those of the prompt, then those of the candidates."""
    if b"safetyRatings" not in raw and b"safety_ratings" not in raw:
        return []
    value = _value(raw)
    feedback = value.get("promptFeedback")
    found = [_rating(None, each) for each in _objects(feedback, "safetyRatings")]
    for index, candidate in _candidates(value):
        found += [_rating(index, each) for each in _objects(candidate, "safetyRatings")]
    return found


def _rating(candidate: int | None, value: dict[str, Any]) -> SafetyRating:
    blocked = value.get("blocked")
    return SafetyRating(
        candidate,
        _name(value.get("category"), "HARM_CATEGORY_") or "",
        _name(value.get("probability"), "HARM_PROBABILITY_"),
        blocked if isinstance(blocked, bool) else None,
        _number(value.get("probabilityScore")),
        _name(value.get("severity"), "HARM_SEVERITY_"),
        _number(value.get("severityScore")),
    )


def token_scores(raw: bytes) -> list[TokenScore]:
    """Return the tokens with log probabilities in one JSON text."""
    if b"logprobsResult" not in raw and b"logprobs_result" not in raw:
        return []
    found = []
    for index, candidate in _candidates(_value(raw)):
        result = candidate.get("logprobsResult")
        tops = _list(result.get("topCandidates")) if isinstance(result, dict) else []
        for place, chosen in enumerate(_objects(result, "chosenCandidates")):
            top = tops[place] if place < len(tops) else None
            found.append(
                TokenScore(
                    index,
                    _text(chosen.get("token")),
                    _offset(chosen.get("tokenId")),
                    _number(chosen.get("logProbability")),
                    tuple(
                        (_text(each.get("token")), _number(each.get("logProbability")))
                        for each in _objects(top, "candidates")
                    ),
                )
            )
    return found


def _value(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        try:
            value = read_json(raw, max_depth=MAX_DEPTH)
        except ValueError:
            return {}
    value = json_safe(value)
    if b"_" in raw:
        value = with_documented_names(value)
        value = _with_inner_names(value)
    return value if isinstance(value, dict) else {}


def _with_inner_names(value: Any) -> Any:
    """A JSON value in which all names below the ratings and scores of candidates are the API's own."""
    if not isinstance(value, dict):
        return value
    holders = [value.get("promptFeedback"), *_list(value.get("candidates"))]
    for holder in holders:
        for name in ("safetyRatings", "logprobsResult"):
            if isinstance(holder, dict) and name in holder:
                holder[name] = with_documented_names(holder[name], everywhere=True)
    return value


def _candidates(value: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The candidates with their indices; one without an index has its place in the list."""
    for place, candidate in enumerate(_objects(value, "candidates")):
        index = candidate.get("index")
        yield index if type(index) is int and 0 <= index < 2**31 else place, candidate


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    """The objects in a list that is a field of an object; empty for any other value."""
    return [
        each for each in _list(value.get(name) if isinstance(value, dict) else None) if isinstance(each, dict)
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _first(value: dict[str, Any], names: Sequence[str]) -> str:
    """The first field of some names that is a text which is not empty."""
    return next((text for name in names if (text := _text(value.get(name)))), "")


def _offset(value: Any) -> int | None:
    """A number that is not negative, also as a string, as servers write 64-bit integers; None for any other value."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17:  # noqa: PLR2004 - _LARGEST
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST
    return value if fits else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _name(value: Any, prefix: str) -> str | None:
    """An enum value in lower case without its prefix; an unknown value as sent."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.removeprefix(prefix).lower() if isinstance(value, str) and value else None
