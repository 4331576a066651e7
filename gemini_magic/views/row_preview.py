"""What a run over many rows would ask, shown without sending anything."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final, NamedTuple

from ..text import one_line, short_line, visible
from . import page
from .formats_live import escape_markdown
from .row_text import as_dollars, rows_counted, unasked_facts

__all__ = ["RowsPreview", "TierPrice"]

_KEY: Final = 80  # characters of a key
_PROMPT: Final = 4_000  # characters of a prompt


class TierPrice(NamedTuple):
    """What the rows would cost in one service tier.

    Attributes:
        tier: ``standard``, ``flex``, ``priority`` or ``batch``.
        amount: in dollars.
        note: how the amount was found, or what is special about the tier; may be empty.
    """

    tier: str
    amount: float
    note: str = ""


class RowsPreview(NamedTuple):
    """What a run would do, from ``--dry-run``.

    Attributes:
        rows: rows of the input, each with all its answers.
        asked: rows that would be asked.
        unasked: the other rows by the reason, as in :class:`~gemini_magic.views.row_progress.RowProgress`.
        prompts: key and prompt of the first rows that would be asked.
        model: the model.
        tokens: tokens of all prompts that would be sent, estimated.
        prices: what they would cost; empty if it is not known.
        store: the file of the store; empty for a temporary one.
        notices: sentences about the input.
    """

    rows: int
    asked: int
    unasked: Mapping[str, int] = {}
    prompts: tuple[tuple[str, str], ...] = ()
    model: str = ""
    tokens: int = 0
    prices: tuple[TierPrice, ...] = ()
    store: str = ""
    notices: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The summary on one line."""
        facts = [
            f"{self.asked:,} of {rows_counted(self.rows)} would be asked",
            *unasked_facts(self.unasked),
            self.model,
            f"about {self.tokens:,} tokens of prompts" if self.tokens else "",
            "nothing was sent to the model",
        ]
        return " · ".join(one_line(fact) for fact in facts if fact)

    @property
    def remarks(self) -> list[str]:
        """Sentences about the prices and the input."""
        prices = [
            one_line(f"{each.tier}: about {as_dollars(each.amount)}{f' ({each.note})' if each.note else ''}")
            for each in self.prices
        ]
        return [*prices, *(short_line(notice, _PROMPT) for notice in self.notices)]

    @property
    def _shown(self) -> list[tuple[str, str]]:
        return [(short_line(key, _KEY), visible(_beginning(prompt))) for key, prompt in self.prompts]

    def __repr__(self) -> str:
        parts = [f"[{self.line}]", *self.remarks]
        parts += [f"{key}:\n{prompt}" for key, prompt in self._shown]
        return "\n\n".join(parts)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        printer.text(repr(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython passes them
        bar = page.facts_html("○", "warn", self.line.split(" · "))
        prompts = "".join(
            f'<div class="gm-note">{escape(key)}</div><div class="gm-answer gm-as-text"><pre><code>{escape(prompt)}</code></pre></div>'
            for key, prompt in self._shown
        )
        notes = "".join(map(page.note_html, self.remarks))
        quoted = [
            f"> {escape_markdown(line)}" for text in (self.line, *self.remarks) for line in text.splitlines()
        ]
        shown = [f"{escape_markdown(key)}\n\n{_indented(prompt)}" for key, prompt in self._shown]
        return {
            "text/html": page.root_html([f'<div class="gm-bar">{bar}</div>', notes, prompts]),
            "text/markdown": "\n\n".join(["\n>\n".join(quoted), *shown]),
            "text/plain": repr(self),
        }


def _beginning(prompt: str) -> str:
    left = len(prompt) - _PROMPT
    return prompt if left <= 0 else f"{prompt[:_PROMPT]}… ({left:,} more characters)"


def _indented(text: str) -> str:
    """A text as an indented block of code in Markdown, which no line of it can end."""
    return "\n".join(f"    {escape_line}" for escape_line in text.split("\n"))
