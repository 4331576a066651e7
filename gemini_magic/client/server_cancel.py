"""Stops an interaction on its server after its stream was cancelled here.

The request is sent on a thread, because cancelling a stream returns at once. The end of the process waits a moment for it, so that
no run continues and costs money without a user.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from ..backends import Backend, HttpRequest
from ..errors import ConnectionFailed, GeminiMagicError, ServiceError, StalledError
from ..events import Failure
from ..options import Options
from .fetch import fetch_body
from .retry import worth_retrying
from .secret import Key

__all__ = ["ServerCancel", "ServerCancelled"]

_LIMIT: Final = 5.0  # seconds for each step of the request
_PAUSES: Final = (0.3, 1.0)  # seconds before the request is repeated
_AT_EXIT: Final = 3.0  # seconds that the end of the process may take
_running: set[threading.Thread] = set()


class ServerCancelled(NamedTuple):
    """What became of the request.

    Attributes:
        done: whether the server has accepted it.
        problem: why not, in words; empty if it has.
    """

    done: bool
    problem: str = ""


class ServerCancel:
    """The request that stops one interaction; it is sent at once.

    Args:
        http: the request, without a key.
        backend, options, key: the dialect, the limits, and the key for the address.
        report: is called once with the result, on the thread that sends the request.
    """

    def __init__(
        self,
        http: HttpRequest,
        backend: Backend,
        options: Options,
        key: Key | None,
        report: Callable[[ServerCancelled], object],
    ) -> None:
        self._http = http
        self._backend = backend
        self._options = replace(
            options,
            connect_timeout=min(_LIMIT, options.connect_timeout),
            first_byte_timeout=_LIMIT,
            stall_timeout=_LIMIT,
            timeout=2 * _LIMIT,
        )
        self._key = key
        self._report = report
        self._thread = threading.Thread(target=self._run, name="gemini-cancel", daemon=True)
        _running.add(self._thread)
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait for the result, at most ``timeout`` seconds. Returns whether it is there."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        report, self._report = (
            self._report,
            _ignored,
        )  # it refers to the stream: a cycle would keep the answer in memory
        try:
            report(self._sent())
        finally:
            _running.discard(threading.current_thread())

    def _sent(self) -> ServerCancelled:
        for pause in (*_PAUSES, None):
            try:
                fetch_body(self._http, self._backend, self._options, self._key)
            except GeminiMagicError as error:
                if pause is None or not _passes(error):
                    return ServerCancelled(done=False, problem=error.message.rstrip("."))
                time.sleep(pause)
            else:
                break
        return ServerCancelled(done=True)


def _ignored(result: ServerCancelled) -> None:
    pass


def _passes(error: GeminiMagicError) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, ServiceError):
        return worth_retrying(Failure(error.message, code=error.code, status=error.status))
    return isinstance(error, ConnectionFailed | StalledError)


def _wait_at_exit() -> None:
    end = time.monotonic() + _AT_EXIT
    for thread in list(_running):
        thread.join(max(0.0, end - time.monotonic()))


atexit.register(_wait_at_exit)
