"""The rounds of an answer: runs the functions that it calls, sends their results, and starts the next request.

The loop has no thread. The thread or event loop that waits for the answer runs it step by step, so plain functions run there,
one after the other, and a view can be drawn between two steps. ``async def`` functions, and those marked with
``thread=True``, run beside it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from ..content import Blob, Call, CallResult, Request, ToolChoice
from ..errors import GeminiMagicError, OptionError, TruncatedError, WireError
from ..ledger import Confirmation, Ledger, PausedStream, ToolRun, ToolState, turn_of_round
from .arguments import PreparedCall, prepare_call
from .definition import Tool
from .loop_settings import LoopSettings
from .open_calls import OpenCall, call_warning, captured_fields
from .permissions import Permission, permission_of
from .results import error_result, results_turn
from .running import RunningTool, ToolJob, ToolOutcome, run_here, start_task, start_thread

__all__ = ["ToolLoop"]

_MOST_CALLS: Final = 100  # of one round; more calls are a fault of the model
_MOST_PARALLEL: Final = 8
_GRACE: Final = 1.0  # seconds after its time limit in which an `async def` has to end by itself
_TICK: Final = 0.1  # seconds between two checks of the output of running tools and of an open question
_NOT_ALLOWED: Final = "The user did not allow this call."


class ToolLoop:
    """Drives the rounds of one answer; see :class:`~gemini_magic.ledger.RoundDriver`.

    Args:
        request: the first request.
        settings: how the functions run.
    """

    def __init__(self, request: Request, settings: LoopSettings) -> None:
        self._request = request
        self._settings = settings
        self._allowed = set[Permission]() if settings.allowed is None else settings.allowed
        self._planned = -1  # the newest round whose calls were taken up
        self._waiting: list[OpenCall] = []  # in the order of the answer
        self._active: list[OpenCall] = []  # those that run beside this thread
        self._here: OpenCall | None = None  # the one that runs on this thread next
        self._question: tuple[Confirmation, OpenCall] | None = None
        self._driving = threading.Lock()
        self._driver: int | None = None  # the thread that drives
        self._stopped = False

    # -- the interface of a driver

    @property
    def runs_here(self) -> bool:
        """Whether the next step runs a function on the thread that waits."""
        return self._here is not None

    def step(self, stream: PausedStream) -> float | None:
        """Do the next thing on this thread; see :class:`~gemini_magic.ledger.RoundDriver`.

        Raises:
            KeyboardInterrupt: the user interrupted a function.
            OptionError: a function waits for the answer that called it.
        """
        return self._guarded(stream, None)

    async def step_awaited(self, stream: PausedStream) -> float | None:
        """The same on a running event loop, which runs ``async def`` functions."""
        return self._guarded(stream, asyncio.get_running_loop())

    def stop(self, ledger: Ledger, t: float) -> None:
        """End what still runs, because the stream ends."""
        if self._stopped:
            return
        self._stopped = True
        for item in list(self._active):
            if item.running is not None:
                item.running.stop()
        for run in ledger.tool_runs:
            if run.is_open:
                in_thread = any(
                    item.number == run.number and not item.tool.is_async for item in self._active
                )  # an `async def` is cancelled
                ledger.set_tool_run(
                    replace(
                        run,
                        state="stopped",
                        seconds=None if run.started is None else max(0.0, t - run.started),
                        message="stopped",
                        still_running=in_thread,
                    )
                )
        if ledger.confirmation is not None:
            ledger.set_confirmation(None)

    # -- one step

    def _guarded(self, stream: PausedStream, loop: asyncio.AbstractEventLoop | None) -> float | None:
        if not stream.between_rounds:
            return None
        if self._driver == threading.get_ident():
            raise OptionError(
                "A function waits for the answer that called it, which would never end.",
                remedy="Return from the function first.",
            )
        if not self._driving.acquire(blocking=False):
            return _TICK  # another thread drives
        self._driver = threading.get_ident()
        try:
            return self._step(stream, loop)
        except GeminiMagicError as error:
            stream.end("failed", error)
        except Exception as bug:  # noqa: BLE001 - a bug ends the answer; a waiter must not wait for ever
            message = f"Internal error while running functions: {type(bug).__name__}: {bug}"
            stream.end(
                "failed", WireError(message, remedy="This is a bug in gemini_magic. Please report it.")
            )
        finally:
            self._driver = None
            self._driving.release()
        return 0.0

    def _step(self, stream: PausedStream, loop: asyncio.AbstractEventLoop | None) -> float | None:
        if not stream.between_rounds:
            return None
        if self._planned != stream.ledger.round:
            self._plan(stream)
        elif self._collect(stream):
            pass
        elif self._here is not None:
            self._run_here(stream)
        elif self._question is not None:
            return self._look_at_question(stream)
        elif (item := self._next()) is not None:
            self._begin(stream, item, loop)
        elif self._active:
            return self._until_next()
        else:
            self._continue(stream)
        return 0.0

    # -- the calls of a round

    def _plan(self, stream: PausedStream) -> None:
        """Take up the calls of the round that has ended."""
        ledger, settings = stream.ledger, self._settings
        self._planned = ledger.round
        calls = ledger.rounds[-1].calls
        recorded = None if settings.recorded is None else settings.recorded(ledger)
        if recorded is not None:
            self._apply(stream, calls, recorded)
            return
        prepared = [prepare_call(call, settings.tools) for call in calls]
        choice = self._request.settings.tool_choice
        if (
            not settings.tools
            or (choice is not None and choice.mode == "none")  # the server did not keep to it
            or any(each.tool is not None and each.tool.function is None for each in prepared)
        ):
            stream.end("end")  # such as a declaration without a function: the calls are only shown
            return
        if ledger.round + 1 >= settings.max_rounds:
            stream.end("rounds", _too_many_rounds(settings.max_rounds))
            return
        for number, each in enumerate(prepared):
            self._take_up(stream, each, number)

    def _take_up(self, stream: PausedStream, prepared: PreparedCall, number: int) -> None:
        run = stream.change(lambda ledger: ledger.add_tool_run(prepared.call))
        if run is None:
            return
        problem = prepared.error
        state: ToolState = "invalid" if prepared.tool is not None else "not_offered"
        if not problem and number >= _MOST_CALLS:
            problem = f"Not run: the answer calls more than {_MOST_CALLS} functions at once."
        if problem or prepared.tool is None:
            sent = error_result(prepared.call, problem, mask=self._settings.mask)
            outcome = ToolOutcome(state, sent, problem)
            self._finish(stream, OpenCall(run, prepared, Tool(name=run.name)), outcome)
            return
        item = OpenCall(run, prepared, prepared.tool)
        self._waiting.append(item)
        if item.runs_beside:
            self._set(stream, item, in_thread=True)

    def _apply(self, stream: PausedStream, calls: Sequence[Call], recorded: Sequence[ToolRun]) -> None:
        """Set the calls of a round to what a recording holds about them."""

        def write(ledger: Ledger) -> None:
            for call, run in zip(calls, recorded, strict=True):
                ledger.add_recorded_run(call, run)

        stream.change(write)

    def _next(self) -> OpenCall | None:
        """The call that starts next: first those that run beside this thread, then the others in their order."""
        room = len(self._active) < _MOST_PARALLEL
        for item in self._waiting:
            if item.runs_beside and room and not self._must_ask(item):
                return item
        return next((item for item in self._waiting if not item.runs_beside or room), None)

    def _must_ask(self, item: OpenCall) -> bool:
        if item.approved or not self._settings.confirms(item.tool):
            return False
        if item.tool.confirm != "always" and permission_of(item.tool) in self._allowed:
            item.approved = "always"
            return False
        return True

    def _begin(self, stream: PausedStream, item: OpenCall, loop: asyncio.AbstractEventLoop | None) -> None:
        if self._must_ask(item):
            self._ask(stream, item)
            return
        self._waiting.remove(item)
        item.mark_started()
        started = stream.now()
        self._set(stream, item, state="running", started=started, approved=item.approved)
        if not item.runs_beside:
            self._here = item  # runs with the next step, so that a view can show first that it runs
            return
        self._active.append(item)
        job = self._job(item)

        def finished(outcome: ToolOutcome) -> None:
            if item.running is not None and item.running.set_outcome(outcome):
                stream.change(Ledger.touch)  # wakes the thread that drives

        starting = threading.Lock()
        with starting:

            def finished_after_start(outcome: ToolOutcome) -> None:
                with starting:  # the run is known first
                    pass
                finished(outcome)

            if item.tool.is_async:
                item.running = start_task(job, finished_after_start, loop)
            else:
                item.running = start_thread(job, finished_after_start)

    def _run_here(self, stream: PausedStream) -> None:
        item, self._here = self._here, None
        if item is None:
            return
        job = self._job(item)
        try:
            outcome = run_here(job)
        except KeyboardInterrupt:
            self._stop_run(stream, item)
            raise
        self._finish(stream, item, outcome)

    def _stop_run(self, stream: PausedStream, item: OpenCall) -> None:
        self._set(
            stream,
            item,
            state="stopped",
            message="interrupted",
            seconds=item.seconds,
            **captured_fields(item.output, self._settings.mask),
        )

    def _job(self, item: OpenCall) -> ToolJob:
        settings = self._settings
        timeout = self._timeout(item.tool)
        return ToolJob(item.prepared, item.output, timeout, settings.mask, settings.table_rows)

    def _timeout(self, tool: Tool) -> float | None:
        return self._settings.timeout if tool.timeout is None else tool.timeout

    # -- tools that run beside this thread

    def _collect(self, stream: PausedStream) -> bool:
        """Take the outcomes that have arrived, and give up tools whose time is up. Returns whether anything changed."""
        changed = False
        for item in list(self._active):
            running = item.running
            if running is None:
                continue
            outcome = running.outcome
            if outcome is None and (left := self._left(item)) is not None and left <= 0:
                outcome = self._give_up(item, running)
            if outcome is None:
                changed |= self._show_output(stream, item)
                continue
            self._active.remove(item)
            self._finish(stream, item, outcome)
            changed = True
            if outcome.state == "stopped":
                raise KeyboardInterrupt
        return changed

    def _give_up(self, item: OpenCall, running: RunningTool) -> ToolOutcome | None:
        """Stop waiting for a tool; None if it has just ended."""
        seconds = self._timeout(item.tool) or 0.0
        message = f"no answer within {seconds:g} s"
        sent = error_result(item.prepared.call, f"The function gave {message}.")
        outcome = ToolOutcome("timed_out", sent, message, left_behind=True)
        if running.set_outcome(outcome):
            running.stop()
        return running.outcome

    def _left(self, item: OpenCall) -> float | None:
        """Seconds until a tool is given up; an ``async def`` gets a little longer, because it ends by itself."""
        timeout = self._timeout(item.tool)
        if timeout is None or item.began is None:
            return None
        grace = _GRACE if item.tool.is_async else 0.0
        return item.began + timeout + grace - time.monotonic()

    def _until_next(self) -> float:
        """Seconds after which to look again."""
        lefts = [left for item in self._active if (left := self._left(item)) is not None]
        return max(0.001, min([_TICK, *lefts]))

    def _show_output(self, stream: PausedStream, item: OpenCall) -> bool:
        """Copy what a tool has printed so far into its record."""
        if item.output.version == item.shown:
            return False
        item.shown = item.output.version
        self._set(stream, item, **captured_fields(item.output, self._settings.mask))
        return True

    # -- the user's decision

    def _ask(self, stream: PausedStream, item: OpenCall) -> None:
        run = self._set(stream, item, state="confirming")
        if run is None:
            return
        question = Confirmation(run, lasting=item.tool.confirm != "always")
        self._question = question, item

        def write(ledger: Ledger) -> None:
            ledger.set_phase("confirming")
            ledger.set_confirmation(question)

        stream.change(write)
        if self._settings.ask is not None:
            self._settings.ask(question)
        else:
            question.decide("skip")
        if question.decision == "always":  # at once, because the loop of another column may ask next
            self._allowed.add(permission_of(item.tool))

    def _look_at_question(self, stream: PausedStream) -> float:
        if self._question is None:
            return 0.0
        question, item = self._question
        if question.decision is None and not self._must_ask(item):
            question.decide("always")  # the user has allowed it for another column meanwhile
        decision = question.decision
        if decision is None:
            return self._until_next()
        self._question = None

        def write(ledger: Ledger) -> None:
            ledger.set_confirmation(None)
            ledger.set_phase("tools")

        stream.change(write)
        if decision == "stop":
            stream.cancel("stop")
        elif decision == "skip":
            self._waiting.remove(item)
            sent = error_result(item.prepared.call, _NOT_ALLOWED)
            self._finish(stream, item, ToolOutcome("skipped", sent, "not allowed by you"))
        else:
            item.approved = "always" if decision == "always" else "you"
            if decision == "always":
                self._allowed.add(permission_of(item.tool))
        return 0.0

    # -- results

    def _set(self, stream: PausedStream, item: OpenCall, **fields: Any) -> ToolRun | None:
        """Change the record of a call; None if the stream has ended."""
        return stream.change(
            lambda ledger: ledger.set_tool_run(replace(_run_of(ledger, item.number), **fields))
        )

    def _finish(self, stream: PausedStream, item: OpenCall, outcome: ToolOutcome) -> None:
        """Write the outcome of a call into its record, and what the user has to know into a note."""
        message = outcome.message
        if self._settings.mask is not None:
            message = self._settings.mask(message)
        response = outcome.sent.response
        left_behind = outcome.left_behind
        self._set(
            stream,
            item,
            state=outcome.state,
            seconds=item.seconds,
            result=response.get("output") if outcome.state == "done" else None,
            message=message,
            media=tuple(each.part for each in outcome.sent.media if isinstance(each.part, Blob)),
            sent=outcome.sent,
            value=outcome.value,
            error=outcome.error,
            still_running=left_behind,
            **captured_fields(item.output, self._settings.mask),
        )
        notes = list(outcome.notices)
        warning = call_warning(item.prepared.call, outcome.state, message, still_running=left_behind)

        def write(ledger: Ledger) -> None:
            for notice in notes:
                ledger.note("tool-result", notice)
            if warning:
                ledger.note("tool", warning, severity="warning")

        if notes or warning:
            stream.change(write)

    def _continue(self, stream: PausedStream) -> None:
        """Send the results of the round."""
        ledger = stream.ledger
        newest = ledger.rounds[-1]
        answer = turn_of_round(ledger, newest)
        sent = [_sent(run) for run in ledger.tool_runs if run.round == newest.number]
        request = self._request
        turns = (*request.turns, *([answer] if answer is not None else []), results_turn(sent))
        settings = request.settings
        if settings.tool_choice is not None and settings.tool_choice.mode == "any":
            settings = replace(
                settings, tool_choice=ToolChoice("auto")
            )  # otherwise the model could never answer
        self._request = replace(request, turns=turns, settings=settings)
        stream.continue_with(self._request)


def _run_of(ledger: Ledger, number: int) -> ToolRun:
    return next(run for run in ledger.tool_runs if run.number == number)


def _sent(run: ToolRun) -> CallResult:
    """What is sent for a call; every call has a result, also if a recording lacks it."""
    return run.sent or error_result(run.call, run.message or "no result")


def _too_many_rounds(limit: int) -> TruncatedError:
    return TruncatedError(
        f"The model still called functions in round {limit}, the last one that --max-rounds allows.",
        remedy="`%gemini resume` continues with as many rounds again; `--max-rounds` allows more at once.",
    )
