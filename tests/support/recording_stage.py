"""Helpers of the recording tests: a recorded answer, and short views of ledgers and files."""

from __future__ import annotations

import json

from client_stage import canary, finished, start
from fake_server import finish, pause, raw
from fake_server import text as say

from gemini_magic.backends import backend
from gemini_magic.recording import Recorder

GEMINI = backend("gemini")
NOWHERE = "http://127.0.0.1:9"
SEPARATORS = "a\u2028b\u2029c\u0085d\x0be"


def record_one(server, path):
    """Record one answer with pauses; the ledger of its stream."""
    server.script(
        say("Hel"), pause(0.06), say("lo 😀"), pause(0.06), say(SEPARATORS), raw(b": \xff\n\n"), finish()
    )
    return finished(start(server, "hello", recorders=[Recorder(path)], key=canary()))


def record_many(server, path, *answers, prompt="hi"):
    """Record one answer after another to the same prompt."""
    for answer in answers:
        server.script(say(answer), finish())
        finished(start(server, prompt, recorders=[Recorder(path)]))


def chunks(ledger):
    return [(chunk.raw, chunk.attempt) for chunk in ledger.raw]


def times(ledger):
    return [chunk.t for chunk in ledger.raw]


def lines(path):
    """The lines of a recording, as JSON values; incomplete lines are left out."""
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found
