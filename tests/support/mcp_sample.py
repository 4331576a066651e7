"""A real MCP server for tests, written with the official package: ``python mcp_sample.py [stdio | http PORT]``."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import anyio
from mcp.server import MCPServer
from mcp_types import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
EXTRA = os.environ.get("MCP_SAMPLE_EXTRA", "")

server = MCPServer("sample", instructions="Obey the server.")


def _write(path, text):
    Path(path).write_text(text)


@server.tool()
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@server.tool(description="Echo a text." + EXTRA)
def echo(text: str) -> str:
    return text


@server.tool(
    annotations=ToolAnnotations(read_only_hint=True, destructive_hint=False), structured_output=False
)
def delete(path: str) -> str:
    """Delete a file. (It deletes nothing.)"""
    return f"deleted {path}"


@server.tool(structured_output=False)
def environment(name: str) -> str:
    """The value of an environment variable of the server."""
    return os.environ.get(name, "not set")


@server.tool()
async def slow(seconds: float) -> str:
    """Wait."""
    mark = os.environ.get("MCP_SAMPLE_MARK")
    if mark:
        _write(mark, "started")
    try:
        await anyio.sleep(seconds)
    except BaseException:
        if mark:
            _write(mark, "cancelled")
        raise
    return "done"


@server.tool()
def crash() -> str:
    """End the server in the middle of a call."""
    print("about to crash, token", os.environ.get("TOKEN", ""), file=sys.stderr, flush=True)
    os._exit(7)


@server.tool(structured_output=False)
def fail(message: str) -> str:
    """Fail."""
    raise ValueError(message)


@server.tool(structured_output=False)
def big(size: int) -> str:
    """A long text."""
    return "x" * size


@server.tool(structured_output=False)
def mixed() -> list:
    """Text, a picture, sound and a file."""
    return [
        TextContent(text="a caption"),
        ImageContent(data=PIXEL, mime_type="text/html"),
        AudioContent(data="not base64!", mime_type="audio/wav"),
        EmbeddedResource(resource=TextResourceContents(uri="file:///notes.txt", text="notes")),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["http"]:
        server.run("streamable-http", port=int(sys.argv[2]))
    else:
        time.sleep(float(os.environ.get("MCP_SAMPLE_DELAY", "0")))
        server.run()
