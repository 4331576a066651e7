"""Prepares the requests of one shell: the line and the prompt of a cell become a request that is not sent yet.

It combines options, prompt, objects, tools and conversation, also for ``%gemini resume``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from msgspec import structs

from .. import prompts
from ..config import resolve
from ..content import FunctionDeclaration, Part, Request, Text, Turn
from ..conversation import Conversation, answer_turn
from ..errors import Interrupted, OptionError, interrupts_raise
from ..options import Options
from ..prompts import build_request
from . import kernel
from .arguments import MagicLine, help_text, is_verbatim, parse_line
from .cell_prompt import CellPrompt, PreparedComparison
from .cell_schema import expand_object, read_schema, without_schema
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
from .remote_servers import with_servers
from .row_options import PreparedRows, split_row_options
from .session import CONTINUE_PROMPT, Resumption, Session, answer_text

if TYPE_CHECKING:
    from ..tools import Tool
    from .stored_answers import StoredAnswerEntry

__all__ = ["PreparedRequest", "RequestPreparer"]

_STORED = "The stored answer is read from the server; the model is not asked again."
_WAKE_UP = 0.09  # seconds; a longer wait in `await` would delay the toolbar's interrupt
_TABLE_ROWS = re.compile(r"(?<!\S)--table[-_]rows[= ]\s*(\d+)", re.IGNORECASE)


class PreparedRequest(NamedTuple):
    """A request that is ready to be sent.

    Attributes:
        notices: messages to record as notes of the response.
        sources: the source of each option.
        tools: the functions that the request offers.
        request, options, conversation, before, key, prefix, added, token, rounds: as in ``Run``.
        text: the text of the answer before, which this request continues.
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


Prepared: TypeAlias = "PreparedRequest | PreparedComparison | PreparedRows | None"


