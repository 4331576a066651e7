"""The commands that show an answer again, or its data: inspector, tables, notes, timing, cost, curl command, comparison.

Each applies to the last answer, or to the response in the variable that is named. They send nothing and change nothing.
"""

from __future__ import annotations

import textwrap
from importlib.util import find_spec
from typing import Any, Final

from ...errors import GeminiMagicError, OptionError
from ...journaling import started_interactions
from ...ledger import unfinished_id
from ...response import Response
from ...tables import Rows
from ...views import AnswerCandidate
from ..arguments import MagicLine
from ..lookup import last_response, response_at, response_named, selected_response
from ..messages import format_table, print_lines
from ..session import goes_on_alone
from .context import CommandContext
from .journal import show_entry
from .status import token_summary

__all__ = [
    "diff_answers",
    "open_inspector",
    "show_chunks",
    "show_curl",
    "show_events",
    "show_last",
    "show_logprobs",
    "show_notes",
    "show_part",
    "show_sources",
    "show_timeline",
    "show_timing",
    "show_usage",
]

_WIDTH: Final = 72
_SAME_TIME: Final = (
    0.001  # seconds between the times of one answer in the journal and in the list of interactions
)
_DIGITS: Final = 10  # of the number of a picture, at most
# What `%gemini show` shows of an answer: the attribute of the response, and the plural in messages.
_MEDIA: Final = {
    "picture": ("images", "pictures"),
    "audio": ("audio", "audio files"),
    "video": ("videos", "videos"),
}


# -- the answer


def show_last(context: CommandContext, line: MagicLine) -> Any:
    """Show the last answer again, also after a kernel restart; `last 2` shows the one before. An answer that the server makes in the background is followed to its end after a restart."""
    found = response_at(context.session, line.arguments[0] if line.arguments else "1")
    if line.arguments or context.session.runs or not goes_on_alone(found.ledger):
        return found
    if unfinished_id(found.ledger) is not None:
        return context.resume(MagicLine({}, ()))
    # The kernel ended before the id was in the journal.
    started = found.started.timestamp()
    for each in started_interactions().all():
        if abs(each.started - started) < _SAME_TIME:
            return context.follow(each.id, MagicLine({}, ()))
    return found


def open_inspector(context: CommandContext, line: MagicLine) -> None:
    """Open the inspector for the last answer or for NAME: all chunks, their timing and the request."""
    _selected(context, line).inspect()


def diff_answers(context: CommandContext, line: MagicLine) -> Any:
    """Compare two answers side by side: NAME with OTHER, or with the last answer."""
    if not line.arguments:
        raise OptionError(
            "`%gemini diff` requires the name of a response.",
            remedy="Usage: `%gemini diff NAME` or `%gemini diff NAME OTHER`.",
        )
    first, *rest = (response_named(context.shell.user_ns, name) for name in line.arguments)
    difference = first.diff(rest[0] if rest else last_response(context.session))
    difference.names = (line.arguments[0], line.arguments[1] if rest else "last answer")
    return difference


def _selected(context: CommandContext, line: MagicLine) -> Response:
    return selected_response(context.session, context.shell.user_ns, line.arguments)


def show_part(context: CommandContext, line: MagicLine) -> Any:
    """Show answer N of the journal again (the newest without N). `show picture 2` shows one picture of the last answer, `show audio 1 NAME` audio of the answer NAME, `show picture 1 candidate 1` one of `r.candidates[1]`."""
    kind, *rest = line.arguments or ("",)
    candidate = 0
    if "candidate" in rest[:-1]:
        at = rest.index("candidate")
        candidate = int(rest[at + 1]) if _is_number(rest[at + 1]) else -1
        del rest[at : at + 2]
    if kind not in _MEDIA:
        if rest:
            raise _wrong_usage(f"`%gemini show` accepts one number, but got {' '.join(line.arguments)!r}.")
        return show_entry(context, line)
    numbers = list(filter(_is_number, rest))
    names = [word for word in rest if word not in numbers]
    if len(numbers) > 1 or len(names) > 1:
        raise _wrong_usage(f"`%gemini show {kind}` accepts one number and one name.")
    response = selected_response(context.session, context.shell.user_ns, names)
    attribute, noun = _MEDIA[kind]
    found = getattr(_candidate(response, candidate), attribute)
    number = int(numbers[0]) if numbers else 1
    if not 0 < number <= len(found):
        has = f"{len(found)} {noun if len(found) != 1 else kind}" if found else f"no {noun}"
        raise OptionError(
            f"There is no {kind} {number}: the answer has {has}.",
            remedy=f"`r.{f'candidates[{candidate}].' if candidate else ''}{attribute}` of the response lists them.",
        )
    return found[number - 1]


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < _DIGITS


def _candidate(response: Response, index: int) -> Response | AnswerCandidate:
    """A candidate by its index; the response itself stands for candidate 0.

    Raises:
        OptionError: there is no such candidate.
    """
    if index == 0:
        return response
    found = next((each for each in response.candidates if each.index == index), None)
    if found is None:
        known = ", ".join(str(each.index) for each in response.candidates) or "none"
        raise OptionError(
            "There is no candidate of that index.", remedy=f"The answer has the candidates: {known}."
        )
    return found


