"""One HTTP exchange as it went over the wire; data only, and without a key."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Exchange"]


class Exchange:
    """One HTTP exchange as it went over the wire: what was sent, and every piece the socket gave.

    Attributes:
        method, url, headers, body: the request; it never holds a key.
        status, reason, http_version, response_headers: the answer's head, None or empty until it came.
        pieces: ``(t, bytes)`` per socket read, body only, content-encoding undone; t in seconds since sent.
        end: how it ended in one word or sentence, None while it runs.
        round, attempt: tool round and attempt it belongs to.
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
        self.status: int | None = None
        self.reason = ""
        self.http_version = ""
        self.response_headers: tuple[tuple[str, str], ...] = ()
        self.pieces: list[tuple[float, bytes]] = []
        self.end: str | None = None
