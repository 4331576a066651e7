"""Looks after the pumps of a cluster run: starts one on each worker, notices when a worker has ended, and stops them.

It runs on its own thread and makes all calls to the scheduler that may block. It hands what it finds to the executor
(``cluster``) through an inbox.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeAlias
from uuid import uuid4

from .cluster_pump import PumpOrder, pack_grants, run_pump, topic_remover, unpack_grants
from .values import Grant

__all__ = ["ClusterTimes", "ClusterWatch", "Inbox", "PumpGone", "PumpLink", "SchedulerGone", "WatchEnded"]

_LOOK_SHARE = 20  # the time between two looks is at least this many times as long as a look
_PRIORITY = 100  # a pump starts before other tasks that wait for a thread
_EXIT_WAIT = 3.0  # seconds that the end of this process is delayed
_FORGET_TRIES = 20
_FORGET_PAUSE = 0.01  # seconds
_START_WAIT = 1.0  # seconds after the grace
_STOP_WAIT = 5.0  # seconds after the grace in which pumps must have confirmed that they stop


class ClusterTimes(NamedTuple):
    """Times in seconds.

    Attributes:
        look: between two looks at the workers of the scheduler.
        beat: between two signs of life to each pump.
        silence: without a sign of life after which a pump finishes its rows and stops.
        settle: in which an event must arrive that was sent before; also how long the first worker waits for others, to
            compare their keys.
        unreachable: without an answer of the scheduler after which the run stops.
        no_worker: without any worker after which the run stops.
    """

    look: float = 0.2
    beat: float = 5.0
    silence: float = 30.0
    settle: float = 2.0
    unreachable: float = 30.0
    no_worker: float = 300.0


class PumpLink:
    """The pump on one worker process, as the leader knows it.

    Args:
        name: the name of the worker in the run.
        address: the address of the worker.
        ticket: its number in the run.
    """

    def __init__(self, name: str, address: str, ticket: int) -> None:
        self.name = name
        self.address = address
        self.ticket = ticket
        self.future: Any = None
        self.epoch = ""  # empty until the pump has introduced itself
        self.known = False  # whether the executor has seen that; only its thread writes it
        self.outbox: deque[Grant] = deque()  # granted, and not yet in the queue of the pump
        self.sending = threading.Lock()  # held while something is put into the queue or taken out
        self.gone = False  # written under the lock: nothing is put into the queue any more
        self.broken = ""  # why the pump must be replaced
        self.paused = False
        self.refused = False
        self.has_stopped = False
        self._queue: Any = None

    def queue(self, client: Any) -> Any:
        """The queue of the pump; may block. Called under the lock."""
        from distributed import Queue  # noqa: PLC0415 - an optional package

        if self._queue is None:
            self._queue = Queue(self.epoch, client=client)
        return self._queue

    def send_rows(self, client: Any) -> None:
        """Put the grants of the outbox into the queue of the pump; may block."""
        with self.sending:
            if self.gone or not self.outbox:
                return
            grants = [self.outbox.popleft() for _ in range(len(self.outbox))]
            try:
                self.queue(client).put(("rows", pack_grants(grants)))
            except Exception as error:  # noqa: BLE001 - the watch decides what it means
                self.broken = f"has a queue that does not work ({type(error).__name__})"
                if isinstance(error, KeyError):  # the scheduler has no such queue, so they were not delivered
                    self.outbox.extendleft(reversed(grants))

    def send(self, client: Any, *message: Any) -> None:
        """Put another message into the queue of the pump; may block."""
        with self.sending, suppress(Exception):
            self.queue(client).put(message)

    def drain(self, client: Any) -> list[Grant]:
        """Take back the grants that the pump has not taken, and put no others into its queue; may block."""
        with self.sending:
            self.gone = True
            if not self.epoch:
                return []
            with suppress(Exception):
                messages = self.queue(client).get(batch=True)
                return [each for one in messages if one[0] == "rows" for each in unpack_grants(one[1])]
        return []

    def close(self, client: Any) -> None:
        """End the pump, if it runs, and delete its queue."""
        if self.epoch:
            with self.sending:
                _end_pump(client, self.epoch, self._queue)
        with suppress(Exception):
            self.future.release()


def _end_pump(client: Any, epoch: str, queue: Any = None) -> None:
    """End a pump and delete its queue; may block.

    The message also answers a call of a dead worker that the scheduler still waits on.
    """
    from distributed import Queue  # noqa: PLC0415 - an optional package

    with suppress(Exception):
        queue = queue or Queue(epoch, client=client)
        queue.put(("end",))
        for _ in range(2):  # the scheduler counts the pump and this process
            queue.close()


class PumpGone(NamedTuple):
    """A pump takes no more rows.

    Attributes:
        link: the pump.
        drained: the grants that it has certainly not taken.
        reason: a sentence for the user; empty if the executor is closing and the pump may still answer.
        refused: whether its worker cannot run a pump at all.
    """

    link: PumpLink
    drained: tuple[Grant, ...]
    reason: str
    refused: bool = False


class SchedulerGone(NamedTuple):
    """The scheduler cannot be reached any more."""

    reason: str


class WatchEnded(NamedTuple):
    """Everything is stopped; nothing follows."""


Inbox: TypeAlias = "SimpleQueue[PumpGone | SchedulerGone | WatchEnded | Mapping[str, Any]]"


class ClusterWatch:
    """Starts a pump on each worker and looks whether they live.

    Args:
        client: the ``distributed.Client``.
        order: the order for a pump with this ticket.
        inbox: receives what it finds.
        times: its times.
        fetching: whether answers are being fetched from workers.
        at_end: called when everything is stopped, on the thread of the watch.
    """

    def __init__(
        self,
        client: Any,
        order: Callable[[int], PumpOrder],
        inbox: Inbox,
        times: ClusterTimes,
        *,
        fetching: Callable[[], bool],
        at_end: Callable[[], None],
    ) -> None:
        self._client = client
        self._order = order
        self._inbox = inbox
        self._times = times
        self._fetching = fetching
        self._at_end = at_end
        self._links: dict[tuple[str, str], PumpLink] = {}  # by address and folder of the process
        self._tickets: dict[int, PumpLink] = {}
        self._epochs: dict[str, PumpLink] = {}
        self._names: dict[str, int] = {}  # how many pumps each address had
        self._strays: SimpleQueue[str] = SimpleQueue()  # epochs of pumps that must end
        self._wake = threading.Event()
        self._barriers: dict[str, threading.Event] = {}
        self._stop_at: float | None = None  # clock reading (``time.monotonic``)
        self._stop_sent: float | None = None
        self._grace_over = False
        self._nudge: Any = None  # a task that makes an adaptive cluster start a worker
        self._last_beat = 0.0
        self.last_look = time.monotonic()
        self.worker_seen = time.monotonic()
        self.ended = threading.Event()

    # -- called by the event loop of the client

    def note(self, message: Mapping[str, Any]) -> PumpLink | None:
        """Take note of a message of a pump. Returns the pump; None if the message is of no use."""
        kind, epoch = message.get("kind"), message.get("epoch")
        if not isinstance(epoch, str):
            return None
        if kind == "barrier":
            if (barrier := self._barriers.get(epoch)) is not None:
                barrier.set()
            return None
        if kind == "hello":
            ticket = message.get("ticket")
            link = self._tickets.get(ticket) if isinstance(ticket, int) else None
            if link is None or link.gone or link.epoch:
                # Dask has started the task once more, on a worker that restarted with the same address.
                if link is not None and link.epoch:
                    link.broken = link.broken or "was restarted"
                self._strays.put(epoch)
                self._wake.set()
                return None
            link.epoch = epoch
            self._epochs[epoch] = link
            ours = self._order(link.ticket)
            versions = message.get("product"), message.get("form")
            if message.get("problem") or versions != (ours.product, ours.form):
                link.refused = True  # at once, because the pump ends and must not be taken for one to replace
        link = self._epochs.get(epoch)
        if link is not None and kind == "bye":
            link.has_stopped = True
            self._wake.set()
        return link

    # -- called by the executor

    def link(self, epoch: str) -> PumpLink | None:
        """The pump with this epoch, also after it has ended."""
        return self._epochs.get(epoch)

    def refuse(self, link: PumpLink) -> None:
        """End a pump that gets no rows, and start no other on its worker process."""
        link.refused = True
        self._strays.put(link.epoch)
        self._wake.set()

    def start(self) -> None:
        """Start the thread."""
        atexit.register(self._stop_at_exit)
        threading.Thread(target=self._run, name="gemini-cluster", daemon=True).start()

    def stop(self, grace: float) -> None:
        """Stop the pumps; rows in flight may go on for ``grace`` seconds. A second call can shorten it."""
        stop_at = time.monotonic() + grace
        self._stop_at = stop_at if self._stop_at is None else min(stop_at, self._stop_at)
        self._wake.set()

    def starting(self) -> bool:
        """Whether a pump has been started of which the executor does not know yet what it can do."""
        return any(not link.known and not link.gone for link in list(self._tickets.values()))

    def _stop_at_exit(self) -> None:
        """Stop the pumps before Dask closes the client."""
        self.stop(0.0)
        self.ended.wait(_EXIT_WAIT)

    # -- the thread

    def _run(self) -> None:
        try:
            self._watch()
        except BaseException as error:  # noqa: BLE001 - the leader must not wait for a dead thread
            self._inbox.put(SchedulerGone(f"{type(error).__name__}: {error}"))
        finally:
            atexit.unregister(self._stop_at_exit)
            self.ended.set()
            self._at_end()
            self._inbox.put(WatchEnded())

    def _watch(self) -> None:
        while True:
            began = time.monotonic()
            if self._client.status != "running":
                self._inbox.put(SchedulerGone("the connection to it was lost"))
                return
            workers = self._workers()
            if workers is not None:
                self.last_look = time.monotonic()
                self._look(workers)
            self._beat()
            self._end_strays()
            if self._stop_at is not None and self._stopped():
                self._clean_up()
                return
            took = time.monotonic() - began
            self._wake.wait(max(self._times.look, _LOOK_SHARE * took) if self._stop_at is None else 0.05)
            self._wake.clear()

    def _workers(self) -> Mapping[str, Mapping[str, Any]] | None:
        """The workers of the scheduler by address; None if it does not answer.

        ``Client.scheduler_info`` returns a cache that the client overwrites without workers every two seconds.
        """
        try:
            found = self._client.sync(self._client.scheduler.identity, n_workers=-1)
        except Exception:  # noqa: BLE001 - the status of the client says whether it is lost
            return None
        workers: Mapping[str, Mapping[str, Any]] = found["workers"]
        return workers if len(workers) == found.get("n_workers", len(workers)) else None

    def _look(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        """Compare the workers of the scheduler with the pumps."""
        present = {
            (address, str(info.get("local_directory"))): str(info.get("status", "running"))
            for address, info in workers.items()
        }
        for process, link in list(self._links.items()):
            if process not in present:
                self._retire(process, "has ended")
            elif link.broken:
                self._retire(process, link.broken)
            elif not link.refused and not link.has_stopped and link.future.done():
                self._pump_ended(process, link)
            else:
                link.paused = present[process] != "running"
        if self._stop_at is not None:
            return
        for process, status in present.items():
            if process not in self._links and status == "running":
                self._begin(process)
        self._call_for_workers(bool(present))

    def _call_for_workers(self, present: bool) -> None:
        """Submit a task if there is no worker: an adaptive cluster then starts one."""
        if present:
            self.worker_seen = time.monotonic()
            self._nudge = None  # which releases it
        elif self._nudge is None:
            self._nudge = self._client.submit(len, (), pure=False)

    def _begin(self, process: tuple[str, str]) -> None:
        address, ticket = process[0], len(self._tickets)
        number = self._names[address] = self._names.get(address, 0) + 1
        link = PumpLink(address if number == 1 else f"{address} #{number}", address, ticket)
        self._tickets[ticket] = self._links[process] = link
        link.future = self._client.submit(
            run_pump,
            tuple(self._order(ticket)),
            workers=[address],
            allow_other_workers=False,
            pure=False,
            retries=0,
            priority=_PRIORITY,
            key=f"gemini-magic-pump-{uuid4().hex}",
        )

    def _pump_ended(self, process: tuple[str, str], link: PumpLink) -> None:
        """Handle a pump that ended although the leader did not stop it."""
        if link.future.status != "error":
            self._retire(process, "has received no sign of life for a while and stopped")
            return
        try:
            error = link.future.exception(timeout=self._times.settle)
        except Exception as problem:  # noqa: BLE001 - it is only described
            error = problem
        link.refused = True  # the same would happen again
        drained = tuple(link.drain(self._client))
        link.close(self._client)
        self._inbox.put(PumpGone(link, drained, f"{type(error).__name__}: {error}", refused=True))

    def _retire(self, process: tuple[str, str], reason: str) -> None:
        """Give up a pump: hand over what it never took. Its events that have left the worker are in the inbox before."""
        link = self._links.pop(process)
        with link.sending:
            link.gone = True
        self._pass_barrier()
        drained = tuple(link.drain(self._client))
        link.close(self._client)
        self._inbox.put(PumpGone(link, drained, reason))

    def _pass_barrier(self) -> None:
        """Wait until the events have arrived that the scheduler published before."""
        name = uuid4().hex
        barrier = self._barriers[name] = threading.Event()
        with suppress(Exception):
            self._client.log_event(self._order(-1).topic, {"kind": "barrier", "epoch": name})
            barrier.wait(self._times.settle)
        self._barriers.pop(name, None)

    def _beat(self) -> None:
        """Send a sign of life to each pump, if it is time."""
        now = time.monotonic()
        if now - self._last_beat < self._times.beat:
            return
        self._last_beat = now
        for link in self._links.values():
            if link.epoch and not link.refused and not link.has_stopped:
                link.send(self._client, "beat")

    def _end_strays(self) -> None:
        """End pumps that get no rows."""
        with suppress(Empty):
            while True:
                _end_pump(self._client, self._strays.get_nowait())

    # -- the end

    def _stopped(self) -> bool:
        """Send the stop once, and again if the time became shorter. Returns whether nothing else is to be expected."""
        stop_at = self._stop_at or 0.0
        links = [link for link in self._links.values() if not link.refused]
        if self._stop_sent is None or stop_at < self._stop_sent:
            first, self._stop_sent = self._stop_sent is None, stop_at
            for link in links:
                if first:
                    self._inbox.put(PumpGone(link, tuple(link.drain(self._client)), ""))
                if link.epoch:
                    link.send(self._client, "stop", max(0.0, stop_at - time.monotonic()))
                else:
                    link.gone = True
                    with suppress(Exception):
                        link.future.cancel()
        now = time.monotonic()
        if now >= stop_at and not self._grace_over:
            self._grace_over = True
            for link in links:
                if link.epoch and not link.has_stopped:
                    link.send(self._client, "stop", 0.0)
        overdue = now > stop_at + _STOP_WAIT
        if any(not link.epoch for link in links) and now < stop_at + _START_WAIT:
            return False  # a pump that is just starting introduces itself and can be ended
        return overdue or (all(link.has_stopped or not link.epoch for link in links) and not self._fetching())

    def _clean_up(self) -> None:
        """End the pumps, and remove the run's traces from the scheduler."""
        for link in self._links.values():
            link.close(self._client)
        self._end_strays()
        self._forget_topic(self._order(-1).topic)

    def _forget_topic(self, topic: str) -> None:
        """Delete the events that the scheduler keeps."""
        with suppress(Exception):
            self._client.unsubscribe_topic(topic)
            self._client._event_handlers.pop(topic, None)  # noqa: SLF001 - it refers to the executor
            for _ in range(_FORGET_TRIES):
                if self._client.run_on_scheduler(topic_remover(topic)):
                    break
                time.sleep(_FORGET_PAUSE)
