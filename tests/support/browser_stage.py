"""Drives a streaming answer in a real JupyterLab: code for the notebook's kernel, scripts for the page, and a reader.

The answers come from ledgers that the kernel fills; no server is asked.
"""

from __future__ import annotations

import itertools

from lab import Notebook
from nbformat.v4 import new_code_cell
from surroundings import CHECKOUT

# The root of an answer in the page.
ROOT = ".jp-OutputArea .gemini-magic"
NEAR = 24  # pixels: an answer that ends at most this far below the lower edge is followed

# The first cell: `show` displays a growing answer.
SETUP = f"""
import asyncio, sys, time
sys.path[:0] = [{str(CHECKOUT)!r}, {str(CHECKOUT / "tests" / "support")!r}]
from view_stage import ANSWER, ATTACK, feed, new_ledger
from gemini_magic.views import select_view, stop_hint

async def show(text, thoughts="", pause=0.0, display="live", stop=None, step=12, until=lambda: False):
    ledger = new_ledger()
    view = select_view(ledger, display=display, shell=get_ipython(), allow_stdin=True, stop=stop, stop_hint=stop_hint())
    view.open()
    for kind, content in (("thought", thoughts), ("text", text)):
        for start in range(0, len(content), step):
            feed(ledger, **{{kind: content[start : start + step]}}, t=start / 50 / step)
            await asyncio.sleep(0.02)
            view.update()
    feed(ledger, finish="STOP")
    view.update(final=True)
    end = time.monotonic() + pause
    while time.monotonic() < end and not until():
        await asyncio.sleep(0.01)
    ledger.close("end", t=3.0)
    view.close()
"""

# The first cell: `driven` displays an answer whose number of lines, and whose end, a file controls.
DRIVEN = f"""{SETUP}
from pathlib import Path

async def driven(lines, thoughts=0):
    ledger, clicked = new_ledger(), []
    stop = lambda: clicked.append(1)
    view = select_view(ledger, display="live", shell=get_ipython(), allow_stdin=True, stop=stop)
    view.open()
    if thoughts:
        feed(ledger, thought="I **think** so.\\n\\n" * thoughts)
    fed = 0
    while (wanted := Path(lines).read_text()) != "end" and not clicked:
        for fed in range(fed, int(wanted)):
            feed(ledger, f"Line {{fed + 1}} of *many*.\\n\\n")
            fed += 1
        view.update()
        await asyncio.sleep(0.01)
    if not clicked:
        feed(ledger, finish="STOP")
    view.update(final=True)
    ledger.close("stop" if clicked else "end", t=3.0)
    view.close()
"""

# Runs in the page: records each height of a cell's output, and whether the output held widgets at that height.
SAMPLER = """(cell) => {
    const heights = window.heights = [];
    const node = window.jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node;
    const sample = () => {
        const height = node.getBoundingClientRect().height;
        const live = node.querySelector(".jupyter-widgets") !== null;
        const last = heights[heights.length - 1];
        if (!last || last[0] !== height || last[1] !== live) heights.push([height, live]);
        if (window.heights === heights) requestAnimationFrame(sample);
    };
    sample();
}"""

# Runs in the page before its own scripts: collects the observers and listeners that the extension has in the page.
COUNT = """() => {
    const ours = () => new Error().stack.includes("/gemini-magic/");
    const watching = window.watching = new Set();
    for (const name of ["MutationObserver", "ResizeObserver"]) {
        window[name] = class extends window[name] {
            constructor(call) { super(call); this.ours = ours(); }
            observe(...given) { super.observe(...given); if (this.ours) watching.add(this); }
            disconnect() { super.disconnect(); watching.delete(this); }
        };
    }
    const {addEventListener, removeEventListener} = document;
    document.addEventListener = function (type, ...rest) {
        if (ours()) watching.add(type);
        addEventListener.call(this, type, ...rest);
    };
    document.removeEventListener = function (type, ...rest) {
        if (ours()) watching.delete(type);
        removeEventListener.call(this, type, ...rest);
    };
}"""

# Runs in the page: functions that return the elements of the answer's cell, and a list of all announcements.
PAGE = """() => {
    const panel = window.panel = window.jupyterapp.shell.currentWidget;
    window.area = () => panel.content.widgets[1].outputArea.node;
    window.root = () => window.area().querySelector(".gemini-magic");
    window.outer = () => window.area().closest(".jp-WindowedPanel-outer");
    window.below = box => Math.round(
        window.root().getBoundingClientRect().bottom - box.getBoundingClientRect().bottom);
    // Observers are called in the order in which they were created: this one after those of the extension.
    window.painted = async () => {
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
        await new Promise(done => {
            const observer = new ResizeObserver(() => { observer.disconnect(); setTimeout(done); });
            observer.observe(document.body);
        });
        await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    };
    window.announced = [];
    const announcer = document.querySelector(".gm-announcer");
    new MutationObserver(() => window.announced.push(announcer.textContent)).observe(
        announcer, {childList: true, characterData: true, subtree: true});
}"""

