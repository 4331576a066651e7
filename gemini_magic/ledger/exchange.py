"""HTTP exchanges as they went over the wire, without keys, and the wait before one."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from shlex import quote
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ..lazy import LazySequence

__all__ = ["Attempt", "BodyPieces", "Exchange", "Pause", "clean_headers", "clean_url", "curl_of"]

_SEARCHED = 1 << 12  # bytes of a piece in which its first chunk begins
_SECRET_WORDS = ("key", "token", "authorization", "cookie", "secret")


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


class BodyPieces(LazySequence[tuple[float, bytes]]):
    """The pieces of a response body: ``(t, bytes)`` for each network read; append-only.

    A piece can be stored as references to its chunks and the bytes around them, so that the bytes of a chunk are stored
    only once, in the table of chunks.

    Attributes:
        size: bytes of all pieces.
    """

    def __init__(self) -> None:
        self.size = 0
        self._times = array("d")
        # The bytes of a piece, or the bytes before, between and after its chunks.
        self._stored: list[bytes | tuple[bytes, bytes, bytes]] = []
        self._firsts, self._counts = array("i"), array("i")  # the chunks of each piece
        self._around = (b"", b"", b"")  # of the last piece; usually equal for all
        self._chunks: Callable[[range], Sequence[bytes]] = _no_chunks

    def append(self, piece: tuple[float, bytes]) -> None:
        """Append a piece: its arrival in seconds since the request was sent, and its bytes."""
        t, data = piece
        self.size += len(data)
        self._times.append(t)
        self._firsts.append(0)
        self._counts.append(0)
        self._stored.append(data)  # last, because it determines the length

    def share(self, chunks: Sequence[bytes], first: int, source: Callable[[range], Sequence[bytes]]) -> None:
        """Store the last piece as references to chunks, if it consists of them and the bytes around them.

        Args:
            chunks: the chunks that ended in the last piece, in order; the first may have begun in an earlier piece.
            first: index of the first chunk.
            source: returns the bytes of chunks by their indices.
        """
        data = self._stored[-1]
        for skipped in range(min(2, len(chunks))):
            around = _around(data, chunks[skipped:]) if isinstance(data, bytes) else None
            if around is not None:
                self._around = self._around if around == self._around else around
                self._chunks, self._firsts[-1] = source, first + skipped
                self._counts[-1] = len(chunks) - skipped
                self._stored[-1] = self._around
                return

    def __len__(self) -> int:
        return len(self._stored)

    def _items(self, rows: Sequence[int]) -> Iterator[tuple[float, bytes]]:
        return map(self._at, rows)

    def _at(self, row: int) -> tuple[float, bytes]:
        stored = self._stored[row]
        if isinstance(stored, tuple):
            before, between, after = stored
            first = self._firsts[row]
            stored = before + between.join(self._chunks(range(first, first + self._counts[row]))) + after
        return self._times[row], stored


def _no_chunks(_rows: range) -> Sequence[bytes]:
    return ()


def _around(data: bytes, chunks: Sequence[bytes]) -> tuple[bytes, bytes, bytes] | None:
    """Return the bytes before, between and after the chunks of a piece; None if other bytes are in it."""
    begin = data.find(chunks[0], 0, len(chunks[0]) + _SEARCHED)
    if begin < 0:
        return None
    end, between = begin + len(chunks[0]), b""
    if len(chunks) > 1:
        after = data.find(chunks[1], end)
        between = data[end:after] if after >= 0 else b""
    size = sum(map(len, chunks)) + len(between) * (len(chunks) - 1)
    around = data[:begin], between, data[begin + size :]
    return around if b"".join((around[0], between.join(chunks), around[2])) == data else None


class Exchange:
    """One HTTP request and its response as they went over the wire.

    Attributes:
        method, url, headers, body: the request, without a key.
        status, reason, http_version, response_headers: the head of the response; None or empty until it arrives.
        pieces: the response body after content-decoding, as ``(t, bytes)`` for each network read; t in seconds since the
            request was sent.
        end: how it ended, in a word or two; None while it runs.
        problem: why it brought no answer, in words; None if it did.
        waited: seconds waited before it was sent, for a retry or a rate limit.
        started: when it was sent, in seconds since the first request was sent; None until then.
        round, attempt: the tool round and attempt it belongs to, from 0.
        backend: name of the backend that encoded it; None if it is not known.
        key: how the key was sent: the header, the text before the key, and the variable that holds it; None for a
            request without a key and in a recording.
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
    ) -> None:
        self.method = method
        self.url = url
        self.headers = tuple(headers)
        self.body = body
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

    def mark_sent(self, t: float) -> None:
        """Set when the request was sent, in seconds since the first request was sent."""
        self.started = t

    def set_key(self, header: str, prefix: str, variable: str) -> None:
        """Set how the key travelled, without the key: its header, the text before it, and the variable that holds it."""
        self.key = (header, prefix, variable)

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


_MAX_ARGUMENT: Final = 30_000  # characters of a body in one argument; Linux allows 128 kB
_CURL_HEADERS: Final = {
    "host",
    "content-length",
    "user-agent",
    "connection",
    "accept-encoding",
}  # set by curl


def curl_of(exchange: Exchange, key: tuple[str, str, str] | None) -> str:
    """Return the POSIX shell command that sends the request of an exchange and streams the answer (``-N``).

    Args:
        exchange: the exchange.
        key: the header that carries the key, the text before the key, and the variable that holds it; None for no key.
    """
    lines = [f"curl -sS -N -X {exchange.method} {quote(exchange.url)}"]
    lines += [
        f"-H {quote(f'{name}: {value}')}"
        for name, value in exchange.headers
        if name.lower() not in _CURL_HEADERS
    ]
    if key is not None:
        header, prefix, variable = key
        lines.append(f'-H "{header}: {prefix}${variable}"')
    body = exchange.body.decode("utf-8", "replace")
    if len(body) <= _MAX_ARGUMENT:
        return " \\\n  ".join([*lines, *([f"--data-raw {quote(body)}"] if body else [])])
    delimiter = "JSON"
    while f"\n{delimiter}\n" in f"\n{body}\n":
        delimiter += "_"
    return " \\\n  ".join([*lines, f"--data-binary @- <<'{delimiter}'"]) + f"\n{body}\n{delimiter}"


def clean_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers without cookies and with possible credentials replaced; names are in lower case."""
    cleaned: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in ("set-cookie", "cookie"):
            continue
        shown = "<redacted>" if any(word in lower for word in _SECRET_WORDS) else value
        cleaned[lower] = f"{cleaned[lower]}, {shown}" if lower in cleaned else shown
    return cleaned


def clean_url(url: str) -> str:
    """Return the URL with credentials replaced."""
    parts = urlsplit(url)
    if not parts.query and "@" not in parts.netloc:
        return url
    pairs = []
    for pair in parts.query.split("&"):
        name = pair.partition("=")[0]
        secret = any(word in name.lower() for word in _SECRET_WORDS)
        pairs.append(f"{name}=redacted" if secret else pair)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="&".join(pairs)).geturl()
