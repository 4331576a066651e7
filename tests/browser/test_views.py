"""What a reader sees of a growing answer: no flicker, no jump at the end, nothing that acts on its own."""

from __future__ import annotations

import itertools

import pytest
from surroundings import CHECKOUT

SETUP = f"""
import asyncio, sys
sys.path[:0] = [{str(CHECKOUT)!r}, {str(CHECKOUT / "tests")!r}]
from view_stage import ANSWER, ATTACK, feed, new_ledger
from gemini_magic.views import choose

async def show(text, thoughts="", pause=0.0, display="live", stop=None):
    ledger = new_ledger()
    view = choose(ledger, display=display, shell=get_ipython(), allow_stdin=True, stop=stop)
    view.open()
    for kind, said in (("thought", thoughts), ("text", text)):
        for start in range(0, len(said), 12):
            feed(ledger, **{{kind: said[start : start + 12]}}, t=start / 600)
            await asyncio.sleep(0.02)
            view.update()
    feed(ledger, finish="STOP")
    view.update(final=True)
    await asyncio.sleep(pause)
    ledger.close("end", t=3.0)
    view.close()
"""

# Notes every height the output of cell 1 has, frame by frame, and whether widgets were on the page.
SAMPLER = """() => {
    window.heights = [];
    const node = window.jupyterapp.shell.currentWidget.content.widgets[1].outputArea.node;
    const sample = () => {
        const height = node.getBoundingClientRect().height;
        const live = node.querySelector(".jupyter-widgets") !== null;
        const last = window.heights[window.heights.length - 1];
        if (!last || last[0] !== height || last[1] !== live) window.heights.push([height, live]);
        requestAnimationFrame(sample);
    };
    sample();
}"""
ROOT = ".jp-OutputArea .gemini-magic"


def opened(notebook, lab, *cells, app="lab"):
    notebook.open(lab.write("views.ipynb", [SETUP, *cells]), app=app)
    assert notebook.run(0)


@pytest.mark.parametrize(("app", "width"), [("lab", 1200), ("lab", 575), ("notebook", 1200)])
def test_an_answer_never_shrinks_and_does_not_move_when_it_is_finished(notebook, lab, app, width):
    opened(
        notebook, lab, "await show(ANSWER * 4, 'I **think** so. ' * 5, pause=1, stop=lambda: None)", app=app
    )
    page = notebook.page
    if app == "lab":
        page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(SAMPLER)
    assert notebook.run(1)
    page.wait_for_selector(f"{ROOT}.mathjax_ignore")
    page.wait_for_timeout(200)
    heights = page.evaluate("window.heights")
    drops = [(a, b) for a, b in itertools.pairwise(heights) if b[0] < a[0] - 2]
    assert drops == []
    before = [height for height, live in heights if live][-1]
    after = [height for height, live in heights if not live][-1]
    assert abs(after - before) <= 2
    assert len([height for height, live in heights if live]) >= 8
    wide = page.evaluate(
        f"(() => {{ const r = document.querySelector('{ROOT}'); return r.scrollWidth - r.clientWidth }})()"
    )
    assert wide <= 0
    gap = page.evaluate("""() => {
        const edge = (selector, side) => document.querySelector(selector)?.getBoundingClientRect()[side] ?? 0;
        return edge(".gm-status", "left") - edge(".jp-CodeCell:has(.gm-status) .jp-OutputCollapser", "right");
    }""")
    assert gap >= 4  # a narrow page puts the output right beside the bar that folds it


def test_opened_thoughts_stay_open_while_they_grow(notebook, lab):
    opened(notebook, lab, "await show(ANSWER * 4, 'I **think** so. ' * 20)")
    page = notebook.page
    notebook.run(1, wait=False)
    page.wait_for_selector(".gm-lane summary")
    assert not page.is_visible(".gm-lane .gm-thoughts")
    page.click(".gm-lane summary")
    notebook.wait_output(1, "think so.*bold", timeout=15)
    assert page.is_visible(".gm-lane .gm-thoughts")
    notebook.wait_done(1)
    page.wait_for_selector(f"{ROOT}.mathjax_ignore")
    assert not page.is_visible(".gm-thoughts")
    page.click(".gm-thinking summary")
    assert page.is_visible(".gm-thoughts strong")


def test_an_attack_does_nothing_live_or_saved(notebook, lab):
    opened(notebook, lab, "await show(ATTACK, ATTACK)", "await show(ATTACK, display='html')")
    for cell in (1, 2):
        assert notebook.run(cell)
        notebook.wait_output(cell, "answer complete")
    notebook.save()
    notebook.reload()
    notebook.wait_output(1, "answer complete")
    assert notebook.log.dialogs == []
    assert not notebook.log.beyond(lab.url)
    for selector in ("img", "iframe", "script", "[onclick]", "[onerror]", "[data-commandlinker-command]"):
        assert notebook.page.locator(f"{ROOT} {selector}").count() == 0
    for link in notebook.page.locator(f"{ROOT} a").all():
        assert (link.get_attribute("href") or "").startswith("https://")


def test_the_button_is_there_only_when_it_can_work(notebook, lab):
    opened(
        notebook,
        lab,
        "clicked = []\nawait show(ANSWER, pause=2, stop=lambda: clicked.append(1))\nprint(clicked)",
        "await show(ANSWER, pause=1)",
    )
    notebook.run(1, wait=False)
    notebook.page.wait_for_selector(".gm-stop")
    notebook.click_stop(1)
    notebook.wait_done(1)
    notebook.wait_output(1, r"\[1\]")
    assert notebook.buttons(1) == []
    notebook.run(2, wait=False)
    notebook.wait_output(2, "stop with ■ in the toolbar")
    assert notebook.buttons(2) == []
    notebook.wait_done(2)


def test_the_finished_answer_reads_without_a_kernel(notebook, lab):
    opened(notebook, lab, "await show(ANSWER, 'Some thoughts.')")
    assert notebook.run(1)
    notebook.save()
    assert "widgets" not in notebook.saved()["metadata"]
    [output] = notebook.saved_outputs(1)
    assert "application/vnd.jupyter.widget-view+json" not in output["data"]
    notebook.reload(no_kernel=True)
    text = notebook.wait_output(1, "answer complete, 19 words")
    assert "The end." in text
    assert not notebook.trusted()
