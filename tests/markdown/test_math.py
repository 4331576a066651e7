r"""Formulas: what is recognized as one, what stays text, and how an unfinished formula is shown."""

from __future__ import annotations

import random

import pytest
from attack_media import formulas
from html_audit import audit, text_of
from markdown_check import check, healed, rendered
from markdown_pieces import random_pieces

from gemini_magic.markdown import Renderer, defang_markdown, render


def inline(tex):
    return f'<p><span class="mathjax_process tex2jax_process">{tex}</span></p>\n'


def block(tex):
    return f'<div class="mathjax_process tex2jax_process">\\[{tex}\\]</div>\n'


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("$x$", inline("\\(x\\)")),
        ("$a_1*b*c_2$", inline("\\(a_1*b*c_2\\)")),
        ("\\(a < b\\)", inline("\\(a &lt; b\\)")),
        ("\\( a \\)", inline("\\(a\\)")),
        ("$x\ny$", inline("\\(x\ny\\)")),
        ("$\\text{a \\$ b}$", inline("\\(\\text{a \\$ b}\\)")),
        ("**$x$**", '<p><strong><span class="mathjax_process tex2jax_process">\\(x\\)</span></strong></p>\n'),
        ("$$x$$", block("x")),
        ("$$\nx\n- y\n= z\n# w\n$$", block("x\n- y\n= z\n# w")),
        ("\\[ x \\]", block("x")),
        ("\\[\nx \\\\[2pt]\ny\n\\]", block("x \\\\[2pt]\ny")),
        ("   $$ x\n  y $$", block("x\ny")),
        ("a\n$$\nx\n$$\nb", f"<p>a</p>\n{block('x')}<p>b</p>\n"),
        ("> $$\n> x\n> $$", f"<blockquote>\n{block('x')}</blockquote>\n"),
        ("- $$\n  x\n  - y\n  $$", "<ul>\n<li>\n" + block("x\n- y") + "</li>\n</ul>\n"),
        ("# a $x$", '<h1>a <span class="mathjax_process tex2jax_process">\\(x\\)</span></h1>\n'),
        ("a $$x$$ b", '<p>a <span class="mathjax_process tex2jax_process">\\[x\\]</span> b</p>\n'),
        ("$$x$$ where", '<p><span class="mathjax_process tex2jax_process">\\[x\\]</span> where</p>\n'),
        ("$$\nx\n$$ where", '<p><span class="mathjax_process tex2jax_process">\\[x\\]</span> where</p>\n'),
        ("设$x$为", '<p>设<span class="mathjax_process tex2jax_process">\\(x\\)</span>为</p>\n'),
    ],
)
def test_formulas_are_recognized(source, html):
    assert rendered(source) == html
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
def test_other_text_is_not_a_formula(source):
    assert "mathjax_process" not in rendered(source)


def test_text_that_is_not_a_formula_stays_unchanged():
    assert text_of(render("It costs $5 and $6.")) == "It costs $5 and $6.\n"
    assert text_of(render("| a | b |\n|--|--|\n| $5 | $6 |\n")).split() == ["a", "b", "$5", "$6"]
    assert rendered("$$\na\n- b\n\nc") == "<p>$$\na\n- b</p>\n<p>c</p>\n"


def test_a_formula_that_is_not_allowed_is_shown_as_its_source():
    assert rendered("$\\href{x}{y}$") == "<p><code>$\\href{x}{y}$</code></p>\n"
    assert rendered("\\[\n\\def\\x{y}\n\\]") == (
        '<pre><code class="language-tex">\\[\n\\def\\x{y}\n\\]</code></pre>\n'
    )
    long = "$$\n" + "x + \n" * 1000 + "$$"
    assert rendered(long).startswith('<pre><code class="language-tex">')


def test_attacks_through_formulas_render_as_allowed_html():
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
        (
            "$[a, b)$ and *c",
            '<p><span class="mathjax_process tex2jax_process">\\([a, b)\\)</span> and <em>c</em></p>\n',
        ),
        ("`$x", "<p><code>$x</code></p>\n"),
        ("see [the $x", '<p>see the <span class="gm-pending">\\(x</span></p>\n'),
    ],
)
def test_an_unfinished_formula_is_shown_as_its_source(typed, shown):
    assert healed(typed) == shown
    assert audit(shown) == []


