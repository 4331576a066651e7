"""The pump: draws an answer while it arrives, awaited or not, and ends its cell honestly.

It knows a stream, its view and the shell; not what was asked.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any, NamedTuple

from ..client import Stream
from ..errors import Interrupted
from ..response import Response
from ..views import View
from .commands.code import later, offer
from .commands.journal import news
from .messages import tell
from .session import Run, Session

__all__ = ["DisplayLoop", "RunningCell"]

_TICK = 0.09  # seconds; while awaited, a silent server would otherwise hold back the toolbar's interrupt
_REST = 0.03  # seconds between looks at a stream that is busy
_FILE = ("written", "kept")  # notes about the file of --to


class RunningCell(NamedTuple):
    """A question that was sent, with what shows it."""

    run: Run
    stream: Stream
    view: View
    stop: threading.Event


class DisplayLoop:
    """Watches the answers of one shell."""

    def __init__(self, shell: Any, session: Session) -> None:
        self.shell = shell
        self.session = session

    def watch(self, job: RunningCell) -> Response:
        """Draw until the answer has ended.

        Raises:
            GeminiMagicError: the answer ended badly.
            Interrupted: the user interrupted it.
        """
        if job.run.options.background:
            return self._leave(job)
        try:
            job.view.open()
            _draw(job)
        except KeyboardInterrupt:
            job.stream.cancel("interrupt")
            return self._end(job, interrupted=True)
        except BaseException:  # a view that fails must not leave a stream behind
            job.stream.cancel("interrupt")
            raise
        return self._end(job)

    async def watch_awaited(self, job: RunningCell) -> Response:
        """The same on a running event loop, which goes on serving widgets."""
        if job.run.options.background:
            return self._leave(job)
        try:
            job.view.open()
            version = -1
            while not job.stream.done:
                version = await job.stream.changed(version, _TICK)
                _look(job)
                await asyncio.sleep(_REST)
        except (asyncio.CancelledError, KeyboardInterrupt):
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            job.stream.cancel("interrupt")
            return self._end(job, interrupted=True)
        except BaseException:  # as above
            job.stream.cancel("interrupt")
            raise
        return self._end(job)

    def _leave(self, job: RunningCell) -> Response:
        """Let a thread go on drawing into this cell, and return the live response."""
        job.view.open()
        if not job.run.options.quiet:
            said = "It goes on in the background; `%gemini stop` stops it."
            tell(" ".join(filter(None, (said, later(job.run.options)))))

        def rest() -> None:
            try:
                _draw(job)
                job.view.close()
            finally:
                self.session.answered(job.run)
                self.session.error = job.run.response.error or self.session.error

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(rest,), name="gemini-background", daemon=True).start()
        return self._silent(job.run.response)

    def _end(self, job: RunningCell, *, interrupted: bool = False) -> Response:
        response = job.run.response
        try:
            job.view.close()
        finally:
            self.session.answered(job.run)
        error = response.error
        if interrupted and not isinstance(error, Interrupted):
            # It had ended in the same moment; the user's wish to stop what follows still counts.
            raise Interrupted("Stopped; the answer had ended already.", response=response)
        if not job.run.options.quiet:
            for note in response.ledger.notes:
                if note.kind in _FILE:
                    tell(note.message)
            for words in news(self.shell):
                tell(words)
        offer(self.shell, response, job.run.options)
        if error is None or (response.ledger.cause == "stop" and not interrupted):
            return self._silent(response)
        error.shown = not job.run.options.quiet
        raise error

    def _silent(self, response: Response) -> Response:
        """The response as the cell's value, which shows nothing: the view has shown it already."""
        response.skip_next_display()
        events = self.shell.events

        def over(*_: object) -> None:
            response.skip_next_display(skip=False)  # only in the cell that created it
            events.unregister("post_run_cell", over)

        events.register("post_run_cell", over)
        return response


def _look(job: RunningCell) -> None:
    if job.stop.is_set():
        job.stream.cancel("stop")
    job.view.update()


def _draw(job: RunningCell) -> None:
    version = -1
    while not job.stream.done:
        version = job.stream.wait_change(version, _TICK)
        _look(job)
        job.stream.wait(_REST)
