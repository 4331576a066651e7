"""What the companion adds for the reader of a growing answer, and that it leaves a reader elsewhere alone.

Without it everything is seen as well: the tests of the view itself do not need it.
"""

from __future__ import annotations

import pytest
from browser.lab import Notebook
from browser.test_views import ROOT, SETUP
from nbformat.v4 import new_code_cell

# An answer that has as many lines as a file says, and ends when the file says so.
DRIVEN = f"""{SETUP}
from pathlib import Path

async def driven(lines, thoughts=0):
    ledger, clicked = new_ledger(), []
    stop = lambda: clicked.append(1)
    view = choose(ledger, display="live", shell=get_ipython(), allow_stdin=True, stop=stop)
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

LIVE = f"{ROOT}.jupyter-widgets"
STATIC = f"{ROOT}.mathjax_ignore"
NEAR = 24  # pixels
LINE = 30  # pixels at least
INTRODUCTION = "%gemini last shows what had arrived"

# Before the page's own scripts: what of the extension watches the page, and how long it takes.
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

# In the page: what belongs to the answer's cell, and all that is announced from now on.
PAGE = """() => {
    const panel = window.panel = window.jupyterapp.shell.currentWidget;
    window.area = () => panel.content.widgets[1].outputArea.node;
    window.root = () => window.area().querySelector(".gemini-magic");
    window.outer = () => window.area().closest(".jp-WindowedPanel-outer");
    window.below = box => Math.round(
        window.root().getBoundingClientRect().bottom - box.getBoundingClientRect().bottom);
    window.painted = () => new Promise(done =>
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
    window.heard = [];
    const announcer = document.querySelector(".gm-announcer");
    new MutationObserver(() => window.heard.push(announcer.textContent)).observe(
        announcer, {childList: true, characterData: true, subtree: true});
}"""

# Notes the places and heights that each frame begins with: at the end nothing may move, not for a moment.
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

SELECT = """([first, from, last, to]) => {
    const lines = Array.from(window.root().querySelectorAll(".gm-answer p"));
    window.getSelection().setBaseAndExtent(lines[first].firstChild, from, lines[last].firstChild, to);
}"""
SELECTED = """() => {
    const selection = window.getSelection();
    const inside = window.root().contains(selection.anchorNode);
    return [inside, selection.toString(), selection.anchorOffset, selection.focusOffset];
}"""


class Reader:
    """Whoever reads the answer in cell 1 of a notebook, and how much of it has come."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.page = notebook.page
        self._file = notebook.lab.root / "lines"
        self._lines = 0

    def ask(self, thoughts=0):
        """Begin anew, at the top of the page."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        self.page.evaluate("() => { window.getSelection().empty(); window.outer().scrollTop = 0; }")
        self.page.mouse.move(700, 500)
        self._lines = 0
        self._tell("0")
        self.notebook.set_source(1, f"await driven({self._file.name!r}, {thoughts})")
        self.notebook.run(1, wait=False)
        self.page.wait_for_function("() => window.root()?.querySelector('.gm-mark')")
        self.page.evaluate("() => { window.heard.length = 0; }")
        return self

    def _tell(self, words):
        draft = self._file.with_suffix(".draft")
        draft.write_text(words)
        draft.replace(self._file)  # whole, or not at all

    def grow(self, lines):
        self._lines += lines
        self._tell(str(self._lines))
        self.page.wait_for_function(
            "text => window.root().textContent.includes(text)", arg=f"Line {self._lines} of many."
        )
        self.page.evaluate("window.painted()")

    def end(self):
        self._tell("end")
        self.ended()

    def ended(self):
        self.notebook.wait_done(1)
        self.page.wait_for_function("() => window.root().matches('.mathjax_ignore')")
        self.page.evaluate("window.painted()")

    def frames(self):
        """What was noted since FRAMES, without repetitions."""
        return {tuple(frame) for frame in self.page.evaluate("window.frames_")}

    @property
    def top(self):
        return self.page.evaluate("Math.round(window.outer().scrollTop)")

    @property
    def below(self):
        """How many pixels below the notebook's lower edge the answer ends."""
        return self.page.evaluate("window.below(window.outer())")

    @property
    def heard(self):
        return self.page.evaluate("window.heard")

    def scroll(self, pixels):
        self.page.mouse.wheel(0, pixels)
        self.page.wait_for_timeout(150)  # a wheel moves the page in some frames


def opened(lab, page, app):
    folded = new_code_cell(DRIVEN, metadata={"jupyter": {"source_hidden": True}})
    page.add_init_script(f"({COUNT})()")
    notebook = Notebook(lab, page)
    notebook.open(lab.write("reading.ipynb", [folded, *["1"] * 24]), app=app)
    assert notebook.run(0)
    page.evaluate(PAGE)
    return Reader(notebook)


@pytest.fixture(scope="module")
def reader(lab, _context):
    """The same page for all that is promised in JupyterLab."""
    page = _context.new_page()
    yield opened(lab, page, "lab")
    page.close()
    lab.shut_down_kernels()


def follow(reader):
    """What is promised of following; returns where the reader is then."""
    reader.ask()
    reader.grow(5)
    assert reader.top == 0
    assert reader.below < -NEAR
    for lines in (25, 10, 5):
        reader.grow(lines)
        assert -NEAR < reader.below <= 0
    top = reader.top
    assert top > 10 * LINE

    # Less than what counts as being there; yet it is a movement away from it.
    reader.scroll(-10)
    reader.grow(2)
    assert reader.top == top - 10
    reader.scroll(reader.below - 2 * NEAR)
    reader.grow(1)
    assert reader.below > NEAR  # that was not far enough
    reader.scroll(reader.below)
    reader.grow(10)
    assert -NEAR < reader.below <= 0
    return reader.top


@pytest.mark.parametrize("windowing", ["full", "contentVisibility"])
def test_the_end_is_followed_while_the_reader_is_there(reader, windowing):
    reader.page.evaluate(
        """(windowingMode) => {
            const notebook = window.panel.content;
            notebook.notebookConfig = {...notebook.notebookConfig, windowingMode};
        }""",
        windowing,
    )
    top = follow(reader)
    reader.page.evaluate(FRAMES)
    reader.end()
    assert {frame[0] for frame in reader.frames()} == {top}
    assert -NEAR < reader.below <= 0


def test_a_reader_elsewhere_is_not_moved(reader):
    reader.ask()
    reader.grow(60)
    reader.page.evaluate("() => { window.outer().scrollTop = 60; }")
    reader.grow(20)
    reader.page.evaluate(FRAMES)
    reader.grow(10)
    reader.end()
    assert {frame[0] for frame in reader.frames()} == {60}

    reader.ask()
    reader.grow(40)
    reader.page.evaluate("() => { window.outer().scrollTop = 1e6; }")  # behind the end
    top = reader.top
    assert reader.below < -10 * LINE
    reader.page.evaluate(FRAMES)
    reader.grow(5)
    reader.end()
    assert {frame[0] for frame in reader.frames()} == {top}


def test_what_grew_in_a_hidden_tab_is_not_followed(reader):
    reader.ask()
    reader.grow(5)
    reader.page.evaluate("""() => {
        const {shell} = window.jupyterapp;
        const other = window.panel.content.rendermime.createRenderer("text/plain");
        other.id = "other";
        shell.add(other, "main");
        shell.activateById("other");
    }""")
    reader.page.wait_for_function("() => window.area().offsetHeight === 0")
    reader._tell("60")
    reader.page.wait_for_function("() => window.root().textContent.includes('Line 60 of many.')")
    reader.page.evaluate("window.jupyterapp.shell.activateById(window.panel.id)")
    reader.page.wait_for_function("() => window.area().offsetHeight > 0")
    reader.page.evaluate("window.painted()")
    assert reader.top == 0
    reader.end()
    assert reader.top == 0


def test_an_output_that_scrolls_by_itself_is_followed_in_its_box(reader):
    page = reader.page
    page.evaluate("() => { window.panel.content.widgets[1].outputsScrolled = true; }")
    reader.ask()
    for lines in (40, 10):
        reader.grow(lines)
        assert -NEAR < page.evaluate("window.below(window.area())") <= 0
    assert reader.top == 0
    reader.end()
    assert -NEAR < page.evaluate("window.below(window.area())") <= 0
    page.evaluate("() => { window.panel.content.widgets[1].outputsScrolled = false; }")


def test_opened_thoughts_stay_open_and_where_they_were_read(reader):
    page = reader.page
    reader.ask(thoughts=40)
    reader.grow(15)
    page.click(f"{LIVE} summary")
    page.evaluate(f"() => {{ document.querySelector('{LIVE} .gm-thoughts').scrollTop = 100; }}")
    page.evaluate("window.painted()")
    assert reader.below > 0
    reader.grow(10)
    assert reader.top == 0  # thoughts are read from their beginning
    page.evaluate(FRAMES)
    reader.end()
    page.wait_for_timeout(100)
    [(last, _, thoughts)] = {(frame[0], 0, frame[2]) for frame in reader.frames()}
    assert (last, thoughts) == (0, 100)
    heights = {frame[1] for frame in reader.frames()}
    assert max(heights) - min(heights) <= 3
    assert page.evaluate(f"document.querySelector('{STATIC} details').open")


@pytest.mark.parametrize("backwards", [False, True])
def test_selected_words_stay_selected(reader, backwards):
    reader.ask()
    reader.grow(12)
    places = [6, 3, 2, 5] if backwards else [2, 5, 6, 3]
    reader.page.evaluate(SELECT, places)
    reader.grow(5)
    before = reader.page.evaluate(SELECTED)
    assert before[0]
    assert "Line 5 of many." in before[1]
    reader.end()
    after = reader.page.evaluate(SELECTED)
    assert after == before


def test_words_are_found_again_only_in_the_same_text(reader):
    """Texts that a whole answer does not bring about at will, in the page's own module."""
    found = reader.page.evaluate(
        r"""async () => {
            const {readSelection, restoreSelection} = await import("/lab/extensions/gemini-magic/live/selection.js");
            const text = html => {
                const root = document.body.appendChild(document.createElement("div"));
                root.innerHTML = html;
                return root;
            };
            const style = "<style>.unseen {display: none}</style>";
            const old = text(style +
                "<p>One\n <b>two</b></p><div class='gm-rest unseen'>three</div><p>three four</p>");
            const selection = window.getSelection();
            selection.setBaseAndExtent(old.querySelector("b"), 0, old.lastChild.firstChild, 5);
            const words = readSelection(selection, old);
            const results = [words.before, words.selected];
            for (const html of ["<p>One <b>two</b></p>\n\n<p>thr<i>ee</i> four and more</p>",
                                "<p>One two</p><p>4 three four</p>", "<p>One two</p><p>th</p>"]) {
                selection.empty();
                restoreSelection(selection, text(html), words);
                results.push(selection.toString().split(/\s+/).join(" "));
            }
            selection.selectAllChildren(document.body);
            results.push(readSelection(selection, old));
            document.querySelectorAll("body > div:not([id]):not([class])").forEach(node => node.remove());
            return results;
        }"""
    )
    assert found == ["One", "twothree", "two three", "", "", None]


def test_a_listener_is_told_the_end_and_nothing_else(reader):
    page = reader.page
    reader.ask(thoughts=2)
    live = page.get_by_role("region", name="Gemini answer")
    assert live.get_attribute("aria-busy") == "true"
    reader.grow(5)
    assert reader.heard == []
    reader.end()
    assert reader.heard == ["Answer complete, 20 words"]
    assert page.locator("[aria-busy=true]").count() == 0
    assert page.locator(".gm-announcer").count() == 1
    assert page.locator(".gm-announcer").bounding_box()["width"] <= 1
    page.wait_for_function(
        "() => window.watching.size === 0"
    )  # nothing is left that an idle page would pay for


def test_the_stop_button_is_reached_and_pressed_by_keys(reader):
    page = reader.page
    reader.ask()
    reader.grow(3)
    button = page.get_by_role("region", name="Gemini answer").get_by_role("button", name="Stop")
    page.locator(f"{LIVE} .gm-status").click()
    for _ in range(5):
        page.keyboard.press("Tab")
        if button.evaluate("node => node === document.activeElement"):
            break
    assert button.evaluate("node => node === document.activeElement")
    page.keyboard.press("Space")
    reader.ended()
    assert reader.heard == ["Answer stopped"]


def test_an_answer_whose_kernel_ended_says_so(reader):
    """The last one on this page, which is loaded again."""
    page, notebook = reader.page, reader.notebook
    reader.ask()
    reader.grow(3)
    notebook.save()
    notebook.restart_kernel()
    page.wait_for_function("() => window.heard.length > 0")
    assert reader.heard == ["Answer interrupted: the kernel was shut down or restarted"]
    assert page.locator(f"{LIVE} .gm-stop").is_disabled()
    assert page.locator("[aria-busy=true]").count() == 0
    notebook.reload()
    notebook.wait_output(1, INTRODUCTION)
    assert "Error displaying" not in notebook.output_text(1)
    assert page.locator(".gm-announcer").inner_text() == ""
    [output] = notebook.saved_outputs(1)
    notebook.save()
    assert notebook.saved_outputs(1) == [output]


def test_the_end_is_followed_in_notebook_7(lab, notebook):
    reader = opened(lab, notebook.page, "notebook")
    follow(reader)
    reader.grow(30)
    # What is long is put into a low box when it is finished.
    reader.end()
    assert reader.page.evaluate("window.area().matches('.jp-mod-outputsScrolled *')")
    rest = reader.page.evaluate(
        "() => { const box = window.area(); return box.scrollHeight - box.clientHeight - box.scrollTop; }"
    )
    assert rest <= 1
    assert reader.below <= 0
