"""A server on 127.0.0.1 with the Gemini API, for tests of answers that are wrong, slow, cut off or reset.

It implements HTTP/1.1 and the format of Gemini's answers on real sockets, and imports nothing from gemini_magic.

    with FakeServer() as server:
        server.script(text("Hello"), gate("go"), text(" world", finish="STOP"))
        ...                      # send a request to server.base_url; the answer waits after "Hello"
        server.open("go")

A script is a list of steps. The server answers a request for a model with the first script in the queue; if the queue
is empty, with the script of the model in the path (see `MODELS`); for an unknown model, with Gemini's 404.
To use it by hand, run `python tests/support/fake_server.py 8765`.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import select
import socket
import struct
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

SSE = "text/event-stream"
_ONE_PIXEL = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b"
)


class ClientGoneError(Exception):
    """The client closed or reset the connection during a response."""


class _EndConnection(Exception):
    """A step ends the connection on purpose."""


# --------------------------------------------------------------------------------------------- steps

Step = Callable[["Exchange"], None]


def event(value: object) -> Step:
    """Send one JSON value in the format of the response: as an SSE event, or as an element of a JSON array."""
    return lambda exchange: exchange.send_json(value)


def text(piece: str, *, thought: bool = False, finish: str | None = None, **extra: object) -> Step:
    """Send one Gemini chunk with this text; `extra` are more fields at the top level of the chunk."""

    def step(exchange: Exchange) -> None:
        exchange.send_json(exchange.chunk(piece, thought=thought, finish=finish) | extra)

    return step


def finish(reason: str = "STOP", **extra: Any) -> Step:
    """Send Gemini's usual last chunk: an empty text, the finish reason and the final usage."""
    return text("", finish=reason, **extra)


def raw(data: bytes) -> Step:
    """Send these bytes unchanged, as one HTTP chunk."""
    return lambda exchange: exchange.send(data)


def dribble(data: bytes, n: int = 1, every: float = 0.0) -> Step:
    """Send these bytes in pieces of `n`, each in a separate HTTP chunk and TCP segment, every `every` seconds."""

    def step(exchange: Exchange) -> None:
        for start in range(0, len(data), n):
            exchange.send(data[start : start + n])
            exchange.wait(every)

    return step


def bare(data: bytes) -> Step:
    """Write these bytes to the socket without a response head and without HTTP chunks."""

    def step(exchange: Exchange) -> None:
        exchange.head_sent = exchange.complete = True
        exchange.connection.check_client()
        exchange.socket.sendall(data)

    return step


def hang_up() -> Step:
    """Close the connection, even if the response is incomplete."""

    def step(exchange: Exchange) -> None:
        raise _EndConnection

    return step


def headers() -> Step:
    """Send the response head now instead of with the first byte of the body."""
    return lambda exchange: exchange.send_head()


def pause(seconds: float) -> Step:
    """Send nothing for some seconds. The step ends early when the client closes the connection."""
    return lambda exchange: exchange.wait(seconds)


def gate(name: str) -> Step:
    """Wait until the test calls `server.open(name)`."""
    return lambda exchange: exchange.wait_for(name)


def stall() -> Step:
    """Send the head, then nothing until the client closes the connection or the server stops."""

    def step(exchange: Exchange) -> None:
        exchange.send_head()
        exchange.wait(None)

    return step


def cut(last: bytes = b'data: {"candidates": [{"cont') -> Step:
    """Close the connection in the middle of an HTTP chunk, after its bytes `last`."""

    def step(exchange: Exchange) -> None:
        exchange.send_head()
        if exchange.chunked:
            exchange.socket.sendall(b"%x\r\n%b" % (len(last) + 999, last))
        raise _EndConnection

    return step


def flood(count: int, piece: str = "x ") -> Step:
    """Send this chunk of text `count` times, as fast as the socket accepts it."""

    def step(exchange: Exchange) -> None:
        one = b"data: " + json.dumps(exchange.chunk(piece, thought=False, finish=None)).encode() + b"\r\n\r\n"
        for start in range(0, count, 500):
            exchange.send(one * min(500, count - start))

    return step


def endless(one: Step) -> Step:
    """Repeat this step until the client closes the connection."""

    def step(exchange: Exchange) -> None:
        while True:
            one(exchange)
            exchange.wait(0.0)

    return step


