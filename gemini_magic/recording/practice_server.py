"""A server on this computer that answers as the Gemini API does, from a function, and counts what it is asked.

The tour uses it for the notebook about many rows: it shows what was sent and what was not, needs no network and costs nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

__all__ = ["PracticeServer"]

_LARGEST: Final = 20_000_000  # bytes of a request
_PIECES: Final = 4  # chunks of an answer
_BACKLOG: Final = 512  # connections that may wait to be accepted


class PracticeServer:
    """Answers every request on a port of 127.0.0.1, and keeps no content of a request but its prompt.

    Args:
        answer: returns the answer to a prompt. Any ``str`` is streamed; an int is the HTTP status of a refusal.
        seconds: how long an answer takes.

    Attributes:
        url: the base URL, for ``--base-url``.
        asked: how often each prompt was asked.
    """

    def __init__(self, answer: Callable[[str], str | int], *, seconds: float = 0.1) -> None:
        self.asked: Counter[str] = Counter()
        self._answer = answer
        self._seconds = seconds
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="practice-server", daemon=True).start()

    @property
    def requests(self) -> int:
        """How many requests have arrived."""
        return self.asked.total()

    def wait_for(self, requests: int, timeout: float = 60.0) -> int:
        """Wait until this many requests have arrived, at most ``timeout`` seconds; returns how many have."""
        with self._changed:
            self._changed.wait_for(lambda: self.requests >= requests, timeout)
            return self.requests

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<PracticeServer {self.url}: {self.requests:,} requests>"

    def take(self, prompt: str) -> str | int:
        """Count a prompt, and return its answer after the time that an answer takes."""
        with self._changed:
            self.asked[prompt] += 1
            self._changed.notify_all()
        answer = self._answer(prompt)
        time.sleep(self._seconds)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = _BACKLOG

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: the clients that are killed here leave their connections."""


def _handler_of(practice: PracticeServer) -> type[BaseHTTPRequestHandler]:
    """The class that handles the requests of one server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            """Answer one request."""
            size = min(int(self.headers.get("content-length") or 0), _LARGEST)
            body = _read_json(self.rfile.read(size))
            if ":countTokens" in self.path:
                counted = _tokens(_prompt_of(body.get("generateContentRequest", body)))
                self._send(200, "application/json", [json.dumps({"totalTokens": counted}).encode()])
                return
            prompt = _prompt_of(body)
            answer = practice.take(prompt)
            if isinstance(answer, int):
                error = {
                    "error": {
                        "code": answer,
                        "message": "This prompt is refused.",
                        "status": _STATUS.get(answer, ""),
                    }
                }
                self._send(answer, "application/json", [json.dumps(error).encode()])
                return
            model = self.path.rpartition("/models/")[2].partition(":")[0]
            self._send(200, "text/event-stream", _events(answer, prompt, model))

        def _send(self, status: int, kind: str, pieces: Any) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            self.wfile.write(body + b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Handler


_STATUS: Final[Mapping[int, str]] = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def _read_json(data: bytes) -> Any:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _prompt_of(body: Any) -> str:
    """The text of the last turn of a request; empty if it has none."""
    try:
        return "".join(part.get("text", "") for part in body["contents"][-1]["parts"])
    except (AttributeError, IndexError, KeyError, TypeError):
        return ""


def _tokens(text: str) -> int:
    return max(1, len(text) // 4)


def _events(answer: str, prompt: str, model: str) -> Iterator[bytes]:
    """The server-sent events of an answer: its text in some pieces, then the token counts."""
    size = max(1, -(-len(answer) // _PIECES))
    texts = [answer[start : start + size] for start in range(0, len(answer), size)] or [""]
    sent, received = _tokens(prompt), _tokens(answer)
    for place, text in enumerate(texts, 1):
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
        event: dict[str, Any] = {"candidates": [candidate], "modelVersion": model}
        if place == len(texts):
            candidate["finishReason"] = "STOP"
            event["usageMetadata"] = {
                "promptTokenCount": sent,
                "candidatesTokenCount": received,
                "totalTokenCount": sent + received,
            }
        yield f"data: {json.dumps(event)}\r\n\r\n".encode()
