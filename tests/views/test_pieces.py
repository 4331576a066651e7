"""What is shown after each message is the answer so far, every word once."""

from __future__ import annotations

import random
import re

import pytest
from view_stage import ANSWER

from gemini_magic.markdown import render
from gemini_magic.views.pieces import Pieces

_REST = re.compile(r'<div class="gm-rest" aria-busy="true">(.*?)</div>\Z', re.DOTALL)


def shown(html):
    """What the style sheet shows of some pieces: of all but the last only the finished part."""
    finished = [_REST.sub("", piece) for piece in html[:-1]]
    return "".join([*finished, *(_REST.sub(r"\1", piece) for piece in html[-1:])])


def cut(text, seed):
    chance = random.Random(seed)
    while text:
        size = chance.randint(1, 40)
        yield text[:size]
        text = text[size:]


@pytest.mark.parametrize("seed", range(5))
def test_any_message_may_be_the_last_one_drawn(seed):
    source, page = [], []
    pieces = Pieces(source)
    for delta in cut(ANSWER * 12, seed):
        source.append(delta)
        for index in pieces.step():
            # A new piece shows what the one before it stops showing; a changed one is the step itself.
            page[index:] = [pieces.html[index], *page[index + 1 :]]
            assert shown(page) == pieces.whole
    pieces.step(final=True)
    assert shown(pieces.html) == pieces.whole == render("".join(source))
    assert not any("gm-rest" in html for html in pieces.html[-1:])


def test_a_late_definition_changes_an_old_piece():
    source = ["See [the page][p].\n\n", *("Filler text of some length.\n\n" for _ in range(60))]
    pieces = Pieces(source)
    for end in range(len(source)):
        pieces._source = source[: end + 1]
        pieces.step()
    assert len(pieces.html) > 2
    assert "href" not in pieces.html[0]
    pieces._source = [*source, "[p]: https://example.org/x\n\nand on"]
    assert 0 in pieces.step()
    assert "https://example.org/x" in pieces.html[0]


def test_what_is_sent_stays_in_proportion_to_the_answer():
    source = []
    pieces = Pieces(source)
    sent = 0
    text = (
        ANSWER * 400
    )  # 60,000 characters in 100-character steps: 1,000 characters a second, drawn ten times
    for start in range(0, len(text), 100):
        source.append(text[start : start + 100])
        sent += sum(len(pieces.html[index]) for index in pieces.step())
    assert sent < 6 * len(pieces.whole)
    assert max(map(len, pieces.html)) < 4096
    assert len(pieces.html) < len(pieces.whole) / 400


def test_nothing_new_is_nothing_to_send():
    pieces = Pieces(["x"])
    assert pieces.pending
    assert pieces.step() == [0]
    assert not pieces.pending
    assert pieces.step() == []
