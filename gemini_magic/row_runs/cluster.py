"""Rows on the workers of a dask.distributed cluster: the executor on the side of the leader.

A pump runs on each worker (``cluster_pump``). The leader alone has the limits, the store and the budget; it grants rows to a pump
through the pump's queue, and the pump sends each answer as an event.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Literal, TypeAlias
from uuid import uuid4

from ..errors import ConnectionFailed, OptionError
from ..text import short_line
from .cluster_client import unencrypted
from .cluster_pump import (
    PumpOrder,
    PumpPlan,
    product_version,
    take_answer,
    unpack_answer,
)
from .cluster_watch import (
    ClusterTimes,
    ClusterWatch,
    Inbox,
    PumpGone,
    PumpLink,
    SchedulerGone,
    WatchEnded,
)
from .identity import FORM
from .values import (
    Attempted,
    ExecutorEvent,
    ExecutorNote,
    Grant,
    Worker,
    WorkerJoined,
    WorkerLost,
)

__all__ = ["ClusterExecutor"]

_INLINE = 100_000  # bytes of an answer in an event; the scheduler keeps the last 1,000 events of a topic
_WAIT_NOTED = 10.0  # seconds without a worker that takes rows after which a note says why
_SLICE = 0.1  # seconds between two looks at the connection while nothing arrives
_FETCH_POLL = 1.0  # seconds
_REFUSALS_SHOWN = 10
_SHOWN = 300  # characters of a message of a worker

_RowKey: TypeAlias = tuple[int, int]  # request and attempt
_State: TypeAlias = Literal["waiting", "serving", "refused", "ended"]


class _Served:
    """The rows of one pump; only the leader's thread uses it."""

    def __init__(self, link: PumpLink, hello: Mapping[str, Any]) -> None:
        self.link = link
        self.state: _State = "waiting"
        self.print = str(hello.get("print", ""))
        self.source = _safe(hello.get("source", ""))
        self.open: dict[_RowKey, Grant] = {}

    def add(self, grants: Sequence[Grant]) -> None:
        """Add rows in flight."""
        for grant in grants:
            self.open[grant.request, grant.attempt] = grant

    def take(self, key: _RowKey) -> Grant | None:
        """Remove a row. Returns None if it was not in flight here."""
        return self.open.pop(key, None)


