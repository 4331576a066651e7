"""Runs the cells that compare: sends the requests of all columns, and redraws the columns until all answers have ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import tools as toolbox
from .. import views
from ..comparison import (
    Comparison,
    PlannedRequest,
    failure_of_all,
    interruption,
    options_of_column,
    preview_columns,
    read_plan,
    start_columns,
)
from ..conversation import Conversation
from ..errors import GeminiMagicError, Interrupted, interrupts_raise, interrupts_wait
from ..ledger import Ledger
from ..options import Options
from ..views import View
from . import kernel
from .cell_prompt import CellPrompt, PreparedComparison
from .commands.journal import journal_messages
from .display_loop import PAUSE, STEPS_OF_INTERRUPT, without_display
from .messages import show_message
from .session import Run, Session

if TYPE_CHECKING:
    from ..response import Response
    from .confirming import CellConfirmer

__all__ = ["ComparisonRunner", "RunningComparison", "prepare_comparison"]

_TICK = 0.05  # seconds; one of the streams is waited for, and the others are looked at after this time


def prepare_comparison(
    prompt: CellPrompt,
    options: Options,
    given: Mapping[str, Any],
    resolve: Callable[[Mapping[str, Any]], tuple[Options, dict[str, str]]],
) -> PreparedComparison:
    """The requests of a cell that compares, not sent yet.

    Args:
        prompt: the prompt, and what makes a request of it.
        options: the options of the cell.
        given: those on its line, by name.
        resolve: returns the options of a line with such options, and the source of each.

    Raises:
        OptionError: an option is not valid in a comparison.
    """
    columns = []
    for plan in read_plan(options, given):
        resolved, sources = resolve({**given, **plan.changes})
        own = options_of_column(resolved)
        columns.append(PlannedRequest(plan, prompt.request(own), own, sources, prompt.tools))
    return PreparedComparison(columns, options, tuple(prompt.notices))


class RunningComparison(NamedTuple):
    """A comparison whose requests were sent, and the view that shows it.

    Attributes:
        comparison: the comparison.
        runs: the requests that were sent so far, and their responses.
        options: the options of the cell.
        view: the view.
        stops: one event for each column, set by its Stop button.
        key: identifies the call of the cell.
    """

    comparison: Comparison
    runs: list[Run]
    options: Options
    view: View
    stops: tuple[threading.Event, ...]
    key: Hashable = None

    @property
    def running(self) -> bool:
        """Whether an answer has not ended, or may be requested again."""
        return any(each.running for each in self.comparison.columns)

    @property
    def stream(self) -> Any:
        """A stream that has not ended; None if there is none."""
        return next((each.stream for each in self.comparison.columns if each.stream is not None), None)

    def step(self) -> bool:
        """Run the next function of each column, one after the other, and ask again where an answer does not fit its schema.

        Returns:
            Whether something was done.
        """
        done = False
        for column in self.comparison.columns:
            if column.blocks_next:
                self.update(final=True)
            done |= column.step()
        return done

    async def step_awaited(self) -> bool:
        """The same on a running event loop."""
        done = False
        for column in self.comparison.columns:
            if column.blocks_next:
                self.update(final=True)
            done |= await column.step_awaited()
        return done

    def update(self, *, final: bool = False) -> None:
        """Stop the columns whose button was clicked, and redraw."""
        for column, stop in zip(self.comparison.columns, self.stops, strict=True):
            if stop.is_set():
                column.cancel("stop")
        self.view.update(final=final)


class ComparisonRunner:
    """Sends and shows the comparisons of one shell.

    Args:
        shell: the IPython shell.
        session: the session, which counts the requests.
        key_prompt: returns what asks the user for a key; None where the user of the current cell cannot be asked.
    """

    def __init__(
        self, shell: Any, session: Session, key_prompt: Callable[[], Callable[[str], str] | None]
    ) -> None:
        self.shell = shell
        self.session = session
        self._key_prompt = key_prompt

    def send(self, prepared: PreparedComparison, *, awaited: bool) -> Any:
        """Send the requests; returns the running comparison, or for ``--dry-run`` the requests.

        Raises:
            UsageProblem: a request, a key or the display is not valid. Nothing was sent.
        """
        options = prepared.options
        if options.dry_run:
            found = preview_columns(prepared.columns)
            self._bind(options.out, found)
            return found
        room = self.session.media_room(prepared.key, options.media_size)
        planned = [each._replace(options=replace(each.options, media_size=room)) for each in prepared.columns]
        first = planned[0]
        probe = views.AnswerColumns([views.AnswerColumn(first.plan.label, Ledger(first.request))], list)
        self._view(probe, options, None)  # raises for a display that this front end does not have
        runs: list[Run] = []
        users = _ColumnUsers(self.shell, self.session, options, awaited=awaited)

        def sent(planned: PlannedRequest, response: Response) -> None:
            run = Run(
                response, planned.request, planned.options, Conversation(), 0, None, tools=planned.tools
            )
            runs.append(run)
            self.session.add_column(run)

        comparison = start_columns(
            planned, ask_key=self._key_prompt(), notices=prepared.notices, user_of=users.user, sent=sent
        )
        self._bind("_gemini", comparison)
        self._bind(options.out, comparison)
        stops = tuple(threading.Event() for _ in planned)

        def stop(place: int | None) -> None:
            for event in stops if place is None else stops[place : place + 1]:
                event.set()

        has_button = kernel.stop_button_works(self.shell, awaited=awaited)
        view = self._view(comparison.shown, options, stop if has_button else None)
        if first.tools:
            from .blocked_view import BlockedView  # noqa: PLC0415 - few cells have tools

            columns = comparison.shown.columns
            view = BlockedView(view, lambda: [each.ledger for each in columns])
        users.show_in(view)
        return RunningComparison(comparison, runs, options, view, stops, prepared.key)

    def watch(self, cell: RunningComparison) -> Comparison:
        """Redraw the view until all answers end.

        Raises:
            GeminiMagicError: no answer is usable; it is the error of the first one.
            Interrupted: the user interrupted the cell.
        """
        try:
            with interrupts_raise():
                cell.view.open()
                version = -1
                while cell.running:
                    stepped, stream = cell.step(), cell.stream
                    if stream is not None and not stepped:
                        version = stream.wait_change(version, _TICK)
                        stream.wait_while_reading(PAUSE)
                    cell.update()
        except KeyboardInterrupt:
            return self._finish(cell, interrupted=True)
        except BaseException:  # an error in a view must not leave the streams open
            cell.comparison.cancel("interrupt")
            raise
        return self._finish(cell)

    async def watch_awaited(self, cell: RunningComparison) -> Comparison:
        """Do the same on a running event loop, which keeps serving widgets."""
        try:
            with interrupts_raise():
                cell.view.open()
            version = -1
            while cell.running:
                stepped, stream = await cell.step_awaited(), cell.stream
                if stream is not None and not stepped:
                    version = await stream.changed(version, _TICK)
                with interrupts_raise():
                    cell.update()
                await asyncio.sleep(0 if stepped else PAUSE)
            for _ in range(STEPS_OF_INTERRUPT):
                await asyncio.sleep(0)
        except (asyncio.CancelledError, KeyboardInterrupt):
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return self._finish(cell, interrupted=True)
        except BaseException:  # as in watch()
            cell.comparison.cancel("interrupt")
            raise
        return self._finish(cell)

    def _finish(self, cell: RunningComparison, *, interrupted: bool = False) -> Comparison:
        """Close the view, and return the comparison or raise its error."""
        comparison = cell.comparison
        if interrupted:
            with interrupts_wait():
                comparison.cancel("interrupt")
        try:
            if interrupted or not views.close_if_not_interrupted(cell.view, error_follows=False):
                interrupted = True
                views.close_at_once(cell.view, error_follows=False)
        finally:
            for run in cell.runs:
                self.session.finish_run(run)
            self.session.count_media(cell.key, [run.response.ledger for run in cell.runs])
        error: GeminiMagicError | Interrupted | None
        error = interruption(comparison) if interrupted else failure_of_all(comparison)
        raised = [run.error for each in comparison for run in each.tool_runs if run.error is not None]
        own = next((each.error for each in comparison if each.error is not None), None)
        self.session.error = error or own or (raised[-1] if raised else self.session.error)
        if error is not None:
            try:
                raise error
            finally:
                del error  # as in the display loop: it refers to this frame
        if not cell.options.quiet:
            for message in journal_messages(self.shell):
                show_message(message)
        return without_display(self.shell, comparison)

    def _view(
        self, columns: views.AnswerColumns, options: Options, stop: Callable[[int | None], None] | None
    ) -> View:
        if options.quiet:
            return views.NullView()
        return views.select_columns_view(
            columns,
            display=options.display,
            shell=self.shell,
            allow_stdin=kernel.allows_input(self.shell) or kernel.handles_widget(self.shell),
            stop=stop,
            stop_hint="" if stop else views.stop_hint("`%gemini stop` in another cell"),
        )

    def _bind(self, name: str | None, value: object) -> None:
        if name:
            self.shell.user_ns[name] = value


class _ColumnUsers:
    """How the user of a cell is asked about the functions of each column.

    Args:
        shell, session: as for :class:`ComparisonRunner`.
        options: the options of the cell.
        awaited: whether the cell is awaited.
    """

    def __init__(self, shell: Any, session: Session, options: Options, *, awaited: bool) -> None:
        self._shell, self._session, self._options, self._awaited = shell, session, options, awaited
        self._view: View | None = None
        self._confirmers: list[CellConfirmer] = []

    def user(self, label: str) -> toolbox.ToolUser:
        """How the user is asked about the functions of a column."""
        from .confirming import confirmer_for  # noqa: PLC0415 - few cells have tools

        confirmer = confirmer_for(self._shell, self._options, awaited=self._awaited, background=False)
        if confirmer is not None:
            confirmer.column, confirmer.view = label, self._view
            self._confirmers.append(confirmer)
        return toolbox.ToolUser(confirmer, self._session.allowed_tools)

    def show_in(self, view: View) -> None:
        """Set the view, which shows the buttons."""
        self._view = view
        for each in self._confirmers:
            each.view = view
