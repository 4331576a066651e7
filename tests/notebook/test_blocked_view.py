"""A view is redrawn while a function blocks the thread that draws it, and only then."""

from __future__ import annotations

import threading
import time

import pytest
from view_stage import new_ledger

from gemini_magic.notebook import blocked_view
from gemini_magic.notebook.blocked_view import BlockedView


class Painted:
    def __init__(self):
        self.calls, self.redrawn = [], threading.Event()
        self.inside = 0

    def open(self):
        self.calls.append("open")

    def update(self, *, final=False):
        self.inside += 1
        assert self.inside == 1
        self.calls.append("update")
        if threading.current_thread().name == "gemini-tool-clock":
            self.redrawn.set()
        self.inside -= 1

    def close(self, *, error_follows=False, interrupted=False):
        self.calls.append("close")


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.setattr(blocked_view, "_TICK", 0.005)
    monkeypatch.setattr(blocked_view, "_BLOCKED", 0.01)
    ledger, painted = new_ledger(), Painted()
    view = BlockedView(painted, lambda: (ledger,))
    view.open()
    yield ledger, painted, view
    view.close()


def test_it_is_redrawn_while_a_tool_runs_and_the_thread_is_blocked(shown):
    ledger, painted, _ = shown
    ledger.set_phase("tools")
    assert painted.redrawn.wait(60)


def test_it_is_not_redrawn_by_the_thread_in_other_phases_or_after_the_end(shown):
    ledger, painted, view = shown
    time.sleep(0.05)
    assert painted.calls == ["open"]
    view.close()
    ledger.set_phase("tools")
    time.sleep(0.05)
    assert painted.calls == ["open", "close"]