class ClusterExecutor:
    """Makes attempts on the workers of a cluster; see :class:`~gemini_magic.row_runs.values.Executor`.

    Args:
        client: a client that :func:`check_cluster` has accepted.
        plan: how rows are asked.
        limit: how many attempts may be made at once.
        times: how often it looks and how long it waits.
    """

    asks_before_sending = False

    def __init__(self, client: Any, plan: PumpPlan, limit: int, times: ClusterTimes | None = None) -> None:
        from distributed.protocol.pickle import dumps  # noqa: PLC0415 - an optional package

        self._client = client
        self._limit = limit
        self._times = times or ClusterTimes()
        self._topic = f"gemini-magic-{uuid4().hex}"
        self._template = PumpOrder(
            self._topic,
            0,
            product_version(),
            FORM,
            os.urandom(16),
            _pickled(dumps, plan),
            self._times.silence,
            _INLINE,
        )
        self._inbox: Inbox = SimpleQueue()
        self._found: list[ExecutorEvent] = [*unencrypted(str(client.scheduler.address))]
        self._served: dict[PumpLink, _Served] = {}
        self._names: dict[str, _Served] = {}
        self._print: str | None = None  # of the key that all workers must have
        self._first_hello = 0.0
        self._fetching = 0  # changed under the lock
        self._counting = threading.Lock()
        self._closing = self._over = False
        self._failure: ConnectionFailed | None = None
        self._refusals: list[str] = []
        self._to_send: SimpleQueue[PumpLink | None] = SimpleQueue()
        threading.Thread(target=self._send, name="gemini-cluster-send", daemon=True).start()
        self._served_until, self._noted = time.monotonic(), False
        self._watch = ClusterWatch(
            client,
            self._order,
            self._inbox,
            self._times,
            fetching=lambda: self._fetching > 0,
            at_end=lambda: self._to_send.put(None),
        )
        client.subscribe_topic(self._topic, self._receive)
        self._watch.start()

    def _order(self, ticket: int) -> PumpOrder:
        return self._template._replace(ticket=ticket)

    # -- the calls of the leader

    def resize(self, limit: int) -> None:
        """Make at most this many attempts at once, on all workers together."""
        self._limit = limit

    def workers(self) -> Sequence[Worker]:
        """The workers that take grants now; the least loaded first."""
        serving = [each for each in self._served.values() if each.state == "serving"]
        if not serving or self._closing or self._failure is not None:
            return []
        serving.sort(key=lambda each: len(each.open))
        share = -(-self._limit // len(serving))
        left = self._limit - sum(len(each.open) for each in serving)
        result = []
        for each in serving:
            closed = each.link.paused or each.link.gone
            free = 0 if closed else max(0, min(share - len(each.open), left))
            left -= free
            result.append(Worker(each.link.name, free))
        return result

    def put(self, worker: str, grants: Sequence[Grant]) -> None:
        """Give grants to a worker. Those of a worker that has ended come back in a :class:`WorkerLost`."""
        served = self._names.get(worker)
        if served is None or served.state != "serving" or self._closing or self._failure is not None:
            self._found.append(WorkerLost(worker, (), tuple(grants), f"The worker {worker} takes no rows."))
            return
        served.add(grants)
        served.link.outbox.extend(grants)
        self._to_send.put(served.link)

    def events(self, timeout: float) -> Sequence[ExecutorEvent]:
        """What has happened since the last call; waits at most ``timeout`` seconds for the first event.

        Raises:
            ConnectionFailed: the scheduler is gone, or no worker can take rows. All events before were handed out.
        """
        deadline = time.monotonic() + timeout
        while True:
            wait = 0.0 if self._found else max(0.0, min(deadline - time.monotonic(), _SLICE))
            try:
                self._handle(self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait())
            except Empty:
                self._decide()
                self._check_connection()
                if self._found or time.monotonic() >= deadline or self._over:
                    break
        found, self._found = self._found, []
        if not found and self._failure is not None and not self._closing:
            raise self._failure
        return found

    def close(self, grace: float) -> None:
        """Start no other attempt; those in flight may go on for ``grace`` seconds. Returns at once.

        The events of all grants still arrive. A second call with a shorter time shortens it.
        """
        self._closing = True
        self._watch.stop(grace)

    def wait_closed(self, timeout: float) -> bool:
        """Wait until the pumps have stopped and the scheduler holds nothing of the run. Returns whether that is so."""
        return self._watch.ended.wait(timeout)

    # -- threads that only hand over

    def _receive(self, event: tuple[float, Any]) -> None:
        """Take an event; runs on the event loop of the client."""
        message = event[1]
        if isinstance(message, Mapping) and self._watch.note(message) is not None:
            self._inbox.put(message)

    def _send(self) -> None:
        """Put granted rows into the queues; runs on its own thread, because each takes a round trip."""
        while (link := self._to_send.get()) is not None:
            link.send_rows(self._client)

    def _fetch(self, link: PumpLink, key: _RowKey) -> None:
        """Fetch a large answer from its worker; runs on its own thread."""
        data = None
        try:
            future = self._client.submit(
                take_answer,
                link.epoch,
                *key,
                workers=[link.address],
                allow_other_workers=False,
                pure=False,
                key=f"gemini-magic-answer-{uuid4().hex}",
            )
            while data is None:
                try:
                    data = future.result(timeout=_FETCH_POLL)
                    break
                except TimeoutError:
                    if (link.gone and not self._closing) or self._watch.ended.is_set():
                        break
        except Exception:  # noqa: BLE001 - the row is in doubt, whatever the reason
            data = None
        if data is None:
            self._inbox.put({"kind": "unfetched", "epoch": link.epoch, "request": key[0], "attempt": key[1]})
        else:
            self._inbox.put({"kind": "answer", "epoch": link.epoch, "data": data})
        with self._counting:
            self._fetching -= 1

    # -- what the inbox brings

    def _handle(self, item: Any) -> None:
        if isinstance(item, PumpGone):
            self._pump_gone(item)
        elif isinstance(item, SchedulerGone):
            self._lose_scheduler(item.reason)
        elif isinstance(item, WatchEnded):
            self._over = True
            for served in list(self._served.values()):
                self._end(served, (), "stopped without an answer")
        elif (sender := self._known(item)) is not None:
            self._handle_message(sender, item)

    def _known(self, message: Mapping[str, Any]) -> _Served | None:
        """The pump that sent a message; a pump that introduces itself becomes known."""
        link = self._watch.link(str(message.get("epoch")))
        if link is None:
            return None
        if link not in self._served and message.get("kind") == "hello":
            self._served[link] = self._names[link.name] = _Served(link, message)
            link.known = True
            self._first_hello = self._first_hello or time.monotonic()
        return self._served.get(link)

    def _handle_message(self, served: _Served, message: Mapping[str, Any]) -> None:
        kind = message["kind"]
        if kind == "hello":
            self._check_hello(served, message)
            return
        try:
            if kind == "answer":
                self._take_answer(served, unpack_answer(message["data"]))
                return
            key = int(message["request"]), int(message["attempt"])
        except (KeyError, TypeError, ValueError):
            return
        if kind == "large":
            with self._counting:
                self._fetching += 1
            threading.Thread(
                target=self._fetch, args=(served.link, key), name="gemini-cluster-fetch", daemon=True
            ).start()
        elif kind == "unfetched" and (grant := served.take(key)) is not None:
            name = served.link.name
            reason = f"The worker {name} had an answer that could not be fetched."
            self._found.append(WorkerLost(name, (grant,), (), reason))

    def _take_answer(self, served: _Served, answer: Attempted) -> None:
        served.take((answer.request, answer.attempt))
        self._found.append(answer._replace(worker=served.link.name))

    # -- which workers get rows

    def _check_hello(self, served: _Served, hello: Mapping[str, Any]) -> None:
        """Refuse a worker that cannot take rows; the others wait until their keys are compared."""
        ours = product_version()
        if problem := _safe(hello.get("problem", "")):
            self._refuse(served, problem)
        elif hello.get("product") != ours:
            theirs = _safe(hello.get("product", "?"))
            self._refuse(served, f"It runs gemini_magic {theirs}, not {ours}. Install the same version.")
        elif hello.get("form") != FORM:
            self._refuse(
                served, "It identifies rows in another way. Install the same version of gemini_magic."
            )
        self._decide()

    def _decide(self) -> None:
        """Compare the keys of the workers that wait; rows go to those with the key that most of the first ones have."""
        waiting = [each for each in self._served.values() if each.state == "waiting"]
        if not waiting:
            return
        if self._print is None:
            alone = time.monotonic() - self._first_hello < self._times.settle
            if alone and self._watch.starting():
                return
            self._print = Counter(each.print for each in waiting).most_common(1)[0][0]
        for each in waiting:
            if each.print == self._print:
                each.state = "serving"
                self._found.append(WorkerJoined(each.link.name))
            else:
                peer = next((one for one in self._served.values() if one.print == self._print), each)
                self._refuse(
                    each,
                    f"It has another key ({each.source or 'none'}) than the other workers ({peer.source or 'none'}). "
                    "Give all workers the same key.",
                )

    def _refuse(self, served: _Served, why: str) -> None:
        served.state = "refused"
        self._watch.refuse(served.link)
        self._report_refusal(served.link.name, why)

    def _report_refusal(self, name: str, why: str) -> None:
        reason = f"The worker {name} gets no rows. {why}"
        self._refusals.append(reason)
        if len(self._refusals) <= _REFUSALS_SHOWN:
            self._found.append(WorkerLost(name, (), (), reason))
        elif len(self._refusals) == _REFUSALS_SHOWN + 1:
            self._found.append(ExecutorNote("Other workers get no rows either."))

    # -- what is lost

    def _pump_gone(self, gone: PumpGone) -> None:
        link = gone.link
        served = self._served.get(link)
        if gone.refused:
            self._report_refusal(
                link.name, f"{_safe(gone.reason)}. Install gemini_magic {product_version()} there."
            )
        if served is None or served.state == "refused":
            return
        returned = [*gone.drained, *link.outbox]
        link.outbox.clear()
        unsent = [each for each in returned if served.take((each.request, each.attempt))]
        if gone.reason:
            self._end(served, unsent, gone.reason)
            return
        for each in unsent:  # the executor is closing
            self._found.append(Attempted(*each[:2], "waiting", "not sent", sent=False, worker=link.name))

    def _end(self, served: _Served, unsent: Sequence[Grant], why: str) -> None:
        """Report a pump that has ended with the rows it leaves."""
        if served.state != "serving":
            served.state = "ended"
            return
        served.state = "ended"
        in_doubt = tuple(served.open.values())
        served.open.clear()
        if in_doubt or unsent or not self._closing:
            reason = f"The worker {served.link.name} {why}."
            self._found.append(WorkerLost(served.link.name, in_doubt, tuple(unsent), reason))

    def _check_connection(self) -> None:
        """Notice that nothing can arrive any more."""
        now = time.monotonic()
        if self._failure is not None or self._over:
            return
        if self._client.status != "running":
            self._lose_scheduler("the connection to it was lost")
        elif self._closing:
            return
        elif now - self._watch.last_look > self._times.unreachable:
            self._lose_scheduler(f"it has not answered for {self._times.unreachable:g} s")
        elif now - self._watch.worker_seen > self._times.no_worker:
            self._fail(
                f"The cluster has had no worker for {self._times.no_worker:g} s.",
                "Start workers, and run the cell again.",
            )
        elif self._refusals and not self._watch.starting():
            alive = [each for each in self._served.values() if each.state in ("waiting", "serving")]
            if not alive:
                self._fail("No worker of the cluster can take rows.", self._refusals[0])
        elif any(each.state == "serving" for each in self._served.values()):
            self._served_until, self._noted = now, False
        elif not self._noted and now - self._served_until > _WAIT_NOTED:
            self._note_wait()

    def _note_wait(self) -> None:
        """Say why no worker takes rows."""
        self._noted = True
        if self._watch.starting():
            why = "The workers are busy with other tasks. Rows go on when one of their threads is free."
        else:
            why = "The cluster has no worker. Rows go on when one joins."
        self._found.append(ExecutorNote(why))

    def _lose_scheduler(self, why: str) -> None:
        if self._failure is not None:
            return
        for served in list(self._served.values()):
            served.link.gone = True
            returned = [
                each for each in list(served.link.outbox) if served.take((each.request, each.attempt))
            ]
            self._end(served, returned, "cannot be reached")
        self._fail(
            f"The scheduler of the cluster is gone: {why}. The rows in flight are in doubt.",
            "Connect to a cluster again, and run the cell again.",
        )
        self._watch.stop(0.0)
        self._over = True

    def _fail(self, message: str, remedy: str) -> None:
        self._failure = ConnectionFailed(message, remedy=remedy)


def _pickled(dumps: Callable[[object], bytes], plan: PumpPlan) -> bytes:
    """The plan as bytes.

    Raises:
        OptionError: it refers to something that cannot leave this process.
    """
    try:
        return dumps(plan)
    except Exception as error:  # noqa: BLE001 - what pickling a class of the user raises
        raise OptionError(
            f"The options of this run cannot be sent to the workers of a cluster: {_safe(error)}",
            remedy="Use a schema that is defined in a module or by text, or run without cluster=.",
        ) from None


def _safe(text: object) -> str:
    """A text of a worker, on one line and safe to show."""
    return short_line(str(text), _SHOWN)
