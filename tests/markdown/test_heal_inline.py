"""Healing of the last inline source: unfinished markup is closed, shown as text or left out."""

from __future__ import annotations

import pytest
from markdown_check import healed


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
def test_unfinished_inline_markup_is_healed(typed, shown):
    assert healed(typed) == shown
