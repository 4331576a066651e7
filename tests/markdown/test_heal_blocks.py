"""Unfinished markup at the end of a growing answer is shown as it will probably be when it is finished."""

from __future__ import annotations

import random
import re

import pytest
from html_audit import audit, text_of
from markdown_answers import answer
from markdown_check import healed
from markdown_pieces import CONSTRUCTS, document, random_pieces

from gemini_magic.markdown import Renderer, render


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
def test_a_last_line_that_is_only_structure_is_held_back(line):
    assert healed("text\n\n" + line) == "<p>text</p>\n"
    assert healed("- item\n" + line) == "<ul>\n<li>item</li>\n</ul>\n"


def test_a_table_appears_when_its_delimiter_row_is_complete():
    table = "| a | b |\n|---|---|\n| **x"
    for length in range(1, table.index("\n| **") + 1):
        assert healed("text\n\n" + table[:length]) == "<p>text</p>\n"
    assert "<td><strong>x</strong></td>" in healed(table)
    assert "<td>1</td>" in healed("| a |\n|---|\n| 1")


def test_code_is_not_healed():
    assert "**x [y" in healed("```\n**x [y")
    assert healed("```\ncode\n``") == "<pre><code>code\n</code></pre>\n"
    assert "- " in text_of(healed("```\ncode\n- "))


def test_an_incomplete_underline_makes_no_heading():
    assert healed("text\n---") == "<p>text</p>\n"
    assert healed("text\n---\n") == "<h2>text</h2>\n"


def test_a_definition_changes_no_block_until_its_line_is_complete():
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


def test_the_closed_view_of_random_documents_is_exact():
    for seed in range(5000, 5600):
        text = document(seed)
        renderer = Renderer(heal=True)
        for piece in random_pieces(text, random.Random(seed)):
            renderer.feed(piece)
        renderer.close()
        assert renderer.html == render(text), seed


@pytest.mark.parametrize(
    "text",
    ["[" * 1500 + "b" + "]" * 1500 + "(", "`" * 3000, "![" * 1500, "*a " * 2000, "[a](b" * 900, "|" * 3000],
)
def test_hostile_ends_raise_nothing_and_take_little_time(text):
    renderer = Renderer(heal=True)
    renderer.feed(text)
    assert renderer.last_cost < 3
    assert audit(renderer.html) == []


def flicker(text, *, heal):
    """Return how many shown characters were retracted and how often a block turned into another kind."""
    renderer = Renderer(heal=heal)
    before, blocks, retracted, changed = "", [], 0, 0
    for piece in random_pieces(text, random.Random(1), 6):
        renderer.feed(piece)
        shown = "".join(text_of(renderer.html).split())
        now = re.findall(r"<(p|h\d|li|td|th|pre|blockquote|hr)\b", renderer.html)
        same = next(
            (i for i, (a, b) in enumerate(zip(before, shown, strict=False)) if a != b),
            min(len(before), len(shown)),
        )
        retracted += len(before) - same
        changed += now[: len(blocks)] != blocks
        before, blocks = shown, now
    return retracted, changed


def test_healing_reduces_flicker():
    text = answer(5000, seed=4)
    naive, healing = flicker(text, heal=False), flicker(text, heal=True)
    print(f"retracted characters, changed blocks: naive {naive}, healed {healing}")
    assert naive[0] > 100
    assert healing[0] < naive[0] / 20
    assert healing[1] < naive[1] / 5
