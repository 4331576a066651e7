"""One request and its whole response, on the caller's thread: for short requests that need no stream.

Transport, limits and the rules for keys are those of streams. There are no retries and no recording.
"""

from __future__ import annotations

from typing import NamedTuple

from ..backends import Backend, HttpRequest, with_headers
from ..endings import service_error
from ..errors import ConnectionFailed, GeminiMagicError, StalledError, WireError
from ..options import Options
from .connection import Connection, ConnectionLost, HostUnreachable, TimedOut
from .endpoint import endpoint_of
from .interruptible import call_interruptibly
from .known_models import with_remedy
from .log_filter import mask_in_logs
from .secret import Key, add_key, strip_traceback
from .transport import HttpResponse, send

__all__ = ["FetchedResponse", "fetch_body", "fetch_response"]

_MAX_SIZE = 64 * 2**20  # bytes of a body


class FetchedResponse(NamedTuple):
    """A whole response, content-encoding undone."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def fetch_response(
    http: HttpRequest, limits: Options, key: tuple[str, str] | None = None, *, own_host: bool = False
) -> FetchedResponse:
    """Send a request and read the whole response, whatever its status.

    Args:
        http: the request, without a key.
        limits: the time limits.
        key: name and value of the header that carries the key, in clear; None to send no key.
        own_host: whether the host is the backend's own, which may learn the client's versions.

    Raises:
        ConnectionFailed: the server could not be reached, or the connection was lost.
        StalledError: a time limit was reached.
        WireError: the response is not valid, or too large.
        Interrupted: the user interrupted the wait.
    """
    connection = Connection(
        connect=limits.connect_timeout,
        first_byte=limits.first_byte_timeout,
        stall=limits.stall_timeout,
        total=limits.timeout,
    )
    found = call_interruptibly(
        lambda: _exchange(http, connection, key, own_host=own_host),
        connection,
        "gemini-request",
        "Interrupted while waiting for the server.",
    )
    if isinstance(found, FetchedResponse):
        return found
    raise strip_traceback(found)


def _exchange(
    http: HttpRequest, connection: Connection, key: tuple[str, str] | None, *, own_host: bool
) -> FetchedResponse | GeminiMagicError:
    """Send a request and read the response. Returns the response, or what went wrong."""
    body = bytearray()
    answer: HttpResponse | None = None
    problem: GeminiMagicError

    def sink(_: float, piece: bytes) -> None:
        nonlocal body
        body += piece
        if len(body) > _MAX_SIZE:
            raise WireError("The response is larger than 64 MB.", remedy="Check --base-url.")

    try:
        answer = send(http, connection, key, own_host=own_host)
        answer.read(sink)
        return FetchedResponse(answer.status, answer.headers, bytes(body))
    except HostUnreachable as error:
        problem = error.error
    except TimedOut as error:
        waited = "in time" if error.limit is None else f"for {error.limit:g} s"
        problem = StalledError(f"The server sent no data {waited}.", remedy="Try again.")
    except ConnectionLost:
        problem = ConnectionFailed(
            "The connection was lost before the response was complete.", remedy="Try again."
        )
    except WireError as error:
        problem = error
    finally:
        if answer is not None:
            answer.close()
        mask_in_logs(None)
    return problem


def fetch_body(http: HttpRequest, backend: Backend, options: Options, key: Key | None) -> bytes:
    """Send a request to a backend's server and return the body of the response, with the key masked.

    Args:
        http: the request, without a key.
        backend: the dialect.
        options: the limits, and how the key is sent.
        key: the key for the address, None to send no key.

    Raises:
        ServiceError: the server answered with an HTTP error.
        GeminiMagicError: see :func:`fetch_response`.
    """
    auth = backend.auth_for(options.auth, endpoint_of(options))
    keyed, header = add_key(http, auth, key, options.key_env)
    own = auth is not None and auth.owns(http.url)
    status, headers, body = fetch_response(keyed, options, header, own_host=own)
    if key is not None:
        body = key.value.mask(body)
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP
        failure = with_headers(backend.failure(status, body), headers)
        raise service_error(with_remedy(failure, backend, options, key))
    return body
