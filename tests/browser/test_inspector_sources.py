"""The sources of an answer in the inspector: in the chunk that reports them, and in the replay of the answer."""

from __future__ import annotations

import json

import pytest
from grounded_answers import GROUNDING, PAGES, TEXT, chunk
from inspector_stage import saved_answer
from playwright.sync_api import expect
from view_stage import new_ledger

from gemini_magic.backends.gemini_decode import decode

HALF = TEXT.index("It is")
MARKS = """() => Array.from(document.querySelectorAll('.gmi-replay-text .gm-cite'))
    .filter(node => !node.closest('[hidden]') && node.getClientRects().length)
    .map(node => node.textContent)"""


def answer():
    ledger = new_ledger()
    ledger.set_phase("streaming")
    end = {"finishReason": "STOP", "groundingMetadata": GROUNDING, "urlContextMetadata": PAGES}
    for t, value in ((1.0, chunk({"text": TEXT[:HALF]})), (5.0, chunk({"text": TEXT[HALF:]}, **end))):
        raw = json.dumps(value).encode()
        ledger.add(raw, t, decode(raw))
    ledger.close("end", t=6.0)
    return ledger


@pytest.fixture
def page(lab, notebook):
    notebook.open(lab.write("sources.ipynb", [saved_answer(answer(), expanded=True)]), no_kernel=True)
    notebook.page.wait_for_selector(".gmi-body")
    yield notebook.page
    assert not notebook.log.requests_beyond(lab.url)


def test_the_sources_are_in_their_chunk_and_in_the_replay(page, screenshots, notebook):
    for words in ("text+grounding+url_context+finish", "3 sources: zsg.example, Zürichsee, lakes.pdf"):
        expect(page.locator(".gmi-chunks").first).to_contain_text(words, use_inner_text=True)
    page.get_by_role("tab", name="Replay").first.click()
    slider = page.locator(".gmi-slider")

    def at(seconds):
        slider.evaluate(
            "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }",
            str(round(seconds / 6 * 1000)),
        )
        return page.evaluate(MARKS)

    assert [at(0.5), at(3.0), at(6.0)] == [[], ["2"], ["2", "2 3", "1"]]
    for theme in ("Dark", "Light"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.screenshot(screenshots / f"inspector-sources-{theme.lower()}.png")
