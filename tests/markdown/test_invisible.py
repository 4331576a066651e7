"""Invisible characters are visible in code, and only there; the text stays exact."""

from __future__ import annotations

import html
import re

import pytest
from markdown_check import check

from gemini_magic.markdown import render
from gemini_magic.markdown.invisible import mark_invisible

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2064\ufeff\u00ad\u034f\u115f\u1160\u3164\uffa0\u180e\ufe00\ufe0f\U000e0100\U000e01ef"
PLACES = {
    "fence": "```python\nis{}admin = 1\n```\n",
    "fence without a language": "```\na{}b\n```\n",
    "fence of an unknown language": "```nonsense\na{}b\n```\n",
    "open fence": "```python\nis{}admin = 1\n",
    "indented code": "    a{}b\n",
    "code span": "say `a{}b` now\n",
    "code in a list": "- x\n\n  ```js\n  a{}b\n  ```\n",
    "code span in a table": "| a |\n|---|\n| `a{}b` |\n",
}


def text_of(source):
    return html.unescape(re.sub("<[^>]*>", "", source))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("character", INVISIBLE)
def test_an_invisible_character_in_code_has_a_mark_with_its_number(place, character):
    shown = render(PLACES[place].format(character), ended=True)
    assert f'<span class="gm-u" title="U+{ord(character):04X}">{character}</span>' in shown
    assert f"{character}" in text_of(shown)
    assert shown.count("gm-u") == 1


def test_text_outside_code_and_emoji_in_code_have_no_mark():
    for text in (
        "می\u200cخواهم",
        "a\u200bb",
        "👨\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f\u20e3",
        "[a](https://a.b 'x\u200by')",
    ):
        assert "gm-u" not in render(text, ended=True)
    for emoji in ("👨\u200d👩\u200d👧", "❤\ufe0f", "🏳\ufe0f\u200d🌈", "©\ufe0f", "1\ufe0f\u20e3"):
        assert "gm-u" not in render(f"```python\nprint('{emoji}')\n```", ended=True)


def test_the_text_of_code_is_exact():
    code = "".join(f"a{character}b\n" for character in INVISIBLE)
    assert text_of(render(f"```python\n{code}```", ended=True)).strip("\n") == code.strip("\n")


def test_attributes_are_never_changed_and_marks_are_not_nested():
    source = '<code><a title="x\u200b>y" href="https://a.b">z</a>\u200b</code>'
    once = mark_invisible(source)
    assert once.count("gm-u") == 1
    assert 'title="x\u200b>y"' in once
    assert mark_invisible(once) == once
    assert "<script" not in render('<code><a title="\u200b"><script>alert(1)</script></code>', ended=True)


def test_a_growing_view_has_the_marks_of_the_whole_text():
    source = "".join(
        PLACES[place].format("\u200b\ufe00x\u200d") + "\n" for place in PLACES if place != "open fence"
    )
    source += "```python\n" + "a\u200bb = '❤\ufe0f\u200b'\n" * 60
    assert render(source, ended=True).count("gm-u") > 60
    check([source[at : at + 7] for at in range(0, len(source), 7)], "invisible")
    check([source[at : at + 1] for at in range(400)], "invisible, one by one")
