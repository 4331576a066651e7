"""A comparison of two responses: requests, endings, timing, tokens, cost and texts.

It reads any object with the attributes of :class:`Comparable`, and escapes every value that it displays.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

from .backends import SentRequest, backend
from .events import Usage
from .ledger import Ledger, NoteRow, asking_exchange
from .prices import Cost
from .text import json_safe, visible
from .timing import TIMING_LABELS, Timing

__all__ = ["Change", "Difference"]

_COMPARED_LINES: Final = 2_000  # lines of each text that are compared
_SHOWN_LINES: Final = 200  # lines of the text difference that are displayed
_SHOWN_CHARS: Final = 200  # characters of a value that are displayed
_CONTEXT: Final = 2  # equal lines around each difference of the texts
_SAME_ANSWER: Final = ("status", "finish reason", "answer", "thoughts")  # values that `same` compares


class Comparable(Protocol):
    """The attributes of a response that are compared; see ``Response`` for their meaning."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def text(self) -> str: ...
    @property
    def model_version(self) -> str | None: ...
    @property
    def timing(self) -> Timing: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def cost(self) -> Cost | None: ...
    @property
    def notes(self) -> Iterable[NoteRow]: ...


class Change(NamedTuple):
    """One value of both responses.

    Attributes:
        name: what is compared.
        left, right: the values; None where one is not known.
        same: whether they are equal.
    """

    name: str
    left: Any
    right: Any
    same: bool


class Difference:
    """The difference between two responses. It displays itself in a notebook, and prints as text.

    Args:
        left, right: the responses.

    Attributes:
        names: the column headings of the two responses.
        changes: every value that was compared.
        text: the lines of the answers that differ, as from ``difflib.unified_diff``; empty when the texts are equal.
    """

    def __init__(self, left: Comparable, right: Comparable) -> None:
        self.names = ("left", "right")
        texts = left.text, right.text
        self.changes = [
            Change(name, mine, yours, mine == yours)
            for (name, mine), (_, yours) in zip(
                _values(left, texts[0]), _values(right, texts[1]), strict=True
            )
        ]
        one, other = (text.splitlines()[:_COMPARED_LINES] for text in texts)
        self.text = list(difflib.unified_diff(one, other, "left", "right", n=_CONTEXT, lineterm=""))

    @property
    def same(self) -> bool:
        """Whether the texts are equal and the answers ended in the same way; timing and cost may differ."""
        return not self.text and all(change.same for change in self.changes if change.name in _SAME_ANSWER)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one dict for each value that was compared."""
        return [change._asdict() for change in self.changes]

    def __repr__(self) -> str:
        rows = [
            ("", *self.names),
            *((c.name, _format(c.left), _format(c.right)) for c in self.changes if not c.same),
        ]
        widths = [max(len(row[at]) for row in rows) for at in range(2)]
        table = [f"{a.ljust(widths[0])}  {b.ljust(widths[1])}  {c}".rstrip() for a, b, c in rows]
        values = table if len(rows) > 1 else ["All compared values are equal."]
        return "\n".join([*values, "", *(self._lines() or ["The texts are equal."])])

    def _lines(self) -> list[str]:
        """Return the displayed lines of the text difference."""
        # With a space after the sign, a removed list item reads `- - x` rather than `--x`.
        shown = [
            visible(line if line.startswith("@@") else f"{line[:1]} {line[1:]}".rstrip())
            for line in islice(self.text, 2, 2 + _SHOWN_LINES)
        ]
        hidden = len(self.text) - 2 - _SHOWN_LINES
        return [*shown, f"… {hidden:,} more lines"] if hidden > 0 else shown

    def _repr_html_(self) -> str:
        left = 'style="text-align:left;vertical-align:top"'
        rows = "".join(
            f"<tr><td {left}>{'' if c.same else '≠ '}{escape(c.name)}</td>"
            f"<td {left}>{escape(_format(c.left))}</td><td {left}>{escape(_format(c.right))}</td></tr>"
            for c in self.changes
            if c.left is not None or c.right is not None
        )
        # Line breaks are references, because a blank line would end the HTML in a Markdown document.
        heads = "".join(f"<th {left}>{escape(name)}</th>" for name in self.names)
        lines = "&#10;".join(_line_html(line) for line in self._lines()) or "The texts are equal."
        return (
            f'<div class="mathjax_ignore tex2jax_ignore"><div style="overflow-x:auto"><table><thead><tr><th></th>{heads}</tr></thead>'
            f'<tbody>{rows}</tbody></table></div><pre style="white-space:pre-wrap">{lines}</pre></div>'
        )


def _line_html(line: str) -> str:
    kind, colour = {"+": ("ins", "success"), "-": ("del", "error")}.get(line[:1], ("", ""))
    style = f"text-decoration:none;color:var(--jp-{colour}-color1)"
    return f'<{kind} style="{style}">{escape(line)}</{kind}>' if kind else escape(line)


def _values(response: Comparable, text: str) -> list[tuple[str, Any]]:
    """Return the names and values to compare; the same names for every response."""
    ledger, timing, usage = response.ledger, response.timing, response.usage
    finish = ledger.finish
    return [
        *_request_values(response),
        ("model", response.model_version),
        ("status", ledger.status),
        ("finish reason", finish.reason if finish else None),
        ("answer", f"{len(text):,} characters"),
        ("thoughts", f"{sum(map(len, list(ledger.thoughts))):,} characters"),
        ("chunks", len(ledger.raw)),
        *((_timing_name(field), _rounded(value)) for field, value in timing._asdict().items()),
        *((f"{name} tokens", value) for name, value in usage._asdict().items()),
        ("cost", str(cost) if (cost := response.cost) else None),
        ("notes", ", ".join(sorted({note.kind for note in response.notes})) or None),
    ]


def _request_values(response: Comparable) -> list[tuple[str, Any]]:
    """Return the values of the last request as it was sent, because a loaded recording has nothing else."""
    ledger = response.ledger
    sent = SentRequest()
    if ledger.exchanges:
        last = asking_exchange(ledger.exchanges)
        sent = backend(ledger.backend).read_request(last.url, last.body)
    return [
        ("requested model", sent.model),
        ("prompt", _text(sent.question)),
        ("earlier turns", sent.turns_before),
        ("system", _text(sent.system)),
        ("config", _json(sent.config) if sent.config else None),
        ("body", _json(sent.rest) if sent.rest else None),
    ]


def _text(value: Any) -> str | None:
    """Return a string unchanged, and any other JSON value except null as JSON."""
    return value if value is None or isinstance(value, str) else _json(value)


def _timing_name(field: str) -> str:
    label = TIMING_LABELS[field]
    return label if field.endswith("_per_second") else f"{label} (s)"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _json(value: Any) -> str:
    return json.dumps(json_safe(value), ensure_ascii=False, sort_keys=True, default=repr)


def _format(value: Any) -> str:
    if value is None:
        return "–"
    text = f"{value:,}" if isinstance(value, int) else visible(str(value)).replace("\n", " ⏎ ")
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
