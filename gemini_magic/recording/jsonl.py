"""The lines of a recording, version 1: exchanges as JSON lines, and back.

It knows the format and what must not be in it (cookies, credentials); it opens no file.

    {"v":1,"exchange":0,"request":{"method":…,"url":…,"headers":{…},"body":"…"}}
    {"exchange":0,"status":200,"headers":{…}}
    {"exchange":0,"t":0.731,"text":"data: …"}      a piece as the connection gave it; "b64" when it is not UTF-8
    {"exchange":0,"end":"eof"}                     or what happened; absent when the writer was killed

A dialect other than Gemini's own stands beside the request, as ``"backend":"gateway"``; so do ``waited`` and ``started``
of a request that was not the first. The last line of one that brought no answer says why, as ``"problem":"…"``. Times are seconds since the request was sent. Lines of several exchanges may stand between each other.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

import msgspec

from ..errors import RecordingError
from ..ledger import Exchange, clean_headers, clean_url

__all__ = [
    "VERSION",
    "Recorded",
    "clean_headers",
    "clean_url",
    "dump",
    "end_line",
    "head_line",
    "last_number",
    "lines_of",
    "parse",
    "piece_line",
    "request_line",
]

VERSION = 1
_NUMBER = re.compile(rb'^\{(?:"v": ?\d+, ?)?"exchange": ?(\d+)', re.MULTILINE)


class Recorded(Exchange):
    """An exchange from a file; ``lacks`` says what the file does not tell, in a sentence, or is empty."""

    lacks = ""


def _bytes(data: bytes, text: str, encoded: str) -> dict[str, str]:
    try:
        return {text: data.decode("utf-8")}
    except UnicodeDecodeError:
        return {encoded: base64.b64encode(data).decode()}


def request_line(number: int, exchange: Exchange) -> dict[str, Any]:
    """What was asked."""
    request = {
        "method": exchange.method,
        "url": clean_url(exchange.url),
        "headers": clean_headers(exchange.headers),
        **_bytes(exchange.body, "body", "body_b64"),
    }
    tries: dict[str, float] = {
        name: n for name, n in (("round", exchange.round), ("attempt", exchange.attempt)) if n
    }
    tries |= {
        name: round(t, 6) for name, t in (("waited", exchange.waited), ("started", exchange.started)) if t
    }
    spoken = {} if exchange.backend in (None, "gemini") else {"backend": exchange.backend}
    return {"v": VERSION, "exchange": number, **tries, **spoken, "request": request}


def head_line(number: int, exchange: Exchange) -> dict[str, Any]:
    """The head of the answer."""
    words = {"reason": exchange.reason, "http": exchange.http_version}
    return {
        "exchange": number,
        "status": exchange.status,
        **{name: word for name, word in words.items() if word},
        "headers": clean_headers(exchange.response_headers),
    }


def piece_line(number: int, t: float, piece: bytes) -> dict[str, Any]:
    """A piece of the body and when it came."""
    return {"exchange": number, "t": round(t, 6), **_bytes(piece, "text", "b64")}


def end_line(number: int, how: str, problem: str | None = None) -> dict[str, Any]:
    """How it ended, and why it brought no answer."""
    return {"exchange": number, "end": how, **({"problem": problem} if problem else {})}


def dump(line: dict[str, Any]) -> bytes:
    """One line of the file."""
    try:
        return msgspec.json.encode(line) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, in a header say
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def lines_of(number: int, exchange: Exchange) -> Iterator[dict[str, Any]]:
    """All lines of an exchange."""
    yield request_line(number, exchange)
    if exchange.status is not None:
        yield head_line(number, exchange)
    for t, piece in list(exchange.pieces):
        yield piece_line(number, t, piece)
    if exchange.end is not None:
        yield end_line(number, exchange.end, exchange.problem)


def last_number(data: bytes) -> int:
    """The highest number of an exchange in a file, -1 when there is none."""
    return max((int(found[1]) for found in _NUMBER.finditer(data)), default=-1)


def parse(name: str, data: bytes) -> list[Exchange]:
    """The exchanges of a recording called ``name``; a line that its writer did not finish is left out, and said.

    Raises:
        RecordingError: it is not a recording, or one of another version.
    """
    found: dict[int, Recorded] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            _apply(json.loads(line), found)
        except (ValueError, KeyError, TypeError, AttributeError):
            if not found:
                raise RecordingError(
                    f"{name}, line {number} is not a line of a recording.",
                    remedy="Recordings are written by --record or Response.save; this may be another file.",
                ) from None
            latest = list(found.values())[-1]
            latest.lacks = (
                f"Line {number} of {name} is broken and was left out, as if its writer had been killed."
            )
    if not found:
        raise RecordingError(f"{name} holds no exchange.", remedy="Record one with --record FILE.")
    return list(found.values())


def _finite(value: Any, instead: Any) -> Any:
    """Seconds; something else in place of a time without end, or of none."""
    seconds = float(value)
    return seconds if isfinite(seconds) else instead


def _apply(value: dict[str, Any], found: dict[int, Recorded]) -> None:
    number = int(value["exchange"])
    if "request" in value:
        if value.get("v") != VERSION:
            raise RecordingError(
                f"The recording has version {value.get('v')!r}; this version reads {VERSION}.",
                remedy="Update gemini_magic.",
            )
        request = value["request"]
        body = base64.b64decode(request["body_b64"]) if "body_b64" in request else request["body"].encode()
        headers = tuple(request["headers"].items())
        tries = {"round": int(value.get("round", 0)), "attempt": int(value.get("attempt", 0))}
        first = None if tries["attempt"] else 0.0  # when a later one went out, older recordings do not tell
        found[number] = Recorded(
            request["method"],
            request["url"],
            headers,
            body,
            **tries,
            backend=value.get("backend"),
            waited=_finite(value.get("waited", 0.0), 0.0),
            started=_finite(value["started"], first) if "started" in value else first,
        )
        return
    exchange = found[number]
    if "status" in value:
        exchange.set_head(
            None if value["status"] is None else int(value["status"]),
            reason=value.get("reason", ""),
            http_version=value.get("http", ""),
            headers=value.get("headers", {}).items(),
        )
    elif "t" in value:
        piece = value["text"].encode() if "text" in value else base64.b64decode(value["b64"])
        former = exchange.pieces[-1][0] if exchange.pieces else 0.0
        exchange.pieces.append((_finite(value["t"], former), piece))
    elif "end" in value:
        exchange.finish(str(value["end"]), value.get("problem"))
