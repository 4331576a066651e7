"""The objects that a command receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...options import Options
from ..arguments import MagicLine
from ..session import Session

__all__ = ["CommandContext"]


class CommandContext(NamedTuple):
    """The objects and functions that the runner of a shell gives to its commands.

    Attributes:
        session: the conversations, requests and token counts of this session.
        shell: the IPython shell.
        options: returns the options that a cell without options has, and the source of each.
        configure: sets a setting for this session; the value None restores the setting's default.
        server: returns the options of a line, which select a server, and the function that asks the user for its key.
        resume: prepares a request for the rest of the last answer; the runner sends what it returns.
        follow: prepares a request that reads the answer with an id from its server; the runner sends what it returns.
    """

    session: Session
    shell: Any
    options: Callable[[], tuple[Options, dict[str, str]]]
    configure: Callable[[str, Any], None]
    server: Callable[[MagicLine], tuple[Options, Callable[[str], str] | None]]
    resume: Callable[[MagicLine], Any]
    follow: Callable[[str, MagicLine], Any]
