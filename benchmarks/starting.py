"""Starting: loading the extension, the first cell of a kernel, and a call when all is warm."""

from __future__ import annotations

import stage


def load() -> None:
    """``%load_ext gemini_magic`` in a process that has loaded what a kernel has."""
    stage.title("%load_ext gemini_magic (CPU)")
    found = stage.in_turn({"ours": lambda: stage.fresh("client_ours.py", "load", 0, "")})
    stage.against("load_ext", stage.median(found["ours"]) * 1e3, 5, " ms")


def first() -> None:
    """The first cell of a kernel, from its start to the first text."""
    stage.title("First cell in a kernel, to the first text (CPU)")
    python = stage.genai()
    with stage.serving("hello") as port:
        runs = {
            "floor": lambda: stage.fresh("client_floor.py", "first", port, "hello"),
            "ours": lambda: stage.fresh("client_ours.py", "first", port, "hello"),
        }
        if python:
            runs["genai"] = lambda: stage.fresh("client_genai.py", "first", port, "hello", python=python)
        found = stage.in_turn(runs)
    stage.tell(", ".join(f"{name} {stage.median(seen) * 1e3:.1f} ms" for name, seen in found.items()))
    stage.against("first cell", stage.median(found["ours"]) * 1e3, 90, " ms", goal=40)


def warm() -> None:
    """A call on a connection that is open, to the first text, above a raw socket."""
    stage.title("Warm call, to the first text (wall, p50)")
    python = stage.genai()
    with stage.serving("hello") as port:
        runs = {"ours": lambda: stage.fresh("client_ours.py", "warm", port, "hello")}
        if python:
            runs["genai"] = lambda: stage.fresh("client_genai.py", "warm", port, "hello", python=python)
        found = stage.in_turn(runs)
    floor = stage.median(found["ours"], "floor")
    waits = {name: stage.median(seen, "wall") for name, seen in found.items()}
    stage.tell(", ".join(f"{name} {wait * 1e3:.2f} ms" for name, wait in {"floor": floor, **waits}.items()))
    stage.against("above a raw socket", (waits["ours"] - floor) * 1e3, 0.5, " ms")
