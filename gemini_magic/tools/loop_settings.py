"""How the functions of an answer run, and how the user is asked about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..errors import OptionError
from ..ledger import Confirmation, Ledger, ToolRun
from ..options import Options
from .definition import Tool
from .permissions import Permission
from .results import Masking

__all__ = ["LoopSettings", "ToolUser", "confirms", "settings_for_loop"]


def confirms(tool: Tool, mode: str) -> bool:
    """Whether the user is asked before a tool runs.

    Args:
        tool: the tool.
        mode: ``marked``: if the tool is marked; ``all``: always; ``none``: only if the tool requires it.
    """
    return mode == "all" or tool.confirm == "always" or (mode == "marked" and bool(tool.confirm))


class LoopSettings(NamedTuple):
    """How the functions of an answer run.

    Attributes:
        tools: what is offered.
        max_rounds: the maximum number of requests for one answer.
        timeout: seconds that a function may take, unless the tool says otherwise; None for any time.
        confirms: whether the user is asked before a tool runs.
        ask: shows the question to the user, on the thread that waits, and may decide it at once; None where the user cannot
            be asked.
        allowed: the permissions of the tools that the user has allowed for the session, to which the loop adds; None for the
            answer only.
        mask: replaces known keys in what is sent.
        table_rows: rows of a table that are sent.
        recorded: returns the recorded calls of a round, so that nothing runs; None to run the functions.
    """

    tools: Sequence[Tool]
    max_rounds: int = 10
    timeout: float | None = None
    confirms: Callable[[Tool], bool] = lambda tool: confirms(tool, "marked")
    ask: Callable[[Confirmation], None] | None = None
    allowed: set[Permission] | None = None
    mask: Masking | None = None
    table_rows: int = 50
    recorded: Callable[[Ledger], Sequence[ToolRun] | None] | None = None


class ToolUser(NamedTuple):
    """How the user is asked about functions.

    Attributes:
        ask: shows the question; None where the user cannot be asked.
        allowed: the permissions of the tools that the user has allowed for the session.
    """

    ask: Callable[[Confirmation], None] | None = None
    allowed: set[Permission] | None = None


def settings_for_loop(
    options: Options,
    tools: Sequence[Tool],
    *,
    mask: Masking,
    user: ToolUser,
    recorded: Callable[[Ledger], Sequence[ToolRun] | None] | None,
) -> LoopSettings:
    """How the functions of a request run.

    Args:
        options: the options of the request.
        tools: what it offers.
        mask: replaces known keys in a text.
        user: how the user is asked.
        recorded: returns the recorded calls of a round, for a replay; None to run the functions.

    Raises:
        OptionError: a tool has to be confirmed, and the user cannot be asked.
    """
    mode = options.confirm
    asked = [tool for tool in tools if confirms(tool, mode)]
    if asked and user.ask is None and recorded is None:
        insists = any(tool.confirm == "always" for tool in asked)
        raise OptionError(
            f"{asked[0].name} runs only after you have confirmed it, and you cannot be asked here.",
            remedy="Run it in a notebook or a terminal, or leave the tool out."
            if insists
            else "Run it in a notebook or a terminal, or use --confirm none to run it without asking.",
        )
    return LoopSettings(
        tools,
        max_rounds=options.max_rounds,
        timeout=options.tool_timeout,
        confirms=lambda tool: confirms(tool, mode),
        ask=user.ask,
        allowed=user.allowed,
        mask=mask,
        table_rows=options.table_rows,
        recorded=recorded,
    )
