"""A server far faster than any client: bodies are made before they are asked for, one HTTP chunk an event.

The model in the path names the answer:

- ``burst-N``: N events of about 500 bytes, at once;
- ``large-BYTES-PIECE``: one event that carries a picture of BYTES, in HTTP chunks of PIECE bytes;
- ``hello``: a word, and the end;
- ``paced-RATE-SECONDS``: events at an even pace, each beginning with the clock reading at which it was written.
  Their ``responseId`` is the reading at which the request had come.

``python server.py MODEL …`` prepares these answers, prints its port and serves until its input ends.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import socket
import sys
import threading
import time
from functools import cache
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(part: dict[str, Any], **more: object) -> bytes:
    """One event as Gemini sends it."""
    value = {
        "candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0, **more}],
        "usageMetadata": {
            "promptTokenCount": 11,
            "candidatesTokenCount": 200,
            "totalTokenCount": 260,
            "thoughtsTokenCount": 49,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}],
        },
        "modelVersion": "gemini-flash-latest",
        "responseId": "abcdefghijklmnopqrstuvw",
    }
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\r\n\r\n"


def framed(line: bytes, piece: int = 0) -> bytes:
    """Bytes in HTTP chunks of ``piece`` bytes; 0 means one chunk."""
    step = piece or len(line)
    parts = (line[at : at + step] for at in range(0, len(line), step))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@cache
def body(model: str) -> bytes:
    kind, *numbers = model.split("-")
    last = framed(chunk({"text": ""}, finishReason="STOP"))
    match kind:
        case "burst":
            return HEAD + framed(chunk({"text": "x" * 141})) * (int(numbers[0]) - 1) + last + END
        case "large":
            picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K" * (int(numbers[0]) // 8)}}
            return HEAD + framed(chunk(picture, finishReason="STOP"), int(numbers[1])) + END
        case "hello":
            return HEAD + framed(chunk({"text": "Hello"})) + last + END
        case _:
            raise ValueError(model)


class Pacer(threading.Thread):
    """Writes all paced answers, so that a hundred of them cost one thread."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._due: list[tuple[float, int, Paced]] = []
        self._serial = itertools.count()
        self._changed = threading.Condition()

    def add(self, answer: Paced) -> None:
        """Begin an answer."""
        with self._changed:
            # Streams that were asked for together do not speak in one moment.
            offset = (next(self._serial) * 0.618) % 1.0 / answer.rate
            heapq.heappush(self._due, (time.perf_counter() + offset, next(self._serial), answer))
            self._changed.notify()

    def run(self) -> None:
        """Write what is due."""
        while True:
            with self._changed:
                while not self._due:
                    self._changed.wait()
                due, _, answer = self._due[0]
                wait = due - time.perf_counter()
                if wait <= 0:
                    heapq.heappop(self._due)
            if wait > 0:
                time.sleep(min(wait, 0.002))
            elif answer.write():
                with self._changed:
                    heapq.heappush(self._due, (due + 1 / answer.rate, next(self._serial), answer))


class Paced:
    """One answer at an even pace."""

    def __init__(self, model: str, sock: socket.socket, received: float) -> None:
        _, rate, seconds = model.split("-")
        self.rate = float(rate)
        self.over = threading.Event()
        self._left = int(self.rate * float(seconds))
        self._sock = sock
        self._received = f"{received:.6f}".encode()

    def write(self) -> bool:
        """Write the next event; whether another one follows."""
        self._left -= 1
        text = f"{time.perf_counter():.6f} and some **bold** words of an answer.\n\n"
        more = {} if self._left else {"finishReason": "STOP"}
        data = framed(chunk({"text": text}, **more).replace(b"abcdefghijklmnopqrstuvw", self._received))
        try:
            self._sock.sendall(data if self._left else data + END)
        except OSError:
            self._left = 0
        if not self._left:
            self.over.set()
        return self._left > 0


def talk(sock: socket.socket, pacer: Pacer) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = b""
    while True:
        while b"\r\n\r\n" not in held:
            got = sock.recv(65536)
            if not got:
                return
            held += got
        head, held = held.split(b"\r\n\r\n", 1)
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        size = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(held) < size:
            held += sock.recv(65536)
        held = held[size:]
        model = head.split(b" ", 2)[1].decode().rpartition("/")[2].partition(":")[0]
        if model.startswith("paced-"):
            answer = Paced(model, sock, time.perf_counter())
            sock.sendall(HEAD)
            pacer.add(answer)
            answer.over.wait()
        else:
            sock.sendall(body(model))


def serve(models: list[str]) -> None:
    for model in models:
        if not model.startswith("paced-"):
            body(model)
    pacer = Pacer()
    pacer.start()
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=guarded, args=(sock,), daemon=True).start()

    def guarded(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            talk(sock, pacer)

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1:])
