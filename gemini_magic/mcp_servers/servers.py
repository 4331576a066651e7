"""The running MCP servers of this process, and their tools as the model sees them."""

from __future__ import annotations

import asyncio
import atexit
import difflib
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from msgspec import structs

from ..errors import OptionError, SchemaError, UsageProblem
from ..options import Options
from ..schema import rewrite_for_gemini
from ..tools import Tool
from .background import BackgroundLoop, wait_awaited
from .connection import CLOSE_LIMIT, START_LIMIT, McpConnection, McpServerError, ServerTool, ToolFailed
from .entries import ServerEntry, expand_entry
from .pins import ToolState, approved_tools, tool_states
from .results import plain_result
from .server_files import known_servers, own_file

__all__ = [
    "McpServers",
    "UnapprovedTools",
    "mcp_servers",
    "offered_by_servers",
    "offered_name",
]

_CALL_LIMIT = 60.0  # seconds, unless the request has a limit
_LONGEST = 128  # characters of a tool's name
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_EXIT_LIMIT = 3.0  # seconds
_MAX_SCHEMA = 100_000  # characters
_STATES = {
    "new": ("is new", "are new"),
    "changed": ("has changed", "have changed"),
}  # of one tool, of several


class UnapprovedTools(UsageProblem):
    """Tools of an MCP server are new or have changed, and the user has not approved them. Nothing was sent."""


def offered_name(server: str, tool: str, longest: int = _LONGEST) -> str:
    """The name under which a model sees a tool: ``server__tool``, of letters, digits, ``_`` and ``-``.

    A name that is too long is cut, and ends with digits of a hash of the whole name.

    Args:
        server: the name of the server.
        tool: the name of the tool.
        longest: the most characters that the backend accepts.
    """
    name = _OTHER.sub("_", f"{server}__{tool}")
    if not (name[0].isalpha() or name[0] == "_"):
        name = f"_{name}"
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9]}_{sha256(f'{server}__{tool}'.encode()).hexdigest()[:8]}"


def offered_by_servers(options: Options) -> list[Tool]:
    """The tools of ``--mcp``; see :meth:`McpServers.tools`, also for the errors.

    No server is started for it where nothing is sent, or where a recording answers.
    """
    if not options.mcp:
        return []
    replays = options.replay is not None and not options.run_tools
    return _servers.tools(
        options.mcp,
        start=not (options.dry_run or options.count or replays),
        timeout=_CALL_LIMIT if options.tool_timeout is None else None,
    )


