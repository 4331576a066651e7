"""URLs in plain text are links, unless a reader could be misled; links to headings are text."""

from __future__ import annotations

import re

import pytest
from calibration import assert_ratio_below
from markdown_check import check, healed, rendered

from gemini_magic.markdown import FinishedBlocks, defang_markdown, render


def links(text):
    return re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', render(text))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see https://example.org/a", "https://example.org/a"),
        ("HTTPS://Example.org/A", "HTTPS://Example.org/A"),
        ("(http://example.org)", "http://example.org"),
        ("https://example.org/a_(b).", "https://example.org/a_(b)"),
        ("见https://example.org/x然后", "https://example.org/x"),
        ("https://example.org/。", "https://example.org/"),
        ("https://example.org然后", "https://example.org"),
        ("**https://example.org/a**", "https://example.org/a"),
        ("https://example.org:8080/a?b=c#d, e", "https://example.org:8080/a?b=c#d"),
        ("https://example.org: a", "https://example.org"),
        ("网址:https://example.org", "https://example.org"),
        ("https://xn--e1afmkfd.example/", "https://xn--e1afmkfd.example/"),
        ("| https://example.org/a |\n|--|", "https://example.org/a"),
        ("https://example.org/a_b_c *d*", "https://example.org/a_b_c"),
    ],
)
def test_a_url_in_the_text_is_a_link(text, url):
    assert links(text) == [(url, url)]
    check(text, text)


def test_an_ampersand_may_be_written_as_an_entity():
    assert links("https://e.org/?a=1&amp;b=2") == [("https://e.org/?a=1&amp;b=2",) * 2]


@pytest.mark.parametrize(
    "text",
    [
        "README.md and main.py, foo.sh, www.example.org, me@example.org",
        "https://localhost:8888/lab",
        "http://127.0.0.1/ http://2130706433/",
        "https://exаmple.com/",  # a Cyrillic letter
        "https://www.example.中国/",
        "https://example.orgы",
        "https://google.com@evil.example/",
        "https://google.com:pass@evil.example/",
        "https://google.com\\@evil.example/",
        "https://google.com%2f@evil.example/",
        "https://zh.wikipedia.org/wiki/北京",
        "https://example.org/?q=ü",
        "javascript://example.org/%0aalert(1)",
        "xhttps://example.org/ view-source+https://example.org/ a@https://example.org/",
        "`https://example.org/`",
        "https\\://example.org/",
        "blob:https://example.org/ view-source:https://example.org/",
        "https://example.org/$a$",
        "https://example.org:99999/",
    ],
)
def test_a_misleading_or_local_address_stays_text(text):
    assert links(text) == []
    check(text, text)


def test_a_url_in_the_text_of_a_link_is_no_link_inside():
    assert links("[https://a.example/](https://b.example/)")[0][0] == "https://b.example/"
    assert len(links("[see https://a.example/ now](https://b.example/)")) == 1


def test_hidden_characters_end_a_url():
    assert links("https://example.org/\u202egro") == [("https://example.org/",) * 2]


def test_a_half_typed_url_is_text():
    assert healed("see https://exa.mp") == "<p>see https://exa.mp</p>\n"
    assert healed("**see https://exa.mp") == "<p><strong>see https://exa.mp</strong></p>\n"
    assert 'href="https://example.org/a"' in healed("see https://example.org/a and")
    assert 'href="https://example.org/a"' in healed("[see](https://example.org/a)")


def test_long_paragraphs_of_urls_are_exact():
    text = (
        "see https://example.org/a_b, **https://e.org/c** 见https://e.org/x然后 and (https://e.org/d). " * 12
    )
    for size in (7, 40):
        check([text[at : at + size] for at in range(0, len(text), size)], size, every=3)


@pytest.mark.parametrize(
    "piece", ["https://a.b", "https://e.org/a ", "https://" + "a." * 100, "https://e.org/((", "://"]
)
def test_one_render_of_many_urls_costs_linear_time(piece):
    short, long = (piece * (length // len(piece)) for length in (16_000, 64_000))
    render(short)
    assert_ratio_below(lambda: render(long), lambda: render(short), 10, slack=0.05)


def test_a_terminal_gets_a_url_as_text():
    [_, inline, _] = FinishedBlocks().tokens("see https://example.org/a.")
    assert {token.type for token in inline.children} == {"text"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("[Intro *a*](#introduction)", "<p>Intro <em>a</em></p>\n"),
        ("[a][b]\n\n[b]: #c", "<p>a</p>\n"),
        ("[a](#b) [c](https://e.org/)", None),
        ("[a](/b) [c](x#d)", "<p>[a](/b) [c](x#d)</p>\n"),
    ],
)
def test_a_link_to_a_heading_is_shown_as_its_text(text, html):
    assert html in {None, rendered(text)}
    assert 'href="#' not in rendered(text)
    check(text, text)


def test_saved_markdown_shows_a_link_to_a_heading_as_its_text():
    assert defang_markdown("- [Intro](#introduction)\n- [b](#)") == "- Intro\n- b"
    assert defang_markdown('[a](#b"c) [x](#y)(javascript:z)') != ""
