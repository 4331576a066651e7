"""Two answers side by side: what was asked, what was said, how it ended, how long it took and what it cost.

It compares what two responses hold and draws it, as text and as HTML that needs no script; every word of a model or a
server is escaped. It fetches nothing.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

from ..any_json import leaves
from ..markdown import visible
from ..received import Received
from .status import redacted

__all__ = ["Difference", "Fact", "difference"]

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_WORDS = 4_000  # of each text; longer ones are compared by lines
_LINES = 2_000
_VALUE = 120  # characters of one value
_FIELDS = 40  # of the request
_CONTEXT = 3  # lines around a change in plain text
_BORDER = "border:1px solid rgba(127,127,127,.35);padding:3px 8px;text-align:left;vertical-align:top"
_OUT = "background:rgba(217,65,61,.22);text-decoration:line-through"
_IN = "background:rgba(46,139,87,.25);text-decoration:none"


class Fact(NamedTuple):
    """One thing compared: what it is, and both values in words; empty where there is none."""

    group: str
    name: str
    left: str
    right: str

    @property
    def same(self) -> bool:
        """Whether both are equal."""
        return self.left == self.right


class Difference:
    """What is different between two answers.

    Args:
        left: one answer with the text it gave.
        right: the other.

    Attributes:
        facts: everything that was compared but the text.
        names: what the two are called.
    """

    names = ("left", "right")

    def __init__(self, left: tuple[Received, str], right: tuple[Received, str]) -> None:
        self._texts = tuple(visible(redacted(text)) for _, text in (left, right))
        self.facts = list(_facts(left[0], right[0]))

    @property
    def same_text(self) -> bool:
        """Whether both answers say the same."""
        return self._texts[0] == self._texts[1]

    @property
    def text(self) -> str:
        """The difference of the texts in the unified format; empty when they are equal."""
        left, right = (text.splitlines()[:_LINES] for text in self._texts)
        return "\n".join(difflib.unified_diff(left, right, *self.names, lineterm="", n=_CONTEXT))

    def __repr__(self) -> str:
        rows = [("", *self.names), *((f"{fact.name}", fact.left, fact.right) for fact in self.facts)]
        widths = [max(len(row[at]) for row in rows) for at in range(2)]
        lines = [
            f"{'  ' if row[1] == row[2] else '* '}{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip()
            for row in rows
        ]
        lines[0] = f"  {lines[0][2:]}"
        return "\n".join([*lines, "", self.text or "The texts are equal."])

    def _repr_html_(self) -> str:
        rows, group = [], ""
        for fact in self.facts:
            if fact.group != group:
                group = fact.group
                rows.append(
                    f'<tr><th colspan="3" scope="colgroup" style="{_BORDER};opacity:.75">{escape(group)}</th></tr>'
                )
            weight = "normal" if fact.same else "bold"
            cells = "".join(
                f'<td style="{_BORDER};font-weight:{weight};white-space:pre-wrap;overflow-wrap:anywhere">{escape(value)}</td>'
                for value in (fact.left, fact.right)
            )
            rows.append(
                f'<tr><th scope="row" style="{_BORDER};font-weight:normal">{escape(fact.name)}</th>{cells}</tr>'
            )
        head = "".join(
            f'<th scope="col" style="{_BORDER}">{name}</th>' for name in map(escape, ("", *self.names))
        )
        return (
            f'<div class="gemini-magic mathjax_ignore" style="overflow-x:auto"><table style="border-collapse:collapse">'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{self._text_html()}</div>"
        )

    def _text_html(self) -> str:
        if self.same_text:
            return "<p>The texts are equal.</p>"
        words = [_TOKEN.findall(text) for text in self._texts]
        by_words = max(map(len, words)) <= _WORDS
        pieces = words if by_words else [text.splitlines(keepends=True)[:_LINES] for text in self._texts]
        shown = "".join(_marked(*pieces))
        cut = (
            ""
            if by_words or max(map(str.count, self._texts, "\n\n")) <= _LINES
            else "<p>The beginnings only.</p>"
        )
        return (
            f'<div style="white-space:pre-wrap;overflow-wrap:anywhere;margin-top:.6em;line-height:1.5" role="region" '
            f'aria-label="Difference of the texts">{shown}</div>{cut}'
        )


def difference(left: tuple[Received, str], right: tuple[Received, str]) -> Difference:
    """What is different between two answers, each given with its text."""
    return Difference(left, right)


def _marked(left: Sequence[str], right: Sequence[str]) -> Iterator[str]:
    """The pieces of both texts in order, with what only one has marked."""
    for what, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        gone, came = escape("".join(left[a:b])), escape("".join(right[c:d]))
        if what == "equal":
            yield gone
            continue
        if gone:
            yield f'<del style="{_OUT}">{gone}</del>'
        if came:
            yield f'<ins style="{_IN}">{came}</ins>'


# -- what is compared


def _facts(left: Received, right: Received) -> Iterator[Fact]:
    asked = [_asked(each) for each in (left, right)]
    names = [
        name for name in dict.fromkeys([*asked[0], *asked[1]]) if asked[0].get(name) != asked[1].get(name)
    ]
    for name in names[:_FIELDS]:
        yield Fact("Request", name, *(_word(each.get(name)) for each in asked))
    if len(names) > _FIELDS:
        yield Fact("Request", "more", *[f"{len(names) - _FIELDS} more fields differ"] * 2)
    if not names:
        yield Fact("Request", "request", "the same", "the same")
    for group, tell in (("Answer", _answer), ("Time", _times), ("Tokens", _tokens), ("Notes", _notes)):
        mine, theirs = tell(left), tell(right)
        for name in dict.fromkeys([*mine, *theirs]):
            values = mine.get(name), theirs.get(name)
            if values != (None, None):
                yield Fact(group, name, *map(_word, values))


def _asked(of: Received) -> dict[str, Any]:
    exchanges = of.ledger.exchanges
    if not exchanges:
        return {}
    last = exchanges[-1]
    try:
        body = json.loads(last.body)
    except (ValueError, RecursionError):
        body = last.body.decode("utf-8", "replace")
    return {"model": last.model, **leaves(body)}


def _answer(of: Received) -> dict[str, Any]:
    ledger = of.ledger
    return {
        "status": ledger.status,
        "finish reason": ledger.finish.reason if ledger.finish else None,
        "model": ledger.model_version,
        "characters": ledger.chars,
        "chunks": len(ledger.raw),
    }


def _times(of: Received) -> dict[str, Any]:
    timing = of.timing._asdict()
    return {name: value if value is None else f"{value:.3f}" for name, value in timing.items()}


def _tokens(of: Received) -> dict[str, Any]:
    return {**of.usage._asdict(), "cost": None if of.cost is None else str(of.cost)}


def _notes(of: Received) -> dict[str, Any]:
    kinds: dict[str, int] = {}
    for note in of.notes:
        kinds[note.kind] = kinds.get(note.kind, 0) + 1
    return kinds


def _word(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    text = " ".join(visible(redacted(text)).split())
    return text if len(text) <= _VALUE else text[: _VALUE - 1] + "…"
