"""A server on this computer that speaks the Interactions API: it stores interactions, cuts streams, and lets them be resumed.

The tour uses it for the notebook about steps and agents. It needs no network and costs nothing, and it lists every request.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

__all__ = ["PracticeInteractions", "cited_text"]

Step: TypeAlias = Mapping[str, Any]

_LARGEST: Final = 20_000_000  # bytes of a request
_PASSAGE: Final = re.compile(r"\[\[(?P<passage>[^\]]+)\]\]\((?P<address>[^)\s]+)\)")
_PIECE: Final = re.compile(r"\s*\S+\s*\S*\s*\S*\s*|\s+")  # up to three words
_ARGUMENTS: Final = 16  # characters of a piece of arguments
_OPENING: Final = ("type", "id", "name", "call_id", "server_name")  # the fields of a step that its start has
_ENDED: Final = ("completed", "failed", "cancelled", "incomplete")


def cited_text(text: str) -> dict[str, Any]:
    """Return text as content of a step, with citations where the text has ``[[passage]](address)``."""
    shown, annotations, done = "", [], 0
    for found in _PASSAGE.finditer(text):
        shown += text[done : found.start()]
        start = len(shown.encode())
        shown += found["passage"]
        done = found.end()
        host = urlsplit(found["address"]).hostname or ""
        annotations.append(
            {
                "type": "url_citation",
                "url": found["address"],
                "title": host,
                "start_index": start,
                "end_index": len(shown.encode()),
            }
        )
    content: dict[str, Any] = {"type": "text", "text": shown + text[done:]}
    return {**content, "annotations": annotations} if annotations else content


class PracticeInteractions:
    """Answers interactions on a port of 127.0.0.1, and stores them until it is closed.

    Args:
        answer: returns the steps that answer a prompt, in the form in which the API returns stored steps. A step may have a
            field ``seconds``: how long it takes. A LookupError refuses the prompt.
        seconds: the time between two events of a stream.

    Attributes:
        url: the base URL, for ``--base-url``.
        requests: the requests that have arrived, such as ``POST /interactions``.
    """

    def __init__(self, answer: Callable[[str], Sequence[Step]], *, seconds: float = 0.05) -> None:
        self.requests: list[str] = []
        self._answer = answer
        self._seconds = seconds
        self._cut: int | None = None
        self._stored: dict[str, _Interaction] = {}
        self._running: list[_Interaction] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="practice-interactions", daemon=True).start()

    def cut(self, after: int) -> None:
        """Break the connection of the next stream after ``after`` events. The interaction goes on in the server."""
        self._cut = after

    def close(self) -> None:
        """Stop the server, and forget the interactions."""
        for interaction in self._running:
            interaction.end("cancelled")
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        count = len(self._stored)
        return f"<PracticeInteractions {self.url}: {count} interaction{'' if count == 1 else 's'}>"

    def record(self, request: str) -> None:
        """Add a request to the list."""
        self.requests.append(request)

    def create(self, body: Mapping[str, Any]) -> _Interaction | None:
        """Begin an interaction; returns None if there is no answer to its prompt."""
        try:
            steps = self._answer(_prompt_of(body.get("input")))
        except LookupError:
            return None
        with self._lock:
            is_stored = body.get("store") is not False
            made = _Interaction(f"v1_practice{len(self._stored) + 1:03}" if is_stored else "", body)
            if is_stored:
                self._stored[made.id] = made
            self._running.append(made)
        threading.Thread(target=made.run, args=(steps, self._seconds), daemon=True).start()
        return made

    def find(self, ident: str) -> _Interaction | None:
        """Return a stored interaction; None if there is none."""
        return self._stored.get(ident)

    def delete(self, ident: str) -> None:
        """End an interaction and forget it."""
        self._stored.pop(ident).end("cancelled")

    def take_cut(self) -> int | None:
        """After how many events the stream that begins now breaks off; None if it does not."""
        after, self._cut = self._cut, None
        return after


class _Interaction:
    """One interaction: its steps, and the events that have been made of them."""

    def __init__(self, ident: str, body: Mapping[str, Any]) -> None:
        self.id = ident
        self.background = body.get("background") is True
        self.status = "in_progress"
        self._maker = {name: body[name] for name in ("model", "agent") if isinstance(body.get(name), str)}
        self._input = body.get("input")
        self._created = _now()
        self._steps: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self._sent = max(1, len(json.dumps(self._input)) // 4)
        self._usage = {"total_output_tokens": 0, "total_thought_tokens": 0, "total_tool_use_tokens": 0}
        self._changed = threading.Condition()  # re-entrant
        self._add("interaction.created", interaction=self._head())
        self._add("interaction.status_update", interaction_id=ident, status=self.status)

    def run(self, steps: Sequence[Step], seconds: float) -> None:
        """Make the events of the steps, each after a pause; nothing more once the interaction has ended."""
        for index, step in enumerate(steps):
            time.sleep(float(step.get("seconds", 0)))
            if self.status in _ENDED:
                return
            whole = {name: value for name, value in step.items() if name != "seconds"}
            opening = {name: whole[name] for name in _OPENING if name in whole}
            self._add("step.start", index=index, step=opening)
            for delta in _deltas(whole):
                time.sleep(seconds)
                self._add("step.delta", index=index, delta=delta)
            before = self._total()
            self._count(whole)
            with self._changed:
                self._steps.append(whole)
            self._add(
                "step.stop", index=index, usage=self._total(), step_usage=_difference(self._total(), before)
            )
        self.end("completed")

    def end(self, status: str) -> None:
        """End the interaction, unless it has ended."""
        with self._changed:
            if self.status in _ENDED:
                return
            self._add("interaction.completed", interaction={**self._head(status), "usage": self._total()})
            self.status = status

    def stream(self, last_event: str = "") -> Iterator[dict[str, Any]]:
        """Yield the events after ``last_event`` as they are made; from the beginning if there is no such event."""
        number = int(last_event.partition("-")[2]) if re.fullmatch(r"e-\d{1,9}", last_event) else 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda at=number: len(self._events) > at)  # type: ignore[misc]
                event = self._events[number]
            yield event
            number += 1
            if event["event_type"] == "interaction.completed":
                return

    def value(self) -> dict[str, Any]:
        """Return the interaction with its input and its finished steps."""
        asked = {"type": "user_input", "content": [{"type": "text", "text": _prompt_of(self._input)}]}
        with self._changed:
            return {**self._head(), "usage": self._total(), "steps": [asked, *self._steps]}

    def wait(self) -> None:
        """Wait until the interaction has ended."""
        for _ in self.stream():
            pass

    def _head(self, status: str = "") -> dict[str, Any]:
        times = {"created": self._created, "updated": _now()}
        return {
            "id": self.id,
            "status": status or self.status,
            "object": "interaction",
            **self._maker,
            **times,
        }

    def _add(self, kind: str, **fields: Any) -> None:
        with self._changed:
            if self.status in _ENDED:
                return
            event = {**fields, "event_type": kind, "event_id": f"e-{len(self._events) + 1}"}
            self._events.append(event)
            self._changed.notify_all()

    def _count(self, step: Step) -> None:
        """Add the tokens of a step to the counts."""
        kind = str(step.get("type", ""))
        name = "output" if kind == "model_output" else "thought" if kind == "thought" else "tool_use"
        self._usage[f"total_{name}_tokens"] += max(1, len(json.dumps(step, ensure_ascii=False)) // 4)

    def _total(self) -> dict[str, int]:
        usage = {"total_input_tokens": self._sent, **self._usage}
        return {**usage, "total_tokens": sum(usage.values())}


def _difference(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in now.items()}


def _deltas(step: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The deltas that together have what a step has beside its opening."""
    kind = step.get("type")
    if kind == "thought":
        for piece in step.get("summary", ()):
            yield {"type": "thought_summary", "content": piece}
        yield {"type": "thought_signature", "signature": step.get("signature", "cHJhY3RpY2U=")}
    elif kind == "model_output":
        for content in step.get("content", ()):
            yield from _content_deltas(content)
    elif kind == "function_call":
        text = json.dumps(step.get("arguments", {}), ensure_ascii=False)
        for start in range(0, len(text), _ARGUMENTS):
            yield {"type": "arguments_delta", "arguments": text[start : start + _ARGUMENTS]}
    else:
        yield {name: value for name, value in step.items() if name not in ("id", "call_id")}


