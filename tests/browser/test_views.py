"""What a reader sees of a streaming answer: no flicker, no jump at the end, no effect of hostile content."""

from __future__ import annotations

import pytest
from browser_stage import ROOT, SAMPLER, SETUP, count_steady_heights, wait_steady
from lab import most_in_a_second
from playwright.sync_api import expect


def open_notebook(notebook, lab, *cells, app="lab"):
    notebook.open(lab.write("views.ipynb", [SETUP, *cells]), app=app)
    assert notebook.run(0)


@pytest.mark.parametrize(("app", "width"), [("lab", 1200), ("lab", 575), ("notebook", 1200)])
def test_an_answer_never_shrinks_and_does_not_move_when_it_ends(notebook, lab, app, width):
    open_notebook(
        notebook, lab, "await show(ANSWER * 4, 'I **think** so. ' * 5, pause=1, stop=lambda: None)", app=app
    )
    page = notebook.page
    if app == "lab":
        notebook.collapse_left_area()
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(SAMPLER, 1)
    assert notebook.run(1)
    page.wait_for_selector(f"{ROOT}.mathjax_ignore")
    assert count_steady_heights(page) >= 8
    overflow = page.evaluate(
        f"(() => {{ const r = document.querySelector('{ROOT}'); return r.scrollWidth - r.clientWidth }})()"
    )
    assert overflow <= 0
    gap = page.evaluate("""() => {
        const edge = (selector, side) => document.querySelector(selector)?.getBoundingClientRect()[side] ?? 0;
        return edge(".gm-status", "left") - edge(".jp-CodeCell:has(.gm-status) .jp-OutputCollapser", "right");
    }""")
    assert gap >= 0  # as that of JupyterLab's own Markdown outputs, right beside the bar that collapses them
    blocks, facts = (page.locator(name).bounding_box() for name in (".gm-spark", ".gm-facts"))
    below = blocks["y"] - facts["y"] - facts["height"]
    assert below >= 0 or below <= -18  # completely hidden or completely visible
    if width == 1200:
        assert below <= -18


LONG = {
    "list": "Intro.\n\n"
    + "".join(f"{n}. Item **{n}** of a list with some words\n" for n in range(3, 70))
    + "\nEnd.",
    "loose": "".join(f"- Item {n}\n\n  and more of it\n\n" for n in range(60)) + "\n# End",
    "table": "| a | b | c |\n|---|--:|---|\n"
    + "".join(f"| {n} | {'wide ' * (n % 9)} | `x{n}` |\n" for n in range(120))
    + "\nEnd.",
    "code": "Intro.\n\n```python\n"
    + "".join(f"x{n} = 'a' if {n} else None{' # long' * (n % 30)}\n\n" for n in range(80))
    + "```\n\nEnd.",
    "unclosed": "Intro.\n\n```python\n"
    + "".join(f"import x{n}  # not closed\n" for n in range(60))
    + "import y",
    "paragraph": "# Head\n\n"
    + "".join(f"Some **words** that go on for {n} lines, and `code`. " for n in range(90))
    + "\n\nEnd.",
}


RUNS = {
    "list": "list",
    "loose": "list",
    "table": "table",
    "code": "code",
    "unclosed": "code",
    "paragraph": "text",
}


@pytest.mark.parametrize("width", [1200, 575])
def test_long_blocks_in_several_widgets_look_like_one_block(notebook, lab, width):
    cells = [f"await show({text!r}, pause=0.5, step=60, stop=lambda: None)" for text in LONG.values()]
    open_notebook(notebook, lab, *cells)
    page = notebook.page
    notebook.collapse_left_area()
    page.set_viewport_size({"width": width, "height": 900})
    for cell, name in enumerate(LONG, 1):
        page.evaluate(SAMPLER, cell)
        notebook.run(cell, wait=False)
        page.wait_for_selector(f".gm-run-{RUNS[name]}")
        notebook.wait_done(cell)
        page.wait_for_function(
            "cell => !window.jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node.querySelector('.jupyter-widgets')",
            arg=cell,
        )
        assert count_steady_heights(page) >= 5, name
    coloured = notebook.output(list(LONG).index("unclosed") + 1).locator("pre b", has_text="import")
    expect(coloured).to_have_count(61)  # as in the live view


PROSE = "".join(
    f"Paragraph **{n}** says *something* in `code` and goes on for a line or two, as most of them do.\n\n"
    for n in range(250)
)


def test_selection_and_scroll_position_stay_and_few_messages_are_sent(notebook, lab):
    open_notebook(
        notebook, lab, f"await show({PROSE!r}, 'I **think** so. ' * 20, step=100, pause=1, stop=lambda: None)"
    )
    page = notebook.page
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(SAMPLER, 1)
    before = len(notebook.log.frames)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "Paragraph 60 ")
    page.evaluate("""() => {
        const all = [...document.querySelectorAll(".gm-answer p:not(.widget-html [aria-busy] *)")];
        const word = all.at(-1).querySelector("em").firstChild;  // in the last finished paragraph
        getSelection().setBaseAndExtent(word, 0, word, 4);
        window.selected = word;
        window.scroller = document.querySelector(".jp-WindowedPanel-outer");
        window.scroller.scrollTop = 400;
    }""")
    wait_steady(page, "() => window.scroller.scrollTop")
    place = page.evaluate("window.scroller.scrollTop")
    notebook.wait_output(1, "Paragraph 180 ")
    assert page.evaluate("[getSelection().toString(), window.selected.isConnected]") == ["some", True]
    assert page.evaluate("window.scroller.scrollTop") == place > 300
    notebook.wait_done(1)
    notebook.wait_output(1, "answer complete")
    page.wait_for_function("""() => {
        const answer = document.querySelector(".gmi-output .gm-answer");
        return answer?.textContent.includes("Paragraph 249") && !answer.getAttribute("style");
    }""")
    assert count_steady_heights(page) > 20
    comms = [frame for frame in notebook.log.frames[before:] if frame.kind.startswith("comm_")]
    assert most_in_a_second(frame.sent for frame in comms) <= 40
    # Each update contains one block that is marked as unfinished.
    sent = [(frame.sent, str(frame.content["data"].get("state", {}).get("value"))) for frame in comms]
    assert most_in_a_second(t for t, value in sent if "aria-busy" in value and "<style>" not in value) <= 10
    answer = [value for t, value in sent if "Paragraph" in value and "<style>" not in value]
    assert sum(map(len, answer)) < 3 * len(PROSE)


