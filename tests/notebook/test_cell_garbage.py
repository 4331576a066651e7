"""The answer of a cell is freed as soon as nothing refers to it: no reference cycle contains it.

A Stop button is in a cycle of ipywidgets. An error that a cell raises is in a cycle of IPython.
"""

from __future__ import annotations

import json

import pytest
from fake_server import FakeServer
from kernel import KernelSession
from surroundings import TESTS

pytestmark = pytest.mark.kernel

BEGIN = f"""
import gc, json, sys
sys.path.insert(0, {str(TESTS / "support")!r})
from garbage import own_names
gc.collect(); gc.disable(); gc.set_debug(gc.DEBUG_SAVEALL)
"""
END = "gc.collect(); print(json.dumps(own_names(gc.garbage))); gc.set_debug(0)"
ALLOWED = {
    "gemini_magic.views.widgets._Button",
    "gemini_magic.views.widgets.function WidgetSet.button.<locals>.<lambda>",
}


def test_a_cell_leaves_nothing(tmp_path):
    folders = {"HOME": str(tmp_path)}
    with FakeServer() as server, KernelSession(env=folders, cwd=tmp_path) as kernel:
        lines = [
            f"%%gemini -m markdown --base-url {server.base_url} {options}\nhi"
            for options in ("", "--display html", "--display text", "--quiet", "--background", "--chat a")
        ]
        kernel.execute("%load_ext gemini_magic")
        for line in lines:
            assert kernel.execute(line).status == "ok"
        assert kernel.execute(BEGIN).status == "ok"
        for line in lines + lines:
            assert kernel.execute(line).status == "ok"
        kernel.execute("r = _gemini.wait().replay(speed=0)")
        run = kernel.execute(END)
    assert not set(json.loads(run.stdout)) - ALLOWED
