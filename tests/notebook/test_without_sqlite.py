"""A Python without SQLite: the journal is off, and everything else works."""

from __future__ import annotations

import subprocess
import sys

from surroundings import CHECKOUT

PROGRAM = """
import sys
sys.modules["_sqlite3"] = None  # as in a Python that was built without it
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

config = Config()
config.HistoryManager.enabled = False
config.InteractiveShell.colors = "nocolor"
shell = InteractiveShell.instance(config=config)
shell.run_line_magic("load_ext", "gemini_magic")
for cell in sys.argv[1].split("---\\n"):
    print(">>>", cell.split("\\n")[0], flush=True)
    shell.run_cell(cell, store_history=True)
"""

CELLS = [
    "%config GeminiMagics.backend = 'echo'\n%config GeminiMagics.journal = True",
    "%%gemini -o a\nfirst answer",
    "import time; from gemini_magic.journaling import journal\nwhile not journal()._off: time.sleep(0.01)",
    "%%gemini\nsecond answer",
    "%%gemini\nthird answer",
    "%gemini",
    "%gemini journal",
    "%gemini journal list",
    "%gemini show 1",
    "%gemini last 9",
    "import gemini_magic\ngemini_magic.rows(['a'])",
]


def test_the_journal_is_off_which_is_reported_once_and_by_its_commands(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "---\n".join(f"{cell}\n" for cell in CELLS)],
        cwd=CHECKOUT,
        env={"PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outputs = dict(part.split("\n", 1) for part in done.stdout.split(">>> ")[1:])
    shown = done.stdout
    assert "Exception in thread" not in done.stderr
    for answer in ("first", "second", "third"):
        assert f"{answer} answer" in shown
    reason = "this Python has no SQLite ("
    assert shown.count("The journal is off and answers are not saved: " + reason) == 1
    assert f"Off: {reason}" in outputs["%gemini"]
    assert outputs["%gemini journal"].startswith(f"Off: {reason}")
    assert f"The journal is off: {reason}" in outputs["%gemini journal list"]
    assert f"JournalError: The journal is off: {reason}" in outputs["%gemini show 1"]
    assert "StoreError: Rows need a store, and this Python has no SQLite (" in outputs["import gemini_magic"]
    assert "Traceback" not in shown
