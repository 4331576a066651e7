"""One HTTP exchange as it went over the wire, and the wait before one; data only, and without a key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["Attempt", "Exchange", "Pause", "clean_headers", "clean_url"]

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
        end: how it ended, in a word: ``eof`` when the answer was read to its end.
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
    end: str | None
    problem: str | None = None
    waited: float = 0.0
    started: float | None = None
    seconds: float | None = None
    size: int = 0


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
        self.pieces: list[tuple[float, bytes]] = []
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