def _wrong_usage(message: str) -> OptionError:
    return OptionError(message, remedy="Usage: `%gemini show N` or `%gemini show picture N NAME`.")


# -- its tables


def show_events(context: CommandContext, line: MagicLine) -> Rows[Any]:
    """Show the events of an answer as a table; `--where CONDITION` filters the rows."""
    return _filtered(_selected(context, line).events, line)


def show_chunks(context: CommandContext, line: MagicLine) -> Rows[Any]:
    """Show the chunks of an answer, as received, as a table; `--where CONDITION` filters the rows."""
    return _filtered(_selected(context, line).chunks, line)


def show_sources(context: CommandContext, line: MagicLine) -> Rows[Any]:
    """Show the sources of an answer as a table, with the passages that they support; `--where CONDITION` filters the rows."""
    return _filtered(_selected(context, line).sources, line)


def show_logprobs(context: CommandContext, line: MagicLine) -> Rows[Any]:
    """Show the text of an answer shaded by the probability of each token, and a table; `--where CONDITION` filters the rows."""
    tokens = _selected(context, line).logprobs
    return _filtered(tokens, line) if line.where else tokens


def show_usage(context: CommandContext, line: MagicLine) -> Any:
    """Show the tokens and the cost of all answers, or of NAME, and a table of the usage reports; `--where CONDITION` filters the rows."""
    if not line.arguments:
        print_lines(f"tokens: {token_summary(context)}", f"cost: {_total_cost(context)}")
        last = context.session.last
        return None if last is None else _filtered(last.usage_history, line)
    response = _selected(context, line)
    print_lines(f"cost: {_cost(response)}")
    return _filtered(response.usage_history, line)


def _filtered(rows: Rows[Any], line: MagicLine) -> Rows[Any]:
    try:
        return rows.where(*line.where)
    except (KeyError, ValueError) as problem:
        message = str(problem.args[0])
        raise OptionError(
            f"{message[:1].upper()}{message[1:]}",
            remedy="Examples of conditions: `kind=text`, `t > 1.5`, `text ~ ^#`, `candidates.0.finishReason=STOP`.",
        ) from None


def _cost(response: Response) -> str:
    cost = response.cost
    if cost is None:
        return _unknown_cost()
    source = f"{cost.source} {cost.version}, list price" if cost.version else f"reported by {cost.source}"
    offline = "; replaying it costs nothing" if response.ledger.source == "recording" else ""
    return f"{cost} ({source}{f' of {cost.model}' if cost.model else ''}{offline})"


def _total_cost(context: CommandContext) -> str:
    """The cost of all answers in memory together; replays and offline answers cost nothing."""
    responses = [run.response for run in context.session.runs if run.is_billed]
    costs = [cost.amount for response in responses if (cost := response.cost) is not None]
    if not costs:
        return _unknown_cost() if responses else "none"
    unknown = len(responses) - len(costs)
    rest = f", {unknown} of {len(responses)} answers unknown" if unknown else ""
    return f"${sum(costs):,.6f} by list prices{rest}"


def _unknown_cost() -> str:
    return "unknown" if find_spec("genai_prices") else "unknown; for list prices, `pip install genai-prices`"


# -- notes, times, request


def show_notes(context: CommandContext, line: MagicLine) -> None:
    """List the notes on an answer's stream (unusual or invalid data) with their positions; `--where CONDITION` filters them."""
    notes = _selected(context, line).notes
    lines = []
    for note in _filtered(notes, line):
        position = [
            *([] if note.chunk is None else [f"chunk {note.chunk}"]),
            *([] if note.offset is None else [f"byte {note.offset:,}"]),
        ]
        text = f"{note.severity}: {note.message} ({', '.join([note.kind, *position])})"
        # A page may wrap a line that is too long in the middle of a word.
        lines.append(textwrap.fill(text, _WIDTH, subsequent_indent="    ", break_on_hyphens=False))
    empty = f"No matching notes ({len(notes)} in total)." if notes else "No notes: nothing unusual was found."
    print_lines(*(lines or [empty]))


def show_timing(context: CommandContext, line: MagicLine) -> None:
    """Show how long each phase of an answer took, in seconds since the request was sent."""
    response = _selected(context, line)
    rows = response.timing.labels()
    reason = (
        "This recording has no arrival times."
        if response.chunks
        else "Nothing has been received yet, so there is no timing."
    )
    print_lines(*(format_table(rows) if rows else [reason]))


def show_timeline(context: CommandContext, line: MagicLine) -> Any:
    """Draw when the chunks of an answer arrived; for a running request, the chunks so far."""
    return _selected(context, line).timeline()


def show_curl(context: CommandContext, line: MagicLine) -> None:
    """Print a curl command that sends the same request. It contains an environment variable, not the key."""
    try:
        print_lines(_selected(context, line).curl())
    except GeminiMagicError as problem:
        raise OptionError(problem.message, remedy=problem.remedy) from None
