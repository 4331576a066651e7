"""What a measured process does about itself: its memory, its figures, and loading what a kernel has loaded.

It uses the standard library alone, for it also runs in an interpreter that has nothing of ours.
"""

from __future__ import annotations

import gc
import json
from importlib import import_module
from pathlib import Path
from typing import Any

STREAMS = 100
SETTLED = 1.5  # seconds until so many streams run evenly
MEASURED = 3.0

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def resident() -> int:
    """Bytes of memory this process holds now, after a collection; 0 where the system does not tell."""
    gc.collect()
    return _kilobytes("VmRSS") * 1024


def begin_peak() -> int:
    """Forget the highest memory so far; bytes held now."""
    held = resident()
    if _RESET.exists():
        _RESET.write_text("5", "ascii")
    return held


def peak() -> int:
    """The most bytes of memory held since :func:`begin_peak`."""
    return _kilobytes("VmHWM") * 1024


def _kilobytes(name: str) -> int:
    if not _STATUS.exists():
        return 0
    lines = _STATUS.read_text("ascii", "replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def kernel_shell() -> Any:
    """A shell in a process that has loaded what a kernel has, and has run a cell."""
    for name in ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.debugger"):
        import_module(name)
    shell = import_module("IPython.core.interactiveshell").InteractiveShell.instance()
    shell.run_cell("None")
    gc.collect()  # whose turn it is for a collection should not decide
    return shell


def lateness(lags: list[float]) -> dict[str, float]:
    """How late the events of :data:`MEASURED` seconds were."""
    lags = sorted(lags)
    return {"worst": lags[-1], "p99": lags[len(lags) * 99 // 100], "rate": len(lags) / MEASURED}


def report(**figures: float) -> None:
    """Hand the figures to whoever started this process."""
    print(f"\n{json.dumps(figures)}", flush=True)  # a line of its own: a shell may have begun one
