"""The values that the plan, the store and the executors of a run hand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from ..content import Part
from ..events import Status

__all__ = [
    "UNASKED",
    "Attempted",
    "Executor",
    "ExecutorEvent",
    "ExecutorNote",
    "Grant",
    "RowStatus",
    "Wanted",
    "Worker",
    "WorkerJoined",
    "WorkerLost",
]

RowStatus: TypeAlias = (
    Status | Literal["mismatch", "waiting", "skipped", "too_long", "in_doubt", "lost", "stale"]
)
"""The status of a row: that of its answer, or why it has none.

``mismatch``: the answer is complete and does not fit the schema. ``waiting``: not asked yet, or refused so that it may be
asked again. ``skipped``: its prompt lacks a value or a file, or could not be made. ``too_long``: it exceeds the quota of a minute.
``in_doubt``: it was sent, and the process ended before the answer was stored. ``lost``: a batch job ended without its
answer. ``stale``: the answer belongs to another request.
"""

UNASKED: Final = ("waiting", "skipped", "too_long")
"""The statuses of rows for which nothing was sent."""


class Wanted(NamedTuple):
    """What one row of the input asks for.

    Attributes:
        position: its place in the input, from 0.
        key: its key in canonical form.
        hash: SHA-256 of what it asks, 32 bytes; empty if it is not asked.
        parts: the rendered prompt.
        size: bytes of the prompt's text in UTF-8.
        status: ``waiting`` for a row that may be asked, otherwise why it may not.
        sample: the number of the answer for the same prompt, from 0.
        problem: why the prompt of a skipped row could not be made, as a sentence; empty for other rows.
    """

    position: int
    key: bytes
    hash: bytes
    parts: tuple[Part, ...] = ()
    size: int = 0
    status: RowStatus = "waiting"
    sample: int = 0
    problem: str = ""


class Grant(NamedTuple):
    """One attempt that a worker is to make.

    Attributes:
        request: the id of the request in the store.
        attempt: the number of the attempt, from 1.
        wanted: what is asked.
        more: whether another attempt may follow when the server refuses this one for a reason that passes; without it, such a
            refusal is the row's error.
    """

    request: int
    attempt: int
    wanted: Wanted
    more: bool = True


class Attempted(NamedTuple):
    """What one attempt brought.

    Attributes:
        request, attempt: of the grant.
        status: the status of the answer; ``waiting`` if the row is to be asked again: the request was not sent, or the server
            refused it for a reason that passes. The store then has no answer for the row.
        ended: how the exchange ended, as recordings write it: ``eof``, ``stalled``, ``connection lost`` …
        sent: whether the first byte of the request was written.
        http_status: the HTTP status; None without a response.
        head: the JSON of the response's status and headers, as the store keeps it.
        pieces: the body with the arrival time and length of each piece, as the store keeps it.
        text: the answer.
        error: the message of the error; empty without one.
        reason: what equal refusals have in common, such as ``400 INVALID_ARGUMENT``; empty without an error.
        permanent: whether the same request would be refused again.
        wait: seconds that the server asks to wait, None where it does not.
        model: the model that answered.
        tokens_in, tokens_out, tokens_thought, tokens_cached: token counts, None where they are not known.
        cost: in dollars, None where it is not known.
        first_text, seconds: when the first text and the end arrived, in seconds after the request was sent.
        worker: the worker that made the attempt.
    """

    request: int
    attempt: int
    status: RowStatus
    ended: str
    sent: bool = True
    http_status: int | None = None
    head: bytes = b""
    pieces: bytes = b""
    text: str = ""
    error: str = ""
    reason: str = ""
    permanent: bool = False
    wait: float | None = None
    model: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_thought: int | None = None
    tokens_cached: int | None = None
    cost: float | None = None
    first_text: float | None = None
    seconds: float | None = None
    worker: str = ""


class Worker(NamedTuple):
    """A worker that takes grants.

    Attributes:
        name: its name, unique in a run; another name after a restart.
        free: how many more grants it can take now.
    """

    name: str
    free: int


class WorkerJoined(NamedTuple):
    """A worker can take grants."""

    worker: str


class ExecutorNote(NamedTuple):
    """A message for the user that concerns the whole run."""

    message: str


class WorkerLost(NamedTuple):
    """A worker has ended or lost an answer, or it joins and gets no rows, for example because it has no key.

    Attributes:
        worker: its name.
        in_doubt: the grants whose requests may have been sent.
        unsent: the grants whose requests were certainly not sent.
        reason: a sentence for the user.
    """

    worker: str
    in_doubt: tuple[Grant, ...]
    unsent: tuple[Grant, ...]
    reason: str = ""


ExecutorEvent: TypeAlias = Attempted | WorkerJoined | WorkerLost | ExecutorNote


class Executor(Protocol):
    """Makes attempts, in threads of this process or on the workers of a cluster."""

    asks_before_sending: bool
    """Whether it asks for leave directly before the first byte; otherwise the leader commits ``sent`` before :meth:`put`."""

    def resize(self, limit: int) -> None:
        """Make at most this many attempts at once, on all workers together; called whenever the limit changes."""

    def workers(self) -> Sequence[Worker]:
        """The workers that take grants now."""

    def put(self, worker: str, grants: Sequence[Grant]) -> None:
        """Give grants to a worker."""

    def events(self, timeout: float) -> Sequence[ExecutorEvent]:
        """What has happened since the last call; waits at most ``timeout`` seconds for the first event.

        The answer to a grant may arrive after a :class:`WorkerLost` that declared it in doubt: it is paid, and should be
        stored.

        Raises:
            ConnectionFailed: no worker can take grants any more. All events before were handed out.
        """

    def close(self, grace: float) -> None:
        """Start no other attempt; those in flight may go on for ``grace`` seconds. Returns at once.

        Events of every grant that was put still arrive: with ``sent`` False for those that were not sent. A second call
        with a shorter time shortens it.
        """
