"""The style sheets of answers: scoped, small, and the same live, saved and in the labextension."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from view_stage import finished

from gemini_magic.markdown import render
from gemini_magic.views import bundle, stylesheet
from gemini_magic.views.stylesheet import ANSWER_CSS, LIVE_CSS, SAVED_CSS, minify

SHEETS = {"answer.css": ANSWER_CSS, "live.css": LIVE_CSS, "saved.css": SAVED_CSS}


def source(name):
    return Path(stylesheet.__file__).with_name(name).read_text("utf-8")


@pytest.mark.parametrize("name", SHEETS)
def test_minifying_removes_comments_and_spaces_only(name):
    kept = re.sub(r"/\*.*?\*/", "", source(name), flags=re.DOTALL)
    assert re.sub(r"\s", "", kept).replace(";}", "}") == re.sub(r"\s", "", SHEETS[name])
    assert minify(SHEETS[name]) == SHEETS[name]


def test_minifying_keeps_the_spaces_that_have_a_meaning():
    css = """
    /* a
       comment */
    .a .b > p :is( i , b ):hover ,
    .c:has(+ .d) { margin : 0 0 .4em; content: "·"; width: calc(100% - 8px); }
    @media (max-width: 9px) { .a { color: var(--x, #000); } }
    """
    assert minify(css) == (
        '.a .b>p :is( i,b ):hover,.c:has(+.d){margin : 0 0 .4em;content:"·";width:calc(100% - 8px)}\n'
        "@media (max-width:9px){.a{color:var(--x,#000)}\n}\n"
    )


def style_of(text):
    html = bundle(finished(text))["text/html"]
    assert html.count("<style>") <= 1
    return html.partition("<style>")[2].partition("</style>")[0]


def test_the_sheets_have_no_comments_and_few_characters():
    assert "/*" not in ANSWER_CSS + LIVE_CSS + SAVED_CSS
    assert len(ANSWER_CSS) < 10_400
    assert len(SAVED_CSS) < 2600


def test_a_saved_answer_contains_only_the_rules_that_it_uses():
    code = style_of("```python\ndef f(): pass  # x\n```")
    assert [rule.partition("{")[0] for rule in code.splitlines()] == [
        "html:not(.gmi) .gemini-magic pre",
        "html:not(.gmi) .gemini-magic pre code",
        "html:not(.gmi) .gemini-magic pre :is(bdi,dfn,samp,var)",
        "html:not(.gmi) .gemini-magic pre :is(b,samp,var)",
        "html:not(.gmi) .gemini-magic pre i",
        "html:not(.gmi) .gemini-magic pre dfn",
    ]
    table = style_of("|a|\n|-|\n|b|")
    assert [rule.partition("{")[0] for rule in table.splitlines()] == [
        "html:not(.gmi) .gemini-magic :is(th,td)",
        "html:not(.gmi) .gemini-magic table",
        "html:not(.gmi) .gemini-magic .gm-table",
    ]
    assert "list-style" in style_of("- [ ] a")


@pytest.mark.parametrize(
    "text",
    [
        "The capital of France is Paris, on the banks of the Seine.",
        "# A\n\nText with `code`, *words* and [a link](https://a.b).\n\n- b\n\n1. c\n\n> d\n\n---\n\n$x^2$ <kbd>K</kbd>",
    ],
)
def test_a_saved_answer_without_code_and_tables_contains_no_style_sheet(text):
    assert "<style" not in bundle(finished(text))["text/html"]


@pytest.mark.parametrize("text", ["```python\ndef f(): return 'x', 1  # y\n```", "|a|\n|-|\n|b|"])
def test_the_style_sheet_of_a_saved_answer_is_shorter_than_450_characters(text):
    assert 0 < len(style_of(text)) < 450


def test_every_rule_whose_names_occur_in_an_answer_is_kept():
    names = set(re.findall(r"\.(gm-[\w-]+|mathjax_process)", SAVED_CSS))
    selectors = " ".join(line.rpartition("{")[0] for line in SAVED_CSS.splitlines())
    elements = set(re.findall(r"(?<![\w.-])[a-z][a-z0-9]*", selectors))
    html = "".join(f'<{name} class="{" ".join(names)}">' for name in elements)
    assert stylesheet.saved_css_for(html) == SAVED_CSS


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_loads_nothing_and_ends_no_element(name):
    assert not re.search(r"@import|url\(|<", SHEETS[name])


@pytest.mark.parametrize("sheet", [ANSWER_CSS, SAVED_CSS])
def test_every_rule_is_scoped_to_the_root_class(sheet):
    flat = re.sub(r"@(media|container) ?\([^)]*\)\{((?:[^{}]+\{[^{}]*\}\s*)+)\}", r"\2", sheet)
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", flat)
    assert "".join(f"{selector}{{{body}}}" for selector, body in rules).strip() == flat.strip()
    assert all(re.match(r"\s*(?:html:not\(\.gmi\) )?\.gemini-magic\b", selector) for selector, _ in rules)


def test_every_class_of_rendered_markdown_has_a_rule():
    markdown = "- [ ] a ![b](https://c.d)\n\n|a|\n|-|\n\n```py\ndef f(): pass # x\n```"
    used = set(re.findall(r"gm-[a-z]+", render(markdown)))
    assert {"gm-task", "gm-image", "gm-table"} <= used
    assert all(f".{name}" in ANSWER_CSS for name in used)
