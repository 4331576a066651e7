"""Tool runs in JupyterLab: the buttons of a confirmation work in an awaited cell, nothing jumps, and the saved file has no widgets."""

from __future__ import annotations

import re

from lab import cells
from playwright.sync_api import expect

SETUP = """%load_ext gemini_magic
%config GeminiMagics.backend = 'echo'
import time
import gemini_magic

def weather(city: str) -> str:
    "The weather of a city."
    time.sleep(1.5)
    print("asked for", city)
    return f"21 °C in {city}"

@gemini_magic.tool(confirm=True)
def erase(path: str) -> str:
    "Erases a file."
    return f"{path} is gone"
"""
FILLER = "".join(f"Paragraph {number} with some words in it.\n\n" for number in range(30))
RUN = '%%gemini -T weather -T erase -o r\n@call weather {"city": "Paris"}\n' + FILLER
CONFIRM = '%%gemini -T erase -o s\n@call erase {"path": "a.csv"}\n@call erase {"path": "b.csv"}\n@call erase {"path": "c.csv"}\nDone.'
# Watches the place of the line of the tool run, at every frame, and the elements that the text consists of.
WATCH = """() => {
    const places = window.places = [];
    window.clocks = new Set();
    const look = () => {
        const line = document.querySelector('.gm-live .gm-tool');
        if (line) {
            const box = line.getBoundingClientRect();
            places.push([Math.round(box.top - line.closest('.jp-OutputArea').getBoundingClientRect().top), Math.round(box.height)]);
            const clock = document.querySelector('.gm-live .gm-toolbox .gm-clock');
            if (clock?.textContent) window.clocks.add(clock.textContent);
        }
        if (window.places === places) requestAnimationFrame(look);
    };
    look();
}"""
QUESTION = ".gm-confirm .gm-question[role=alert]"
FOCUSED = "() => [document.activeElement.tagName, document.activeElement.textContent]"


def test_a_tool_run_is_live_and_saved_and_its_confirmation_has_buttons(lab, notebook, screenshots):
    notebook.open(lab.write("tools.ipynb", cells(SETUP, RUN, CONFIRM, "[run.state for run in s.tool_runs]")))
    page = notebook.page
    notebook.run(0)
    page.evaluate(WATCH)
    notebook.run(1)
    notebook.wait_output(1, "Paragraph 29")
    page.wait_for_selector(".gm-live", state="detached")
    places = page.evaluate("window.places")
    assert len({top for top, _ in places}) == 1, sorted({tuple(place) for place in places})
    assert len({height for _, height in places}) == 1
    line = page.locator(".gm-tool summary").first
    expect(line).to_have_text(
        re.compile(r'^\s*weather\(city="Paris"\) → 21 °C in Paris · \d\.\d s · printed 1 line\s*$')
    )
    assert "1 s" in page.evaluate(
        "Array.from(window.clocks)"
    )  # it counts although the function blocks the kernel
    line.click()
    expect(page.locator(".gm-tool[open]")).to_contain_text("asked for Paris", use_inner_text=True)

    notebook.run(2, wait=False)
    for place, button in enumerate(("Run", "Skip", "Always for this tool in this session")):
        page.wait_for_function(
            "name => document.querySelector('.gm-confirm pre')?.textContent.includes(name)",
            arg=f"{'abc'[place]}.csv",
        )
        expect(page.locator(QUESTION)).to_have_count(1)
        if place == 0:
            page.wait_for_function(
                "/ [1-9]\\.\\d s/.test(document.querySelector('.gm-live .gm-status').textContent)"
            )
            for theme in ("Light", "Dark"):
                notebook.theme(f"JupyterLab {theme}")
                notebook.screenshot(screenshots / f"confirm-{theme.lower()}.png", 2)
            page.locator(".gm-buttons button").first.focus()
            notebook.wait_value(FOCUSED, ["BUTTON", "Run"])
            page.keyboard.press("Enter")
        else:
            page.locator(".gm-buttons button", has_text=button).click()
    notebook.wait_output(2, "Done.")
    page.wait_for_selector(".gm-live", state="detached")
    expect(page.locator(".gm-confirm")).to_have_count(0)
    notebook.run(3)
    notebook.wait_output(3, "['done', 'skipped', 'done']")
    for theme in ("Light", "Dark"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.screenshot(screenshots / f"tools-{theme.lower()}.png", 2)
    notebook.save()
    [output] = notebook.saved_outputs(2)
    assert "application/vnd.jupyter.widget-view+json" not in output["data"]
    saved = "".join(output["data"]["text/html"])
    assert "· skipped by you" in saved
    assert "Approved by you" in saved
    assert "for all calls of this tool" in saved
    assert "with these arguments?" not in saved
    assert notebook.log.errors == []


def test_the_buttons_of_a_confirmation_work_in_notebook_7_and_for_an_answer_in_the_background(lab, notebook):
    call = '@call erase {"path": "%s.csv"}\n'
    awaited = f"%%gemini -T erase -o r\n{call % 'a'}{call % 'b'}Done."
    background = f"%%gemini --background -T erase -o s\n{call % 'c'}{call % 'd'}Done."
    states = "[[run.state for run in each.tool_runs] for each in (r, s.wait())]"
    notebook.open(
        lab.write("notebook7.ipynb", cells(SETUP, awaited, background, "1 + 1", states)), app="notebook"
    )
    page = notebook.page
    notebook.run(0)

    def decide(name, button):
        page.wait_for_function(
            "name => document.querySelector('.gm-confirm pre')?.textContent.includes(name)", arg=f"{name}.csv"
        )
        expect(page.locator(QUESTION)).to_have_count(1)
        page.locator(".gm-buttons button", has_text=button).click()

    notebook.run(1, wait=False)
    decide("a", "Run")
    decide("b", "Skip")
    notebook.wait_output(1, "Done.")
    notebook.run(2)  # the cell ends at once
    notebook.run(3)
    notebook.wait_output(3, "2")
    decide("c", "Skip")
    decide("d", "Run")
    notebook.wait_output(2, "Done.")
    page.wait_for_selector(".gm-confirm", state="detached")
    notebook.run(4)
    notebook.wait_output(4, re.escape("[['done', 'skipped'], ['skipped', 'done']]"))
