"""Marks of sources stand behind the passages that they support, and change nothing else of the HTML."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser

import pytest
from markdown_pieces import document

from gemini_magic.markdown import MarkTarget, SourceMark, render, render_marked

# In a paragraph by itself where the text has no place for a mark.
MARK = re.compile(r'<p><sup class="gm-cite">(?:(?!</sup>).)*</sup></p>$|<sup class="gm-cite">.*?</sup>')


def marked(text, *offsets, uri="", title=""):
    marks = [SourceMark(at, (MarkTarget(number, uri, title),)) for number, at in enumerate(offsets, 1)]
    result = render_marked(text, marks)
    assert MARK.sub("", result.html) == render(text), text
    return result


def placed(before, after=""):
    """The text with the number where the mark of an offset between two texts is placed."""
    return marked(before + after, len(before)).text


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Paris", ". It is", "Paris⁽¹⁾. It is"),
        ("Paris.", " It is", "Paris.⁽¹⁾ It is"),
        ("Paris. ", "It is", "Paris.⁽¹⁾ It is"),
        ("Par", "is is", "Paris⁽¹⁾ is"),
        ("**Paris**", ".", "**Paris**⁽¹⁾."),
        ("**Par", "is**.", "**Paris⁽¹⁾**."),
        ("*", "*a** b", "**⁽¹⁾a** b"),
        ("see [the ", "page](https://a.org/x) now", "see [the page](https://a.org/x)⁽¹⁾ now"),
        ("run `a ", "b` now", "run `a b`⁽¹⁾ now"),
        ("so $x ", "+ y$ holds", "so $x + y$⁽¹⁾ holds"),
        ("at https://a.", "org/x now", "at https://a.org/x⁽¹⁾ now"),
        ("at ht", "tps://a.org/x now", "at https://a.org/x⁽¹⁾ now"),
        ("a &am", "p; b", "a &amp;⁽¹⁾ b"),
        ("中文", "字", "中文⁽¹⁾字"),
        ("👩‍", "🔬 works", "👩‍🔬⁽¹⁾ works"),
        ("🇫", "🇷 is", "🇫🇷⁽¹⁾ is"),
        ("cafe", "\u0301 is", "cafe\u0301⁽¹⁾ is"),
        ("line  ", "\nnext", "line⁽¹⁾  \nnext"),
        ("- [ ]", " task", "- [ ] task⁽¹⁾"),
        ("- [ ] task", " one", "- [ ] task⁽¹⁾ one"),
        ("# Head", "\n\ntext", "# Head⁽¹⁾\n\ntext"),
        ("# Head\n", "\ntext", "# Head⁽¹⁾\n\ntext"),
        ("> quote\n> m", "ore", "> quote\n> more⁽¹⁾"),
        ("1. one\n\n   two", " three", "1. one\n\n   two⁽¹⁾ three"),
        ("text\n\n```\nco", "de\n```\n", "text⁽¹⁾\n\n```\ncode\n```\n"),
        ("```\nco", "de\n```\n\ntext more", "```\ncode\n```\n\n⁽¹⁾text more"),
        ("```\nco", "de\n```\n\n- [ ] task", "```\ncode\n```\n\n- [ ] task⁽¹⁾"),
        ("    co", "de\n\n## Head", "    code\n\n## ⁽¹⁾Head"),
        ("|a|b|\n|-|-|\n|x\\|y|x\\|y", "|\n", "|a|b|\n|-|-|\n|x\\|y|x\\|y⁽¹⁾|\n"),
        ("|a|b|\n|-|-|\n|same", "|same|\n", "|a|b|\n|-|-|\n|same⁽¹⁾|same|\n"),
        ("<details>\n<summary>Su", "m</summary>\n\nbody\n\n</details>\n", "<details>\n<summary>Sum⁽¹⁾</summary>\n\nbody\n\n</details>\n"),
        ("one\ntwo", "\nthree", "one\ntwo⁽¹⁾\nthree"),
        ("a[^1]", " b", "a[^1]⁽¹⁾ b"),
    ],
)  # fmt: skip
def test_a_mark_stands_behind_its_passage_and_never_inside_a_construct(before, after, expected):
    assert placed(before, after) == expected


def test_offsets_count_the_line_ends_of_the_text_as_received():
    text = "one\r\ntwo\r\nthree"
    assert marked(text, text.index("three")).text == "one\ntwo⁽¹⁾\nthree"


def test_the_marks_of_a_text_of_code_alone_are_below_it():
    for text in ("```\ncode\n```\n", "```\ncode", "    code"):
        marks = [SourceMark(at, (MarkTarget(number),)) for at, number in ((5, 2), (6, 1), (7, 2))]
        result = render_marked(text, marks, ended=True)
        assert result.html == f'{render(text, ended=True)}<p><sup class="gm-cite">1 2</sup></p>'
        assert render(result.text, ended=True).endswith(">⁽¹⁾⁽²⁾</p>\n")


def test_one_place_has_the_numbers_of_all_sources():
    mark = SourceMark(1, (MarkTarget(1), MarkTarget(12)))
    assert render_marked("a", [mark]) == ('<p dir="auto">a<sup class="gm-cite">1 12</sup></p>\n', "a⁽¹⁾⁽¹²⁾")


def test_a_number_is_a_link_only_to_an_allowed_address():
    html = marked("a", 1, uri="https://a.org/?x=1&y", title='T"<script>').html
    assert '<a href="https://a.org/?x=1&amp;y" title="T&quot;&lt;script&gt;" target="_blank"' in html
    for uri in ("javascript:alert(1)", "data:text/html,x", "//a.org", "https://a@b.org", '" onclick="x'):
        assert marked("a", 1, uri=uri, title="t").html == '<p dir="auto">a<sup class="gm-cite">1</sup></p>\n'


def test_marks_of_an_answer_cannot_be_written_by_the_model():
    html = render('<sup class="gm-cite">1</sup> a⁽¹⁾')
    assert "<sup" not in html


class _Places(HTMLParser):
    """Collects the elements around each mark."""

    def __init__(self):
        super().__init__()
        self.stack, self.around = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in {"br", "hr", "img"}:
            if ("class", "gm-cite") in attrs:
                self.around.append(list(self.stack))
            names = dict(attrs).get("class", "")
            self.stack.append("formula" if "mathjax" in names else tag)

    def handle_endtag(self, tag):
        if tag not in {"br", "hr", "img"}:
            self.stack.pop()


@pytest.mark.parametrize("batch", range(4))
def test_random_offsets_in_random_documents_change_nothing_else(batch):
    for seed in range(batch, 600, 4):
        text, chance = document(seed), random.Random(seed)
        html = marked(text, *(chance.randint(0, len(text)) for _ in range(5)), uri="https://a.org/").html
        places = _Places()
        places.feed(html)
        for around in places.around:
            assert not {"a", "code", "pre", "formula"} & set(around), (seed, around)
            assert around[-1] not in {"table", "tr", "ul", "ol", "thead", "tbody"}, (seed, around)


def test_many_marks_take_linear_time():
    text = "word and more. " * 8000
    offsets = range(14, len(text), 30)
    assert marked(text, *offsets).html.count("gm-cite") == len(offsets)
