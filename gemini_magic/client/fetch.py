"""One request and its whole answer, on the caller's thread: for what is short and not worth a stream.

The same transport, limits and rules for keys as streams have; no second try, and nothing is recorded.
"""

from __future__ import annotations

from typing import NamedTuple

from ..backends import Backend, HttpRequest
from ..endings import service_error
from ..errors import ConnectionFailed, GeminiMagicError, StalledError, WireError
from ..options import Options
from .connection import Connection, ConnectionLost, HostUnreachable, TimedOut
from .endpoint import endpoint_of
from .secret import Key, carried
from .transport import HttpAnswer, send

__all__ = ["Fetched", "fetch", "fetched"]

_LARGEST = 64 * 2**20  # bytes of an answer


class Fetched(NamedTuple):
    """A whole answer, content-encoding undone."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def fetched(
    http: HttpRequest, limits: Options, key: tuple[str, str] | None = None, *, own_host: bool = False
) -> Fetched:
    """Send a request and read its whole answer, whatever its status.

    Args:
        http: the request, without a key.
        limits: how long to wait.
        key: the header that carries the key, in clear; None to send none.
        own_host: whether the host may know who asks.

    Raises:
        ConnectionFailed: there was no connection, or it was lost.
        StalledError: nothing came for too long.
        WireError: the answer is broken, or too large.
    """
    connection = Connection(
        connect=limits.connect_timeout,
        first_byte=limits.first_byte_timeout,
        stall=limits.stall_timeout,
        total=limits.timeout,
    )
    pieces: list[bytes] = []
    answer: HttpAnswer | None = None
    problem: GeminiMagicError

    def sink(_: float, piece: bytes) -> None:
        pieces.append(piece)
        if sum(map(len, pieces)) > _LARGEST:
            raise WireError("The answer is larger than 64 MB.", remedy="Check --base-url.")

    try:
        answer = send(http, connection, key, own_host=own_host)
        answer.read(sink)
        return Fetched(answer.status, answer.headers, b"".join(pieces))
    except HostUnreachable as error:
        problem = error.error
    except TimedOut as error:
        waited = "" if error.limit is None else f" for {error.limit:g} s"
        problem = StalledError(f"Nothing came{waited}.", remedy="Ask again.")
    except ConnectionLost:
        problem = ConnectionFailed(
            "The connection was lost before the answer was complete.", remedy="Ask again."
        )
    except WireError as error:
        problem = error
    finally:
        if answer is not None:
            answer.close()
    # The frames it came through hold the key.
    problem.__traceback__ = problem.__context__ = problem.__cause__ = None
    raise problem


def fetch(http: HttpRequest, backend: Backend, options: Options, key: Key | None) -> bytes:
    """Send a request to a backend's server and return the body of its answer, the key in it masked.

    Args:
        http: the request, without a key.
        backend: the dialect.
        options: limits, and how the key travels.
        key: the key for the address, None to send none.

    Raises:
        ServiceError: the server said no.
        GeminiMagicError: as :func:`fetched` says.
    """
    auth = backend.auth_for(options.auth, endpoint_of(options))
    keyed, header = carried(http, auth, key, options.key_env)
    own = auth is not None and auth.owns(http.url)
    status, _, body = fetched(keyed, options, header, own_host=own)
    if key is not None:
        body = key.value.hide(body)
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP
        raise service_error(backend.failure(status, body))
    return body
