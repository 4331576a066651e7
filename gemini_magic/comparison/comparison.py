"""The result of a comparison: one response for each column, a table of figures, and differences between two answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, overload

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

__all__ = ["Comparison", "ComparisonRow"]


class ComparisonRow(NamedTuple):
    """One row of ``Comparison.table``.

    Attributes:
        label: the label of the column.
        model: the model that answered, as the server names it; else the model that was requested.
        status: the status of the answer, or ``running``.
        words: words of the answer so far.
        first_text: seconds from the request to the first text; None before it.
        total: seconds from the request to the end; None while it runs.
        tokens: tokens of the request and the answer together; None where they are not known.
        cost: in US dollars; None where it is not known, and while it runs.
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

    Attributes:
        responses, labels: as given.
        shown: what a view shows of them.
    """

    def __init__(self, responses: Sequence[Response], labels: Sequence[str]) -> None:
        self.responses = tuple(responses)
        self.labels = tuple(labels)
        self.shown = views.AnswerColumns(
            [views.AnswerColumn(label, each.ledger) for label, each in zip(labels, responses, strict=True)],
            lambda: [_cells(row) for row in self.table],
        )

    # -- answers ---------------------------------------------------------------------------------------------

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
        found = [each.status for each in self.responses]
        if "running" in found:
            return "running"
        return next((each for each in found if each != "complete"), "complete")

    @property
    def ok(self) -> bool:
        """Whether all answers are complete."""
        return all(each.ok for each in self.responses)

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until all answers have ended, at most ``timeout`` seconds, and return this comparison."""
        end = None if timeout is None else time.monotonic() + timeout
        for each in self.responses:
            each.wait(None if end is None else max(0.0, end - time.monotonic()))
        return self

    def cancel(self, cause: views.StopCause = "stop") -> None:
        """Stop all answers that are arriving."""
        for each in self.responses:
            if each.stream is not None:
                each.stream.cancel(cause)

    def raise_for_status(self) -> Self:
        """Raise the error of the first answer that has one; otherwise return this comparison."""
        for each in self.responses:
            each.raise_for_status()
        return self

    # -- figures ---------------------------------------------------------------------------------------------

    @property
    def table(self) -> Rows[ComparisonRow]:
        """One row for each column; ``pd.DataFrame(c.table)`` works."""
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
        for label, response in zip(self.labels, self.responses, strict=True):
            found.append(*_row(label, response))
        return Rows(found)

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
        for label, response in zip(self.labels, self.responses, strict=True):
            for exchange in response.ledger.exchanges:
                exchange.set_column(label)
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
        responses = [
            response_from_exchanges(Response, column, column[-1].backend or "gemini")
            for column in found.values()
        ]
        return cls(responses, list(found))

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


def _row(label: str, response: Response) -> tuple[Any, ...]:
    ledger = response.ledger
    requested = response.request.model if response.request else ""
    timing, cost = response.timing, response.cost
    words = views.count_words(ledger.answer)[0] or 0
    times = (timing.first_text, timing.total)
    tokens = None if ledger.usage is None else response.usage.total
    return (
        label,
        response.model_version or requested,
        response.status,
        words,
        *times,
        tokens,
        None if cost is None else cost.amount,
    )


def _cells(row: ComparisonRow) -> tuple[str, ...]:
    """The cells of a row as the table below the columns shows them."""
    seconds = ("–" if value is None else f"{value:.2f}" for value in (row.first_text, row.total))
    tokens = "–" if row.tokens is None else f"{row.tokens:,}"
    return (row.label, row.status, f"{row.words:,}", *seconds, tokens, _dollars(row.cost))


def _dollars(amount: float | None) -> str:
    return "–" if amount is None else f"${amount:.6f}".rstrip("0").rstrip(".") or "$0"
