"""Runs a cell that asks its prompt for many rows: starts the run, shows it until it ends, and handles Stop and interrupts.

In an awaited cell the loop is a coroutine, so that the kernel's event loop keeps serving the Stop button.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final

from .. import row_runs, views
from ..errors import Interrupted, PromptError, interrupts_raise
from ..options import Options
from ..prompts import Expression, attachments_of_line
from . import kernel
from .cell_schema import read_schema
from .display_loop import without_display
from .interpolation import evaluate_expression
from .messages import print_lines
from .row_options import PreparedRows

__all__ = ["RowCellRunner"]

_TICK: Final = 0.09  # seconds; a longer wait would delay the toolbar's interrupt
_STEPS_OF_INTERRUPT: Final = 3  # as in display_loop
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

    def _start(self, prepared: PreparedRows) -> Any:
        """Start the run, after everything that can be refused before a request is sent."""
        options, given = prepared.options, dict(prepared.given)
        keywords = self._keywords(given, options)
        data = self._data(given["rows"])
        run = row_runs.start_rows(prepared.template, data, options=options, **keywords)
        if options.out:
            self.shell.user_ns[options.out] = run
        return run

    def _keywords(self, given: Mapping[str, Any], options: Options) -> dict[str, Any]:
        """The options of the line as keywords of ``gm.rows``."""
        names = self.shell.user_ns
        read_schema(options, names)
        notices: list[str] = []
        keywords = {name: value for name, value in given.items() if name not in ("rows", "no_dedupe")}
        if ids := keywords.get("id"):
            keywords["id"] = ids[0] if len(ids) == 1 else ids
        if given.get("no_dedupe"):
            keywords["dedupe"] = False
        if "cluster" in keywords:
            keywords["cluster"] = self._value(keywords["cluster"], "--cluster")
        before = attachments_of_line(options.attach, names, notices, options.table_rows)
        if notices:
            print_lines(*notices)
        return {**keywords, "namespace": names, "before": before, "ask_key": self._ask_key()}

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

    def _watcher(self, run: Any, options: Options, *, awaited: bool) -> views.RowsWatcher:
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
                name=options.out or "run",
            )
        return watcher

    def _finish(self, run: Any, watcher: views.RowsWatcher) -> Any:
        """Show the table, and return the run or raise why it has failed."""
        error = run.error
        watcher.close(error_follows=error is not None or watcher.interrupted)
        if error is not None:
            raise error
        if watcher.interrupted:
            raise Interrupted(_interrupted_message(run.progress))
        return without_display(self.shell, run)


async def _watch(watcher: views.RowsWatcher) -> None:
    """Wait on the running event loop until the run ends."""
    version = -1
    while True:
        try:
            while not watcher.run.done:
                version = await _changed(watcher.run, version)
                with interrupts_raise():
                    watcher.step()
            for _ in range(_STEPS_OF_INTERRUPT):
                await asyncio.sleep(0)
        except (asyncio.CancelledError, KeyboardInterrupt):
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            watcher.interrupt()
        else:
            return


async def _changed(run: Any, version: int) -> int:
    """Wait until the progress has changed, for a moment at most, without a thread."""
    await asyncio.sleep(_TICK)
    return int(run.wait_change(version, 0.0))


def _interrupted_message(progress: views.RowProgress) -> str:
    """The line that ends an interrupted cell."""
    total = "" if progress.total is None else f" of {progress.total:,}"
    return f"Interrupted after {progress.handled:,}{total} rows. The same cell continues."
