"""Many streams read by one thread: the same answers and endings, and no stream delays the others."""

import asyncio
import contextlib
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from calibration import assert_soon
from client_stage import finished, start, text, time_taken, until
from fake_server import cut, finish, gate, stall
from fake_server import text as say

from gemini_magic.client import shared_reader
from gemini_magic.client.shared_reader import SHARED_READER, SharedReader
from gemini_magic.client.wake_ups import batched_wake_ups, wake
from gemini_magic.recording import Recorder


@pytest.fixture
def every_body_is_shared(monkeypatch):
    monkeypatch.setattr(shared_reader, "_MAX_OWN", -1)


def test_above_eight_streams_one_thread_reads_all_bodies(fake_server):
    fake_server.model("m", say("a"), gate("one"), say("b"), gate("two"), say("c"), finish())
    streams = [start(fake_server) for _ in range(12)]
    until(lambda: all(text(stream.ledger) == "a" for stream in streams))
    # A body is handed over by the read after the one that brought the text.
    until(lambda: len(SHARED_READER._turns) >= 12 - shared_reader._MAX_OWN)
    fake_server.open("one")
    until(lambda: len(SHARED_READER._turns) == 12)  # the others follow with their next read
    fake_server.open("two")
    assert [text(finished(stream)) for stream in streams] == ["abc"] * 12
    assert not SHARED_READER._turns


def test_up_to_eight_streams_are_read_on_threads_of_their_own(fake_server):
    fake_server.model("m", say("a"), gate("on"), finish())
    streams = [start(fake_server) for _ in range(8)]
    until(lambda: all(text(stream.ledger) == "a" for stream in streams))
    assert not SHARED_READER._turns
    fake_server.open("on")
    for stream in streams:
        finished(stream)


@pytest.mark.usefixtures("every_body_is_shared")
def test_a_slow_consumer_does_not_delay_the_others(fake_server):
    fake_server.model("m", say("a"), gate("on"), say("b"), finish())
    slow, *others = [start(fake_server) for _ in range(12)]
    go = threading.Event()

    def consume():
        for _ in slow:
            go.wait(60)  # at the first event

    consumer = threading.Thread(target=consume)
    consumer.start()
    until(lambda: all(text(stream.ledger) == "a" for stream in [slow, *others]))
    fake_server.open("on")
    assert [text(finished(stream)) for stream in others] == ["ab"] * 11
    assert text(finished(slow)) == "ab"  # it is read although nothing takes its events
    assert consumer.is_alive()
    go.set()
    consumer.join(60)


@pytest.mark.usefixtures("every_body_is_shared")
def test_a_recording_on_a_slow_disk_does_not_delay_the_others(fake_server, tmp_path, monkeypatch):
    fake_server.model("m", say("a"), gate("on"), say("b"), finish())
    go = threading.Event()
    write_new = Recorder.write_new

    def slowly(recorder):
        go.wait(60)
        write_new(recorder)

    monkeypatch.setattr(Recorder, "write_new", slowly)
    recorded = start(fake_server, recorders=[Recorder(tmp_path / "a.jsonl")])
    others = [start(fake_server) for _ in range(3)]
    until(lambda: all(text(stream.ledger) == "a" for stream in others))
    fake_server.open("on")
    assert [text(finished(stream)) for stream in others] == ["ab"] * 3
    assert not recorded.done
    go.set()
    assert text(finished(recorded)) == "ab"


@pytest.mark.usefixtures("every_body_is_shared")
def test_a_large_answer_is_handed_back_to_its_own_thread(fake_server):
    fake_server.script(say("x" * 200_000), gate("on"), say("y"), finish())
    stream = start(fake_server)
    until(lambda: len(text(stream.ledger)) == 200_000)
    until(lambda: not SHARED_READER._turns)
    fake_server.open("on")
    assert text(finished(stream)) == "x" * 200_000 + "y"


@pytest.mark.usefixtures("every_body_is_shared")
def test_cancelling_a_shared_stream_ends_it_at_once_and_no_other(fake_server):
    fake_server.model("m", say("a"), gate("on"), finish())
    one, two = start(fake_server), start(fake_server)
    until(lambda: text(one.ledger) == text(two.ledger) == "a" and len(SHARED_READER._turns) == 2)
    assert_soon(time_taken(one.cancel), 0.1)
    assert one.ledger.status == "interrupted"
    until(lambda: len(SHARED_READER._turns) == 1)
    fake_server.open("on")
    assert finished(two).status == "complete"


@pytest.mark.usefixtures("every_body_is_shared")
@pytest.mark.parametrize(
    ("steps", "options"),
    [
        ([say("a"), stall()], {"stall_timeout": 0.1}),
        ([say("a"), stall()], {"timeout": 0.3}),
        ([say("a"), cut()], {}),
        ([say("a"), say("x" * 3000), stall()], {"max_total": 0.001}),
    ],
    ids=["stall timeout", "total timeout", "lost", "too large"],
)
def test_a_shared_stream_ends_as_one_with_a_thread_of_its_own(fake_server, monkeypatch, steps, options):
    fake_server.script(*steps)
    shared = finished(start(fake_server, retries=0, **options))
    monkeypatch.setattr(shared_reader, "_MAX_OWN", 8)
    fake_server.script(*steps)
    own = finished(start(fake_server, retries=0, **options))
    assert (shared.status, shared.cause, text(shared)) == (own.status, own.cause, text(own))
    assert str(shared.error) == str(own.error)
    assert shared.status != "complete"
    until(lambda: not SHARED_READER._turns)
    assert SHARED_READER._active == 0


