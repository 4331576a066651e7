"""Attacks of every kind in seven contexts leave only allowed HTML: rendered as a whole, live at every prefix, and saved.

These tests need no browser. Those in Chromium and JupyterLab are in `tests/browser/test_exam.py`.
"""

from __future__ import annotations

from collections import Counter

import pytest
from attack_cases import CONTEXTS, all_cases, own_strings, public_strings, sample
from attack_parts import ledger_of_parts, parts_with, polyglot_ledger
from html_audit import audit, audit_framed
from markdown_it import MarkdownIt
from surroundings import LONG
from view_stage import feed, finished, new_ledger

from gemini_magic.markdown import Renderer, defang_markdown, render
from gemini_magic.views import bundle

pytestmark = pytest.mark.timeout(5400 if LONG else 120)
TRUSTING = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def test_there_are_attacks_of_every_kind_and_most_of_them_work_in_an_unsafe_renderer():
    assert len(own_strings()) >= 1400
    counts = Counter(name for name, _ in all_cases())
    assert set(counts) == set(CONTEXTS)
    assert min(counts.values()) == len(own_strings()) + len(public_strings())
    sampled = [text for _, text in all_cases()[::10]]
    naive = sum(bool(audit(TRUSTING.render(text))) for text in sampled)
    print(f"{len(own_strings())} own and {len(public_strings())} public attacks, {len(all_cases())} cases")
    print(
        f"unsafe renderer: {naive} of {len(sampled)} cases leave HTML that is not allowed without the sanitizer"
    )
    assert naive > len(sampled) / 2


def test_a_rendered_answer_contains_only_allowed_html():
    for name, text in sample(2):
        assert audit(render(text)) == [], (name, text)


def test_a_live_answer_contains_only_allowed_html_at_every_prefix():
    checked = set()
    prefixes = 0
    sampled = sample(95)
    for name, text in sampled:
        renderer = Renderer(heal=True)
        for char in text:
            for op in renderer.feed(char):
                if op.html not in checked:
                    checked.add(op.html)
                    assert audit(op.html) == [], (name, text, op)
        prefixes += len(text)
        renderer.close()
        assert renderer.html == render(text)
    print(f"{len(sampled)} live answers, {prefixes} prefixes, {len(checked)} different pieces of HTML")
    assert prefixes > 20_000


def test_defanged_markdown_renders_as_allowed_html_when_it_is_trusted():
    for name, text in sample(5):
        assert audit(TRUSTING.render(defang_markdown(text))) == [], (name, text, defang_markdown(text))


def _ledgers_with(text):
    """Yield ledgers in which the attack is in every field that a server can set."""
    yield finished(text, thought=text)
    ledger = new_ledger(model=text)
    feed(ledger, text, finish=text, message=text)
    ledger.note("odd", text, severity="warning")
    ledger.close("failed", t=2.0)
    yield ledger
    yield finished(text, finish=None, failure={"message": text, "status": text})


def test_a_saved_answer_contains_only_allowed_html_whatever_the_server_sends():
    for name, text in sample(59):
        for ledger in _ledgers_with(text):
            saved = bundle(ledger)
            assert audit_framed(saved["text/html"]) == [], (name, text)
            assert saved["text/html"].count("<style>") <= 1
            assert audit(TRUSTING.render(saved["text/markdown"])) == [], (name, text, saved["text/markdown"])


def test_parts_beside_text_contain_only_allowed_html_whatever_the_server_sends():
    for at, (name, text) in enumerate(sample(599, long=59)):
        saved = bundle(ledger_of_parts(parts_with(text), ended=bool(at % 2)))
        assert audit_framed(saved["text/html"]) == [], (name, text)
        assert audit(TRUSTING.render(saved["text/markdown"])) == [], (name, text, saved["text/markdown"])


def test_media_that_are_not_what_they_seem_are_shown_as_what_their_bytes_are_or_described():
    saved = bundle(polyglot_ledger())
    assert audit_framed(saved["text/html"]) == []
    assert audit(TRUSTING.render(saved["text/markdown"])) == []
    assert "svg+xml;base64" not in saved["text/html"]
