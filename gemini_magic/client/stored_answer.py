"""An answer that its server stores: it is remembered when its id arrives, and stopped on the server when the user stops it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from ..backends import Backend, RequestedInteraction
from ..errors import Interrupted, OptionError
from ..ledger import Ledger
from ..options import Options
from .endpoint import endpoint_of
from .secret import Key
from .server_cancel import ServerCancel, ServerCancelled
from .started_interactions import StartedInteraction, StartedInteractions

__all__ = ["StoredAnswer", "StoredAt", "stored_answer"]

_UNKNOWN: Final = "The request had been sent, but its id has not arrived. The server may go on with it, and it may be billed."
_STOPPED: Final = "It was cancelled on the server."
_GOES_ON: Final = "The server may go on: it could not be cancelled there ({problem}). `%gemini interactions cancel {id}` tries again."


class StoredAt(NamedTuple):
    """Where an answer is stored.

    Attributes:
        backend, options, key: the dialect, the address and the limits, and the key for the address.
    """

    backend: Backend
    options: Options
    key: Key | None


def stored_answer(
    body: bytes,
    at: StoredAt,
    ledger: Ledger,
    remembered: Callable[[], StartedInteractions] | None,
) -> StoredAnswer | None:
    """The answer to a request with this body, if its server stores it; otherwise None. See :class:`StoredAnswer`."""
    api = at.backend.interactions
    requested = RequestedInteraction() if api is None else api.requested(body)
    return StoredAnswer(requested, at, ledger, remembered) if requested.stored else None


class StoredAnswer:
    """The answer of one stream, as its server stores it.

    Args:
        requested: what its request asks of the server.
        at: where it is stored.
        ledger: the record of the answer.
        remembered: returns the list of the interactions that were started here; None to remember nothing.
    """

    def __init__(
        self,
        requested: RequestedInteraction,
        at: StoredAt,
        ledger: Ledger,
        remembered: Callable[[], StartedInteractions] | None,
    ) -> None:
        self.requested = requested
        self._at = at
        self._ledger = ledger
        self._remembered = remembered
        self._id = ""
        self._round = -1  # to which the id belongs
        self._cancel: ServerCancel | None = None
        self._status = ""  # the last one that is known without the ledger
        self._lock = threading.Lock()  # of the list: the reader and the thread that stops write it

    @property
    def id(self) -> str:
        """Its id; empty until it has arrived."""
        return self._id

    @property
    def is_running(self) -> bool:
        """Whether the server may be working on it without a connection."""
        return self.requested.background and self._ledger.finish is None

    def look(self) -> str:
        """Remember the answer if the id of its round has just arrived. The reader calls it after each piece of the body.

        Returns:
            Why it could not be remembered, in words; empty otherwise.
        """
        ledger = self._ledger
        arrived = ledger.steps.stored_id
        if arrived is None or self._round == ledger.round:  # the first id of each round counts
            return ""
        self._id, self._round = arrived, ledger.round
        if self._remembered is None:
            return ""
        request, options = ledger.request, self._at.options
        server = StartedInteractions.server_of(options) | {"backend": self._at.backend.name}
        question = "" if request is None or options.journal is False else request.turns[-1].text
        with self._lock:
            return self._remembered().add(
                StartedInteraction(
                    self._id,
                    self.requested.agent or ("" if request is None else request.model),
                    bool(self.requested.agent),
                    self.requested.background,
                    self._newest_status(),
                    ledger.started.timestamp(),
                    question,
                    server,
                )
            )

    def ended(self) -> None:
        """The stream has ended: remember the last status."""
        self._write_status("")

    def _newest_status(self) -> str:
        found = self._ledger.extras.get("status")
        return self._status or (found if isinstance(found, str) else "")

    def _write_status(self, status: str) -> None:
        with self._lock:
            self._status = status or self._status
            if self._id and self._remembered is not None and (newest := self._newest_status()):
                self._remembered().set_status(self._id, newest)

    # -- stopping

    def stop(self, report: Callable[[Callable[[], None]], object]) -> None:
        """Stop it on the server, after its stream was cancelled here; returns at once.

        Args:
            report: calls a function that changes the ledger, when the server has answered.
        """
        at = self._at
        if not self.is_running or at.backend.interactions is None:
            return
        if not self._id:
            if self._ledger.exchanges and self._ledger.exchanges[-1].started is not None:
                report(lambda: self._add_sentence(_UNKNOWN, "not-cancelled"))
            return
        try:
            http = at.backend.interactions.cancel(endpoint_of(at.options), self._id)
        except OptionError:  # a server chose an id that cannot be used
            report(lambda: self._add_sentence(_UNKNOWN, "not-cancelled"))
            return

        def answered(result: ServerCancelled) -> None:
            if result.done:
                self._write_status("cancelled")
            problem = _GOES_ON.format(problem=result.problem, id=self._id)
            kind = "cancelled" if result.done else "not-cancelled"
            report(lambda: self._add_sentence(_STOPPED if result.done else problem, kind))

        self._cancel = ServerCancel(http, at.backend, at.options, at.key, answered)

    def wait_stopped(self, timeout: float) -> bool:
        """Wait until the server has answered that it stops, at most ``timeout`` seconds. Returns whether none is missing."""
        return self._cancel is None or self._cancel.wait(timeout)

    def _add_sentence(self, sentence: str, kind: str) -> None:
        """Add a sentence to the error of the ending, and a note."""
        ledger, error = self._ledger, self._ledger.error
        if isinstance(error, Interrupted):
            ledger.replace_error(Interrupted(f"{error.message} {sentence}", remedy=error.remedy))
        ledger.note(kind, sentence, severity="info" if kind == "cancelled" else "warning")
