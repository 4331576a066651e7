"""The objects that a command receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ...options import Options
from ..arguments import MagicLine
from ..session import Session

if TYPE_CHECKING:
    from ...catalog import Model

__all__ = ["CommandContext"]


class CommandContext(NamedTuple):
    """The objects and functions that the runner of a shell gives to its commands.

    Attributes:
        session: the conversations, requests and token counts of this session.
        shell: the IPython shell.
        options: returns the options that a cell without options has, and the source of each.
        configure: sets a setting for this session; the value None restores the setting's default.
        models: lists the models of the server that a line's options select.
        resume: prepares a request for the rest of the last answer; the runner sends what it returns.
    """

    session: Session
    shell: Any
    options: Callable[[], tuple[Options, dict[str, str]]]
    configure: Callable[[str, Any], None]
    models: Callable[[MagicLine], list[Model]]
    resume: Callable[[MagicLine], Any]
