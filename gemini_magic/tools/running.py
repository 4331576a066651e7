"""Runs one function for the model: on this thread, in a thread beside it, or on an event loop.

The outcome says what is sent back. The exception of a function is part of its outcome; only an interrupt of the user is
raised.
"""

from __future__ import annotations

import _thread
import asyncio
import contextvars
import functools
import inspect
import os
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from ..content import CallResult
from ..errors import ToolRefused
from ..ledger import ToolState
from .arguments import PreparedCall
from .capture import ToolOutput, capturing, collect_figures, open_figures
from .interrupts import TimeUp, interruptible, raise_in_thread, time_limit
from .results import Masking, error_result, result_of

__all__ = ["RunningTool", "ToolJob", "ToolOutcome", "run_here", "start_task", "start_thread"]

_RESPONSE = 0.05  # seconds in which an event loop responds
_NO_ANSWER = "no answer within {0:g} s"
_OTHER_LOOP = (
    "The function ran on another event loop than the cell; await the answer in a cell to use the cell's loop."
)


class ToolOutcome(NamedTuple):
    """How a call ended.

    Attributes:
        state: ``done``, ``failed``, ``refused``, ``timed_out`` or ``stopped``.
        sent: what is sent to the model.
        message: why there is no result; empty for ``done``.
        notices: sentences for the user about what was changed or left out.
        value: what the function returned.
        error: the exception that it raised, or None.
        left_behind: whether it still runs.
    """

    state: ToolState
    sent: CallResult
    message: str = ""
    notices: tuple[str, ...] = ()
    value: Any = None
    error: BaseException | None = None
    left_behind: bool = False


Finished: TypeAlias = Callable[[ToolOutcome], None]


class ToolJob(NamedTuple):
    """One call that runs, and how its outcome is made.

    Attributes:
        prepared: the call, which has no problems.
        output: receives what it prints and displays.
        timeout: seconds that it may take; None for any time.
        mask: replaces known keys in what is sent.
        table_rows: rows of a table that are sent.
    """

    prepared: PreparedCall
    output: ToolOutput
    timeout: float | None
    mask: Masking | None
    table_rows: int

    def converted(self, value: Any) -> ToolOutcome:
        """The outcome of a function that returned a value."""
        tool = self.prepared.tool
        assert tool is not None  # noqa: S101 - a call without a tool is not run
        converted = result_of(
            self.prepared.call,
            value,
            mask=self.mask,
            max_result=tool.max_result,
            table_rows=self.table_rows,
        )
        return ToolOutcome("done", converted.result, "", converted.notices, value)

    def failed(self, error: BaseException) -> ToolOutcome:
        """The outcome of a function that raised an exception."""
        sent = error_result(self.prepared.call, error, mask=self.mask)
        state: ToolState = "refused" if isinstance(error, ToolRefused) else "failed"
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals.get("__name__") == __name__:
            trace = trace.tb_next  # the user's own frames are enough
        error.__traceback__ = trace
        return ToolOutcome(state, sent, str(sent.response.get("error", "")), error=error)

    def timed_out(self) -> ToolOutcome:
        """The outcome of a function that took too long."""
        message = _NO_ANSWER.format(self.timeout or 0.0)
        sent = error_result(self.prepared.call, f"The function gave {message}.", mask=self.mask)
        return ToolOutcome("timed_out", sent, message)

    def call(self) -> Any:
        """Call the function."""
        tool = self.prepared.tool
        assert tool is not None  # noqa: S101 - as above
        assert tool.function is not None  # noqa: S101 - nor is a declaration
        outcome: list[Any] = []
        run = functools.partial(tool.function, *self.prepared.args, **self.prepared.kwargs)
        frame = _in_own_frame(run, outcome)
        if next(frame):
            return outcome.pop()
        try:
            raise outcome.pop()
        finally:
            _thread.start_new_thread(frame.close, ())


def _in_own_frame(run: Callable[[], Any], outcome: list[Any]) -> Generator[bool, None, None]:
    """Run a function in a frame that leads to no frame of the caller. Yields whether it returned, with the outcome in the list.

    The frame of an exception keeps the frames that called it, up to those of the response that holds the exception: only the
    garbage collector could free it. A suspended generator has no caller, and is closed where there are no other frames.
    """
    try:
        outcome.append(run())
        returned = True
    except BaseException as error:  # noqa: BLE001 - the caller raises it again
        outcome.append(error)
        returned = False
    yield returned


