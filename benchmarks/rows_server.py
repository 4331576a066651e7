"""A server for many requests at once: every answer is complete some time after its request, on one event loop.

``python rows_server.py CHUNKS SECONDS`` prints its port. It answers ``GET /count`` with the numbers of requests and of
connections since the last such request, and the requests a second of the middle half of them, as JSON. It serves until its
standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import ClassVar

from server import END, HEAD, encode_event, http_chunks


def answer(chunks: int) -> bytes:
    """An answer in events of about 350 bytes, each in an HTTP chunk."""
    event = encode_event({"text": "It is about a bill. "}).replace(b'"promptTokensDetails"', b'"details"')
    return (
        HEAD
        + http_chunks(event) * (chunks - 1)
        + http_chunks(encode_event({"text": "."}, finishReason="STOP"))
        + END
    )


def whole(chunks: int) -> bytes:
    """The same text in one piece."""
    value = {
        "candidates": [
            {
                "content": {"parts": [{"text": "It is about a bill. " * chunks}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 200, "totalTokenCount": 211},
        "modelVersion": "gemini-flash-latest",
        "responseId": "abcdefghijklmnopqrstuvw",
    }
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def middle(times: list[float]) -> float:
    """Requests a second of the middle half, without the beginning, in which the rows at once grow, and the end."""
    first, last = len(times) // 4, 3 * len(times) // 4
    seconds = times[last] - times[first] if last > first else 0.0
    return (last - first) / seconds if seconds else 0.0


class Connection(asyncio.Protocol):
    """One connection: reads requests, and writes each answer when it is due."""

    requests: ClassVar[list[float]] = []  # when each one arrived
    opened = 0

    def __init__(self, chunks: int, seconds: float) -> None:
        self.stream, self.whole, self.seconds, self.buffer = answer(chunks), whole(chunks), seconds, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        Connection.opened += 1
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are complete."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + size:
                return
            self.buffer = self.buffer[end + 4 + size :]
            self.reply(head)

    def reply(self, head: bytes) -> None:
        """Answer one request when its time has come."""
        if head.startswith(b"get /count"):
            found = {
                "requests": len(Connection.requests),
                "opened": Connection.opened,
                "steady": middle(Connection.requests),
            }
            body = json.dumps(found).encode()
            Connection.requests.clear()
            Connection.opened = 0
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            return
        Connection.requests.append(time.monotonic())
        data = self.stream if b"stream" in head.split(b" ", 2)[1] else self.whole
        asyncio.get_running_loop().call_later(self.seconds, self.transport.write, data)


async def serve(chunks: int, seconds: float) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(chunks, seconds), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
