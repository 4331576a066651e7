"""What can go wrong, one tree, split by whose fault it is.

Every error carries ``.response``: the object with everything that had arrived (None before a request
existed), and tells itself in one to three lines, the last one a remedy. ``%gemini traceback`` shows the rest.

    GeminiMagicError
    ├── UsageProblem            the line, the prompt or the settings; nothing was sent
    │   ├── OptionError         an unknown option, or a value that does not fit
    │   ├── PromptError         a ``{{ expression }}`` that cannot be evaluated
    │   ├── CredentialsError    no key, or a key that does not belong to this host
    │   └── DisplayError        a display that this front end cannot have
    ├── RecordingError          a recording that cannot be read, or holds no answer to this request
    ├── JournalError            a journal that cannot be read, or has no such entry
    ├── WireError               bytes that break the protocol beyond repair (or exceed the size cap)
    ├── ConnectionFailed        the server was never reached
    ├── ServiceError            the server said no: HTTP error, or an error object inside the stream
    ├── BlockedError            the prompt or the answer was blocked
    ├── TruncatedError          the answer ended in the middle
    └── StalledError            nothing came for too long

    KeyboardInterrupt
    └── Interrupted             the user stopped it, its kernel ended, or it still arrives elsewhere

This module knows no other module of ours; it does not print, log or decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "BlockedError",
    "ConnectionFailed",
    "CredentialsError",
    "DisplayError",
    "GeminiMagicError",
    "Interrupted",
    "JournalError",
    "OptionError",
    "PromptError",
    "RecordingError",
    "ServiceError",
    "StalledError",
    "TruncatedError",
    "UsageProblem",
    "WireError",
]


_SHORT = 120  # characters of a message that stands beside the answer in full


def _short(message: str) -> str:
    return message if len(message) <= _SHORT else message[: _SHORT - 1] + "…"


class _Told:
    """Renders itself in a cell as its own words and a remedy, never as a stack of frames.

    Attributes:
        message: what happened, one line.
        remedy: what to do now, one line; empty when there is nothing to do.
        response: the ``Response`` with all that arrived, or None.
        shown: True when message and remedy stand beside the answer already; the cell then repeats the message only.
    """

    shown = False

    def __init__(self, message: str, *, remedy: str = "", response: Any = None) -> None:
        super().__init__(message)  # type: ignore[call-arg] # a mixin: the next class is an exception
        self.message = message
        self.remedy = remedy
        self.response = response

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message

    def _render_traceback_(self) -> Sequence[str]:
        """IPython shows these lines instead of a traceback."""
        if self.shown:
            return [f"{type(self).__name__}: {_short(self.message)}"]
        lines = [f"{type(self).__name__}: {self.message}"]
        if self.remedy:
            lines.append(f"  {self.remedy}")
        return lines


class GeminiMagicError(_Told, Exception):
    """Anything gemini_magic raises, apart from :class:`Interrupted`."""


class UsageProblem(GeminiMagicError):  # noqa: N818 - "problem": nothing was sent, nothing was spent
    """The line, the prompt or the settings are wrong; nothing was sent."""


class OptionError(UsageProblem):
    """An unknown option, or a value that does not fit."""


class PromptError(UsageProblem):
    """A ``{{ expression }}`` in the prompt that cannot be evaluated; nothing was sent."""


class CredentialsError(UsageProblem):
    """No key was found, or the only key found belongs to another host; nothing was sent."""


class DisplayError(UsageProblem):
    """The display asked for does not exist here."""


class RecordingError(GeminiMagicError):
    """A recording that cannot be read, or that holds no answer to this request."""


class JournalError(GeminiMagicError):
    """The journal cannot be read, or there is no such entry in it."""


class WireError(GeminiMagicError):
    """Bytes that cannot be read as a stream: unreadable, or one event above the size cap."""


class ConnectionFailed(GeminiMagicError):  # noqa: N818 - reads as the sentence it is
    """The server was never reached (name, refusal, certificate, connect timeout)."""


class ServiceError(GeminiMagicError):
    """The server said no.

    Attributes:
        code: HTTP status or the code of the error object (int), None when neither was sent.
        status: the canonical name, such as ``RESOURCE_EXHAUSTED``, or None.
        retry_after: seconds the server asks to wait, or None.
        reason: the ``ErrorInfo`` reason, such as ``API_KEY_INVALID``, or None.
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


_REMEDIES = {
    400: "Look at the request with `--dry-run`; the message names the field.",
    401: "Check the key; `%gemini` shows where it comes from.",
    403: "The key may not use this model or project; `%gemini` shows where it comes from.",
    404: "Check the model's name (`-m`) and the address (`--base-url`).",
    408: "The server gave up waiting; ask again.",
    422: "Look at the request with `--dry-run`; the message names the field that the server does not take.",
    429: "Wait a little and ask again, or use another model; the quota is the key's.",
}


def _remedy(code: int | None, status: str | None, reason: str | None, retry_after: float | None) -> str:
    if reason == "API_KEY_INVALID":
        return "The key is not valid: set GEMINI_API_KEY to one from Google AI Studio and restart the kernel."
    if code == 429 and retry_after is not None:  # noqa: PLR2004 - HTTP
        return f"The server asks to wait {retry_after:.0f} s; then ask again."
    if code is not None and 300 <= code < 400:  # noqa: PLR2004 - HTTP
        return "Redirects are not followed, so that a key goes nowhere else; set --base-url to the right address."
    if (code is not None and code >= 500) or status in ("UNAVAILABLE", "INTERNAL"):  # noqa: PLR2004 - HTTP
        return "The server is in trouble; ask again in a moment."
    return _REMEDIES.get(code or 0, "Ask again; `%gemini events` shows what the server sent.")


class BlockedError(GeminiMagicError):
    """The prompt or the answer was blocked; ``.response.block_reason`` or ``.finish_reason`` says why."""


class TruncatedError(GeminiMagicError):
    """The answer ended in the middle; what came is in ``.response``."""


class StalledError(GeminiMagicError):
    """Nothing came for longer than the stall timeout, or the total timeout was reached."""


class Interrupted(_Told, KeyboardInterrupt):
    """The user stopped the stream, or its kernel ended; what came is in ``.response``. It shows as one quiet line."""

    def _render_traceback_(self) -> Sequence[str]:
        """One line: the user knows why."""
        return [_short(self.message) if self.shown else f"{self.message} {self.remedy}".rstrip()]
