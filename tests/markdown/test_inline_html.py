"""Line breaks, pairs of inline tags and comments; all other HTML is text."""

from __future__ import annotations

import pytest
from calibration import assert_ratio_below
from html_audit import text_of
from markdown_check import check, healed, rendered
from markdown_it import MarkdownIt

from gemini_magic.markdown import FinishedBlocks, defang_markdown, render
from gemini_magic.markdown.defang_check import is_safe
from gemini_magic.markdown.paragraph_cut import paragraph_cut


def words(count):
    return " ".join(f"word{number}" for number in range(count))


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("a<br>b<br/>c<br />d", "a<br>b<br>c<br>d"),
        ("a<br>\nb", "a<br>\nb"),
        ("H<sub>2</sub>O, x<sup>n</sup>", "H<sub>2</sub>O, x<sup>n</sup>"),
        ("<kbd>Ctrl</kbd>+<kbd>C</kbd>", "<kbd>Ctrl</kbd>+<kbd>C</kbd>"),
        ("<u>a</u> <mark>b</mark>", "<u>a</u> <mark>b</mark>"),
        ("<u>**a** [b](https://e.org/)</u>", None),
        ("**<u>a</u>**", "<strong><u>a</u></strong>"),
        ("<u>a<sub>b</u>", "<u>a&lt;sub&gt;b</u>"),
        ("<u>**a</u>**", "&lt;u&gt;<strong>a&lt;/u&gt;</strong>"),
        ("**<u>a**</u>", "<strong>&lt;u&gt;a</strong>&lt;/u&gt;"),
        ("a</sub> <sub>b", "a&lt;/sub&gt; &lt;sub&gt;b"),
        ("`<sub>a</sub>` \\<br>", "<code>&lt;sub&gt;a&lt;/sub&gt;</code> &lt;br&gt;"),
        ("<sub class=x>a</sub>", "&lt;sub class=x&gt;a&lt;/sub&gt;"),
        ("<SUB>a</SUB> <b>c</b>", "&lt;SUB&gt;a&lt;/SUB&gt; &lt;b&gt;c&lt;/b&gt;"),
        ("a <!-- b `c -->d`", "a d`"),
        ("a<!-->b<!--->c", "abc"),
        ("<!-- a\nb *c* -->d", "d"),
        ("a <!-- b", "a &lt;!-- b"),
        ("`<!-- a -->`", "<code>&lt;!-- a --&gt;</code>"),
    ],
)
def test_only_exact_tags_and_comments_are_not_text(source, html):
    shown = rendered(source)
    assert html is None or shown == f"<p>{html}</p>\n"
    check(source, source)


def test_no_tag_reaches_beyond_its_block():
    assert rendered("<u>a\n\nb</u>") == "<p>&lt;u&gt;a</p>\n<p>b&lt;/u&gt;</p>\n"
    assert "<u>" not in rendered("| <u>a | b</u> |\n|--|--|\n")
    assert "<!-- a" in text_of(render("<!-- a\n\nb -->"))


def test_the_tags_of_a_pair_are_at_most_200_characters_apart():
    assert "<u>" in rendered(f"<u>{'a' * 190}</u>")
    assert "<u>" not in rendered(f"<u>{'a' * 200}</u>")


def test_a_comment_has_at_most_2000_characters():
    assert text_of(render(f"a<!--{'b' * 1900}-->c")).strip() == "ac"
    assert "<!--" in text_of(render(f"a<!--{'b' * 2000}-->c"))


def test_a_line_break_works_in_a_table_cell():
    assert "<td>a<br>b</td>" in rendered("| x |\n|--|\n| a<br>b |\n")


def test_a_link_whose_text_is_split_by_tags_shows_its_host():
    for text in ("goo<sub>gle.com</sub>", "goo<!-- -->gle.com"):
        assert 'title="Leads to evil.example"' in rendered(f"[{text}](https://evil.example/)")


