"""A server that is much faster than the clients: it builds the bodies before the requests, one HTTP chunk per event.

The model in the path selects the answer:

- ``burst-N``: N events of about 500 bytes, without a pause;
- ``large-BYTES-SIZE``: one event with an image of BYTES bytes, in HTTP chunks of SIZE bytes;
- ``hello``: one word, then the end;
- ``paced-RATE-SECONDS``: RATE events per second. The text of each starts with the clock reading when it was
  written; ``responseId`` is the clock reading when the request was complete.

``python server.py MODEL …`` prepares these answers, prints its port and serves until its standard input ends.
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


def encode_event(part: dict[str, Any], **candidate_fields: object) -> bytes:
    """One event of the Gemini API as bytes."""
    value = {
        "candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0, **candidate_fields}],
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


def http_chunks(data: bytes, size: int = 0) -> bytes:
    """The data in HTTP chunks of ``size`` bytes; 0 means one chunk."""
    step = size or len(data)
    parts = (data[at : at + step] for at in range(0, len(data), step))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@cache
def build_response(model: str) -> bytes:
    """The bytes of a whole response.

    Raises:
        ValueError: The model is unknown.
    """
    kind, *numbers = model.split("-")
    last = http_chunks(encode_event({"text": ""}, finishReason="STOP"))
    match kind:
        case "burst":
            return HEAD + http_chunks(encode_event({"text": "x" * 141})) * (int(numbers[0]) - 1) + last + END
        case "large":
            image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K" * (int(numbers[0]) // 8)}}
            return HEAD + http_chunks(encode_event(image, finishReason="STOP"), int(numbers[1])) + END
        case "hello":
            return HEAD + http_chunks(encode_event({"text": "Hello"})) + last + END
        case _:
            raise ValueError(model)


class Pacer(threading.Thread):
    """Writes all paced answers in one thread."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._due: list[tuple[float, int, PacedAnswer]] = []
        self._serial = itertools.count()
        self._changed = threading.Condition()

    def add(self, answer: PacedAnswer) -> None:
        """Start to write an answer."""
        with self._changed:
            # Spread out the events of streams that were requested together.
            offset = (next(self._serial) * 0.618) % 1.0 / answer.rate
            heapq.heappush(self._due, (time.perf_counter() + offset, next(self._serial), answer))
            self._changed.notify()

    def run(self) -> None:
        """Write each event when it is due."""
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


class PacedAnswer:
    """One answer with events at an even pace."""

    def __init__(self, model: str, sock: socket.socket, received: float) -> None:
        _, rate, seconds = model.split("-")
        self.rate = float(rate)
        self.finished = threading.Event()
        self._left = int(self.rate * float(seconds))
        self._sock = sock
        self._received = f"{received:.6f}".encode()

    def write(self) -> bool:
        """Write the next event, and return whether another one follows."""
        self._left -= 1
        text = f"{time.perf_counter():.6f} and some **bold** words of an answer.\n\n"
        fields = {} if self._left else {"finishReason": "STOP"}
        data = http_chunks(
            encode_event({"text": text}, **fields).replace(b"abcdefghijklmnopqrstuvw", self._received)
        )
        try:
            self._sock.sendall(data if self._left else data + END)
        except OSError:
            self._left = 0
        if not self._left:
            self.finished.set()
        return self._left > 0


def serve_connection(sock: socket.socket, pacer: Pacer) -> None:
    """Answer the requests of one connection until the client closes it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            data = sock.recv(65536)
            if not data:
                return
            buffer += data
        head, buffer = buffer.split(b"\r\n\r\n", 1)
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        size = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(buffer) < size:
            buffer += sock.recv(65536)
        buffer = buffer[size:]
        model = head.split(b" ", 2)[1].decode().rpartition("/")[2].partition(":")[0]
        if model.startswith("paced-"):
            answer = PacedAnswer(model, sock, time.perf_counter())
            sock.sendall(HEAD)
            pacer.add(answer)
            answer.finished.wait()
        else:
            sock.sendall(build_response(model))


def serve(models: list[str]) -> None:
    """Prepare the answers of these models, print the port, and serve until standard input ends."""
    for model in models:
        if not model.startswith("paced-"):
            build_response(model)
    pacer = Pacer()
    pacer.start()
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=serve_socket, args=(sock,), daemon=True).start()

    def serve_socket(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            serve_connection(sock, pacer)

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1:])
