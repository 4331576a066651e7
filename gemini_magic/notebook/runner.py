"""Runs the cells and commands of one shell: from a cell's line and prompt to the request, its view and its response.

It combines options, prompt and conversation into a request. ``DisplayLoop`` shows the answer while it arrives.
"""

from __future__ import annotations

import asyncio
import getpass
import re
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from .. import tools as toolbox
from ..api import begin, preview, repair_notice
from ..config import resolve
from ..content import Part, Request, Text, Turn
from ..conversation import Conversation, answer_turn
from ..errors import GeminiMagicError, Interrupted, OptionError, interrupts_raise
from ..ledger import Ledger
from ..options import Options
from ..prompts import attachments_of_line, build_request
from ..response import Response
from ..views import NullView, View, select_view, stop_hint
from . import kernel
from .arguments import MagicLine, help_text, is_verbatim, parse_line
from .blocked_view import BlockedView
from .cell_schema import expand_object, read_schema, repair_request, without_schema
from .commands.code import background_hint
from .commands.context import CommandContext
from .confirming import confirmer_for
from .display_loop import DisplayLoop, RunningCell
from .interpolation import (
    EvaluatedExpressions,
    awaits,
    evaluate_awaiting,
    expand,
    expand_json,
    expand_text,
    single_brace_hint,
)
from .lookup import names_of
from .messages import print_lines, show_message
from .session import CONTINUE_PROMPT, Resumption, Run, Session, answer_text

if TYPE_CHECKING:
    from ..tools import Tool

__all__ = ["CellRunner"]

_WAKE_UP = 0.09  # seconds; a longer wait in `await` would delay the toolbar's interrupt
_TABLE_ROWS = re.compile(r"(?<!\S)--table[-_]rows[= ]\s*(\d+)", re.IGNORECASE)


