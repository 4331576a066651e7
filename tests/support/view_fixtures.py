"""Fixtures: a stage that replaces the front end."""

from __future__ import annotations

import comm
import ipywidgets
import pytest
from shell import ipython_shell
from view_stage import Clock, Stage


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stage(clock, monkeypatch):
    with ipython_shell() as shell:
        stage = Stage(clock)
        monkeypatch.setattr(shell.display_pub, "publish", stage.publish)
        monkeypatch.setattr(comm, "create_comm", stage.create_comm)
        yield stage
        stage.broken = False
        ipywidgets.Widget.close_all()  # else each complains at the interpreter's end
