"""The numbered sources of an answer: what it is grounded on, the pages it read, and what it quotes.

A source has a number, and each passage of the answer that it supports has its place in the text of the answer. Servers
count the places in bytes of the UTF-8 form of the whole text (thoughts excluded), and quote the passage. Some recorded
answers were changed after they were counted, so a passage is looked up by its text where the place does not fit.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from html import unescape
from itertools import accumulate
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ..content import Text
from ..events import Citation, Grounding, RetrievedPage, Source, Support
from ..text import one_line
from .candidates import MAX_QUERIES, MAX_SOURCES, Candidate, citations_of, merged_grounding
from .items import ToolItem
from .ledger import Ledger

__all__ = ["AnswerSources", "NumberedSource", "Passage", "answer_sources", "pages_of"]

_MAX_LOOKUPS: Final = 200  # passages that are looked up by their text, which takes linear time for each
_MAX_TEXT: Final = 1_000  # characters of a passage
_REDIRECT: Final = ".cloud.google.com"  # Google's addresses of sources name another host than the source's
_SEARCH_TOOL: Final = "GOOGLE_SEARCH"  # the beginning of the names of search tools
_MAX_SUGGESTIONS: Final = 40_000  # characters of the HTML in which queries are looked for
_LINK: Final = re.compile(r"<a\b[^<>]{0,2000}>(.{1,500}?)</a>", re.DOTALL | re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>")
_SPACES: Final = re.compile(r"[ \t\r\n]")


class Passage(NamedTuple):
    """A passage of the answer.

    Attributes:
        start, end: characters of the answer; None where its place is not known.
        first, last: the same in bytes of the UTF-8 form.
        text: the passage, or what the server quotes.
    """

    start: int | None
    end: int | None
    first: int | None
    last: int | None
    text: str


class NumberedSource(NamedTuple):
    """A source with its number.

    Attributes:
        number: from 1, in the order in which the server names them.
        source: the source.
        passages: the passages of the answer that it supports.
    """

    number: int
    source: Source
    passages: tuple[Passage, ...]

    @property
    def title(self) -> str:
        """The title on one line; where there is none, the domain, the address or the kind."""
        source = self.source
        return (
            one_line(source.title or self.domain or source.uri or self.note or source.kind).strip()
            or "source"
        )

    @property
    def uri(self) -> str:
        """The address with its spaces encoded, as some servers send them."""
        return _SPACES.sub(lambda found: f"%{ord(found[0]):02X}", self.source.uri.strip())

    @property
    def domain(self) -> str:
        """The domain as sent, or the host in the address unless that only redirects."""
        if self.source.domain:
            return one_line(self.source.domain)
        try:
            host = urlsplit(self.source.uri).hostname or ""
        except ValueError:
            return ""
        return "" if host.endswith(_REDIRECT) else one_line(host.removeprefix("www."))

    @property
    def note(self) -> str:
        """What a reader has to know about the source: the attribution of maps, the license of a quotation."""
        source = self.source
        notes = [
            {"maps": "Google Maps", "citation": "quoted", "file": "file", "image": "image"}.get(
                source.kind, ""
            ),
            one_line(f"license: {source.license}") if source.license else "",
        ]
        return ", ".join(filter(None, notes))

    @property
    def notes(self) -> tuple[str, ...]:
        """What follows the title: the domain unless the title names it, and :attr:`note`."""
        domain = "" if self.domain.lower() in self.title.lower() else self.domain
        note = (
            "" if self.note == self.title else self.note
        )  # a quotation without an address has no other title
        return tuple(filter(None, (domain, note)))

    @property
    def line(self) -> str:
        """The source on one line of plain text."""
        uri = "" if self.uri == self.title else one_line(self.uri)
        return " · ".join(filter(None, (self.title, *self.notes, uri)))


class AnswerSources(NamedTuple):
    """The sources of an answer.

    Attributes:
        sources: the numbered sources.
        queries: what was searched for on the web.
        suggestions: the search engine's own HTML with suggestions, not sanitized; empty where none was sent.
    """

    sources: tuple[NumberedSource, ...] = ()
    queries: tuple[str, ...] = ()
    suggestions: str = ""

    def marks(self) -> list[tuple[int, tuple[int, ...]]]:
        """The ends of the passages, as characters of the answer in ascending order, each with the numbers of its sources."""
        found: dict[int, set[int]] = {}
        for each in self.sources:
            for passage in each.passages:
                if passage.end is not None:
                    found.setdefault(passage.end, set()).add(each.number)
        return [(end, tuple(sorted(numbers))) for end, numbers in sorted(found.items())]


def pages_of(ledger: Ledger, candidate: int) -> list[tuple[int, RetrievedPage]]:
    """Return the pages that the server read, each with the chunk that reports it first, without duplicates."""
    evidence = list(ledger.evidence)
    found: dict[RetrievedPage, int] = {}
    for each, chunk in zip(evidence, ledger.evidence_chunks, strict=False):
        if each.candidate == candidate:
            for page in each.pages:
                found.setdefault(page, chunk)
    return [(chunk, page) for page, chunk in found.items()]


def answer_sources(ledger: Ledger, candidate: int = 0, text: str | None = None) -> AnswerSources:
    """Return the numbered sources of one candidate.

    Args:
        ledger: the record.
        candidate: the candidate.
        text: its text; by default that of candidate 0.
    """
    grounding = merged_grounding(ledger, candidate)
    if not grounding.suggestions:
        grounding = _with_tools(grounding, ledger, candidate)
    if not grounding.queries:
        queries = _queries_in(grounding.suggestions)
        grounding = Grounding(grounding.sources, grounding.supports, queries, grounding.suggestions)
    numbers = _Numbers()
    places = [numbers.add(source) for source in grounding.sources]
    supports = [
        (each, {places[index] for index in each.sources if index < len(places)})
        for each in grounding.supports
    ]
    for _, page in pages_of(ledger, candidate)[:MAX_SOURCES]:
        if page.status == "success" and page.url not in numbers.uris:
            numbers.add(Source("page", page.url, page.url))
    for citation in citations_of(ledger, candidate)[:MAX_SOURCES]:
        place = numbers.add(_cited(citation))
        supports.append((Support(citation.start, citation.end, "", ()), {place}))
    if not numbers.sources:
        return AnswerSources((), grounding.queries, grounding.suggestions)
    bases = _bases(ledger, candidate) if any(support.part for support, _ in supports) else ()
    whole = ledger.answer.text if text is None else text
    passages = _passages(whole, [each for each, _ in supports], bases)
    found: list[list[Passage]] = [[] for _ in numbers.sources]
    for passage, (_, supported_by) in zip(passages, supports, strict=True):
        for place in supported_by:
            found[place].append(passage)
    return AnswerSources(
        tuple(
            NumberedSource(number, source, tuple(found[number - 1]))
            for number, source in enumerate(numbers.sources, 1)
        ),
        grounding.queries,
        grounding.suggestions,
    )


def _with_tools(grounding: Grounding, ledger: Ledger, candidate: int) -> Grounding:
    """Add the queries and the suggestions of the server's search tool, where an answer reports its use as a part."""
    queries, suggestions = list(grounding.queries), ""
    for item in Candidate(ledger, candidate).items if ledger.answer else ():
        if isinstance(item, ToolItem) and item.tool.upper().startswith(_SEARCH_TOOL):
            args = item.args if isinstance(item.args, dict) else {}
            found = args.get("queries")
            queries += [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
            html = item.response.get("search_suggestions") if isinstance(item.response, dict) else None
            suggestions = html if isinstance(html, str) else suggestions
    if not suggestions:
        return grounding
    queries = list(dict.fromkeys(query for each in queries if (query := each.strip())))[:MAX_QUERIES]
    return Grounding(grounding.sources, grounding.supports, tuple(queries), suggestions)


def _queries_in(suggestions: str) -> tuple[str, ...]:
    """The texts of the links in the HTML of search suggestions, in which a server may send them alone."""
    texts = (unescape(_TAG.sub("", found[1])) for found in _LINK.finditer(suggestions[:_MAX_SUGGESTIONS]))
    return tuple(dict.fromkeys(query for text in texts if (query := one_line(text).strip())))[:MAX_QUERIES]


def _bases(ledger: Ledger, candidate: int) -> list[int]:
    """The bytes of the answer before each part, thoughts and media included in the count of parts."""
    parts = ledger.parts[candidate].joined() if candidate in ledger.parts else ()
    sizes = (len(part.text.encode("utf-8", "replace")) if isinstance(part, Text) else 0 for part in parts)
    return list(accumulate(sizes, initial=0))


class _Numbers:
    """Numbers sources; equal ones have the same number."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.uris: set[str] = set()
        self._places: dict[Source, int] = {}

    def add(self, source: Source) -> int:
        place = self._places.setdefault(source, len(self.sources))
        if place == len(self.sources):
            self.sources.append(source)
            self.uris.add(source.uri)
        return place


def _cited(citation: Citation) -> Source:
    return Source("citation", citation.title or "", citation.uri or "", license=citation.license or "")


class _Offsets:
    """Converts places in the UTF-8 form of a text to characters and back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.data = text.encode("utf-8", "replace")
        # The number of bytes before each character; nothing for a text in which a character is a byte.
        sizes = () if len(self.data) == len(text) else (len(char.encode("utf-8", "replace")) for char in text)
        self._before: Sequence[int] = list(accumulate(sizes, initial=0)) if sizes else ()

    def character(self, byte: int) -> int:
        """The character that a byte belongs to."""
        return max(0, bisect_right(self._before, byte) - 1) if self._before else byte

    def byte(self, character: int) -> int:
        return self._before[character] if self._before else character


def _passages(text: str, supports: Iterable[Support], bases: Sequence[int]) -> list[Passage]:
    """The places of passages in a text.

    Args:
        text: the text of the answer.
        supports: the passages as the server describes them.
        bases: the bytes of the answer before each part.
    """
    offsets = _Offsets(text)
    lookups = 0
    found = []
    for support in supports:
        span = _span(offsets.data, support, bases)
        if span is None and support.text and lookups < _MAX_LOOKUPS:
            lookups += 1
            at = text.find(support.text)
            if at >= 0:
                end = at + len(support.text)
                span = offsets.byte(at), offsets.byte(end)
        if span is None:
            found.append(Passage(None, None, None, None, support.text[:_MAX_TEXT]))
            continue
        start, end = map(offsets.character, span)
        found.append(Passage(start, end, *span, text[start:end][:_MAX_TEXT]))
    return found


def _span(data: bytes, support: Support, bases: Sequence[int]) -> tuple[int, int] | None:
    """The bytes of a passage; None where the place does not fit to the text."""
    if support.end is None or support.start is None:
        return None
    part = support.part or 0
    quoted = support.text.encode("utf-8", "replace")
    for base in (0, *bases[part : part + 1]):
        start, end = support.start + base, support.end + base
        if 0 <= start < end <= len(data) and (not quoted or data[start:end] == quoted):
            return start, end
    return None
