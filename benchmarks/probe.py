"""Runs inside a measured process: reads its memory, loads the modules of a kernel, and prints its figures.

The module uses only the standard library, because it also runs in an interpreter without gemini_magic.
"""

from __future__ import annotations

import gc
import json
from importlib import import_module
from pathlib import Path
from typing import Any

STREAMS = 100
WARM_UP = 1.5  # seconds until this many streams run evenly
DURATION = 3.0  # seconds of the measurement after it

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")


def resident_bytes() -> int:
    """The resident memory of this process in bytes, after a garbage collection; 0 without /proc."""
    gc.collect()
    return _read_kilobytes("VmRSS") * 1024


def reset_peak() -> int:
    """Reset the peak of resident memory, and return the resident memory now, in bytes."""
    resident = resident_bytes()
    if _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text("5", "ascii")  # proc(5): 5 resets VmHWM
    return resident


def peak_bytes() -> int:
    """The peak of resident memory since :func:`reset_peak`, in bytes."""
    return _read_kilobytes("VmHWM") * 1024


def _read_kilobytes(name: str) -> int:
    if not _STATUS.exists():
        return 0
    lines = _STATUS.read_text("ascii", "replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def kernel_shell() -> Any:
    """An IPython shell that has run a cell, in a process that has imported the modules of a kernel."""
    for name in ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.debugger"):
        import_module(name)
    shell = import_module("IPython.core.interactiveshell").InteractiveShell.instance()
    shell.run_cell("None")
    gc.collect()  # so that no collection falls into the measurement by chance
    return shell


def summarize_delays(delays: list[float]) -> dict[str, float]:
    """The worst delay, its 99th percentile, and events per second, from the delays in :data:`DURATION` seconds."""
    delays = sorted(delays)
    return {"worst": delays[-1], "p99": delays[len(delays) * 99 // 100], "rate": len(delays) / DURATION}


def report(**figures: float) -> None:
    """Print the figures as one line of JSON, for the process that started this one."""
    print(f"\n{json.dumps(figures)}", flush=True)  # a new line first: the shell may have begun one
