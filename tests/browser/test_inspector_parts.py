"""Pictures, code and calls of an answer in the inspector, and the limits of media in an untrusted notebook."""

from __future__ import annotations

import base64
import json

import pytest
from attack_parts import media_elements, polyglot_ledger
from inspector_stage import saved_answer
from media_samples import png, tone
from playwright.sync_api import expect
from view_stage import new_ledger

from gemini_magic.backends.gemini_decode import decode

PARTS = [
    {"text": "First "},
    {"text": "words.\n\n"},
    {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}},
    {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(png(300, 200, size=9_000)).decode()}},
    {"text": "More words."},
    {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": base64.b64encode(tone(0.1)).decode()}},
    {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": base64.b64encode(tone(0.1)).decode()}},
    {"functionCall": {"name": "draw", "args": {"what": "a cat"}}},
    {"novelty": {"deep": 1}},
    {"text": "The end."},
]


def ledger_of_json():
    ledger = new_ledger()
    ledger.set_phase("streaming")
    for n, part in enumerate(PARTS):
        raw = json.dumps({"candidates": [{"content": {"parts": [part]}}]}).encode()
        ledger.add(raw, 1.0 + n, decode(raw))
    raw = b'{"candidates":[{"finishReason":"STOP"}]}'
    ledger.add(raw, 20.0, decode(raw))
    ledger.close("end", t=20.5)
    return ledger


@pytest.fixture
def page(lab, notebook):
    cells = [saved_answer(ledger_of_json(), expanded=True), saved_answer(polyglot_ledger())]
    notebook.open(lab.write("parts.ipynb", cells), no_kernel=True)
    notebook.page.wait_for_selector(".gmi-body")
    yield notebook.page
    assert not notebook.log.requests_beyond(lab.url)
    assert notebook.log.dialogs == []


def test_the_table_of_chunks_describes_parts_that_are_not_text(page):
    for words in (
        "print(6 * 7)",
        "OUTCOME_OK 42",
        "image/png, 9.",
        "audio/L16;rate=24000, 4.8 kB",
        'draw({"what":"a cat"})',
        'novelty {"deep":1}',
    ):
        expect(page.locator(".gmi-chunks").first).to_contain_text(words, use_inner_text=True)


SHOWN = """() => Array.from(
    document.querySelectorAll(".gmi-replay-text :is(.gm-code, .gm-picture, .gm-sound, .gm-call, .gm-part)"),
    node => node.closest("[hidden]") || node.parentElement.closest(".gm-code, .gm-call") ? "" : node.className.split(" ")[0]).filter(Boolean)"""


def test_the_replay_shows_each_part_when_it_arrived(page):
    page.get_by_role("tab", name="Replay").first.click()
    slider = page.locator(".gmi-slider")

    def at(seconds):
        slider.evaluate(
            "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }",
            str(round(seconds / 20.5 * 1000)),
        )
        return page.evaluate(SHOWN)

    assert at(0.5) == []
    assert at(2.5) == []
    assert at(3.2) == ["gm-code"]
    assert at(5.5) == ["gm-code", "gm-picture"]
    assert at(7.5) == ["gm-code", "gm-picture", "gm-sound"]
    assert at(9.5) == ["gm-code", "gm-picture", "gm-sound", "gm-call"]
    assert at(20.5) == ["gm-code", "gm-picture", "gm-sound", "gm-call", "gm-part"]


def test_only_media_of_known_types_and_sizes_are_kept_in_a_page(page):
    kept = page.evaluate(
        """async (snippets) => {
            const module = "/lab/extensions/gemini-magic/inspector/sanitizer.js";
            const {sanitize} = await import(module);
            return snippets.map(html => {
                const place = document.implementation.createHTMLDocument("").createElement("div");
                place.append(sanitize(html));
                return Array.from(place.querySelectorAll("*"), node =>
                    Array.from(node.attributes, ({name, value}) => `${node.localName} ${name}=${value.slice(0, 60)}`)).flat();
            });
        }""",
        media_elements(),
    )
    attributes = {entry for found in kept for entry in found}
    allowed = (
        "audio controls=",
        "video controls=",
        "span class=gm-image",
        "details class=gm-picture",
        "details open=",
    )
    links = ("a href=https://evil.test", "a rel=", "a target=")
    media = {entry for entry in attributes if not entry.startswith((*allowed, *links))}
    assert media == {"audio src=data:audio/wav;base64,AAAA", "img src=data:image/png;base64,AAAA"}


def test_media_that_are_not_what_they_seem_are_harmless_in_an_untrusted_notebook(page):
    found = page.evaluate(
        """() => Array.from(document.querySelectorAll(".gmi-answer [src]"),
            node => /^data:[a-z]+\\/[a-z0-9]+/.exec(node.getAttribute("src"))[0])"""
    )
    assert set(found) <= {"data:image/png", "data:image/gif", "data:audio/wav", "data:video/mp4"}
