"""The result of a comparison: one response for each column, a table of figures, and differences between two answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeVar, overload

from .. import recording, views
from ..backends import backend
from ..client import play
from ..diff import Difference
from ..errors import RecordingError
from ..ledger import Exchange, Ledger
from ..options import Options
from ..response import Response, response_from_exchanges
from ..tables import Column, Columns, Rows
from ..text import one_line
from .column import AskAgain, ComparedColumn

__all__ = ["Comparison", "ComparisonRow"]

N = TypeVar("N", int, float)
_TICK: Final = 0.05  # seconds; one of the streams is waited for, and the others are looked at after this time


class ComparisonRow(NamedTuple):
    """One row of ``Comparison.table``.

    Attributes:
        label: the label of the column.
        model: the model that answered, as the server names it; else the model that was requested.
        status: the status of the answer, or ``running``.
        words: words of the answer so far.
        first_text: seconds from the request to the first text; None before it.
        total: seconds from the request to the end, with all rounds and requests that asked again; None while it runs.
        tokens: tokens of all requests and answers of the column together; None where they are not known.
        cost: of all of them, in US dollars; None where it is not known, and while it runs.
    """

    label: str
    model: str
    status: str
    words: int
    first_text: float | None
    total: float | None
    tokens: int | None
    cost: float | None


class Comparison(views.DisplayedValue):
    """Several answers to one prompt, usable from before the first byte arrives.

    ``c[0]`` and ``c["gemini-3-flash"]`` are responses; iterating yields all of them in the order of the columns.

    Args:
        responses: the responses.
        labels: their labels, each once.
        ask_again: for each column, what asks again for an answer that does not fit its schema; empty if nothing does.

    Attributes:
        labels: as given.
        columns: the columns.
        shown: what a view shows of them.
    """

    def __init__(
        self, responses: Sequence[Response], labels: Sequence[str], ask_again: Sequence[AskAgain | None] = ()
    ) -> None:
        self.labels = tuple(labels)
        again = ask_again or [None] * len(self.labels)
        self.columns = [ComparedColumn(*each) for each in zip(labels, responses, again, strict=True)]
        columns = self.columns  # the cells refer to the columns: to this object would be a cycle
        self.shown = views.AnswerColumns(
            [each.shown for each in columns], lambda: [_cells(row) for row in _table(columns)]
        )

    # -- answers ---------------------------------------------------------------------------------------------

    @property
    def responses(self) -> tuple[Response, ...]:
        """The responses; of an answer that was requested again, the newest one."""
        return tuple(each.response for each in self.columns)

    def __len__(self) -> int:
        return len(self.responses)

    def __iter__(self) -> Iterator[Response]:
        return iter(self.responses)

    @overload
    def __getitem__(self, which: int | str) -> Response: ...
    @overload
    def __getitem__(self, which: slice) -> tuple[Response, ...]: ...
    def __getitem__(self, which: int | str | slice) -> Response | tuple[Response, ...]:
        """The response of a column: by its place from 0, its label, or a part of the label that only it has."""
        if isinstance(which, str):
            return self.responses[self._position(which)]
        return self.responses[which]

    def _position(self, which: int | str) -> int:
        if not isinstance(which, str):
            return range(len(self.responses))[which]
        if which in self.labels:
            return self.labels.index(which)
        matching = [place for place, label in enumerate(self.labels) if which in label.split(" · ")]
        if len(matching) != 1:
            problem = "names several columns" if matching else "is not the label of a column"
            raise KeyError(f"{which!r} {problem}. The labels are: {', '.join(map(repr, self.labels))}.")
        return matching[0]

    @property
    def status(self) -> str:
        """``running`` while an answer arrives; then ``complete`` if all answers are, else the status of the first other one."""
        found = [each.shown.status for each in self.columns]
        if "running" in found:
            return "running"
        return next((each for each in found if each != "complete"), "complete")

    @property
    def ok(self) -> bool:
        """Whether all answers are complete."""
        return all(each.ok for each in self.responses)

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until all answers have ended, at most ``timeout`` seconds, and return this comparison.

        The functions that the answers call run meanwhile. One that runs on this thread is not cut short.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while any(each.running for each in self.columns) and (end is None or time.monotonic() < end):
            if not sum(each.step() for each in self.columns):  # any() would step only the first ones
                self._pause(_TICK if end is None else max(0.0, min(_TICK, end - time.monotonic())))
        return self

    def _pause(self, seconds: float) -> None:
        """Wait at most this long, or until an answer or a round ends."""
        streams = [each.stream for each in self.columns if each.stream is not None]
        reading = [each for each in streams if not each.between_rounds]
        if reading:
            reading[0].wait_while_reading(seconds)
        elif streams:
            streams[0].wait_change(streams[0].ledger.version, seconds)
        else:  # another thread asks again
            time.sleep(seconds)

    def cancel(self, cause: views.StopCause = "stop") -> None:
        """Stop all answers that are arriving, and the functions that run for them."""
        for each in self.columns:
            each.cancel(cause)

    def raise_for_status(self) -> Self:
        """Raise the error of the first answer that has one; otherwise return this comparison."""
        for each in self.responses:
            each.raise_for_status()
        return self

    # -- figures ---------------------------------------------------------------------------------------------

    @property
    def table(self) -> Rows[ComparisonRow]:
        """One row for each column; ``pd.DataFrame(c.table)`` works."""
        return _table(self.columns)

    def diff(self, first: int | str, second: int | str) -> Difference:
        """Compare the answers of two columns, named as for ``c[…]``: texts, endings, timing, tokens, cost and notes."""
        places = self._position(first), self._position(second)
        left, right = (self.responses[place] for place in places)
        found = Difference(left, right)
        found.names = (self.labels[places[0]], self.labels[places[1]])
        return found

    # -- files -----------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write what went over the wire for all columns to one ``.jsonl`` file and return its path.

        Raises:
            RecordingError: the suffix is another one, or the file cannot be written.
        """
        target = Path(path)
        if target.suffix != ".jsonl":
            raise RecordingError(
                f"A comparison is saved as .jsonl, not as {target.suffix or 'a file without a suffix'}.",
                remedy="Use a name such as comparison.jsonl; `c[0].save(…)` writes one answer in other formats.",
            )
        found = []
        for column in self.columns:
            for exchange in (each for answer in column.answers for each in answer.ledger.exchanges):
                exchange.set_column(column.label)
                found.append(exchange)
        recording.write_recording(target, found)
        return target

    @classmethod
    def load(cls, path: str | Path, *, max_total: float = Options.max_total) -> Self:
        """Return the comparison in a recording of ``--record`` or :meth:`save`: the newest answer of each column.

        Args:
            path: a ``.jsonl`` file.
            max_total: MB that a compressed file may expand to.

        Raises:
            RecordingError: the file cannot be read, or contains no comparison.
        """
        exchanges = recording.read_recording(Path(path), max_total=max_total)
        found: dict[str, list[Exchange]] = {}
        for each in exchanges:
            if each.column:
                found.setdefault(each.column, []).append(each)
        if not found:
            raise RecordingError(
                f"{Path(path).name} contains no comparison.",
                remedy="Response.load(…) reads the recording of a single answer.",
            )
        return cls([_loaded(column) for column in found.values()], list(found))

    def replay(self, speed: float = 1.0) -> None:
        """Show the answers arriving side by side once more, at ``speed`` times their pace (0: at once). Nothing is sent.

        Raises:
            RecordingError: an answer is still running, nothing was received, or the speed is negative.
            Interrupted: the user stopped it.
        """
        if self.status == "running":
            raise RecordingError("The comparison is still running.", remedy="Call c.wait() first.")
        received = [each for each in self.responses if _has_bytes(each)]
        if not received:
            raise RecordingError("Nothing was received, so there is nothing to replay.", remedy="Ask again.")
        labels = [label for label, each in zip(self.labels, self.responses, strict=True) if _has_bytes(each)]
        played = []
        for label, each in zip(labels, received, strict=True):
            own = each.ledger
            ledger = Ledger(
                each.request,
                backend=own.backend,
                before=own.before,
                display=own.display,
                schema=own.schema,
                column=label,
            )
            played.append(Response(ledger, play(own.exchanges, backend(own.backend), ledger, speed=speed)))
        again = Comparison(played, labels)
        streams = [each.stream for each in played if each.stream is not None]
        views.watch_columns(again.shown, streams)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the responses; an answer that is still running raises TypeError."""
        return type(self), (self.responses, self.labels)

    # -- display ---------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        done = sum(each.status != "running" for each in self.responses)
        return one_line(
            f"<Comparison {self.status}: {done} of {len(self)} answers have ended: {', '.join(self.labels)}>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        return views.columns_value_bundle(self.shown)


def _has_bytes(response: Response) -> bool:
    return any(each.status or each.pieces for each in response.ledger.exchanges)


def _loaded(exchanges: Sequence[Exchange]) -> Response:
    """The newest answer of a column in a recording, with those before it that did not fit their schema."""
    starts = [at for at, each in enumerate(exchanges) if not (each.attempt or each.round or each.resumed)]
    runs = [list(exchanges[start:end]) for start, end in zip(starts, [*starts[1:], None], strict=True)]
    if len(runs) < 2:  # noqa: PLR2004 - there is none before
        return response_from_exchanges(Response, exchanges, exchanges[-1].backend or "gemini")
    name = runs[-1][0].backend or "gemini"
    own = [runs.pop()]
    while runs and backend(name).continues(runs[-1][0].body, own[0][0].body):
        own.insert(0, runs.pop())
    *before, newest = (response_from_exchanges(Response, each, name) for each in own)
    newest.repaired_from = tuple(each for each in before if each.needs_repair())
    return newest


def _table(columns: Sequence[ComparedColumn]) -> Rows[ComparisonRow]:
    found: Columns[ComparisonRow] = Columns(
        ComparisonRow,
        [
            *(Column(name, "string") for name in ("label", "model", "status")),
            Column("words", "int64", not_null=True),
            *(Column(name, "float64") for name in ("first_text", "total")),
            Column("tokens", "int64"),
            Column("cost", "float64"),
        ],
        show_all=True,
    )
    for each in columns:
        found.append(*_row(each))
    return Rows(found)


def _row(column: ComparedColumn) -> tuple[Any, ...]:
    response, answers = column.response, column.answers
    requested = response.request.model if response.request else ""
    words = views.count_words(response.ledger.answer)[0] or 0
    timings = [each.timing for each in answers]
    costs = [each.cost for each in answers]
    tokens = [each.usage.total for each in answers if each.ledger.usage is not None]
    return (
        column.label,
        response.model_version or requested,
        column.shown.status,
        words,
        timings[0].first_text,
        _sum([each.total for each in timings]),
        _sum(tokens) if tokens else None,
        _sum([None if each is None else each.amount for each in costs]),
    )


def _sum(values: Sequence[N | None]) -> N | None:
    """The sum; None if one of the values is not known."""
    known = [each for each in values if each is not None]
    return sum(known) if len(known) == len(values) else None


def _cells(row: ComparisonRow) -> tuple[str, ...]:
    """The cells of a row as the table below the columns shows them."""
    seconds = ("–" if value is None else f"{value:.2f}" for value in (row.first_text, row.total))
    tokens = "–" if row.tokens is None else f"{row.tokens:,}"
    return (row.label, row.status, f"{row.words:,}", *seconds, tokens, _dollars(row.cost))


def _dollars(amount: float | None) -> str:
    return "–" if amount is None else f"${amount:.6f}".rstrip("0").rstrip(".") or "$0"
