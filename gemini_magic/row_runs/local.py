"""The executor of this process: threads, one for each row in flight, which read their answers themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from .attempts import AttemptMaker, RowAttempt, unsent
from .values import Attempted, ExecutorEvent, Grant, Worker

__all__ = ["LOCAL", "Leave", "LocalExecutor"]

LOCAL = "local"
"""The name of the only worker."""

Leave = Callable[[Grant | None, Sequence[Attempted]], bool]
"""Asks for leave to send: takes the grant, or None if none follows, and what attempts before it brought. It returns once both
are stored; False if the request must not be sent."""


class LocalExecutor:
    """Makes attempts in threads of this process. The leader's thread calls all methods.

    A thread that has ended an attempt takes the next grant at once and hands the answer over together with the question
    whether it may send, so that one commit stores both.

    Args:
        maker: makes the attempts.
        leave: asks the leader; called on the threads.
    """

    asks_before_sending = True

    def __init__(self, maker: AttemptMaker, leave: Leave) -> None:
        self._maker = maker
        self._leave = leave
        self._limit = 1
        self._grants: SimpleQueue[Grant | None] = SimpleQueue()
        self._events: SimpleQueue[ExecutorEvent] = SimpleQueue()
        self._lock = threading.Lock()
        self._running: set[RowAttempt] = set()
        self._threads = 0
        self._outstanding = 0  # grants without an event; only the leader's thread counts
        self._closed = False
        self._timer: threading.Timer | None = None

    # -- on the leader's thread

    def resize(self, limit: int) -> None:
        """Make at most this many attempts at once."""
        self._limit = limit
        self._start_threads()

    def workers(self) -> Sequence[Worker]:
        """The only worker. It takes more grants than it has threads, so that no thread waits for the leader.

        The leader gets the processor when the threads leave it: at 200 at once it was measured to come every 50 ms, in which
        30 rows end.
        """
        room = self._limit + self._limit // 2
        return (Worker(LOCAL, 0 if self._closed else max(0, room - self._outstanding)),)

    def put(self, worker: str, grants: Sequence[Grant]) -> None:  # noqa: ARG002 - there is one worker
        """Give grants to the threads."""
        self._outstanding += len(grants)
        for grant in grants:
            self._grants.put(grant)
        self._start_threads()

    def _start_threads(self) -> None:
        with self._lock:
            missing = max(0, min(self._limit, self._outstanding) - self._threads)
            self._threads += missing
        for _ in range(missing):
            threading.Thread(target=self._work, name="gemini-row", daemon=True).start()

    def events(self, timeout: float) -> Sequence[ExecutorEvent]:
        """What has happened since the last call; waits at most ``timeout`` seconds for the first event."""
        found: list[ExecutorEvent] = []
        try:
            found.append(self._events.get(timeout=timeout) if timeout > 0 else self._events.get_nowait())
            while True:
                found.append(self._events.get_nowait())
        except Empty:
            pass
        self._outstanding -= len(found)
        return found

    def close(self, grace: float) -> None:
        """Start no other attempt; those in flight may go on for ``grace`` seconds. Returns at once."""
        self._closed = True
        try:
            while True:
                grant = self._grants.get_nowait()
                if grant is not None:
                    self._events.put(unsent(grant))
        except Empty:
            pass
        for _ in range(self._threads):
            self._grants.put(None)
        if self._timer is not None:
            self._timer.cancel()
        if grace <= 0:
            self._cancel_all()
        elif self._running:
            self._timer = threading.Timer(grace, self._cancel_all)
            self._timer.daemon = True
            self._timer.start()

    def _cancel_all(self) -> None:
        with self._lock:
            running = list(self._running)
        for attempt in running:
            attempt.cancel()

    # -- on the threads

    def _work(self) -> None:
        done: list[Attempted] = []
        while (grant := self._next(done)) is not None:
            self._attempt(grant, done)

    def _finish(self, done: list[Attempted]) -> None:
        """Hand over what is done, without a question; an error of the leader ends its run, and not this thread."""
        with suppress(Exception):
            self._hand_over(None, done)

    def _next(self, done: list[Attempted]) -> Grant | None:
        """The next grant; None if this thread is to end. Without one, what is done is handed over."""
        if self._surplus():
            self._finish(done)
            return None
        try:
            grant = self._grants.get_nowait()
        except Empty:
            self._finish(done)
            grant = self._grants.get()
        if grant is None:
            self._finish(done)
            with self._lock:
                self._threads -= 1
        return grant

    def _surplus(self) -> bool:
        """Whether there are too many threads, so that this one is to end."""
        with self._lock:
            if self._threads <= self._limit:
                return False
            self._threads -= 1
            return True

    def _attempt(self, grant: Grant, done: list[Attempted]) -> None:
        asked = False

        def may_send() -> bool:
            nonlocal asked
            asked = self._hand_over(grant, done)
            return asked

        try:
            attempted = self._run(grant, may_send)
        except Exception as bug:  # noqa: BLE001 - the leader waits for an event of each grant
            attempted = _failed(grant, bug, sent=asked)
        if asked or attempted.status != "waiting":
            done.append(attempted)
        else:
            self._events.put(attempted)  # nothing was stored for it, so there is nothing to store

    def _run(self, grant: Grant, may_send: Callable[[], bool]) -> Attempted:
        attempt = self._maker.start(grant, may_send)
        with self._lock:
            self._running.add(attempt)
        try:
            return unsent(grant) if self._closed else attempt.run()
        finally:
            with self._lock:
                self._running.discard(attempt)

    def _hand_over(self, grant: Grant | None, done: list[Attempted]) -> bool:
        if grant is None and not done:
            return False
        try:
            return self._leave(grant, tuple(done))
        finally:
            for (
                attempted
            ) in done:  # the leader waits for an event of each grant, also when its answer was not stored
                self._events.put(attempted)
            done.clear()


def _failed(grant: Grant, bug: Exception, *, sent: bool) -> Attempted:
    message = f"Internal error: {type(bug).__name__}: {bug}. This is a bug in gemini_magic. Please report it."
    return Attempted(
        grant.request, grant.attempt, "error", "failed", sent=sent, error=message, reason="internal error"
    )