class _Question(NamedTuple):
    """A request that is ready to be sent.

    Attributes:
        notices: messages to record as notes of the response.
        sources: the source of each option.
        tools: the functions that the request offers.
        request, options, conversation, before, key, prefix, added, token: as in ``Run``.
    """

    request: Request
    options: Options
    conversation: Conversation
    before: int
    key: Any
    notices: tuple[str, ...] = ()
    prefix: tuple[Part, ...] = ()
    added: int = 0
    token: str | None = None
    sources: Mapping[str, str] = {}
    tools: Sequence[Tool] = ()
    rounds: tuple[Turn, ...] = ()
    text: str = ""


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
        self.context = CommandContext(
            self.session, shell, self.options, configure, self._server, self._resume
        )
        self._configured = configured
        self._loop = DisplayLoop(shell, self.session)

    def ask(self, line: str, body: str) -> Any:
        """Run a ``%%gemini`` cell until its answer ends.

        Args:
            line: what follows ``%%gemini``.
            body: the lines below it.

        Returns:
            The response; for ``--dry-run`` the request, for ``--count`` the number of tokens, for ``-h`` None.

        Raises:
            GeminiMagicError: no request could be sent, the request failed, or the answer is not usable.
            Interrupted: the user interrupted the cell.
        """
        with _RememberedError(self.session):
            cell = self._send(self._prepare(line, body), awaited=False)
            return self._watch(cell)

    async def ask_awaited(self, line: str, body: str) -> Any:
        """Do the same on a running event loop, which keeps serving widgets."""
        with _RememberedError(self.session):
            if awaits(line) or awaits(body) or "--mcp" in line or self.options()[0].mcp:
                async with _interruptible():
                    question = await self._question_of_cell(line, body, can_await=True)
            else:
                with interrupts_raise():
                    question = self._prepare(line, body)
            return await self._watch_awaited(self._send(question, awaited=True))

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
        with _RememberedError(self.session):
            return await self._watch_awaited(self._send(self._dispatched(line), awaited=True))

    def _watch(self, cell: Any) -> Any:
        """Show the answer of a request that was sent, and ask again while it does not fit; other values are returned."""
        earlier: list[Response] = []
        while isinstance(cell, RunningCell):
            response = self._loop.watch(cell)
            question = self._repair(cell.run, response, earlier)
            if question is None:
                return response
            cell = self._send(question, awaited=False)
        return cell

    async def _watch_awaited(self, cell: Any) -> Any:
        """Do the same on a running event loop."""
        earlier: list[Response] = []
        while isinstance(cell, RunningCell):
            response = await self._loop.watch_awaited(cell)
            question = self._repair(cell.run, response, earlier)
            if question is None:
                return response
            cell = self._send(question, awaited=True)
        return cell

    def _repair(self, run: Run, response: Response, earlier: list[Response]) -> _Question | None:
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
        return _Question(
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
        return self._resolve({})

    # -- what commands request

    def _dispatched(self, line: str) -> Any:
        """Run a command; returns its result, or the request to send."""
        from .commands.dispatch import dispatch  # noqa: PLC0415 - not needed for a cell

        return dispatch(self.context, line)

    def _server(self, line: MagicLine) -> tuple[Options, Callable[[str], str] | None]:
        """The options of a line, which select a server, and the function that asks the user for its key."""
        return self._resolve(line.options)[0], _key_prompt(self.shell)

    def _resume(self, line: MagicLine) -> _Question:
        """A new request for the rest of the last answer, not sent yet."""
        resumption = self.session.resumable()
        run = resumption.run
        previous = run.options.for_follow_up()
        if "to" in line.options:  # these are about the previous file
            previous.update(overwrite=False, append=False)
        if run.tools:
            previous["tool_choice"] = run.options.tool_choice
        if "schema_multi" in line.options:
            previous["schema"] = None
        options, sources = resolve(line.options, self._configured(), previous=previous)
        read_schema(options, self.shell.user_ns)
        tools = self._offered(options) or run.tools
        functions = [each.declaration for each in tools]
        *before, question = (*run.turns, *resumption.rounds)
        chars = len(resumption.text)
        answer, added = answer_turn(resumption.prefix), len(resumption.rounds)
        if resumption.token is not None:
            request = build_request(question.parts, options, before, functions)
            request = structs.replace(request, continuation=resumption.token)
            notice = f"A new request in which the server continues its answer of {chars:,} characters so far."
        elif answer is not None:
            turns = (*run.turns, *resumption.rounds, answer)
            request = build_request((Text(CONTINUE_PROMPT),), options, turns, functions)
            request = without_schema(request)
            added += 2
            notice = f"A new request for the rest of an answer of {chars:,} characters so far."
        elif resumption.rounds:
            request = build_request(question.parts, options, before, functions)
            notice = "A new request that continues after the results of the functions so far."
        else:
            request = build_request(question.parts, options, before, functions)
            notice = "A new request with the same question, because no text had been received."
        request, _ = self._with_servers(request, options)
        messages = [notice, self._describe_names(resumption, options)]
        if options.replay:
            messages.append(
                f"The rest is read from {options.replay}; `%gemini resume --replay ''` sends the request to the server."
            )
        show_message(*messages)
        return _Question(
            request,
            options,
            run.conversation,
            run.before,
            run.key,
            (notice,),
            resumption.prefix,
            added,
            resumption.token,
            sources,
            tools,
            resumption.rounds,
            resumption.text,
        )

    def _describe_names(self, resumption: Resumption, options: Options) -> str:
        """A sentence about which variable contains which part of the answer once the rest has arrived."""
        new = options.out or "_gemini"
        if not resumption.prefix:
            return f"`{new}` will contain the whole answer."
        response = resumption.run.response
        names = [name for name in names_of(response, self.shell.user_ns) if name != new]
        if names and answer_text(resumption.prefix) == response.text:
            return (
                f"`{names[0]}` keeps the first part, `{new}` will contain the rest, "
                f"and `{new}.whole` the whole answer."
            )
        return (
            f"`{new}` will contain the rest, and `{new}.whole` the whole answer; "
            "`%gemini last 2` shows the first part."
        )

    # -- from the cell to the request

    def _resolve(self, options: Mapping[str, Any]) -> tuple[Options, dict[str, str]]:
        return resolve(options, self._configured())

    def _prepare(self, line: str, body: str) -> _Question | None:
        """The request of a cell that is not awaited. IPython's loop runs ``await`` in expressions if no loop is running.

        Raises:
            Interrupted: the user interrupted an expression.
        """
        shell = self.shell
        can_await = shell.autoawait and not _loop_is_running() and (awaits(line) or awaits(body))
        question = self._question_of_cell(line, body, can_await=can_await)
        try:
            found: _Question | None = shell.loop_runner(question) if can_await else _run_now(question)
        except Interrupted:  # of a request that an expression made
            raise
        except KeyboardInterrupt:
            raise _interrupted() from None
        return found

    async def _question_of_cell(self, line: str, body: str, *, can_await: bool) -> _Question | None:
        """The request of a cell, not sent yet; None if its line asked for help, which is printed.

        Args:
            line: what follows ``%%gemini``.
            body: the lines below it.
            can_await: whether expressions can be awaited.
        """
        names: dict[str, Any] = self.shell.user_ns

        async def evaluated(text: str, **position: Any) -> EvaluatedExpressions | None:
            if not (can_await and awaits(text)):
                return None
            return await evaluate_awaiting(text, names, **position)

        verbatim = is_verbatim(line) or self.options()[0].verbatim
        values = None if verbatim else await evaluated(line, where="the %%gemini line")
        notices: list[str] = []
        written = _TABLE_ROWS.search(line)  # counts for all values on the line, also for those before it

        def value(text: str) -> str:
            options = self.options()[0]
            if options.verbatim:
                return text
            rows = int(written[1]) if written else options.table_rows
            return expand_text(
                text, names, where="the %%gemini line", table_rows=rows, notices=notices, values=values
            )

        def json_value(text: str) -> str:
            if self.options()[0].verbatim:
                return text
            return expand_json(text, names, where="the %%gemini line", values=values)

        def object_value(text: str) -> object:
            if self.options()[0].verbatim:
                return text
            return expand_object(text, names, where="the %%gemini line", values=values)

        parsed = parse_line(line, value, evaluate_json=json_value, evaluate_object=object_value)
        if parsed.help:
            print_lines(help_text())
            return None
        options, sources = self._resolve(parsed.options)
        read_schema(options, names)
        if can_await and options.mcp:
            await self._start_servers(options)
        key = self.session.turn_key(kernel.cell_of(self.shell), kernel.message_of(self.shell))
        values = None if options.verbatim else await evaluated(body.removesuffix("\n"), first_line=2)
        with interrupts_raise():  # large files are read
            return self._question(body, options, key, notices, values)._replace(sources=sources)

    def _question(
        self, body: str, options: Options, key: Any, notices: list[str], values: EvaluatedExpressions | None
    ) -> _Question:
        text = body.removesuffix("\n")
        if not text.strip():
            raise OptionError("The cell has no prompt.", remedy="Write the prompt below the %%gemini line.")
        names = self.shell.user_ns
        parts: Sequence[Part]
        if options.verbatim:
            parts = (Text(text),)
        else:
            parts, found = expand(text, names, first_line=2, table_rows=options.table_rows, values=values)
            notices += found
            if hint := single_brace_hint(text, names):
                notices.append(hint)
        parts = (*attachments_of_line(options.attach, names, notices, options.table_rows), *parts)
        conversation = self.session.conversation(options)
        if not (options.dry_run or options.count) and (repeated := _repeated_turn_notice(conversation, key)):
            notices.append(repeated)
        tools = self._offered(options)
        notices += [notice for each in tools for notice in each.notices]
        turns: tuple[Turn, ...] = conversation.before(key)
        request = build_request(parts, options, turns, [each.declaration for each in tools])
        request, about_servers = self._with_servers(request, options)
        notices += about_servers
        if notices:
            print_lines(*notices)
        return _Question(request, options, conversation, len(turns), key, tuple(notices), tools=tools)

    def _offered(self, options: Options) -> Sequence[Tool]:
        """The tools that a request offers to the model."""
        if not (options.tool or options.mcp):
            return ()
        from .offered_tools import offered_tools  # noqa: PLC0415 - not needed for most cells

        return offered_tools(options, self.shell)

    @staticmethod
    def _with_servers(request: Request, options: Options) -> tuple[Request, tuple[str, ...]]:
        """The request with the servers of ``--remote-mcp``, and sentences about them."""
        if not options.remote_mcp:
            return request, ()
        from ..mcp_servers import with_remote_servers  # noqa: PLC0415 - as above

        return with_remote_servers(request, options.remote_mcp)

    @staticmethod
    async def _start_servers(options: Options) -> None:
        from .offered_tools import start_servers  # noqa: PLC0415 - as above

        await start_servers(options)

    def _send(self, question: Any, *, awaited: bool) -> Any:
        """Send a request, or return what ``--dry-run`` or ``--count`` requests instead.

        Any other value, such as the result of a command, is returned unchanged.
        """
        if not isinstance(question, _Question):
            return question
        request, options = question.request, question.options
        if options.dry_run:
            http_request = preview(request, options, question.sources)
            self._bind(options.out, http_request)
            return http_request
        if options.count:
            return self._count_tokens(request, options)
        if not options.quiet:
            # Raises DisplayError for a display that this front end does not have, before the request is sent.
            self._view(Ledger(request), options, None)
        background = self._in_background(options)
        confirmer = None
        if question.tools:
            confirmer = confirmer_for(self.shell, options, awaited=awaited, background=background)
        response, stream = begin(
            request,
            options,
            ask_key=_key_prompt(self.shell),
            notices=question.notices,
            before=question.text,
            conversation=_describe_turn(question.conversation, question.key),
            sources=question.sources,
            tools=question.tools,
            tool_user=toolbox.ToolUser(confirmer, self.session.allowed_tools) if question.tools else None,
        )
        self._bind("_gemini", response)
        self._bind(options.out, response)
        run = Run(
            response,
            request,
            options,
            question.conversation,
            question.before,
            question.key,
            question.prefix,
            question.added,
            question.token,
            question.tools,
            question.rounds,
        )
        self.session.add_run(run)
        stop = threading.Event()
        has_button = background or kernel.stop_button_works(self.shell, awaited=awaited)
        view = self._view(response.ledger, options, stop.set if has_button else None)
        if question.tools:
            view = BlockedView(view, response.ledger)
        if confirmer is not None:
            confirmer.view = view
        return RunningCell(run, stream, view, stop, background)

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


def _loop_is_running() -> bool:
    """Whether an event loop runs on this thread, so that no other one can."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_now(question: Coroutine[Any, Any, _Question | None]) -> _Question | None:
    """Run a coroutine that awaits nothing."""
    try:
        question.send(None)
    except StopIteration as stopped:
        found: _Question | None = stopped.value
        return found
    raise AssertionError("the coroutine awaits something")


def _interrupted() -> Interrupted:
    return Interrupted("Interrupted while the prompt was prepared. Nothing was sent.")


@asynccontextmanager
async def _interruptible() -> AsyncIterator[None]:
    """Turn an interrupt of the block, which runs in a task of the kernel, into the error that ends the cell.

    A kernel cancels the task, but the running loop notices that only when something wakes it up.

    Raises:
        Interrupted: the task was cancelled.
    """
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def wake_up() -> None:
        timers[:] = [loop.call_later(_WAKE_UP, wake_up)]

    wake_up()
    try:
        yield
    except Interrupted:  # of a request that an expression made
        raise
    except (asyncio.CancelledError, KeyboardInterrupt):
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        raise _interrupted() from None
    finally:
        timers[0].cancel()


def _background_note(options: Options) -> str:
    """What the cell of a background request shows while the request is running."""
    message = "The request continues in the background; `%gemini stop` stops it."
    return " ".join(filter(None, (message, background_hint(options))))


def _describe_turn(conversation: Conversation, key: Any) -> str:
    """The name of a conversation and the number of the turn; empty for a single question."""
    number, later, stale = conversation.turn_number(key)
    if not conversation.name and number == 1 and not later:
        return ""
    name = f"chat {conversation.name}, " if conversation.name else ""
    total = f" of {number + later}" if later else ""
    earlier = f" ({stale} earlier stale)" if stale else ""
    return f"{name}turn {number}{total}{earlier}"


def _repeated_turn_notice(conversation: Conversation, key: Any) -> str:
    """A sentence for a question that has later turns in its conversation; otherwise empty."""
    number, later, _ = conversation.turn_number(key)
    if not later:
        return ""
    name = f" of chat {conversation.name}" if conversation.name else ""
    turns = f"turn {number + 1}" if later == 1 else f"turns {number + 1} to {number + later}"
    reset = f", or start over with `%gemini reset {conversation.name}`" if conversation.name else ""
    return (
        f"Turn {number}{name} is asked again. The conversation keeps {turns}, which become stale: "
        f"run {'its cell' if later == 1 else 'their cells'} again{reset}."
    )


def _key_prompt(shell: Any) -> Callable[[str], str] | None:
    """A function that asks the user for a key without displaying it; None in a non-interactive session."""
    if not kernel.allows_input(shell):
        return None
    return lambda prompt: getpass.getpass(prompt)  # noqa: PLW0108 - a kernel replaces getpass for each request
