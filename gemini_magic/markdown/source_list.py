"""Renders lists of links below an answer: its sources, and what was searched for.

Titles, addresses and queries come from a server. They are text, and every result passes through the sanitizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

from ..text import shortened
from .sanitize import link_allowed, normalize, sanitize_html

__all__ = ["SourceEntry", "render_queries", "render_source_list", "source_list_markdown"]

_SEARCH: Final = "https://www.google.com/search?q="
_TITLE: Final = 300  # characters of a title or a query that are shown
_ADDRESS: Final = 120  # characters that are shown of an address without a link
# Punctuation is written in entities: no title can be markup. The underscore stays readable inside words.
_PLAIN: Final = frozenset(" ,;'()?=%+/-.")


class SourceEntry(NamedTuple):
    """One line of the list of sources.

    Attributes:
        title: the text of the link; not empty.
        uri: the address; shown as text unless the link is allowed.
        notes: what follows, such as the domain.
    """

    title: str
    uri: str = ""
    notes: tuple[str, ...] = ()


def _short_text(text: str, length: int) -> str:
    return shortened(normalize(text), length)


def _notes(entry: SourceEntry) -> str:
    """What follows the title, as one text; an address that is no link is a part of it."""
    shown = [_short_text(note, _TITLE) for note in entry.notes]
    if entry.uri and not link_allowed(entry.uri) and entry.uri != entry.title:
        shown.append(_short_text(entry.uri, _ADDRESS))
    return "".join(f" · {note}" for note in shown)


def render_source_list(entries: Sequence[SourceEntry]) -> str:
    """Return the safe HTML of a numbered list of sources; empty without sources."""
    items = []
    for entry in entries:
        title = escape(_short_text(entry.title, _TITLE))
        if link_allowed(entry.uri):
            title = f'<a href="{escape(entry.uri)}">{title}</a>'
        items.append(f"<li>{title}{escape(_notes(entry))}</li>")
    return sanitize_html(f"<ol>{''.join(items)}</ol>") if items else ""


def render_queries(queries: Sequence[str]) -> str:
    """Return the safe HTML of links to the results of web searches; empty without queries."""
    links = []
    for query in queries:
        uri = _search_address(query)
        if link_allowed(uri):
            links.append(f'<a href="{escape(uri)}">{escape(_short_text(query, _TITLE))}</a>')
    return sanitize_html(" ".join(links)) if links else ""


def source_list_markdown(entries: Sequence[SourceEntry], queries: Sequence[str]) -> str:
    """Return the sources and the queries as Markdown, which still has to be defanged; empty without both."""
    lines = []
    for number, entry in enumerate(entries, 1):
        title = _plain(_short_text(entry.title, _TITLE))
        uri = quote(entry.uri, safe="/:?#=+,;&%.~-_@[]") if link_allowed(entry.uri) else ""
        lines.append(f"{number}. {f'[{title}]({uri})' if uri else title} {_plain(_notes(entry))}".rstrip())
    shown = ["Sources:", *lines] if lines else []
    paragraphs = ["\n".join([*shown[:1], "", *shown[1:]])] if shown else []
    if queries:
        paragraphs.append(f"Searched for: {'; '.join(map(_query_link, queries))}")
    return "\n\n".join(paragraphs)


def _query_link(query: str) -> str:
    """A link to the results of a search, in Markdown."""
    text, uri = _plain(_short_text(query, _TITLE)), _search_address(query)
    return f"[{text}]({uri})" if link_allowed(uri) else text


def _search_address(query: str) -> str:
    return _SEARCH + quote(normalize(query), safe="")


def _plain(text: str) -> str:
    """A text on one line, with its punctuation in entities."""
    line = " ".join(text.split())
    return "".join(
        char if char.isalnum() or char in _PLAIN or not char.isascii() else f"&#{ord(char)};" for char in line
    )
