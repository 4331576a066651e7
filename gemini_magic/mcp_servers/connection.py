"""One connection to an MCP server: starts the program or calls the address, lists the tools, and calls them.

The official package ``mcp`` is imported here only, on the thread of the background loop: that takes up to a second.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, Self

from ..errors import GeminiMagicError, OptionError
from ..text import one_line, visible
from .background import BackgroundLoop, wait_blocking
from .entries import Launch, shown_address

__all__ = ["McpConnection", "McpServerError", "ServerTool", "ToolFailed", "mask"]

START_LIMIT = 30.0  # seconds; a program may have to be downloaded first
CLOSE_LIMIT = 6.0  # seconds; the package waits twice two seconds before it kills a program
_STDERR = 20_000  # bytes of a program's error output that are kept
_SHOWN = 1500  # characters of it in an error message
_LAST_WORDS = 0.5  # seconds in which the rest of the error output is read
_PAGES = 100
_TOOLS = 1000


class McpServerError(GeminiMagicError):
    """An MCP server cannot be started or reached, or has ended.

    Attributes:
        stderr: the end of the error output of the server's program; empty without any.
    """

    stderr: str = ""


class ToolFailed(GeminiMagicError):  # noqa: N818 - the server reports a failure, which goes to the model
    """An MCP server could not carry out a call; the message is for the model."""


class ServerTool(NamedTuple):
    """A tool as its server declares it. Its annotations are not read: a server may write anything there.

    Attributes:
        name, description: as the server sent them.
        schema: the JSON Schema of the arguments.
    """

    name: str
    description: str
    schema: dict[str, Any]


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """The text with ``***`` instead of each secret."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


