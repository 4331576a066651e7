"""The page: the cost of one update in JupyterLab at 100,000 characters, for gemini_magic and two simpler views.

``python page.py KIND`` measures one kind of text in a real JupyterLab and Chromium, with the driver of the browser
tests.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import harness

_HERE = Path(__file__).parent
_SIZE = 100_000  # characters of the answer when the measurement begins
_STEP = 200  # characters added by one update
_INTERVAL = 0.1  # seconds between updates
# With more updates of the simpler views, the page falls behind.
_UPDATES = {"ours": 60, "followed": 60, "markdown": 8, "html": 20}
_VIEWS = {"ours": "LiveAnswer", "followed": "LiveAnswer", "markdown": "MarkdownView", "html": "HtmlView"}
_KINDS = ("mixed", "list", "table", "code", "rows")
_ROW = '{{"id": {n}, "name": "row {n}", "score": 0.5, "kind": "idea", "note": "some words in a cell"}},\n'
_SIMPLER = {"markdown": "update_display(Markdown(all))", "html": "one ipywidgets.HTML"}
_COMMS = ("comm_open", "comm_msg", "comm_close")

_SETUP = """
import asyncio, json, sys, time
sys.path[:0] = {paths!r}
import ipywidgets
from IPython.display import Markdown, display
from rendering import text_of
from view_stage import feed, new_ledger
from gemini_magic.ledger import DisplayOptions, Ledger
from gemini_magic.markdown import render
from gemini_magic.views.live import LiveView

rows = {kind!r} == "rows"
text = {text} if rows else text_of({kind!r}, {size} + 100 * {step})
shift = 0.0

def ledger():
    if not rows:
        return new_ledger()
    from gemini_magic.schema import as_schema
    return Ledger(new_ledger().request, display=DisplayOptions("table"), schema=as_schema({schema!r}))

class LiveAnswer:
    def __init__(self):
        self.ledger = ledger()
        self.view = LiveView(self.ledger, stop=lambda: None, clock=lambda: time.monotonic() + shift)
        self.view.open()
        self.position = 0
    def grow(self, end):
        feed(self.ledger, text[self.position:end])
        self.position = end
        self.view.update()
    async def begin(self):
        await asyncio.sleep(0.5)
        global shift
        self.began = time.time()
        for start in range(0, {size}, 480):
            shift += 0.5
            self.grow(min(start + 480, {size}))
            await asyncio.sleep(0.005)
    def end(self):
        feed(self.ledger, finish="STOP")
        self.ledger.close("end", t=3.0)
        self.view.close()

class MarkdownView:
    def __init__(self):
        self.handle = display(Markdown(""), display_id=True)
    def grow(self, end):
        self.handle.update(Markdown(text[:end]))
    async def begin(self):
        self.began = time.time()
        self.grow({size})
    def end(self):
        pass

class HtmlView(MarkdownView):
    def __init__(self):
        self.widget = ipywidgets.HTML()
        display(self.widget)
    def grow(self, end):
        self.widget.value = render(text[:end])

async def measure(view, updates):
    await view.begin()
    await asyncio.sleep({settle})
    begun = time.monotonic()
    for n in range(1, updates + 1):
        view.grow({size} + n * {step})
        await asyncio.sleep(max(0.0, begun + n * {interval} - time.monotonic()))
    print(json.dumps({{"began": view.began}}))
"""
_SETTLE = 4.0  # seconds before the first update

# Runs in the page: records long tasks, and the time when the first text of the answer is on the page.
_WATCH = """(cell) => {
    window.tasks = [];
    window.first = 0;
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration)))
        .observe({ type: "longtask" });
    const node = window.jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node;
    const check = () => {
        if (node.querySelector(".gm-answer h2, .gm-answer p, .gm-answer li, .gm-answer pre, .gm-answer table")) {
            window.first = performance.timeOrigin + performance.now();
        } else {
            requestAnimationFrame(check);
        }
    };
    check();
}"""
_SCROLL_TO_END = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const scroller = panel.content.node.querySelector(".jp-WindowedPanel-outer") || panel.content.node;
    scroller.scrollTop = scroller.scrollHeight;
}"""


