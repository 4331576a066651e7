"""One HTTP exchange as it went over the wire, and the wait before one; data only, and without a key."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from shlex import quote
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ..lazy import LazySequence

__all__ = ["Attempt", "BodyPieces", "Exchange", "Pause", "clean_headers", "clean_url", "curl_of"]

_ARGUMENT: Final = 30_000  # characters of a body on the command line; systems take 128 kB in one argument
_OURS: Final = {
    "host",
    "content-length",
    "user-agent",
    "connection",
    "accept-encoding",
}  # curl writes its own


def curl_of(exchange: Exchange, key: tuple[str, str, str] | None) -> str:
    """The command for a POSIX shell; it streams to the terminal (``-N``).

    Args:
        exchange: what was sent.
        key: the header that carries the key, what stands before it, and the variable; None for no key.
    """
    lines = [f"curl -sS -N -X {exchange.method} {quote(exchange.url)}"]
    lines += [
        f"-H {quote(f'{name}: {value}')}" for name, value in exchange.headers if name.lower() not in _OURS
    ]
    if key is not None:
        header, before, variable = key
        lines.append(f'-H "{header}: {before}${variable}"')
    body = exchange.body.decode("utf-8", "replace")
    if len(body) <= _ARGUMENT:
        return " \\\n  ".join([*lines, *([f"--data-raw {quote(body)}"] if body else [])])
    mark = "JSON"
    while f"\n{mark}\n" in f"\n{body}\n":
        mark += "_"
    return " \\\n  ".join([*lines, f"--data-binary @- <<'{mark}'"]) + f"\n{body}\n{mark}"


_NEAR = 1 << 12  # bytes of a piece in which its first chunk begins
_SECRET_WORDS = ("key", "token", "authorization", "cookie", "secret")


class Pause(NamedTuple):
    """A wait before a request goes out.

    Attributes:
        why: what is waited for, in words.
        until: when it ends, in seconds since the ledger began (``started``).
        attempt, of: which attempt follows and how many there may be, from 1; 0 where nothing has failed.
    """

    why: str
    until: float
    attempt: int = 0
    of: int = 0


class Attempt(NamedTuple):
    """One HTTP exchange of a response, without its bytes.

    Attributes:
        round, attempt: tool round, and attempt within it, from 0.
        url: where it was sent.
        status: the HTTP status, None when no answer came.
        ended: how it ended, in a word: ``eof`` when the answer was read to its end; ``end`` is the same.
        problem: why it brought no answer, in words; None when it did.
        waited: seconds that were waited before it went out, for another try or for its turn.
        started: when it went out, in seconds since the first request was sent; None when it never did.
        seconds: from sending it to the last byte of its answer, None when none came.
        size: bytes of the answer's body, content-encoding undone.
    """

    round: int
    attempt: int
    url: str
    status: int | None
    ended: str | None  # "end" is a word of SQL
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
    """What the socket gave: ``(t, bytes)`` for each read, append-only.

    A piece may be kept as which chunks stand in it and what is around them, so that the bytes of a chunk are held once,
    by whoever keeps the chunks.

    Attributes:
        size: bytes of all.
    """

    def __init__(self) -> None:
        self.size = 0
        self._times = array("d")
        # The bytes of a piece; or what stands before, between and behind the chunks in it.
        self._kept: list[bytes | tuple[bytes, bytes, bytes]] = []
        self._firsts, self._counts = array("i"), array("i")  # which chunks
        self._around = (b"", b"", b"")  # of the last one: mostly it stays the same
        self._chunks: Callable[[range], Sequence[bytes]] = _none

    def append(self, piece: tuple[float, bytes]) -> None:
        """One more."""
        t, data = piece
        self.size += len(data)
        self._times.append(t)
        self._firsts.append(0)
        self._counts.append(0)
        self._kept.append(data)  # last: as many as are kept, there are of the others

    def share(self, chunks: Sequence[bytes], first: int, source: Callable[[range], Sequence[bytes]]) -> None:
        """Keep the last piece as these chunks and what is around them, if that is all that it is.

        Args:
            chunks: what was found in the last piece, in order; the first of them may have begun in a piece before.
            first: the number of the first of them.
            source: gives chunks by their numbers, from now on.
        """
        data = self._kept[-1]
        for skipped in range(min(2, len(chunks))):
            around = _around(data, chunks[skipped:]) if isinstance(data, bytes) else None
            if around is not None:
                self._around = self._around if around == self._around else around
                self._chunks, self._firsts[-1] = source, first + skipped
                self._counts[-1] = len(chunks) - skipped
                self._kept[-1] = self._around
                return

    def __len__(self) -> int:
        return len(self._kept)

    def _items(self, rows: Sequence[int]) -> Iterator[tuple[float, bytes]]:
        return map(self._at, rows)

    def _at(self, row: int) -> tuple[float, bytes]:
        kept = self._kept[row]
        if isinstance(kept, tuple):
            before, between, behind = kept
            first = self._firsts[row]
            kept = before + between.join(self._chunks(range(first, first + self._counts[row]))) + behind
        return self._times[row], kept


def _none(_rows: range) -> Sequence[bytes]:
    return ()


def _around(data: bytes, chunks: Sequence[bytes]) -> tuple[bytes, bytes, bytes] | None:
    """What stands before, between and behind chunks that make up a piece; None when they do not."""
    begin = data.find(chunks[0], 0, len(chunks[0]) + _NEAR)
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
    """One HTTP exchange as it went over the wire: what was sent, and every piece the socket gave.

    Attributes:
        method, url, headers, body: the request; it never holds a key.
        status, reason, http_version, response_headers: the answer's head, None or empty until it came.
        pieces: ``(t, bytes)`` per socket read, body only, content-encoding undone; t in seconds since sent.
        end: how it ended in one word or sentence, None while it runs.
        problem: why it brought no answer, in words; None when it did.
        waited: seconds that were waited before it went out: for another try, or for its turn.
        started: when it went out, in seconds since the first request was sent; None until then.
        round, attempt: tool round and attempt it belongs to.
        backend: the dialect that was spoken, None where nobody said.
        key: how the key travelled: the header, what stands before the key, the variable that holds such a key; None
            when there was none, and in a recording.
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
        """What it was, without its bytes."""
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
    """Headers as they are kept: cookies dropped, anything that may be a credential masked."""
    kept: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in ("set-cookie", "cookie"):
            continue
        shown = "<redacted>" if any(word in lower for word in _SECRET_WORDS) else value
        kept[lower] = f"{kept[lower]}, {shown}" if lower in kept else shown
    return kept


def clean_url(url: str) -> str:
    """The URL with credentials masked."""
    parts = urlsplit(url)
    if not parts.query and "@" not in parts.netloc:
        return url
    pairs = []
    for pair in parts.query.split("&"):
        name = pair.partition("=")[0]
        secret = any(word in name.lower() for word in _SECRET_WORDS)
        pairs.append(f"{name}=redacted" if secret else pair)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="&".join(pairs)).geturl()