@pytest.mark.usefixtures("every_body_is_shared")
def test_the_arrival_times_of_a_shared_stream_are_taken_at_the_socket(fake_server):
    fake_server.script(say("a"), gate("go"), say("b"), finish())
    stream = start(fake_server)
    until(lambda: text(stream.ledger))
    time.sleep(0.1)
    fake_server.open("go")
    first, second, _ = (chunk.t for chunk in finished(stream).raw)
    assert second - first >= 0.1


# ------------------------------------------------------------------------------------------ gathering


class Bodies:
    """Bodies that a shared reader of the test reads, and what the reader does meanwhile.

    Attributes:
        writers: the other end of the socket of each body.
        arrived: the number of bytes that were read.
        passes: how often the reader read what had arrived.
        pauses: how often it let bytes gather.
    """

    def __init__(self, count, monkeypatch):
        self.arrived, self.passes, self.pauses = 0, 0, 0
        self._reader = SharedReader()
        pairs = [socket.socketpair() for _ in range(count)]
        self.writers = [writer for _, writer in pairs]
        sleep, batched = time.sleep, shared_reader.batched_wake_ups

        def pause(seconds):
            self.pauses += threading.current_thread().name == "gemini-shared-reader"
            sleep(seconds)

        def read_all():
            self.passes += 1
            return batched()

        monkeypatch.setattr(shared_reader.time, "sleep", pause)
        monkeypatch.setattr(shared_reader, "batched_wake_ups", read_all)
        self._threads = [threading.Thread(target=self._read, args=(sock,)) for sock, _ in pairs]
        for thread in self._threads:
            thread.start()
        until(lambda: len(self._reader._turns) == count)
        time.sleep(0.05)
        self.passes = self.pauses = 0

    def _read(self, sock):
        def read_available():
            data = sock.recv(100)
            self.arrived += len(data)
            return bool(data)

        body = SimpleNamespace(fileno=sock.fileno, read_available=read_available)
        body.read_deadline = lambda: time.perf_counter() + 60
        self._reader.read(body)
        sock.close()

    def close(self):
        for writer in self.writers:
            writer.close()
        for thread in self._threads:
            thread.join(60)


def test_a_busy_shared_thread_lets_bytes_gather_and_reads_them_at_once(monkeypatch):
    bodies = Bodies(20, monkeypatch)
    ends = time.perf_counter()
    for _ in range(30):
        for writer in bodies.writers:
            ends += 0.0002
            while time.perf_counter() < ends:
                pass
            writer.send(b"x")
    until(lambda: bodies.arrived == 600)
    bodies.close()
    assert bodies.pauses > 0
    assert bodies.passes < 400  # one for each byte, unless the machine is slow


def test_bytes_that_arrive_one_after_the_other_are_read_without_a_pause(monkeypatch):
    bodies = Bodies(20, monkeypatch)
    for number, writer in enumerate(bodies.writers, 1):
        time.sleep(0.005)
        writer.send(b"x")
        until(lambda number=number: bodies.arrived == number)
    assert bodies.pauses == 0
    bodies.close()


# ------------------------------------------------------------------------------------------ wake-ups


def test_one_wake_up_of_a_loop_serves_all_coroutines():
    async def main():
        loop = asyncio.get_running_loop()
        calls, schedule = [], loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *arguments: (calls.append(1), schedule(*arguments))
        futures = [loop.create_future() for _ in range(50)]
        futures[7].cancel()

        def work():
            with batched_wake_ups():
                for future in futures:
                    wake(future)

        thread = threading.Thread(target=work)
        thread.start()
        for future in futures:
            with contextlib.suppress(asyncio.CancelledError):
                await future
        thread.join()
        assert len(calls) == 1
        later = loop.create_future()
        wake(later)
        await later

    asyncio.run(asyncio.wait_for(main(), 5))


def test_a_closed_loop_is_ignored():
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    loop.close()
    wake(future)
    wake(future)


@pytest.mark.usefixtures("every_body_is_shared")
def test_many_coroutines_read_their_streams_to_the_end(fake_server):
    fake_server.model("m", say("a"), say("b"), gate("on"), say("c"), finish())

    async def collect():
        return [event async for event in start(fake_server)]

    async def main():
        tasks = [asyncio.create_task(collect()) for _ in range(12)]
        await asyncio.to_thread(fake_server.wait_for_requests, 12)
        fake_server.open("on")
        return await asyncio.gather(*tasks)

    events = asyncio.run(asyncio.wait_for(main(), 10))
    assert len({len(each) for each in events}) == 1
