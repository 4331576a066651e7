"""Waiting for a stream: cursors, wake-ups, many streams, the `with` block, and forked processes."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from calibration import assert_soon
from client_stage import finished, start, text, until
from fake_server import finish, gate, pause, stall
from fake_server import text as say
from surroundings import CHECKOUT

from gemini_magic.events import Delta


def text_of(events):
    return "".join(event.part.text for event in events if isinstance(event, Delta))


def test_the_request_is_sent_without_a_waiter(fake_server):
    fake_server.script(say("ok"), finish())
    stream = start(fake_server)
    fake_server.wait_for_requests(1)
    assert finished(stream).status == "complete"


def test_every_iterator_begins_with_the_first_event_and_break_does_not_stop_it(fake_server):
    fake_server.script(say("a"), say("b"), gate("go"), say("c"), finish())
    stream = start(fake_server)
    for event in stream:
        assert event == stream.ledger.events[0]
        break
    assert not stream.done
    late = []
    reading = threading.Thread(target=lambda: late.extend(stream))
    reading.start()
    fake_server.open("go")
    assert text_of(stream) == "abc"
    reading.join()
    assert late == list(stream) == stream.ledger.events


def test_for_and_async_for_side_by_side(fake_server):
    fake_server.script(*[step for n in range(10) for step in (say(f"{n}"), pause(0.005))], finish())
    stream = start(fake_server)

    async def collect():
        return [event async for event in stream]

    async def both():
        return await asyncio.gather(collect(), collect(), asyncio.to_thread(list, stream))

    one, two, three = asyncio.run(both())
    assert one == two == three == stream.ledger.events
    assert text_of(one) == "0123456789"


def test_iterating_does_not_raise_the_error_that_ends_the_stream(fake_server):
    fake_server.script(say("half"), stall())
    stream = start(fake_server, stall_timeout=0.05)
    assert text_of(stream) == "half"
    assert stream.ledger.status == "stalled"


def test_leaving_the_with_block_cancels_the_stream(fake_server):
    fake_server.script(say("half"), stall())
    with start(fake_server) as stream:
        until(lambda: text(stream.ledger))
    assert stream.ledger.status == "interrupted"
    fake_server.wait_for_disconnect()


def test_leaving_the_with_block_after_the_end_has_no_effect(fake_server):
    fake_server.script(say("all"), finish())
    with start(fake_server) as stream:
        finished(stream)
    assert stream.ledger.status == "complete"


def test_wait_change_returns_on_a_change_at_the_end_or_after_the_timeout(fake_server):
    fake_server.script(say("a"), gate("go"), say("b"), finish())
    stream = start(fake_server)
    until(lambda: text(stream.ledger) == "a")
    version = stream.ledger.version
    began = time.perf_counter()
    assert stream.wait_change(version, 0.05) == version
    took = time.perf_counter() - began
    assert took > 0.04
    assert_soon(took, 0.2)
    threading.Timer(0.05, fake_server.open, ["go"]).start()
    assert stream.wait_change(version, 5) != version
    finished(stream)
    began = time.perf_counter()
    stream.wait_change(stream.ledger.version, 5)  # nothing more will change
    assert_soon(time.perf_counter() - began, 0.05)


def test_changed_wakes_an_event_loop_once_for_each_wait(fake_server):
    fake_server.script(say("a"), gate("go"), *[say(f"{n}") for n in range(500)], finish())
    stream = start(fake_server)
    until(lambda: text(stream.ledger) == "a")

    async def watch():
        loop = asyncio.get_running_loop()
        calls = 0
        plain = loop.call_soon_threadsafe

        def counted(*arguments, **options):
            nonlocal calls
            calls += 1
            return plain(*arguments, **options)

        loop.call_soon_threadsafe = counted
        version = stream.ledger.version
        began = time.perf_counter()
        assert await stream.changed(version, 0.05) == version
        took = time.perf_counter() - began
        assert took > 0.04
        assert_soon(took, 0.3)
        fake_server.open("go")
        rounds = 0
        while not stream.done:
            version = await stream.changed(version, 1)
            rounds += 1
            await asyncio.sleep(0.01)
        return calls, rounds

    calls, rounds = asyncio.run(watch())
    assert calls <= rounds + 1  # one wake-up for each wait, however many events came
    assert text(stream.ledger).endswith("499")


def test_a_closed_event_loop_does_not_affect_the_reader(fake_server):
    fake_server.script(say("a"), gate("go"), say("b"), finish())
    stream = start(fake_server)
    until(lambda: text(stream.ledger) == "a")
    loop = asyncio.new_event_loop()
    task = loop.create_task(stream.changed(stream.ledger.version, 60))
    loop.run_until_complete(asyncio.sleep(0.01))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    fake_server.open("go")
    assert text(finished(stream)) == "ab"


def test_a_cancelled_waiter_does_not_affect_the_stream(fake_server):
    fake_server.script(say("a"), gate("go"), say("b"), finish())
    stream = start(fake_server)

    async def impatient():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                async for _ in stream:
                    pass

    asyncio.run(impatient())
    fake_server.open("go")
    assert text(finished(stream)) == "ab"


def test_twenty_streams_run_at_once(fake_server):
    fake_server.model("m", *[step for n in range(20) for step in (say(f"{n} "), pause(0.005))], finish())
    streams = [start(fake_server, f"prompt {n}") for n in range(20)]
    for stream in streams:
        ledger = finished(stream)
        assert (ledger.status, text(ledger)) == ("complete", "".join(f"{n} " for n in range(20)))
    assert len(fake_server.requests) == 20


def test_a_stream_without_references_runs_to_its_end(fake_server):
    fake_server.script(say("a"), gate("go"), finish())
    ledger = start(fake_server).ledger
    until(lambda: text(ledger))
    fake_server.open("go")
    until(lambda: ledger.status == "complete")


FORK = """
    import os, sys
    from client_stage import start, finished, text, until
    from fake_server import FakeServer, finish, gate, text as say

    with FakeServer() as server:
        server.script(say("half"), gate("go"), say(" whole"), finish())
        running = start(server)
        until(lambda: text(running.ledger) == "half")
        server.script(say("before"), finish())
        finished(start(server))                      # a connection that the parent keeps for later
        server.script(say("child"), finish())
        child = os.fork()
        if not child:
            over = running.wait(60) and running.ledger.status != "running"
            ledger = finished(start(server))
            os._exit(0 if over and text(ledger) == "child" else 1)
        _, status = os.waitpid(child, 0)
        server.open("go")
        assert text(finished(running)) == "half whole", text(running.ledger)
        server.script(say("after"), finish())
        assert text(finished(start(server))) == "after"
        print("child", os.waitstatus_to_exitcode(status), len({seen.connection for seen in server.requests}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_starts_anew_and_the_parent_continues():
    tests = CHECKOUT / "tests" / "support"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORK)],
        env={**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{CHECKOUT}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    # Two connections of the parent's and one of the child's own.
    assert run.stdout.split() == ["child", "0", "3"]
    assert run.stderr == ""


@pytest.mark.parametrize("later", range(8))
def test_a_cancellation_in_the_moment_of_waking_is_not_lost(fake_server, later):
    fake_server.script(say("half"), stall())
    stream = start(fake_server)
    until(lambda: text(stream.ledger) == "half")

    async def scene():
        task = asyncio.create_task(stream.changed(stream.ledger.version, 5))
        await asyncio.sleep(0.02)
        stream._notify()  # wakes it, as a chunk does
        for _ in range(later):  # and some turns of the loop later the kernel's interrupt is noticed
            await asyncio.sleep(0)
        if task.cancel():
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            assert task.done()

    asyncio.run(scene())
    stream.close()
