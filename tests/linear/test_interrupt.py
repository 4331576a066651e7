"""An interrupt stops a stream within 0.3 s, whatever arrives, and the cell ends soon after it.

Each cell runs with the real reader, display loop and live view. The signal arrives while the reader and the view are
busy. What keeps the interrupt waiting are calls that no other thread and no signal can interrupt, and locks.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
from calibration import cpu_slowness
from interrupts import interrupt_cell
from linear_texts import BODIES, TEXTS

from gemini_magic.notebook.display_loop import DisplayLoop
from gemini_magic.notebook.session import Session

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs signal.setitimer"),
    # Python ignores an interrupt that arrives in a finalizer, and the test then tries again.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STOPPED = 0.3  # CPU seconds on the reference machine until the stream is stopped
# Until the cell has ended: it shows what was rendered, and a little more. The reader's CPU seconds count as well.
ENDED = 0.6
TRIES = 3


@pytest.fixture
def loop(stage):
    events = SimpleNamespace(register=lambda *_: None, unregister=lambda *_: None)
    return DisplayLoop(SimpleNamespace(kernel=object(), events=events, displayhook=None), Session())


def check(loop, stage, monkeypatch, body, after):
    slowness = 1.0
    for _ in range(TRIES):
        found = interrupt_cell(loop, monkeypatch, body, after)
        assert stage.states[-1]["state"] == "final"
        stage.messages.clear()
        stage.displays.clear()
        if found.stopped < STOPPED * slowness and found.ended < ENDED * slowness:
            return
        slowness = cpu_slowness()
    raise AssertionError(
        f"stopped after {found.stopped:.3f} s, ended after {found.ended:.3f} s ({slowness=:.2f})"
    )


@pytest.mark.parametrize("body", BODIES)
def test_an_interrupt_is_obeyed_while_a_body_arrives(loop, stage, monkeypatch, body):
    check(loop, stage, monkeypatch, BODIES[body](600_000), 0.05)


def body_of(text, size=1_000):
    chunks = [
        {"candidates": [{"content": {"parts": [{"text": text[at : at + size]}]}}]}
        for at in range(0, len(text), size)
    ]
    return b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks)


@pytest.mark.parametrize(
    "text",
    [
        "quote and list in turn",
        "ordered list",
        "comments with dashes",
        "images with data that open",
        "one long link used often",
        "tables of some columns and short rows",
        "open string in code",
        "letters",
    ],
)
@pytest.mark.parametrize("after", [0.3, 1.5])
def test_an_interrupt_is_obeyed_while_a_long_text_is_rendered(loop, stage, monkeypatch, text, after):
    check(loop, stage, monkeypatch, body_of(TEXTS[text](300_000)), after)