@pytest.mark.parametrize(
    "inside",
    [
        "<u>{}</u>",
        "**<mark>{}</mark>** and",
        "<!-- {} -->",
        "a `b <!-- {} --> c",
        "*a* <sub>{}</u></sub>",
        "[a <u>b](https://e.org/) {}</u>",
        "<u>[a](https://e.org/) {}</u>",
        "x<br />y {} <br />",
        "<u>a *b {}</u> c*",
    ],
)
@pytest.mark.parametrize("count", [3, 18, 22, 30, 250])
def test_a_long_paragraph_is_not_cut_where_a_tag_or_comment_is_open(inside, count):
    text = f"{words(40)} {inside.format(words(count))} {words(60)}\n\nend"
    for size in (9, 50):
        check([text[at : at + size] for at in range(0, len(text), size)], (inside, size), every=3)
    check([text[at : at + 9] for at in range(0, len(text), 9)], inside, heal=True)


def test_a_long_paragraph_is_not_cut_inside_a_tag():
    assert paragraph_cut("word " * 40 + "x<br />" + "y" * 62) < 200
    text = "word " * 38 + "x<br />" + "y" * 70 + " the end\n"
    check(text, "tag")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("H<su", "H"),
        ("H<sub>2", "H<sub>2</sub>"),
        ("H<sub>2</s", "H<sub>2</sub>"),
        ("a<", "a"),
        ("a<br /", "a"),
        ("**a <u>b", "<strong>a <u>b</u></strong>"),
        ("<u>a **b", "<u>a <strong>b</strong></u>"),
        ("<u>**a** b", "<u><strong>a</strong> b</u>"),
        ("a <!", "a "),
        ("a <!-- b `c", "a "),
        ("a <!-- b `c --> d `e", "a  d <code>e</code>"),
        ("`a <!-- b", "<code>a &lt;!-- b</code>"),
    ],
)
def test_unfinished_tags_and_comments_are_healed(typed, shown):
    assert healed(typed) == f"<p>{shown}</p>\n"


@pytest.mark.parametrize(
    ("source", "safe"),
    [
        ("H<sub>2</sub>O<br>*<u>a</u>*", "H<sub>2</sub>O<br>*<u>a</u>*"),
        ("| a<br />b |\n|--|", "| a<br />b |\n|--|"),
        ("<u>a <sub>b", "&lt;u>a &lt;sub>b"),
        ("<u>**a</u>**", "&lt;u>**a&lt;/u>**"),
        ("a <!-- b -->", "a &lt;!-- b -->"),
        ("`<br>` <br>", "<code>&#60;br&#62;</code> <br>"),
        ("<br>\n**a**", "&#32;<br>\n**a**"),
        ("- <u>\n  a</u>", "- &#32;<u>\n  a</u>"),
    ],
)
def test_saved_markdown_keeps_line_breaks_and_pairs_of_tags(source, safe):
    assert defang_markdown(source) == safe
    assert "html_block" not in {token.type for token in MarkdownIt("commonmark").parse(safe)}


def test_markdown_with_half_a_pair_is_not_safe():
    assert is_safe("a <u>b</u>")
    assert not is_safe("a <u>b")
    assert not is_safe("a <u>b <sub>c</u></sub>")
    assert not is_safe("a <u>b\n\nc</u>")


def test_a_terminal_gets_line_breaks_and_the_source_of_other_tags():
    [_, inline, _] = FinishedBlocks().tokens("a<br>b <sub>c</sub><!-- d -->")
    assert [token.type for token in inline.children if token.type != "text"] == ["hardbreak"]
    assert "".join(token.content for token in inline.children if token.type == "text") == "ab <sub>c</sub>"


@pytest.mark.parametrize(
    "piece", ["<sub>a ", "<u>a</u> ", "*a <sub>b* ", "</u>", "<!-- ", "<u><sub></u>", "<sub>" + "a" * 500]
)
def test_one_render_of_many_tags_costs_linear_time(piece):
    short, long = (piece * (length // len(piece)) for length in (16_000, 64_000))
    render(short)
    assert_ratio_below(lambda: render(long), lambda: render(short), 10, slack=0.05)
