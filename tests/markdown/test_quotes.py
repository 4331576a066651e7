"""Block quotes are the library's, but take linear time."""

from __future__ import annotations

import random

import pytest
from markdown_it.rules_block import blockquote

from gemini_magic.markdown import quotes, render
from gemini_magic.markdown.parser import MD

LINES = [
    "> a",
    "> > b",
    ">",
    "",
    "lazy",
    "> - item",
    "  more",
    "> ```",
    "```",
    "> # heading",
    "> [x]: /u",
    "> 'title",
    "of x'",
    "[x]",
    "> | a | b |",
    "> |---|---|",
    "- > c",
    "---",
    "> $$",
    "> <details>",
]


@pytest.mark.parametrize("first", [2, 3, 5])
def test_a_quote_is_the_same_as_by_the_library(monkeypatch, first):
    chance = random.Random(first)
    monkeypatch.setattr(quotes, "_LINES", first)
    monkeypatch.setattr(quotes, "_MORE", 2)
    rules = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    for _ in range(1_500):
        text = "\n".join(chance.choices(LINES, k=chance.randint(1, 14)))
        ours = render(text)
        MD.block.ruler.at("blockquote", blockquote, rules)
        try:
            theirs = render(text)
        finally:
            MD.block.ruler.at("blockquote", quotes.quote_rule, rules)
        assert ours == theirs, text
