"""An interrupt stops a stream within 0.3 s, whatever arrives, and the cell ends soon after it.

Each cell runs with the real reader, display loop and live view. The signal arrives while the reader and the view are
busy. What keeps the interrupt waiting are calls that no other thread and no signal can interrupt, and locks.
"""

from __future__ import annotations

import json
import sys

import pytest
from calibration import assert_soon
from interrupts import interrupt_cell
from IPython.core.interactiveshell import InteractiveShell
from linear_texts import BODIES

from gemini_magic.notebook.display_loop import DisplayLoop
from gemini_magic.notebook.session import Session

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signal.setitimer")

STOPPED = 0.3  # seconds until the stream is stopped
ENDED = 1.5  # seconds until the cell has ended: it shows what was received
TRIES = 3  # a busy machine may need them


@pytest.fixture
def loop(stage):
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    return DisplayLoop(shell, Session())


def check(loop, stage, monkeypatch, body, after):
    for _ in range(TRIES):
        found = interrupt_cell(loop, monkeypatch, body, after)
        stage.messages.clear()
        stage.displays.clear()
        if found.stopped < STOPPED and found.ended < ENDED:
            return found
    assert_soon(found.stopped, STOPPED)
    assert_soon(found.ended, ENDED)
    return found


@pytest.mark.parametrize("body", BODIES)
def test_an_interrupt_is_obeyed_while_a_body_arrives(loop, stage, monkeypatch, body):
    check(loop, stage, monkeypatch, BODIES[body](2_000_000), 0.08)
