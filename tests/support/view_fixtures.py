"""Fixtures: a stage that replaces the front end."""

from __future__ import annotations

import comm
import ipywidgets
import pytest
from IPython.core.interactiveshell import InteractiveShell
from view_stage import Clock, Stage


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stage(clock, monkeypatch):
    shell = InteractiveShell.instance()
    stage = Stage(clock)
    monkeypatch.setattr(shell.display_pub, "publish", stage.publish)
    monkeypatch.setattr(comm, "create_comm", stage.create_comm)
    yield stage
    stage.broken = False
    ipywidgets.Widget.close_all()  # else each complains at the interpreter's end
    InteractiveShell.clear_instance()