class RequestPreparer:
    """Prepares the requests of one shell; sends none.

    Args:
        shell: the IPython shell.
        session: the conversations and requests of the session.
        configured: returns the settings of ``%config GeminiMagics`` that have a value.
    """

    def __init__(self, shell: Any, session: Session, configured: Callable[[], Mapping[str, Any]]) -> None:
        self.shell = shell
        self.session = session
        self._configured = configured

    def options(self, given: Mapping[str, Any] | None = None) -> tuple[Options, dict[str, str]]:
        """The options of a line that has these options, and the source of each."""
        return resolve(given or {}, self._configured())

    def prepare(self, line: str, body: str) -> Prepared:
        """The request of a cell that is not awaited. IPython's loop runs ``await`` in expressions if no loop is running.

        Raises:
            Interrupted: the user interrupted an expression.
        """
        shell = self.shell
        can_await = shell.autoawait and not _loop_is_running() and (awaits(line) or awaits(body))
        work = self._request_of_cell(line, body, can_await=can_await)
        try:
            found: Prepared = shell.loop_runner(work) if can_await else _run_now(work)
        except Interrupted:  # of a request that an expression made
            raise
        except KeyboardInterrupt:
            raise _interrupted() from None
        return found

    async def prepare_awaited(self, line: str, body: str) -> Prepared:
        """Do the same for a cell that is awaited.

        Raises:
            Interrupted: the user interrupted an expression or the start of a server.
        """
        if awaits(line) or awaits(body) or "--mcp" in line or self.options()[0].mcp:
            async with _interruptible():
                return await self._request_of_cell(line, body, can_await=True)
        with interrupts_raise():
            return self.prepare(line, body)

    async def _request_of_cell(self, line: str, body: str, *, can_await: bool) -> Prepared:
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
        rows = split_row_options(parsed.options)
        options, sources = self.options(parsed.options)
        if rows:
            return PreparedRows(_prompt_of(body), rows, options, sources)
        if not options.is_comparison:
            read_schema(options, names)
        if can_await and options.mcp:
            await self._start_servers(options)
        key = self.session.turn_key(kernel.cell_of(self.shell), kernel.message_of(self.shell))
        values = None if options.verbatim else await evaluated(body.removesuffix("\n"), first_line=2)
        with interrupts_raise():  # large files are read
            if options.is_comparison:
                return self._comparison(body, options, parsed.options, notices, values)._replace(key=key)
            return self._prepared(body, options, key, notices, values)._replace(sources=sources)

    def _comparison(
        self,
        body: str,
        options: Options,
        given: Mapping[str, Any],
        notices: list[str],
        values: EvaluatedExpressions | None,
    ) -> PreparedComparison:
        """The requests of a cell that compares."""
        from .comparing import prepare_comparison  # noqa: PLC0415 - not needed for most cells

        parts = self._parts(body, options, notices, values)
        tools = self._offered(options)
        notices += [notice for each in tools for notice in each.notices]
        prompt = CellPrompt(parts, notices, self.shell.user_ns, tools)
        prepared = prepare_comparison(prompt, options, given, self.options)
        if notices:
            print_lines(*notices)
        return prepared

    def _parts(
        self, body: str, options: Options, notices: list[str], values: EvaluatedExpressions | None
    ) -> Sequence[Part]:
        """The parts of the prompt; messages about them are added to ``notices``."""
        text = _prompt_of(body)
        names = self.shell.user_ns
        parts: Sequence[Part]
        if options.verbatim:
            parts = (Text(text),)
        else:
            parts, found = expand(text, names, first_line=2, table_rows=options.table_rows, values=values)
            notices += found
            if hint := single_brace_hint(text, names):
                notices.append(hint)
        if not options.attach:
            return parts
        return (*prompts.attachments_of_line(options.attach, names, notices, options.table_rows), *parts)

    def _prepared(
        self, body: str, options: Options, key: Any, notices: list[str], values: EvaluatedExpressions | None
    ) -> PreparedRequest:
        parts = self._parts(body, options, notices, values)
        conversation = self.session.conversation(options)
        if not (options.dry_run or options.count) and (repeated := _repeated_turn_notice(conversation, key)):
            notices.append(repeated)
        tools = self._offered(options)
        notices += [notice for each in tools for notice in each.notices]
        turns: tuple[Turn, ...] = conversation.before(key)
        request = build_request(parts, options, turns, [each.declaration for each in tools])
        request, about_servers = with_servers(request, options)
        notices += about_servers
        if notices:
            print_lines(*notices)
        return PreparedRequest(request, options, conversation, len(turns), key, tuple(notices), tools=tools)

    def _offered(self, options: Options) -> Sequence[Tool]:
        """The tools that a request offers to the model."""
        if not (options.tool or options.mcp):
            return ()
        from .offered_tools import offered_tools  # noqa: PLC0415 - not needed for most cells

        return offered_tools(options, self.shell)

    @staticmethod
    async def _start_servers(options: Options) -> None:
        from .offered_tools import start_servers  # noqa: PLC0415 - as above

        await start_servers(options)

    def resume(self, line: MagicLine) -> PreparedRequest:
        """A new request for the rest of the last answer, or for answer N of the journal, not sent yet."""
        if line.arguments or not self.session.runs:
            return self._resume_of_journal(line)
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
        request, added, notice = _request_for_rest(resumption, options, [each.declaration for each in tools])
        request, _ = with_servers(request, options)
        messages = [notice, self._describe_names(resumption, options)]
        if options.replay:
            messages.append(
                f"The rest is read from {options.replay}; `%gemini resume --replay ''` sends the request to the server."
            )
        show_message(*messages)
        return PreparedRequest(
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

    def _resume_of_journal(self, line: MagicLine) -> PreparedRequest:
        """A request that reads a stored answer of the journal: answer N, or the newest one."""
        from .stored_answers import find_stored_answer  # noqa: PLC0415 - see the table of late imports

        return self._read_stored(find_stored_answer(line.arguments[0] if line.arguments else None), line)

    def follow(self, interaction: str, line: MagicLine) -> PreparedRequest:
        """A request that reads the answer of an interaction from its server, and waits for its end, not sent yet."""
        from .stored_answers import started_answer  # noqa: PLC0415 - see the table of late imports

        return self._read_stored(started_answer(interaction), line)

    def _read_stored(self, found: StoredAnswerEntry, line: MagicLine) -> PreparedRequest:
        """A request that reads an answer from the server that stores it."""
        options, sources = resolve(line.options, self._configured(), previous=found.options)
        request = build_request((Text(found.question),), options, ())
        key = self.session.turn_key(kernel.cell_of(self.shell), kernel.message_of(self.shell))
        name = options.out or "_gemini"
        whole = f"{name}.whole" if found.text else name
        show_message(f"{found.title}: {_STORED} `{whole}` will contain the whole answer.")
        request = structs.replace(request, stored_id=found.id)
        return PreparedRequest(
            request, options, Conversation(), 0, key, (_STORED,), sources=sources, text=found.text
        )

    def _describe_names(self, resumption: Resumption, options: Options) -> str:
        """A sentence about which variable contains which part of the answer once the rest has arrived."""
        new = options.out or "_gemini"
        if not resumption.prefix:
            return f"`{new}{'.whole' if resumption.text else ''}` will contain the whole answer."
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


def _prompt_of(body: str) -> str:
    """The text of a cell below its line.

    Raises:
        OptionError: there is none.
    """
    text = body.removesuffix("\n")
    if not text.strip():
        raise OptionError("The cell has no prompt.", remedy="Write the prompt below the %%gemini line.")
    return text


def _loop_is_running() -> bool:
    """Whether an event loop runs on this thread, so that no other one can."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_now(work: Coroutine[Any, Any, Prepared]) -> Prepared:
    """Run a coroutine that awaits nothing."""
    try:
        work.send(None)
    except StopIteration as stopped:
        found: Prepared = stopped.value
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


def _request_for_rest(
    resumption: Resumption, options: Options, functions: Sequence[FunctionDeclaration]
) -> tuple[Request, int, str]:
    """The request for the rest of an answer, how many turns at its end only ask for the rest, and a sentence about it."""
    run = resumption.run
    *before, question = (*run.turns, *resumption.rounds)
    chars = len(resumption.text)
    answer, added = answer_turn(resumption.prefix), len(resumption.rounds)
    if resumption.stored_id is not None:
        request = build_request(question.parts, options, before, functions)
        request = structs.replace(request, stored_id=resumption.stored_id)
        notice = _STORED
    elif resumption.token is not None:
        request = build_request(question.parts, options, before, functions)
        request = structs.replace(request, continuation=resumption.token)
        if (paused := run.response.ledger.steps.stored_id) is not None:
            request = structs.replace(request, settings=structs.replace(request.settings, previous=paused))
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
    return request, added, notice
