"""One HTTP exchange as it went over the wire, and the wait before one; data only, and without a key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, overload
from urllib.parse import urlsplit

__all__ = ["Attempt", "Exchange", "Pause", "Pieces", "clean_headers", "clean_url"]

_SHORT = 64  # bytes between two chunks of a usual stream, at most
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


class Pieces(Sequence[tuple[float, bytes]]):
    """What the socket gave: ``(t, bytes)`` for each read, append-only.

    A piece may be kept as the chunks that were found in it and what stands between them, so that the bytes of a chunk
    are held once, by whoever keeps the chunk.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._shares: list[bytes | tuple[bytes, ...]] = []
        self._gap = b""  # what stood between the last two chunks: it is kept once while it stays the same

    def append(self, piece: tuple[float, bytes]) -> None:
        """One more."""
        t, data = piece
        self._times.append(t)
        self._shares.append(data)  # last: as many as there are shares, there are times

    def share(self, chunks: Iterable[bytes]) -> None:
        """Keep the last piece as these chunks, in the order in which they stand in it, and what is between them.

        One that does not stand where it is looked for (a part came before, or it was mended) is passed over: what matters
        is that every byte is kept.
        """
        data = self._shares[-1]
        if isinstance(data, tuple):
            return
        shares, position = list[bytes](), 0
        gap, width, begins = self._gap, len(self._gap), data.startswith
        for chunk in chunks:
            if begins(gap, position) and begins(chunk, position + width):
                between, at = gap, position + width
            else:
                at = data.find(b"{", position)
                if not begins(
                    chunk, max(at, 0)
                ):  # the end of an event that began in another piece comes first
                    at = data.find(gap, position) + width
                    if at < width or not begins(chunk, at):
                        continue
                between = data[position:at]
                if len(between) <= _SHORT:
                    gap, width = between, len(between)
            shares += (between, chunk)
            position = at + len(chunk)
        self._gap = gap
        if shares:
            self._shares[-1] = (*shares, data[position:])

    def __len__(self) -> int:
        return len(self._shares)

    @overload
    def __getitem__(self, key: int) -> tuple[float, bytes]: ...
    @overload
    def __getitem__(self, key: slice) -> list[tuple[float, bytes]]: ...
    def __getitem__(self, key: int | slice) -> tuple[float, bytes] | list[tuple[float, bytes]]:
        rows = range(len(self._shares))[key]
        return self._at(rows) if isinstance(rows, int) else list(map(self._at, rows))

    def _at(self, row: int) -> tuple[float, bytes]:
        data = self._shares[row]
        return self._times[row], data if isinstance(data, bytes) else b"".join(data)

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(len(data) if isinstance(data, bytes) else sum(map(len, data)) for data in self._shares)


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
        self.pieces = Pieces()
        self.end: str | None = None
        self.problem: str | None = None
        self.waited = 0.0
        self.started: float | None = None

    def summary(self) -> Attempt:
        """What it was, without its bytes."""
        pieces = list(self.pieces)  # a copy first: the reader may be appending
        seconds = pieces[-1][0] if pieces else None
        size = sum(len(piece) for _, piece in pieces)
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
            size,
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
