"""Functions end when the user interrupts them or their time is up, and timers and handlers of the user stay."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress

import pytest
from calibration import assert_soon

from gemini_magic.tools.interrupts import TimeUp, interruptible, time_limit

needs_alarm = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")


def test_an_interrupt_is_raised_in_the_block_whatever_the_handler_was():
    ignored = []
    before = signal.signal(signal.SIGINT, lambda *_: ignored.append(1))
    try:
        with pytest.raises(KeyboardInterrupt), interruptible():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        os.kill(os.getpid(), signal.SIGINT)
        assert ignored == [1]
    finally:
        signal.signal(signal.SIGINT, before)


@needs_alarm
@pytest.mark.parametrize("block", [lambda: time.sleep(60), threading.Event().wait], ids=["sleep", "lock"])
def test_a_block_that_waits_ends_when_its_time_is_up(block):
    began = time.monotonic()
    with pytest.raises(TimeUp), time_limit(0.05):
        block()
    assert_soon(time.monotonic() - began, 4)


@needs_alarm
def test_a_timer_of_the_user_still_fires_afterwards_at_its_time():
    fired = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: fired.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.6)
        with time_limit(30):
            pass
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.6
        assert fired.wait(60)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(TimeUp), time_limit(0.05):
            time.sleep(60)
        assert fired.wait(60)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_block_in_another_thread_ends_when_it_runs_python_code_again():
    found = []

    def run():
        try:
            with time_limit(0.05):
                end = time.monotonic() + 60
                while time.monotonic() < end:
                    time.sleep(0.001)
        except TimeUp:
            found.append("up")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert found == ["up"]


def test_no_exception_arrives_after_the_block():
    def run():
        for _ in range(20):
            with (
                suppress(TimeUp),
                time_limit(0.0005),
            ):  # on a busy machine, the block itself may take that long
                pass
        sum(range(1000))
        found.append("ended")

    found = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert found == ["ended"]


def test_no_limit_changes_nothing():
    handler = signal.getsignal(signal.SIGINT)
    with time_limit(None), interruptible():
        pass
    assert signal.getsignal(signal.SIGINT) is handler
