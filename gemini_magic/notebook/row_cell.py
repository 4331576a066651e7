"""Runs a cell that asks its prompt for many rows: starts the run, shows it until it ends, and handles Stop and interrupts.

In an awaited cell the loop is a coroutine, so that the kernel's event loop keeps serving the Stop button.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, Final

from .. import row_runs, views
from ..config import settings
from ..errors import GeminiMagicError, Interrupted, PromptError, interrupts_call, interrupts_raise
from ..options import Options
from ..prompts import Expression
from . import kernel
from .cell_schema import read_schema
from .display_loop import STEPS_OF_INTERRUPT, without_display
from .interpolation import evaluate_expression
from .row_options import PreparedRows, row_settings

__all__ = ["RowCellRunner"]

_TICK: Final = 0.09  # seconds; a longer wait would delay the toolbar's interrupt
_KEYWORD: Final = re.compile(r"\b([a-z_]+)=(?:[\"']([^\"']*)[\"']|(\w[\w.]*\w|\w?))")  # an argument in Python
_FILES: Final = (".csv", ".tsv", ".parquet", ".pq")


class RowCellRunner:
    """Runs the cells with ``--rows`` of one shell.

    Args:
        shell: the IPython shell.
        ask_key: asks the user for a key; None where that is not possible.
    """

    def __init__(self, shell: Any, ask_key: Callable[[], Callable[[str], str] | None]) -> None:
        self.shell = shell
        self._ask_key = ask_key

    def run(self, prepared: PreparedRows) -> Any:
        """Run a cell until every row has ended; returns the run, or for ``--dry-run`` what it would ask.

        Raises:
            GeminiMagicError: nothing was sent, because an option, the data or the prompt is not valid.
            Interrupted: the user interrupted the cell.
        """
        if prepared.options.dry_run:
            return self._preview(prepared)
        run = self._start(prepared)
        watcher = self._watcher(run, prepared.options, awaited=False)
        try:
            watcher.view.open()
            watcher.watch()
        except BaseException:
            watcher.abandon()
            raise
        return self._finish(run, watcher)

    async def run_awaited(self, prepared: PreparedRows) -> Any:
        """Do the same on a running event loop, which keeps serving widgets."""
        with interrupts_raise():  # a large input is read
            if prepared.options.dry_run:
                return self._preview(prepared)
            run = self._start(prepared)
        watcher = self._watcher(run, prepared.options, awaited=True)
        try:
            watcher.view.open()
            await _watch(watcher)
        except BaseException:
            watcher.abandon()
            raise
        return self._finish(run, watcher)

    def _start(self, prepared: PreparedRows) -> row_runs.RowRun:
        """Start the run, after everything that can be refused before a request is sent."""
        arguments = self._arguments(prepared)
        options = self._options(prepared)
        data = self._data(prepared.given["rows"])
        with _flags_in_remedies():
            run = row_runs.start_rows(
                prepared.template,
                data,
                arguments,
                options,
                sources=prepared.sources,
                variables=self.shell.user_ns,
                ask_key=self._ask_key(),
            )
        run.name = options.out or "_gemini"
        self.shell.user_ns["_gemini"] = self.shell.user_ns[run.name] = run
        return run

    def _preview(self, prepared: PreparedRows) -> views.RowsPreview:
        """What the cell would ask, for ``--dry-run``."""
        arguments = self._arguments(prepared)
        options = self._options(prepared)
        data = self._data(prepared.given["rows"])
        with _flags_in_remedies():
            found = row_runs.preview_rows(
                prepared.template, data, arguments, options, variables=self.shell.user_ns
            )
        if options.out:
            self.shell.user_ns[options.out] = found
        return found

    def _options(self, prepared: PreparedRows) -> Options:
        """The options of each request."""
        options = prepared.options
        views.check_display(options.display, self.shell)
        read_schema(options, self.shell.user_ns)
        # These may be configured for other cells; on the line of this one they are refused.
        options.mcp, options.remote_mcp, options.record, options.repair, options.cache = (
            [],
            [],
            None,
            0,
            False,
        )
        options.repeat = None  # an argument of the run
        return options

    def _arguments(self, prepared: PreparedRows) -> row_runs.RowArguments:
        """The options of the line as the arguments of a run."""
        given = prepared.given
        names = {name: value for name, value in given.items() if name in row_runs.RowArguments._fields}
        if ids := names.get("id"):
            names["id"] = ids[0] if len(ids) == 1 else ids
        if given.get("no_dedupe"):
            names["dedupe"] = False
        if "cluster" in names:
            names["cluster"] = self._value(names["cluster"], "--cluster")
        if prepared.options.repeat is not None:
            names["repeat"] = prepared.options.repeat
        return row_runs.RowArguments(**names)

    def _data(self, written: Any) -> Any:
        """The value of ``--rows``: an object, the path of a file, or the value of an expression."""
        if isinstance(written, str) and PurePath(written).suffix.lower() in _FILES:
            return written
        return self._value(written, "--rows")

    def _value(self, written: Any, flag: str) -> Any:
        """The value of an option: an object as it is, or the value of a text as an expression."""
        if not isinstance(written, str):
            return written
        source = written.strip()
        try:
            return evaluate_expression(Expression(source, 0, len(source)), self.shell.user_ns, flag, None)
        except SyntaxError:
            raise PromptError(
                f"{flag}: {source!r} is neither an expression nor a .csv or .parquet file.",
                remedy=f"Name a variable, such as {flag} df, or put an expression in quotes: {flag} 'df[df.n > 1]'.",
            ) from None

    def _watcher(self, run: row_runs.RowRun, options: Options, *, awaited: bool) -> views.RowsWatcher:
        """The view of a run, and what keeps it up to date."""
        has_button = kernel.stop_button_works(self.shell, awaited=awaited)
        attended = kernel.allows_input(self.shell) or kernel.handles_widget(self.shell)
        watcher = views.RowsWatcher(run, views.NullView())
        if not options.quiet:
            watcher.view = views.select_rows_view(
                run,
                display=options.display,
                shell=self.shell,
                attended=attended,
                stop=watcher.click if has_button else None,
                hint="" if has_button else views.stop_hint(),
                name=run.name,
            )
        return watcher

    def _finish(self, run: row_runs.RowRun, watcher: views.RowsWatcher) -> Any:
        """Show the table, and return the run or raise why it has failed."""
        failed = run.progress.state == "error" or run.ended_early
        watcher.close(error_follows=failed or watcher.interrupted)
        if failed:
            with _flags_in_remedies():
                run.raise_for_status()
        if watcher.interrupted:
            raise Interrupted(views.interrupted_line(run.progress), response=run)
        return without_display(self.shell, run)


async def _watch(watcher: views.RowsWatcher) -> None:
    """Wait on the running event loop until the run ends."""
    try:
        await _wait_for_end(watcher)
        for _ in range(STEPS_OF_INTERRUPT):
            await asyncio.sleep(0)
    except (asyncio.CancelledError, KeyboardInterrupt):
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        with interrupts_call(watcher.count_interrupt):
            watcher.interrupt()
            await _wait_for_end(watcher)


async def _wait_for_end(watcher: views.RowsWatcher) -> None:
    version = -1
    while not watcher.run.done:
        version = await _changed(watcher.run, version)
        with interrupts_raise():
            watcher.step()


async def _changed(run: Any, version: int) -> int:
    """Wait until the progress has changed, for a moment at most, without a thread."""
    await asyncio.sleep(_TICK)
    return int(run.wait_change(version, 0.0))


@contextmanager
def _flags_in_remedies() -> Iterator[None]:
    """Write the flags of a cell instead of Python's keywords into the remedies of errors."""
    try:
        yield
    except GeminiMagicError as error:
        error.remedy = _KEYWORD.sub(_flag_of, error.remedy)
        raise


def _flag_of(found: re.Match[str]) -> str:
    name, text, word = found.groups()
    if name not in row_settings() and name not in settings():
        return found[0]
    return f"`--{name.replace('_', '-')}{f' {text or word}' if text or word else ''}`"
