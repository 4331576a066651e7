"""One HTTP exchange as it went over the wire, and the wait before one; data only, and without a key."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from shlex import quote
from typing import Final, NamedTuple, Protocol
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
    """What the socket gave: ``(t, bytes)`` for each read, append-only.

    Of a piece that holds whole chunks only the other bytes are stored here, so that the bytes of a chunk are held once,
    by the ledger. Reading the piece puts both together again.

    Attributes:
        size: bytes of all.
    """

    def __init__(self) -> None:
        self.size = 0
        self._times = array("d")
        # The bytes of a piece; or a tuple of the bytes before, between and after its chunks. Of equal ones between all
        # chunks there is one.
        self._kept: list[bytes | tuple[bytes, ...]] = []
        self._firsts, self._counts = array("i"), array("i")  # which chunks are in it
        self._rest: tuple[
            bytes, ...
        ] = ()  # of the last one: mostly it stays the same, and one object is enough
        self._texts: Callable[[range], Sequence[bytes]] = _no_texts

    def append(self, piece: tuple[float, bytes]) -> None:
        """One more."""
        t, data = piece
        self.size += len(data)
        self._times.append(t)
        self._firsts.append(0)
        self._counts.append(0)
        self._kept.append(data)  # last: as many as are kept, there are of the others

    def share(
        self, items: Sequence[ChunkPosition], first: int, texts: Callable[[range], Sequence[bytes]]
    ) -> None:
        """Store the last piece without the chunks in it. A second call for the same piece changes nothing.

        A piece stays as it is when one of its chunks has other bytes than the body.

        Args:
            items: the chunks that the last piece completed, in order; some may begin in a piece before.
            first: the number of the first of them.
            texts: returns chunks by their numbers, from now on.
        """
        data = self._kept[-1]
        if isinstance(data, tuple):
            return
        start = self.size - len(data)
        within = [item for item in items if item.offset >= start]
        if not within or not all(item.verbatim for item in within):
            return
        parts, position = [], start
        for item in within:
            parts.append(data[position - start : item.offset - start])
            position = item.offset + len(item.raw)
        between = {part: part for part in parts[1:]}
        parts[1:] = between if len(between) == 1 else map(between.__getitem__, parts[1:])
        kept = (*parts, data[position - start :])
        self._rest = self._rest if kept == self._rest else kept
        self._texts = texts
        self._firsts[-1], self._counts[-1] = first + len(items) - len(within), len(within)
        self._kept[-1] = self._rest  # last: from here on, other threads put the piece together

    def __len__(self) -> int:
        return len(self._kept)

    def _some(self, rows: Sequence[int]) -> Iterator[tuple[float, bytes]]:
        return map(self._at, rows)

    def _at(self, row: int) -> tuple[float, bytes]:
        kept = self._kept[row]
        return self._times[row], self._with_chunks(row, kept) if isinstance(kept, tuple) else kept

    def _with_chunks(self, row: int, rest: tuple[bytes, ...]) -> bytes:
        """The bytes of a piece, put together from its chunks and the rest."""
        first, count = self._firsts[row], self._counts[row]
        texts = self._texts(range(first, first + count))
        if count == 1 or len(rest) == 3:  # noqa: PLR2004 - before, between and after them
            return rest[0] + rest[1].join(texts) + rest[-1]
        return b"".join([*chain.from_iterable(zip(rest[:-1], texts, strict=True)), rest[-1]])


def _no_texts(_numbers: range) -> Sequence[bytes]:
    return ()


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
        round: int = 0,  # noqa: A002 - the tables' own word
        attempt: int = 0,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = tuple(headers)
        self.body = body
        self.round = round
        self.attempt = attempt
        self.backend: str | None = None
        self.key: tuple[str, str, str] | None = None
        self.status: int | None = None
        self.reason = ""
        self.http_version = ""
        self.response_headers: tuple[tuple[str, str], ...] = ()
        self.pieces = BodyPieces()
        self.end: str | None = None
        self.problem: str | None = None
        self.waited = 0.0
        self.started: float | None = None

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
