"""The finished blocks of a growing text are returned once, in order, whole, and as soon as nothing can change them."""

from __future__ import annotations

import random

import pytest
from markdown_answers import answer

from gemini_magic.markdown import FinishedBlocks, freezer, render
from gemini_magic.markdown import finished_blocks as finished_blocks_module


def feed_in_pieces(text, sizes):
    blocks, returned, at = FinishedBlocks(), [], 0
    while at < len(text):
        size = next(sizes)
        returned.append(blocks.feed(text[at : at + size]))
        at += size
        assert "".join(returned) + blocks.rest == text[:at]
    return [piece for piece in [*returned, blocks.close()] if piece]


def test_the_whole_text_is_returned_in_whole_blocks():
    chance = random.Random(5)
    for seed in range(8):
        text = answer(3000, seed)
        pieces = feed_in_pieces(text, iter(lambda: chance.choice((1, 5, 40)), 0))
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
def test_a_block_is_returned_as_soon_as_it_is_finished(text, done):
    blocks = FinishedBlocks()
    assert "".join(map(blocks.feed, text)) == done
    assert blocks.rest == text[len(done) :]
    assert blocks.close() == text[len(done) :]


def test_the_tail_of_a_long_block_parses_as_that_block():
    blocks = FinishedBlocks()
    blocks.feed("```python\n" + "".join(f"x{n}\n" for n in range(100)))
    end = blocks.tail(30)
    assert end.startswith("```\nx")
    assert end.endswith("x99\n")
    assert len(end) < 40
    [token] = blocks.tokens(end)
    assert token.type == "fence"


def test_tokens_contain_no_active_or_hidden_text():
    blocks = FinishedBlocks()
    tokens = blocks.tokens(
        "&#x202e;a \x1b[2J <b>x</b> ![p](https://h.example/p.png)\n\n```a\u202eb\n\x9b\n```\n"
    )
    inline = tokens[1].children
    assert {token.type for token in inline} == {"text"}
    text = "".join(token.content for token in inline)
    assert text == "⟨U+202E⟩a [2J <b>x</b> [image: p (https://h.example/p.png)]"
    assert tokens[-1].content.strip() == ""
    assert "\u202e" not in tokens[-1].info


def test_a_long_list_is_parsed_only_a_few_times(monkeypatch):
    parsed = [0]

    def counted(original):
        def parse_blocks(text, *rest):
            parsed[0] += len(text)
            return original(text, *rest)

        return parse_blocks

    monkeypatch.setattr(finished_blocks_module, "parse_blocks", counted(finished_blocks_module.parse_blocks))
    monkeypatch.setattr(freezer, "parse_blocks", counted(freezer.parse_blocks))
    text = "".join(f"- item {n} with a few words\n" for n in range(2000))
    blocks = FinishedBlocks()
    for start in range(0, len(text), 40):
        blocks.feed(text[start : start + 40])
    blocks.close()
    assert parsed[0] <= 12 * len(text)


def test_formulas_and_footnotes_are_shown_as_their_source():
    source = "a $t \\propto RC$ and \\(x\\)[^1]\n\n$$\nx^2\n$$\n\n\\[y\\]\n\n\\begin{align}z\\end{align}\n\n[^1]: note $n$\n"
    tokens = FinishedBlocks().tokens(source)
    inline = ["".join(child.content for child in token.children) for token in tokens if token.children]
    assert inline == ["a $t \\propto RC$ and \\(x\\)[^1]", "[^1]: note $n$"]
    code = [token.content for token in tokens if token.type == "code_block"]
    assert code == ["$$\nx^2\n$$\n", "\\[y\\]\n", "\\begin{align}z\\end{align}\n"]
