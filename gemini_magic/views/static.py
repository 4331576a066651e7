"""The static bundle of an answer: one MIME bundle that needs neither kernel nor widgets nor scripts.

It contains the record that the inspector reads, sanitized HTML, defanged Markdown, and plain text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from IPython.core.getipython import get_ipython
from IPython.display import display

from ..ledger import AnswerItem, Ledger
from ..markdown import defang_markdown, render
from ..text import visible
from . import page
from .answer_table import ShownTable
from .encoding import similar_text
from .formats import FormattedAnswer, format_answer
from .formats_live import escape_markdown
from .item_html import MEDIA_SIZE, MediaBudget, item_html
from .item_text import answer_markdown, item_plain
from .record import RECORD, write_record
from .sections import Section, TextSection, hidden_note, split_answer
from .snapshot import AnswerSnapshot, plain_notes
from .terminal import terminal_text
from .token_heat import answer_heat_html, answer_heat_text
from .truncate import MAX_HTML, TruncatedText

__all__ = [
    "BEFORE_BLANK_LINE",
    "bundle",
    "bundle_markdown",
    "bundle_plain",
    "html_parts",
    "inspect",
    "partial_bundle",
    "partial_plain",
    "value_bundle",
    "write_bundle",
]


def inspect(ledger: Ledger) -> None:
    """Display the static bundle with the inspector open.

    The bundle has a record even if the display options of the ledger exclude it.
    """
    snapshot = AnswerSnapshot(ledger)
    data = {
        RECORD: write_record(snapshot, ledger.display.record_size or None),
        **write_bundle(snapshot, inspector=False),
    }
    data["text/plain"] = similar_text(data["text/plain"], sys.stdout)  # a terminal prints it
    show: Any = display  # IPython has no types for this
    show(data, raw=True, metadata={RECORD: {"expanded": True}})


_MOST_THUMBNAILS: Final = 12  # of pictures that are not saved in the notebook
# In Markdown a blank line ends a block of HTML. ``nbconvert --to markdown`` writes the HTML of an output into its result,
# in which the code after a blank line would be Markdown.
BEFORE_BLANK_LINE: Final = re.compile(r"\n(?=[ \t]*\n)")


def _render(
    snapshot: AnswerSnapshot, text: TruncatedText, markdown: Callable[[TruncatedText], str]
) -> tuple[str, TruncatedText]:
    """Render a text; shorten it if its HTML is too long. Returns the HTML and the text that it shows."""
    html = render(markdown(text), ended=True, images=snapshot.images)
    while len(html) > MAX_HTML:
        text = text.shortened(len(text.text) * MAX_HTML // len(html) * 9 // 10)
        html = render(markdown(text), ended=True, images=snapshot.images)
    return html, text


def _render_sections(
    snapshot: AnswerSnapshot, sections: list[Section], known: Mapping[int, str]
) -> list[str | AnswerItem]:
    """Render the text of the sections; text whose HTML is known by its start is not rendered again."""
    rendered: list[str | AnswerItem] = []
    for section in sections:
        if not isinstance(section, TextSection):
            rendered.append(section)
        elif (marked := snapshot.marked(section)) is not None:
            rendered.append(marked.html)
        elif section.start in known:
            rendered.append(known[section.start])
        else:
            is_whole = section.text == snapshot.answer.text
            formatted = snapshot.formatted if is_whole else format_answer(snapshot.ledger, section.text)
            rendered.append(formatted.html or render(formatted.markdown, ended=True, images=snapshot.images))
    return rendered


def _length(rendered: Iterable[str | AnswerItem]) -> int:
    return sum(len(each) for each in rendered if isinstance(each, str))


def _render_answer(
    snapshot: AnswerSnapshot, known: Mapping[int, str]
) -> tuple[list[str | AnswerItem], TruncatedText]:
    """Render the answer; shorten it if the HTML of its text is too long. Returns the sections and the text that they show."""
    text = snapshot.answer
    rendered = _render_sections(snapshot, snapshot.sections, known)
    while (length := _length(rendered)) > MAX_HTML:
        text = text.shortened(len(text.text) * MAX_HTML // length * 9 // 10)
        sections = split_answer(text.text, snapshot.items, snapshot.ledger.display.form)
        rendered = _render_sections(snapshot, sections, {})
    return rendered, text


def _media_budget(snapshot: AnswerSnapshot) -> MediaBudget:
    size = snapshot.ledger.display.media_size
    thumbnails = 0 if size == 0 or snapshot.interrupted else _MOST_THUMBNAILS
    return MediaBudget(MEDIA_SIZE if size is None else size, thumbnails=thumbnails)


def html_parts(
    snapshot: AnswerSnapshot, *, answer: Mapping[int, str] | None = None, thoughts: str | None = None
) -> list[str]:
    """The parts of the static HTML.

    Args:
        snapshot: the facts about the answer.
        answer: the HTML of each stretch of the answer by its start, if it is rendered already. It is used for Markdown
            only: any other format is known only when the answer has ended.
        thoughts: the HTML of the whole thoughts, if they are rendered already.
    """
    thought_text = snapshot.thoughts
    if thoughts is None or len(thoughts) > MAX_HTML:
        thoughts, thought_text = _render(snapshot, thought_text, lambda shown: shown.text)
    if answer is None or _length(answer.values()) > MAX_HTML or snapshot.ledger.display.form != "markdown":
        answer = {}
    rendered, text = _render_answer(snapshot, answer)
    formatted = snapshot.formatted if text is snapshot.answer else format_answer(snapshot.ledger, text.text)
    budget = _media_budget(snapshot)
    running = snapshot.status == "running"
    pieces = [
        each
        if isinstance(each, str)
        else item_html(each, budget, running=running, pictures=snapshot.images.data)
        for each in rendered
    ]
    pieces += (
        item_html(
            item, budget, candidate=index, running=running, pictures=snapshot.images.data, captions=True
        )
        for index, item in snapshot.other_media
    )
    cut_note = "" if formatted.form == "table" else text.cut_note  # its rows are not cut with the text
    notes = (thought_text.cut_note, cut_note, hidden_note(snapshot.items), *formatted.remarks)
    parts = page.document(snapshot, "".join(pieces), thoughts, form=formatted.form, notes=filter(None, notes))
    heat = "" if running or snapshot.interrupted else answer_heat_html(snapshot.ledger)
    parts[page.BELOW_ANSWER : page.BELOW_ANSWER] = [page.sources_html(snapshot), heat]
    return parts


def bundle_plain(snapshot: AnswerSnapshot) -> str:
    """The answer as text without control characters, then the details and warnings, then the status line."""
    sections = (
        each.text if isinstance(each, FormattedAnswer) else item_plain(each)
        for each in snapshot.formatted_sections
    )
    others = (item_plain(item, candidate=index) for index, item in snapshot.other_media)
    answer = "\n\n".join(filter(None, (visible(each).strip("\n") for each in (*sections, *others))))
    parts = [answer, _heat_text(snapshot), *plain_notes(snapshot)]
    return "\n\n".join(visible(part) for part in parts if part)


def _heat_text(snapshot: AnswerSnapshot) -> str:
    is_quick = snapshot.status == "running" or snapshot.interrupted or snapshot.must_be_quick
    return "" if is_quick else answer_heat_text(snapshot.ledger)


def bundle_markdown(snapshot: AnswerSnapshot) -> str:
    """The status, the answer and its sources as harmless Markdown. The status is first: an unclosed fence would hide it."""
    lines = [
        snapshot.status_line,
        *snapshot.answer_notes,
        *(snapshot.shown_details.lines if snapshot.shown_details else ()),
        *snapshot.warnings,
        snapshot.sources.note,
    ]
    head = "\n>\n".join(f"> {escape_markdown(line)}" for line in lines if line)
    pieces = (answer_markdown(snapshot), snapshot.sources.as_markdown, escape_markdown(_heat_text(snapshot)))
    body = "\n\n".join(filter(None, pieces))
    return f"{head}\n\n{defang_markdown(body, as_code=snapshot.must_be_quick)}"


def value_bundle(ledger: Ledger) -> dict[str, Any]:
    """The MIME bundle of a response that is the value of a cell. In a terminal, its text is rendered Markdown."""
    made = bundle(ledger)
    shell = get_ipython()
    if shell is not None and getattr(shell, "kernel", None) is None:
        made["text/plain"] = terminal_text(ledger) or made["text/plain"]
    return made


def bundle(ledger: Ledger, *, inspector: bool = True, error_follows: bool = False) -> dict[str, Any]:
    """The MIME bundle that stays in the notebook; of a running ledger, it shows what was received.

    Args and result as in :func:`write_bundle`, and ``error_follows`` as in :class:`AnswerSnapshot`.
    """
    return write_bundle(AnswerSnapshot(ledger, error_follows=error_follows), inspector=inspector)


def write_bundle(
    snapshot: AnswerSnapshot, *, inspector: bool = True, parts: list[str] | None = None
) -> dict[str, Any]:
    """Write every representation of an answer from one snapshot.

    Args:
        snapshot: the facts about the answer.
        inspector: whether to include the record for the inspector; it is omitted if its maximum size is 0.
        parts: the result of :func:`html_parts`, if it exists already.

    Returns:
        ``application/vnd.gemini-stream+json`` (see ``record``), ``text/html``, ``text/markdown``, ``text/plain``.
    """
    record_size = snapshot.ledger.display.record_size
    result: dict[str, Any] = {RECORD: write_record(snapshot)} if inspector and record_size != 0 else {}
    html = page.root_html(html_parts(snapshot) if parts is None else parts)
    result["text/html"] = BEFORE_BLANK_LINE.sub("&#10;", html)
    result["text/markdown"] = bundle_markdown(snapshot)
    result["text/plain"] = bundle_plain(snapshot)
    return result


def partial_bundle(snapshot: AnswerSnapshot, answer: str, thoughts: str) -> dict[str, Any]:
    """The bundle of an answer that is still arriving, for a notebook that is saved before its end.

    It is written about once a second, so it has neither a record nor Markdown.

    Args:
        snapshot: the facts about the answer.
        answer: the HTML of the answer so far.
        thoughts: the HTML of the thoughts so far.

    Returns:
        ``text/html`` and ``text/plain``.
    """
    parts = page.document(snapshot, answer, thoughts, form=snapshot.ledger.display.form)
    return {
        "text/html": page.root_html([*parts, page.unfinished_html()], partial=True),
        "text/plain": partial_plain(snapshot, page.UNFINISHED),
    }


def partial_plain(snapshot: AnswerSnapshot, notice: str = "") -> str:
    """The text of an answer that is still arriving, and a line in brackets: the status line and a notice.

    The labextension replaces that line when the kernel has ended.
    """
    status = " · ".join(filter(None, (snapshot.status_line, notice)))
    log = snapshot.ledger.read_items() if snapshot.ledger.display.form == "table" else None
    table = ShownTable(log).plain if log is not None and log.found else ""
    text = visible(table or snapshot.answer.text).rstrip("\n")
    return "\n\n".join(
        filter(None, (text, "" if table else snapshot.answer.cut_note, f"[{visible(status)}]"))
    )
