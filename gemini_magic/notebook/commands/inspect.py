"""The words of ``%gemini`` that look into an answer: its tables, what was odd, where the time went, what it took.

Each is about the last answer, or the one that a variable names. They send nothing and change nothing.
"""

from __future__ import annotations

import shlex
import textwrap
from importlib.util import find_spec
from typing import Any, Final

from ...errors import GeminiMagicError, OptionError
from ...response import Response
from ...tables import Rows
from ..arguments import MagicLine
from ..lookup import latest, named
from .status import CellRunner, say_lines, table, tokens

__all__ = [
    "FILTERED",
    "chosen",
    "chunks",
    "curl",
    "diff",
    "events",
    "inspect",
    "notes",
    "split_conditions",
    "timeline",
    "timing",
    "usage",
]


def inspect(desk: CellRunner, line: MagicLine) -> None:
    """The last answer (or the response NAME) with every chunk, its timing and its request, to look into."""
    chosen(desk, line).inspect()


def timeline(desk: CellRunner, line: MagicLine) -> Any:
    """When the chunks of an answer came, as a picture; of one that still runs, so far."""
    return chosen(desk, line).timeline()


FILTERED: Final = ("events", "chunks", "usage", "notes")
"""The words that take ``--where``."""

_WHERE: Final = "--where"
_WIDTH: Final = 72


def split_conditions(line: str) -> tuple[str, tuple[str, ...]]:
    """A line without its conditions, and those: each ``--where`` takes one word, in quotes if there are spaces in it.

    Raises:
        OptionError: a ``--where`` without a condition, or quotes that do not close.
    """
    try:
        words = iter(shlex.split(line))
    except ValueError:
        raise OptionError(
            "A quotation mark on the line is not closed.", remedy="Write --where 't > 1.5'."
        ) from None
    kept: list[str] = []
    conditions: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if name != _WHERE:
            kept.append(word)
            continue
        condition = value if equals else next(words, None)
        if not condition:
            raise OptionError(
                "--where needs a condition.", remedy="Write --where kind=text, or --where 't > 1.5'."
            )
        conditions.append(condition)
    return shlex.join(kept), tuple(conditions)


def chosen(desk: CellRunner, line: MagicLine) -> Response:
    """The response that is meant: the one with the name, else the last.

    Raises:
        OptionError: there is none.
    """
    return named(desk.shell.user_ns, line.words[0]) if line.words else latest(desk.session)


def _filtered(rows: Rows[Any], line: MagicLine) -> Rows[Any]:
    try:
        return rows.where(*line.where)
    except (KeyError, ValueError) as problem:
        message = str(problem.args[0])
        raise OptionError(
            f"{message[:1].upper()}{message[1:]}",
            remedy="Conditions look like `kind=text`, `t > 1.5`, `text ~ ^#` or `candidates.0.finishReason=STOP`.",
        ) from None


def events(desk: CellRunner, line: MagicLine) -> Rows[Any]:
    """The events of an answer as a table; `--where CONDITION` picks rows."""
    return _filtered(chosen(desk, line).events, line)


def chunks(desk: CellRunner, line: MagicLine) -> Rows[Any]:
    """The chunks of an answer as they came, as a table; `--where CONDITION` picks rows."""
    return _filtered(chosen(desk, line).chunks, line)


def usage(desk: CellRunner, line: MagicLine) -> Any:
    """Tokens and cost: of all answers, or of the response NAME; and the reports as a table (`--where CONDITION`)."""
    if not line.words:
        say_lines(f"tokens: {tokens(desk)}", f"cost: {_spent(desk)}")
        last = desk.session.last
        return None if last is None else _filtered(last.usage_history, line)
    response = chosen(desk, line)
    say_lines(f"cost: {_cost(response)}")
    return _filtered(response.usage_history, line)


def _cost(response: Response) -> str:
    cost = response.cost
    if cost is None:
        return f"not known{_how()}"
    of = f"{cost.source} {cost.version}, list price" if cost.version else f"as {cost.source} says"
    return f"{cost} ({of}{f' of {cost.model}' if cost.model else ''})"


def _spent(desk: CellRunner) -> str:
    """What the answers in memory cost together."""
    answers = [run.response for run in desk.session.runs]
    known = [cost.amount for answer in answers if (cost := answer.cost) is not None]
    if not known:
        return f"not known{_how()}"
    more = (
        ""
        if len(known) == len(answers)
        else f", {len(answers) - len(known)} of {len(answers)} answers not known"
    )
    return f"${sum(known):,.6f} by list prices{more}"


def _how() -> str:
    return "" if find_spec("genai_prices") else "; `pip install genai-prices` brings a table of prices"


def notes(desk: CellRunner, line: MagicLine) -> None:
    """What was odd about an answer's stream, and where."""
    every = chosen(desk, line).notes
    found, lines = _filtered(every, line), []
    for note in found:
        place = [
            *([] if note.chunk is None else [f"chunk {note.chunk}"]),
            *([] if note.offset is None else [f"byte {note.offset:,}"]),
        ]
        told = f"{note.severity}: {note.message} ({', '.join([note.kind, *place])})"
        # A page breaks a line that is too long for it anywhere.
        lines.append(textwrap.fill(told, _WIDTH, subsequent_indent="    ", break_on_hyphens=False))
    none = f"No note fits; there are {len(every)}." if every else "Nothing odd was seen."
    say_lines(*(lines or [none]))


def timing(desk: CellRunner, line: MagicLine) -> None:
    """Where the time of an answer went, in seconds since the request was sent."""
    response = chosen(desk, line)
    rows = response.timing.labels()
    why = (
        "This recording holds no arrival times."
        if response.chunks
        else "Nothing came, so nothing was measured."
    )
    say_lines(*(table(rows) if rows else [why]))


def curl(desk: CellRunner, line: MagicLine) -> None:
    """The command that sends the same request; the key is a variable in it."""
    try:
        say_lines(chosen(desk, line).curl())
    except GeminiMagicError as problem:
        raise OptionError(problem.message, remedy=problem.remedy) from None


def diff(desk: CellRunner, line: MagicLine) -> Any:
    """Two answers side by side: `diff NAME` with the last one, `diff NAME OTHER`."""
    if not line.words:
        raise OptionError(
            "`%gemini diff` needs a response.",
            remedy="Write `%gemini diff NAME` or `%gemini diff NAME OTHER`.",
        )
    first, *rest = (named(desk.shell.user_ns, name) for name in line.words)
    made = first.diff(rest[0] if rest else latest(desk.session))
    made.names = (line.words[0], line.words[1] if rest else "the last one")
    return made
