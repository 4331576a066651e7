"""What a store returns: how a row matches it, results, attempts, runs and batch jobs."""

from __future__ import annotations

from typing import NamedTuple

from .store_schema import GRANTED
from .values import RowStatus

__all__ = ["AttemptRow", "BatchJob", "Match", "ResultRow", "RunRecord", "Spent"]


class RunRecord(NamedTuple):
    """The frozen settings of a run.

    Attributes:
        product: the version of gemini_magic.
        dialect: the backend that encodes the requests and decodes the answers.
        host: where they are sent.
        model: the model.
        template: the prompt as it was written.
        options: JSON of the options that change an answer.
        schema: JSON of the schema, None without one.
        key_print: a salted print of the key, None if it was not taken.
        budget: the largest cost in dollars, None for any.
        note: anything else, None for nothing.
        id: its number in the store; 0 for a new one.
        began, ended: Unix times in seconds; ``ended`` is None while it goes on, and if its process was killed.
        rows: the positions of its input that were read.
        samples: how many answers each prompt has.
    """

    product: str
    dialect: str
    host: str
    model: str
    template: str
    options: str = "{}"
    schema: str | None = None
    key_print: str | None = None
    budget: float | None = None
    note: str | None = None
    id: int = 0
    began: float = 0.0
    ended: float | None = None
    rows: int = 0
    samples: int = 1


class Match(NamedTuple):
    """What the store holds for a row of the input.

    Attributes:
        request: the id of the request with the wanted hash; None if there is none.
        answer: the id of the request whose answer counts for it: itself, or a retry with other options.
        state: the state of ``answer``.
        attempts: how many of its attempts were sent.
        status: the status of its answer; None if it has none.
        permanent: whether the server would refuse it again.
        known: whether the key is in the store.
        changed: whether the key stands for a request with another hash.
        previous: the id of that other request; None if ``changed`` is false.
        placed: whether the store holds the row as it is, so that :meth:`~.store.Store.add` has nothing to write.
    """

    request: int | None = None
    answer: int | None = None
    state: int = GRANTED
    attempts: int = 0
    status: RowStatus | None = None
    permanent: bool = False
    known: bool = False
    changed: bool = False
    previous: int | None = None
    placed: bool = False


class ResultRow(NamedTuple):
    """The result of one row.

    Attributes:
        position, sample, key: of the row.
        status: the status of its answer, or why it has none.
        request: the id of the request whose answer it is; None for a row that may not be asked.
        shared: the key of the row that asked for the same answer before; None for the row that asked first.
        attempts: how often its request was sent.
        text: the answer.
        error, reason: the message of the error, and what equal refusals have in common; empty without one.
        model: the model that answered.
        tokens_in, tokens_out, tokens_thought, tokens_cached: token counts, None where they are not known.
        cost: dollars of all attempts, 0.0 for a shared answer, None where it is not known.
        first_text, seconds: when the first text and the end arrived, in seconds after the request was sent.
        done: Unix time in seconds of its end.
        worker: the worker that made the attempt.
    """

    position: int
    sample: int
    key: bytes
    status: RowStatus
    request: int | None = None
    shared: bytes | None = None
    attempts: int = 0
    text: str = ""
    error: str = ""
    reason: str = ""
    model: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_thought: int | None = None
    tokens_cached: int | None = None
    cost: float | None = None
    first_text: float | None = None
    seconds: float | None = None
    done: float | None = None
    worker: str = ""


class AttemptRow(NamedTuple):
    """One attempt of a request.

    Attributes:
        attempt: its number, from 1.
        sent, done: Unix times in seconds; ``done`` is None if its answer was not stored.
        status: the HTTP status; None without a response.
        ended: how the exchange ended; None while it goes on, ``kernel ended`` if its process ended before.
        problem: the message of its error; empty without one.
        cost: in dollars, None where it is not known.
        worker: the worker that made it.
        size: bytes of the response as they are stored.
    """

    attempt: int
    sent: float
    done: float | None
    status: int | None
    ended: str | None
    problem: str
    cost: float | None
    worker: str
    size: int


class Spent(NamedTuple):
    """What the attempts of a store have cost.

    Attributes:
        dollars: the sum of the known costs.
        unpriced: requests that were answered and whose cost is not known.
        in_doubt: requests that were sent and may have been paid without an answer.
    """

    dollars: float
    unpriced: int
    in_doubt: int


class BatchJob(NamedTuple):
    """A batch job.

    Attributes:
        id: its number in the store.
        run: the run that created it.
        label: our name for it, unique in the store.
        name: the server's name for it; None until the server has answered.
        state: its state, as the server calls it.
        created, checked, ended: Unix times in seconds.
        file: the name of its input file on the server; None for an inline job.
        note: anything else.
    """

    id: int
    run: int
    label: str
    name: str | None
    state: str
    created: float
    checked: float | None
    ended: float | None
    file: str | None
    note: str | None
