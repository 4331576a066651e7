"""Finished blocks of a growing text: handed out once, in order, whole, and as early as nothing can change them."""

from __future__ import annotations

import random

import pytest
from markdown_answers import answer

from gemini_magic.markdown import FinishedBlocks, render
from gemini_magic.markdown import finished_blocks as module
from gemini_magic.markdown import freezer as source


def grown(text, sizes):
    finished_blocks, handed, at = FinishedBlocks(), [], 0
    while at < len(text):
        size = next(sizes)
        handed.append(finished_blocks.feed(text[at : at + size]))
        at += size
        assert "".join(handed) + finished_blocks.rest == text[:at]
    return [piece for piece in [*handed, finished_blocks.close()] if piece]


def test_all_of_a_text_is_handed_out_in_whole_blocks():
    chance = random.Random(5)
    for seed in range(8):
        text = answer(3000, seed)
        pieces = grown(text, iter(lambda: chance.choice((1, 5, 40)), 0))
        assert "".join(pieces) == text
        if "]:" not in text:
            assert "".join(map(render, pieces)) == render(text)


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("# Head\nwords", "# Head\n"),
        ("One\n\nTwo", "One\n"),
        ("- a\n- b\n- c\n", ""),
        ("Before\n\n- a\n- b\n\nAfter\n", "Before\n\n- a\n- b\n\n"),
        ("Before\n\n```python\nx\ny\n", "Before\n\n"),
        ("```python\nx\n```\n", "```python\nx\n```\n"),
        ("| a |\n|---|\n| 1 |\n| 2 |\n", ""),
        ("| a |\n|---|\n| 1 |\n\nx", "| a |\n|---|\n| 1 |\n"),
    ],
)
def test_a_block_is_handed_out_when_it_is_finished(text, done):
    finished_blocks = FinishedBlocks()
    assert "".join(map(finished_blocks.feed, text)) == done
    assert finished_blocks.rest == text[len(done) :]
    assert finished_blocks.close() == text[len(done) :]


def test_the_end_of_a_long_block_reads_like_the_block():
    finished_blocks = FinishedBlocks()
    finished_blocks.feed("```python\n" + "".join(f"x{n}\n" for n in range(100)))
    end = finished_blocks.tail(30)
    assert end.startswith("```\nx")
    assert end.endswith("x99\n")
    assert len(end) < 40
    [token] = finished_blocks.tokens(end)
    assert token.type == "fence"


def test_tokens_hold_nothing_that_acts_or_hides():
    finished_blocks = FinishedBlocks()
    tokens = finished_blocks.tokens(
        "&#x202e;a \x1b[2J <b>x</b> ![p](https://h.example/p.png)\n\n```a\u202eb\n\x9b\n```\n"
    )
    inline = tokens[1].children
    assert {token.type for token in inline} == {"text"}
    said = "".join(token.content for token in inline)
    assert said == "⟨U+202E⟩a [2J <b>x</b> [image: p (https://h.example/p.png)]"
    assert tokens[-1].content.strip() == ""
    assert "\u202e" not in tokens[-1].info


def test_one_long_list_costs_a_few_readings(monkeypatch):
    read = [0]

    def counted(original):
        def parse_blocks(text, *rest):
            read[0] += len(text)
            return original(text, *rest)

        return parse_blocks

    monkeypatch.setattr(module, "parse_blocks", counted(module.parse_blocks))
    monkeypatch.setattr(source, "parse_blocks", counted(source.parse_blocks))
    text = "".join(f"- item {n} with a few words\n" for n in range(2000))
    finished_blocks = FinishedBlocks()
    for start in range(0, len(text), 40):
        finished_blocks.feed(text[start : start + 40])
    finished_blocks.close()
    assert read[0] <= 12 * len(text)
