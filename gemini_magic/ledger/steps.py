"""The steps of an answer (Interactions API), as they arrive, and the turn that sends them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, field

from ..events import Decoded, StepStart, StepStop, Usage
from .exchange import ServerRun

__all__ = ["AnswerStep", "StepLog"]


_RECENT: Final = 100  # steps among which a running one is looked for


class AnswerStep(Struct, eq=False):
    """A step of an answer.

    Attributes:
        number: its number among all steps of the answer, from 0; ``index``: the server's index in its interaction.
        round: the tool round.
        type: ``model_output``, ``thought``, ``google_search_call`` or another type as sent.
        id: the id of a call, or of the call that a result belongs to; None without one.
        name: what it calls; None for a step that calls nothing by name.
        chunk: the chunk that begins it; ``last_chunk``: the one that ends it, the same as ``chunk`` while it runs.
        started: when it began, in seconds since the first request was sent; ``ended``: when it ended, None while it runs.
        part: the number of parts of candidate 0 before it; ``last_part``: the number after it. The parts of steps that are
            interleaved with it lie in between.
        char, last_char: the same for the characters of the answer.
        usage: its tokens alone; None if the server did not report them.
        raw: the whole step as received, once it has ended; before, how it began. Empty if neither was sent.
    """

    number: int
    index: int
    round: int
    type: str
    chunk: int
    started: float
    part: int
    char: int
    id: str | None = None
    name: str | None = None
    last_chunk: int = 0
    ended: float | None = None
    last_part: int = 0
    last_char: int = 0
    usage: Usage | None = None
    raw: dict[str, Any] = field(default_factory=dict)


class StepLog:
    """The steps of an answer, in the order in which they began; append-only, for one writer.

    Attributes:
        cursor: the newest place in the stream from which the server can repeat it (``event_id``); None if it sent none.
        stored_id: the id with which the server can repeat the stream; None for an answer that it does not store.
        run: what is known about an answer that the server makes without a connection; None for any other.
    """

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.stored_id: str | None = None
        self.run: ServerRun | None = None
        self._steps: list[AnswerStep] = []
        self._open: dict[int, AnswerStep] = {}  # by the server's index

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, number: int) -> AnswerStep:
        return self._steps[number]

    def all(self) -> list[AnswerStep]:
        """The steps so far."""
        return list(self._steps)

    def begin(self, *, resumed: bool) -> None:
        """An exchange begins; unless it resumes the stream of the one before, the server stores nothing yet."""
        if not resumed:
            self.cursor = self.stored_id = None

    def read(self, decoded: Decoded) -> None:
        """Keep where the stream can be read again."""
        self.cursor = decoded.cursor or self.cursor
        self.stored_id = decoded.stored_id or self.stored_id

    @property
    def running(self) -> AnswerStep | None:
        """The newest step that has not ended, among the newest ones; None if there is none."""
        if not self._open:
            return None
        newest = self._steps[-_RECENT:]
        return next((step for step in reversed(newest) if step.ended is None), None)

    def add(
        self, event: StepStart | StepStop, round_: int, chunk: int, t: float, place: tuple[int, int]
    ) -> None:
        """Add the beginning or the end of a step.

        Args:
            event: the beginning or the end.
            round_: the tool round.
            chunk: the chunk that has it.
            t: when it arrived, in seconds since the first request was sent.
            place: the number of parts of candidate 0 so far, and the characters of the answer.
        """
        part, char = place
        if isinstance(event, StepStart):
            step = AnswerStep(
                number=len(self._steps),
                index=event.index,
                round=round_,
                type=event.type,
                chunk=chunk,
                started=t,
                part=part,
                char=char,
                id=event.id,
                name=event.name,
                last_chunk=chunk,
                last_part=part,
                last_char=char,
                raw=event.raw,
            )
            self._open[event.index] = step
            self._steps.append(step)
        elif (ended := self._open.pop(event.index, None)) is not None:
            ended.last_chunk, ended.ended, ended.last_part, ended.last_char = chunk, t, part, char
            ended.usage, ended.raw = event.usage, event.raw

    def end_round(self) -> None:
        """End a round: a step that is still open stays so, and the next round has indices that begin again."""
        self._open.clear()
        self.cursor = None

    def to_send(self, round_: int, text: str) -> tuple[dict[str, Any], ...]:
        """Return the steps of a round as they go back to the server; empty for an answer without steps.

        A step that was cut off is left out, except for its text.

        Args:
            round_: the tool round.
            text: the text of the whole answer.
        """
        found: list[dict[str, Any]] = []
        for step in self._steps:
            if step.round != round_ or step.type == "user_input":
                continue
            if step.ended is not None and step.raw:
                found.append(step.raw)
            elif step.type == "model_output" and (rest := text[step.char : self._end_of(step, len(text))]):
                found.append({"type": "model_output", "content": [{"type": "text", "text": rest}]})
        return tuple(found)

    def _end_of(self, step: AnswerStep, length: int) -> int:
        """The characters of the answer up to the end of the text of a step that was cut off."""
        following: Sequence[AnswerStep] = self._steps[step.number + 1 : step.number + 2]
        return following[0].char if following else length
