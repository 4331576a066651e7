"""Finds what an action leaves to Python's garbage collector: objects in reference cycles.

Only objects of gemini_magic count: instances of its classes, its functions, and frames of its code. Other libraries and the
fake server may leave cycles.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable
from types import FrameType, FunctionType, MethodType
from typing import Any


def garbage_of(action: Callable[[], object], *, runs: int = 3, settle: float = 0.05) -> Counter[str]:
    """Run an action some times, drop its results, and count by name what only the collector would free.

    Args:
        action: what to run; it runs once before, so that imports and caches do not count.
        runs: how often.
        settle: seconds to wait before collecting, for threads that end after the action.
    """
    action()
    enabled, flags = gc.isenabled(), gc.get_debug()
    time.sleep(settle)
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(runs):
            action()
        time.sleep(settle)
        gc.collect()
        return own_names(gc.garbage)
    finally:
        gc.garbage.clear()
        gc.set_debug(flags)
        if enabled:
            gc.enable()


def own_names(things: Iterable[Any]) -> Counter[str]:
    """Count by name those of some objects that belong to gemini_magic."""
    return Counter(name for name in map(_own_name, things) if name)


def _own_name(thing: Any) -> str:
    """The name of an object of gemini_magic, or of the code it runs; empty for anything else."""
    if isinstance(thing, FrameType):
        module, name = thing.f_globals.get("__name__", ""), f"frame of {thing.f_code.co_qualname}"
    elif isinstance(thing, FunctionType | MethodType):
        module, name = thing.__module__ or "", f"function {thing.__qualname__}"
    else:
        module, name = type(thing).__module__, type(thing).__qualname__
    return f"{module}.{name}" if str(module).partition(".")[0] == "gemini_magic" else ""
