"""In a growing answer, almost nothing that a reader has seen changes.

Measured for 1000 characters of source: *retracted* are visible characters that are gone after the next update, *type
changes* are updates after which a character is in another kind of block than before, *restyled* are characters whose
emphasis, link or code changes.
"""

from __future__ import annotations

import random
from html.parser import HTMLParser

import pytest
from corpus_streams import load
from markdown_answers import answer
from markdown_answers_written import WRITTEN
from markdown_pieces import random_pieces

from gemini_magic.markdown import Renderer

BLOCKS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "th", "td", "pre", "blockquote"}
STYLES = {"strong", "em", "s", "code", "a"}


class _VisibleCharacters(HTMLParser):
    """Collects the visible characters, each with its block and its styles."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.characters = []
        self._open = []

    def handle_starttag(self, tag, attrs):
        if tag in BLOCKS | STYLES:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in BLOCKS | STYLES:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        block = next((tag for tag in reversed(self._open) if tag in BLOCKS), "")
        # A paragraph in a list item counts as the item, because a list may become loose.
        block = "li" if block == "p" and "li" in self._open else block
        style = frozenset(tag for tag in self._open if tag in STYLES)
        self.characters += [(char, block, style) for char in data if not char.isspace()]


def characters_of(html):
    parser = _VisibleCharacters()
    parser.feed(html)
    parser.close()
    return parser.characters


def common_length(before, after):
    """Return the length of the longest common_length subsequence of two short lists."""
    row = [0] * (len(after) + 1)
    for one in before:
        last = 0
        for index, other in enumerate(after):
            here = row[index + 1]
            row[index + 1] = last + 1 if one == other else max(row[index], here)
            last = here
    return row[-1]


def flicker(text, seed, *, heal, most=60):
    """Return the number of retracted characters, updates with type changes, and restyled characters."""
    renderer = Renderer(heal=heal)
    before, retracted, changed, restyled = [], 0, 0, 0
    for piece in random_pieces(text, random.Random(seed), most):
        renderer.feed(piece)
        after = characters_of(renderer.html)
        same = next(
            (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a[0] != b[0]),
            min(len(before), len(after)),
        )
        gone = [char for char, *_ in before[same:]][:2000]
        retracted += len(gone) - common_length(gone, [char for char, *_ in after[same:]][:2000])
        pairs = list(zip(before[:same], after[:same], strict=True))
        changed += any(a[1] != b[1] for a, b in pairs)
        restyled += sum(a[2] != b[2] for a, b in pairs)
        before = after
    return retracted, changed, restyled


def rates(texts, *, heal):
    """Return the numbers of ``flicker`` for 1000 characters."""
    found = [flicker(text, seed, heal=heal) for seed, text in enumerate(texts)]
    size = sum(map(len, texts)) / 1000
    return [sum(column) / size for column in zip(*found, strict=True)]


def compare(texts, label):
    naive, healed = rates(texts, heal=False), rates(texts, heal=True)
    print(
        f"{label}: retracted {naive[0]:.2f} -> {healed[0]:.3f}, type changes {naive[1]:.3f} -> {healed[1]:.3f}, "
        f"restyled {naive[2]:.2f} -> {healed[2]:.2f} per 1000 characters"
    )
    return naive, healed


def test_healed_answers_do_not_flicker():
    texts = [*WRITTEN, *(answer(2500, seed) for seed in range(12))]
    naive, healed = compare(texts, "answers")
    assert naive[0] > 5
    assert healed[0] <= 0.1
    assert healed[1] == 0


def test_healed_formulas_do_not_flicker():
    texts = [answer(2500, seed, formulas=True) for seed in range(12)]
    naive, healed = compare(texts, "formulas")
    assert naive[0] > 5
    assert healed[0] <= 0.1
    assert healed[1] == 0


def test_a_paragraph_becomes_a_heading_only_when_its_underline_is_complete():
    text = "Some text\n---------\n\nand more\n- item\n--\nno\n"
    assert flicker(text, 1, heal=True, most=1)[1] == 1
    assert flicker(text, 1, heal=False, most=1)[1] > 1


@pytest.mark.corpus
def test_recorded_answers_do_not_flicker():
    texts = sorted({text for each in load() if len(text := each.expected.get("text") or "") > 200})
    assert texts
    _, healed = compare([text[:6000] for text in texts], "recorded")
    assert healed[0] <= 0.1
    assert healed[1] == 0