def reset() -> Step:
    """Reset the connection (RST instead of FIN)."""

    def step(exchange: Exchange) -> None:
        exchange.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _EndConnection

    return step


def status(code: int, headers: Mapping[str, str] | None = None, body: object = b"") -> Step:
    """Answer with this status and a body with a Content-Length. No step before it may send anything."""

    def step(exchange: Exchange) -> None:
        if isinstance(body, bytes):
            data, kind = body, "text/html"
        elif isinstance(body, str):
            data, kind = body.encode(), "text/html; charset=utf-8"
        else:
            data, kind = json.dumps(body, indent=2).encode(), "application/json; charset=UTF-8"
        exchange.send_complete(code, {"Content-Type": kind, **(headers or {})}, data)

    return step


def words(sentence: str, every: float = 0.0) -> list[Step]:
    """Send one chunk per word, every `every` seconds."""
    steps: list[Step] = []
    for piece in re.findall(r"\S+\s*", sentence):
        steps += [text(piece), pause(every)]
    return steps


def google_error(code: int, message: str, name: str, *details: Mapping[str, object]) -> dict[str, object]:
    """The JSON body of a Google API error."""
    error: dict[str, object] = {"code": code, "message": message, "status": name}
    if details:
        error["details"] = list(details)
    return {"error": error}


# ------------------------------------------------------------------------------------- named models

FORTY_WORDS = " ".join(f"word{n}" for n in range(1, 41))

MARKDOWN = """# Light and leaves

A leaf is green because **chlorophyll** keeps red and blue light and gives back *green*.

## What happens, step by step

1. Light hits the leaf.
2. Pigments take it up:
   - chlorophyll *a*
   - chlorophyll *b*
     - absorbs near 453 nm
     - and near 642 nm
3. Sugar is made.

| pigment | colour | peak (nm) |
|:--------|:------:|----------:|
| chlorophyll a | blue-green | 430 |
| chlorophyll b | yellow-green | 453 |
| carotene | orange | 450 |

> Nature does nothing in vain,
> and more is in vain when less will serve.

```python
def photons(energy: float, wavelength: float) -> float:
    # energy in joules, wavelength in metres
    return energy * wavelength / (6.626e-34 * 2.998e8)
```

```json
{"pigment": "chlorophyll a", "peaks": [430, 662]}
```

```
plain text < 3 & no language
```

Prices such as $5 and $6 are text. More in the [encyclopedia](https://example.com/leaf).
"""

BARE_ERROR = json.dumps(google_error(499, "The operation was cancelled.", "CANCELLED"), indent=2).encode()


def hostile(base_url: str) -> str:
    """An answer that attacks the page with scripts, event handlers, links, commands and remote images.

    A successful attack can be detected: it opens a dialog, sets `window.pwned`, or requests /leak.
    """
    return f"""Before.

<script>window.pwned = "script"; alert("script")</script>
<img src="x" onerror="window.pwned='onerror'; alert('onerror')">
<svg onload="window.pwned='svg'"></svg>
<details open ontoggle="window.pwned='toggle'"><summary>more</summary></details>
<iframe srcdoc="<script>parent.pwned='iframe'</script>"></iframe>
<button data-commandlinker-command="help:about" data-commandlinker-args="{{}}">free money</button>
<img src="{base_url}/leak?how=html">
<style>body {{ background: url({base_url}/leak?how=css) }}</style>

[a link](javascript:window.pwned='link') and [another](data:text/html,<script>alert(1)</script>)

![a picture]({base_url}/leak?how=markdown)

After."""


def _slow(_: FakeServer) -> list[Step]:
    return [*words(FORTY_WORDS, 0.1), finish()]


def _dribble(_: FakeServer) -> list[Step]:
    body = b""
    for piece in ("Dribbled ", "na\u00efve \U0001f600 ", "**bytes**"):
        chunk = {"candidates": [{"content": {"parts": [{"text": piece}], "role": "model"}, "index": 0}]}
        body += b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\r\n\r\n"
    return [dribble(body, 1, 0.002), finish()]


def _stall(_: FakeServer) -> list[Step]:
    return [*words(" ".join(f"word{n}" for n in range(1, 11)), 0.02), stall()]


def _cut(_: FakeServer) -> list[Step]:
    return [*words("This answer was going to be longer but", 0.02), cut()]


def _error_mid(_: FakeServer) -> list[Step]:
    return [*words("Half of the answer is here and", 0.02), raw(BARE_ERROR)]


