"""After each message the page shows the whole answer so far, every word once."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest
from html_audit import text_of
from view_stage import ANSWER, feed, new_ledger

from gemini_magic.markdown import Renderer, render
from gemini_magic.views.live_pieces import LivePieces
from gemini_magic.views.truncate import Excerpt

_REST = re.compile(
    r'<(div|span) aria-busy="true">(.*?)</\1>(?=(?:</code></pre>|</p>|</h[12]>|</ul>|</ol>|</details>)?\n?\Z)',
    re.DOTALL,
)
_ROWS = re.compile(r'</tbody>\n<tbody aria-busy="true">(.*?)(?=</tbody>\n</table></div>\n\Z)', re.DOTALL)
_SEAMS = re.compile(
    r"</(?:ul|ol)>\n\0<(?:ul|ol)(?: start=\"\d+\")? dir=\"auto\">\n"
    r"|</tbody>\n</table></div>\n\0<div class=\"gm-table\"><table>\n<tbody>\n|</code></pre>\n\0<pre><code[^>]*>|</details>\n\0<details open=\"\">\n<summary></summary>\n|</p>\n\0<p[^>]*>"
)


def shown(html, runs):
    """What the style sheet shows of some pieces: the rest of the last piece, and of the last piece of the last run."""
    last_of_run = max((i for i in range(len(html)) if runs[i]), default=-1)
    page = []
    for index, (piece, run) in enumerate(zip(html, runs, strict=False)):
        rest = index == len(html) - 1 or index == last_of_run
        body = _REST.sub(r"\2" if rest else "", _ROWS.sub(r"\1" if rest else "", piece))
        same = index and run is not None and runs[index - 1] is run
        page.append(("\0" if same else "") + body.replace('<tr style="display:none"></tr>', ""))
    return _SEAMS.sub("", "".join(page))


def cut(text, seed):
    chance = random.Random(seed)
    while text:
        size = chance.randint(1, 40)
        yield text[:size]
        text = text[size:]


LONG = {
    "prose": ANSWER * 12,
    "list": "Intro.\n\n" + "".join(f"{n}. Item **{n}** of a list\n" for n in range(3, 60)) + "\nThe end.\n",
    "loose list": "".join(f"- Item {n}\n" for n in range(40)) + "\n" + "- and one more\n" * 9 + "\nEnd",
    "table": "Intro.\n\n| a | b |\n|---|--:|\n"
    + "".join(f"| {n} | `x{n}` |\n" for n in range(60))
    + "\nThe end.\n",
    "code": "Intro.\n\n```python\n"
    + "".join(f"x{n} = 'a' if {n} else None\n\n" for n in range(60))
    + "```\n\nThe end.\n",
    "details": "<details>\n<summary>More</summary>\n\n"
    + "A paragraph.\n\n- an item\n\n" * 40
    + "</details>\n\nThe end.\n",
    "paragraph": "# Head\n\n" + "Some **words** that go on and on. " * 60 + "\n\nThe end.\n",
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("seed", range(3))
def test_the_page_is_correct_after_every_single_message(name, seed):
    source, page = [], []
    pieces = LivePieces(source)
    for delta in cut(LONG[name], seed):
        source.append(delta)
        changed = pieces.step()
        for index in changed:
            # A new piece shows what the one before it stops showing; a changed one is the step itself.
            page[index:] = [pieces.html[index], *page[index + 1 :]]
        assert page == pieces.html
        assert shown(page, pieces.runs) == pieces.whole
        assert sum(index >= len(page) - 1 for index in changed) <= 1
    pieces.step(final=True)
    assert shown(pieces.html, pieces.runs) == pieces.whole == render("".join(source))
    assert not any("aria-busy" in html for html in pieces.html[-1:])
    assert name == "prose" or len({id(run) for run in pieces.runs if run}) == 1


def test_a_message_never_removes_words():
    for text in LONG.values():
        source, page, before = [], [], ""
        pieces = LivePieces(source)
        for delta in cut(text, 5):
            source.append(delta)
            for index in pieces.step():
                page[index:] = [pieces.html[index], *page[index + 1 :]]
                now = text_of(shown(page, pieces.runs))
                assert len(now.split()) >= len(before.split())
                before = now


def test_a_late_definition_changes_an_old_piece():
    source = ["See [the page][p].\n\n", *("Filler text of some length.\n\n" for _ in range(60))]
    pieces = LivePieces(source)
    for end in range(len(source)):
        pieces._source = source[: end + 1]
        pieces.step()
    assert len(pieces.html) > 2
    assert "href" not in pieces.html[0]
    pieces._source = [*source, "[p]: https://example.org/x\n\nand on"]
    assert 0 in pieces.step()
    assert "https://example.org/x" in pieces.html[0]


def test_the_sent_html_is_proportional_to_the_answer():
    source = []
    pieces = LivePieces(source)
    sent = 0
    text = (
        ANSWER * 400
    )  # 60,000 characters in 100-character steps: 1,000 characters a second, drawn ten times
    for start in range(0, len(text), 100):
        source.append(text[start : start + 100])
        sent += sum(len(pieces.html[index]) for index in pieces.step())
    assert sent < 3 * len(pieces.whole)
    assert max(map(len, pieces.html)) < 4096


def test_a_slow_long_answer_has_a_limited_number_of_pieces():
    source = []
    pieces = LivePieces(source)
    for n in range(6000):
        source.append(f"{n}. item\n")
        pieces.step()
    assert len(pieces.html) < 3000


def test_without_new_text_no_piece_changes():
    pieces = LivePieces(["x"])
    assert pieces.pending
    assert pieces.step() == [0]
    assert not pieces.pending
    assert pieces.step() == []


class StepTime:
    """A CPU clock by which each step takes the same number of seconds."""

    def __init__(self, seconds):
        self.seconds, self.now = seconds, 0.0

    def __call__(self):
        self.now += self.seconds
        return self.now


def test_new_text_is_rendered_when_it_is_a_share_of_the_unfinished_text_or_has_waited(monkeypatch):
    monkeypatch.setattr("gemini_magic.views.live_pieces.time.thread_time", StepTime(0.001))
    source = ["*a " * 2000]
    pieces = LivePieces(source)
    assert pieces.due(0.0)
    pieces.step()
    assert not pieces.due(0.1)
    source.append("b" * 100)
    assert not pieces.due(0.2)
    assert pieces.pending
    assert not pieces.due(0.6)
    assert pieces.due(0.75)
    source.append("b" * 100)
    assert pieces.due(0.3)
    pieces.step()
    assert not pieces.due(9.0)


def test_new_text_waits_longer_than_half_a_second_if_its_rendering_takes_long(monkeypatch):
    monkeypatch.setattr("gemini_magic.views.live_pieces.time.thread_time", StepTime(0.04))
    source = ["*a " * 2000]
    pieces = LivePieces(source)
    pieces.step()
    source.append("b" * 100)
    assert not pieces.due(0.0)
    assert not pieces.due(1.9)
    assert pieces.due(2.1)  # 50 times the time of the last step


def test_all_updates_of_a_text_that_never_finishes_render_a_small_multiple_of_it():
    for length in (10_000, 20_000):
        source, rendered = [], 0
        pieces = LivePieces(source)
        for _ in range(length // 40):
            source.append("**a *b " * 5 + "hello")
            if pieces.due(0.0):
                pieces.step()
                rendered += 40 * len(source)
        print(f"{length:,} characters: {rendered / length:.1f} times rendered")
        assert rendered < 40 * length


def test_an_update_renders_some_thousand_characters_of_a_flood_and_the_last_one_all_of_it():
    ledger = new_ledger()
    pieces = LivePieces(Excerpt(ledger, "answer"))
    feed(ledger, "word " * 20_000)
    feed(ledger, "end")
    sizes = [0]
    for _ in range(3):
        pieces.step()
        sizes.append(pieces.whole.count("word"))
    assert all(100 <= new - before <= 2_400 for before, new in pairwise(sizes))
    assert pieces.pending
    assert pieces.finish().count("word") == 20_000


def test_an_update_that_was_interrupted_does_not_leave_a_part_of_its_html(monkeypatch):
    ledger = new_ledger()
    pieces = LivePieces(Excerpt(ledger, "answer"))
    feed(ledger, "one\n\ntwo\n\nthree")
    original = Renderer.update

    def interrupted(self):
        yield next(iter(original(self)))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Renderer, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pieces.step()
    assert pieces.finish() == render("one\n\ntwo\n\nthree", ended=True)


def test_a_long_text_whose_update_was_interrupted_keeps_what_is_rendered(monkeypatch):
    ledger = new_ledger()
    excerpt = Excerpt(ledger, "answer")
    pieces = LivePieces(excerpt)
    feed(ledger, "- one **two\n" * 1_000)
    while pieces.pending:
        pieces.step()
    before = pieces.whole
    feed(ledger, "# three\n\nfour\n\nfive")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Renderer, "_render_rest", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pieces.step()
    assert pieces.whole == before
    assert pieces.leave_out(5_000) == -1
    assert pieces.finish() == before
    assert len(excerpt.truncated().text) == 12_000


def test_text_that_is_left_out_is_not_rendered_and_the_rest_is():
    ledger = new_ledger()
    excerpt = Excerpt(ledger, "answer")
    pieces = LivePieces(excerpt)
    feed(ledger, "word " * 20_000)
    pieces.step()
    before = pieces.whole.count("word")
    assert pieces.leave_out(5_000) == -1
    feed(ledger, "late")
    html = pieces.finish()
    assert before < html.count("word") <= before + 1_000
    assert excerpt.truncated().cut
    assert excerpt.truncated().length == 100_004
    assert len(excerpt.truncated().text) == 5 * html.count("word")


def test_nothing_is_left_out_of_a_text_that_is_nearly_rendered():
    ledger = new_ledger()
    excerpt = Excerpt(ledger, "answer")
    pieces = LivePieces(excerpt)
    feed(ledger, "one")
    pieces.step()
    feed(ledger, " two")
    assert pieces.leave_out(5_000) == 4_996
    assert "one two" in pieces.finish()
    assert not excerpt.cut
