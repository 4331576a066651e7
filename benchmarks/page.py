"""The page: what one update costs JupyterLab when an answer has 100,000 characters, ours and two others side by side.

``python page.py KIND`` measures one kind of text in a real JupyterLab and Chromium; it uses the browser tests' driver.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import stage

_HERE = Path(__file__).parent
_SIZE = 100_000  # characters that are there when the measuring begins
_STEP = 200  # characters of one update
_EVERY = 0.1  # seconds
_UPDATES = {
    "ours": 60,
    "followed": 60,
    "markdown": 8,
    "html": 20,
}  # the page falls behind with more of the others
_MADE = {"ours": "Ours", "followed": "Ours", "markdown": "Marked", "html": "Whole"}
_KINDS = ("mixed", "list", "table", "code")
_OTHERS = {"markdown": "update_display(Markdown(all))", "html": "one ipywidgets.HTML"}
_COMMS = ("comm_open", "comm_msg", "comm_close")

_SETUP = """
import asyncio, json, sys, time
sys.path[:0] = {paths!r}
import ipywidgets
from IPython.display import Markdown, display
from rendering import text_of
from view_stage import feed, new_ledger
from gemini_magic.markdown import render
from gemini_magic.views.live import LiveView

text = text_of({kind!r}, {size} + 100 * {step})
shift = 0.0

class Ours:
    def __init__(self):
        self.ledger = new_ledger()
        self.view = LiveView(self.ledger, stop=lambda: None, clock=lambda: time.monotonic() + shift)
        self.view.open()
        self.at = 0
    def grow(self, end):
        feed(self.ledger, text[self.at:end])
        self.at = end
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

class Marked:
    def __init__(self):
        self.handle = display(Markdown(""), display_id=True)
    def grow(self, end):
        self.handle.update(Markdown(text[:end]))
    async def begin(self):
        self.began = time.time()
        self.grow({size})
    def end(self):
        pass

class Whole(Marked):
    def __init__(self):
        self.widget = ipywidgets.HTML()
        display(self.widget)
    def grow(self, end):
        self.widget.value = render(text[:end])

async def go(shown, updates):
    await shown.begin()
    await asyncio.sleep({settle})
    begun = time.monotonic()
    for n in range(1, updates + 1):
        shown.grow({size} + n * {step})
        await asyncio.sleep(max(0.0, begun + n * {every} - time.monotonic()))
    print(json.dumps({{"began": shown.began}}))
"""
_SETTLE = 4.0

# Long tasks, and when the first text of the answer is on the page.
_WATCH = """(cell) => {
    window.tasks = [];
    window.first = 0;
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration)))
        .observe({ type: "longtask" });
    const node = window.jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node;
    const look = () => {
        if (node.querySelector(".gm-answer h2, .gm-answer p, .gm-answer li, .gm-answer pre, .gm-answer table")) {
            window.first = performance.timeOrigin + performance.now();
        } else {
            requestAnimationFrame(look);
        }
    };
    look();
}"""
_END = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const scroller = panel.content.node.querySelector(".jp-WindowedPanel-outer") || panel.content.node;
    scroller.scrollTop = scroller.scrollHeight;
}"""


def page() -> None:
    """What an update costs JupyterLab's page at 100,000 characters, beside two ways without pieces (needs Chromium)."""
    stage.title("The page (JupyterLab and Chromium; main thread)")
    if find_spec("playwright") is None:
        stage.tell("left out: it needs the packages of the extra `test`, and Chromium")
        return
    for kind in _KINDS:
        found = stage.fresh("page.py", kind)
        ours = found["ours"]
        stage.tell(f"{kind}, {_SIZE:,} characters, {_STEP} more with each update, {1 / _EVERY:.0f} a second")
        stage.against("  main thread per update", ours["per_update"], 10, " ms")
        stage.tell(
            f"    {found['followed']['per_update']:.1f} ms while a reader scrolls along twice a second"
        )
        stage.against("  longest task", ours["longest"], 100, " ms")
        stage.against("  messages in a second, at most", ours["messages"], 40, "")
        stage.against("  paints in a second, at most", ours["paints"], 10, "")
        stage.against("  first paint after the first chunk", ours["first"], 50, " ms")
        stage.tell(f"    the longest task when the static output takes its place is {ours['ending']:.0f} ms")
        for name, said in _OTHERS.items():
            other = found[name]
            stage.tell(
                f"    {said}: {other['per_update']:.0f} ms per update ({other['per_update'] / ours['per_update']:.0f}x), "
                f"longest task {other['longest']:.0f} ms, {other['bytes'] / ours['bytes']:.0f}x the bytes"
            )


