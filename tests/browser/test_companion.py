"""The companion: following the end of a streaming answer, restoring the reader's state, messages for screen readers.

The answer is complete without it: the tests of the view do not need it.
"""

from __future__ import annotations

import pytest
from browser_stage import NEAR, ROOT, open_reader
from playwright.sync_api import expect

LIVE = f"{ROOT}.jupyter-widgets"
STATIC = f"{ROOT}.mathjax_ignore"
LINE = 30  # pixels at least
CUT = "The kernel ended before the answer did"

SELECT = """([first, from, last, to]) => {
    const lines = Array.from(window.root().querySelectorAll(".gm-answer p"));
    window.getSelection().setBaseAndExtent(lines[first].firstChild, from, lines[last].firstChild, to);
}"""
SELECTED = """() => {
    const selection = window.getSelection();
    const inside = window.root().contains(selection.anchorNode);
    return [inside, selection.toString(), selection.anchorOffset, selection.focusOffset];
}"""


@pytest.fixture(scope="module")
def reader(lab, _context):
    """The page that all tests in JupyterLab share."""
    page = _context.new_page()
    yield open_reader(lab, page, "lab")
    page.close()
    lab.shut_down_kernels()


def follow(reader):
    """Check how a streaming answer is followed; return the final scroll position."""
    reader.ask()
    reader.grow(5)
    assert reader.top == 0
    assert reader.below < -NEAR
    for lines in (25, 10, 5):
        reader.grow(lines)
        assert -NEAR < reader.below <= 0
    top = reader.top
    assert top > 10 * LINE

    # Less than the tolerance, but scrolling up stops following.
    reader.scroll(-10)
    reader.grow(2)
    assert reader.top == top - 10
    reader.scroll(reader.below - 2 * NEAR)
    reader.grow(1)
    assert reader.below > NEAR  # the end is not in view yet
    reader.scroll(reader.below)
    reader.grow(10)
    assert -NEAR < reader.below <= 0
    return reader.top


@pytest.mark.parametrize("windowing", ["full", "contentVisibility"])
def test_the_end_is_followed_while_it_is_in_view(reader, windowing):
    reader.page.evaluate(
        """(windowingMode) => {
            const notebook = window.panel.content;
            notebook.notebookConfig = {...notebook.notebookConfig, windowingMode};
        }""",
        windowing,
    )
    top = follow(reader)
    reader.record_frames()
    reader.end()
    assert {frame[0] for frame in reader.frames()} == {top}
    assert -NEAR < reader.below <= 0


def test_a_reader_who_scrolled_away_is_not_moved(reader):
    reader.ask()
    reader.grow(60)
    reader.page.evaluate("() => { window.outer().scrollTop = 60; }")
    reader.grow(20)
    reader.record_frames()
    reader.grow(10)
    reader.end()
    assert {frame[0] for frame in reader.frames()} == {60}

    reader.ask()
    reader.grow(40)
    reader.page.evaluate("() => { window.outer().scrollTop = 1e6; }")  # past the end of the answer
    top = reader.top
    assert reader.below < -10 * LINE
    reader.record_frames()
    reader.grow(5)
    reader.end()
    assert {frame[0] for frame in reader.frames()} == {top}


def test_an_answer_that_grows_in_a_hidden_tab_is_not_followed(reader):
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
    reader._write("60")
    reader.page.wait_for_function("() => window.root().textContent.includes('Line 60 of many.')")
    reader.page.evaluate("window.jupyterapp.shell.activateById(window.panel.id)")
    reader.page.wait_for_function("() => window.area().offsetHeight > 0")
    reader.page.evaluate("window.painted()")
    assert reader.top == 0
    reader.end()
    assert reader.top == 0


def test_an_output_with_its_own_scrollbar_is_followed_inside_its_box(reader):
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


def test_expanded_thoughts_stay_expanded_and_keep_their_scroll_position(reader):
    page = reader.page
    reader.ask(thoughts=40)
    reader.grow(15)
    page.click(f"{LIVE} summary")
    page.evaluate(f"() => {{ document.querySelector('{LIVE} .gm-thoughts').scrollTop = 100; }}")
    page.evaluate("window.painted()")
    assert reader.below > 0
    reader.grow(10)
    assert reader.top == 0  # the reader reads the thoughts from their start
    reader.record_frames()
    reader.end()
    page.wait_for_function(f"() => document.querySelector('{STATIC} details').open")
    [(last, _, thoughts)] = {(frame[0], 0, frame[2]) for frame in reader.frames()}
    assert (last, thoughts) == (0, 100)
    heights = {frame[1] for frame in reader.frames()}
    assert max(heights) - min(heights) <= 3


@pytest.mark.parametrize("backwards", [False, True])
def test_selected_text_stays_selected(reader, backwards):
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


def test_a_selection_is_restored_only_in_the_same_text(reader):
    """Calls the module directly, for texts that an answer cannot produce on demand."""
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
                "<p>One\n <b>two</b></p><div aria-busy='true' class='unseen'>three</div><p>three four</p>");
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


def test_a_screen_reader_is_informed_of_the_end_and_nothing_else(reader):
    page = reader.page
    reader.ask(thoughts=2)
    live = page.get_by_role("region", name="Gemini answer")
    expect(live).to_have_attribute("aria-busy", "true")
    reader.grow(5)
    assert reader.announced == []
    reader.end()
    page.wait_for_function("() => window.watching.size === 0")  # no observer or listener is left
    page.wait_for_function("() => window.announced.length > 0")
    assert reader.announced == ["Answer complete, 20 words"]
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    expect(page.locator(".gm-announcer")).to_have_count(1)
    assert page.locator(".gm-announcer").bounding_box()["width"] <= 1


def test_the_stop_button_works_with_the_keyboard(reader):
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
    reader.wait_ended()
    page.wait_for_function("() => window.announced.length > 0")
    assert reader.announced == ["Answer stopped"]


def test_the_end_of_the_kernel_is_announced(reader):
    """Must be the last test on the shared page, because it reloads the page."""
    page, notebook = reader.page, reader.notebook
    reader.ask()
    reader.grow(3)
    notebook.save()
    notebook.restart_kernel()
    page.wait_for_function("() => window.announced.length > 0")
    assert reader.announced == ["Answer interrupted: the kernel was shut down or restarted"]
    notebook.wait_output(1, CUT)
    expect(page.locator(f"{LIVE} .gm-stop")).to_have_count(0)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    notebook.reload()
    notebook.wait_output(1, CUT)
    assert "Error displaying" not in notebook.output_text(1)
    assert page.locator(".gm-announcer").inner_text() == ""


def test_the_end_is_followed_in_notebook_7(lab, notebook):
    reader = open_reader(lab, notebook.page, "notebook")
    follow(reader)
    reader.grow(30)
    # Notebook 7 puts a long finished output into a box with its own scrollbar.
    reader.end()
    reader.page.wait_for_function("() => window.area().matches('.jp-mod-outputsScrolled *')")
    reader.page.evaluate("window.painted()")
    rest = reader.page.evaluate(
        "() => { const box = window.area(); return box.scrollHeight - box.clientHeight - box.scrollTop; }"
    )
    assert rest <= 1
    assert reader.below <= 0
