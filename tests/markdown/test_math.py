r"""Formulas: what is one, what a page may typeset, what stays text, and what they look like while they are typed."""

from __future__ import annotations

import random

import pytest
from attack_media import formulas
from html_audit import audit, text_of
from markdown_check import check, healed
from markdown_pieces import chopped

from gemini_magic.markdown import Renderer, render
from gemini_magic.markdown.tex_allowlist import is_typesettable


def inline(tex):
    return f'<p><span class="mathjax_process">{tex}</span></p>\n'


def block(tex):
    return f'<div class="mathjax_process">\\[{tex}\\]</div>\n'


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("$x$", inline("\\(x\\)")),
        ("$a_1*b*c_2$", inline("\\(a_1*b*c_2\\)")),
        ("\\(a < b\\)", inline("\\(a &lt; b\\)")),
        ("\\( a \\)", inline("\\(a\\)")),
        ("$x\ny$", inline("\\(x\ny\\)")),
        ("$\\text{a \\$ b}$", inline("\\(\\text{a \\$ b}\\)")),
        ("**$x$**", '<p><strong><span class="mathjax_process">\\(x\\)</span></strong></p>\n'),
        ("$$x$$", block("x")),
        ("$$\nx\n- y\n= z\n# w\n$$", block("x\n- y\n= z\n# w")),
        ("\\[ x \\]", block("x")),
        ("\\[\nx \\\\[2pt]\ny\n\\]", block("x \\\\[2pt]\ny")),
        ("   $$ x\n  y $$", block("x\ny")),
        ("a\n$$\nx\n$$\nb", f"<p>a</p>\n{block('x')}<p>b</p>\n"),
        ("> $$\n> x\n> $$", f"<blockquote>\n{block('x')}</blockquote>\n"),
        ("- $$\n  x\n  - y\n  $$", "<ul>\n<li>\n" + block("x\n- y") + "</li>\n</ul>\n"),
        ("# a $x$", '<h1>a <span class="mathjax_process">\\(x\\)</span></h1>\n'),
        ("a $$x$$ b", '<p>a <span class="mathjax_process">\\[x\\]</span> b</p>\n'),
        ("$$x$$ where", '<p><span class="mathjax_process">\\[x\\]</span> where</p>\n'),
        ("$$\nx\n$$ where", '<p><span class="mathjax_process">\\[x\\]</span> where</p>\n'),
        ("设$x$为", '<p>设<span class="mathjax_process">\\(x\\)</span>为</p>\n'),
    ],
)
def test_what_is_a_formula(source, html):
    assert render(source) == html
    assert audit(html) == []


@pytest.mark.parametrize(
    "source",
    [
        "$5 and $6",
        "costs $5-$6 a piece, $7/$8",
        "US$5, $20,000 and $30,000",
        "$ x$ and $x $",
        "\\$x\\$ and a\\$",
        "$x",
        "$$",
        "$$ $$",
        "cheap ($), dear ($$), dearest ($$$)",
        "cheap ($$) or dear ($$$)",
        "`$x$` and ``\\(y\\)``",
        "$HOME `a` $",
        "\\\\(x\\\\)",
        "\\(\\)",
        "\\!\\\"\\#\\$\\%\\&\\'\\(\\)\\*\\+\\,\\-\\.\\/\\:\\;\\<\\=\\>\\?\\@\\[\\\\\\]\\^\\_\\`\\{\\|\\}\\~",
        "```\n$x$\n$$\ny\n$$\n```",
        "    $$\n    x\n    $$",
        "$$\nx\n\ny\n$$",
        "> $$\n> x\n$$",
        "- $$\n  x\n- y\n  $$",
        "\\[not a link](/foo)",
        "$" + "x" * 2500 + "$",
        "<https://example.org/$x$>",
    ],
)
def test_what_is_none(source):
    assert "mathjax_process" not in render(source)


def test_text_that_is_no_formula_reads_as_it_is():
    assert text_of(render("It costs $5 and $6.")) == "It costs $5 and $6.\n"
    assert text_of(render("| a | b |\n|--|--|\n| $5 | $6 |\n")).split() == ["a", "b", "$5", "$6"]
    assert render("$$\na\n- b\n\nc") == "<p>$$\na\n- b</p>\n<p>c</p>\n"


@pytest.mark.parametrize(
    "tex",
    [
        "x",
        "\\frac{a}{b} + \\sqrt[3]{x^2}",
        "\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}",
        "\\begin{aligned} a &= b \\\\[2pt] [c, d) &= e \\\\[0.5em] f \\end{aligned}",
        "\\left\\{ x \\mid x > 0 \\right\\}",
        "0 < i < n, j > 0",
        "f: A \\to B, \\; x \\mapsto \\operatorname{softmax}(x)",
        "\\text{if } x < y \\text{ then } 5\\,\\% \\text{ of \\$3}",
        "\\textcolor{red}{x} + \\color{blue} y",
        "\\int_0^\\infty \\!\\! e^{-x^2} \\, dx \\tag{1}",
        "\\ce{2H2 + O2 -> 2H2O}",
        "α + β ≤ γ",
    ],
)
def test_ordinary_formulas_are_typeset(tex):
    assert is_typesettable(tex)


@pytest.mark.parametrize(
    "tex",
    [
        "\\href{https://example.org}{x}",
        "\\unknown",
        "\\begin{tikzpicture}\\end{tikzpicture}",
        "\\begin {html}x\\end {html}",
        "\\text{<img src=x onerror=f()>}",
        "x</span>",
        "x{",
        "}x{",
        "\\left( x",
        "50% more",
        "x\\",
        "\\\\[-9em] x",
        "\\\\*[99em] x",
        "\\color{url(x)}",
        "\\!" * 20,
        "{" * 60 + "}" * 60,
        "x" * 5000,
        "a \\) b",
        "a \\[ b",
        "x\u202ey",
        " ",
    ],
)
def test_others_are_not(tex):
    assert not is_typesettable(tex)


