"""One thread that reads the bodies of many streams, so that an event does not wake its own thread.

Each stream's own thread connects, sends, reads the head and decides about retries; with many streams it then hands the
body to the shared thread and waits until the body has ended. While bytes arrive all the time, the shared thread lets them
gather for a millisecond before it reads them. The module opens no connection and knows no HTTP.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Protocol

from .wake_ups import batched_wake_ups

__all__ = ["SHARED_READER", "SharedBody", "SharedReader"]

_MAX_OWN = 8  # bodies that are read on threads of their own; with so few, a second hand-over costs more than it saves
# Seconds for which a busy thread lets bytes gather before it reads again. To wake up takes longer than to read an event.
_GATHER = 0.001


class SharedBody(Protocol):
    """A body that the shared thread can read; the shared thread calls everything."""

    def fileno(self) -> int:
        """The descriptor of its socket."""

    def read_available(self) -> bool:
        """Read what has arrived, without waiting. Returns whether the shared thread is to read on."""

    def read_deadline(self) -> float:
        """Clock reading (``time.perf_counter``) at which the wait for the next bytes ends.

        Raises:
            TimedOut: a limit is reached already.
        """

    def read_timed_out(self) -> Exception:
        """The exception for a wait that has reached the deadline."""


class _Turn:
    """A body in the hands of the shared thread.

    Attributes:
        body: the body.
        deadline: clock reading at which the wait for bytes ends.
        problem: the exception that ended it, or None.
        over: held until the shared thread is done with the body.
    """

    def __init__(self, body: SharedBody) -> None:
        self.body = body
        self.deadline = 0.0
        self.problem: BaseException | None = None
        self.over = threading.Lock()
        self.over.acquire()


class SharedReader:
    """Reads bodies on one daemon thread, which is started when it is needed first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0  # bodies that are being read, on any thread
        self._inbox: deque[_Turn] = deque()
        self._alarm: socket.socket | None = None  # a byte written to it ends the wait of the thread
        self._turns: set[_Turn] = set()  # of the thread
        self._next_check = 0.0  # clock reading at which a deadline may have been reached

    def body_began(self) -> None:
        """Count a body; each call needs one call of :meth:`body_ended`."""
        with self._lock:
            self._active += 1

    def body_ended(self) -> None:
        """Count the end of a body."""
        with self._lock:
            self._active -= 1

    @property
    def wanted(self) -> bool:
        """Whether so many bodies are being read that the shared thread is worth it."""
        return self._active > _MAX_OWN

    def read(self, body: SharedBody) -> None:
        """Let the shared thread read a body, and wait until it is done with it.

        Raises:
            BaseException: what reading raised.
        """
        turn = _Turn(body)
        self._inbox.append(turn)
        self._wake_thread()
        turn.over.acquire()
        problem, turn.problem = turn.problem, None
        if problem is not None:
            try:
                raise problem
            finally:
                del problem  # with the traceback, it would be a reference cycle

    def _wake_thread(self) -> None:
        with self._lock:
            if self._alarm is None:
                self._alarm, alarmed = socket.socketpair()
                for sock in (self._alarm, alarmed):
                    sock.setblocking(False)
                threading.Thread(
                    target=self._run, args=(alarmed,), name="gemini-shared-reader", daemon=True
                ).start()
        with suppress(BlockingIOError):  # enough bytes are waiting there
            self._alarm.send(b"\0")

    # -- on the shared thread

    def _run(self, alarmed: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(alarmed, selectors.EVENT_READ)
            woken = 0.0
            while True:
                left = max(0.0, self._next_check - time.perf_counter()) if self._turns else None
                ready = selector.select(left)
                before, woken = woken, time.perf_counter()
                with batched_wake_ups():
                    for key, _ in ready:
                        if key.data is None:
                            self._accept(selector, alarmed)
                        else:
                            self._step(selector, key.data)
                    if self._turns and time.perf_counter() >= self._next_check:
                        self._end_expired(selector)
                if self._turns and (len(ready) > 1 or woken - before < _GATHER):
                    time.sleep(_GATHER)

    def _accept(self, selector: selectors.BaseSelector, alarmed: socket.socket) -> None:
        """Take the bodies that were handed over."""
        with suppress(BlockingIOError):
            alarmed.recv(4096)
        while self._inbox:
            turn = self._inbox.popleft()
            try:
                turn.deadline = turn.body.read_deadline()
                selector.register(turn.body.fileno(), selectors.EVENT_READ, turn)
            except BaseException as problem:  # noqa: BLE001 - it belongs to the body's own thread
                turn.problem = problem
                turn.over.release()
            else:
                self._turns.add(turn)
                self._next_check = (
                    min(self._next_check, turn.deadline) if len(self._turns) > 1 else turn.deadline
                )

    def _step(self, selector: selectors.BaseSelector, turn: _Turn) -> None:
        """Read what has arrived for one body."""
        more = False
        try:
            more = turn.body.read_available()
            if more:
                turn.deadline = turn.body.read_deadline()
        except BaseException as problem:  # noqa: BLE001 - it belongs to the body's own thread
            turn.problem, more = problem, False
        if not more:
            self._finish(selector, turn)
        elif turn.deadline < self._next_check:
            self._next_check = turn.deadline

    def _end_expired(self, selector: selectors.BaseSelector) -> None:
        """End the bodies whose wait has reached its deadline."""
        now = time.perf_counter()
        for turn in [turn for turn in self._turns if turn.deadline <= now]:
            turn.problem = turn.body.read_timed_out()
            self._finish(selector, turn)
        self._next_check = min((turn.deadline for turn in self._turns), default=0.0)

    def _finish(self, selector: selectors.BaseSelector, turn: _Turn) -> None:
        self._turns.discard(turn)
        with suppress(KeyError, ValueError, OSError):
            selector.unregister(turn.body.fileno())
        turn.over.release()

    def forget(self) -> None:
        """Forget everything, in a forked child: the thread exists in the parent only."""
        if self._alarm is not None:
            self._alarm.close()
        self.__init__()  # type: ignore[misc] # as new


SHARED_READER = SharedReader()
"""The shared reader of all streams."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED_READER.forget)
