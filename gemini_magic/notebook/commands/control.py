"""The commands that change a session: ``resume`` continues an answer, ``stop`` ends requests, ``reset`` deletes chats."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from ...response import Response
from ...row_runs import running_runs
from ...views import DisplayedRun
from ..arguments import MagicLine
from ..lookup import names_of, selected_response
from ..messages import print_lines
from .context import CommandContext

__all__ = ["reset_conversations", "resume_answer", "stop_requests"]

_QUESTION = 50  # characters of a question
_SERVER_STOPS = 2.0  # seconds to wait until a server has confirmed that it stops
_ON_SERVER = ("cancelled", "not-cancelled")  # notes about what a server answered to that


def resume_answer(context: CommandContext, line: MagicLine) -> Any:
    """Request the rest of the last answer if it is incomplete, in a new request. An answer of --server-store is read from the server instead; N reads answer N of the journal."""
    return context.resume(line)


def reset_conversations(context: CommandContext, line: MagicLine) -> None:
    """Delete all conversations; with CHAT, delete only that one."""
    print_lines(context.session.reset(line.arguments[0] if line.arguments else None))


def stop_requests(context: CommandContext, line: MagicLine) -> None:
    """Stop all running requests and runs over rows; with NAME, stop only that one."""
    named = context.shell.user_ns.get(line.arguments[0]) if line.arguments else None
    runs = [run for run in running_runs() if not line.arguments or run is named]
    for run in runs:
        run.stop()
    if isinstance(named, DisplayedRun):
        print_lines(*(_stopping(context, runs) or ["The run has ended."]))
        return
    responses = (
        [selected_response(context.session, context.shell.user_ns, line.arguments)]
        if line.arguments
        else [run.response for run in context.session.runs]
    )
    stopped = []
    for response in responses:
        if response.stream is not None and not response.stream.done:
            response.stream.cancel("stop")
            if response.ledger.cause == "stop":  # otherwise it ended at the same moment
                response.stream.wait_stopped(_SERVER_STOPS)
                message = (
                    f"Stopped {_describe(context, response)} after {response.ledger.chars:,} characters."
                )
                on_server = [note.message for note in response.notes if note.kind in _ON_SERVER]
                stopped.append(" ".join((message, *on_server)))
    print_lines(*(stopped + _stopping(context, runs) or ["No request is running."]))


def _stopping(context: CommandContext, runs: Sequence[object]) -> list[str]:
    """A line for each run over rows that was stopped."""
    return [
        f"Stopping {', '.join(names_of(run, context.shell.user_ns)) or 'the run'}: no more rows are asked, and those in flight "
        "have 10 seconds to end."
        for run in runs
    ]


def _describe(context: CommandContext, response: Response) -> str:
    """The variables that hold a response, or its question."""
    names = names_of(response, context.shell.user_ns)
    request = response.request
    question = request.turns[-1].text if request is not None and request.turns else ""
    return ", ".join(names) or f"the answer to {textwrap.shorten(question, _QUESTION, placeholder=' …')!r}"