class McpConnection:
    """A connection to a server. It lasts until it is closed or the server ends; then a new object is needed.

    Args:
        launch: what to start or to call.
        loop: the loop on which the client runs.
        limit: seconds in which the server must have listed its tools.
    """

    def __init__(self, launch: Launch, loop: BackgroundLoop, limit: float = START_LIMIT) -> None:
        self.launch = launch
        self.tools: list[ServerTool] = []
        self.instructions = ""
        self._limit = limit
        self._loop = loop
        self._client: Any = None
        self._stopping: asyncio.Event | None = None
        self._ended = threading.Event()
        self._stderr: deque[bytes] = deque()
        self._stderr_ended: threading.Event | None = None
        self._task: Future[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the server can be called."""
        return self._client is not None and not self._ended.is_set()

    @property
    def stderr(self) -> str:
        """The end of what the program has written to its error output, without secrets and control characters."""
        text = b"".join(self._stderr).decode("utf-8", "replace")
        return visible(mask(text, self.launch.secrets))[-_STDERR:]

    def start(self) -> None:
        """Connect and list the tools; waits for both.

        Raises:
            OptionError: the package ``mcp`` is not installed.
            McpServerError: the server cannot be started or reached, or does not answer in time.
            KeyboardInterrupt: the user interrupted the wait; the server is stopped.
        """
        ready: Future[None] = Future()
        self._task = self._loop.submit(self._run(ready))
        try:
            wait_blocking(ready, self._limit)
        except TimeoutError:
            self.close()
            raise self._error(f"did not answer within {self._limit:g} seconds") from None
        except ImportError:
            raise OptionError(
                "MCP servers need the package mcp, version 2.",
                remedy='Install it: pip install "gemini-magic[mcp]"',
            ) from None
        except BaseException:
            self.close(limit=0)
            raise

    def begin(self, tool: str, arguments: Mapping[str, Any]) -> Future[Any]:
        """Start a call, and return the future of its ``CallToolResult``. Cancelling the future cancels the call at the server."""
        return self._loop.submit(self._call(tool, dict(arguments)))

    def close(self, *, limit: float = CLOSE_LIMIT) -> None:
        """Stop the server, and wait for its end.

        Args:
            limit: seconds to wait at most.
        """
        task, stopping = self._task, self._stopping
        self._ended.set()
        if task is None:
            return
        if stopping is None or self._client is None:
            task.cancel()
        else:
            self._loop.submit(_set(stopping))
        with suppress(BaseException):  # it has ended, whatever its last words are
            task.result(limit)

    # -- on the thread of the loop

    async def _run(self, ready: Future[None]) -> None:
        """The one task that enters and leaves the client."""
        self._stopping = asyncio.Event()
        try:
            async with self._connected() as client:
                self.tools = await _listed(client)
                self.instructions = client.instructions or ""
                # The client checks structured results with it. To import it takes up to a second, so that happens while the
                # user waits for the start anyway.
                await asyncio.to_thread(__import__, "jsonschema")
                self._client = client
                _resolve(ready)
                await self._stopping.wait()
        except asyncio.CancelledError:
            _resolve(ready, self._error("was stopped"))
            raise
        except ImportError as problem:
            _resolve(ready, problem)
        except BaseException as problem:  # noqa: BLE001 - an ExceptionGroup, or anything a library raises
            await self._wait_for_stderr()
            _resolve(ready, self._explained(problem))
        finally:
            self._ended.set()
            self._client = None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        mcp = await asyncio.to_thread(__import__, "mcp")
        _quieten()
        if not hasattr(mcp, "Client"):
            raise ImportError
        transport = self._program() if self.launch.command else self._address()
        async with mcp.Client(_watched(transport, self._ended), cache=None) as client:
            yield client

    @asynccontextmanager
    async def _program(self) -> AsyncIterator[tuple[Any, Any]]:
        from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415 - heavy and optional

        launch = self.launch
        parameters = StdioServerParameters(
            command=launch.command,
            args=list(launch.args),
            env=dict(launch.env),
            cwd=launch.cwd or None,
            encoding_error_handler="replace",
        )
        reading, writing = os.pipe()
        self._stderr_ended = threading.Event()
        threading.Thread(target=self._keep_stderr, args=(reading, self._stderr_ended), daemon=True).start()
        log = os.fdopen(writing, "w", encoding="utf-8")
        try:
            async with stdio_client(parameters, errlog=log) as streams:
                log.close()  # the program has its own end of the pipe
                yield streams
        finally:
            log.close()

    async def _wait_for_stderr(self) -> None:
        """Wait until the error output of a program that has ended is read, which another thread does."""
        if self._stderr_ended is not None:
            await asyncio.to_thread(self._stderr_ended.wait, _LAST_WORDS)

    def _keep_stderr(self, pipe: int, ended: threading.Event) -> None:
        """Read the error output until its end; keep the last part."""
        kept, most = 0, 2 * _STDERR  # twice as much, so that a secret at the cut is masked before it is cut
        with suppress(OSError), open(pipe, "rb", buffering=0) as stream:
            while piece := stream.read(65536):
                self._stderr.append(piece[-most:])
                kept += len(self._stderr[-1])
                while kept - len(self._stderr[0]) >= most:
                    kept -= len(self._stderr.popleft())
        ended.set()

    @asynccontextmanager
    async def _address(self) -> AsyncIterator[tuple[Any, Any]]:
        from httpx2 import AsyncClient, Timeout  # noqa: PLC0415 - heavy and optional
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - as above

        async with (
            AsyncClient(headers=dict(self.launch.headers), timeout=Timeout(30, read=300)) as http,
            streamable_http_client(self.launch.url, http_client=http) as streams,
        ):
            yield streams

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Any:
        client = self._client
        if client is None or self._ended.is_set():
            raise self._error("has ended", starting=False)
        try:
            return await client.call_tool(tool, arguments)
        except asyncio.CancelledError:
            raise
        except BaseException as problem:  # noqa: BLE001 - anything a library raises
            if self._has_ended(problem):
                self._ended.set()
                await self._wait_for_stderr()
            raise self._failed(problem) from None

    # -- explanations

    def _has_ended(self, problem: BaseException) -> bool:
        """Whether the error of a call means that the server cannot be called any more."""
        leaf = _leaf(problem)
        closed = type(leaf).__name__ == "MCPError" and getattr(leaf, "code", 0) == _connection_closed()
        return closed or isinstance(leaf, OSError) or _is_transport_error(leaf)

    def _failed(self, problem: BaseException) -> GeminiMagicError:
        """The error of a call: the server's own words, or the end of the server."""
        if self._has_ended(problem):
            return self._error(
                "ended during the call, so it is not known whether the call was carried out", starting=False
            )
        return ToolFailed(one_line(mask(f"{_leaf(problem)}", self.launch.secrets))[:_SHOWN])

    def _explained(self, problem: BaseException) -> McpServerError:
        """Why a server could not be started or reached."""
        launch, leaf = self.launch, _leaf(problem)
        if launch.command and isinstance(leaf, FileNotFoundError):
            if launch.cwd and not os.path.isdir(launch.cwd):  # noqa: PTH112 - a short question
                return self._error(f"cannot be started: there is no folder {launch.cwd!r}")
            return self._error(
                f"cannot be started: there is no program {launch.command!r}",
                "Install it, or write its full path. A program in your shell's PATH may be missing in the kernel's.",
            )
        if launch.command and isinstance(leaf, OSError):
            return self._error(f"cannot be started: {leaf.strerror or leaf}")
        if launch.command and self._ended.is_set():
            return self._error("ended while it started")
        where = "" if launch.command else f" at {shown_address(launch.url)}"
        return self._error(f"{where} cannot be used: {leaf or type(leaf).__name__}".strip())

    def _error(self, what: str, remedy: str = "", *, starting: bool = True) -> McpServerError:
        """The error that the server's name and a phrase make.

        Args:
            what: the phrase.
            remedy: what to do; by default, to start the server again.
            starting: whether the message shows the program's error output. An error of a call goes to the model, which
                must not get it.
        """
        launch = self.launch
        output = self.stderr.strip() if launch.command else ""
        shown = f" Its error output ends with:\n{output[-_SHOWN:]}" if output and starting else ""
        error = McpServerError(
            mask(f"The MCP server {launch.name!r} {what}.{shown}", launch.secrets),
            remedy=remedy or f"`%gemini mcp restart {launch.name}` starts it again.",
        )
        error.stderr = output
        return error


def _quieten() -> None:
    """Let the libraries log warnings only, and none to the cell that happens to run: they log addresses and lines of servers."""
    for name in ("mcp", "httpx2", "httpcore2"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


async def _set(event: asyncio.Event) -> None:
    event.set()


def _resolve(ready: Future[None], problem: BaseException | None = None) -> None:
    """Finish a future that may be finished or cancelled already."""
    if ready.set_running_or_notify_cancel() if not ready.done() else False:
        if problem is None:
            ready.set_result(None)
        else:
            ready.set_exception(problem)


def _leaf(problem: BaseException) -> BaseException:
    """The first exception in nested groups."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return problem


def _connection_closed() -> int:
    from mcp_types import CONNECTION_CLOSED  # noqa: PLC0415 - heavy and optional

    return int(CONNECTION_CLOSED)


def _is_transport_error(problem: BaseException) -> bool:
    """Whether an exception is one of the HTTP library about the connection."""
    return any(kind.__module__.startswith("httpx") for kind in type(problem).__mro__)


async def _listed(client: Any) -> list[ServerTool]:
    """All tools of a server."""
    found: list[ServerTool] = []
    cursor = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += [ServerTool(each.name, each.description or "", each.input_schema) for each in page.tools]
        cursor = page.next_cursor
        if not cursor or len(found) >= _TOOLS:
            break
    first = {
        tool.name: tool for tool in reversed(found)
    }  # a second tool of the same name does not replace the first
    return [tool for tool in found if first[tool.name] is tool][:_TOOLS]


@asynccontextmanager
async def _watched(transport: Any, ended: threading.Event) -> AsyncIterator[tuple[Any, Any]]:
    """A transport that sets an event when no more messages can arrive: the client does not report it."""
    async with transport as (reading, writing):
        yield _WatchedStream(reading, ended), writing


class _WatchedStream:
    """A stream of messages that sets an event at its end.

    Args:
        stream: the stream.
        ended: the event.
    """

    def __init__(self, stream: Any, ended: threading.Event) -> None:
        self._stream = stream
        self._ended = ended

    async def receive(self) -> Any:
        try:
            return await self._stream.receive()
        except BaseException:
            self._ended.set()
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except BaseException:
            self._ended.set()
            raise

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *details: object) -> Any:
        return await self._stream.__aexit__(*details)

    def __getattr__(self, name: str) -> Any:  # last_context
        return getattr(self._stream, name)
