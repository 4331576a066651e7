"""The exceptions of gemini_magic, in one tree split by cause.

Every error has ``message``, ``remedy`` and ``response``: the response with everything that had arrived, None before a
request existed. IPython shows an error as one to three lines, the last one the remedy; ``%gemini traceback`` shows the
full traceback.

    GeminiMagicError
    ├── UsageProblem            a mistake in the line, the prompt or the configuration; nothing was sent
    │   ├── OptionError         an unknown option, or an invalid value
    │   ├── PromptError         a ``{{ expression }}`` that cannot be evaluated
    │   ├── SchemaError         a schema or a type that cannot describe an answer
    │   ├── CredentialsError    no key, or a key that does not belong to the host
    │   └── DisplayError        a display that this front end does not support
    ├── RecordingError          a recording that cannot be read, or has no answer to the request
    ├── JournalError            a journal that cannot be read, or has no such entry
    ├── StoreError              a store of rows that cannot be opened, read or written
    ├── WireError               a response body that cannot be read, or exceeds a size limit
    ├── ConnectionFailed        the server was not reached
    ├── ServiceError            an HTTP error, or an error object in the stream
    ├── BlockedError            the prompt or the answer was blocked
    ├── TruncatedError          the answer ended early
    ├── StalledError            a timeout was reached
    ├── MismatchError           an answer that is not JSON, or does not fit its schema
    └── ToolRefused             raised by a tool: it refuses a call of the model

    KeyboardInterrupt
    └── Interrupted             the user stopped the stream, its kernel ended, or it still runs in another kernel
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Sequence

from .text import visible

__all__ = [
    "BlockedError",
    "ConnectionFailed",
    "CredentialsError",
    "DisplayError",
    "ErrorCopy",
    "GeminiMagicError",
    "Interrupted",
    "JournalError",
    "MismatchError",
    "OptionError",
    "PromptError",
    "RecordingError",
    "SchemaError",
    "ServiceError",
    "StalledError",
    "StoreError",
    "ToolRefused",
    "TruncatedError",
    "UsageProblem",
    "WireError",
    "interrupts_call",
    "interrupts_later",
    "interrupts_noted",
    "interrupts_raise",
    "interrupts_wait",
    "without_traceback",
]


def _encodable(line: str) -> str:
    """A line without control characters, and with those escaped that ``sys.stdout`` cannot encode.

    IPython would fail to print the latter.
    """
    line = visible(line)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)


class _ShortTraceback:
    """An exception that IPython shows as its message and remedy instead of a traceback.

    Attributes:
        message: what happened (str, one line).
        remedy: what to do (str, one line); empty when there is nothing to do.
        response: the ``Response`` with everything that had arrived, or None.
        cell_lines: message and remedy as the cell of the answer shows them, on one line each and without control
            characters; None for an error without an answer.
    """

    cell_lines: tuple[str, str] | None = None

    def __init__(self, message: str, *, remedy: str = "", response: Any = None) -> None:
        super().__init__(message)  # type: ignore[call-arg] # a mixin: the next class is an exception
        self.message = message
        self.remedy = remedy
        self.response = response

    def __str__(self) -> str:
        return visible(f"{self.message}\n{self.remedy}" if self.remedy else self.message)

    def _render_traceback_(self) -> Sequence[str]:
        """Return the lines that IPython shows instead of a traceback."""
        message, remedy = self.cell_lines or (self.message, self.remedy)
        lines = [f"{type(self).__name__}: {message}"]
        if remedy:
            lines.append(f"  {remedy}")
        return [_encodable(line) for line in lines]


class GeminiMagicError(_ShortTraceback, Exception):
    """Base class of all errors that gemini_magic raises, except :class:`Interrupted`."""


class UsageProblem(GeminiMagicError):  # noqa: N818 - "problem": nothing was sent, nothing was spent
    """The line, the prompt or the configuration has a mistake. Nothing was sent, and nothing was billed."""


class OptionError(UsageProblem):
    """An option is unknown, or has an invalid value. Nothing was sent."""


class PromptError(UsageProblem):
    """A ``{{ expression }}`` in the prompt cannot be evaluated. Nothing was sent."""


class SchemaError(UsageProblem):
    """A schema or a type cannot describe an answer; the message names the field. Nothing was sent."""


class CredentialsError(UsageProblem):
    """No key was found, or the only key found belongs to another host. Nothing was sent."""


class DisplayError(UsageProblem):
    """This front end does not support the requested display. Nothing was sent."""


class RecordingError(GeminiMagicError):
    """A recording cannot be read or written, or has no answer to the request."""


class JournalError(GeminiMagicError):
    """The journal cannot be read, or has no such entry."""


class StoreError(GeminiMagicError):
    """The store of a run over rows cannot be opened, read or written."""


class RowsError(GeminiMagicError):
    """Rows of a run were not asked, or too many have failed."""


class WireError(GeminiMagicError):
    """The response body cannot be read as a stream, or exceeds a size limit."""


class ConnectionFailed(GeminiMagicError):  # noqa: N818 - the name is a sentence
    """The server was not reached: name resolution, connection, certificate or connect timeout failed."""


class ServiceError(GeminiMagicError):
    """The server answered with an HTTP error, or with an error object in the stream.

    Attributes:
        code: the HTTP status or the code of the error object (int); None when neither was sent.
        status: the canonical name, such as ``RESOURCE_EXHAUSTED``, or None.
        retry_after: seconds to wait before the next request (float), as the server asks, or None.
        reason: the reason of ``google.rpc.ErrorInfo``, such as ``API_KEY_INVALID``, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        status: str | None = None,
        retry_after: float | None = None,
        reason: str | None = None,
        remedy: str = "",
        response: Any = None,
    ) -> None:
        label = " ".join(
            str(part) for part in (code, status) if part is not None and str(part) not in message
        )
        super().__init__(
            f"{label}: {message}" if label else message,
            remedy=remedy or _remedy(code, status, reason, retry_after),
            response=response,
        )
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.reason = reason