# Runs in the page: records scroll positions and heights in each frame, because nothing may move even for one frame.
FRAMES = """() => {
    const frames = window.frames_ = [];
    const note = () => {
        const thoughts = window.area().querySelector(".gm-thoughts");
        frames.push([
            Math.round(window.outer().scrollTop),
            Math.round(window.root()?.getBoundingClientRect().height ?? 0),
            thoughts ? Math.round(thoughts.scrollTop) : 0
        ]);
        window.noting = requestAnimationFrame(note);
    };
    cancelAnimationFrame(window.noting);
    note();
}"""


# The scroll positions of the notebook and of the thoughts.
POSITIONS = """() => [window.outer().scrollTop, window.area().querySelector(".gm-thoughts")?.scrollTop]"""


def wait_steady(page, measure):
    """Wait until a function of the page has returned the same JSON value in twelve frames in succession."""
    page.evaluate(f"""async () => {{
        for (let last = null, same = 0; same < 12;) {{
            await new Promise(requestAnimationFrame);
            const now = JSON.stringify(({measure})());
            same = now === last ? same + 1 : 0;
            last = now;
        }}
    }}""")


def count_steady_heights(page, tolerance=2):
    """The number of heights that the live output had since `SAMPLER` ran; `tolerance` in pixels.

    The function waits until the output has no widgets and keeps its height.

    Raises:
        AssertionError: The output shrank, or at its end it changed by more than the height of the inspector's bar.
    """
    page.wait_for_function("() => window.heights.length && !window.heights.at(-1)[1]")
    wait_steady(page, "() => window.heights.length")
    heights = page.evaluate("window.heights")
    drops = [(a, b) for a, b in itertools.pairwise(heights) if b[0] < a[0] - 2]
    assert drops == []
    before = [height for height, live in heights if live][-1]
    after = [height for height, live in heights if not live][-1]
    line = page.evaluate("document.querySelector('.gmi-bar').getBoundingClientRect().height")
    assert line <= 24
    assert abs(after - line - before) <= tolerance, (before, after, line)
    return len([height for height, live in heights if live])


class Reader:
    """The reader of the answer in cell 1 of a notebook. It also controls how much of the answer has arrived."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.page = notebook.page
        self._file = notebook.lab.root / "lines"
        self._lines = 0

    def ask(self, thoughts=0):
        """Start a new answer, with the notebook scrolled to its top."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        self.page.evaluate("() => { window.getSelection().empty(); window.outer().scrollTop = 0; }")
        self.page.mouse.move(700, 500)
        self._lines = 0
        self._write("0")
        self.notebook.set_source(1, f"await driven({self._file.name!r}, {thoughts})")
        self.notebook.run(1, wait=False)
        self.page.wait_for_function("() => window.root()?.querySelector('.gm-mark')")
        self.page.evaluate("() => { window.announced.length = 0; }")
        return self

    def _write(self, text):
        draft = self._file.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self._file)  # atomic

    def grow(self, lines):
        """Let this many more lines arrive, and wait until the page shows them."""
        self._lines += lines
        self._write(str(self._lines))
        self.page.wait_for_function(
            "text => window.root().textContent.includes(text)", arg=f"Line {self._lines} of many."
        )
        self.page.evaluate("window.painted()")

    def end(self):
        """Let the answer end."""
        self._write("end")
        self.wait_ended()

    def wait_ended(self):
        """Wait until the page shows the finished answer."""
        self.notebook.wait_done(1)
        self.page.wait_for_function("() => window.root().matches('.mathjax_ignore')")
        self.page.evaluate("window.painted()")

    def record_frames(self):
        """Start to record scroll positions and heights in each frame."""
        self.page.evaluate(FRAMES)

    def frames(self):
        """The distinct scroll positions and heights since `record_frames`."""
        return {tuple(frame) for frame in self.page.evaluate("window.frames_")}

    @property
    def top(self):
        """How far the notebook is scrolled down, in pixels."""
        return self.page.evaluate("Math.round(window.outer().scrollTop)")

    @property
    def below(self):
        """The number of pixels by which the answer ends below the notebook's lower edge."""
        return self.page.evaluate("window.below(window.outer())")

    @property
    def announced(self):
        """The messages for screen readers since the answer began."""
        return self.page.evaluate("window.announced")

    def scroll(self, pixels):
        """Scroll with the wheel, which takes several frames, and wait until the listeners of the page know the new position."""
        self.page.evaluate(f"""() => {{
            window.seen = null;
            window.watcher ??= () => {{ window.seen = JSON.stringify(({POSITIONS})()); }};
            document.addEventListener("scroll", window.watcher, {{capture: true, passive: true}});
        }}""")
        self.page.mouse.wheel(0, pixels)
        self.page.wait_for_function("() => window.seen")
        wait_steady(self.page, POSITIONS)
        self.page.wait_for_function(f"() => window.seen === JSON.stringify(({POSITIONS})())")


def open_reader(lab, page, app):
    """Open a notebook with `DRIVEN` and 24 more cells in `app` ("lab" or "notebook"), and return its reader."""
    folded = new_code_cell(DRIVEN, metadata={"jupyter": {"source_hidden": True}})
    page.add_init_script(f"({COUNT})()")
    notebook = Notebook(lab, page)
    notebook.open(lab.write("reading.ipynb", [folded, *["1"] * 24]), app=app)
    assert notebook.run(0)
    page.evaluate(PAGE)
    return Reader(notebook)