def test_expanded_thoughts_stay_expanded_while_they_grow(notebook, lab):
    open_notebook(notebook, lab, "await show(ANSWER * 4, 'I **think** so. ' * 20)")
    page = notebook.page
    notebook.run(1, wait=False)
    page.wait_for_selector(".gm-lane summary")
    assert not page.is_visible(".gm-lane .gm-thoughts")
    page.click(".gm-lane summary")
    notebook.wait_output(1, "think so.*bold")
    expect(page.locator(".gm-lane .gm-thoughts")).to_be_visible()
    notebook.wait_done(1)
    page.wait_for_selector(f"{ROOT}.mathjax_ignore")
    expect(page.locator(".gm-thoughts strong").first).to_be_visible()
    page.click(".gm-thinking summary")
    expect(page.locator(".gm-thoughts")).to_be_hidden()


TIMELINE = """
from gemini_magic import Response
from view_stage import new_ledger
ledger = new_ledger()
for n in range(30):
    share = dict(thought="hm") if n < 9 else dict(text="word ")
    feed(ledger, t=1 + n / 10, usage=dict(prompt=3, output=n, total=3 + n), **share)
ledger.close("interrupt", t=6.0)
Response(ledger).timeline()
"""


def test_a_timeline_is_an_image_and_in_an_untrusted_notebook_text(notebook, lab, screenshots):
    open_notebook(notebook, lab, TIMELINE)
    assert notebook.run(1)
    page = notebook.page
    page.wait_for_selector(".jp-RenderedSVG img")
    shown = "document.querySelector('.jp-RenderedSVG img').decode().then(() => document.querySelector('.jp-RenderedSVG img').naturalWidth)"
    assert page.evaluate(shown) == 540
    page.locator(".jp-RenderedSVG").screenshot(path=screenshots / "timeline.png")
    for width in (1200, 700):  # with the file browser open, the output is narrower than the image
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            """() => {
                const image = document.querySelector('.jp-RenderedSVG img');
                const {width, height} = image.getBoundingClientRect();
                const ratio = image.naturalWidth / image.naturalHeight;
                return width <= 540 && width <= image.parentElement.clientWidth && Math.abs(width / height - ratio) < 0.02;
            }"""
        )
    notebook.save()
    [output] = notebook.saved_outputs(1)
    assert set(output["data"]) == {"image/svg+xml", "text/plain"}
    notebook.reload(no_kernel=True)
    assert "no data 2.10 s" in notebook.wait_output(1, "thinking +[▁-█]+")
    assert not notebook.trusted()
    assert page.locator(".jp-RenderedSVG").count() == 0
    assert not notebook.log.requests_beyond(lab.url)


def test_an_attack_has_no_effect_live_or_saved(notebook, lab):
    open_notebook(notebook, lab, "await show(ATTACK, ATTACK)", "await show(ATTACK, display='html')")
    for cell in (1, 2):
        assert notebook.run(cell)
        notebook.wait_output(cell, "answer complete")
    notebook.save()
    notebook.reload()
    for cell in (1, 2):
        notebook.wait_output(cell, "answer complete")
    assert notebook.log.dialogs == []
    assert not notebook.log.requests_beyond(lab.url)
    for selector in ("img", "iframe", "script", "[onclick]", "[onerror]", "[data-commandlinker-command]"):
        assert notebook.page.locator(f"{ROOT} {selector}").count() == 0
    for link in notebook.page.locator(f"{ROOT} a").all():
        assert (link.get_attribute("href") or "").startswith("https://")


def test_the_stop_button_is_displayed_only_if_it_can_work(notebook, lab):
    open_notebook(
        notebook,
        lab,
        "clicked = []\nawait show(ANSWER, pause=60, stop=lambda: clicked.append(1), until=lambda: clicked)\nprint(clicked)",
        "await show(ANSWER, pause=5)",
    )
    notebook.run(1, wait=False)
    notebook.page.wait_for_selector(".gm-stop")
    notebook.click_stop(1)
    notebook.wait_done(1)
    notebook.wait_output(1, r"\[1\]")
    notebook.wait_buttons(1, [])
    notebook.run(2, wait=False)
    notebook.wait_output(2, "stop with ■ in the toolbar")
    notebook.wait_buttons(2, [])
    notebook.wait_done(2)


def test_a_finished_answer_is_displayed_without_a_kernel(notebook, lab):
    open_notebook(notebook, lab, "await show(ANSWER, 'Some thoughts.')")
    assert notebook.run(1)
    notebook.save()
    assert "widgets" not in notebook.saved()["metadata"]
    [output] = notebook.saved_outputs(1)
    assert "application/vnd.jupyter.widget-view+json" not in output["data"]
    notebook.reload(no_kernel=True)
    text = notebook.wait_output(1, "answer complete, 19 words")
    assert "The end." in text
    assert not notebook.trusted()
