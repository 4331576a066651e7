"""Helpers for tests of views: ledgers that a test fills, a clock that a test sets, and a record of every message."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.content import Request, Text, Thought, Turn
from gemini_magic.errors import ServiceError, WireError
from gemini_magic.events import Decoded, Delta, Failure, Usage, UsageReport
from gemini_magic.ledger.ledger import Ledger

STATIC_TYPES = {"application/vnd.gemini-stream+json", "text/html", "text/markdown", "text/plain"}
WIDGET = "application/vnd.jupyter.widget-view+json"

ANSWER = """# Title

A paragraph with **bold**, `code` and a [link](https://example.org/page).

- one
- two

```python
print("hello")
```

| a | b |
|---|---|
| 1 | 2 |

The end.
"""

ATTACK = """<script>alert(1)</script>
<img src=x onerror=alert(1)>

[click](javascript:alert(1)) [data](data:text/html,x)

![beacon](https://evil.example/x.png?secret)

<button data-commandlinker-command="help:about" onclick="alert(1)">b</button>

<iframe srcdoc="<script>alert(1)</script>"></iframe> <style>body{display:none}</style>
"""


def new_ledger(model="gemini-flash-latest"):
    ledger = Ledger(Request(model=model, turns=(Turn("user", (Text("hi"),)),)))
    ledger.set_phase("connecting")
    return ledger


def feed(
    ledger, text="", *, t=1.0, thought="", usage=None, finish=None, failure=None, message=None, prompt=False
):
    events = []
    if thought:
        events.append(Delta(Thought(thought)))
    if text:
        events.append(Delta(Text(text)))
    if usage:
        events.append(UsageReport(Usage(**usage)))
    if finish:
        events.append(finish_of(finish, message, prompt=prompt))
    if failure:
        events.append(Failure(**failure))
    if ledger.phase != "streaming":
        ledger.set_phase("streaming")
    ledger.add(b"{}", t, Decoded(events))
    return ledger


def finished(text=ANSWER, *, thought="", finish="STOP", cause="end", t=3.2, **more):
    ledger = new_ledger()
    feed(ledger, text, thought=thought, finish=finish, **more)
    ledger.close(cause, t=t)
    return ledger


def _stalled():
    ledger = feed(new_ledger(), "Half an ans")
    ledger.close("stalled", t=61.0, limit=60.0)
    return ledger


def _timed_out():
    ledger = feed(new_ledger(), "Half an ans")
    ledger.close("timeout", t=5.0, limit=5.0)
    return ledger


def _too_large():
    ledger = feed(new_ledger(), "Half an ans")
    ledger.close(
        "full", t=9.0, error=WireError("The answer passed 1 MB.", remedy="`--max-total` allows more.")
    )
    return ledger


def _refused():
    ledger = new_ledger()
    ledger.close(
        "failed", t=0.3, error=ServiceError("API key not valid.", code=400, reason="API_KEY_INVALID")
    )
    return ledger


ENDINGS = {
    "complete": lambda: finished("one two three"),
    "token-limit": lambda: finished(finish="MAX_TOKENS"),
    "no-reason": lambda: finished(finish=None),
    "continuation": lambda: finished(finish="CONTINUATION"),
    "cut": lambda: finished(finish=None, cause="cut"),
    "blocked": lambda: finished(finish="SAFETY"),
    "prompt-blocked": lambda: finished("", finish="PROHIBITED_CONTENT", prompt=True),
    "error-in-stream": lambda: finished(
        finish=None, failure={"message": "The model is overloaded.", "code": 503, "status": "UNAVAILABLE"}
    ),
    "malformed-call": lambda: finished(finish="MALFORMED_FUNCTION_CALL"),
    "refused": _refused,
    "stalled": _stalled,
    "timeout": _timed_out,
    "too-large": _too_large,
    "interrupt": lambda: finished("Half an ans", finish=None, cause="interrupt"),
    "stop": lambda: finished("Half an ans", finish=None, cause="stop"),
    "left": lambda: finished("Half an ans", finish=None, cause="left"),
    "arriving": lambda: finished("Half an ans", finish=None, cause="arriving"),
}


class Clock:
    """A clock whose time changes only when a test sets ``now``."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Stage:
    """Records every message of a view: displays and the messages of widgets.

    Attributes:
        displays: (data, display id, whether it is an update, time).
        states: the metadata of each display.
        partials: (data, metadata, time) of the partial answers, which no output shows.
        messages: (time, kind, comm id, data), kind one of open, msg, close.
    """

    def __init__(self, clock):
        self.clock = clock
        self.displays = []
        self.states = []
        self.partials = []
        self.messages = []
        self.state = {}
        self.broken = False
        self._ids = itertools.count()

    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        display_id = (transient or {}).get("display_id")
        state = (metadata or {}).get("gemini_magic")
        if display_id and display_id.endswith("-state"):
            assert update
            self.partials.append((data, state, self.clock.now))
            return
        self.displays.append((data, display_id, update, self.clock.now))
        self.states.append(state)

    def create_comm(self, *, data=None, comm_id=None, buffers=None, **_):
        comm_id = comm_id or f"comm-{next(self._ids)}"
        self._record("open", comm_id, data)
        self.state[comm_id] = dict(data["state"])
        for (name,), buffer in zip(data.get("buffer_paths", ()), buffers or (), strict=True):
            self.state[comm_id][name] = bytes(buffer)
        return SimpleNamespace(
            comm_id=comm_id,
            kernel=True,
            on_msg=lambda _: None,
            on_close=lambda _: None,
            close=lambda *_, **__: self._close(comm_id),
            send=lambda data=None, **_: self._update(comm_id, data),
        )

    def _record(self, kind, comm_id, data):
        if self.broken:
            raise RuntimeError("the front end is gone")
        self.messages.append((self.clock.now, kind, comm_id, data))

    def _update(self, comm_id, data):
        self._record("msg", comm_id, data)
        self.state[comm_id].update(data["state"])

    def _close(self, comm_id):
        self._record("close", comm_id, None)
        self.state.pop(comm_id, None)

    # -- what a page shows

    def root(self):
        return next(data[WIDGET]["model_id"] for data, *_ in self.displays if WIDGET in data)

    def children(self, comm_id):
        return [name.removeprefix("IPY_MODEL_") for name in self.state[comm_id].get("children", ())]

    def html(self, comm_id=None):
        """The HTML of a tree of widgets, in order."""
        comm_id = comm_id or self.root()
        state = self.state[comm_id]
        if "children" not in state:
            return state.get("value", "")
        return "".join(self.html(child) for child in self.children(comm_id))
