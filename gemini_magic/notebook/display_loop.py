"""Redraws the view of a running request until its answer ends, then returns the response or raises its error.

In an awaited cell the loop is a coroutine, so that the kernel's event loop keeps serving widgets.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from .. import views
from ..client import Stream
from ..errors import Interrupted, interrupts_raise, interrupts_wait
from ..response import Response
from .kernel import has_kernel
from .messages import show_message
from .session import Run, Session

if TYPE_CHECKING:
    from ..views import View

__all__ = ["PAUSE", "STEPS_OF_INTERRUPT", "DisplayLoop", "RunningCell", "without_display"]

_TICK = 0.09  # seconds; a longer wait for a silent server would delay the toolbar's interrupt
PAUSE = 0.03  # seconds between updates while a stream is busy
# Steps of the event loop in which ipykernel turns a signal into the cancellation of the cell's task: a callback sets the result
# of a future, whose callback cancels the task. An interrupt of a cell whose stream ends at once is noticed so.
STEPS_OF_INTERRUPT = 3
_SERVER_STOPS = 2.0  # seconds that a stopped cell waits until the server has confirmed that it stops, too
_WAITED = (
    "The notebook runs without a user, so this cell waited for its answer: `--background` has no effect here."
)
_FILE_NOTES = ("written", "kept")  # notes about the file of --to


class RunningCell(NamedTuple):
    """A request that was sent, and the view that shows its answer.

    Attributes:
        run: the request and its response.
        stream: the stream of the response.
        view: the view.
        stop: set by the view's Stop button.
        background: whether the cell returns before the answer ends.
    """

    run: Run
    stream: Stream
    view: View
    stop: threading.Event
    background: bool = False


class DisplayLoop:
    """Runs the display loop of the cells of one shell."""

    def __init__(self, shell: Any, session: Session) -> None:
        self.shell = shell
        self.session = session

    def watch(self, cell: RunningCell) -> Response:
        """Redraw the view until the answer ends.

        Raises:
            GeminiMagicError: the request failed, or the answer is not usable.
            Interrupted: the user interrupted the cell.
        """
        if cell.background:
            return self._continue_in_background(cell)
        try:
            with interrupts_raise():
                cell.view.open()
                _draw(cell)
        except KeyboardInterrupt:
            return self._finish(cell, interrupted=True)
        except BaseException:  # an error in a view must not leave the stream open
            cell.stream.cancel("interrupt")
            raise
        return self._finish(cell)

    async def watch_awaited(self, cell: RunningCell) -> Response:
        """Do the same on a running event loop, which keeps serving widgets."""
        if cell.background:
            return self._continue_in_background(cell)
        try:
            # The stream may end meanwhile, and then nothing is awaited before the last rendering.
            with interrupts_raise():
                cell.view.open()
            version = -1
            while not cell.stream.done:
                version = await cell.stream.changed(version, _TICK)
                with interrupts_raise():
                    _update(cell)
                await asyncio.sleep(PAUSE)
            for _ in range(STEPS_OF_INTERRUPT):
                await asyncio.sleep(0)
        except (asyncio.CancelledError, KeyboardInterrupt):
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return self._finish(cell, interrupted=True)
        except BaseException:  # as in watch()
            cell.stream.cancel("interrupt")
            raise
        return self._finish(cell)

    def _continue_in_background(self, cell: RunningCell) -> Response:
        """Redraw the view in a thread, and return the response while it is still running."""
        cell.view.open()

        def draw() -> None:
            try:
                _draw(cell)
                cell.stream.wait_stopped(_SERVER_STOPS)
                cell.view.close()
            finally:
                self._finish_run(cell.run)
                self._remember_error(cell.run.response)

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(draw,), name="gemini-background", daemon=True).start()
        return without_display(self.shell, cell.run.response)

    def _finish(self, cell: RunningCell, *, interrupted: bool = False) -> Response:
        """Close the view, show the messages that belong below it, and return the response or raise its error."""
        response = cell.run.response
        if interrupted:
            with interrupts_wait():
                cell.stream.cancel("interrupt")
        if not cell.stream.wait_stopped(0):
            with interrupts_wait():
                cell.stream.wait_stopped(_SERVER_STOPS)
        error = response.error
        self._remember_error(response)
        fails = error is not None and response.ledger.cause != "stop"
        try:
            if interrupted or not views.close_if_not_interrupted(cell.view, error_follows=fails):
                interrupted = True
                # Any other error is raised, but does not describe the ending of the answer.
                fails = isinstance(error, Interrupted)
                views.close_at_once(cell.view, error_follows=fails)
        finally:
            self._finish_run(cell.run)
        if interrupted and not isinstance(error, Interrupted):
            # The answer ended at the same moment; the interrupt must still stop the cells that follow.
            raise Interrupted("Interrupted just after the answer had ended.", response=response)
        from .commands.code import offer_next_cell  # noqa: PLC0415 - the first text of the first cell comes earlier
        from .commands.journal import journal_messages  # noqa: PLC0415 - as above

        if not cell.run.options.quiet:
            if cell.run.options.background:
                show_message(_WAITED)
            for note in response.ledger.notes:
                if note.kind in _FILE_NOTES:
                    show_message(note.message)
            for message in journal_messages(self.shell):
                show_message(message)
        offer_next_cell(self.shell, response, cell.run.options)
        if error is None or not fails:
            return without_display(self.shell, response)
        error.cell_lines = views.error_lines(response.ledger)
        try:
            raise error
        finally:
            # The error refers to this frame: the cycle would keep the answer until the garbage collector runs.
            del error

    def _remember_error(self, response: Response) -> None:
        """Store what `%gemini traceback` shows: the error of the answer, else the last exception of a function."""
        raised = [run.error for run in response.ledger.tool_runs if run.error is not None]
        error = response.error or (raised[-1] if raised else None)
        self.session.error = error or self.session.error

    def _finish_run(self, run: Run) -> None:
        """Add the answer to its conversation, and show in later answers that they have become stale."""
        for response in self.session.finish_run(run):
            views.redraw_outputs(response.ledger)  # imports the parts that draw


class _Displayed(Protocol):
    """A value that can omit its next display."""

    def skip_next_display(self, *, skip: bool = True) -> None:
        """Make the next display show nothing; False ends that."""


V = TypeVar("V", bound=_Displayed)


def without_display(shell: Any, value: V) -> V:
    """Return a value of a cell, but prevent IPython from displaying it: the view did already.

    Args:
        shell: the IPython shell.
        value: the value, such as a response.
    """
    value.skip_next_display()
    restoring = _DisplayRestorer(shell.events, value, _hide_prompt(shell, value))
    shell.events.register("post_run_cell", restoring.restore)
    return value


class _DisplayRestorer:
    """Ends, after the cell, that IPython does not display a value.

    Args:
        events: IPython's event manager.
        value: the value.
        show_prompts: undoes :func:`_hide_prompt`.
    """

    def __init__(self, events: Any, value: _Displayed, show_prompts: Callable[[], None]) -> None:
        self._events = events
        self._value = value
        self._show_prompts = show_prompts

    def restore(self, *_: object) -> None:
        """End it; only the cell that created the value does not display it."""
        self._show_prompts()
        self._value.skip_next_display(skip=False)
        self._events.unregister("post_run_cell", self.restore)


def _hide_prompt(shell: Any, hidden: object) -> Callable[[], None]:
    """Keep a terminal from printing an empty ``Out[n]:`` for a value; returns a function that ends this.

    The display hook prints the prompt before it asks whether there is something to display. Other values of the same
    cell keep their prompt.
    """
    hook = shell.displayhook
    if has_kernel(shell) or "write_output_prompt" in vars(hook):
        return lambda: None
    write_prompt, format_value = hook.write_output_prompt, hook.compute_format_data

    def format_with_prompt(value: Any) -> Any:
        if value is not hidden:
            write_prompt()
        return format_value(value)

    hook.write_output_prompt, hook.compute_format_data = (lambda: None), format_with_prompt

    def undo() -> None:
        del hook.write_output_prompt, hook.compute_format_data

    return undo


def _update(cell: RunningCell) -> None:
    if cell.stop.is_set():
        cell.stream.cancel("stop")
    cell.view.update(final=cell.stream.blocks_next)


def _draw(cell: RunningCell) -> None:
    """Update the view at each change until the stream ends."""
    version = -1
    while not cell.stream.done:
        version = cell.stream.wait_change(version, _TICK)
        _update(cell)
        cell.stream.wait_while_reading(PAUSE)
