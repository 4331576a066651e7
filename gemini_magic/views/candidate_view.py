"""How one candidate of an answer displays itself: its text with marks for its sources, its media, and the sources."""

from __future__ import annotations

from typing import Any, Final

from .. import markdown
from ..ledger import Candidate, Ledger, answer_sources
from ..markdown import Images, SourceMark, defang_markdown
from ..text import visible
from . import page
from .formats_live import escape_markdown
from .item_html import MEDIA_SIZE, MediaBudget, item_html
from .item_text import item_markdown, item_plain
from .sections import TextSection, split_answer
from .sources import ShownSources

__all__ = ["candidate_bundle"]

_MOST: Final = 100_000  # characters of the text that are shown


def candidate_bundle(ledger: Ledger, candidate: Candidate) -> dict[str, Any]:
    """The MIME bundle of a candidate: ``text/html``, ``text/markdown`` and ``text/plain``.

    Args:
        ledger: the record of the answer.
        candidate: one of its candidates.
    """
    text, index = candidate.text, candidate.index
    shown = text[:_MOST]
    note = f"Only the first {_MOST:,} of {len(text):,} characters are shown." if len(text) > _MOST else ""
    images = Images.parse(ledger.display.images)
    size = ledger.display.media_size
    budget = MediaBudget(MEDIA_SIZE if size is None else size)
    sources = ShownSources(answer_sources(ledger, index, text))
    marks = sources.marks(len(shown))
    html, marked, plain = [], [], []
    for section in split_answer(shown, candidate.items, "markdown"):
        if isinstance(section, TextSection):
            found = _marked(section, marks, images)
            html.append(found.html)
            marked.append(markdown.close_blocks(found.text))
            plain.append(found.text.rstrip("\n"))
        else:
            html.append(item_html(section, budget, candidate=index, pictures=images.data))
            marked.append(item_markdown(section, candidate=index))
            plain.append(item_plain(section, candidate=index))
    title = f"Candidate {index}: {candidate.finish_reason or 'no finish reason'}"
    body = f'<div class="gm-answer" role="region" aria-label="Candidate {index}">{"".join(html)}</div>'
    parts = [page.note_html(title), body, page.note_html(note), page.sources_box(sources)]
    lines = filter(None, [*plain, note, "\n".join(sources.lines), f"[{title}]"])
    head = f"> {escape_markdown(title)}"
    return {
        "text/html": page.root_html(parts),
        "text/markdown": "\n\n".join(
            filter(None, [head, defang_markdown("\n\n".join([*marked, sources.as_markdown]))])
        ),
        "text/plain": visible("\n\n".join(lines)),
    }


def _marked(section: TextSection, marks: list[SourceMark], images: Images) -> markdown.MarkedAnswer:
    end = section.start + len(section.text)
    own = [
        mark._replace(offset=mark.offset - section.start)
        for mark in marks
        if section.start < mark.offset <= end
    ]
    return markdown.render_marked(section.text, own, ended=True, images=images)
