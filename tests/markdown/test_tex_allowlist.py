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
