"""The output of an answer in a notebook: what identifies it, and how far the answer in it has come.

Front ends apply an update only to the output that they displayed first. An output that was moved, copied, or loaded from
a file is not updated. So each output has an id and a state in its metadata, which are saved and copied with it, and the
labextension (``lab/keeper.js``) writes the newest state of an answer into every output with its id.

While an answer is shown by widgets, its HTML is sent about once a second as an update of a display id that no output
has. Front ends ignore that update; the labextension stores it, for a file that is saved in mid-answer and for a kernel
that ends first.

A page that was loaded late opens a comm with the ids of the answers whose end it has not received. The kernel sends their
states again and replies with the ids that it does not know: those answers were cut off when an earlier kernel ended.
"""

from __future__ import annotations

import re
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final, Literal
from uuid import uuid4

from IPython.core.getipython import get_ipython
from IPython.display import display, update_display

from ..ledger import Ledger
from ..text import visible
from . import page
from .snapshot import AnswerSnapshot
from .static import bundle
from .status import details, status_facts

__all__ = ["METADATA", "STATE", "TARGET", "AnswerOutput", "PageOutput", "redraw_outputs", "send_states"]

METADATA: Final = "gemini_magic"  # the key in an output's metadata

TARGET: Final = "gemini_magic"  # the name of the comm target

# "live": widgets, without the text; "partial": the text so far; "final": the static bundle. The labextension adds
# "cut": the text so far of an answer whose kernel has ended.
State = Literal["live", "partial", "final"]

_FIRST: Final = 0.3  # seconds until the first partial answer is sent; a file saved before contains no text
_INTERVAL: Final = 1.0  # minimum seconds between two of them
_DUTY: Final = 20.0  # pause as a multiple of the duration of one: they take 5 % of the time at most
_MAX_IDS: Final = 100  # of one request of a page, which stores no more answers
_MAX_OUTPUTS: Final = 200  # outputs whose answers can be sent again
_KERNEL_FILE: Final = re.compile(r"kernel-([\w-]{1,100})\.json")

_ENDS: Final = {
    "restart": ("the kernel was restarted", "The kernel ended before the answer did: it was restarted."),
    "crash": ("the kernel crashed", "The kernel ended before the answer did: it crashed or was killed."),
    "shutdown": ("the kernel was shut down", "The kernel ended before the answer did: it was shut down."),
    "unknown": ("the kernel ended", "The kernel ended before the answer did."),
}
_REMEDY: Final = "If the journal is on, `%gemini last` shows everything that was received."
STATE: Final = "\0"  # stands for the fact that the labextension replaces

_outputs: OrderedDict[str, PageOutput] = OrderedDict()
_known: set[str] = set()  # the ids of all answers of this kernel


def _kernel_id() -> str | None:
    """The id of this kernel on its Jupyter server, which is a part of the name of its connection file."""
    app = getattr(getattr(get_ipython(), "kernel", None), "parent", None)
    file = getattr(app, "connection_file", None)
    found = _KERNEL_FILE.fullmatch(PurePath(file).name) if isinstance(file, str) else None
    return found[1] if found else None


def _error_words(ledger: Ledger) -> dict[str, Any]:
    """The lines with which the labextension shows the error of an answer where no error output follows."""
    found = details(ledger)
    lines = [] if found is None else [visible(line) for line in found.lines]
    return {"tone": page.TONES[ledger.status], "lines": lines}