_LONG_WAIT = 300.0  # seconds
_HOUR = 3600.0  # seconds
_REMEDIES = {
    400: "Check the request with `--dry-run`; the message names the field.",
    401: "Check the key. `%gemini` shows where it comes from.",
    403: "Check that the key may use this model and project. `%gemini` shows where the key comes from.",
    404: "Check the model name (`-m`) and the address (`--base-url`). `%gemini models` lists the models.",
    407: "The proxy requires a user name and a password. Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT.",
    408: "The server timed out. Ask again.",
    422: "Check the request with `--dry-run`; the message names the field that the server does not accept.",
    429: "Wait and ask again, or use another model. The quota belongs to the key.",
}


def _remedy(code: int | None, status: str | None, reason: str | None, retry_after: float | None) -> str:
    """Return the default remedy of a :class:`ServiceError`; see its attributes for the arguments."""
    if reason == "API_KEY_INVALID":
        return "Set GEMINI_API_KEY to a valid key from Google AI Studio and restart the kernel."
    if retry_after is not None and (code == 429 or retry_after > _LONG_WAIT):  # noqa: PLR2004 - HTTP
        return f"The server asks to wait {_duration(retry_after)}. Ask again after that."
    if code is not None and 300 <= code < 400:  # noqa: PLR2004 - HTTP
        return "Set --base-url to the final address. Redirects are not followed, to keep the key on its host."
    if (code is not None and code >= 500) or status in ("UNAVAILABLE", "INTERNAL"):  # noqa: PLR2004 - HTTP
        return "The server has a temporary problem. Ask again in a moment."
    return _REMEDIES.get(code or 0, "Ask again. `%gemini events` shows what the server sent.")


