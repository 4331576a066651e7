"""The commands about interactions that a server stores: ``%gemini interactions …``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ...backends import RemoteInteraction
from ...client import StartedInteraction
from ...errors import OptionError
from ...interactions import InteractionServer, interaction_rows, known_states, options_for, readable_state
from ...journaling import started_interactions
from ..arguments import MagicLine
from ..messages import print_lines
from .context import CommandContext

__all__ = ["INTERACTION_COMMANDS", "interactions_command"]

_NONE: Final = (
    "No interaction was started from this computer.",
    "Answers of agents, and those with --server-store or --server-background, are stored by the server and listed here.",
)
_LAST: Final = "last"


def interactions_command(context: CommandContext, line: MagicLine) -> Any:
    """List the answers that a server stores and that were started here, such as those of agents. COMMAND is `list`, `show ID`, `follow ID`, which waits for the end, `cancel ID` or `delete ID`; `last` stands for the newest ID."""
    command, *arguments = line.arguments or ("list",)
    if command not in INTERACTION_COMMANDS:
        raise OptionError(
            f"Unknown command: %gemini interactions {command}",
            remedy=f"Commands: {', '.join(INTERACTION_COMMANDS)}.",
        )
    if len(arguments) != (command != "list"):
        raise _wrong_count(command, arguments)
    interaction = _checked_id(arguments[0]) if arguments else ""
    return INTERACTION_COMMANDS[command](context, line, interaction)


def _wrong_count(command: str, arguments: list[str]) -> OptionError:
    wanted = "no further arguments" if command == "list" else "the id of one interaction"
    got = f", but got {' '.join(arguments)!r}" if arguments else ""
    verb = "accepts" if command == "list" else "requires"
    return OptionError(
        f"`%gemini interactions {command}` {verb} {wanted}{got}.",
        remedy="`%gemini interactions list` shows the ids; `%gemini help interactions` shows the usage.",
    )


def _checked_id(text: str) -> str:
    """The id of an interaction; ``last`` stands for the newest one that was started here.

    Raises:
        OptionError: no interaction was started here.
    """
    if text != _LAST:
        return text
    found = started_interactions().all()
    if not found:
        raise OptionError(_NONE[0], remedy="Use the id of an interaction.")
    return found[0].id


def _server(context: CommandContext, line: MagicLine, interaction: str) -> InteractionServer:
    """The server of an interaction, with the options of the line in front of those with which it was started."""
    given = MagicLine(options_for(interaction, line.options), ())
    return InteractionServer(*context.server(given))


def _list(context: CommandContext, line: MagicLine, _: str) -> Any:
    """List the interactions that were started here, with their states."""
    started = started_interactions().all()
    if not started:
        print_lines(*_NONE)
        return None

    def ask(each: StartedInteraction) -> RemoteInteraction:
        options, _ = context.server(MagicLine(options_for(each.id, line.options), ()))
        return InteractionServer(options).state(each.id)  # without asking the user for a key

    return interaction_rows(started, known_states(started, ask))


def _show(context: CommandContext, line: MagicLine, interaction: str) -> Any:
    """Show the answer of an interaction, as far as the server has it."""
    return _server(context, line, interaction).response(interaction)


def _follow(context: CommandContext, line: MagicLine, interaction: str) -> Any:
    """Show the answer of an interaction while the server makes it, until its end."""
    return context.follow(interaction, line)


def _cancel(context: CommandContext, line: MagicLine, interaction: str) -> None:
    """Stop an interaction that runs in the background."""
    found = _server(context, line, interaction).cancel(interaction)
    if found.running:
        print_lines(
            f"The server was asked to stop {interaction}; it is still {readable_state(found.status)}.",
            f"`%gemini interactions show {interaction}` shows its state.",
        )
    else:
        print_lines(f"{interaction} is {readable_state(found.status)}.")


def _delete(context: CommandContext, line: MagicLine, interaction: str) -> None:
    """Delete an interaction from the server."""
    _server(context, line, interaction).delete(interaction)
    print_lines(f"Deleted {interaction}.")


INTERACTION_COMMANDS: Final[dict[str, Callable[[CommandContext, MagicLine, str], Any]]] = {
    "list": _list,
    "show": _show,
    "follow": _follow,
    "cancel": _cancel,
    "delete": _delete,
}