def most_in_a_second(times: list[float]) -> int:
    times = sorted(times)
    return max((sum(start <= each < start + 1 for each in times) for start in times), default=0)


def measure(kind: str) -> None:
    """Print the figures of one kind of text."""
    sys.path[:0] = [str(_HERE.parent / "tests" / "support")]
    from lab import Notebook, cells, opened  # noqa: PLC0415 - only in the process that measures

    paths = [str(_HERE), str(_HERE.parent), str(_HERE.parent / "tests" / "support")]
    setup = _SETUP.format(paths=paths, kind=kind, size=_SIZE, step=_STEP, every=_EVERY, settle=_SETTLE)
    figures = {}
    with opened() as (lab, context):
        for name, made in _MADE.items():
            notebook = Notebook(lab, context.new_page())
            asked = f"shown = {made}(); await go(shown, {_UPDATES[name]})"
            notebook.open(lab.write(f"{name}.ipynb", cells(setup, asked, "shown.end()")))
            notebook.run(0)
            figures[name] = _watched(notebook, _UPDATES[name], follow=name == "followed")
            notebook.page.close()
    print(json.dumps(figures))


def _watched(notebook, updates: int, *, follow: bool) -> dict[str, float]:
    page = notebook.page
    session = page.context.new_cdp_session(page)
    # The thread's own time: a busy machine does not change it much.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "TaskDuration")

    def read_along(done) -> tuple[float, float]:
        """Wait, at the end or following it as a reader does; how long, and how busy the page was meanwhile."""
        began, before = time.monotonic(), busy()
        while not done():
            if follow:
                page.evaluate(_END)
            page.wait_for_timeout(500)
        return time.monotonic() - began, busy() - before

    page.evaluate(_WATCH, 1)
    notebook.run(1, wait=False)
    _quiet(notebook)
    page.evaluate(_END)
    page.evaluate("window.tasks = []")
    began = len(notebook.log.frames)
    lasted, cost = read_along(lambda: "*" not in notebook.cell_status(1))
    frames = notebook.log.frames[began:]
    longest = page.evaluate("Math.max(0, ...window.tasks)")
    until = time.monotonic() + lasted
    _, idle = read_along(lambda: time.monotonic() > until)
    told = json.loads(notebook.output_text(1).strip().splitlines()[-1])
    page.evaluate("window.tasks = []")
    notebook.run(2)
    _quiet(notebook)
    comms = [frame for frame in frames if frame.kind in _COMMS]
    shown = [frame.sent for frame in comms if "gm-status" not in str(frame.content)]
    return {
        "per_update": 1000 * max(0.0, cost - idle) / updates,
        "longest": longest,
        "ending": page.evaluate("Math.max(0, ...window.tasks)"),
        "messages": most_in_a_second([frame.sent for frame in comms]),
        "paints": most_in_a_second([b for a, b in zip([0.0, *shown], shown, strict=False) if b - a > 0.03]),
        "first": page.evaluate("window.first") - 1000 * told["began"],
        "bytes": sum(frame.size for frame in frames if frame.kind in (*_COMMS, "update_display_data"))
        / updates,
    }


def _quiet(notebook) -> None:
    """Wait until everything is shown that comes before the measuring."""
    count = -1
    while count != len(notebook.log.frames):
        count = len(notebook.log.frames)
        notebook.page.wait_for_timeout(1000)


if __name__ == "__main__":
    measure(sys.argv[1])
