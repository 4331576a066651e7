"""An answer that has ended, as it is shown by ``--format``: its text, the Markdown that stands for it, and remarks.

Nothing of it is kept: the ledger holds what came. It displays nothing.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from .. import markdown
from ..ledger import Ledger
from ..lenient_json import read_json
from .formats_live import FENCE, text_transform

__all__ = ["FormattedAnswer", "format_answer"]

_RUN: Final = re.compile(r"`{3,}")


class FormattedAnswer(NamedTuple):
    """An answer as it is shown when it has ended.

    Attributes:
        text: what a terminal shows.
        markdown: what stands for it on a page.
        form: how it is shown in the end: what is no JSON is shown as text.
        remarks: what a reader should know about that, in sentences.
    """

    text: str
    markdown: str
    form: str
    remarks: tuple[str, ...] = ()


def format_answer(ledger: Ledger, text: str) -> FormattedAnswer:
    """An answer, or the beginning ``text`` of a very long one, in the ledger's form."""
    form = ledger.look.form
    if form == "markdown":
        return FormattedAnswer(text, text, form)
    if form == "code":
        return _code(ledger, text)
    if form == "json" and ledger.status == "complete":
        return _json(ledger, text)
    text = _shaped(text, form)
    return FormattedAnswer(text, _fenced(text, "" if form in ("text", "raw") else form), form)


def _shaped(text: str, form: str) -> str:
    shape = text_transform(form)
    return text if shape is None else shape.feed(text) + shape.close()


def _fenced(text: str, language: str = "") -> str:
    if not text:
        return ""
    wall = "`" * max(3, 1 + max(map(len, _RUN.findall(text)), default=0))
    return f"{wall}{language}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{wall}\n"


def _code(ledger: Ledger, text: str) -> FormattedAnswer:
    blocks = [block for block in markdown.code_blocks(text) if block.text.strip()]
    remarks: tuple[str, ...] = ()
    if not blocks and text.strip() and ledger.status != "running":
        remarks = ("The answer contains no code block. The response's `text` has the whole answer.",)
    return FormattedAnswer(
        "\n".join(block.text for block in blocks),
        "\n".join(_fenced(block.text, block.language) for block in blocks),
        "code",
        remarks,
    )


def _json(ledger: Ledger, text: str) -> FormattedAnswer:
    answer = "".join(ledger.answer)
    found, problem = _found(answer)
    if found is None and ledger.before:
        found, _ = _found(ledger.before + answer)
    if found is None:
        return FormattedAnswer(
            text, _fenced(text), "text", (f"The answer is not valid JSON: {problem}. It is shown as text.",)
        )
    remarks = (
        ("The answer contains text besides the JSON. The response's `text` has the whole answer.",)
        if found.more
        else ()
    )
    source = _shaped(found.text if len(text) == len(answer) else text, "json")
    return FormattedAnswer(source, _fenced(source, "json"), "json", remarks)


class _Found(NamedTuple):
    text: str
    more: bool = False  # whether something stands around it


def _found(answer: str) -> tuple[_Found | None, str]:
    """The JSON of an answer: all of it, what a fence around it holds, or its only code block; or what is wrong."""
    problem = _problem(answer)
    if not problem:
        return _Found(answer), ""
    blocks = markdown.code_blocks(answer)
    if len(blocks) != 1:
        return None, problem
    [(_, code)] = blocks
    if inner := _problem(code):
        return None, inner
    around = answer.count("\n") - code.count("\n")
    more = around > 2 or not FENCE.fullmatch(answer.strip().partition("\n")[0])  # noqa: PLR2004 - its two lines
    return _Found(code, more), ""


def _problem(text: str) -> str:
    """Why a text is not JSON; empty when it is."""
    if not text.strip():
        return "it is empty"
    try:
        read_json(text.encode("utf-8", "replace"))
    except json.JSONDecodeError as problem:
        said = problem.msg[:1].lower() + problem.msg[1:]
        return f"{said} at line {problem.lineno}, column {problem.colno}"
    except ValueError as problem:
        return str(problem)
    return ""