def _content_deltas(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if content.get("type") != "text":
        yield dict(content)
        return
    for piece in _PIECE.findall(content["text"]):
        yield {"type": "text", "text": piece}
    if content.get("annotations"):
        yield {"type": "text_annotation_delta", "annotations": content["annotations"]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, practice: PracticeInteractions) -> None:
        self.practice = practice
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client may leave its connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    @property
    def _practice(self) -> PracticeInteractions:
        return self.server.practice

    def do_POST(self) -> None:
        """Create or cancel an interaction."""
        size = min(int(self.headers.get("content-length") or 0), _LARGEST)
        body = _read_json(self.rfile.read(size))
        ident, action, _ = self._place()
        if action == "cancel":
            if (found := self._find(ident)) is not None:
                found.end("cancelled")
                self._send(200, found.value())
        elif body.get("background") and body.get("store") is False:
            self._refuse(400, "invalid_request", "background needs store: true.")
        else:
            made = self._practice.create(body)
            if made is None:
                self._refuse(400, "invalid_request", "This server has no answer to this prompt.")
                return
            if body.get("stream"):
                self._stream(made, "")
                return
            if not made.background:
                made.wait()
            self._send(200, made.value())

    def do_GET(self) -> None:
        """Return a stored interaction, or the events of it."""
        ident, _, query = self._place()
        found = self._find(ident)
        if found is None:
            return
        if query.get("stream") == ["true"]:
            self._stream(found, query.get("last_event_id", [""])[0])
        else:
            self._send(200, found.value())

    def do_DELETE(self) -> None:
        """Forget an interaction."""
        ident, _, _ = self._place()
        if self._find(ident) is not None:
            self._practice.delete(ident)
            self._send(200, {})

    def _place(self) -> tuple[str, str, dict[str, list[str]]]:
        """The interaction and the action in the address, and its query; records the request."""
        address = urlsplit(self.path)
        place = address.path.partition("/interactions")[2]
        _, ident, action, *_ = [*place.split("/"), "", "", ""]
        known = {name: value for name, value in parse_qs(address.query).items() if name != "key"}
        query = "&".join(f"{name}={value[0]}" for name, value in known.items())
        self._practice.record(f"{self.command} /interactions{place}{f'?{query}' if query else ''}")
        return ident, action, known

    def _find(self, ident: str) -> _Interaction | None:
        """A stored interaction; sends an error if there is none."""
        found = self._practice.find(ident)
        if found is None:
            self._refuse(404, "not_found", "There is no interaction with this ID.")
        return found

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send(status, {"error": {"code": code, "message": message}})

    def _send(self, status: int, value: Any) -> None:
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, interaction: _Interaction, last_event: str) -> None:
        """Send events; a stream that is cut ends without the end of its body."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        cut = self._practice.take_cut()
        for number, event in enumerate(interaction.stream(last_event)):
            if number == cut:
                self.close_connection = True
                return
            self._send_event(event["event_type"], json.dumps(event, ensure_ascii=False))
        self._send_event("done", "[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _send_event(self, name: str, data: str) -> None:
        text = f"event: {name}\ndata: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(text), text))

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _read_json(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _prompt_of(value: Any) -> str:
    """The text of the input of an interaction: of a string, of content, or of the last turn of the user."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    turns = [each for each in value if isinstance(each, dict) and each.get("type") == "user_input"]
    content = turns[-1].get("content") if turns else value
    if not isinstance(content, list):
        return str(content or "")
    texts = (each.get("text") for each in content if isinstance(each, dict) and each.get("type") == "text")
    return "".join(text for text in texts if isinstance(text, str))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
