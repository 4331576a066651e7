"""A rendered answer contains only allowed elements, attributes, URLs and classes, whatever the model writes."""

from __future__ import annotations

import random

import pytest
from attack_cases import cases
from html_audit import audit, payloads, text_of
from markdown_it import MarkdownIt
from markdown_pieces import random_pieces

from gemini_magic.markdown import Renderer, render
from gemini_magic.printable import visible

ATTACKS = cases(payloads())


def test_the_audit_finds_unsafe_html():
    plain = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    failing = sum(bool(audit(plain.render(text))) for _, text in ATTACKS)
    assert failing > len(ATTACKS) / 4
    assert audit('<a href="javascript:alert(1)">x</a>') == ["value href='javascript:alert(1)'"]
    assert audit("<p onclick=x>y</p>") == ["attribute p[onclick]"]
    assert audit("<q>x") == ["element q", "unclosed q"]
    assert audit('<span class="mathjax_process tex2jax_process">\\(x\\)</span>') == []
    assert (
        len(audit('<p><span class="mathjax_process tex2jax_process">\\(\\href{x}{<em>y</em>}\\)</span></p>'))
        == 2
    )
    assert len(audit('<span class="mathjax_process tex2jax_process">$5 and $6</span>')) == 1
    assert audit('<img src="https://example.org/x.png" alt="">') == ["value src='https://example.org/x.png'"]


def test_rendered_attacks_contain_only_allowed_html():
    for name, text in ATTACKS:
        assert audit(render(text)) == [], (name, text)


def test_every_operation_contains_only_allowed_html():
    for name, text in ATTACKS[::3]:
        renderer = Renderer(heal=True)
        chance = random.Random(len(text))
        ops = [
            op for piece in random_pieces(text, chance, 25) for op in renderer.feed(piece)
        ] + renderer.close()
        for op in ops:
            assert audit(op.html) == [], (name, text, op)
        assert renderer.html == render(text)


def test_the_text_of_an_attack_is_still_readable():
    for payload in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "Vec<u8> & co", "a < b > c"):
        assert text_of(render(payload)).strip() == payload


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://example.org", True),
        ("HTTPS://EXAMPLE.ORG/a?b#c", True),
        ("http://localhost:8888/x", True),
        ("mailto:a@example.org", True),
        ("http:/logout", False),
        ("http:logout", False),
        ("http:///x", False),
        ("//example.org", False),
        ("/relative", False),
        ("https://user@example.org", False),
        ("https://user:word@example.org", False),
        ("https://example.org:99999", False),
        ("https://127.0.0.1:8888/x", True),
        ("https://[::1]/x", True),
        ("https://xn--80ak6aa92e.example", True),
        ("https://256.1.1.1", False),
        ("https://1.2.3.4.5/x", False),
        ("https://e.0x", False),
        ("https://[::1::]/x", False),
        ("https://xn--a/x", False),
        ("ftp://example.org", False),
        ("javascript:alert(1)", False),
        ("data:image/png;base64,AAAA", False),
        ("blob:https://example.org/x", False),
    ],
)
def test_only_allowed_urls_become_links(source, expected):
    html = render(f"[text]({source})")
    assert ("<a " in html) is expected
    assert "text" in text_of(html)
    assert expected or source in text_of(html)
    assert audit(html) == []


def test_links_open_in_a_new_tab_and_name_a_host_that_differs_from_their_text():
    assert render("[t](https://example.org/a)") == (
        '<p dir="auto"><a href="https://example.org/a" target="_blank" rel="noopener noreferrer nofollow">t</a></p>\n'
    )
    assert 'title="Leads to evil.test"' in render("[https://bank.example](https://evil.test/x)")
    assert 'title="Leads to evil.test"' in render(
        "[www.bank.example/login](https://evil.test 'bank.example')"
    )
    assert "title=" not in render("[https://example.org/a](https://example.org/b)")
    assert "title=" not in render("[example.org](https://www.example.org)")
    assert 'title="Leads to xn--' in render("<https://аррӏе.example>")


def test_a_link_inside_a_link_is_text():
    html = render("[<https://inner.test>](https://outer.test)")
    assert html.count("<a ") == 1
    assert "https://outer.test" in html


def test_remote_images_become_placeholders():
    html = render("![a *cat*](https://example.org/cat.png 'title')")
    assert "<img" not in html
    assert '<span class="gm-image">' in html
    assert "a cat (example.org)" in text_of(html)
    assert 'href="https://example.org/cat.png"' in html
    linked = render("[![badge](https://a.test/b.svg)](https://c.test)")
    assert linked.count("<a ") == 1
    assert 'href="https://c.test"' in linked
    assert text_of(render("![x](/logout)")).strip() == "![x](/logout)"
    assert "gm-image" in render("![x][r]\n\n[r]: https://example.org/i.png")


def test_hidden_characters_are_shown_and_control_characters_are_removed():
    text = text_of(render("a\u202eb `c\u2066d` [e\U000e0041f](https://example.org) \x1b]0;x\x07 \x9bm"))
    assert text == "a⟨U+202E⟩b c⟨U+2066⟩d e⟨U+E0041⟩f ]0;x m\n"
    scotland = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
    assert scotland in render(scotland)


def test_lone_surrogates_and_nul_become_replacement_characters():
    assert render("a\ud800b\x00c") == '<p dir="auto">a\ufffdb\ufffdc</p>\n'


def test_a_language_becomes_a_safe_class_name():
    assert 'class="language-c++"' in render("```C++\n```")
    assert 'class="language-python"' in render("``` {.python onload=x}\n```")
    assert "language-" + "a" * 40 + '"' in render("```" + "a" * 99 + "\n```")
    assert "class" not in render("```\"<>'&\n```")


def test_deep_nesting_renders_as_allowed_html():
    for text in (
        "*a " * 3000 + "*" * 3000,
        "> " * 3000 + "x",
        "[" * 3000,
        "- " * 2000,
        "**" * 5000,
        "![" * 2000 + "](x)" * 2000,
    ):
        assert audit(render(text)) == []


def test_visible_text_cannot_control_a_terminal():
    assert visible("\x1b[31mred\x1b]0;title\x07\x9b2J\x7f\x08") == "[31mred]0;title2J"
    assert visible("over\rwritten\r\nline\ttab\n") == "over\nwritten\nline\ttab\n"
    assert visible("a\x0cb\x00\udc80") == "a b\ufffd\ufffd"
    assert visible("x\u202ey\u2069\U000e0041") == "x⟨U+202E⟩y⟨U+2069⟩⟨U+E0041⟩"
    assert visible("שלום 👩‍👩‍👧 é\u200f") == "שלום 👩‍👩‍👧 é\u200f"
