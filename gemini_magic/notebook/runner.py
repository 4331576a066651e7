"""Runs the cells and commands of one shell: sends their requests, and shows and repairs the answers.

``RequestPreparer`` makes the requests, and ``DisplayLoop`` shows an answer while it arrives.
"""

from __future__ import annotations

import getpass
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .. import tools as toolbox
from ..api import begin, preview, repair_notice
from ..backends import backend
from ..content import Request
from ..conversation import Conversation
from ..errors import GeminiMagicError, Interrupted, OptionError, interrupts_noted
from ..ledger import Ledger
from ..options import Options
from ..prompts import request_notices
from ..response import Response
from ..views import NullView, View, select_view, stop_hint
from . import kernel
from .arguments import MagicLine
from .cell_prompt import PreparedComparison
from .cell_schema import repair_request
from .display_loop import DisplayLoop, RunningCell
from .messages import print_lines, show_message
from .preparation import PreparedRequest, RequestPreparer
from .row_options import PreparedRows
from .session import Run, Session

if TYPE_CHECKING:
    from .commands.context import CommandContext
    from .comparing import ComparisonRunner
    from .row_cell import RowCellRunner

__all__ = ["CellRunner"]


class CellRunner:
    """Runs the cells and commands of one shell.

    Args:
        shell: the IPython shell.
        configured: returns the settings of ``%config GeminiMagics`` that have a value.
        configure: sets one of them; the value None removes it.
    """

    def __init__(
        self, shell: Any, configured: Callable[[], Mapping[str, Any]], configure: Callable[[str, Any], None]
    ) -> None:
        self.shell = shell
        self.session = Session()
        self._preparer = RequestPreparer(shell, self.session, configured)
        self._configure = configure
        self._loop = DisplayLoop(shell, self.session)

    @cached_property
    def _rows(self) -> RowCellRunner:
        """The runner of cells with ``--rows``; created for the first one."""
        from .row_cell import RowCellRunner  # noqa: PLC0415 - not needed for most cells

        return RowCellRunner(self.shell, lambda: _key_prompt(self.shell))

    @cached_property
    def _comparisons(self) -> ComparisonRunner:
        """The runner of comparisons; created for the first one."""
        from .comparing import ComparisonRunner  # noqa: PLC0415 - not needed for most cells

        return ComparisonRunner(self.shell, self.session, lambda: _key_prompt(self.shell))

    @cached_property
    def context(self) -> CommandContext:
        """What the commands of ``%gemini`` and the completion receive."""
        from .commands.context import CommandContext  # noqa: PLC0415 - not needed for a cell

        preparer = self._preparer
        return CommandContext(
            self.session,
            self.shell,
            self.options,
            self._configure,
            self._server,
            preparer.resume,
            preparer.follow,
        )

    def ask(self, line: str, body: str) -> Any:
        """Run a ``%%gemini`` cell until its answer ends.

        Args:
            line: what follows ``%%gemini``.
            body: the lines below it.

        Returns:
            The response; for ``--rows`` the run, for ``--dry-run`` the request, for ``--count`` the number of tokens, for
            ``-h`` None.

        Raises:
            GeminiMagicError: no request could be sent, the request failed, or the answer is not usable.
            Interrupted: the user interrupted the cell.
        """
        with _RememberedError(self.session):
            prepared = self._preparer.prepare(line, body)
            if isinstance(prepared, PreparedRows):
                return self._rows.run(prepared)
            return self._watch(self._send(prepared, awaited=False))

    async def ask_awaited(self, line: str, body: str) -> Any:
        """Do the same on a running event loop, which keeps serving widgets."""
        with _RememberedError(self.session), interrupts_noted():
            prepared = await self._preparer.prepare_awaited(line, body)
            if isinstance(prepared, PreparedRows):
                return await self._rows.run_awaited(prepared)
            return await self._watch_awaited(self._send(prepared, awaited=True))

    def run_command(self, line: str) -> Any:
        """Run a command of ``%gemini``; returns what the cell displays, or None.

        Raises:
            GeminiMagicError: the command is not valid or failed; or as for ``ask``, if it sends a request.
            Interrupted: the user interrupted the cell.
        """
        with _RememberedError(self.session):
            return self._watch(self._send(self._dispatched(line), awaited=False))

    async def run_command_awaited(self, line: str) -> Any:
        """Do the same on a running event loop, for a command that sends a request."""
        with _RememberedError(self.session), interrupts_noted():
            return await self._watch_awaited(self._send(self._dispatched(line), awaited=True))

    def _watch(self, cell: Any) -> Any:
        """Show the answer of a request that was sent, and ask again while it does not fit; other values are returned."""
        if isinstance(cell, _comparison_type()):
            return self._comparisons.watch(cell)
        earlier: list[Response] = []
        while isinstance(cell, RunningCell):
            response = self._loop.watch(cell)
            prepared = self._repair(cell.run, response, earlier)
            if prepared is None:
                return response
            cell = self._send(prepared, awaited=False)
        return cell

    async def _watch_awaited(self, cell: Any) -> Any:
        """Do the same on a running event loop."""
        if isinstance(cell, _comparison_type()):
            return await self._comparisons.watch_awaited(cell)
        earlier: list[Response] = []
        while isinstance(cell, RunningCell):
            response = await self._loop.watch_awaited(cell)
            prepared = self._repair(cell.run, response, earlier)
            if prepared is None:
                return response
            cell = self._send(prepared, awaited=True)
        return cell

    def _repair(self, run: Run, response: Response, earlier: list[Response]) -> PreparedRequest | None:
        """The request that asks again for an answer that does not fit; None if it fits or was repaired often enough.

        Args:
            run: the request.
            response: its response.
            earlier: the responses before that did not fit; receives this one.
        """
        times = run.options.repair
        response.repaired_from = tuple(earlier)
        if len(earlier) >= times or (repair := repair_request(run, response)) is None:
            return None
        earlier.append(response)
        notice = repair_notice(len(earlier), times)
        if not run.options.quiet:
            show_message(notice)
        return PreparedRequest(
            repair.request,
            replace(run.options, tool_choice=None, overwrite=bool(run.options.to), append=False),
            run.conversation,
            run.before,
            run.key,
            (notice,),
            added=repair.added,
            tools=run.tools,
            rounds=repair.rounds,
        )

    def report_misplaced(self, line: int) -> None:
        """Raise the error for a cell in which ``%%gemini`` is on a later line than the first.

        Raises:
            OptionError: always.
        """
        raise OptionError(
            f"%%gemini is on line {line}, but must be on the first line of the cell.",
            remedy="Move the comment into another cell, or below the %%gemini line as part of the prompt.",
        )

    def options(self) -> tuple[Options, dict[str, str]]:
        """The options of a cell without options on its line, and the source of each."""
        return self._preparer.options()

    # -- what commands request

    def _dispatched(self, line: str) -> Any:
        """Run a command; returns its result, or the request to send."""
        from .commands.dispatch import dispatch  # noqa: PLC0415 - not needed for a cell

        return dispatch(self.context, line)

    def _server(self, line: MagicLine) -> tuple[Options, Callable[[str], str] | None]:
        """The options of a line, which select a server, and the function that asks the user for its key."""
        return self._preparer.options(line.options)[0], _key_prompt(self.shell)

    def _send(self, prepared: Any, *, awaited: bool) -> Any:
        """Send a request, or return what ``--dry-run`` or ``--count`` requests instead.

        Any other value, such as the result of a command, is returned unchanged.
        """
        if not isinstance(prepared, PreparedRequest):
            return self._send_comparison(prepared, awaited=awaited)
        request, options = prepared.request, prepared.options
        _print_notices(prepared)
        if options.dry_run:
            self._bind(options.out, http_request := preview(request, options, prepared.sources))
            return http_request
        if options.count:
            return self._count_tokens(request, options)
        if not options.quiet:
            # Raises DisplayError for a display that this front end does not have, before the request is sent.
            self._view(Ledger(request), options, None)
        background = self._in_background(options)
        confirmer = None
        if prepared.tools:
            from .confirming import confirmer_for  # noqa: PLC0415 - few cells have tools

            confirmer = confirmer_for(self.shell, options, awaited=awaited, background=background)
        response, stream = begin(
            request,
            replace(options, media_size=self.session.media_room(prepared.key, options.media_size)),
            ask_key=_key_prompt(self.shell),
            notices=prepared.notices,
            before=prepared.text,
            conversation=_describe_turn(prepared.conversation, prepared.key),
            sources=prepared.sources,
            tools=prepared.tools,
            tool_user=toolbox.ToolUser(confirmer, self.session.allowed_tools) if prepared.tools else None,
        )
        self._bind("_gemini", response)
        self._bind(options.out, response)
        run = Run(
            response,
            request,
            options,
            prepared.conversation,
            prepared.before,
            prepared.key,
            prepared.prefix,
            prepared.added,
            prepared.token,
            prepared.tools,
            prepared.rounds,
        )
        self.session.add_run(run)
        stop = threading.Event()
        has_button = background or kernel.stop_button_works(self.shell, awaited=awaited)
        view = self._view(response.ledger, options, stop.set if has_button else None)
        if prepared.tools:
            from .blocked_view import BlockedView  # noqa: PLC0415 - as above

            view = BlockedView(view, lambda: (response.ledger,))
        if confirmer is not None:
            confirmer.view = view
        return RunningCell(run, stream, view, stop, background)

    def _send_comparison(self, prepared: Any, *, awaited: bool) -> Any:
        """Send the requests of a comparison; any other value is returned unchanged."""
        is_comparison = isinstance(prepared, PreparedComparison)
        return self._comparisons.send(prepared, awaited=awaited) if is_comparison else prepared

    def _count_tokens(self, request: Request, options: Options) -> Any:
        """The number of tokens of a request, which the server counts.

        Raises:
            OptionError: a recording would have to count them.
        """
        if options.replay:
            raise OptionError("A recording cannot count tokens.", remedy="Remove either --count or --replay.")
        from ..catalog import count_request_tokens  # noqa: PLC0415 - only for this option
        from ..views import UploadProgress  # noqa: PLC0415 - as above

        progress = UploadProgress()
        try:
            tokens = count_request_tokens(request, options, _key_prompt(self.shell), progress.update)
        finally:
            progress.close()
        self._bind(options.out, tokens)
        return tokens

    def _view(self, ledger: Ledger, options: Options, stop: Callable[[], None] | None) -> View:
        if options.quiet:
            return NullView()
        return select_view(
            ledger,
            display=options.display,
            shell=self.shell,
            allow_stdin=kernel.allows_input(self.shell) or kernel.handles_widget(self.shell),
            stop=stop,
            stop_hint="" if stop else stop_hint("`%gemini stop` in another cell"),
            background=self._in_background(options),
            note=_background_note(options) if self._in_background(options) else "",
        )

    def _in_background(self, options: Options) -> bool:
        """Whether the cell returns before its answer ends; a client without a user would miss what follows."""
        return options.background and not kernel.runs_unattended(self.shell)

    def _bind(self, name: str | None, value: object) -> None:
        if name:
            self.shell.user_ns[name] = value


