"""After `%load_ext`, an idle kernel imports what the first cell needs; a cell that comes first is not delayed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import warnings
from types import SimpleNamespace

import pytest
from calibration import assert_soon, cpu_slowness
from client_stage import until
from fake_server import FakeServer
from IPython.core.events import EventManager, available_events
from kernel import KernelSession, run_notebook
from virtual_time import run_in_virtual_time

from gemini_magic.notebook import warm_up
from gemini_magic.notebook.warm_up import WarmUp

LOADED = "import json, sys; print(json.dumps(sorted(name for name in sys.modules if 'gemini_magic' in name)))"


@pytest.fixture
def imported(monkeypatch):
    """The modules that the steps import, in order; nothing is really imported."""
    names = []
    monkeypatch.setattr(warm_up, "import_module", lambda name, package: names.append(name))
    monkeypatch.setattr(warm_up, "_STEPS", ("one", "two", "three"))
    monkeypatch.setattr(warm_up, "_IDLE", 0.02)
    monkeypatch.setattr(warm_up, "_BETWEEN", 0.001)
    return names


def fake_shell(*, kernel=True):
    shell = SimpleNamespace(kernel=object() if kernel else None)
    shell.events = EventManager(shell, available_events)
    return shell


def started(shell):
    warming = WarmUp(shell)
    warming.start()
    shell.events.trigger("post_execute")  # of the cell with %load_ext
    return warming


def test_the_steps_run_in_order_when_the_kernel_is_idle(imported):
    shell = fake_shell()

    async def run():
        started(shell)
        await asyncio.sleep(0.01)
        assert imported == []
        await asyncio.sleep(0.2)

    run_in_virtual_time(run())
    assert imported == ["one", "two", "three"]
    assert shell.events.callbacks["pre_execute"] == shell.events.callbacks["post_execute"] == []


def test_no_step_runs_while_a_cell_runs_or_waits(imported):
    shell = fake_shell()

    async def run():
        started(shell)
        shell.events.trigger("pre_execute")
        await asyncio.sleep(0.1)
        shell.events.trigger("pre_execute")  # a cell within the cell, as `run_cell` makes it
        shell.events.trigger("post_execute")
        await asyncio.sleep(0.1)
        assert imported == []
        shell.events.trigger("post_execute")
        await asyncio.sleep(0.1)

    run_in_virtual_time(run())
    assert imported == ["one", "two", "three"]


def test_cells_that_follow_one_another_at_once_leave_no_time_for_a_step(imported):
    shell = fake_shell()

    async def run():
        started(shell)
        for _ in range(5):
            shell.events.trigger("pre_execute")
            asyncio.get_running_loop().advance(0.03)
            shell.events.trigger("post_execute")
            await asyncio.sleep(0.002)
        assert imported == []

    run_in_virtual_time(run())


def test_a_library_that_cannot_be_imported_is_left_to_the_first_cell(imported, monkeypatch, capfd):
    def broken(name, _package):
        imported.append(name)
        warnings.warn("deprecated", stacklevel=2)
        raise ImportError(name)

    monkeypatch.setattr(warm_up, "import_module", broken)
    shell = fake_shell()

    async def run():
        started(shell)
        await asyncio.sleep(0.1)

    run_in_virtual_time(run())
    assert imported == ["one"]
    assert capfd.readouterr() == ("", "")
    assert shell.events.callbacks["post_execute"] == []


def test_unloading_ends_it(imported):
    shell = fake_shell()

    async def run():
        warming = started(shell)
        warming.stop()
        warming.stop()
        shell.events.trigger("post_execute")
        await asyncio.sleep(0.1)

    run_in_virtual_time(run())
    assert imported == []
    assert shell.events.callbacks["pre_execute"] == []


def test_without_a_kernel_or_an_event_loop_nothing_is_imported(imported):
    async def run():
        started(fake_shell(kernel=False)).stop()
        await asyncio.sleep(0.1)

    run_in_virtual_time(run())
    started(fake_shell()).stop()
    assert imported == []


def test_importing_the_package_warms_nothing_up():
    code = "import gemini_magic, time; time.sleep(0.6); " + LOADED
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == ["gemini_magic"]


def test_each_step_is_a_module(monkeypatch):
    code = "from gemini_magic.notebook import warm_up; from importlib import import_module\n"
    code += "for name in warm_up._STEPS: import_module(name, 'gemini_magic')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- real kernels


COUNT = "import sys, time; before = set(sys.modules); began = time.process_time()"
# Each cell restarts the pause before the steps, so a thread looks for their end.
WHEN_OVER = """
import threading, time
callbacks = get_ipython().events.callbacks["pre_execute"]
def look():
    while any("WarmUp" in callback.__qualname__ for callback in callbacks):
        time.sleep(0.01)
    open("over", "w").close()
threading.Thread(target=look, daemon=True).start()
"""
SPENT = "print(time.process_time() - began, *sorted(set(sys.modules) - before))"


@pytest.mark.kernel
def test_the_first_cell_of_an_idle_kernel_imports_nothing_more(tmp_path):
    with FakeServer() as server, KernelSession(env={"HOME": str(tmp_path)}, cwd=tmp_path) as kernel:
        loaded = kernel.execute(f"%load_ext gemini_magic\n{WHEN_OVER}\n{LOADED}").stdout
        assert "gemini_magic.api" not in json.loads(loaded)
        until((tmp_path / "over").exists, 60)
        cell = f"%%gemini -q -m quick --base-url {server.base_url}\nhi"
        spent, modules = [], []
        for _ in range(3):
            kernel.execute(COUNT)
            assert kernel.execute(cell).status == "ok"
            seconds, *new = kernel.execute(SPENT).stdout.split()
            spent.append(float(seconds))
            modules.append(new)
        slowness = cpu_slowness()
    assert [name for name in modules[0] if name.startswith("gemini_magic")] == []
    assert len(modules[0]) <= 5, modules[0]
    # The third call shows what the kernel itself takes for the cells.
    assert spent[0] - spent[2] < 0.03 * slowness, spent


@pytest.mark.kernel
def test_a_kernel_ends_at_once_in_the_middle_of_it(tmp_path):
    with KernelSession(env={"HOME": str(tmp_path)}, cwd=tmp_path) as kernel:
        kernel.execute("%load_ext gemini_magic")
        time.sleep(0.35)
        began = time.monotonic()
    assert_soon(time.monotonic() - began, 5)


# The pause before the first step is longer than nbclient needs between two cells on any machine; a cell lets it pass.
SLOW_CLOCK = """
import asyncio, time
from gemini_magic.notebook import warm_up
warm_up._IDLE = 60
passed = 0
asyncio.get_running_loop().time = lambda: time.monotonic() + passed
"""


@pytest.mark.kernel
def test_a_notebook_that_runs_as_a_whole_imports_nothing_between_its_cells(tmp_path):
    notebook = run_notebook([SLOW_CLOCK, "%load_ext gemini_magic", "passed = 100", LOADED], cwd=tmp_path)
    assert "gemini_magic.api" not in notebook.cells[-1].outputs[0].text
