"""The tools that a cell offers to the model: functions, ready-made tools, and those of MCP servers.

Servers start when a cell first names them, which may take seconds; an awaited cell waits for them without blocking its event loop.
"""

from __future__ import annotations

import ast
import asyncio
import linecache
from collections.abc import Sequence
from functools import partial
from typing import Any

from .. import tools as toolbox
from ..mcp_servers import offered_by_servers
from ..options import Options
from ..tools import Tool

__all__ = ["offered_tools", "ready_made_tools", "run_code", "start_servers"]

_FILE = "<python tool>"


def ready_made_tools(shell: Any) -> toolbox.ReadyMadeTools:
    """The ready-made tools of a shell, by name."""
    return toolbox.ReadyMadeTools(shell.user_ns, partial(run_code, shell))


def offered_tools(options: Options, shell: Any) -> Sequence[Tool]:
    """The tools of ``--tool`` and ``--mcp``.

    Raises:
        OptionError: a name is unknown, or cannot be a tool.
        UnapprovedTools: the user has not approved a tool of a server.
        McpServerError: a server cannot be started.
    """
    if not (options.tool or options.mcp):
        return ()
    given = [*options.tool, *offered_by_servers(options)]
    return toolbox.tools_from(given, shell.user_ns, ready_made=ready_made_tools(shell))


async def start_servers(options: Options) -> None:
    """Start the servers of ``--mcp`` that are needed, on another thread, while the event loop continues.

    Raises:
        GeminiMagicError: as for :func:`offered_tools`.
    """
    await asyncio.to_thread(offered_by_servers, options)


def run_code(shell: Any, code: str) -> Any:
    """Run code that the user has confirmed in the user's namespace; returns the value of its last expression, or None.

    It is Python: lines that begin with ``!`` or ``%`` are syntax errors.

    Raises:
        Exception: what the code raises.
    """
    tree = ast.parse(code, _FILE)
    linecache.cache[_FILE] = (len(code), None, code.splitlines(keepends=True), _FILE)
    namespace = shell.user_ns
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, _FILE, "exec", dont_inherit=True), namespace)  # noqa: S102 - the user has confirmed it
    if not isinstance(last, ast.Expr):
        return None
    expression = compile(ast.Expression(last.value), _FILE, "eval", dont_inherit=True)
    return eval(expression, namespace)  # noqa: S307 - as above
