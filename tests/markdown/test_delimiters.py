"""Emphasis and strikethrough beside Chinese, Japanese and Korean text; other text is read as in CommonMark."""

from __future__ import annotations

import pytest
from markdown_check import check, healed, rendered

from gemini_magic.markdown.delimiters import is_cjk


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("**注意：**正文", "<strong>注意：</strong>正文"),
        ("含**「重点」**内容", "含<strong>「重点」</strong>内容"),
        ("~~删除。~~正文", "<s>删除。</s>正文"),
        ("**강조(강조)**는", "<strong>강조(강조)</strong>는"),
        ("文**😀**字", "文<strong>😀</strong>字"),
        ("*あ。*い", "<em>あ。</em>い"),
        ("**`code`**です", "<strong><code>code</code></strong>です"),
        ("字**[a](https://e.org/)**字", None),
        ("**㊙️。**字", "<strong>㊙️。</strong>字"),
        ("**（a）**b", "<strong>（a）</strong>b"),
        ("**a：** b", "<strong>a：</strong> b"),
        ("_あ。_い", "_あ。_い"),
        ("**Bold:**text", "**Bold:**text"),
        ("a**😀**b", "a**😀**b"),
        ("** 文 **", "** 文 **"),
        ("2 * 3 * 4 ** 字", "2 * 3 * 4 ** 字"),
    ],
)
def test_cjk_text_beside_delimiters_counts_as_a_space(source, html):
    shown = rendered(source)
    assert shown == f"<p>{html}</p>\n" if html else "<strong>" in shown
    check(source, source)


def test_unfinished_cjk_emphasis_is_healed():
    assert healed("含**「重") == "<p>含<strong>「重</strong></p>\n"


def test_a_long_cjk_paragraph_is_exact():
    text = "这是**重点：**内容，~~删除。~~正文 以及**「引用」**的 文字。" * 30
    for size in (3, 17, 60):
        check([text[at : at + size] for at in range(0, len(text), size)], size, every=3)


@pytest.mark.parametrize(
    ("char", "cjk"),
    [
        ("字", True),
        ("。", True),
        ("ｶ", True),
        ("한", True),
        ("㎏", True),
        ("😀", False),
        ("a", False),
        ("é", False),
        ("…", False),
    ],
)
def test_emoji_and_narrow_characters_are_not_cjk(char, cjk):
    assert is_cjk(char) is cjk
