"""Citations, searches and pages of the Interactions API as evidence of an answer.

Annotations count bytes of the UTF-8 form of the text of their step (measured on recorded answers; the samples in the
documentation count characters, which is wrong for text that is not ASCII).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ..events import Event, Evidence, Grounding, Note, RetrievedPage, Source, Support
from .wire_values import count_of, list_of, object_of, objects_of, text_of

__all__ = ["TextPlace", "citation_key", "citations", "tool_evidence"]

_KINDS: Final = {"url_citation": "web", "file_citation": "file", "place_citation": "maps"}
_LARGEST: Final = 2**53  # larger numbers are not offsets
_QUOTED: Final = 200  # characters of an address that a note quotes
_READ: Final = ("", "success")


class TextPlace(NamedTuple):
    """Where the text of a step lies in the answer.

    Attributes:
        start: bytes of the answer before it; None if text of other steps lies within it.
        size: its bytes.
    """

    start: int | None
    size: int


def citation_key(step: int, annotation: dict[str, Any]) -> tuple[Any, ...]:
    """What makes a citation the same as one that was sent before: its step, its passage and its source."""
    uri = annotation.get("url") or annotation.get("document_uri") or annotation.get("place_id")
    kind, start, end = (annotation.get(name) for name in ("type", "start_index", "end_index"))
    return (step, *(each if isinstance(each, str | int) else None for each in (kind, start, end, uri)))


def citations(annotations: Sequence[dict[str, Any]], place: TextPlace) -> list[Event]:
    """Return the evidence in annotations of a text: sources with their passages, and other annotations as received.

    Args:
        annotations: as sent.
        place: the text that their offsets count in.
    """
    sources: dict[Source, int] = {}
    supports: list[Support] = []
    for each in annotations:
        if (source := _source(each)) is not None:
            number = sources.setdefault(source, len(sources))
            supports.append(_support(each, number, place))
    if not sources:
        return [Evidence("citation", {"annotations": list(annotations)})] if annotations else []
    grounding = Grounding(tuple(sources), tuple(supports))
    return [Evidence("grounding", {"annotations": list(annotations)}, grounding=grounding)]


def _source(annotation: dict[str, Any]) -> Source | None:
    kind = _KINDS.get(str(annotation.get("type")))
    if kind is None:
        return None
    names = ("url", "document_uri", "source", "media_id")
    uri = next((uri for name in names if (uri := text_of(annotation.get(name)))), "")
    title = next(
        (title for name in ("title", "file_name", "name") if (title := text_of(annotation.get(name)))), ""
    )
    page = count_of(annotation.get("page_number"))
    if kind == "file" and page and title:
        title = f"{title}, page {page}"
    return Source(kind, title, uri)


def _support(annotation: dict[str, Any], source: int, place: TextPlace) -> Support:
    start, end = count_of(annotation.get("start_index")) or 0, count_of(annotation.get("end_index"))
    if place.start is None or end is None or end > _LARGEST or end > place.size or start >= end:
        return Support(None, None, "", (source,))
    return Support(place.start + start, place.start + end, "", (source,))


def tool_evidence(step: dict[str, Any]) -> list[Event]:
    """Return what the step of a server's tool shows about the sources of an answer: queries, suggestions and pages."""
    kind = step.get("type")
    if kind == "google_search_call":
        arguments = object_of(step.get("arguments"))
        queries = [each.strip() for each in list_of(arguments.get("queries")) if isinstance(each, str)]
        found = Grounding(queries=tuple(dict.fromkeys(filter(None, queries))))
        return [Evidence("grounding", arguments, grounding=found)] if found.queries else []
    if kind == "google_search_result":
        results = objects_of(step.get("result"))
        html = [text for each in results if (text := text_of(each.get("search_suggestions")))]
        value = {"search_suggestions": html[-1]} if html else {}
        return [Evidence("grounding", value, grounding=Grounding(suggestions=html[-1]))] if html else []
    if kind == "url_context_result":
        results = objects_of(step.get("result"))
        pages = tuple(
            RetrievedPage(text_of(each.get("url")) or "", (text_of(each.get("status")) or "").lower())
            for each in results
        )
        return [Evidence("url_context", results, pages=pages), *_unread(pages)] if pages else []
    return []


def _unread(pages: Sequence[RetrievedPage]) -> list[Event]:
    """Notes about the pages that the server could not read."""
    notes: list[Event] = [
        Note(
            "page-not-read",
            f"The page {page.url[:_QUOTED]} could not be read ({page.status[:40]}).",
            "warning",
        )
        for page in pages
        if page.status not in _READ
    ]
    return list(dict.fromkeys(notes))
