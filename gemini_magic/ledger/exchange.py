"""HTTP exchanges as they went over the wire, without keys, and the wait before one."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from ..lazy import LazySequence
from ..media import StoredMedia
from .tool_runs import ToolRun

__all__ = [
    "REDACTED",
    "Attempt",
    "BodyPieces",
    "Exchange",
    "Pause",
    "ServerRun",
    "Transfer",
    "asking_exchange",
    "clean_headers",
    "clean_url",
]

REDACTED = "<redacted>"
"""Stands in place of a header value that may be a credential."""
# With the address of an upload, anyone could write into the upload.
_UPLOAD_WORDS = ("upload_id", "uploadid", "upload-url", "upload-control")
_SECRET_WORDS = ("key", "token", "authorization", "cookie", "secret", *_UPLOAD_WORDS)


class Pause(NamedTuple):
    """A wait before a request is sent.

    Attributes:
        why: the reason, in words.
        until: when it ends, in seconds since ``Ledger.started``.
        attempt, of: the number of the next attempt and of allowed attempts, from 1; 0 if no attempt has failed.
    """

    why: str
    until: float
    attempt: int = 0
    of: int = 0


class Transfer(NamedTuple):
    """A file on its way to the server, before a request that refers to it.

    Attributes:
        name: the name of the file, for people.
        sent, size: bytes that were sent, and bytes of the file.
        number, of: which of how many files it is, from 1.
        since: when it began, in seconds since ``Ledger.started``.
    """

    name: str
    sent: int
    size: int
    number: int = 1
    of: int = 1
    since: float = 0.0


class ServerRun(NamedTuple):
    """An answer that the server makes at its own time, while no connection is needed.

    Attributes:
        agent: the agent that answers; empty for a model.
        budget: the most tokens that it may use; None without such a limit.
    """

    agent: str = ""
    budget: int | None = None


class Attempt(NamedTuple):
    """One HTTP exchange of a response, without its bytes.

    Attributes:
        round, attempt: tool round, and attempt within it, from 0.
        url: the URL of the request.
        status: the HTTP status; None if no response arrived.
        ended: how it ended: ``eof`` if the response was read to its end; ``end`` is another name of it.
        problem: why it brought no answer, in words; None if it did.
        waited: seconds waited before it was sent, for a retry or a rate limit.
        started: when it was sent, in seconds since the first request was sent; None if it was not sent.
        seconds: from sending it to the last byte of the response; None if no byte arrived.
        size: bytes of the response body after content-decoding.
    """

    round: int
    attempt: int
    url: str
    status: int | None
    ended: str | None  # "end" is a keyword of SQL
    problem: str | None = None
    waited: float = 0.0
    started: float | None = None
    seconds: float | None = None
    size: int = 0

    @property
    def end(self) -> str | None:
        """The same as ``ended``."""
        return self.ended


_LARGE: Final = 64 * 1024  # bytes of a chunk whose pieces are not stored beside it


class ChunkPosition(Protocol):
    """Where in a body a chunk is; see :class:`~gemini_magic.wire.Item`."""

    @property
    def raw(self) -> bytes:
        """The JSON text."""

    @property
    def offset(self) -> int:
        """Where in the body it begins, in bytes."""

    @property
    def verbatim(self) -> bool:
        """Whether the body has these bytes there."""


class BodyPieces(LazySequence[tuple[float, bytes]]):
    """The pieces of a response body: ``(t, bytes)`` for each network read; append-only.

    Of a piece that contains whole chunks only the other bytes are stored here, and nothing of a piece that is a part of a
    large chunk; the ledger stores the bytes of the chunks. Reading the piece puts both together again.

    Attributes:
        size: bytes of all pieces.
    """

    def __init__(self) -> None:
        self.size = 0
        self._times = array("d")
        # The bytes of a piece; or a tuple of the bytes before, between and after its chunks. If those between all chunks
        # are equal, the tuple has them once. Or the range of a large chunk that is the piece.
        self._stored: list[bytes | tuple[bytes, ...] | slice] = []
        self._firsts, self._counts = array("i"), array("i")  # the chunks of each piece
        self._rest: tuple[
            bytes, ...
        ] = ()  # of the last piece; usually equal for all, so one object is enough
        self._texts: Callable[[range], Sequence[bytes]] = _no_texts

    def append(self, piece: tuple[float, bytes]) -> None:
        """Append a piece: its arrival in seconds since the request was sent, and its bytes."""
        t, data = piece
        self.size += len(data)
        self._times.append(t)
        self._firsts.append(0)
        self._counts.append(0)
        self._stored.append(data)  # last, because it determines the length

    def refer_to_chunks(
        self, items: Sequence[ChunkPosition], first: int, texts: Callable[[range], Sequence[bytes]]
    ) -> None:
        """Replace the chunks in the last piece by references. A second call for the same piece changes nothing.

        A piece is stored whole if the bytes of one of its chunks differ from those in the body.

        Args:
            items: the chunks that the last piece completed, in order; the first may begin in an earlier piece.
            first: index of the first chunk.
            texts: returns the bytes of chunks by their indices.
        """
        data = self._stored[-1]
        if not isinstance(data, bytes):
            return
        start = self.size - len(data)
        if items and items[0].offset < start and items[0].verbatim and len(items[0].raw) >= _LARGE:
            self._refer_back(items[0], first, texts, start)
        within = [item for item in items if item.offset >= start]
        if not within or not all(item.verbatim for item in within):
            return
        parts, position = [], start
        for item in within:
            parts.append(data[position - start : item.offset - start])
            position = item.offset + len(item.raw)
        between = {part: part for part in parts[1:]}
        parts[1:] = between if len(between) == 1 else map(between.__getitem__, parts[1:])
        stored = (*parts, data[position - start :])
        self._rest = self._rest if stored == self._rest else stored
        self._texts = texts
        self._firsts[-1], self._counts[-1] = first + len(items) - len(within), len(within)
        self._stored[-1] = self._rest  # last: from here on, other threads put the piece together

    def _refer_back(
        self, item: ChunkPosition, index: int, texts: Callable[[range], Sequence[bytes]], end: int
    ) -> None:
        """Replace the pieces before the last one that are parts of a large chunk, such as a picture.

        Args:
            item: the chunk.
            index: its index.
            texts: returns the bytes of chunks by their indices.
            end: where in the body the last piece begins, in bytes.
        """
        self._texts = texts
        for row in range(len(self._stored) - 2, -1, -1):
            piece = self._stored[row]
            begin = end - len(piece) if isinstance(piece, bytes) else -1
            if begin < item.offset:
                break
            self._firsts[row] = index
            self._stored[row] = slice(begin - item.offset, end - item.offset)
            end = begin

    def __len__(self) -> int:
        return len(self._stored)

    def _items(self, rows: Sequence[int]) -> Iterator[tuple[float, bytes]]:
        return map(self._at, rows)

    def _at(self, row: int) -> tuple[float, bytes]:
        stored = self._stored[row]
        if isinstance(stored, slice):
            (text,) = self._texts(range(self._firsts[row], self._firsts[row] + 1))
            return self._times[row], text[stored]
        return self._times[row], self._with_chunks(row, stored) if isinstance(stored, tuple) else stored

    def _with_chunks(self, row: int, rest: tuple[bytes, ...]) -> bytes:
        """Return the bytes of a piece, put together from its chunks and the other bytes."""
        first, count = self._firsts[row], self._counts[row]
        texts = self._texts(range(first, first + count))
        if count == 1 or len(rest) == 3:  # noqa: PLR2004 - before, between and after them
            return rest[0] + rest[1].join(texts) + rest[-1]
        return b"".join([*chain.from_iterable(zip(rest[:-1], texts, strict=True)), rest[-1]])


def _no_texts(_indices: range) -> Sequence[bytes]:
    return ()


class Exchange:
    """One HTTP request and its response as they went over the wire.

    Attributes:
        method, url, headers, body: the request, without a key; media in the body are references.
        media: the media that the body refers to, by their digest.
        files: the digests of the uploaded files that the body refers to, by their URI.
        status, reason, http_version, response_headers: the head of the response; None or empty until it arrives.
        pieces: the response body after content-decoding, as ``(t, bytes)`` for each network read; t in seconds since the
            request was sent.
        end: how it ended, in a word or two; None while it runs.
        problem: why it brought no answer, in words; None if it did.
        waited: seconds waited before it was sent, for a retry or a rate limit.
        started: when it was sent, in seconds since the first request was sent; None until then.
        round, attempt: the tool round and attempt it belongs to, from 0.
        tool_runs: the function calls in its answer that were taken up; the ledger writes them.
        backend: name of the backend that encoded it; None if it is not known.
        key: how the key was sent: the header, the text before the key, and the variable that holds it; None for a
            request without a key and in a recording.
        column: the label of the column of a comparison that it belongs to; empty outside comparisons.
    """

    def __init__(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        *,
        round: int = 0,  # noqa: A002 - the column's name
        attempt: int = 0,
        backend: str | None = None,
        waited: float = 0.0,
        started: float | None = None,
        media: Mapping[str, StoredMedia] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = tuple(headers)
        self.body = body
        self.media = dict(media or {})
        self.files = dict(files or {})
        self.round = round
        self.attempt = attempt
        self.backend = backend
        self.key: tuple[str, str, str] | None = None
        self.status: int | None = None
        self.reason = ""
        self.http_version = ""
        self.response_headers: tuple[tuple[str, str], ...] = ()
        self.pieces = BodyPieces()
        self.end: str | None = None
        self.problem: str | None = None
        self.waited = waited
        self.started = started
        self.tool_runs: list[ToolRun] = []
        self.column = ""

    @property
    def resumed(self) -> bool:
        """Whether it reads an answer that an earlier request has started, in place of asking for one."""
        return self.method == "GET"

    def mark_sent(self, t: float) -> None:
        """Set when the request was sent, in seconds since the first request was sent."""
        self.started = t

    def set_key(self, header: str, prefix: str, variable: str) -> None:
        """Set how the key travelled, without the key: its header, the text before it, and the variable that holds it."""
        self.key = (header, prefix, variable)

    def set_column(self, label: str) -> None:
        """Set the column of a comparison, unless it is known."""
        self.column = self.column or label

    def set_head(
        self,
        status: int | None,
        *,
        reason: str = "",
        http_version: str = "",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Set the head of the response.

        Args:
            status: the HTTP status.
            reason: the reason phrase.
            http_version: such as ``HTTP/1.1``.
            headers: names and values, without cookies.
        """
        self.reason, self.http_version = reason, http_version
        self.response_headers = tuple(headers)
        self.status = status  # last: a thread that sees the status sees the whole head

    def finish(self, end: str, problem: str | None = None) -> None:
        """Set how it ended.

        Args:
            end: ``eof`` when the response was read to its end, or what happened instead.
            problem: why it brought no answer; None when it did.
        """
        self.problem = problem
        self.end = end

    def summary(self) -> Attempt:
        """Return the exchange as a row of ``Response.attempts``."""
        seconds = self.pieces[-1][0] if self.pieces else None
        return Attempt(
            self.round,
            self.attempt,
            self.url,
            self.status,
            self.end,
            self.problem,
            self.waited,
            self.started,
            seconds,
            self.pieces.size,
        )


def clean_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers without cookies and with possible credentials replaced; names are in lower case."""
    cleaned: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in ("set-cookie", "cookie"):
            continue
        shown = REDACTED if any(word in lower for word in _SECRET_WORDS) else value
        cleaned[lower] = f"{cleaned[lower]}, {shown}" if lower in cleaned else shown
    return cleaned


def clean_url(url: str) -> str:
    """Return the URL with credentials replaced; of a URL that cannot be parsed, only the part before its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0].rpartition("@")[2]
    if not parts.query and "@" not in parts.netloc:
        return url
    pairs = []
    for pair in parts.query.split("&"):
        name = pair.partition("=")[0]
        secret = any(word in name.lower() for word in _SECRET_WORDS)
        pairs.append(f"{name}=redacted" if secret else pair)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="&".join(pairs)).geturl()


def asking_exchange(exchanges: Sequence[Exchange]) -> Exchange:
    """The last exchange that asked the model; the last of all if another process or cell asked it."""
    return next((each for each in reversed(exchanges) if not each.resumed), exchanges[-1])
