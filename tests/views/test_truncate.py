"""Very long answers: what is shown of them in every view and every representation."""

from __future__ import annotations

import io
import random
import re

import pytest
from view_stage import Clock, feed, new_ledger

from gemini_magic.views import bundle
from gemini_magic.views.html import HtmlView
from gemini_magic.views.live import LiveView
from gemini_magic.views.live_pieces import LivePieces
from gemini_magic.views.record import RECORD
from gemini_magic.views.status import status_line
from gemini_magic.views.terminal import TerminalView
from gemini_magic.views.truncate import MAX_CHARACTERS, MAX_HTML, Excerpt

LINE = "some plain words here, in a line of them.\n"


def filled(text, size=100_000, **more):
    ledger = new_ledger()
    for start in range(0, len(text), size):
        feed(ledger, text[start : start + size], **more)
    return ledger


def ended(ledger):
    feed(ledger, finish="STOP")
    ledger.close("end", t=2.0)
    return ledger


def test_the_longest_answer_of_a_model_is_shown_whole():
    """65,536 tokens are some 300,000 characters of prose, or a table of 13,000 narrow rows."""
    for text in (LINE * 7_000, "|1|2|\n" * 13_000):
        excerpt = Excerpt(ended(filled(text)), "answer")
        assert excerpt.text == text
        assert excerpt.truncated().cut_note == ""


@pytest.mark.parametrize("size", [7, 4_999, 100_000, 3_000_000])
def test_it_is_cut_at_a_line_end_however_it_is_divided(size):
    excerpt = Excerpt(ended(filled(LINE * 15_000, size)), "answer")
    assert excerpt.text.endswith("them.\n")
    assert (LINE * 15_000).startswith(excerpt.text)
    assert 400_000 < len(excerpt.text) <= MAX_CHARACTERS
    assert excerpt.truncated().cut_note == (
        f"Only the first {len(excerpt.text):,} of {15_000 * len(LINE):,} characters are shown. "
        "The response's `text` has all of them."
    )


def test_a_growing_excerpt_ends_where_the_whole_text_is_cut():
    text, chance = LINE * 13_000, random.Random(4)
    ledger = new_ledger()
    growing, seen, at = Excerpt(ledger, "answer"), 0, 0
    while at < len(text):
        size = chance.randint(1, 3_000)
        feed(ledger, text[at : at + size])
        at += size
        seen += len(growing[seen:])
        assert text.startswith(growing.text)
    ended(ledger)
    assert growing.text == Excerpt(ledger, "answer").text
    assert growing.cut


def test_a_line_that_was_kept_back_is_shown_at_the_end():
    text = "x" * (MAX_CHARACTERS - 100)
    ledger = filled(text)
    growing = Excerpt(ledger, "answer")
    assert len(growing.text) < len(text)
    ended(ledger)
    assert growing.text == text
    assert growing.truncated().cut_note == ""


def test_a_text_without_lines_is_cut_at_the_maximum_length():
    assert Excerpt(ended(filled("x" * 700_000)), "answer").text == "x" * MAX_CHARACTERS


@pytest.fixture(scope="module")
def huge():
    ledger = new_ledger()
    for _ in range(8):
        feed(ledger, thought="Let me think about it. " * 4_000)
    for number in range(30):
        feed(ledger, ("```\n" if not number else "") + LINE * 2_400)
    return ended(ledger)


def test_every_representation_is_cut_with_a_note(huge):
    made = bundle(huge)
    whole = sum(map(len, huge.answer))
    for kind in ("text/html", "text/markdown", "text/plain"):
        assert 400_000 < len(made[kind]) < 1_200_000
        assert f"of {whole:,} characters are shown. The response" in made[kind]
    assert "of 736,000 characters of the thoughts" in made["text/html"]
    assert made["text/html"].count("<pre>") == made["text/html"].count("</pre>") == 1
    assert len(made[RECORD]["text"]) <= MAX_CHARACTERS
    assert made[RECORD]["capped"]["text"] == f"500,000 of {whole:,} characters"
    assert "answer complete, about 650,000 words" in status_line(huge)


def test_the_terminal_prints_the_beginning(huge):
    out = io.StringIO()
    TerminalView(huge, out).close()
    assert 800_000 < len(out.getvalue()) < 1_100_000
    assert "Only the first" in out.getvalue()


@pytest.mark.parametrize("kind", [LiveView, HtmlView])
def test_live_views_stop_at_the_limit(stage, kind):
    clock, ledger = Clock(), new_ledger()
    view = kind(ledger, clock=clock)
    view.open()
    for _ in range(40):
        clock.now += 5.0
        feed(ledger, LINE * 1_000)
        view.update(final=True)
    clock.now += 0.3
    feed(ledger, "never seen\n")
    view.update(final=True)
    assert "too long, the rest is not shown" in str(stage.messages) + str(stage.displays)
    ended(ledger)
    view.close()
    assert "never seen" not in str(stage.messages) + str(stage.displays)
    assert "Only the first" in stage.displays[-1][0]["text/html"]
    assert "Only the first" in stage.displays[-1][0]["text/plain"]


def test_html_that_is_far_longer_than_its_text_is_cut():
    text = "<http://a.b> " * 30_000
    made = bundle(ended(filled(text)))
    assert len(made["text/html"]) < MAX_HTML + 20_000
    assert "Only the first" in made["text/html"]
    ledger = new_ledger()
    pieces = LivePieces(Excerpt(ledger, "answer"))
    for _ in range(30):
        feed(ledger, "<http://a.b> " * 1_000 + "\n\n")
        while pieces.pending and not pieces.step():
            pass
        pieces.step()
    assert len(pieces.whole) < MAX_HTML * 1.1
    assert pieces.finish() is None


@pytest.mark.parametrize("view_class", [LiveView, HtmlView])
def test_after_an_interrupt_text_that_was_not_rendered_yet_is_left_out(stage, clock, view_class):
    ledger = new_ledger()
    view = view_class(ledger, clock=clock)
    view.open()
    for _ in range(40):
        feed(ledger, "lorem " * 1_000)
    clock.now += 1
    view.update(final=True)
    ledger.close("interrupt", t=2.0)
    view.close()
    data = stage.displays[-1][0]
    shown = data["text/markdown"].count("lorem")
    assert 1_000 < shown < 4_000
    assert data["text/html"].count("lorem") == data["text/plain"].count("lorem") == shown
    noted = re.search(r"Only the first ([\d,]+) of 240,000 characters", data["text/plain"])
    assert abs(int(noted[1].replace(",", "")) - 6 * shown) <= 6
    assert "Only the first" in data["text/html"]


@pytest.mark.parametrize("view_class", [LiveView, HtmlView])
def test_after_an_interrupt_an_ordinary_answer_is_shown_whole(stage, clock, view_class):
    ledger = new_ledger()
    view = view_class(ledger, clock=clock)
    view.open()
    for number in range(200):
        feed(ledger, f"Paragraph {number} of the answer.\n\n")
        clock.now += 0.05
        view.update()
    ledger.close("interrupt", t=2.0)
    view.close()
    data = stage.displays[-1][0]
    assert "Paragraph 199" in data["text/html"]
    assert "Only the first" not in data["text/plain"]
