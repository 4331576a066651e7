"""Two responses side by side: what was asked, how it ended, how long it took, what it cost, what it said.

It reads two ledgers' faces and draws a table; every value is escaped.
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
from .ledger import Ledger
from .lenient_json import clean, tidy
from .timing import Timing

__all__ = ["Change", "Difference"]

_LINES: Final = 2_000  # lines of each text that are compared
_SHOWN: Final = 200  # lines of their difference that are shown
_CELL: Final = 200  # characters of a value
_CONTEXT: Final = 2


class Comparable(Protocol):
    """The attributes of a response that are compared."""

    ledger: Ledger

    @property
    def timing(self) -> Timing: ...

    @property
    def usage(self) -> Usage: ...

    @property
    def model_version(self) -> str | None: ...

    @property
    def cost(self) -> object: ...

    @property
    def notes(self) -> Iterable[Any]: ...


class Change(NamedTuple):
    """One figure of both; ``same`` says whether they are equal."""

    name: str
    left: Any
    right: Any
    same: bool


class Difference:
    """What is different between two responses. It shows itself in a notebook, and prints as text.

    Args:
        left, right: the responses.
        texts: what each said.

    Attributes:
        names: what the two are called where they are shown.
        changes: every figure that was compared.
        text: the lines of the answers that differ, as ``difflib.unified_diff`` has them; empty when they are equal.
    """

    def __init__(self, left: Comparable, right: Comparable, texts: tuple[str, str]) -> None:
        self.names = ("left", "right")
        self.changes = [
            Change(name, mine, yours, mine == yours)
            for (name, mine), (_, yours) in zip(
                _figures(left, texts[0]), _figures(right, texts[1]), strict=True
            )
        ]
        one, other = (text.splitlines()[:_LINES] for text in texts)
        self.text = list(difflib.unified_diff(one, other, "left", "right", n=_CONTEXT, lineterm=""))

    @property
    def same(self) -> bool:
        """Whether the answers say the same, in the same way: texts and how they ended, whatever the time they took."""
        return not self.text and all(change.same for change in self.changes if change.name in _SAYING)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict a figure."""
        return [change._asdict() for change in self.changes]

    def __repr__(self) -> str:
        rows = [
            ("", *self.names),
            *((c.name, _said(c.left), _said(c.right)) for c in self.changes if not c.same),
        ]
        widths = [max(len(row[at]) for row in rows) for at in range(2)]
        table = [f"{a.ljust(widths[0])}  {b.ljust(widths[1])}  {c}".rstrip() for a, b, c in rows]
        told = table if len(rows) > 1 else ["All figures are equal."]
        return "\n".join([*told, "", *(self._lines() or ["The texts are equal."])])

    def _lines(self) -> list[str]:
        # A space behind the sign: in `--x` nobody sees that an item of a list went.
        shown = [
            clean(line if line.startswith("@@") else f"{line[:1]} {line[1:]}".rstrip())
            for line in islice(self.text, 2, 2 + _SHOWN)
        ]
        left = len(self.text) - 2 - _SHOWN
        return [*shown, f"… {left:,} more lines"] if left > 0 else shown

    def _repr_html_(self) -> str:
        left = 'style="text-align:left;vertical-align:top"'
        rows = "".join(
            f"<tr><td {left}>{'' if c.same else '≠ '}{escape(c.name)}</td>"
            f"<td {left}>{escape(_said(c.left))}</td><td {left}>{escape(_said(c.right))}</td></tr>"
            for c in self.changes
            if c.left is not None or c.right is not None
        )
        heads = "".join(f"<th {left}>{escape(name)}</th>" for name in self.names)
        lines = "\n".join(_marked(line) for line in self._lines()) or "The texts are equal."
        return (
            f'<div style="overflow-x:auto"><table><thead><tr><th></th>{heads}</tr></thead>'
            f'<tbody>{rows}</tbody></table></div><pre style="white-space:pre-wrap">{lines}</pre>'
        )


_SAYING: Final = ("status", "finish reason", "answer", "thoughts")


def _marked(line: str) -> str:
    kind, colour = {"+": ("ins", "success"), "-": ("del", "error")}.get(line[:1], ("", ""))
    style = f"text-decoration:none;color:var(--jp-{colour}-color1)"
    return f'<{kind} style="{style}">{escape(line)}</{kind}>' if kind else escape(line)


def _figures(response: Comparable, text: str) -> list[tuple[str, Any]]:
    ledger, timing, usage = response.ledger, response.timing, response.usage
    finish = ledger.finish
    return [
        *_asked(response),
        ("model", response.model_version),
        ("status", ledger.status),
        ("finish reason", finish.reason if finish else None),
        ("answer", f"{len(text):,} characters"),
        ("thoughts", f"{sum(map(len, list(ledger.thoughts))):,} characters"),
        ("chunks", len(ledger.raw)),
        *((_measured(name), _seconds(value)) for name, value in timing._asdict().items()),
        *((f"{name} tokens", value) for name, value in usage._asdict().items()),
        ("cost", str(cost) if (cost := response.cost) else None),
        ("notes", ", ".join(sorted({note.kind for note in response.notes})) or None),
    ]


def _asked(response: Comparable) -> list[tuple[str, Any]]:
    """The request as it went over the wire; a loaded recording has no other record of it."""
    ledger = response.ledger
    sent = SentRequest()
    if ledger.exchanges:
        last = ledger.exchanges[-1]
        sent = backend(ledger.backend).read_request(last.url, last.body)
    return [
        ("model asked", sent.model),
        ("question", _text(sent.question)),
        ("turns before", sent.turns_before),
        ("system", _text(sent.system)),
        ("config", _json(sent.config) if sent.config else None),
        ("body", _json(sent.rest) if sent.rest else None),
    ]


def _text(value: Any) -> str | None:
    """A text as it is, any other JSON value as JSON."""
    return value if value is None or isinstance(value, str) else _json(value)


def _measured(name: str) -> str:
    return name.replace("_", " ") if name.endswith("_per_second") else f"{name.replace('_', ' ')} (s)"


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _json(value: Any) -> str:
    return json.dumps(tidy(value), ensure_ascii=False, sort_keys=True, default=repr)


def _said(value: Any) -> str:
    if value is None:
        return "–"
    text = f"{value:,}" if isinstance(value, int) else clean(str(value)).replace("\n", " ⏎ ")
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
