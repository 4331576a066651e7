"""Measures the tasks of a page's main thread in CPU time, with a calibration in the same page.

The module imports nothing from gemini_magic.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page

# CPU milliseconds of the calibration task on the reference machine when it is idle.
REFERENCE = 33.0

# Runs in the page, in one task: parses and lays out a text, the kind of work that the swap does.
CALIBRATE = """() => {
    const box = document.createElement("div");
    box.style.cssText = "position: absolute; width: 700px; visibility: hidden";
    const line = "<p>Some <em>words</em> of a paragraph that has a few of them, and <code>code</code>.</p>";
    box.innerHTML = line.repeat(1500);
    document.body.append(box);
    box.getBoundingClientRect();
    box.remove();
}"""


class Tasks:
    """The durations of the tasks of a page's main thread, in CPU milliseconds; complete when its `with` block has ended."""

    def __init__(self) -> None:
        self.durations: list[float] = []

    def __iter__(self) -> Iterator[float]:
        return iter(self.durations)

    @property
    def longest(self) -> float:
        return max(self.durations, default=0.0)


@contextmanager
def recorded_tasks(page: Page) -> Iterator[Tasks]:
    """Record the tasks of the page's main thread while the body of the `with` statement runs."""
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    ended: list[bool] = []
    session.on("Tracing.dataCollected", lambda each: events.extend(each["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    config = {"includedCategories": ["toplevel", "devtools.timeline"]}
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": config})
    tasks = Tasks()
    try:
        yield tasks
    finally:
        session.send("Tracing.end")
        while not ended:
            page.wait_for_timeout(20)
        session.detach()
    main = _main_thread(events)
    tasks.durations = [
        each["tdur"] / 1000
        for each in events
        if (each["pid"], each["tid"]) == main and each["name"].endswith("RunTask") and "tdur" in each
    ]


def _main_thread(events: list[dict[str, Any]]) -> tuple[int, int]:
    """The process and thread that laid out most: those of the page."""
    taken: dict[tuple[int, int], float] = {}
    for each in events:
        if each["name"] in ("Layout", "UpdateLayoutTree"):
            thread = (each["pid"], each["tid"])
            taken[thread] = taken.get(thread, 0.0) + each.get("dur", 0)
    return max(taken, key=lambda thread: taken[thread])


def page_slowness(page: Page) -> float:
    """How many times the CPU time of the reference machine this page takes for the calibration, at least 1.

    The longest of several counts, because a busy machine is not busy evenly.
    """
    with recorded_tasks(page) as tasks:
        for _ in range(4):
            page.evaluate(CALIBRATE)
    return max(1.0, tasks.longest / REFERENCE)
