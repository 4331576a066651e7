"""Recordings: what went over the wire as JSON lines, appended while it happens and readable after a kill.

It writes and reads files of one format (and exports two others); it does not decide what is recorded, and never
sees a key, because requests hold none.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..errors import RecordingError
from ..ledger import Exchange
from ..wire import TraceExchange, httprr

__all__ = ["VERSION", "Recorder", "read_recording", "write_recording"]

VERSION = 1
_SECRET_WORDS = ("key", "token", "authorization", "cookie", "secret")
_COMPLETE = "eof"


def _clean_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers as they are kept: cookies dropped, anything that may be a credential masked."""
    kept = {}
    for name, value in headers:
        lower = name.lower()
        if lower in ("set-cookie", "cookie"):
            continue
        kept[lower] = "<redacted>" if any(word in lower for word in _SECRET_WORDS) else value
    return kept


def _payload(piece: bytes) -> dict[str, str]:
    try:
        return {"text": piece.decode("utf-8")}
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(piece).decode()}


def _head(number: int, exchange: Exchange) -> dict[str, Any]:
    request = {
        "method": exchange.method,
        "url": exchange.url,
        "headers": _clean_headers(exchange.headers),
        "body": exchange.body.decode("utf-8", "replace"),
    }
    return {"v": VERSION, "exchange": number, "request": request}


def _status(number: int, exchange: Exchange) -> dict[str, Any]:
    return {
        "exchange": number,
        "status": exchange.status,
        "headers": _clean_headers(exchange.response_headers),
    }


class Recorder:
    """Appends exchanges to a file, a line at a time, each flushed.

    A file that cannot be written stops the recording, never the stream; ``problem`` then says why.

    Args:
        path: the file; folders are made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self._file: IO[str] | None = None
        self._lock = threading.Lock()
        self._number = -1

    def begin(self, exchange: Exchange) -> None:
        """A request goes out."""
        if self._file is None and self.problem is None:
            self._open()
        self._number += 1
        self._write(_head(self._number, exchange))

    def head(self, exchange: Exchange) -> None:
        """The head of its answer came."""
        self._write(_status(self._number, exchange))

    def piece(self, t: float, piece: bytes) -> None:
        """A piece of its body came, ``t`` seconds after the request was sent."""
        self._write({"exchange": self._number, "t": round(t, 6), **_payload(piece)})

    def end(self, how: str) -> None:
        """It is over; ``how`` is ``eof`` or says what happened."""
        self._write({"exchange": self._number, "end": how})

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(OSError):
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                self._number = _last_number(self.path)
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            self.problem = f"{self.path.name} cannot be written: {error.strerror or error}"

    def _write(self, line: dict[str, Any]) -> None:
        with self._lock:
            if self._file is None:
                return
            try:
                self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
                self._file.flush()
            except OSError as error:
                self.problem = f"{self.path.name} could not be written to its end: {error.strerror or error}"
                with suppress(OSError):
                    self._file.close()
                self._file = None


def _last_number(path: Path) -> int:
    """The number of the last exchange in a file, -1 for an empty one; a line cut by a kill is closed."""
    last = -1
    text = path.read_text("utf-8", "replace")
    for line in text.splitlines():
        with suppress(ValueError):
            last = max(last, int(json.loads(line).get("exchange", -1)))
    if text and not text.endswith("\n"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")
    return last


# -- reading and writing whole files ---------------------------------------------------------------------------


def read_recording(path: Path) -> list[Exchange]:
    """The exchanges of a recording: ``.jsonl``, ``.httprr``, ``.httprr.gz`` or ``.sse``.

    Raises:
        RecordingError: there is no such file, or it is not a recording.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(
            f"The recording {path} cannot be read: {error.strerror or error}.",
            remedy="Check the file's name.",
        ) from None
    name = path.name.lower()
    if name.endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError):
            raise RecordingError(
                f"{path.name} is not a gzip file.", remedy="Check the file's name."
            ) from None
        name = name.removesuffix(".gz")
    if name.endswith(".httprr") or data.startswith(b"httprr trace v1"):
        return [_from_trace(trace) for trace in httprr.parse(data)]
    if name.endswith(".sse"):
        exchange = Exchange("POST", "", (), b"")
        exchange.status, exchange.pieces, exchange.end = 200, [(0.0, data)], _COMPLETE
        return [exchange]
    return _from_lines(path.name, data)


