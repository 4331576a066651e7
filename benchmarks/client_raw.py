"""The reference: a raw socket and ``json.loads``, and the same work as a client that stores what it reads.

``python client_raw.py read|first|parallel PORT MODEL``
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import probe


class RawClient:
    """One connection, read with the least work that Python allows."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port))
        self._stream = self._sock.makefile("rb", buffering=65536)

    def ask(self, model: str) -> Iterator[tuple[float, bytes, Any]]:
        """The events of an answer: the time when each was complete, its bytes, and its decoded value."""
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


def store(events: Iterator[tuple[float, bytes, Any]]) -> tuple[list[Any], list[list[Any]]]:
    """Store every event, and fill columns of a table while the events arrive; return the events and the columns."""
    stored: list[Any] = []
    columns: list[list[Any]] = [[] for _ in range(9)]
    times, sizes, texts, lengths, reasons, prompts, outputs, thoughts, totals = columns
    chars = 0
    for event in events:
        time_read, line, value = event
        stored.append(event)
        text = text_of(value)
        usage = value["usageMetadata"]
        chars += len(text)
        times.append(time_read)
        sizes.append(len(line))
        texts.append(text)
        lengths.append(chars)
        reasons.append(value["candidates"][0].get("finishReason"))
        prompts.append(usage.get("promptTokenCount"))
        outputs.append(usage.get("candidatesTokenCount"))
        thoughts.append(usage.get("thoughtsTokenCount"))
        totals.append(usage.get("totalTokenCount"))
    return stored, columns


def read(port: int, model: str) -> None:
    client = RawClient(port)
    store(client.ask("hello"))
    before = probe.reset_peak()
    began = time.process_time()
    _, columns = store(client.ask(model))
    answer = "".join(columns[2])
    probe.report(cpu=time.process_time() - began, peak=probe.peak_bytes() - before, chars=len(answer))


def first(port: int, model: str) -> None:
    probe.kernel_shell()
    began = time.process_time()
    text_of(next(RawClient(port).ask(model))[2])
    probe.report(cpu=time.process_time() - began)


def parallel(port: int, model: str) -> None:
    """100 connections, each in a thread."""
    times: list[tuple[float, float]] = []  # when an event was complete, and when the server wrote it

    def follow() -> None:
        for time_read, _, value in RawClient(port).ask(model):
            times.append((time_read, float(text_of(value).split()[0])))

    threads = [threading.Thread(target=follow, daemon=True) for _ in range(probe.STREAMS)]
    for thread in threads:
        thread.start()
    time.sleep(probe.WARM_UP)
    before, cpu, wall = len(times), time.process_time(), time.perf_counter()
    time.sleep(probe.DURATION)
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    probe.report(
        share=share, **probe.summarize_delays([time_read - written for time_read, written in times[before:]])
    )


if __name__ == "__main__":
    {command.__name__: command for command in (read, first, parallel)}[sys.argv[1]](
        int(sys.argv[2]), sys.argv[3]
    )
