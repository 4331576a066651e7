"""Which formulas a page's typesetter may receive."""

from __future__ import annotations

import pytest

from gemini_magic.markdown.tex_allowlist import is_typesettable


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
def test_ordinary_formulas_are_allowed(tex):
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
def test_unsafe_or_incomplete_formulas_are_not_allowed(tex):
    assert not is_typesettable(tex)


@pytest.mark.parametrize(
    "tex",
    [
        *(
            "\\genfrac{}{}{400pt}{0}{a}{b}",
            "\\smash{\\frac{a}{b}}",
            "\\rule{9em}{9em}",
            "\\raise400pt{x}",
            "\\lower4em{x}",
        ),
        *(
            "\\kern-9em",
            "\\mkern99mu",
            "\\hspace{-9em}",
            "\\mspace{9mu}",
            "\\hskip9em",
            "\\vcenter{x}",
            "x \\above400pt y",
        ),
        *(
            "\\moveleft9em{x}",
            "\\llap{x}",
            "\\rlap{x}",
            "\\mathllap{x}",
            "\\Space{9em}{9em}{9em}",
            "\\Rule{9em}{9em}{0em}",
        ),
        *(
            "\\abovewithdelims()9pt",
            "\\raisebox{9em}{x}",
            "\\vspace{9em}",
            "\\parbox{9em}{x}",
            "\\fbox{x}",
            "\\vadjust{x}",
        ),
        *(
            "\\mmlToken{mi}[href=x]{y}",
            "\\style{position:fixed}{x}",
            "\\class{gm-bar}{x}",
            "\\cssId{a}{x}",
            "\\data{a=b}{x}",
        ),
        *(
            "\\unicode{x41}",
            "\\require{html}",
            "\\def\\x{y}",
            "\\newcommand{\\x}{y}",
            "\\let\\x=y",
            "\\bbox[9em]{x}",
        ),
        *(
            "\\colorbox{red}{x}",
            "\\fcolorbox{red}{red}{x}",
            "\\definecolor{a}{rgb}{1,1,1}",
            "\\color[rgb]{1,1,1}x",
            "\\textcolor{url(x)}{y}",
        ),
        *(
            "\\cancel[padding=400px]{x}",
            "\\xcancel [color=red]{x}",
            "\\enclose{circle}[padding=400px]{x}",
            "\\toggle{a}{b}\\endtoggle",
        ),
        *(
            "a \\\\[400pt] b",
            "a \\\\[-4pt] b",
            "a \\\\ [400pt] b",
            "a \\\\[99ex] b",
            "a \\\\[99mm] b",
            "a \\cr[400pt] b",
            "a \\newline [-9em] b",
        ),
        *(
            "\\begin{array}{p{400pt}}x\\end{array}",
            "\\begin{array}{*{9999}{c}}x\\end{array}",
            "\\begin{array}{@{\\quad}c}x\\end{array}",
        ),
        *(
            "\\begin{alignat}{99999999}x\\end{alignat}",
            "\\begin{alignedat}[t]{999}x\\end{alignedat}",
            "\\begin{array}x\\end{array}",
        ),
    ],
)
def test_commands_that_move_or_resize_content_are_not_allowed(tex):
    assert not is_typesettable(tex)


@pytest.mark.parametrize(
    "tex",
    [
        *(
            "a \\\\[2pt] b",
            "a \\\\[1.5ex] b",
            "a \\\\[.5em] b",
            "a \\\\*[10mm] b",
            "a \\\\ [b] c",
            "a \\\\ [1, 2] c",
        ),
        *(
            "\\begin{array}{c|c}x\\end{array}",
            "\\begin{array}[t]{l r}x\\end{array}",
            "\\begin{alignat}{2}x\\end{alignat}",
        ),
        *(
            "\\begin{alignedat}[t]{3}x\\end{alignedat}",
            "\\color{red}x",
            "\\textcolor {blue}{x}",
            "\\xcancel{x}",
            "\\cancel x",
        ),
    ],
)
def test_small_sizes_and_plain_arguments_are_allowed(tex):
    assert is_typesettable(tex)