def test_no_text_is_retracted_while_formulas_are_unfinished():
    text = "Let $x_1^2 = y$ and \\(a \\le b\\), so\n\n$$\n\\begin{aligned}\na &= b \\\\\n- c &= d\n\\end{aligned}\n$$\n\nand $5."
    renderer, before = Renderer(heal=True), ""
    for char in text:
        renderer.feed(char)
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
def test_a_long_paragraph_with_formulas_is_frozen_in_pieces(end):
    renderer = Renderer()
    for word in LONG.split(" "):
        renderer.feed(word + " ")
    assert renderer.open_block is not None
    assert len(renderer.open) < 1500
    text = LONG + end
    assert check(random_pieces(text, random.Random(1), 40), end)
    assert check([LONG[:400], LONG[400:], *end], end)
    assert check(random_pieces(text, random.Random(2), 40), end, heal=True)


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
def test_long_formula_blocks_are_exact_after_every_piece(text):
    size = 7 if len(text) < 4000 else 300
    assert check([text[at : at + size] for at in range(0, len(text), size)], text[:30])
    assert check(random_pieces(text, random.Random(3), 10 * size), text[:30], heal=True)


@pytest.mark.parametrize(
    "text", ["$x" * 5000, "$$\n" * 3000, "\\[" * 5000, "\\(x" * 4000, "$$ x\n" * 3000, "$ " * 5000]
)
def test_many_unclosed_delimiters_take_little_time(text):
    renderer = Renderer(heal=True)
    renderer.feed(text)
    assert renderer.last_cost < 3
    renderer.close()
    assert audit(renderer.html) == []


@pytest.mark.parametrize(
    ("source", "html"),
    [
        (
            "\\begin{align}\na &= b \\\\\n- c\n\\end{align}",
            '<div class="mathjax_process tex2jax_process">\\[\\begin{align}\na &amp;= b \\\\\n- c\n\\end{align}\\]</div>\n',
        ),
        (
            "a\n\\begin{gather*} b \\\\ c \\end{gather*}\nd",
            '<p>a</p>\n<div class="mathjax_process tex2jax_process">\\[\\begin{gather*} b \\\\ c \\end{gather*}\\]</div>\n<p>d</p>\n',
        ),
        (
            "x \\begin{equation} a_1*b*c_1 \\end{equation} y",
            '<p>x <span class="mathjax_process tex2jax_process">\\[\\begin{equation} a_1*b*c_1 \\end{equation}\\]</span> y</p>\n',
        ),
        ("\\begin{align}\na\n\nb\n\\end{align}", "<p>\\begin{align}\na</p>\n<p>b\n\\end{align}</p>\n"),
        ("\\begin{align} a \\end{gather}", "<p>\\begin{align} a \\end{gather}</p>\n"),
        ("\\begin{cases} a \\end{cases}", "<p>\\begin{cases} a \\end{cases}</p>\n"),
        ("`\\begin{align} a \\end{align}`", "<p><code>\\begin{align} a \\end{align}</code></p>\n"),
        (
            "\\begin{flalign}\na\n\\end{flalign}",
            '<pre><code class="language-tex">\\begin{flalign}\na\n\\end{flalign}</code></pre>\n',
        ),
        (
            "\\begin{align} \\href{x}{y} \\end{align}",
            '<pre><code class="language-tex">\\begin{align} \\href{x}{y} \\end{align}</code></pre>\n',
        ),
    ],
)
def test_an_environment_needs_no_delimiters(source, html):
    assert rendered(source) == html
    check(source, source)


@pytest.mark.parametrize("count", [3, 30, 300])
def test_a_long_paragraph_is_not_cut_inside_an_environment(count):
    text = (
        "many words " * 30 + "\\begin{align} " + "a &= b \\\\ " * count + "\\end{align} " + "more words " * 20
    )
    for size in (9, 50):
        check([text[at : at + size] for at in range(0, len(text), size)], size, every=3)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a\n\n\\begi", "<p>a</p>\n"),
        ("a\n\n\\begin{ali", "<p>a</p>\n"),
        ("\\begin{align}\na &= b", '<div class="gm-pending">\\[\\begin{align}\na &amp;= b</div>\n'),
        ("x \\begin{al", "<p>x </p>\n"),
        ("x \\begin{align} a", '<p>x <span class="gm-pending">\\[\\begin{align} a</span></p>\n'),
    ],
)
def test_an_unfinished_environment_is_healed(typed, shown):
    assert healed(typed) == shown


def test_saved_markdown_has_environments_between_dollar_signs():
    assert defang_markdown("\\begin{align}\na &= b\n\\end{align}") == "$$\\begin{align} a &= b \\end{align}$$"
    assert defang_markdown("x \\begin{align} a \\end{align}") == "x $$\\begin{align} a \\end{align}$$"
    kept = "$5\n\n\\begin{align}\na &= b\n\\end{align}"
    assert defang_markdown(kept) == kept
    assert "<code>&#92;href</code>" in defang_markdown("\\begin{align} \\href{x}{y} \\end{align}")
