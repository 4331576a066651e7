"""One request and its whole response, on the caller's thread: for short requests that need no stream.

Transport, limits and the rules for keys are those of streams. There are no retries and no recording.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, NamedTuple

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

__all__ = ["FetchedResponse", "fetch_body", "fetch_into", "fetch_response"]

_MAX_SIZE = 64 * 2**20  # bytes of a body
_MAX_ERROR = 2**20  # bytes of the body of an error


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
    body = bytearray()
    status, headers = _fetch(http, limits, key, body.extend, own_host=own_host, max_size=_MAX_SIZE)
    return FetchedResponse(status, headers, bytes(body))


def _fetch(
    http: HttpRequest,
    limits: Options,
    key: tuple[str, str] | None,
    write: Callable[[bytes], object],
    *,
    own_host: bool,
    max_size: int,
) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Send a request, and call ``write`` with the pieces of the body. Returns the status and the headers.

    The arguments and errors are those of :func:`fetch_response`; ``max_size`` is the largest body in bytes.
    """
    connection = Connection(
        connect=limits.connect_timeout,
        first_byte=limits.first_byte_timeout,
        stall=limits.stall_timeout,
        total=limits.timeout,
    )
    found = call_interruptibly(
        lambda: _exchange(http, connection, key, write, own_host=own_host, max_size=max_size),
        connection,
        "gemini-request",
        "Interrupted while waiting for the server.",
    )
    if isinstance(found, GeminiMagicError):
        raise strip_traceback(found)
    return found


def _exchange(
    http: HttpRequest,
    connection: Connection,
    key: tuple[str, str] | None,
    write: Callable[[bytes], object],
    *,
    own_host: bool,
    max_size: int,
) -> tuple[int, tuple[tuple[str, str], ...]] | GeminiMagicError:
    """Send a request and read the response. Returns its status and headers, or what went wrong."""
    size = 0
    answer: HttpResponse | None = None
    problem: GeminiMagicError

    def sink(_: float, piece: bytes) -> None:
        nonlocal size
        size += len(piece)
        if size > max_size:
            raise WireError(
                f"The response is larger than {max_size // 2**20} MB.", remedy="Check --base-url."
            )
        write(piece)

    try:
        answer = send(http, connection, key, own_host=own_host)
        answer.read(sink)
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
    else:
        return answer.status, answer.headers
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
    body = bytearray()
    _fetch_from_backend(http, backend, options, key, _Target(body.extend, lambda: bytes(body), _MAX_SIZE))
    return bytes(body) if key is None else key.value.mask(bytes(body))


def fetch_into(
    file: IO[bytes], http: HttpRequest, backend: Backend, options: Options, key: Key | None, *, max_size: int
) -> None:
    """Send a request to a backend's server and write the body of the response into a file. The key is not masked in it.

    Args:
        file: the file, which is emptied first.
        http: the request, without a key.
        backend: the dialect.
        options: the limits, and how the key is sent.
        key: the key for the address, None to send no key.
        max_size: the largest body, in bytes.

    Raises:
        ServiceError: the server answered with an HTTP error.
        OSError: the file cannot be written.
        GeminiMagicError: see :func:`fetch_response`.
    """
    file.seek(0)
    file.truncate()

    def begin_of_file() -> bytes:
        file.seek(0)
        return file.read(_MAX_ERROR)

    _fetch_from_backend(http, backend, options, key, _Target(file.write, begin_of_file, max_size))
    file.seek(0)


class _Target(NamedTuple):
    """Where the body of a response is written.

    Attributes:
        write: is called with each piece.
        written: returns what was written, as far as an error is read.
        max_size: the largest body, in bytes.
    """

    write: Callable[[bytes], object]
    written: Callable[[], bytes]
    max_size: int


def _fetch_from_backend(
    http: HttpRequest, backend: Backend, options: Options, key: Key | None, target: _Target
) -> None:
    """Send a request with its key, and raise the error that the server answers."""
    auth = backend.auth_for(options.auth, endpoint_of(options))
    keyed, header = add_key(http, auth, key, options.key_env)
    own = auth is not None and auth.owns(http.url)
    status, headers = _fetch(keyed, options, header, target.write, own_host=own, max_size=target.max_size)
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP
        body = target.written() if key is None else key.value.mask(target.written())
        failure = with_headers(backend.failure(status, body), headers)
        raise service_error(with_remedy(failure, backend, options, key))
