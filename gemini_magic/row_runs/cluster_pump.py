"""The part of a cluster run on the workers: one long task on each, which takes rows from its queue and sends the answers.

The leader (``cluster``) submits it. Nothing here is run again by Dask, and no key arrives or leaves.
"""

from __future__ import annotations

import hashlib
import hmac
import pickle
import sys
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import msgspec

from ..backends import backend
from ..client import Key
from ..credentials import find_key
from ..errors import GeminiMagicError
from ..options import Options
from .identity import FORM
from .values import Attempted, Grant

__all__ = [
    "Pump",
    "PumpAttempt",
    "PumpMaker",
    "PumpOrder",
    "PumpPlan",
    "key_print",
    "pack_grants",
    "product_version",
    "run_pump",
    "take_answer",
    "topic_remover",
    "unpack_answer",
    "unpack_grants",
]

_COMPRESSED = 512  # bytes; less is sent as it is
_STOP_MARGIN = (
    2.0  # seconds in which the leader says that a grace is over; the scheduler logs each call that times out
)
_CANCEL_WAIT = 3.0  # seconds in which a cancelled attempt must end

_held: dict[
    tuple[str, int, int], bytes
] = {}  # answers that are too large for an event, until the leader takes them


class PumpAttempt(Protocol):
    """One attempt of a row."""

    def run(self) -> Attempted:
        """Make it, on the calling thread. It does not raise for what a server or a connection does."""

    def cancel(self) -> None:
        """End it, from any thread."""


class PumpMaker(Protocol):
    """Makes attempts with one key."""

    def start(self, grant: Grant, may_send: Callable[[], bool]) -> PumpAttempt:
        """Prepare an attempt; ``may_send`` is called directly before the first byte."""


class PumpPlan(Protocol):
    """How rows are asked. It is pickled and sent to the workers, so it holds no key."""

    @property
    def options(self) -> Options:
        """The options of the run."""

    def open(self, key: Key | None) -> PumpMaker:
        """Prepare attempts with a key; called once on each worker."""


class PumpOrder(NamedTuple):
    """What a pump is to do, in types that every version of the package can read.

    Attributes:
        topic: the topic of its events.
        ticket: the number by which the leader knows it.
        product: the version of the package that the leader runs.
        form: the version of the hash form that the leader uses.
        salt: random bytes of the run.
        plan: the pickled :class:`PumpPlan`.
        silence: seconds without a message from the leader after which it stops.
        inline: bytes; a larger answer is not sent as an event.
    """

    topic: str
    ticket: int
    product: str
    form: int
    salt: bytes
    plan: bytes
    silence: float
    inline: int


# ------------------------------------------------------------------------------------------- messages


def _packed(data: bytes) -> bytes:
    """Bytes with a mark in front, compressed if that is worth it."""
    return b"\x00" + data if len(data) < _COMPRESSED else b"\x01" + zlib.compress(data, 1)


def _unpacked(data: bytes) -> bytes:
    """Raises ValueError or zlib.error for other bytes."""
    if data[:1] not in (b"\x00", b"\x01"):
        raise ValueError("not a message of a pump")
    return zlib.decompress(data[1:]) if data[0] else data[1:]


def pack_grants(grants: Sequence[Grant]) -> bytes:
    """Grants as bytes for the queue of a pump."""
    return _packed(pickle.dumps(list(grants), protocol=5))


def unpack_grants(data: bytes) -> list[Grant]:
    """The grants in a message of a queue."""
    # Dask itself runs what the scheduler sends, so a pickle from its queue is no other risk.
    grants: list[Grant] = pickle.loads(_unpacked(data))  # noqa: S301
    return grants


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Attempted).decode


def unpack_answer(data: bytes) -> Attempted:
    """The answer in a message of a pump.

    Raises:
        ValueError: it is none.
    """
    try:
        return _decode(_unpacked(data))
    except (msgspec.MsgspecError, zlib.error) as problem:
        raise ValueError("not an answer of a pump") from problem


def key_print(salt: bytes, key: Key | None) -> str:
    """The first 8 hexadecimal digits of a salted hash of a key and of the headers that are sent with it.

    It proves that two workers have the same key, and reveals nothing else about it. A Google sign-in has another token on
    each worker, so only its headers count.
    """
    if key is None:
        return ""
    digest = hmac.new(salt, digestmod=hashlib.sha256)
    for part in (key.value.reveal(), *(text for header in key.headers for text in header)):
        data = part.encode()
        digest.update(len(data).to_bytes(4, "little") + data)
    return digest.hexdigest()[:8]


# ------------------------------------------------------------------------------------------- the pump