def page() -> None:
    """The cost of an update in JupyterLab at 100,000 characters, beside two simpler views (needs Chromium)."""
    harness.print_title("The page (main thread of Chromium with JupyterLab)")
    if find_spec("playwright") is None:
        harness.print_line("not measured: it needs the packages of the extra `test`, and Chromium")
        return
    for kind in _KINDS:
        figures = harness.run_script("page.py", kind)
        ours = figures["ours"]
        harness.print_line(
            f"{kind}, {_SIZE:,} characters, {1 / _INTERVAL:.0f} updates per second of {_STEP} characters"
        )
        harness.check_budget("  main thread per update", ours["per_update"], 10, " ms")
        followed = figures["followed"]["per_update"]
        harness.print_line(f"    {followed:.1f} ms while a reader scrolls to the end twice per second")
        harness.check_budget("  longest task", ours["longest"], 100, " ms")
        harness.check_budget("  most messages in a second", ours["messages"], 40, "")
        harness.check_budget("  most paints in a second", ours["paints"], 10, "")
        harness.check_budget("  first paint after the first chunk", ours["first"], 50, " ms")
        harness.check_budget("  longest task when the answer ends", ours["ending"], 100, " ms")
        for name, label in _SIMPLER.items():
            if name not in figures:
                continue
            other = figures[name]
            harness.print_line(
                f"    {label}: {other['per_update']:.0f} ms per update ({other['per_update'] / ours['per_update']:.0f}x), "
                f"longest task {other['longest']:.0f} ms, {other['bytes'] / ours['bytes']:.0f}x the bytes"
            )


def measure(kind: str) -> None:
    """Print the figures of one kind of text."""
    sys.path[:0] = [str(_HERE.parent / "tests" / "support")]
    from lab import Notebook, cells, open_lab  # noqa: PLC0415 - only in the process that measures

    paths = [str(_HERE), str(_HERE.parent), str(_HERE.parent / "tests" / "support")]
    setup = _SETUP.format(
        paths=paths,
        kind=kind,
        text=repr("[" + "".join(_ROW.format(n=n) for n in range(1_500))) if kind == "rows" else None,
        schema="list[id int, name, score float, kind, note]",
        size=_SIZE,
        step=_STEP,
        interval=_INTERVAL,
        settle=_SETTLE,
    )
    figures = {}
    with open_lab() as (lab, context):
        for name, view in _VIEWS.items():
            if kind == "rows" and name in _SIMPLER:
                continue  # they do not show JSON as a table
            notebook = Notebook(lab, context.new_page())
            run_updates = f"view = {view}(); await measure(view, {_UPDATES[name]})"
            notebook.open(lab.write(f"{name}.ipynb", cells(setup, run_updates, "view.end()")))
            notebook.run(0)
            figures[name] = _measure_updates(notebook, _UPDATES[name], follow=name == "followed")
            notebook.page.close()
    print(json.dumps(figures))


def _measure_updates(notebook, updates: int, *, follow: bool) -> dict[str, float]:
    from lab import most_in_a_second  # noqa: PLC0415 - on the path only in the process that measures

    page = notebook.page
    session = page.context.new_cdp_session(page)
    # The CPU time of the thread, which the load of the machine hardly changes.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def task_duration() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "TaskDuration")

    def wait_until(done) -> tuple[float, float]:
        """Wait until ``done()``, scrolling to the end if ``follow``; return the wall time and the page's CPU time."""
        began, before = time.monotonic(), task_duration()
        while not done():
            if follow:
                page.evaluate(_SCROLL_TO_END)
            page.wait_for_timeout(500)
        return time.monotonic() - began, task_duration() - before

    page.evaluate(_WATCH, 1)
    notebook.run(1, wait=False)
    _wait_for_silence(notebook)
    page.evaluate(_SCROLL_TO_END)
    page.evaluate("window.tasks = []")
    began = len(notebook.log.frames)
    duration, cost = wait_until(lambda: "*" not in notebook.cell_status(1))
    frames = notebook.log.frames[began:]
    longest = page.evaluate("Math.max(0, ...window.tasks)")
    idle_end = time.monotonic() + duration
    _, idle = wait_until(lambda: time.monotonic() > idle_end)
    printed = json.loads(notebook.output_text(1).strip().splitlines()[-1])
    # JupyterLab takes a long task to make the toolbar of the cell that becomes active, so that happens before.
    page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2")
    _wait_for_silence(notebook)
    page.evaluate("window.tasks = []")
    notebook.run(2)
    _wait_for_silence(notebook)
    comms = [frame for frame in frames if frame.kind in _COMMS]
    updates_sent = [frame.sent for frame in comms if "gm-status" not in str(frame.content)]
    return {
        "per_update": 1000 * max(0.0, cost - idle) / updates,
        "longest": longest,
        "ending": page.evaluate("Math.max(0, ...window.tasks)"),
        "messages": most_in_a_second([frame.sent for frame in comms]),
        "paints": most_in_a_second(
            [b for a, b in zip([0.0, *updates_sent], updates_sent, strict=False) if b - a > 0.03]
        ),
        "first": page.evaluate("window.first") - 1000 * printed["began"],
        "bytes": sum(frame.size for frame in frames if frame.kind in (*_COMMS, "update_display_data"))
        / updates,
    }


def _wait_for_silence(notebook) -> None:
    """Wait until no kernel message has reached the page for a second."""
    count = -1
    while count != len(notebook.log.frames):
        count = len(notebook.log.frames)
        notebook.page.wait_for_timeout(1000)


if __name__ == "__main__":
    measure(sys.argv[1])