def _blocked(_: FakeServer) -> list[Step]:
    feedback = {
        "blockReason": "SAFETY",
        "safetyRatings": [
            {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
        ],
    }
    usage = {"promptTokenCount": 9, "totalTokenCount": 9}
    return [event({"promptFeedback": feedback, "usageMetadata": usage, "modelVersion": "blocked"})]


def _xss(server: FakeServer) -> list[Step]:
    answer = hostile(server.base_url)
    pieces = [answer[start : start + 60] for start in range(0, len(answer), 60)]
    return [step for piece in pieces for step in (text(piece), pause(0.02))] + [finish()]


def _markdown(_: FakeServer) -> list[Step]:
    pieces = [MARKDOWN[start : start + 40] for start in range(0, len(MARKDOWN), 40)]
    return [step for piece in pieces for step in (text(piece), pause(0.02))] + [finish()]


def _thinking(_: FakeServer) -> list[Step]:
    steps: list[Step] = []
    for thought in (
        "**Weighing the question**\n\nWhat is being asked? ",
        "Two readings are possible. ",
        "I take the first.\n",
    ):
        steps += [text(thought, thought=True), pause(0.1)]
    return [*steps, *words("The answer, after some thought, is 42.", 0.05), finish()]


def _quick(_: FakeServer) -> list[Step]:
    return [text("Hello"), text(", world."), finish()]


MODELS: dict[str, Callable[[FakeServer], list[Step]]] = {
    "quick": _quick,
    "slow": _slow,
    "dribble": _dribble,
    "stall": _stall,
    "cut": _cut,
    "error-mid": _error_mid,
    "blocked": _blocked,
    "xss": _xss,
    "markdown": _markdown,
    "thinking": _thinking,
}

_GOOGLE_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def _refusal(code: int) -> Step:
    """The answer of the models "http-400", "http-429", and so on."""
    details: list[Mapping[str, object]] = []
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"})
    message = f"This model always answers {code}."
    return status(code, body=google_error(code, message, _GOOGLE_NAMES.get(code, "UNKNOWN"), *details))


# ------------------------------------------------------------------------------------------- records


@dataclass(frozen=True)
class Script:
    """One answer: its steps, headers and framing."""

    steps: Sequence[Step]
    content_type: str | None = None  # None: as Gemini sends it, for SSE or a JSON array
    gzip: bool = False  # flushed after every piece
    close_delimited: bool = False  # no Content-Length and no chunks: the end of the connection ends the body
    http10: bool = False  # the same, with an HTTP/1.0 status line
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """One received request. `time` is monotonic; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    raw_body: bytes
    connection: int
    time: float
    model: str | None


@dataclass(frozen=True)
class Disconnect:
    """A client that closed its connection; `request` is the index of the request being answered, or None."""

    connection: int
    time: float
    request: int | None


# ------------------------------------------------------------------------------------------ exchange


class Exchange:
    """One response in progress on one connection. Steps are functions of an exchange."""

    def __init__(self, connection: _Connection, request: Recorded, script: Script) -> None:
        self.connection = connection
        self.request = request
        self.script = script
        self.socket = connection.socket
        self.array = request.query.get("alt") != "sse"
        self.chunked = not (script.close_delimited or script.http10)
        self.head_sent = False
        self.complete = False
        self._elements = 0
        self._packer = zlib.compressobj(wbits=31) if script.gzip else None
        self._id = f"fake-{connection.number}-{connection.server.count()}"
        self._answer = 0
        self._thoughts = 0

    def run(self) -> None:
        """Run the steps, then end the response unless a step has sent a complete one."""
        for step in self.script.steps:
            step(self)
        if self.complete:
            return
        self.send_head()
        if self._elements and self.array:
            self.send(b"]\n")
        if self._packer:
            self._write(self._packer.flush())
        if self.chunked:
            self.socket.sendall(b"0\r\n\r\n")
        else:
            raise _EndConnection

    def chunk(self, piece: str, *, thought: bool, finish: str | None) -> dict[str, object]:
        """A chunk in Gemini's format, with the usage so far of this response."""
        tokens = -(-len(piece) // 4)
        if thought:
            self._thoughts += tokens
        else:
            self._answer += tokens
        prompt = len(json.dumps(self.request.body)) // 4
        usage: dict[str, object] = {"promptTokenCount": prompt, "candidatesTokenCount": self._answer}
        usage["totalTokenCount"] = prompt + self._answer + self._thoughts
        usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt}]
        if self._thoughts:
            usage["thoughtsTokenCount"] = self._thoughts
        part: dict[str, object] = {"text": piece}
        if thought:
            part["thought"] = True
        candidate: dict[str, object] = {"content": {"parts": [part], "role": "model"}}
        if finish:
            candidate["finishReason"] = finish
        candidate["index"] = 0
        return {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": self.request.model or "fake",
            "responseId": self._id,
        }

    def send_json(self, value: object) -> None:
        """Send a value as an SSE event or as an element of a JSON array."""
        data = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if self.array:
            self.send((b",\r\n" if self._elements else b"[") + data + b"\n")
        else:
            self.send(b"data: " + data + b"\r\n\r\n")
        self._elements += 1

    def send(self, data: bytes) -> None:
        """Send bytes of the body, after the head if that is not sent yet."""
        self.send_head()
        if self._packer:
            data = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        self._write(data)

    def _write(self, data: bytes) -> None:
        if not data:
            return
        self.connection.check_client()
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def send_head(self) -> None:
        """Send the head of the response, once."""
        if self.head_sent:
            return
        self.head_sent = True
        default = "application/json; charset=UTF-8" if self.array else SSE
        fields = {"Content-Type": self.script.content_type or default, "Server": "fake"}
        if self._packer:
            fields["Content-Encoding"] = "gzip"
        fields |= {"Transfer-Encoding": "chunked"} if self.chunked else {"Connection": "close"}
        version = "1.0" if self.script.http10 else "1.1"
        self.socket.sendall(_head(200, fields | dict(self.script.headers), version))

    def send_complete(self, code: int, fields: Mapping[str, str], data: bytes) -> None:
        """Send a response with a Content-Length.

        Raises:
            AssertionError: The head is already sent.
        """
        if self.head_sent:
            raise AssertionError("status() must be the first step that sends something")
        self.head_sent = self.complete = True
        self.socket.sendall(_head(code, {**fields, "Content-Length": str(len(data))}) + data)

    def wait(self, seconds: float | None) -> None:
        """Wait for some seconds, or with None until the client leaves or the server stops."""
        deadline = None if seconds is None else time.monotonic() + seconds
        self.connection.wait(lambda: deadline is not None and time.monotonic() >= deadline, deadline)

    def wait_for(self, name: str) -> None:
        """Wait until this gate is open."""
        self.connection.wait(lambda: self.connection.server.is_open(name), None)


