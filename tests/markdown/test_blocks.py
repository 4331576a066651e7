"""The growing view equals a one-shot render of what has arrived, whatever the pieces."""

from __future__ import annotations

import random

import pytest
from markdown_pieces import CONSTRUCTS, chopped, document

from gemini_magic.markdown import Op, Renderer, render


def play(ops, blocks):
    """Apply operations the way a view would; return the tail, None if it was not named."""
    tail = None
    for op in ops:
        if op.kind == "append":
            assert op.id == len(blocks)
            blocks.append(op.html)
        elif op.kind == "replace":
            assert blocks[op.id] != op.html
            blocks[op.id] = op.html
        else:
            assert op.id == -1
            tail = op.html
    return tail


def check(pieces, label):
    renderer = Renderer()
    blocks, tail, text = [], "", ""
    for piece in pieces:
        text += piece
        told = play(renderer.feed(piece), blocks)
        tail = tail if told is None else told
        assert renderer.html == render(text), (label, text)
        assert (blocks, tail) == (renderer.blocks, renderer.tail), (label, text)
    told = play(renderer.close(), blocks)
    assert renderer.tail == ""
    assert told in {None, ""}
    assert "".join(blocks) == renderer.html == render(text), (label, text)


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_every_prefix_is_exact(name):
    check(CONSTRUCTS[name], name)


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_every_single_cut_is_exact(name):
    text = CONSTRUCTS[name]
    for cut in range(len(text) + 1):
        renderer = Renderer()
        renderer.feed(text[:cut])
        assert renderer.html == render(text[:cut])
        renderer.feed(text[cut:])
        assert renderer.html == render(text)


def test_constructs_one_after_the_other():
    chance = random.Random(7)
    for _ in range(12):
        names = chance.sample(list(CONSTRUCTS), 4)
        check(chopped("\n".join(CONSTRUCTS[name] for name in names), chance, 30), names)


@pytest.mark.parametrize("start", range(0, 4000, 500))
def test_documents_of_random_pieces(start):
    for seed in range(start, start + 500):
        text = document(seed)
        check(chopped(text, random.Random(seed), 1 if seed % 10 == 0 else 40), seed)


def test_update_draws_what_was_appended_and_only_then():
    renderer = Renderer()
    renderer.append("# He")
    renderer.append("llo\n\nword\n")
    assert renderer.html == ""
    assert renderer.update() == [Op("append", 0, "<h1>Hello</h1>\n"), Op("tail", -1, "<p>word</p>\n")]
    assert renderer.update() == []
    assert renderer.last_cost > 0


def test_a_late_definition_replaces_only_the_blocks_that_asked():
    renderer = Renderer()
    renderer.feed("[late]\n\nother\n\n[late] again\n\n")
    ops = renderer.feed("[late]: https://example.org\n")
    assert [(op.kind, op.id) for op in ops if op.kind == "replace"] == [("replace", 0)]
    assert 'href="https://example.org"' in renderer.blocks[0]
    assert renderer.blocks[1] == "<p>other</p>\n"


def test_frozen_blocks_are_not_drawn_again():
    renderer = Renderer()
    renderer.feed("one\n\ntwo\n\nthree\n\n")
    frozen = list(renderer.blocks)
    assert len(frozen) == 2
    assert all(op.kind == "tail" for op in renderer.feed("four"))
    assert renderer.blocks == frozen


def test_closing_ends_it():
    renderer = Renderer()
    renderer.feed("text")
    assert [op.kind for op in renderer.close()] == ["append", "tail"]
    assert renderer.close() == []
    with pytest.raises(ValueError, match="closed"):
        renderer.feed("more")


def test_unclosed_code_is_plain_and_closed_code_is_coloured():
    assert "<span" not in render("```python\nimport os\n")
    assert "<span" in render("```python\nimport os\n```")
    assert "<span" not in render("```no-such-language\nimport os\n```")
