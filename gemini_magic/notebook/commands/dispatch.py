"""The table of ``%gemini`` commands: parses a line, checks its arguments, runs the command, and prints the help.

To add a command, write a function and add one entry to ``COMMANDS``. Help and completion read the table.
"""

from __future__ import annotations

import difflib
import re
import shlex
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

from ...errors import OptionError
from ..arguments import MagicLine, help_text, option_names, parse_line, refuse_keys
from ..messages import print_lines
from .code import put_code_into_cell
from .config import show_or_set
from .context import CommandContext
from .control import reset_conversations, resume_answer, stop_requests
from .files import files_command
from .inspect import (
    diff_answers,
    open_inspector,
    show_chunks,
    show_curl,
    show_events,
    show_last,
    show_logprobs,
    show_notes,
    show_part,
    show_sources,
    show_timeline,
    show_timing,
    show_usage,
)
from .interactions import interactions_command
from .journal import journal_command
from .mcp import mcp_command
from .status import list_models, show_state, show_traceback, show_versions
from .tools import list_tools

__all__ = ["COMMANDS", "Command", "dispatch", "split_conditions"]

_DEFAULT: Final = "state"
_SIMILAR: Final = 0.75  # a lower ratio is not a misspelling but another word
_WIDTH: Final = 79
_COLUMN: Final = 31  # where the help text of a command begins
_SEARCH: Final = re.compile(r"\s*journal\s+search(?=\s)(?!\s+(?:-h|--help)\s*$|\s+--(?:\s|$))")
_WHERE: Final = "--where"
_SEND_PROMPT: Final = "To send a prompt, start a cell with %%gemini."
_ARGUMENTS: Final = 2  # of a command; more words are probably a prompt
_COUNTS: Final = ("no arguments", "at most one argument", "at most two arguments")


class Command(NamedTuple):
    """One command of ``%gemini``.

    Attributes:
        run: carries out the command and returns what the cell displays, or None. Its docstring is the help text.
        usage: the arguments as the help shows them; empty for a command without arguments.
        limit: the largest number of arguments; None for a command that checks them itself.
        completes: what completion offers as an argument; empty where it offers nothing.
        sends: whether the command sends a request. Only such a command accepts the options of a cell.
        filters: whether the command shows a table. Only such a command accepts ``--where``.
    """

    run: Callable[[CommandContext, MagicLine], Any]
    usage: str = ""
    limit: int | None = 0
    completes: Literal[
        "", "answer", "chat", "files", "interactions", "journal", "mcp", "model", "setting", "tool", "topic"
    ] = ""
    sends: bool = False
    filters: bool = False

    @property
    def help(self) -> str:
        """What the command does, as the help shows it."""
        return (self.run.__doc__ or "").strip()


def dispatch(context: CommandContext, line: str) -> Any:
    """Run the command in a line of ``%gemini``; returns what the cell displays, or None.

    Raises:
        OptionError: an unknown command, or arguments or options that the command does not accept.
        GeminiMagicError: an error of the command itself.
    """
    if line.split()[:1] == ["help"]:  # the names of options that follow are topics, not options
        topics = tuple(line.split()[1:])
        _check_count("help", topics)
        return _show_help(context, MagicLine({}, topics))
    if line.rstrip().endswith("?"):  # `%gemini last?` asks for help, as everywhere in IPython
        topics = tuple(line.rstrip("? \t").split())
        if not topics or topics in {(name,) for name in COMMANDS}:
            return _show_help(context, MagicLine({}, topics))
    _check_name(line)
    if search := _SEARCH.match(line):  # the text to search for may begin with a dash
        line = f"{search[0]} -- {line[search.end() :]}"
    line, conditions = _checked_conditions(line)
    parsed = parse_line(line, model=False)
    if parsed.help:
        return _show_help(context, parsed)
    name, *arguments = parsed.arguments or (_DEFAULT,)
    command = COMMANDS.get(name)
    if command is None:
        raise _unknown_command(name, line)
    if parsed.options and not command.sends:
        raise OptionError(
            f"`%gemini {name}` does not accept options.",
            remedy="Write options on the %%gemini line of a cell, or use `%gemini config NAME=VALUE` to set one "
            "for this session.",
        )
    _check_count(name, arguments)
    return command.run(context, MagicLine(parsed.options, tuple(arguments), where=conditions))


def _check_name(line: str) -> None:
    """Refuse an unknown command before its arguments are parsed: they may be a prompt with an apostrophe or a dash.

    Raises:
        OptionError: the first word is not a command, or the line contains a key.
    """
    name = next(iter(line.split()), _DEFAULT)
    if name not in COMMANDS and name[0] not in "-\"'":
        refuse_keys(line)
        raise _unknown_command(name, line)


def _unknown_command(name: str, line: str) -> OptionError:
    return OptionError(f"Unknown command: %gemini {name}", remedy=_suggestion(name, line))


def _checked_conditions(line: str) -> tuple[str, tuple[str, ...]]:
    """Split the ``--where`` conditions off a line; refuse them for a command that does not filter rows."""
    words = line.split()
    command = COMMANDS.get(words[0]) if words else None
    if command is not None and command.filters:
        return split_conditions(line)
    if any(word.partition("=")[0] == _WHERE for word in words[1:]):
        *others, last = (name for name, each in COMMANDS.items() if each.filters)
        raise OptionError(
            f"`%gemini {words[0]}` does not accept --where.",
            remedy=f"Only {', '.join(others)} and {last} accept it.",
        )
    return line, ()


