"""Helpers of the client tests: a stream to a fake server, its key, waiting and timing.

The tests start the server; this module uses only the public interface of `gemini_magic.client`.
"""

from __future__ import annotations

import threading
import time

from gemini_magic.backends import backend
from gemini_magic.client import Key, Secret, open_stream
from gemini_magic.config import Options
from gemini_magic.content import Request, Text, Turn
from gemini_magic.ledger.ledger import Ledger

CANARY = "AIzaCANARY0123456789abcdefghijklmnopqrs"


def request(prompt="hi", model="m", **fields):
    return Request(model=model, turns=(Turn("user", (Text(prompt),)),), **fields)


def canary():
    """A key whose text must never appear in any output."""
    return Key(Secret(CANARY), "a test")


def start(
    server,
    prompt="hi",
    *,
    model="m",
    dialect="gemini",
    key=None,
    recorders=(),
    replay=None,
    before="",
    **options,
):
    """Start a stream to `server` (a FakeServer or a base URL); `options` are fields of `Options`."""
    address = getattr(server, "base_url", server)
    chosen = Options(base_url=address, key_env="TEST_KEY", **options)
    return open_stream(
        request(prompt, model),
        chosen,
        ledger=Ledger(request(prompt, model), backend=dialect),
        key=key,
        backend=backend(dialect),
        recorders=recorders,
        replay=replay,
        before=before,
    )


def finished(stream, timeout=60.0):
    """Wait until a stream has ended, and return its ledger."""
    assert stream.wait(timeout), f"still {stream.ledger.phase} after {timeout} s"
    return stream.ledger


def until(condition, timeout=60.0, every=0.001):
    """Wait until a condition is true.

    Raises:
        AssertionError: `timeout` seconds have passed.
    """
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"the condition was still false after {timeout} s"
        time.sleep(every)


def time_taken(action):
    """The seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def kinds(ledger):
    return [note.kind for note in ledger.notes]


def text(ledger):
    return "".join(ledger.answer)


def readers():
    """The reader threads that are alive."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("gemini-reader")]
