r"""The lines of a recording: exchanges as JSON lines, and back.

    {"v":1,"exchange":0,"request":{"method":…,"url":…,"headers":{…},"body":"…"}}
    {"exchange":0,"status":200,"headers":{…}}
    {"exchange":0,"t":0.731,"text":"data: …"}      a piece of the body as it arrived; "b64" when it is not UTF-8
    {"exchange":0,"end":"eof"}                     how it ended; absent when the writer was killed

A request with media has version 2. Its body contains references, and the bytes of each medium are in the file once:

    {"v":2,"media":"DIGEST","type":"image/png","size":781459,"b64":"…"}       "b64" is absent where they were not kept
    {"v":2,"exchange":0,"request":{…,"body":"…\"data\":\"sha256:DIGEST\"…","media":{"DIGEST":{"type":…,"size":…}}}}

The calls of functions in an answer have version 3. They follow the end of the exchange with the answer:

    {"v":3,"exchange":0,"tool":{"number":0,"name":…,"args":…,"state":"done","started":…,"seconds":…,"response":…}}

What was sent back is in ``response``, without media, which are in the request of the next round.

``files`` of such a request holds the digests of uploaded files by their URI. Version 1 has the base64 text in the body;
it is replaced by references when it is read.

An exchange that resumes a stored answer has the method GET. Its body repeats a part of the exchange before, which is left out
when it is read.

The request line names a dialect other than Gemini's own, as ``"backend":"gateway"``, and the column of a comparison, as
``"column":"LABEL"``. For a request that was not the first it holds ``attempt`` and ``round``, the seconds it ``waited``, when it
``started``, and ``first``, the number of the first exchange of the same answer: answers that are recorded at the same time are
told apart by it. The last line of an exchange
without an answer holds the reason, as ``"problem":"…"``. Times are in seconds since the request was sent. Lines of several
exchanges may be interleaved. Cookies and credentials are never written. The module opens no file.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from math import isfinite
from types import MappingProxyType
from typing import Any

import msgspec

from ..content import Blob
from ..errors import RecordingError
from ..ledger import Exchange, clean_headers, clean_url
from ..media import StoredMedia, base64_pieces, base64_size, collapse_media
from .tool_lines import ToolLine, tool_line, tool_run

__all__ = [
    "VERSION",
    "ExchangeLines",
    "RecordedExchange",
    "dump",
    "highest_number",
    "media_line",
    "parse_recording",
    "recorded_media",
]

VERSION = 2
_FIRST_VERSION = 1  # of requests without media
_TOOL_VERSION = 3  # of calls
_MAX_MEDIA = 20_000_000  # bytes of a medium that a recording keeps
_MEDIA = re.compile(rb'^\{"v": ?\d+, ?"media": ?"([0-9a-f]{64})"', re.MULTILINE)
_NUMBER = re.compile(rb'^\{(?:"v": ?\d+, ?)?"exchange": ?(\d+)', re.MULTILINE)


class RecordedExchange(Exchange):
    """An exchange from a file.

    Attributes:
        missing: a sentence about what the file does not hold, or empty.
        number: its number in the recording.
        first: the number of the first exchange of the same answer; None if the recording does not say so.
    """

    missing = ""
    number = 0
    first: int | None = None


def _bytes(data: bytes, text: str, encoded: str) -> dict[str, str]:
    try:
        return {text: data.decode("utf-8")}
    except UnicodeDecodeError:
        return {encoded: base64.b64encode(data).decode()}


def _request_line(number: int, exchange: Exchange, first: int) -> dict[str, Any]:
    request = {
        "method": exchange.method,
        "url": clean_url(exchange.url),
        "headers": clean_headers(exchange.headers),
        **_bytes(exchange.body, "body", "body_b64"),
    }
    order: dict[str, float] = {
        name: n for name, n in (("round", exchange.round), ("attempt", exchange.attempt)) if n
    }
    order |= {
        name: round(t, 6) for name, t in (("waited", exchange.waited), ("started", exchange.started)) if t
    }
    order |= {"first": first} if exchange.round or exchange.attempt else {}
    dialect = {} if exchange.backend in (None, "gemini") else {"backend": exchange.backend}
    request |= (
        {"media": {each.digest: _kind(each) for each in exchange.media.values()}} if exchange.media else {}
    )
    request |= {"files": dict(exchange.files)} if exchange.files else {}
    column = {"column": exchange.column} if exchange.column else {}
    version = VERSION if exchange.media or exchange.files else _FIRST_VERSION
    return {"v": version, "exchange": number, **order, **dialect, **column, "request": request}


def _kind(media: StoredMedia) -> dict[str, Any]:
    return {"type": media.mime_type, "size": media.size}


def media_line(media: StoredMedia) -> bytearray:
    """The line of a medium, with its line end; its bytes are left out if they are too many.

    The line is the only copy of the medium that is made.
    """
    head = dump({"v": VERSION, "media": media.digest, **_kind(media)})
    if media.data is None or media.size > _MAX_MEDIA:
        return bytearray(head)
    start, end = head[:-2] + b',"b64":"', b'"}\n'
    pieces = base64_pieces(media.data)
    line = bytearray(len(start) + base64_size(media.size) + len(end))
    position = 0
    for piece in chain((start,), pieces, (end,)):
        line[position : position + len(piece)] = piece
        position += len(piece)
    return line


def _head_line(number: int, exchange: Exchange) -> dict[str, Any]:
    texts = {"reason": exchange.reason, "http": exchange.http_version}
    return {
        "exchange": number,
        "status": exchange.status,
        **{name: text for name, text in texts.items() if text},
        "headers": clean_headers(exchange.response_headers),
    }


def _piece_line(number: int, t: float, piece: bytes) -> dict[str, Any]:
    return {"exchange": number, "t": round(t, 6), **_bytes(piece, "text", "b64")}


def _end_line(number: int, how: str, problem: str | None) -> dict[str, Any]:
    return {"exchange": number, "end": how, **({"problem": problem} if problem else {})}


def dump(line: dict[str, Any]) -> bytes:
    """The bytes of one line, with its line end."""
    try:
        return msgspec.json.encode(line) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, for instance in a header
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


class ExchangeLines:
    """Makes the lines of one exchange, each of them once. The exchange may grow meanwhile, on another thread.

    Every recording is made of these lines: files that are written while a stream runs, exports and the journal.

    Args:
        number: number of the exchange in its recording.
        exchange: the exchange.
        first: the number of the first exchange of the same answer.

    Attributes:
        complete: whether the last line was made.
    """

    def __init__(self, number: int, exchange: Exchange, first: int = 0) -> None:
        self.complete = False
        self._number = number
        self._first = first
        self._exchange = exchange
        self._has_request = self._has_head = False
        self._pieces = 0
        self._tools = 0  # calls that were written

    @property
    def has_calls(self) -> bool:
        """Whether there are calls in the answer that were not written."""
        return self.complete and self._tools < len(self._exchange.tool_runs)

    def new(self, *, default_end: str | None = None) -> Iterator[dict[str, Any]]:
        """Make the lines that are new. The next call continues an iterator that was left early.

        Args:
            default_end: the ending to write for an exchange that has none; None to leave it open.
        """
        number, exchange = self._number, self._exchange
        end = exchange.end or default_end  # read first: all pieces are there once it is set
        if not self._has_request:
            self._has_request = True
            yield _request_line(number, exchange, self._first)
        if exchange.status is not None and not self._has_head:
            self._has_head = True
            yield _head_line(number, exchange)
        while self._pieces < len(exchange.pieces):
            self._pieces += 1
            yield _piece_line(number, *exchange.pieces[self._pieces - 1])
        if end is not None and not self.complete:
            self.complete = True
            yield _end_line(number, end, exchange.problem)
        while self.complete and self._tools < len(exchange.tool_runs):
            run = exchange.tool_runs[self._tools]
            if run.is_open:
                return
            self._tools += 1
            yield {"v": _TOOL_VERSION, "exchange": number, "tool": tool_line(run)}


def highest_number(data: bytes) -> int:
    """The highest number of an exchange in a file; -1 when there is none."""
    return max((int(found[1]) for found in _NUMBER.finditer(data)), default=-1)


def recorded_media(data: bytes) -> set[str]:
    """The digests of the media in a file."""
    return {found[1].decode() for found in _MEDIA.finditer(data)}


def parse_recording(
    name: str, data: bytes, media: Mapping[str, StoredMedia] = MappingProxyType({})
) -> list[Exchange]:
    """Parse a recording. A line that is not complete is left out; ``missing`` of the exchange before it mentions that.

    Args:
        name: the name of the recording, for errors.
        data: its bytes.
        media: media that are not in the recording itself, by their digest.

    Raises:
        RecordingError: the data is not a recording, or has another version.
    """
    found: dict[int, RecordedExchange] = {}
    known = dict(media)
    calls: list[tuple[int, ToolLine]] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if "tool" in value:
                calls.append((int(value["exchange"]), value["tool"]))
            else:
                _apply(value, found, known)
        except (ValueError, KeyError, TypeError, AttributeError):
            if not found:
                raise RecordingError(
                    f"{name} is not a recording: line {number} is not valid.",
                    remedy="Choose a file that --record or Response.save has written.",
                ) from None
            latest = list(found.values())[-1]
            latest.missing = f"Line {number} of {name} is incomplete and was left out; the program that wrote it may have been killed."
    if not found:
        raise RecordingError(f"{name} contains no exchange.", remedy="Record one with --record FILE.")
    for exchange_number, call in calls:
        exchange = found.get(exchange_number)
        run = None if exchange is None else tool_run(call, exchange.round, known)
        if exchange is not None and run is not None:
            exchange.tool_runs.append(run)
    return list(found.values())


def _finite(value: Any, default: Any) -> Any:
    """A number of seconds; ``default`` when it is infinite or not a number."""
    seconds = float(value)
    return seconds if isfinite(seconds) else default


def _without_data(digest: str, kind: dict[str, Any]) -> StoredMedia:
    return StoredMedia(digest, str(kind["type"]), int(kind["size"]))


def _read_media(value: dict[str, Any]) -> StoredMedia:
    """The medium of a line; without its bytes if they do not have the digest of the line."""
    named = _without_data(str(value["media"]), value)
    if "b64" not in value:
        return named
    blob = Blob(named.mime_type, base64.b64decode(value["b64"]))
    return named._replace(data=blob.data) if blob.digest == named.digest else named


def _apply(value: dict[str, Any], found: dict[int, RecordedExchange], media: dict[str, StoredMedia]) -> None:
    if "media" in value:
        each = _read_media(value)
        media[each.digest] = each
        return
    number = int(value["exchange"])
    if "request" in value:
        if value.get("v") not in (_FIRST_VERSION, VERSION):
            raise RecordingError(
                f"The recording has format version {value.get('v')!r}; this gemini_magic reads versions 1 to 3.",
                remedy="Update gemini_magic.",
            )
        request = value["request"]
        body = base64.b64decode(request["body_b64"]) if "body_b64" in request else request["body"].encode()
        body, known = collapse_media(body)
        named = {digest: _without_data(digest, kind) for digest, kind in request.get("media", {}).items()}
        files = {str(uri): str(digest) for uri, digest in request.get("files", {}).items()}
        headers = tuple(request["headers"].items())
        attempt = int(value.get("attempt", 0))
        first = None if attempt else 0.0  # older recordings do not hold when a later one started
        found[number] = RecordedExchange(
            request["method"],
            request["url"],
            headers,
            body,
            round=int(value.get("round", 0)),
            attempt=attempt,
            backend=value.get("backend"),
            waited=_finite(value.get("waited", 0.0), 0.0),
            started=_finite(value["started"], first) if "started" in value else first,
            media={**named, **{digest: media[digest] for digest in named if digest in media}, **known},
            files=files,
        )
        found[number].number = number
        found[number].first = int(value["first"]) if "first" in value else None
        found[number].column = str(value.get("column", ""))
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
        previous = exchange.pieces[-1][0] if exchange.pieces else 0.0
        exchange.pieces.append((_finite(value["t"], previous), piece))
    elif "end" in value:
        exchange.finish(str(value["end"]), value.get("problem"))
