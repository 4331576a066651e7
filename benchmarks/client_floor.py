"""The floor: a raw socket and ``json.loads`` with the duties of a client that keeps what it reads.

``python client_floor.py read|first|parallel PORT MODEL``
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import gauge


class RawClient:
    """One connection, read with as little as Python allows."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port))
        self._stream = self._sock.makefile("rb", buffering=65536)

    def ask(self, model: str) -> Iterator[tuple[float, bytes, Any]]:
        """The events of an answer: when each was complete, its bytes and its value."""
        path = b"/v1beta/models/%b:streamGenerateContent?alt=sse" % model.encode()
        body = b'{"contents":[{"parts":[{"text":"hi"}],"role":"user"}]}'
        self._sock.sendall(
            b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b" % (path, len(body), body)
        )
        stream, parts = self._stream, list[bytes]()
        while stream.readline() != b"\r\n":
            pass
        while size := int(stream.readline(), 16):
            parts.append(stream.read(size))
            stream.read(2)
            if parts[-1].endswith(b"\r\n\r\n"):
                event = parts[0] if len(parts) == 1 else b"".join(parts)
                parts = []
                yield time.perf_counter(), event, json.loads(event[6:])
        stream.readline()


def text_of(value: Any) -> str:
    """The text of one event."""
    return str(value["candidates"][0]["content"]["parts"][0].get("text", ""))


def keep(events: Iterator[tuple[float, bytes, Any]]) -> tuple[list[Any], list[list[Any]]]:
    """The duties: every event's bytes, time and value kept, and a few columns of a table made while they come."""
    kept: list[Any] = []
    columns: list[list[Any]] = [[] for _ in range(9)]
    times, sizes, texts, lengths, reasons, prompts, outputs, thoughts, totals = columns
    chars = 0
    for event in events:
        stamp, line, value = event
        kept.append(event)
        text = text_of(value)
        usage = value["usageMetadata"]
        chars += len(text)
        times.append(stamp)
        sizes.append(len(line))
        texts.append(text)
        lengths.append(chars)
        reasons.append(value["candidates"][0].get("finishReason"))
        prompts.append(usage.get("promptTokenCount"))
        outputs.append(usage.get("candidatesTokenCount"))
        thoughts.append(usage.get("thoughtsTokenCount"))
        totals.append(usage.get("totalTokenCount"))
    return kept, columns


def read(port: int, model: str) -> None:
    client = RawClient(port)
    keep(client.ask("hello"))
    before = gauge.begin_peak()
    began = time.process_time()
    _, columns = keep(client.ask(model))
    answer = "".join(columns[2])
    gauge.report(cpu=time.process_time() - began, peak=gauge.peak() - before, chars=len(answer))


def first(port: int, model: str) -> None:
    gauge.kernel_shell()
    began = time.process_time()
    text_of(next(RawClient(port).ask(model))[2])
    gauge.report(cpu=time.process_time() - began)


def parallel(port: int, model: str) -> None:
    """A hundred of them, a thread each."""
    seen: list[tuple[float, float]] = []  # when an event was complete, and when it was written

    def follow() -> None:
        for stamp, _, value in RawClient(port).ask(model):
            seen.append((stamp, float(text_of(value).split()[0])))

    threads = [threading.Thread(target=follow, daemon=True) for _ in range(gauge.STREAMS)]
    for thread in threads:
        thread.start()
    time.sleep(gauge.SETTLED)
    before, cpu, wall = len(seen), time.process_time(), time.perf_counter()
    time.sleep(gauge.MEASURED)
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    gauge.report(share=share, **gauge.lateness([stamp - written for stamp, written in seen[before:]]))


if __name__ == "__main__":
    {each.__name__: each for each in (read, first, parallel)}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