def _head(code: int, fields: Mapping[str, str], version: str = "1.1") -> bytes:
    phrase = http.client.responses.get(code, "Unknown")
    lines = [f"HTTP/{version} {code} {phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Connection:
    """One accepted socket, served by one thread until either side closes it."""

    def __init__(self, server: FakeServer, sock: socket.socket, number: int) -> None:
        self.server = server
        self.socket = sock
        self.number = number
        self.current: int | None = None
        self._buffer = b""
        self._wake_in, self._wake_out = socket.socketpair()

    def wake(self) -> None:
        """End a wait of this connection, so that it checks its condition again."""
        with contextlib.suppress(OSError):
            self._wake_out.send(b".")

    def serve(self) -> None:
        """Answer requests until the connection ends, and record a client that left."""
        try:
            self._serve()
        except ClientGoneError:
            self.server.note_disconnect(self.number, self.current)
        except _EndConnection:
            pass
        except OSError:
            if not self.server.stopping:
                self.server.note_disconnect(self.number, self.current)
        finally:
            self.socket.close()
            self._wake_in.close()
            self._wake_out.close()
            self.server.remove(self)

    def _serve(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            self.server.note_answered(self)
            head = self._read_until(b"\r\n\r\n")
            request = self._read_request(head.decode("latin-1"))
            self.current, script = self.server.accept_request(request)
            Exchange(self, request, script).run()

    def _read_request(self, head: str) -> Recorded:
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        fields.pop("", None)
        body = self._read_body(fields)
        try:
            parsed: Any = json.loads(body) if body else None
        except ValueError:
            parsed = body
        parts = urlsplit(target)
        found = re.search(r"/models/([^/:]+)[:/]", unquote(parts.path) + "/")
        return Recorded(
            method,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            fields,
            parsed,
            body,
            self.number,
            time.monotonic(),
            found[1] if found else None,
        )

    def _read_body(self, fields: Mapping[str, str]) -> bytes:
        if fields.get("transfer-encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self._read_until(b"\r\n").split(b";")[0], 16):
                pieces.append(self._read_exactly(size))
                self._read_until(b"\r\n")
            self._read_until(b"\r\n")
            return b"".join(pieces)
        return self._read_exactly(int(fields.get("content-length", 0)))

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._receive_more()
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _read_exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._receive_more()
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def _receive_more(self) -> None:
        while True:
            self._check_stopping()
            ready = _readable([self.socket, self._wake_in])
            if self._wake_in in ready:
                self._wake_in.recv(4096)
            if self.socket in ready:
                break
        self._receive()

    def _receive(self) -> None:
        try:
            data = self.socket.recv(65536)
        except OSError as gone:
            raise ClientGoneError from gone
        if not data:
            raise ClientGoneError
        self._buffer += data

    def _check_stopping(self) -> None:
        if self.server.stopping:
            raise _EndConnection

    def check_client(self) -> None:
        """Raise `ClientGoneError` if the client has already closed the connection."""
        while _readable([self.socket], 0):
            self._receive()

    def wait(self, done: Callable[[], bool], deadline: float | None) -> None:
        """Wait for a condition or a deadline; raise `ClientGoneError` as soon as the client leaves."""
        while not done():
            self._check_stopping()
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = _readable([self.socket, self._wake_in], left)
            if self._wake_in in ready:
                self._wake_in.recv(4096)
            if self.socket in ready:
                self._receive()


def _readable(sockets: list[socket.socket], timeout: float | None = None) -> list[socket.socket]:
    """The sockets that can be read. Not `select`, which refuses descriptors above 1023: hundreds of connections may be open."""
    if not hasattr(select, "poll"):  # Windows
        return select.select(sockets, [], [], timeout)[0]
    poll = select.poll()
    for each in sockets:
        poll.register(each, select.POLLIN)
    found = {number for number, _ in poll.poll(None if timeout is None else timeout * 1000)}
    return [each for each in sockets if each.fileno() in found]


# -------------------------------------------------------------------------------------------- server


class FakeServer:
    """The server, a context manager. It records requests and lost clients in `requests` and `disconnects`.

    `connections_opened` is the number of connections that it has accepted.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Recorded] = []
        self.disconnects: list[Disconnect] = []
        self.connections_opened = 0
        self.stopping = False
        self._models: dict[str, deque[Script]] = {}
        self._routes: dict[str, deque[Script]] = {}
        self._queue: deque[Script] = deque()
        self._opened: set[str] = set()
        self._connections: set[_Connection] = set()
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._counter = itertools.count(1)
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, name="fake-server", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- called by tests

    def script(self, *steps: Step, **options: Any) -> None:
        """Queue the answer to the next request for a model; `options` are fields of `Script`."""
        with self._changed:
            self._queue.append(Script(steps, **options))

    def model(self, name: str, *steps: Step, **options: Any) -> None:
        """Answer every request for the model `name` with these steps; `options` are fields of `Script`."""
        self.answers(name, Script(steps, **options))

    def answers(self, name: str, *scripts: Script) -> None:
        """Answer requests for the model `name` with these scripts in order, then repeat the last."""
        with self._changed:
            self._models[name] = deque(scripts)

    def route(self, path: str, *scripts: Script) -> None:
        """Answer requests for this path, with any method, with these scripts in order, then repeat the last."""
        with self._changed:
            self._routes[path] = deque(scripts)

    def requests_for(self, name: str) -> list[Recorded]:
        """The requests for this model so far."""
        return [request for request in list(self.requests) if request.model == name]

    def open(self, name: str) -> None:
        """Open a gate. It stays open for later requests."""
        with self._changed:
            self._opened.add(name)
            connections = list(self._connections)
        for connection in connections:
            connection.wake()

    def close_gates(self) -> None:
        """Close all gates again."""
        with self._changed:
            self._opened.clear()

    def wait_for_requests(self, count: int = 1, timeout: float = 60.0) -> list[Recorded]:
        """Wait until `count` requests have been received.

        Raises:
            AssertionError: `timeout` seconds have passed.
        """
        self._wait(
            lambda: len(self.requests) >= count, timeout, f"{count} request(s), received {len(self.requests)}"
        )
        return self.requests

    def wait_for_disconnect(self, count: int = 1, timeout: float = 60.0) -> Disconnect:
        """Wait until `count` clients have closed their connections, and return the record of the last.

        Raises:
            AssertionError: `timeout` seconds have passed.
        """
        self._wait(lambda: len(self.disconnects) >= count, timeout, f"{count} disconnect(s)")
        return self.disconnects[count - 1]

    def forget_all(self) -> None:
        """Remove all records, scripts, models and routes, and close all gates."""
        with self._changed:
            self.requests.clear()
            self.disconnects.clear()
            self._queue.clear()
            self._models.clear()
            self._routes.clear()
            self._opened.clear()

    def drop_idle_connections(self) -> None:
        """Wait until every request is answered, which a client may know before this server does, and close the connections.

        Raises:
            AssertionError: a request is still being answered after a minute.
        """
        self._wait(
            lambda: all(each.current is None for each in self._connections), 60.0, "the last answers to end"
        )
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def leaks(self) -> list[Recorded]:
        """Requests for /leak, which only a hostile answer mentions."""
        return [request for request in self.requests if request.path == "/leak"]

    def stop(self) -> None:
        """Close all connections and wait for their threads."""
        self.stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            connection.wake()
        for thread in self._threads:
            thread.join(timeout=2)

    # -- called by connections

    def is_open(self, name: str) -> bool:
        with self._changed:
            return name in self._opened

    def count(self) -> int:
        """The next number of a response ID."""
        return next(self._counter)

    def accept_request(self, request: Recorded) -> tuple[int, Script]:
        """Record a request; return its index and the script that answers it."""
        with self._changed:
            self.requests.append(request)
            index = len(self.requests) - 1
            script = self._select_script(request)
            self._changed.notify_all()
        return index, script

    def note_disconnect(self, connection: int, request: int | None) -> None:
        with self._changed:
            self.disconnects.append(Disconnect(connection, time.monotonic(), request))
            self._changed.notify_all()

    def note_answered(self, connection: _Connection) -> None:
        """Record that a connection waits for a request."""
        with self._changed:
            connection.current = None
            self._changed.notify_all()

    def remove(self, connection: _Connection) -> None:
        with self._changed:
            self._connections.discard(connection)

    # -- private

    def _select_script(self, request: Recorded) -> Script:
        name = request.model
        if scripts := self._routes.get(request.path):
            return scripts.popleft() if len(scripts) > 1 else scripts[0]
        asks = request.method == "POST" and (name is not None or request.path.endswith("/interactions"))
        if asks and self._queue:
            return self._queue.popleft()
        if name is None or request.method != "POST":
            return Script([self._answer_without_model(request)])
        if name in self._models:
            scripts = self._models[name]
            return scripts.popleft() if len(scripts) > 1 else scripts[0]
        if name in MODELS:
            return Script(MODELS[name](self))
        if found := re.fullmatch(r"http-(\d{3})", name):
            return Script([_refusal(int(found[1]))])
        message = f"models/{name} is not found for API version v1beta. Call ModelService.ListModels to see the list."
        return Script([status(404, body=google_error(404, message, "NOT_FOUND"))])

    def _answer_without_model(self, request: Recorded) -> Step:
        if request.path == "/leak":
            return status(200, {"Content-Type": "image/gif"}, _ONE_PIXEL)
        if request.method == "GET" and request.path.endswith("/models"):
            methods = ["generateContent", "streamGenerateContent"]
            listed = [{"name": f"models/{name}", "supportedGenerationMethods": methods} for name in MODELS]
            return status(200, body={"models": listed})
        return status(404, body=google_error(404, f"No resource at {request.path}.", "NOT_FOUND"))

    def _wait(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(done, timeout):
                raise AssertionError(f"timed out after {timeout} s waiting for {what}")

    def _listen(self) -> None:
        for sock in self._accepted():
            self.connections_opened += 1
            connection = _Connection(self, sock, next(self._numbers))
            with self._changed:
                self._connections.add(connection)
            thread = threading.Thread(target=connection.serve, name=f"fake-{connection.number}", daemon=True)
            thread.start()
            self._threads.append(thread)  # only started threads, because `stop` joins them

    def _accepted(self) -> Iterator[socket.socket]:
        while not self.stopping:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            yield sock


if __name__ == "__main__":
    with FakeServer(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as running:
        print(f"{running.base_url}  models: {', '.join(MODELS)}, http-NNN")
        threading.Event().wait()
