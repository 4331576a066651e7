"""Formats an answer that has ended as ``--format`` asks: its text, the Markdown for a page, and remarks.

The ledger is not changed: it keeps the text as received.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from .. import markdown
from ..ledger import Ledger
from ..text import read_json
from .answer_table import ShownTable
from .formats_live import FENCE, fenced, text_transform

if TYPE_CHECKING:
    from ..schema import ItemLog

__all__ = ["FormattedAnswer", "format_answer"]


class FormattedAnswer(NamedTuple):
    """An answer in the format in which it is shown.

    Attributes:
        text: the text that a terminal shows.
        markdown: the Markdown that a page renders.
        form: the format that was used; text that is not valid JSON is shown as ``text``.
        remarks: sentences about the format for the reader, such as why JSON is shown as text.
        html: the safe HTML for a page; empty where it is rendered from the Markdown.
    """

    text: str
    markdown: str
    form: str
    remarks: tuple[str, ...] = ()
    html: str = ""


def format_answer(ledger: Ledger, text: str) -> FormattedAnswer:
    """Format an answer as the ledger's display options ask.

    Args:
        ledger: the record.
        text: the text of the answer, or the beginning of a very long one.
    """
    form = ledger.display.form
    if form == "markdown":
        return FormattedAnswer(text, text, form)
    if form == "code":
        return _code(ledger, text)
    if form == "table":
        if (log := ledger.read_items()).found:
            return _table(log)
        form = "json"
    if form == "json" and ledger.status == "complete":
        return _json(ledger, text)
    text = _transformed(text, form)
    return FormattedAnswer(text, fenced(text, "" if form in ("text", "raw") else form), form)


def _table(log: ItemLog) -> FormattedAnswer:
    shown = ShownTable(log)
    return FormattedAnswer(shown.plain, shown.markdown, "table", shown.remarks, shown.html)


def _transformed(text: str, form: str) -> str:
    transform = text_transform(form)
    return text if transform is None else transform.feed(text) + transform.close()


def _code(ledger: Ledger, text: str) -> FormattedAnswer:
    blocks = [block for block in markdown.code_blocks(text) if block.text.strip()]
    remarks: tuple[str, ...] = ()
    if not blocks and text.strip() and ledger.status != "running":
        remarks = ("The answer contains no code block. The response's `text` has the whole answer.",)
    return FormattedAnswer(
        "\n".join(block.text for block in blocks),
        "\n".join(fenced(block.text, block.language) for block in blocks),
        "code",
        remarks,
    )


def _json(ledger: Ledger, text: str) -> FormattedAnswer:
    answer = ledger.answer.text
    found, problem = _find_json(answer)
    if found is None and ledger.before:
        found, _ = _find_json(ledger.before + answer)
    if found is None:
        # A note describes the problem of an answer with a schema.
        remarks = () if ledger.schema else (f"The answer is not valid JSON: {problem}. It is shown as text.",)
        return FormattedAnswer(text, fenced(text), "text", remarks)
    remarks = (
        ("The answer contains text besides the JSON. The response's `text` has the whole answer.",)
        if found.more
        else ()
    )
    source = _transformed(found.text if len(text) == len(answer) else text, "json")
    return FormattedAnswer(source, fenced(source, "json"), "json", remarks)


class _FoundJson(NamedTuple):
    text: str
    more: bool = False  # whether there is other text around it


def _find_json(answer: str) -> tuple[_FoundJson | None, str]:
    """Find the JSON of an answer: the whole answer, the content of a fence around it, or its only code block.

    Returns:
        The JSON, or None and a description of the problem.
    """
    problem = _problem(answer)
    if not problem:
        return _FoundJson(answer), ""
    blocks = markdown.code_blocks(answer)
    if len(blocks) != 1:
        return None, problem
    [(_, code)] = blocks
    if inner := _problem(code):
        return None, inner
    around = answer.count("\n") - code.count("\n")
    more = around > 2 or not FENCE.fullmatch(answer.strip().partition("\n")[0])  # noqa: PLR2004 - its two lines
    return _FoundJson(code, more), ""


def _problem(text: str) -> str:
    """Describe why a text is not valid JSON; empty when it is."""
    if not text.strip():
        return "it is empty"
    try:
        read_json(text.encode("utf-8", "replace"))
    except json.JSONDecodeError as problem:
        reason = problem.msg[:1].lower() + problem.msg[1:]
        return f"{reason} at line {problem.lineno}, column {problem.colno}"
    except ValueError as problem:
        return str(problem)
    return ""
