"""Startup times: loading the extension, the first cell of a kernel, and a request on an open connection."""

from __future__ import annotations

import harness


def load() -> None:
    """``%load_ext gemini_magic`` in a process that has imported the modules of a kernel."""
    harness.print_title("%load_ext gemini_magic (CPU)")
    figures = harness.run_alternately(
        {"gemini_magic": lambda: harness.run_script("client_ours.py", "load", 0, "")}
    )
    harness.check_budget("load_ext", harness.median(figures["gemini_magic"]) * 1e3, 5, " ms")


def first() -> None:
    """The first cell of a kernel, from its start to the first text."""
    harness.print_title("First cell of a kernel, to the first text (CPU)")
    python = harness.genai_python()
    with harness.serve("hello") as port:
        runs = {
            "raw socket": lambda: harness.run_script("client_raw.py", "first", port, "hello"),
            "gemini_magic": lambda: harness.run_script("client_ours.py", "first", port, "hello"),
        }
        if python:
            runs["google-genai"] = lambda: harness.run_script(
                "client_genai.py", "first", port, "hello", python=python
            )
        figures = harness.run_alternately(runs)
    times = (f"{name} {harness.median(results) * 1e3:.1f} ms" for name, results in figures.items())
    harness.print_line(", ".join(times))
    harness.check_budget("first cell", harness.median(figures["gemini_magic"]) * 1e3, 65, " ms", goal=50)


def warm() -> None:
    """A request on an open connection, to the first text, compared with a raw socket."""
    harness.print_title("Request on an open connection, to the first text (wall time, median)")
    python = harness.genai_python()
    with harness.serve("hello") as port:
        runs = {"gemini_magic": lambda: harness.run_script("client_ours.py", "warm", port, "hello")}
        if python:
            runs["google-genai"] = lambda: harness.run_script(
                "client_genai.py", "warm", port, "hello", python=python
            )
        figures = harness.run_alternately(runs)
    raw = harness.median(figures["gemini_magic"], "raw")
    times = {"raw socket": raw} | {name: harness.median(results, "wall") for name, results in figures.items()}
    harness.print_line(", ".join(f"{name} {seconds * 1e3:.2f} ms" for name, seconds in times.items()))
    harness.check_budget("more than a raw socket", (times["gemini_magic"] - raw) * 1e3, 0.5, " ms", goal=0.4)
    if python:
        harness.check_budget(
            "compared with google-genai", times["gemini_magic"] / times["google-genai"], 1, " x"
        )