class PageOutput:
    """An output of a cell that the labextension keeps. It says in the metadata what it shows and how far that has come.

    Attributes:
        id: the display id, which also identifies the answer or the run.
        displayed: whether the output exists.
        ends: why a kernel ended: the fact in the status line, and the sentence below what had arrived.
        remedy: what the user can do then.
    """

    ends: Mapping[str, tuple[str, str]] = _ENDS
    remedy: str = _REMEDY

    def __init__(self) -> None:
        self.id = f"gemini-magic-{uuid4().hex}"
        self.displayed = False
        self._kernel = _kernel_id()
        self._final = False
        self._opened: float | None = None
        self._next = 0.0
        self._sent: object = object()  # equal to no version
        _register_target()
        _known.add(self.id)
        _outputs[self.id] = self
        while len(_outputs) > _MAX_OUTPUTS:
            _outputs.popitem(last=False)

    def publish(
        self,
        data: dict[str, Any],
        state: State,
        facts: Sequence[str] = (),
        *,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Display a MIME bundle, or replace what the output shows.

        Args:
            data: the MIME bundle.
            state: how far what it shows has come.
            facts: the status line if the kernel ends now, with :data:`STATE` in the place of its state.
            more: more metadata.
        """
        self._final = state == "final"
        metadata = self._metadata(state, facts, more or {})
        _publish(data, self.id, metadata, update=self.displayed)
        self.displayed = True

    def partial_due(self, now: float, version: object) -> bool:
        """Whether a partial state should be sent.

        Args:
            now: seconds, monotonic.
            version: identifies what would be sent; None if more has already arrived.
        """
        if self._opened is None:
            self._opened, self._next = now, now + _FIRST
        return now >= self._next and (version is None or version != self._sent)

    def publish_partial(
        self,
        data: dict[str, Any],
        facts: Sequence[str],
        version: object,
        *,
        started: float,
        clock: Callable[[], float],
    ) -> None:
        """Send a partial state to the labextension; no output shows it.

        Args:
            data: the MIME bundle.
            facts: as for :meth:`publish`.
            version: identifies the state, as in :meth:`partial_due`.
            started: the time when the view began to write the bundle.
            clock: seconds, monotonic.
        """
        self._sent = version
        self._send(data, "partial", facts)
        ended = clock()
        self._next = max(started + _INTERVAL, ended + _DUTY * (ended - started))

    def send_state(self) -> None:
        """Send the final state to the labextension again, or the partial one with the next update of the view."""
        if not self._final:
            self._sent = object()
        elif (data := self.final_bundle()) is not None:
            self._send(data, "final")

    def final_bundle(self) -> dict[str, Any] | None:
        """The bundle of the final state; None if what it shows does not exist any more."""
        raise NotImplementedError

    def redraw(self, ledger: Ledger) -> None:
        """Show a final answer again, whose status line has changed, if the output is of this answer."""

    def _send(self, data: dict[str, Any], state: State, facts: Sequence[str] = ()) -> None:
        _publish(data, f"{self.id}-state", self._metadata(state, facts, {}), update=True)

    def _metadata(self, state: State, facts: Sequence[str], more: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"id": self.id, "state": state}
        if self._kernel is not None:
            found["kernel"] = self._kernel
        if facts:
            found["cut"] = self._cut_words(facts)
        return {METADATA: {**found, **more}}

    def _cut_words(self, facts: Sequence[str]) -> dict[str, Any]:
        """The words with which the labextension describes a partial state whose kernel has ended."""
        return {
            "facts": [None if fact == STATE else fact for fact in facts],
            "ends": {name: list(words) for name, words in self.ends.items()},
            "remedy": self.remedy,
        }


class AnswerOutput(PageOutput):
    """The output of one answer.

    Args:
        ledger: the record of the answer.
    """

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = weakref.ref(ledger)
        self._error_follows = False

    def show(
        self,
        data: dict[str, Any],
        state: State,
        snapshot: AnswerSnapshot | None = None,
        *,
        error_follows: bool = False,
    ) -> None:
        """Display a MIME bundle, or replace what the output shows.

        Args:
            data: the MIME bundle.
            state: how far the answer in it has come.
            snapshot: the facts about an answer that has not ended.
            error_follows: the bundle omits the details of an error, because the error is the next output of the cell.
                The labextension adds the details to an output that is not followed by an error.
        """
        self._error_follows = error_follows
        more: dict[str, Any] = {}
        ledger = self._ledger()
        if error_follows and ledger is not None:
            more = {"error_follows": True, "error": _error_words(ledger)}
        self.publish(data, state, _facts(snapshot), more=more)

    def send_partial(
        self,
        data: dict[str, Any],
        snapshot: AnswerSnapshot,
        version: object,
        *,
        started: float,
        clock: Callable[[], float],
    ) -> None:
        """Send a partial answer, described by a snapshot, as :meth:`publish_partial` does."""
        self.publish_partial(data, _facts(snapshot), version, started=started, clock=clock)

    def final_bundle(self) -> dict[str, Any] | None:
        """The bundle of the answer; None if its record does not exist any more."""
        ledger = self._ledger()
        return None if ledger is None else bundle(ledger)

    def redraw(self, ledger: Ledger) -> None:
        """Show a final answer again if the output is of this answer; another one is drawn by its view."""
        if self._ledger() is ledger and self.displayed and self._final:
            data = bundle(ledger, error_follows=self._error_follows)
            self.show(data, "final", error_follows=self._error_follows)


def _facts(snapshot: AnswerSnapshot | None) -> list[str]:
    """The status line of an answer whose kernel ends now; empty for one that has ended."""
    return [] if snapshot is None else status_facts(snapshot.ledger, now=snapshot.elapsed, state=STATE)


def _publish(data: dict[str, Any], display_id: str, metadata: dict[str, Any], *, update: bool) -> None:
    show: Any = update_display if update else display  # IPython has no types for these
    show(data, raw=True, display_id=display_id, metadata=metadata)


def redraw_outputs(ledger: Ledger) -> None:
    """Show an answer again, whose status line has changed, in the outputs of the cells that displayed it."""
    for output in list(_outputs.values()):
        output.redraw(ledger)


def send_states(ids: Iterable[str]) -> list[str]:
    """Send the states of answers again, to a page that was loaded while they were arriving.

    Args:
        ids: the ids of the answers.

    Returns:
        The ids of answers that are not from this kernel process.
    """
    unknown = []
    for each in ids:
        if each in _outputs:
            _outputs[each].send_state()
        elif each not in _known:
            unknown.append(each)
    return unknown


def _register_target() -> None:
    """Register the comm target; do nothing outside a kernel."""
    manager = getattr(getattr(get_ipython(), "kernel", None), "comm_manager", None)
    if manager is not None:
        manager.register_target(TARGET, _reply)


def _reply(comm: Any, message: dict[str, Any]) -> None:
    """Reply to a page: ``{"ids": [...]}`` is answered by ``{"unknown": [...]}``."""
    data = message.get("content", {}).get("data")
    ids = data.get("ids") if isinstance(data, dict) else None
    asked = [each for each in ids[:_MAX_IDS] if isinstance(each, str)] if isinstance(ids, list) else []
    comm.send({"unknown": send_states(asked)})
    comm.close()
