"""One snapshot of an answer: each fact is computed once, and every representation states the same."""

from __future__ import annotations

from collections import Counter
from html import unescape

import pytest
from view_stage import ENDINGS, feed, finished, new_ledger

from gemini_magic.views import bundle, html, inspect, live, snapshot, terminal
from gemini_magic.views.live import LiveView
from gemini_magic.views.record import RECORD
from gemini_magic.views.snapshot import AnswerSnapshot

FACTS = (
    *("status_mark", "status_facts", "details", "display_notes", "warnings", "thinking_time", "word_count"),
    *("sparkline", "Excerpt", "format_answer"),
)


@pytest.fixture
def counts(monkeypatch):
    """How often each fact is computed."""
    found = Counter()

    def counted(name, function):
        def call(*args, **options):
            found[name] += 1
            return function(*args, **options)

        return call

    for name in FACTS:
        monkeypatch.setattr(snapshot, name, counted(name, getattr(snapshot, name)))
    return found


def warned(make):
    ledger = make()
    ledger.note("possibly-billed", "Sent *twice*.", severity="warning")
    return ledger


@pytest.mark.parametrize("form", ["markdown", "text", "json", "code"])
@pytest.mark.parametrize("name", ENDINGS)
def test_one_bundle_computes_each_fact_once(counts, name, form):
    ledger = warned(ENDINGS[name])
    ledger.display = ledger.display._replace(form=form)
    feed(ledger, thought="Hm.")
    bundle(ledger)
    assert counts == dict.fromkeys(FACTS, 1) | {"Excerpt": 2}  # the answer and the thoughts


def test_the_live_view_and_inspect_write_their_bundle_from_one_snapshot(counts, stage, clock):
    ledger = feed(new_ledger(), "Some *text*", thought="Hm.")
    view = LiveView(ledger, clock=clock)
    view.open()
    feed(ledger, finish="STOP")
    view.update(final=True)
    ledger.close("end", t=2.0)
    counts.clear()
    view.close()
    assert counts == dict.fromkeys(FACTS, 1) | {"Excerpt": 2}
    counts.clear()
    inspect(ledger)
    assert counts == dict.fromkeys(FACTS, 1) | {"Excerpt": 2}


def test_a_paint_of_the_live_view_computes_the_status_line_only(counts, stage, clock):
    ledger = feed(new_ledger(), "Some *text*", thought="Hm.")
    view = LiveView(ledger, clock=clock)
    view.open()
    counts.clear()
    clock.now += 1.0
    feed(ledger, "and more")
    view.update()
    assert counts == {"status_mark": 1, "status_facts": 1}


def test_no_view_asks_the_ledger_for_a_fact_of_the_snapshot():
    for module in (html, live, terminal):
        names = set(vars(module)) & {*FACTS, "status_line"} - {"Excerpt"}
        assert names == set(), module.__name__


@pytest.mark.parametrize("name", ENDINGS)
def test_all_representations_agree_on_status_line_details_and_warnings(name):
    ledger = warned(ENDINGS[name])
    made, facts = bundle(ledger), AnswerSnapshot(ledger)
    page = unescape(made["text/html"].replace('<span class="gm-dot"> · </span>', " · "))
    for tag in ("<code>", "</code>", "</span>", '<span class="gm-fact">', "<strong>", "</strong>"):
        page = page.replace(tag, "" if "code" not in tag else "`")
    texts = [page, unescape(made["text/markdown"]), made["text/plain"]]
    for text in texts:
        assert " · ".join(facts.facts) in text
        assert facts.mark in text
        assert all(line in text for line in facts.warnings)
        for line in facts.details or ():
            assert line in text
    kept = made[RECORD]
    assert kept["status_line"] == facts.status_line
    assert kept["details"] == (facts.details._asdict() if facts.details else None)
    assert "Sent *twice*." in [note["message"] for note in kept["notes"]]


def test_a_fact_stays_as_it_was_first_read():
    ledger = feed(new_ledger(), "one")
    taken = AnswerSnapshot(ledger, now=1.0)
    before = taken.status_line, taken.answer.text, taken.warnings
    feed(ledger, " two", finish="STOP")
    ledger.note("lost", "One piece was lost.", severity="error")
    ledger.close("end", t=9.0)
    assert (taken.status_line, taken.answer.text, taken.warnings) == before
    assert AnswerSnapshot(ledger).status_line.endswith("· 9.0 s")
    assert taken.status == "running"


def test_an_answer_that_is_too_long_as_html_is_shortened_in_the_html_only():
    ledger = finished("<http://a.b> " * 30_000)
    made = bundle(ledger)
    assert "Only the first" in made["text/html"]
    assert "Only the first" not in made["text/plain"]
    assert AnswerSnapshot(ledger).answer.cut is False
