"""The commands about MCP servers: ``%gemini mcp …``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import OptionError
from ...mcp_servers import (
    MCP_FILES,
    ListedServer,
    added_paths,
    approval_code,
    approve_tools,
    describe_file,
    describe_tool,
    file_code,
    forget_tools,
    known_servers,
    mcp_servers,
    offered_name,
    own_file,
    remember_paths,
    tool_states,
    trust_file,
)
from ...project_files import untrust
from .. import kernel
from ..arguments import MagicLine
from ..messages import format_table, print_lines
from .context import CommandContext

__all__ = ["MCP_COMMANDS", "mcp_command"]


def mcp_command(context: CommandContext, line: MagicLine) -> Any:
    """List the MCP servers. COMMAND is `list`, `add FILE`, `trust FILE` or `trust SERVER`, which show what you would trust and ask you, `restart SERVER`, `stop SERVER`, `log SERVER`, or `remove FILE|SERVER`."""
    command, *arguments = line.arguments or ("list",)
    if command not in MCP_COMMANDS:
        raise OptionError(
            f"Unknown command: %gemini mcp {command}", remedy=f"Commands: {', '.join(MCP_COMMANDS)}."
        )
    return MCP_COMMANDS[command](context, arguments)


def _list(_: CommandContext, arguments: Sequence[str]) -> None:
    """List the servers, where they come from, and their states."""
    _check_count("list", arguments, 0)
    listed = known_servers()
    if not listed:
        print_lines(
            "There are no MCP servers.",
            f"Write them into {own_file()}, or add a file of another program: `%gemini mcp add FILE`",
        )
        return
    rows = [("server", "state", "what it is", "file")]
    rows += [
        (each.entry.name, _state(each), (each.entry.describe() or [""])[0], each.entry.path)
        for each in listed
    ]
    print_lines(*format_table(rows))


def _state(listed: ListedServer) -> str:
    if listed.blocked:
        return f"blocked: {listed.blocked}"
    servers = mcp_servers()
    state = servers.state(listed.entry)
    waiting = [each for each in servers.running_tools(listed.entry) if each.state != "approved"]
    return f"{state}, {len(waiting)} tools to approve" if waiting else state or "not started"


def _add(context: CommandContext, arguments: Sequence[str]) -> None:
    """Use the servers of a file in every folder, after you have seen them."""
    _check_count("add", arguments[:1], 1)
    _trust_file(context, "add", _path(arguments[0]), arguments[1:])


def _trust(context: CommandContext, arguments: Sequence[str]) -> None:
    """Show the servers of a file, or the tools of a server, and trust them if you agree."""
    _check_count("trust", arguments[:1], 1)
    name = arguments[0]
    if any(each.entry.name == name and not each.blocked for each in known_servers()):
        _approve(context, name, arguments[1:])
        return
    blocked = [each.entry.path for each in known_servers() if each.entry.name == name]
    _trust_file(context, "trust", Path(blocked[0]) if blocked else _path(name), arguments[1:])


def _trust_file(context: CommandContext, command: str, path: Path, codes: Sequence[str]) -> None:
    code, shown = file_code(path), describe_file(path)
    add = command == "add"
    if not add and str(path) not in added_paths() and not _is_project_file(path):
        raise OptionError(
            f"{path} is not a file of a project.", remedy=f"`%gemini mcp add {path}` uses it in every folder."
        )
    print_lines(f"{path} has these MCP servers:", *shown)
    if not _agreed(context, f"%gemini mcp {command} {shlex.quote(str(path))}", code, codes):
        return
    trust_file(path, code, add=add)
    print_lines(
        f"Trusted, as long as the file has exactly these servers. `%gemini mcp remove {path}` undoes it."
    )


def _is_project_file(path: Path) -> bool:
    return any(str(path).endswith(f"/{name}") for name in MCP_FILES)


def _approve(context: CommandContext, name: str, codes: Sequence[str]) -> None:
    servers = mcp_servers()
    entry = servers.find(name)
    tools = servers.connection(entry).tools
    states = tool_states(entry, tools)
    waiting = [each for each in states if each.state != "approved"]
    if not waiting:
        print_lines(f"You have approved all {len(states)} tools of {name} as they are.")
        return
    print_lines(
        f"The MCP server {name!r} ({entry.describe()[0]}) describes its tools to the model like this:",
        *(text for each in waiting for text in ("", *describe_tool(each))),
        "",
    )
    code = approval_code(entry, tools)
    if not _agreed(context, f"%gemini mcp trust {name}", code, codes):
        return
    approve_tools(entry, tools)
    changed = {offered_name(name, each.tool.name) for each in waiting}
    allowed = context.session.allowed_tools  # the permission for the session was for another tool
    allowed -= {each for each in allowed if each.name in changed}
    print_lines(f"Approved {len(waiting)} tools of {name}. Each call still asks you.")


def _agreed(context: CommandContext, command: str, code: str, codes: Sequence[str]) -> bool:
    """Whether the user agrees to what was shown: by its code on the line, or by an answer.

    Raises:
        OptionError: the code is another one, or the user cannot be asked.
    """
    remedy = f"To trust exactly this, run `{command} {code}`."
    if codes:
        if list(codes) == [code]:
            return True
        raise OptionError("This is not what the code on the line stands for.", remedy=remedy)
    if not kernel.allows_input(context.shell):
        raise OptionError("Nothing was trusted, because you cannot be asked here.", remedy=remedy)
    if input("Trust this? [y/N] ").strip().lower() in ("y", "yes"):
        return True
    print_lines("Nothing was trusted.")
    return False


def _restart(_: CommandContext, arguments: Sequence[str]) -> None:
    """Start a server, or stop it and start it again."""
    _check_count("restart", arguments, 1)
    servers = mcp_servers()
    entry = servers.find(arguments[0])
    servers.stop(entry.name)
    tools = servers.connection(entry).tools
    print_lines(
        f"{entry.name} is running and has {len(tools)} tools. `%gemini tools {entry.name}` lists them."
    )


def _stop(_: CommandContext, arguments: Sequence[str]) -> None:
    """Stop a server."""
    _check_count("stop", arguments, 1)
    name = arguments[0]
    if mcp_servers().stop(name):
        print_lines(f"Stopped {name}.")
        return
    _check_known(name)
    print_lines(f"{name} is not running.")


def _log(_: CommandContext, arguments: Sequence[str]) -> None:
    """Show the end of what the program of a server has written to its error output."""
    _check_count("log", arguments, 1)
    log = mcp_servers().log(arguments[0])
    if not log:
        _check_known(arguments[0])
    print_lines(log or f"{arguments[0]} has written nothing.")


def _check_known(name: str) -> None:
    """Raise an error for a name that is in no file.

    Raises:
        OptionError: there is no such server.
    """
    if all(each.entry.name != name for each in known_servers()):
        mcp_servers().find(name)


def _remove(_: CommandContext, arguments: Sequence[str]) -> None:
    """Stop trusting a file, or forget which tools of a server you have approved."""
    _check_count("remove", arguments, 1)
    path = _path(arguments[0])
    paths = added_paths()
    if str(path) in paths:
        remember_paths(each for each in paths if each != str(path))
    done = [f"{path} is no longer trusted."] if untrust(str(path)) or str(path) in paths else []
    done += [f"Forgot what you approved about {arguments[0]}."] if forget_tools(arguments[0]) else []
    if not done:
        raise OptionError(
            f"{arguments[0]!r} was not trusted.", remedy="`%gemini mcp list` lists servers and files."
        )
    print_lines(*done)


def _path(name: str) -> Path:
    return Path(name).expanduser().absolute()


def _check_count(command: str, arguments: Sequence[str], count: int) -> None:
    if len(arguments) != count:
        wanted = "one argument" if count else "no arguments"
        raise OptionError(
            f"`%gemini mcp {command}` takes {wanted}, but got {repr(' '.join(arguments)) if arguments else 'none'}.",
            remedy="`%gemini help mcp` shows the usage.",
        )


MCP_COMMANDS: dict[str, Callable[[CommandContext, Sequence[str]], Any]] = {
    "list": _list,
    "add": _add,
    "trust": _trust,
    "restart": _restart,
    "stop": _stop,
    "log": _log,
    "remove": _remove,
}
