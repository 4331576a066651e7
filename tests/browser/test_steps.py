"""Steps of an answer in JupyterLab: live, in the inspector, and in the saved notebook."""

from __future__ import annotations

import json

from inspector_stage import saved_answer
from lab import cells
from playwright.sync_api import expect
from step_stage import step_ledger

SETUP = """%load_ext gemini_magic
import os, threading
from gemini_magic.recording import PracticeInteractions, cited_text
os.environ["PRACTICE_KEY"] = "not-a-key"
STEPS = [
    {"type": "thought", "summary": [{"type": "text", "text": "I search first."}], "signature": "c2ln"},
    {"type": "google_search_call", "id": "g1", "arguments": {"queries": ["cable <b>speed</b>"]}},
    {"type": "google_search_result", "call_id": "g1", "result": [{"url": "https://a.example/x", "title": "<img src=x onerror=alert(1)>"}], "seconds": 3},
    {"type": "teleport_call", "id": "t1", "arguments": {"to": "Valentia"}},
    {"type": "model_output", "content": [cited_text("It was [[slow]](https://museum.example/a). " + "And then. " * 40)]},
]
server = PracticeInteractions(lambda prompt: STEPS, seconds=0.02)"""
ASK = """%%gemini --backend interactions --base-url {{ server.url }} --key-env PRACTICE_KEY -o r
How fast was it?"""


def test_steps_arrive_in_order_and_stay_inert_in_the_page_the_inspector_and_the_file(
    lab, notebook, screenshots
):
    book = lab.write(
        "steps.ipynb", [*cells(SETUP, ASK, "len(r.steps)"), saved_answer(step_ledger(), expanded=True)]
    )
    notebook.open(book)
    page = notebook.page
    notebook.run(0)
    notebook.run(1, wait=False)
    page.wait_for_function(
        "document.querySelector('.gm-live .gm-tool summary')?.textContent.includes('· running')"
    )
    page.wait_for_function(
        "document.querySelector('.gm-live .gm-status')?.textContent.includes('searching with Google Search')"
    )
    notebook.wait_output(1, "And then")
    page.wait_for_selector(".gm-live", state="detached")
    answer = page.locator(".jp-Cell").nth(1)
    line = answer.locator(".gm-tool > summary")
    expect(line).to_have_text('Server tool: Google Search for "cable <b>speed</b>" → 1 result')
    expect(answer.locator(".gm-tool pre").first).to_be_hidden()
    line.click()
    opened = answer.locator(".gm-tool[open]")
    expect(opened).to_contain_text("https://a.example/x")
    assert opened.locator("a, img, b").count() == 0
    expect(answer).to_contain_text("unknown part teleport_call", ignore_case=True)
    assert "\n5 steps\n" in answer.locator(".gm-status").inner_text()
    notebook.run(2)
    notebook.wait_output(2, "5")
    for place, names in (
        (1, ["thought", "search", "teleport", "output"]),
        (3, ["thought", "search", "code", "output"]),
    ):
        inspector = page.locator(".jp-Cell").nth(place).locator(".gmi-inspector")
        if place == 1:
            inspector.locator(".gmi-bar").click()
        inspector.locator(".gmi-tab", has_text="Steps").click()
        rows = inspector.locator('[aria-label="Steps"] .gmi-row:visible')
        expect(rows.nth(1)).to_contain_text("google_search_call")
        rows.nth(1).click()
        expect(inspector.locator('[aria-selected="true"].gmi-tab')).to_have_text("Chunks")
        inspector.locator(".gmi-tab", has_text="Timeline").click()
        lanes = inspector.locator(".gmi-picture svg .gmi-lane")
        expect(lanes.filter(has_text=names[-1])).not_to_have_count(0)
        assert [each for each in lanes.all_text_contents() if each in names] == names
    for theme in ("Light", "Dark"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.screenshot(screenshots / f"steps-{theme.lower()}.png", 1)
    notebook.save()
    [output] = notebook.saved_outputs(1)
    data = {kind: "".join(text) for kind, text in output["data"].items() if isinstance(text, str | list)}
    assert 'class="gm-tool"' in data["text/html"]
    assert "<img src=x" not in data["text/html"]
    assert "→ 1 result" in data["text/markdown"]
    assert "→ 1 result]" in data["text/plain"]
    record = output["data"]["application/vnd.gemini-stream+json"]
    assert [each["type"] for each in record["steps"]][1] == "google_search_call"
    assert "application/vnd.jupyter.widget-view+json" not in json.dumps(output)
    assert notebook.log.errors == []
    assert notebook.log.dialogs == []
