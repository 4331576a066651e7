"""Footnote references and definitions are rendered where they stand."""

from __future__ import annotations

import pytest
from markdown_check import check, rendered


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("As said[^1].", "<p>As said<sup>[1]</sup>.</p>\n"),
        ("As said[^note].", "<p>As said<sup>[^note]</sup>.</p>\n"),
        ("[^1]: A *note*", '<p><sup class="gm-def">[1]</sup> A <em>note</em></p>\n'),
        (
            "[^1]: https://example.org",
            '<p><sup class="gm-def">[1]</sup> <a href="https://example.org" target="_blank" rel="noopener noreferrer nofollow">https://example.org</a></p>\n',
        ),
        (
            "text\n[^1]: one\ngoes on\n[^2]: two",
            '<p>text</p>\n<p><sup class="gm-def">[1]</sup> one\ngoes on</p>\n<p><sup class="gm-def">[2]</sup> two</p>\n',
        ),
        ("`[^1]` [^ x] [^]", "<p><code>[^1]</code> [^ x] [^]</p>\n"),
        ("a [^1]: b", "<p>a <sup>[1]</sup>: b</p>\n"),
    ],
)
def test_references_and_definitions(source, html):
    assert rendered(source) == html


def test_a_link_whose_text_begins_with_a_caret_is_a_link():
    assert ">^1</a>" in rendered("[^1](https://example.org)")
    assert ">^a b</a>" in rendered("[^a b]\n\n[^a b]: https://example.org")


def test_a_long_definition_is_frozen_in_pieces_like_any_paragraph():
    text = "Text[^1]\n\n[^1]: " + "Words that go on, as said[^2], and on. " * 40 + "\n[^2]: more\n"
    assert check(text, "letters", heal=True)
    assert check([text[at : at + 30] for at in range(0, len(text), 30)], "pieces")
