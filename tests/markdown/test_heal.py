"""Unfinished markup at the end of a growing answer is drawn as it will probably read."""

from __future__ import annotations

import random
import re

import pytest
from html_audit import audit, text_of
from markdown_answers import answer
from markdown_check import healed
from markdown_pieces import CONSTRUCTS, chopped, document

from gemini_magic.markdown import Renderer, render


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a **bo", "<p>a <strong>bo</strong></p>\n"),
        ("a **bold*", "<p>a <strong>bold</strong></p>\n"),
        ("a **b *c", "<p>a <strong>b <em>c</em></strong></p>\n"),
        ("a ~~gone", "<p>a <s>gone</s></p>\n"),
        ("a **", "<p>a</p>\n"),
        ("# head **x", "<h1>head <strong>x</strong></h1>\n"),
        ("- item **b", "<ul>\n<li>item <strong>b</strong></li>\n</ul>\n"),
        ("a `co", "<p>a <code>co</code></p>\n"),
        ("a ``c`d", "<p>a <code>c`d</code></p>\n"),
        ("a `co` b", "<p>a <code>co</code> b</p>\n"),
        ("a [li", "<p>a li</p>\n"),
        ("a [**li", "<p>a <strong>li</strong></p>\n"),
        ("a [link](https://x", "<p>a link</p>\n"),
        ("a [link]", "<p>a link</p>\n"),
        ("see [1]", "<p>see [1]</p>\n"),
        ("array[i", "<p>array[i</p>\n"),
        ("2*3 and 4", "<p>2*3 and 4</p>\n"),
        ("a ![im", "<p>a </p>\n"),
        ("a ![im](https://x", "<p>a </p>\n"),
        ("x &am", "<p>x </p>\n"),
        ("x <https://exam", "<p>x </p>\n"),
        ("a < b", "<p>a &lt; b</p>\n"),
        ("Hello!", "<p>Hello!</p>\n"),
        ("ended **open\n\n", "<p>ended **open</p>\n"),
    ],
)
def test_inline_markup_being_typed(typed, shown):
    assert healed(typed) == shown


@pytest.mark.parametrize(
    "line",
    [
        "-",
        "- ",
        "*",
        "**",
        "1",
        "12.",
        "3) ",
        "#",
        "## ",
        "---",
        "===",
        "> ",
        "> - ",
        "```",
        "```pyth",
        "~~~",
        "[foo]: https://e",
    ],
)
def test_a_line_of_structure_is_held_back(line):
    assert healed("text\n\n" + line) == "<p>text</p>\n"
    assert healed("- item\n" + line) == "<ul>\n<li>item</li>\n</ul>\n"


def test_a_table_appears_when_its_delimiter_row_is_complete():
    table = "| a | b |\n|---|---|\n| **x"
    for length in range(1, table.index("\n| **") + 1):
        assert healed("text\n\n" + table[:length]) == "<p>text</p>\n"
    assert "<td><strong>x</strong></td>" in healed(table)
    assert "<td>1</td>" in healed("| a |\n|---|\n| 1")


def test_code_is_left_alone():
    assert "**x [y" in healed("```\n**x [y")
    assert healed("```\ncode\n``") == "<pre><code>code\n</code></pre>\n"
    assert "- " in text_of(healed("```\ncode\n- "))


def test_a_provisional_heading_is_not_shown():
    assert healed("text\n---") == "<p>text</p>\n"
    assert healed("text\n---\n") == "<h2>text</h2>\n"


def test_a_definition_being_typed_changes_no_block_until_its_line_is_complete():
    renderer = Renderer(heal=True)
    renderer.feed("[foo] a\n\nmore\n\n")
    kinds = [op.kind for char in "[foo]: https://example.org/long" for op in renderer.feed(char)]
    assert "replace" not in kinds
    assert "replace" in [op.kind for op in renderer.feed("\n")]


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_every_prefix_is_safe_and_the_end_is_exact(name):
    text = CONSTRUCTS[name]
    renderer = Renderer(heal=True)
    for char in text:
        renderer.feed(char)
        assert audit(renderer.html) == []
    renderer.close()
    assert renderer.html == render(text)


def test_the_end_is_exact_for_random_documents():
    for seed in range(5000, 5600):
        text = document(seed)
        renderer = Renderer(heal=True)
        for piece in chopped(text, random.Random(seed)):
            renderer.feed(piece)
        renderer.close()
        assert renderer.html == render(text), seed


@pytest.mark.parametrize(
    "text",
    ["[" * 1500 + "b" + "]" * 1500 + "(", "`" * 3000, "![" * 1500, "*a " * 2000, "[a](b" * 900, "|" * 3000],
)
def test_hostile_ends_neither_raise_nor_take_long(text):
    renderer = Renderer(heal=True)
    renderer.feed(text)
    assert renderer.last_cost < 3
    assert audit(renderer.html) == []


def flicker(text, *, heal):
    """Count shown characters that were taken back and blocks that turned into others."""
    renderer = Renderer(heal=heal)
    before, blocks, lost, turned = "", [], 0, 0
    for piece in chopped(text, random.Random(1), 6):
        renderer.feed(piece)
        shown = "".join(text_of(renderer.html).split())
        now = re.findall(r"<(p|h\d|li|td|th|pre|blockquote|hr)\b", renderer.html)
        same = next(
            (i for i, (a, b) in enumerate(zip(before, shown, strict=False)) if a != b),
            min(len(before), len(shown)),
        )
        lost += len(before) - same
        turned += now[: len(blocks)] != blocks
        before, blocks = shown, now
    return lost, turned


def test_healing_takes_flicker_away():
    text = answer(5000, seed=4)
    naive, healing = flicker(text, heal=False), flicker(text, heal=True)
    print(f"characters taken back, blocks turned: naive {naive}, healed {healing}")
    assert naive[0] > 100
    assert healing[0] < naive[0] / 20
    assert healing[1] < naive[1] / 5