def _duration(seconds: float) -> str:
    text = f"{seconds:,.0f} s"
    if seconds >= _HOUR:
        return f"{text} ({seconds / _HOUR:.2g} h)"
    return f"{text} ({seconds / 60:.2g} min)" if seconds > _LONG_WAIT else text


class BlockedError(GeminiMagicError):
    """The prompt or the answer was blocked; ``response.block_reason`` or ``response.finish_reason`` gives the reason."""


class TruncatedError(GeminiMagicError):
    """The answer ended early; ``response`` has the part that arrived."""


class StalledError(GeminiMagicError):
    """No data arrived within the first-byte or stall timeout, or the total timeout was reached."""


class ToolRefused(GeminiMagicError):  # noqa: N818 - the name is a sentence
    """A tool refuses a call: raise it with the reason, which the model receives as the error of the call.

    Args:
        message: the reason, for the model and for the user. The model receives a general one without it.
    """

    def __init__(self, message: str = "", *, remedy: str = "", response: Any = None) -> None:
        super().__init__(message, remedy=remedy, response=response)


class MismatchError(GeminiMagicError):
    """The answer is not JSON, or it does not fit the schema or type that it was requested with.

    Attributes:
        problems: one line for each problem, such as ``items[3].urgency: expected integer, got "high"``.
    """

    def __init__(
        self, message: str, *, problems: Sequence[str] = (), remedy: str = "", response: Any = None
    ) -> None:
        super().__init__(message, remedy=remedy, response=response)
        self.problems = tuple(problems)


class Interrupted(_ShortTraceback, KeyboardInterrupt):
    """The stream was stopped by the user, or its kernel ended; ``response`` has the part that arrived.

    IPython shows it as a single line.
    """

    def _render_traceback_(self) -> Sequence[str]:
        """Return one line; the user knows the cause."""
        return [_encodable(" ".join(self.cell_lines or (self.message, self.remedy)).rstrip())]


_AGAIN = 0.005  # seconds after which a swallowed interrupt is raised again
E = TypeVar("E", bound=GeminiMagicError | Interrupted)
X = TypeVar("X", bound=BaseException)


def without_traceback(error: X) -> X:
    """Return a copy of an error without its traceback, which would keep its frames alive.

    ``copy.copy`` copies the traceback, too, if tblib has been installed, as Dask does it.
    """
    made = type(error).__new__(type(error), *error.args)
    made.__dict__.update(error.__dict__)
    return made


