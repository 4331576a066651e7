"""The words of ``%gemini`` that look into an answer: its tables, its times, its notes, its request; and two side by side.

They take the name of a response, by default the last one, and ``--where`` where they show rows. They send and change
nothing.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable
from typing import Any

from ..errors import OptionError
from ..prices import HOW_TO_GET, available
from ..response import Response
from ..tables import Rows
from .answers import back, latest, named
from .arguments import Line
from .standing import Desk, say_lines, table, tokens

__all__ = ["LOOKS", "read"]

_WHERE = "--where"
_HELP = ("-h", "--help")

# What each figure of the timing means, for who has not read the documentation.
_MEANINGS = {
    "connect": "until the connection stood",
    "first_byte": "until the first byte of the answer",
    "first_thought": "until the first thought",
    "first_text": "until the first text",
    "total": "until the end",
    "gap_p50": "between chunks, half are shorter",
    "gap_p95": "between chunks, 19 of 20 are shorter",
    "longest_gap": "the longest wait between chunks",
    "chunks_per_second": "chunks, from the first to the last",
    "tokens_per_second": "tokens of answer and thinking, from the first chunk to the last",
}


def read(line: str) -> Line:
    """Read a line that begins with one of these words.

    Raises:
        OptionError: a quotation mark is not closed, an option other than ``--where``, or one without its condition.
    """
    try:
        words = shlex.split(line)
    except ValueError:
        raise OptionError(
            "A quotation mark on the line is not closed.", remedy=f'Write {_WHERE} "text ~ it.s".'
        ) from None
    said, conditions, rest = iter(words), list[str](), list[str]()
    for word in said:
        name, equals, value = word.partition("=")
        if word in _HELP:
            return Line({}, tuple(rest), help=True)
        if name == _WHERE:
            condition = value if equals else next(said, "")
            if not condition:
                raise OptionError(f"{_WHERE} needs a condition.", remedy=f"Write {_WHERE} kind=text.")
            conditions.append(condition)
        elif word.startswith("-"):
            close = difflib.get_close_matches(name, [_WHERE], n=1)
            hint = (
                f"Did you mean {_WHERE}?"
                if close
                else f"It takes {_WHERE} CONDITION and the name of a response."
            )
            raise OptionError(f"`%gemini {words[0]}` has no option {name}.", remedy=hint)
        else:
            rest.append(word)
    word = rest[0] if rest else ""
    if conditions and word not in _FILTERED:
        raise OptionError(
            f"`%gemini {word}` takes no {_WHERE}.", remedy=f"It goes with {', '.join(_FILTERED)}."
        )
    return Line({"where": conditions} if conditions else {}, tuple(rest))


def _chosen(desk: Desk, line: Line) -> Response:
    return named(desk.shell.user_ns, line.words[0]) if line.words else latest(desk.session)


def _kept(rows: Rows[Any], line: Line) -> Rows[Any]:
    return rows.where(*line.options.get("where", ()))


def _events(desk: Desk, line: Line) -> Any:
    """The events of the last answer (or of the response NAME), as a table; `--where part.text~^#` picks some."""
    return _kept(_chosen(desk, line).events, line)


def _chunks(desk: Desk, line: Line) -> Any:
    """The chunks as they came, as a table; `--where usageMetadata.totalTokenCount>100` picks some."""
    return _kept(_chosen(desk, line).chunks, line)


def _usage(desk: Desk, line: Line) -> Any:
    """Tokens and cost in all, and as the last answer (or the response NAME) reported them."""
    if not line.words:
        say_lines(f"tokens: {tokens(desk)}", f"cost: {_spent(desk)}")
        if desk.session.last is None:
            return None
    response = _chosen(desk, line)
    if line.words:
        say_lines(f"cost: {_cost(response)}")
    return _kept(response.usage_history, line)


def _cost(response: Response) -> str:
    cost = response.cost
    if cost is None:
        if response.status == "running":
            return "not known before the answer has ended"
        return _unknown()
    parts = [
        f"{name} {getattr(cost, name):.6f}"
        for name in ("input", "cached", "output", "thinking", "tool")
        if getattr(cost, name)
    ]
    source = " ".join(word for word in (cost.source, cost.version) if word)
    model = f" for {cost.model}" if cost.model else ""
    return f"{cost} by {source}{model}{': ' if parts else ''}{', '.join(parts)}"


def _unknown() -> str:
    if available():
        return "not known: there is no price for this model, tier or server"
    return f"not known without a table of prices; `{HOW_TO_GET}` installs one"


def _spent(desk: Desk) -> str:
    """What the answers still in memory cost together."""
    costs = [run.response.cost for run in desk.session.runs]
    known = [cost for cost in costs if cost is not None]
    if not known:
        return _unknown() if costs else "nothing was asked"
    currencies = {cost.currency for cost in known}
    sums = [
        str(
            known[0]._replace(
                amount=sum(cost.amount for cost in known if cost.currency == each), currency=each
            )
        )
        for each in sorted(currencies)
    ]
    some = "" if len(known) == len(costs) else f" for {len(known)} of the last {len(costs)} answers"
    return f"{' and '.join(sums)}{some}"


def _notes(desk: Desk, line: Line) -> None:
    """What was odd about an answer's stream, and where."""
    notes = _kept(_chosen(desk, line).notes, line)
    told = []
    for note in notes:
        places = [
            f"{name} {at}" for name, at in (("chunk", note.chunk), ("byte", note.byte)) if at is not None
        ]
        told.append(f"{note.severity}: {note.message} ({', '.join([note.kind, *places])})")
    say_lines(*(told or ["Nothing odd was seen."]))


def _timing(desk: Desk, line: Line) -> None:
    """Where the time of an answer went, in seconds since its request was sent."""
    timing = _chosen(desk, line).timing
    rows = [
        (name, f"{value:.3f}", _MEANINGS[name])
        for name, value in timing._asdict().items()
        if value is not None
    ]
    say_lines(*(table(rows) if rows else ["Nothing has come yet."]))


def _curl(desk: Desk, line: Line) -> None:
    """The command that asks the same in a shell, with the key as a variable."""
    say_lines(_chosen(desk, line).curl())


def _diff(desk: Desk, line: Line) -> Any:
    """Two answers side by side: NAME and NAME2, NAME and the last one, or the last two."""
    names = desk.shell.user_ns
    if line.words:
        first, *second = line.words
        left = named(names, first)
        right = named(names, second[0]) if second else latest(desk.session)
        called = (first, second[0] if second else "the last one")
    else:
        right = latest(desk.session)
        left, called = back(desk.session, "2"), ("the one before", "the last one")
    made = left.diff(right)
    made.names = called
    return made


def _last(desk: Desk, line: Line) -> Response:
    """Show the last answer again (`last 2`: the one before; `last NAME`), also after a restart of the kernel."""
    word = line.words[0] if line.words else "1"
    if isinstance(desk.shell.user_ns.get(word), Response):
        return named(desk.shell.user_ns, word)
    return back(desk.session, word)


LOOKS: dict[str, Callable[[Desk, Line], Any]] = {
    "last": _last,
    "events": _events,
    "chunks": _chunks,
    "usage": _usage,
    "notes": _notes,
    "timing": _timing,
    "curl": _curl,
    "diff": _diff,
}
_FILTERED = ("events", "chunks", "usage", "notes")