def split_conditions(line: str) -> tuple[str, tuple[str, ...]]:
    """Return a line without its ``--where`` options, and their conditions.

    Each ``--where`` takes one word; a condition with spaces is quoted.

    Raises:
        OptionError: a ``--where`` without a condition, or an unclosed quotation mark.
    """
    try:
        words = iter(shlex.split(line))
    except ValueError:
        raise OptionError(
            "A quotation mark on the line is not closed.", remedy="Write --where 't > 1.5'."
        ) from None
    remaining: list[str] = []
    conditions: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if name != _WHERE:
            remaining.append(word)
            continue
        condition = value if equals else next(words, None)
        if not condition:
            raise OptionError(
                "--where requires a condition.", remedy="Write --where kind=text, or --where 't > 1.5'."
            )
        conditions.append(condition)
    return shlex.join(remaining), tuple(conditions)


def _check_count(name: str, arguments: Sequence[str]) -> None:
    limit = COMMANDS[name].limit
    if limit is not None and len(arguments) > limit:
        hint = f" {_SEND_PROMPT}" if len(arguments) > 1 else ""
        raise OptionError(
            f"`%gemini {name}` accepts {_COUNTS[limit]}, but got {' '.join(arguments)!r}.",
            remedy=f"Usage: `%gemini {_usage(name)}`.{hint}",
        )


def _suggestion(name: str, line: str) -> str:
    similar = _most_similar(name.lower(), COMMANDS)
    words = len(line.split())
    if similar:
        hint = f" {_SEND_PROMPT}" if words > _ARGUMENTS + 1 else ""
        return f"Did you mean `%gemini {similar}`?{hint}"
    sentences = [_SEND_PROMPT, "`%gemini help` lists the commands."]
    return " ".join(sentences if words > 1 else reversed(sentences))


def _most_similar(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=_SIMILAR)), None)


def _usage(name: str) -> str:
    usage = COMMANDS[name].usage
    return f"{name} [{usage}]" if usage else name


def _show_help(_: CommandContext, line: MagicLine) -> None:
    """List the commands; with TOPIC, explain one command or one option; `%gemini help options` lists the options."""
    if not line.arguments:
        commands = [
            textwrap.fill(
                command.help,
                _WIDTH,
                initial_indent=f"%gemini {_usage(name)}".ljust(_COLUMN),
                subsequent_indent=" " * _COLUMN,
            )
            for name, command in COMMANDS.items()
        ]
        print_lines("Commands", *commands, "", "`%%gemini -h` lists the options of a %%gemini cell.")
        return
    topic = line.arguments[0]
    if topic in COMMANDS:
        print_lines(f"%gemini {_usage(topic)}: {COMMANDS[topic].help}")
    elif topic in ("options", "%%gemini"):
        print_lines(help_text())
    elif option := _option(topic):
        print_lines(f"{option}: {option_names()[option]}")
    else:
        similar = _most_similar(topic, [*COMMANDS, *option_names()])
        raise OptionError(
            f"There is no help for {topic!r}.",
            remedy=f"Did you mean `%gemini help {similar}`?"
            if similar
            else "`%gemini help` lists the commands.",
        )


def _option(topic: str) -> str | None:
    """The option that a topic names, with or without its dashes."""
    bare = topic.replace("_", "-")
    return next((name for name in (topic, f"--{bare}", f"-{bare}") if name in option_names()), None)


COMMANDS: dict[str, Command] = {
    "state": Command(show_state),
    "help": Command(_show_help, "TOPIC", 1, "topic"),
    "last": Command(show_last, "N", 1),
    "show": Command(show_part, "N|picture N", None),
    "journal": Command(journal_command, "COMMAND", None, "journal"),
    "code": Command(put_code_into_cell, "N|NAME", 2, "answer"),
    "resume": Command(resume_answer, "N options", 1, sends=True),
    "stop": Command(stop_requests, "NAME", 1, "answer"),
    "events": Command(show_events, "NAME", 1, "answer", filters=True),
    "chunks": Command(show_chunks, "NAME", 1, "answer", filters=True),
    "usage": Command(show_usage, "NAME", 1, "answer", filters=True),
    "notes": Command(show_notes, "NAME", 1, "answer", filters=True),
    "sources": Command(show_sources, "NAME", 1, "answer", filters=True),
    "logprobs": Command(show_logprobs, "NAME", 1, "answer", filters=True),
    "timing": Command(show_timing, "NAME", 1, "answer"),
    "timeline": Command(show_timeline, "NAME", 1, "answer"),
    "inspect": Command(open_inspector, "NAME", 1, "answer"),
    "curl": Command(show_curl, "NAME", 1, "answer"),
    "diff": Command(diff_answers, "NAME [OTHER]", 2, "answer"),
    "models": Command(list_models, "PART", 1, "model", sends=True),
    "files": Command(files_command, "COMMAND", None, "files", sends=True),
    "interactions": Command(interactions_command, "COMMAND", None, "interactions", sends=True),
    "tools": Command(list_tools, "NAME", 1, "tool"),
    "mcp": Command(mcp_command, "COMMAND", None, "mcp"),
    "config": Command(show_or_set, "NAME[=VALUE]", None, "setting"),
    "reset": Command(reset_conversations, "CHAT", 1, "chat"),
    "traceback": Command(show_traceback),
    "version": Command(show_versions),
}