def _from_lines(name: str, data: bytes) -> list[Exchange]:
    found: dict[int, Exchange] = {}
    lines = data.decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            _apply(value, found)
        except (ValueError, KeyError, TypeError, AttributeError):
            if number == len(lines):  # the writer was killed in mid-line
                break
            raise RecordingError(
                f"{name}, line {number} is not a line of a recording.",
                remedy="Recordings are written by --record or Response.save; this may be another file.",
            ) from None
    if not found:
        raise RecordingError(f"{name} holds no exchange.", remedy="Record one with --record FILE.")
    return [found[number] for number in sorted(found)]


def _apply(value: dict[str, Any], found: dict[int, Exchange]) -> None:
    number = int(value["exchange"])
    if "request" in value:
        if value.get("v") != VERSION:
            raise RecordingError(
                f"The recording has version {value.get('v')!r}; this version reads {VERSION}.",
                remedy="Update gemini_magic.",
            )
        request = value["request"]
        found[number] = Exchange(
            request["method"],
            request["url"],
            tuple(request["headers"].items()),
            request["body"].encode("utf-8", "replace"),
        )
        return
    exchange = found[number]
    if "status" in value:
        exchange.status = None if value["status"] is None else int(value["status"])
        exchange.response_headers = tuple(value.get("headers", {}).items())
    elif "t" in value:
        piece = value["text"].encode("utf-8") if "text" in value else base64.b64decode(value["b64"])
        exchange.pieces.append((float(value["t"]), piece))
    elif "end" in value:
        exchange.end = str(value["end"])


def _from_trace(trace: TraceExchange) -> Exchange:
    exchange = Exchange(
        trace.method, trace.url, tuple(_clean_headers(trace.request_headers).items()), trace.request_body
    )
    exchange.status, exchange.reason, exchange.http_version = trace.status, trace.reason, trace.http_version
    exchange.response_headers = tuple(_clean_headers(trace.headers).items())
    exchange.pieces = [(0.0, trace.body)]
    exchange.end = _COMPLETE
    return exchange


def write_recording(path: Path, exchanges: Sequence[Exchange]) -> None:
    """Write exchanges as ``.jsonl`` (all), ``.httprr`` (no times) or ``.sse`` (the last body alone).

    Raises:
        RecordingError: the suffix is not known, there is nothing to write, or the file cannot be written.
    """
    if not exchanges:
        raise RecordingError("There is nothing to save yet.", remedy="Wait for the first bytes.")
    makers = {".jsonl": _to_lines, ".httprr": _to_trace, ".sse": _to_body}
    if path.suffix not in makers:
        raise RecordingError(f"{path.name} has no known ending.", remedy=f"Use one of {', '.join(makers)}.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(makers[path.suffix](exchanges))
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be written: {error.strerror or error}.", remedy="Choose another folder."
        ) from None


def _to_lines(exchanges: Sequence[Exchange]) -> bytes:
    lines: list[dict[str, Any]] = []
    for number, exchange in enumerate(exchanges):
        lines.append(_head(number, exchange))
        if exchange.status is not None:
            lines.append(_status(number, exchange))
        lines.extend(
            {"exchange": number, "t": round(t, 6), **_payload(piece)} for t, piece in list(exchange.pieces)
        )
        if exchange.end is not None:
            lines.append({"exchange": number, "end": exchange.end})
    return "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines
    ).encode()


def _to_trace(exchanges: Sequence[Exchange]) -> bytes:
    return httprr.render(
        [
            TraceExchange(
                method=exchange.method,
                url=exchange.url,
                request_headers=tuple(_clean_headers(exchange.headers).items()),
                request_body=exchange.body,
                status=exchange.status or 0,
                reason=exchange.reason,
                http_version=exchange.http_version or "HTTP/1.1",
                headers=tuple(_clean_headers(exchange.response_headers).items()),
                body=b"".join(piece for _, piece in exchange.pieces),
            )
            for exchange in exchanges
            if exchange.status is not None
        ]
    )


def _to_body(exchanges: Sequence[Exchange]) -> bytes:
    return b"".join(piece for _, piece in exchanges[-1].pieces)
