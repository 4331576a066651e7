"""IPython in a terminal: rendered Markdown live and as a value, and no empty prompt."""

from __future__ import annotations

import sys

import pytest
from surroundings import CHECKOUT
from terminal_screen import Terminal

COMMAND = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit"]
MARKDOWN = "# Title\n\n- **bold** and `code`\n"


@pytest.fixture
def ipython(tmp_path):
    pytest.importorskip("rich")
    env = {"PYTHONPATH": str(CHECKOUT), "IPYTHONDIR": str(tmp_path)}
    with Terminal(COMMAND, columns=100, lines=60, env=env) as terminal:
        terminal.read(r"In \[1\]: ", timeout=60)
        number = 1

        def run(cell):
            nonlocal number
            number += 1
            before = len(terminal.screen())
            terminal.type(cell + "\n")
            terminal.read(rf"In \[{number}\]: ", timeout=60)
            return terminal.screen()[before - 1 :]

        run("%load_ext gemini_magic")
        run("%config GeminiMagics.backend = 'echo'")
        yield run


def test_an_answer_is_rendered_live_and_as_a_value_and_its_cell_has_no_empty_prompt(ipython):
    lines = ipython(f"%%gemini -o r\n{MARKDOWN}\n\n")
    assert " • bold and code" in lines
    assert "Out[" not in "".join(lines)
    lines = ipython("r")
    assert (
        "".join(lines).count("Out[") == 1
    )  # a second prompt may be on the same line: blank lines are input, too
    assert any(line.endswith("Out[4]:") for line in lines)
    assert " • bold and code" in lines
    assert "**bold**" not in "".join(lines)
    assert any(line.startswith("[✓ echo · answer complete") for line in lines)
    assert "Out[5]: True" in "\n".join(ipython("_3 is r and Out[3] is r and _4 is r"))
    assert "Out[6]: 'a value'" in "\n".join(ipython("'a value'"))
    plain = ipython("r.text")
    assert any("**bold**" in line for line in plain)