class ErrorCopy:
    """Makes the error that a response raises: a copy of the stored one that refers to the response.

    It holds the copy weakly, so that the same object is returned as long as it is used. A raised error refers to its response
    and to the frames that it passed; if the response referred back, both would wait for the garbage collector.
    """

    def __init__(self) -> None:
        self._stored: BaseException | None = None
        self._copy: ref[Any] | None = None

    def of(self, stored: E | None, response: Any) -> E | None:
        """Return the copy of an error; None if there is no error.

        Args:
            stored: the error.
            response: the response that it belongs to.
        """
        made: E | None = None if self._copy is None or self._stored is not stored else self._copy()
        if stored is not None and made is None:
            made = without_traceback(stored)
            made.response = response
            self._stored, self._copy = stored, ref(made)
        return made


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Let an interrupt raise KeyboardInterrupt in the block, as in a script.

    While an awaited cell runs, a kernel handles the signal by a callback on its event loop, which the block would delay.
    An interrupt that :func:`interrupts_noted` has noted before the block is raised at its start, and one that a finalizer
    has swallowed is raised again. Other handlers stay.
    """
    before = _handler_of_kernel(or_default=True)
    if before is None:
        yield
        return
    swallowed = _SwallowedInterrupts()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if isinstance(before, _NotingHandler) and before.noted:
            raise KeyboardInterrupt
        with swallowed:
            yield
    finally:
        signal.signal(signal.SIGINT, before)
        if isinstance(before, _NotingHandler):
            before.noted |= swallowed.pending


class _SwallowedInterrupts:
    """Raises an interrupt again that Python has dropped, because it was raised in a finalizer or in a callback.

    A signal that arrives during a garbage collection is handled by the first Python code that runs, which often is a
    ``__del__`` method or the callback of a weak reference; Python reports their exceptions to ``sys.unraisablehook``.

    Attributes:
        pending: whether an interrupt was dropped and not raised again.
    """

    def __init__(self) -> None:
        self.pending = False
        self._lock = _thread.allocate_lock()
        self._left = False

    def __enter__(self) -> None:
        self._before = sys.unraisablehook
        sys.unraisablehook = self._hook

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if sys.unraisablehook == self._hook:
            sys.unraisablehook = self._before
        with self._lock:
            self._left = True
        if error is not None and isinstance(error, KeyboardInterrupt):
            self.pending = False

    def _hook(self, unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._before(unraisable)
            return
        self.pending = True
        # Not at once, because the next finalizer would swallow it. A Thread would need locks that may be held here.
        _thread.start_new_thread(self._raise_again, ())

    def _raise_again(self) -> None:
        time.sleep(_AGAIN)
        with self._lock:
            if not self._left:
                self.pending = False
                _interrupt_main_thread()


def _interrupt_main_thread() -> None:
    main = threading.main_thread().ident
    if sys.platform == "win32" or main is None:
        _thread.interrupt_main()
    else:  # a real signal also ends a wait
        signal.pthread_kill(main, signal.SIGINT)


@contextmanager
def interrupts_noted() -> Iterator[None]:
    """Remember the interrupts of an awaited cell, so that none is lost between two blocks of :func:`interrupts_raise`.

    There the kernel's handler only schedules a callback, and the cell may not return to the event loop before the next
    block has ended.
    """
    before = _handler_of_kernel()
    if before is None or isinstance(before, _NotingHandler):
        yield
        return
    noting = _NotingHandler(before)
    signal.signal(signal.SIGINT, noting)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is noting:
            signal.signal(signal.SIGINT, before)


class _NotingHandler:
    """Handles an interrupt as the kernel does, and remembers it.

    Attributes:
        noted: whether there was an interrupt.
    """

    def __init__(self, handler: Callable[[int, FrameType | None], object]) -> None:
        self._handler = handler
        self.noted = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.noted = True
        self._handler(number, frame)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Ignore the interrupts of the user during a short block that must not be left undone.

    The caller has been interrupted already, so another interrupt has nothing more to stop. Handlers other than those of
    Python and the kernel stay.
    """
    with _interrupts_handled(lambda *_: None):
        yield


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Handle an interrupt of the user at the end of a short block that must not be left in the middle."""
    arrived: list[tuple[int, FrameType | None]] = []
    with _interrupts_handled(lambda *given: arrived.append(given)) as before:
        yield
    if arrived:
        before(*arrived[0])


@contextmanager
def interrupts_call(action: Callable[[], None]) -> Iterator[None]:
    """Let the interrupts of the user call a function during a block, after the first one has been handled.

    A kernel cancels the task of an awaited cell for the first interrupt only. Other handlers than those of Python and the kernel
    stay.
    """
    with _interrupts_handled(lambda *_: action()):
        yield


@contextmanager
def _interrupts_handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[Any]:
    """Handle the interrupts of the user in a block by a function; the value is the handler that it replaces."""
    before = _handler_of_kernel(or_default=True)
    if before is not None:
        signal.signal(signal.SIGINT, handler)
    try:
        yield before
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _handler_of_kernel(*, or_default: bool = False) -> Any:
    """The handler of an interrupt if a kernel has set it and this is the main thread; None otherwise.

    Args:
        or_default: whether Python's own handler counts, too.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        return handler if or_default else None
    if isinstance(handler, _NotingHandler):
        return handler
    package = str(getattr(handler, "__module__", "")).partition(".")[0]
    return handler if package == "ipykernel" else None