class McpServers:
    """The running servers of this process. All methods may be called from any thread.

    Args:
        limit: seconds in which a server must have started.
    """

    def __init__(self, limit: float = START_LIMIT) -> None:
        self._limit = limit
        self._loop = BackgroundLoop()
        self._lock = threading.Lock()
        self._registered = False  # to be closed at exit
        self._starting: dict[str, threading.Lock] = {}
        self._running: dict[
            str, tuple[str, McpConnection]
        ] = {}  # by name: the digest of the entry, and the connection

    # -- servers

    def find(self, name: str) -> ServerEntry:
        """The entry of a server that may be used.

        Raises:
            OptionError: there is none, or it may not be used; nothing was started.
        """
        listed = known_servers()
        named = [each for each in listed if each.entry.name == name]
        for each in named:
            if not each.blocked:
                return each.entry
        if named:
            entry = named[0].entry
            remedy = f"Fix the entry in {entry.path}."
            if "not trusted" in named[0].blocked:
                remedy = f"`%gemini mcp trust {entry.path}` shows its servers and asks you."
            raise OptionError(
                f"The MCP server {name!r} in {entry.path} cannot be used: {named[0].blocked.rstrip('.')}.",
                remedy=remedy,
            )
        close = difflib.get_close_matches(name, [each.entry.name for each in listed], n=1)
        remedy = f"Did you mean {close[0]}?" if close else f"Write its entry into {own_file()}."
        raise OptionError(
            f"There is no MCP server {name!r}.", remedy=f"{remedy} `%gemini mcp list` lists them."
        )

    def state(self, entry: ServerEntry) -> str:
        """``running``, ``ended``, or empty for a server that was not started."""
        digest, connection = self._running.get(entry.name, ("", None))
        if connection is None or digest != entry.digest:
            return ""
        return "running" if connection.running else "ended"

    def connection(self, entry: ServerEntry) -> McpConnection:
        """The connection to a server; starts the server if it does not run.

        Raises:
            OptionError: a variable is not set, or the package ``mcp`` is not installed.
            McpServerError: the server cannot be started or reached.
        """
        with self._lock:
            starting = self._starting.setdefault(entry.name, threading.Lock())
        with starting:
            digest, connection = self._running.get(entry.name, ("", None))
            if connection is not None and connection.running and digest == entry.digest:
                return connection
            if connection is not None:
                connection.close(limit=0)
            launch = expand_entry(entry)
            if not self._registered:
                self._registered = True
                atexit.register(self.close, _EXIT_LIMIT)
            connection = McpConnection(launch, self._loop, self._limit)
            connection.start()
            self._running[entry.name] = entry.digest, connection
            return connection

    def running_tools(self, entry: ServerEntry) -> list[ToolState]:
        """The tools of a running server; empty for another."""
        if self.state(entry) != "running":
            return []
        return tool_states(entry, self._running[entry.name][1].tools)

    def log(self, name: str) -> str:
        """The end of the error output of a server's program; empty for one that was not started."""
        _, connection = self._running.get(name, ("", None))
        return "" if connection is None else connection.stderr

    def stop(self, name: str) -> bool:
        """Stop a server; returns whether it ran."""
        _, connection = self._running.pop(name, ("", None))
        if connection is None:
            return False
        ran = connection.running
        connection.close()
        return ran

    def close(self, limit: float = CLOSE_LIMIT) -> None:
        """Stop all servers, at the same time.

        Args:
            limit: seconds to wait at most.
        """
        connections = [connection for _, connection in self._running.values()]
        self._running.clear()
        for connection in connections:
            connection.close(limit=0)
        deadline = time.monotonic() + limit
        for connection in connections:
            connection.close(limit=max(0.0, deadline - time.monotonic()))

    # -- tools

    def tools(
        self,
        wanted: Sequence[str],
        *,
        longest: int = _LONGEST,
        start: bool = True,
        timeout: float | None = _CALL_LIMIT,
    ) -> list[Tool]:
        """The tools of servers, as ``--mcp`` names them; starts the servers.

        Args:
            wanted: ``NAME`` for all tools of a server, ``NAME:TOOL,TOOL`` for some.
            longest: the most characters of a tool's name that the backend accepts.
            start: whether servers are started. Without it, the tools of a server that does not run are those that the user
                has approved; its first call starts it.
            timeout: seconds that a call may take; None for the limit of the request.

        Raises:
            OptionError: a name is unknown, or the server may not be used.
            UnapprovedTools: a tool is new or has changed.
            McpServerError: a server cannot be started or reached.
        """
        found: dict[str, Tool] = {}
        offered: set[tuple[str, str]] = set()
        for text in wanted:
            for tool, made in self._tools_of(text, start=start, longest=longest, timeout=timeout):
                if (made.source, tool.name) in offered:
                    continue
                offered.add((made.source, tool.name))
                if made.name in found:
                    raise OptionError(
                        f"Two tools of MCP servers have the name {made.name}.",
                        remedy="Name the tools that you need: --mcp NAME:TOOL,TOOL.",
                    )
                found[made.name] = made
        return list(found.values())

    def _chosen(self, entry: ServerEntry, only: Sequence[str], *, start: bool) -> list[ServerTool]:
        starts = start or self.state(entry) == "running" or not (known := approved_tools(entry))
        states = tool_states(entry, self.connection(entry).tools if starts else known)
        names = [each.tool.name for each in states]
        for name in only:
            if name not in names:
                close = difflib.get_close_matches(name, names, n=1)
                raise OptionError(
                    f"The MCP server {entry.name!r} has no tool {name!r}.",
                    remedy=f"Did you mean {close[0]}?"
                    if close
                    else f"`%gemini tools {entry.name}` lists them.",
                )
        chosen = [each for each in states if not only or each.tool.name in only]
        waiting = [each for each in chosen if each.state != "approved"]
        if waiting:
            kinds = {each.state for each in waiting}
            what = "are new or have changed" if len(kinds) > 1 else _STATES[kinds.pop()][len(waiting) > 1]
            which = "A tool" if len(waiting) == 1 else f"{len(waiting)} tools"
            raise UnapprovedTools(
                f"{which} of the MCP server {entry.name!r} {what}.",
                remedy=f"`%gemini mcp trust {entry.name}` shows what the model would read, and asks you.",
            )
        return [each.tool for each in chosen]

    def _tools_of(
        self, text: str, *, start: bool, longest: int, timeout: float | None
    ) -> list[tuple[ServerTool, Tool]]:
        """The tools in one value of ``--mcp``, without those that cannot be declared; a notice names them."""
        name, _, listed = text.partition(":")
        entry = self.find(name.strip())
        only = [each.strip() for each in listed.split(",") if each.strip()]
        made: list[tuple[ServerTool, Tool]] = []
        left_out: list[str] = []
        for tool in self._chosen(entry, only, start=start):
            if reason := _why_not(tool):
                if only:
                    raise OptionError(
                        f"The tool {tool.name!r} of the MCP server {entry.name!r} cannot be offered: {reason}",
                        remedy=f"Leave it out of --mcp {entry.name}:….",
                    )
                left_out.append(
                    f"The tool {tool.name!r} of the MCP server {entry.name!r} is not offered: {reason}"
                )
            else:
                made.append((tool, self._tool(entry, tool, longest, timeout)))
        if left_out and made:
            made[0] = made[0][0], structs.replace(made[0][1], notices=tuple(left_out))
        return made

    def _tool(self, entry: ServerEntry, tool: ServerTool, longest: int, timeout: float | None) -> Tool:
        return Tool(
            name=offered_name(entry.name, tool.name, longest),
            description=tool.description,
            parameters=tool.schema,
            function=self._caller(entry, tool),
            source=f"mcp:{entry.name}",
            is_async=True,
            confirm=True,
            thread=True,
            timeout=timeout,
        )

    def _caller(self, entry: ServerEntry, tool: ServerTool) -> Callable[..., Any]:
        """The function that calls a tool, with its arguments by name."""

        async def call(**arguments: Any) -> Any:
            try:
                connection = self._ready(entry)
                if connection is None:
                    connection = await asyncio.to_thread(self._restarted, entry, tool)
                result = await wait_awaited(connection.begin(tool.name, arguments))
            except McpServerError as error:
                if error.stderr:  # the trace of this call captures it; the model does not get it
                    sys.stderr.write(f"{error.stderr}\n")
                raise ToolFailed(error.message) from None
            return plain_result(result, connection.launch.keys)

        call.__name__ = call.__qualname__ = tool.name
        return call

    def _ready(self, entry: ServerEntry) -> McpConnection | None:
        digest, connection = self._running.get(entry.name, ("", None))
        return (
            connection if connection is not None and connection.running and digest == entry.digest else None
        )

    def _restarted(self, entry: ServerEntry, tool: ServerTool) -> McpConnection:
        """A new connection to a server that has ended, if its tool is as it was.

        Raises:
            ToolFailed: the tool has changed.
        """
        connection = self.connection(entry)
        if tool not in connection.tools:
            raise ToolFailed(
                f"The MCP server {entry.name!r} was started again, and its tool {tool.name!r} is no longer the same."
            )
        with suppress(OSError, ValueError):
            sys.stderr.write(f"The MCP server {entry.name!r} had ended and was started again.\n")
        return connection


def _why_not(tool: ServerTool) -> str:
    """Why a tool cannot be declared, as a sentence; empty if it can."""
    try:
        if len(json.dumps(tool.schema)) > _MAX_SCHEMA:
            return f"the schema of its arguments is longer than {_MAX_SCHEMA:,} characters."
        rewrite_for_gemini(tool.schema)
    except SchemaError as error:
        return error.message
    except RecursionError:
        return "the schema of its arguments is nested too deeply."
    return ""


_servers = McpServers()


def mcp_servers() -> McpServers:
    """The servers of this process."""
    return _servers
