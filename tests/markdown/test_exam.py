"""The safety exam, as far as it needs no browser: attacks of every kind in seven contexts, at every prefix, and saved.

The other half, in Chromium and JupyterLab, is `tests/browser/test_exam.py`.
"""

from __future__ import annotations

from collections import Counter

import pytest
from attack_cases import CONTEXTS, all_cases, own_strings, public_strings, sample
from html_audit import audit, audit_framed
from markdown_it import MarkdownIt
from surroundings import LONG
from view_stage import feed, finished, new_ledger

from gemini_magic.markdown import Renderer, defang, render
from gemini_magic.views import bundle

pytestmark = pytest.mark.timeout(5400 if LONG else 120)
TRUSTING = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def test_the_attacks_are_many_and_of_every_kind_and_the_exam_has_teeth():
    assert len(own_strings()) >= 1400
    counts = Counter(name for name, _ in all_cases())
    assert set(counts) == set(CONTEXTS)
    assert min(counts.values()) == len(own_strings()) + len(public_strings())
    looked_at = [text for _, text in all_cases()[::10]]
    naive = sum(bool(audit(TRUSTING.render(text))) for text in looked_at)
    print(f"{len(own_strings())} own and {len(public_strings())} public attacks, {len(all_cases())} cases")
    print(f"control: {naive} of {len(looked_at)} cases leave something foreign without the pipeline")
    assert naive > len(looked_at) / 2


def test_nothing_foreign_is_left_in_a_whole_answer():
    for name, text in sample(2):
        assert audit(render(text)) == [], (name, text)


def test_nothing_foreign_is_there_at_any_prefix_of_a_live_answer():
    seen = set()
    prefixes = 0
    looked_at = sample(95)
    for name, text in looked_at:
        renderer = Renderer(heal=True)
        for letter in text:
            for op in renderer.feed(letter):
                if op.html not in seen:
                    seen.add(op.html)
                    assert audit(op.html) == [], (name, text, op)
        prefixes += len(text)
        renderer.close()
        assert renderer.html == render(text)
    print(f"{len(looked_at)} live answers, {prefixes} prefixes, {len(seen)} different pieces of HTML")
    assert prefixes > 20_000


def test_nothing_foreign_is_left_in_harmless_markdown_that_is_trusted():
    for name, text in sample(5):
        assert audit(TRUSTING.render(defang(text))) == [], (name, text, defang(text))


def _said_everywhere(text):
    """Ledgers in which the attack is everything a server can say."""
    yield finished(text, thought=text)
    ledger = new_ledger(model=text)
    feed(ledger, text, finish=text, message=text)
    ledger.note("odd", text, severity="warning")
    ledger.close("failed", t=2.0)
    yield ledger
    yield finished(text, finish=None, failure={"message": text, "status": text})


def test_nothing_foreign_is_in_a_saved_answer_whatever_the_server_says():
    for name, text in sample(59):
        for ledger in _said_everywhere(text):
            saved = bundle(ledger)
            assert audit_framed(saved["text/html"]) == [], (name, text)
            assert saved["text/html"].count("<style>") == 1
            assert audit(TRUSTING.render(saved["text/markdown"])) == [], (name, text, saved["text/markdown"])
