"""The parts of an answer that are not text, as Markdown and as plain text."""

from __future__ import annotations

from .. import markdown
from ..ledger import AnswerItem, CallItem, ToolItem, ToolRun
from ..text import visible
from .formats import FormattedAnswer
from .formats_live import escape_markdown, fenced
from .item_blocks import CodeBox, ItemBlock, item_blocks
from .snapshot import AnswerSnapshot
from .tool_blocks import RunSection, run_line, run_sections

__all__ = ["answer_markdown", "item_markdown", "item_plain"]


def item_plain(item: AnswerItem, *, candidate: int = 0, running: bool = False) -> str:
    """An item as plain text: a line in brackets, and code and output between fences.

    Args:
        item: the item.
        candidate: the index of its candidate.
        running: whether the answer is still arriving.
    """
    if isinstance(item, CallItem) and item.run is not None:
        run = item.run
        sections = (f"[{title}]\n{box}" if box else f"[{title}]" for title, box in _run_texts(run))
        return visible("\n".join([f"▸ {run_line(run).text}", *sections]))
    pieces: list[str] = []
    for block in _text_blocks(item, candidate, running=running):
        if not isinstance(block, CodeBox):
            pieces.append(f"[{block.text}]")
        elif block.call:
            pieces[-1] += f" {block.text}"
        else:
            pieces.append(fenced(block.text, block.language).rstrip("\n"))
    return visible("\n".join(pieces))


def item_markdown(item: AnswerItem, *, candidate: int = 0, running: bool = False) -> str:
    """An item as Markdown: a line, and code and output in fences.

    Args:
        item: the item.
        candidate: the index of its candidate.
        running: whether the answer is still arriving.
    """
    if isinstance(item, CallItem) and item.run is not None:
        pieces = [escape_markdown(f"▸ {run_line(item.run).text}")]
        for title, box in _run_texts(item.run):
            pieces += filter(None, (escape_markdown(f"[{title}]"), box))
        return "\n\n".join(pieces)
    return "\n\n".join(
        fenced(block.text, block.language).rstrip("\n")
        if isinstance(block, CodeBox)
        else escape_markdown(f"[{block.text}]")
        for block in _text_blocks(item, candidate, running=running)
    )


def _text_blocks(item: AnswerItem, candidate: int, *, running: bool) -> list[ItemBlock]:
    """The blocks of an item; of a use of a server's tool only its line, because a text cannot be folded."""
    blocks = item_blocks(item, candidate=candidate, running=running)
    return blocks[:1] if isinstance(item, ToolItem) else blocks


def _run_texts(run: ToolRun) -> list[tuple[str, str]]:
    """What the line of a tool run does not show: titles with texts in fences, and sentences without a text.

    A text cannot be folded, so arguments and result are repeated only if the line has not all of them.
    """
    hidden = ("arguments", "result", "message") if run_line(run).whole else ()
    sections: list[RunSection] = [each for each in run_sections(run) if each.title not in hidden]
    return [
        (each.title, fenced(each.text, each.language).rstrip("\n")) if each.title else (each.text, "")
        for each in sections
    ]


def answer_markdown(snapshot: AnswerSnapshot) -> str:
    """The answer as one Markdown document, with its items in order; it is not defanged.

    Args:
        snapshot: the facts about the answer.
    """
    sections = snapshot.formatted_sections
    pieces = [
        each.markdown if isinstance(each, FormattedAnswer) else item_markdown(each) for each in sections
    ]
    pieces += [item_markdown(item, candidate=index) for index, item in snapshot.other_media]
    if len(pieces) == 1:
        return pieces[0]
    pieces = [*map(markdown.close_blocks, pieces[:-1]), *pieces[-1:]]
    return "\n\n".join(filter(None, (piece.strip("\n") for piece in pieces)))