class Pump:
    """Makes the attempts of one worker, on one thread for each row in flight.

    The leader sends ``("rows", grants)``, ``("beat",)`` as a sign of life, ``("stop", seconds)``, and ``("end",)`` when no other
    message follows: the rows in flight are finished. The pump sends ``hello`` first, an ``answer`` or a ``large`` one for each row, and
    ``bye`` when no row is in flight after a stop.

    Args:
        order: what to do.
        product, form: the versions that this worker runs.
        address: the address of the worker.
        epoch: a name for this pump that no other has.
        send: sends a message to the leader; must not block.
        receive: the next message of the leader; None if none arrives in this number of seconds.
    """

    def __init__(
        self,
        order: PumpOrder,
        product: str,
        form: int,
        *,
        address: str,
        epoch: str,
        send: Callable[[dict[str, Any]], None],
        receive: Callable[[float], Sequence[Any] | None],
    ) -> None:
        self._order = order
        self._versions = product, form
        self._address = address
        self._epoch = epoch
        self._send = send
        self._receive = receive
        self._changed = threading.Condition()
        self._running = 0  # rows in flight
        self._attempts: set[PumpAttempt] = set()
        self._cancelled = False
        self._threads = 0
        self._rows: SimpleQueue[Grant | None] = SimpleQueue()
        self._deadline: float | None = (
            None  # clock reading (``time.monotonic``) at which a stop cancels the rows
        )
        self.leader_is_silent = False

    def run(self) -> str:
        """Work until the leader stops it or is silent. Returns why it ended, in a word."""
        maker = self._greet()
        if maker is None:
            return "refused"
        try:
            grace_is_over = self._serve(maker)
            if not self._wait(0.0 if grace_is_over else None):
                self._cancel()
                self._wait(_CANCEL_WAIT)
                self._post("bye")
        finally:
            for _ in range(self._threads):
                self._rows.put(None)
            if self.leader_is_silent:  # no one takes them any more
                for place in [place for place in _held if place[0] == self._epoch]:
                    _held.pop(place, None)
        return "silence" if self.leader_is_silent else "stopped"

    def _post(self, kind: str, **more: Any) -> None:
        self._send({"kind": kind, "epoch": self._epoch, **more})

    def _greet(self) -> PumpMaker | None:
        """Introduce this worker to the leader. Returns None if it cannot take rows."""
        product, form = self._versions
        hello = {"ticket": self._order.ticket, "address": self._address, "product": product, "form": form}
        maker, source, digits, problem = None, "", "", ""
        if (product, form) == (self._order.product, self._order.form):
            try:
                maker, source, digits = self._open()
            except GeminiMagicError as error:
                problem = " ".join(filter(None, (error.message, error.remedy)))
            except Exception as error:  # noqa: BLE001 - of the user's classes, which may be missing here
                problem = f"{type(error).__name__}: {error}"
        self._post("hello", **hello, source=source, print=digits, problem=problem)
        return maker

    def _open(self) -> tuple[PumpMaker, str, str]:
        """Find the key of this worker. Returns the maker of attempts, the key's source and its print.

        Raises:
            CredentialsError: there is no key.
        """
        plan: PumpPlan = pickle.loads(self._order.plan)  # noqa: S301 - as unpack_grants
        dialect = backend(plan.options.backend)
        if dialect.local is not None:
            return plan.open(None), "", ""
        key = proof = find_key(dialect, plan.options, sign_in=False)
        if key is not None and proof is not None and not key.value.reveal():
            key = find_key(dialect, plan.options)
            proof = proof._replace(headers=() if key is None else key.headers)
        source = "" if key is None else key.source
        return plan.open(key), source, key_print(self._order.salt, proof)

    def _serve(self, maker: PumpMaker) -> bool:
        """Take rows until the leader is silent or ends the pump. Returns whether the grace of a stop is over."""
        while True:
            stopping, wait = self._deadline is not None, self._order.silence
            if self._deadline is not None:
                left = self._deadline - time.monotonic()
                wait = left + _STOP_MARGIN if left > 0 else 0.0
            message = self._receive(wait) if wait > 0 else None
            if message is None:
                self.leader_is_silent = not stopping
                return stopping
            if message[0] == "end":
                return False
            if message[0] == "stop":
                self._stop(float(message[1]))
            elif message[0] == "rows":
                for grant in unpack_grants(message[1]):
                    self._start(maker, grant)

    def _stop(self, grace: float) -> None:
        deadline = time.monotonic() + grace
        with self._changed:
            self._deadline = deadline if self._deadline is None else min(deadline, self._deadline)
            finished = not self._running
        if finished:
            self._post("bye")

    def _start(self, maker: PumpMaker, grant: Grant) -> None:
        with self._changed:
            self._running += 1
            new = self._running > self._threads
            self._threads += new
        if new:
            try:
                threading.Thread(target=self._work, args=(maker,), name="gemini-row", daemon=True).start()
            except RuntimeError:  # the system allows no more; one of the others makes the attempt later
                with self._changed:
                    self._threads -= 1
                    alone = not self._threads
                if alone:
                    raise
        self._rows.put(grant)

    def _work(self, maker: PumpMaker) -> None:
        """Make one attempt after another; runs on a thread for rows."""
        while (grant := self._rows.get()) is not None:
            self._answer(self._attempted(maker, grant))
            del grant
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
                finished = self._deadline is not None and not self._running
            if finished:
                self._post("bye")

    def _attempted(self, maker: PumpMaker, grant: Grant) -> Attempted:
        """Make an attempt. An error of this package or of the user's classes is a failed attempt."""
        attempt = None
        try:
            attempt = maker.start(grant, lambda: not self._cancelled)
            with self._changed:
                self._attempts.add(attempt)
            return attempt.run()
        except BaseException as error:  # noqa: BLE001 - a row must not stay without an answer
            name = type(error).__name__
            message = f"{name}: {error}"
            return Attempted(
                grant.request, grant.attempt, "error", "failed", error=message, reason=name, permanent=True
            )
        finally:
            with self._changed:
                self._attempts.discard(attempt)

    def _cancel(self) -> None:
        with self._changed:
            self._cancelled, attempts = True, list(self._attempts)
        for attempt in attempts:
            attempt.cancel()

    def _answer(self, attempted: Attempted) -> None:
        data = _packed(_encode(attempted))
        if len(data) <= self._order.inline:
            self._post("answer", data=data)
        else:
            _held[self._epoch, attempted.request, attempted.attempt] = data
            self._post("large", request=attempted.request, attempt=attempted.attempt)

    def _wait(self, seconds: float | None) -> bool:
        """Wait until no row is in flight. Returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, seconds)


def run_pump(order: Sequence[Any]) -> str:
    """The task that runs on each worker. Returns why it ended.

    Args:
        order: the values of a :class:`PumpOrder`.
    """
    from distributed import Queue, get_client, get_worker, secede  # noqa: PLC0415 - an optional package

    secede()
    received = PumpOrder(*order)
    worker, client, epoch = get_worker(), get_client(), f"gemini-magic-{uuid4().hex}"
    if not _has_leader(client, received.topic):
        return "no leader"
    queue, is_first = Queue(epoch, client=client), True

    def receive(seconds: float) -> Sequence[Any] | None:
        nonlocal is_first
        if is_first and not _has_leader(client, received.topic):  # it has ended while the plan was opened
            return None
        is_first = False
        try:
            message: Sequence[Any] = queue.get(timeout=seconds)
        except Exception:  # noqa: BLE001 - the timeout, or the scheduler or the queue is gone
            return None
        return message

    pump = Pump(
        received,
        product_version(),
        FORM,
        address=worker.address,
        epoch=epoch,
        send=lambda message: worker.log_event(received.topic, message),
        receive=receive,
    )
    try:
        return pump.run()
    finally:
        # A leader that lives takes back the rows of the queue and deletes it.
        with suppress(Exception):
            if pump.leader_is_silent and client.run_on_scheduler(topic_remover(received.topic)):
                for _ in range(2):  # the scheduler counts the leader and this worker
                    queue.close()


def _has_leader(client: Any, topic: str) -> bool:
    """Whether the leader still listens; it may have ended before the pump got a thread. True if the scheduler does not say."""

    def listens(dask_scheduler: Any) -> bool:  # a closure, because the scheduler may not have this package
        topics = dask_scheduler._broker._topics  # noqa: SLF001
        return topic in topics and bool(topics[topic].subscribers & set(dask_scheduler.clients))

    try:
        return bool(client.run_on_scheduler(listens))
    except Exception:  # noqa: BLE001 - a pump without a leader also ends because of the silence
        return True


def topic_remover(topic: str) -> Callable[..., bool]:
    """A function for the scheduler that deletes the events of a topic; Dask has no public one.

    It returns False, and deletes nothing, while a client that is connected subscribes to the topic.
    """

    def forget(dask_scheduler: Any) -> bool:  # a closure, because the scheduler may not have this package
        topics = dask_scheduler._broker._topics  # noqa: SLF001
        if topic in topics and topics[topic].subscribers & set(dask_scheduler.clients):
            return False  # to unsubscribe later would also create it again
        topics.pop(topic, None)
        return True

    return forget


def take_answer(epoch: str, request: int, attempt: int) -> bytes | None:
    """The task by which the leader takes an answer that is too large for an event; None if the worker does not have it."""
    return _held.pop((epoch, request, attempt), None)


def product_version() -> str:
    """The version of this package."""
    version: str = sys.modules[__name__.partition(".")[0]].__version__
    return version
