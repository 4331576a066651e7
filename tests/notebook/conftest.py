"""A real IPython shell in this process: no kernel, no history file, the echo backend."""

from __future__ import annotations

import threading

import pytest
from shell import ipython_shell

from gemini_magic.notebook import load, unload


class Cells:
    """Runs cells as a user does."""

    def __init__(self, shell, capsys):
        self.shell = shell
        self.names = shell.user_ns
        self._capsys = capsys
        self.shown = ""

    def __call__(self, code):
        """Run a cell; returns its result. `shown` is its output."""
        result = self.shell.run_cell(code, store_history=True)
        self.shown = self._capsys.readouterr().out
        return result

    def error(self, code):
        """Run a cell that must fail; returns its error."""
        result = self(code)
        error = result.error_in_exec or result.error_before_exec
        assert error is not None, f"no error; shown: {self.shown}"
        return error


@pytest.fixture
def shell():
    with ipython_shell() as made:
        yield made
        unload(made)


@pytest.fixture
def cells(shell, capsys):
    load(shell)
    ready = Cells(shell, capsys)
    ready("%config GeminiMagics.backend = 'echo'")
    yield ready
    for thread in threading.enumerate():  # they print to the stream of `capsys`, which is closed after this
        if thread.name == "gemini-background":
            thread.join(60)