def test_a_formula_that_is_not_typeset_is_seen_as_its_source():
    assert render("$\\href{x}{y}$") == "<p><code>$\\href{x}{y}$</code></p>\n"
    assert render("\\[\n\\def\\x{y}\n\\]") == (
        '<pre><code class="language-tex">\\[\n\\def\\x{y}\n\\]</code></pre>\n'
    )
    long = "$$\n" + "x + \n" * 1000 + "$$"
    assert render(long).startswith('<pre><code class="language-tex">')


def test_attacks_by_formulas_leave_nothing_foreign():
    for text in formulas():
        assert audit(render(text)) == [], text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("so $x^2 +", '<p>so <span class="gm-pending">\\(x^2 +</span></p>\n'),
        ("so \\(x\\", '<p>so <span class="gm-pending">\\(x</span></p>\n'),
        ("so **bold $x", '<p>so <strong>bold</strong> <span class="gm-pending">\\(x</span></p>\n'),
        ("$$\nE = mc^2\n$", '<div class="gm-pending">\\[E = mc^2</div>\n'),
        ("\\[ x", '<div class="gm-pending">\\[x</div>\n'),
        ("- a\n  $$\n  b", '<ul>\n<li>a<div class="gm-pending">\\[b</div>\n</li>\n</ul>\n'),
        ("$$\nE\n$$", block("E")),
        ("text $", "<p>text</p>\n"),
        ("text\n$$", "<p>text</p>\n"),
        ("it costs $5 and more", "<p>it costs $5 and more</p>\n"),
        ("$HOME is", "<p>$HOME is</p>\n"),
        ("$[a, b)$ and *c", '<p><span class="mathjax_process">\\([a, b)\\)</span> and <em>c</em></p>\n'),
        ("`$x", "<p><code>$x</code></p>\n"),
        ("see [the $x", '<p>see the <span class="gm-pending">\\(x</span></p>\n'),
    ],
)
def test_a_formula_being_typed_is_its_source(typed, shown):
    assert healed(typed) == shown
    assert audit(shown) == []


def test_nothing_is_taken_back_while_formulas_are_typed():
    text = "Let $x_1^2 = y$ and \\(a \\le b\\), so\n\n$$\n\\begin{aligned}\na &= b \\\\\n- c &= d\n\\end{aligned}\n$$\n\nand $5."
    renderer, before = Renderer(heal=True), ""
    for letter in text:
        renderer.feed(letter)
        shown = "".join(text_of(renderer.html).split())
        kept = shown.startswith(before) or before.removesuffix("\\)").removesuffix("\\]").startswith(shown)
        assert kept, (before, shown)
        before = shown


LONG = "Some words that go on and on, with $x_1$ and \\(y\\), for $5 or $6, and so they do. " * 12


@pytest.mark.parametrize(
    "end",
    [
        "$z",
        "$z " + "x + y " * 60 + "w$ and so it goes on and on, and on",
        "\\(z " + "x + y " * 60 + "w\\) and so it goes on and on, and on",
        "$z and\nmore$ so",
        "\\[z\n\\] x",
        "\n$$\nz\n- w\n$$\nend",
        "$$z",
        "\n\\[z " + "z " * 80 + "\\]\nend",
    ],
)
def test_a_long_paragraph_is_cut_beside_formulas(end):
    renderer = Renderer()
    for word in LONG.split(" "):
        renderer.feed(word + " ")
    assert renderer.open_block is not None
    assert len(renderer.open) < 1500
    text = LONG + end
    assert check(chopped(text, random.Random(1), 40), end)
    assert check([LONG[:400], LONG[400:], *end], end)
    assert check(chopped(text, random.Random(2), 40), end, heal=True)


WORDS = "words and " * 60


@pytest.mark.parametrize(
    "text",
    [
        f"$$ {WORDS}\n- one\n- two\n$$\nend\n",
        f"$$\n{WORDS}\n- one\n- two\n\n- three\n",
        f"Text\n\n\\[ {WORDS}\\]\n- one\n",
        f"Text\n\\[{WORDS}\\]\n- one\n",
        f"\\[{WORDS}\\] and more\n- one\n",
        f"\\[){WORDS}\\]\nline\n",
        f"$$ {WORDS}$$ and more of it {WORDS}\nline\n",
        f"$$ x\n{WORDS * 4}\n\ny $$\n",
        f"$$ a $$$ {WORDS}$$\nline\n",
        f"\\[a \\[ {WORDS}\\]\nline\n",
        "a\n$$\n" + f"- {WORDS[:500]}\n" * 21 + "$$\n",
    ],
)
def test_long_blocks_are_exact_at_every_cut(text):
    size = 7 if len(text) < 4000 else 300
    assert check([text[at : at + size] for at in range(0, len(text), size)], text[:30])
    assert check(chopped(text, random.Random(3), 10 * size), text[:30], heal=True)


@pytest.mark.parametrize(
    "text", ["$x" * 5000, "$$\n" * 3000, "\\[" * 5000, "\\(x" * 4000, "$$ x\n" * 3000, "$ " * 5000]
)
def test_dollars_without_end_take_no_time(text):
    renderer = Renderer(heal=True)
    renderer.feed(text)
    assert renderer.last_cost < 3
    renderer.close()
    assert audit(renderer.html) == []