class RunningTool:
    """A tool that runs in a thread or on an event loop; its outcome is set once.

    Args:
        stop: asks it to end.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self.stop = stop
        self.outcome: ToolOutcome | None = None
        self._lock = threading.Lock()

    def set_outcome(self, outcome: ToolOutcome) -> bool:
        """Set the outcome; only the first one counts. Returns whether this was the first."""
        with self._lock:
            if self.outcome is not None:
                return False
            self.outcome = outcome
            return True


def run_here(job: ToolJob) -> ToolOutcome:
    """Run a function on this thread.

    Raises:
        KeyboardInterrupt: the user interrupted it.
    """
    before, value = open_figures(), None
    try:
        with capturing(job.output):
            try:
                with interruptible(), time_limit(job.timeout):
                    value = job.call()
                    return job.converted(value)
            finally:
                collect_figures(job.output, before, value)
    except KeyboardInterrupt:
        raise
    except TimeUp:
        return job.timed_out()
    except BaseException as error:  # noqa: BLE001 - any exception of the user's function goes to the model
        return job.failed(error)


def start_thread(job: ToolJob, finished: Finished) -> RunningTool:
    """Run a function in a thread of its context.

    Args:
        job: the call.
        finished: called in the thread when it has ended.
    """
    context, lock, ended = contextvars.copy_context(), threading.Lock(), False

    def end() -> None:
        """From now on no exception is raised in this thread: it might leave a lock behind."""
        nonlocal ended
        with lock:
            ended = True
        raise_in_thread(threading.get_ident(), None)

    def run() -> None:
        try:
            with capturing(job.output):
                try:
                    outcome = job.converted(job.call())
                except TimeUp:
                    raise
                except BaseException as error:  # noqa: BLE001 - as in run_here
                    outcome = job.failed(error)
                end()
        except TimeUp:
            return  # it was given up
        finished(outcome)

    thread = threading.Thread(target=context.run, args=(run,), name="gemini-tool", daemon=True)

    def stop() -> None:
        if lock.acquire(timeout=_RESPONSE):
            try:
                if thread.ident is not None and thread.is_alive() and not ended:
                    raise_in_thread(thread.ident, TimeUp)
            finally:
                lock.release()

    thread.start()
    return RunningTool(stop)


def start_task(job: ToolJob, finished: Finished, loop: asyncio.AbstractEventLoop | None) -> RunningTool:
    """Run an ``async def`` as a task.

    Args:
        job: the call.
        finished: called on the loop's thread when it has ended.
        loop: the running loop of this thread; None to use the loop of the background thread.
    """
    context = contextvars.copy_context()

    async def run() -> None:
        try:
            with capturing(job.output):
                async with asyncio.timeout(job.timeout) as limit:
                    value = await _Interruptible(job.call(), job.timeout)
                outcome = job.converted(value)
        except TimeUp:  # in a step that blocked
            outcome = job.timed_out()
        except TimeoutError as error:
            outcome = job.timed_out() if limit.expired() else job.failed(error)
        except asyncio.CancelledError:
            raise
        except _InterruptedError as interrupted:
            outcome = job.failed(interrupted)._replace(state="stopped")
        except BaseException as error:  # noqa: BLE001 - as in run_here
            outcome = job.failed(error)
            if loop is None and "different event loop" in outcome.message:
                outcome = outcome._replace(message=f"{outcome.message}. {_OTHER_LOOP}")
        finished(outcome)

    if loop is not None:
        task = loop.create_task(run(), context=context)
        return RunningTool(lambda: _cancel(loop, task))
    background = _background_loop(os.getpid())
    future = asyncio.run_coroutine_threadsafe(_in_context(context, run()), background)

    def stop() -> None:
        future.cancel()
        alive = threading.Event()
        background.call_soon_threadsafe(alive.set)
        if not alive.wait(_RESPONSE):
            _background_loop.cache_clear()  # a function blocks it; the next one gets another loop

    return RunningTool(stop)


class _InterruptedError(Exception):
    """An interrupt of the user arrived while a step of a coroutine ran."""


class _Interruptible:
    """Awaits an awaitable so that an interrupt, and on the main thread a time limit, ends also a step of it that blocks.

    Args:
        awaitable: what the function returned.
        timeout: seconds from now; None for any time.
    """

    def __init__(self, awaitable: Any, timeout: float | None) -> None:
        self._awaitable = awaitable
        is_main = threading.current_thread() is threading.main_thread()
        self._deadline = None if timeout is None or not is_main else time.monotonic() + timeout

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.001, self._deadline - time.monotonic())

    def __await__(self) -> Any:
        if not inspect.isawaitable(self._awaitable):
            return self._awaitable
        steps = self._awaitable.__await__()
        send, value = steps.send, None
        if not hasattr(steps, "send"):
            return (yield from steps)
        try:
            while True:
                try:
                    with interruptible(), time_limit(self._left()):
                        waited = send(value)
                except StopIteration as stopped:
                    return stopped.value
                try:
                    value = yield waited
                    send = steps.send
                except BaseException as error:  # noqa: BLE001 - such as a cancellation, for the awaitable
                    send, value = steps.throw, error
        except KeyboardInterrupt:
            raise _InterruptedError("interrupted by the user") from None


async def _in_context(context: contextvars.Context, coroutine: Coroutine[Any, Any, None]) -> None:
    await asyncio.get_running_loop().create_task(coroutine, context=context)


def _cancel(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


@lru_cache(maxsize=1)
def _background_loop(_: int) -> asyncio.AbstractEventLoop:
    """The event loop of a thread that runs ``async def`` tools where no loop runs; one for each process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="gemini-tool-loop", daemon=True).start()
    return loop
