"""The command ``%gemini tools``: everything that a cell can offer to the model."""

from __future__ import annotations

import json
from typing import Any

from ... import tools as toolbox
from ...errors import GeminiMagicError, OptionError
from ...mcp_servers import ToolState, describe_tool, known_servers, mcp_servers, tool_states
from ...text import reveal_all, shortened
from ...tools import Tool
from ..arguments import MagicLine
from ..messages import format_table, print_lines
from ..offered_tools import ready_made_tools
from .context import CommandContext

__all__ = ["list_tools"]

_LONGEST = 70  # characters of a description in the list


def list_tools(context: CommandContext, line: MagicLine) -> None:
    """List what a cell can offer to the model: functions with `@gemini_magic.tool`, ready-made tools, MCP servers. With NAME, show what the model reads about a function, or the tools of a server, which is started."""
    if line.arguments:
        _show(context, line.arguments[0])
        return
    rows: list[tuple[str, ...]] = [("tool", "kind", "state", "description")]
    rows += _function_rows(context)
    rows += [
        (name, "ready-made", "hidden by your variable" if _hides(context, name) else "", text)
        for name, text in toolbox.READY_MADE.items()
    ]
    for listed in known_servers():
        entry, servers = listed.entry, mcp_servers()
        state = f"blocked: {listed.blocked}" if listed.blocked else servers.state(entry) or "not started"
        rows.append(
            (
                f"{entry.name}:" if entry.name else entry.path,
                "MCP server",
                state,
                (entry.describe() or [""])[0],
            )
        )
        rows += [_server_row(entry.name, each) for each in servers.running_tools(entry)]
    print_lines(
        *format_table(rows),
        "",
        "A cell offers functions and ready-made tools by -T NAME, and the tools of an MCP server by --mcp NAME.",
    )


def _function_rows(context: CommandContext) -> list[tuple[str, ...]]:
    """A row for each function of the user with the decorator, and for each tool in a variable."""
    rows: list[tuple[str, ...]] = []
    for name, value in context.shell.user_ns.items():
        if name[:1] == "_" or not (issubclass(type(value), Tool) or toolbox.is_marked(value)):
            continue
        try:
            (made,) = toolbox.tools_from(value)
        except GeminiMagicError as error:
            rows.append((name, "function", "cannot be offered", _first_line(error.message)))
        else:
            state = "confirmed" if made.confirm else ""
            rows.append((name, made.source, state, _first_line(made.description)))
    return rows


def _hides(context: CommandContext, name: str) -> bool:
    """Whether a variable of the user takes precedence over a ready-made tool."""
    namespace = context.shell.user_ns
    return name in namespace and toolbox.can_be_tool(namespace[name])


def _server_row(server: str, state: ToolState) -> tuple[str, ...]:
    label = "" if state.state == "approved" else f"{state.state}, not approved"
    return (
        f"  {server}:{reveal_all(state.tool.name)}",
        "MCP tool",
        label,
        _first_line(reveal_all(state.tool.description)),
    )


def _first_line(text: str) -> str:
    line = next(iter(text.strip().splitlines()), "")
    return shortened(line, _LONGEST)


def _show(context: CommandContext, name: str) -> None:
    listed = [each for each in known_servers() if each.entry.name == name]
    if listed and name not in context.shell.user_ns:
        servers = mcp_servers()
        entry = servers.find(name)
        states = tool_states(entry, servers.connection(entry).tools)
        print_lines(*(text for each in states for text in (*describe_tool(each), "")))
        return
    try:
        made = toolbox.tools_from(name, context.shell.user_ns, ready_made=ready_made_tools(context.shell))
    except OptionError as error:
        raise OptionError(error.message, remedy=f"{error.remedy} `%gemini tools` lists the tools.") from None
    print_lines(*(text for each in made for text in _describe(each)))


def _describe(tool: Tool) -> list[str]:
    declared: dict[str, Any] = tool.written or tool.parameters or {}
    schema = json.dumps(declared, indent=2, ensure_ascii=False)
    return [f"{tool.name}: {tool.description}", schema if declared else "It has no parameters."]