class _RememberedError:
    """A context manager that stores an error of its block in the session, for ``%gemini traceback``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, GeminiMagicError | Interrupted):
            self._session.error = error


def _comparison_type() -> Any:
    """The class of a running comparison; an empty tuple, which matches nothing, before the first comparison."""
    module = sys.modules.get(f"{__package__}.comparing")
    return () if module is None else module.RunningComparison


def _background_note(options: Options) -> str:
    """What the cell of a background request shows while the request is running."""
    from .commands.code import background_hint  # noqa: PLC0415 - few cells run in the background

    message = "The request continues in the background; `%gemini stop` stops it."
    return " ".join(filter(None, (message, background_hint(options))))


def _print_notices(prepared: PreparedRequest) -> None:
    """Print what is sent for a request that the user did not write; the notes of the answer have it, too."""
    options = prepared.options
    if options.count or options.replay:
        return
    notes_of = backend(options.backend).request_notes
    if notices := request_notices(notes_of, prepared.request, prepared.sources or {}):
        print_lines(*notices)


def _describe_turn(conversation: Conversation, key: Any) -> str:
    """The name of a conversation and the number of the turn; empty for a single question."""
    number, later, stale = conversation.turn_number(key)
    if not conversation.name and number == 1 and not later:
        return ""
    name = f"chat {conversation.name}, " if conversation.name else ""
    total = f" of {number + later}" if later else ""
    earlier = f" ({stale} earlier stale)" if stale else ""
    return f"{name}turn {number}{total}{earlier}"


def _key_prompt(shell: Any) -> Callable[[str], str] | None:
    """A function that asks the user for a key without displaying it; None in a non-interactive session."""
    if not kernel.allows_input(shell):
        return None
    return lambda prompt: getpass.getpass(prompt)  # noqa: PLW0108 - a kernel replaces getpass for each request
