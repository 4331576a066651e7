"""The style sheets of answers: scoped, small, and the same live, saved and in the labextension."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from view_stage import finished

from gemini_magic.markdown import render
from gemini_magic.views import bundle, stylesheet
from gemini_magic.views.stylesheet import ANSWER_CSS, LIVE_CSS, minify

SHEETS = {"answer.css": ANSWER_CSS, "live.css": LIVE_CSS}


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
    assert html.count("<style>") == 1
    return html.partition("<style>")[2].partition("</style>")[0]


def test_the_sheet_has_no_comments_and_no_more_than_9500_characters():
    assert "/*" not in ANSWER_CSS + LIVE_CSS
    assert len(ANSWER_CSS) < 9500


def test_a_saved_answer_contains_only_the_rules_that_it_uses():
    short = style_of("The capital of France is Paris, on the banks of the Seine.")
    assert len(short) < 2500
    assert not re.findall(r"gm-(?:table|box|task|image|thinking|as-\w+|e|t)\b", short)
    assert not re.search(r"\.gemini-magic (?:pre|code|blockquote|img|sup)\b", short)
    assert set(short.splitlines()) <= set(ANSWER_CSS.splitlines())
    code = style_of("```python\ndef f(): pass  # x\n```\n\n- [ ] a\n\n> b\n\n|a|\n|-|\n|b|")
    for selector in (
        "pre code",
        "pre b",
        "pre i",
        "blockquote",
        ".gm-table th",
        "li:has(>.gm-task,>p>.gm-task)",
    ):
        assert f"\n.gemini-magic {selector}{{" in code
        assert f".gemini-magic {selector}{{" not in short
    for sheet in (short, code):
        assert sheet.count("{") == sheet.count("}")
        assert "@container (max-width:720px){.gemini-magic .gm-facts{" in sheet


def test_every_rule_whose_names_occur_in_an_answer_is_kept():
    names = set(re.findall(r"\.(gm-[\w-]+|mathjax_process)", ANSWER_CSS))
    selectors = " ".join(line.rpartition("{")[0] for line in ANSWER_CSS.splitlines())
    elements = set(re.findall(r"(?<![\w.-])[a-z][a-z0-9]*", selectors))
    html = "".join(f'<{name} class="{" ".join(names)}">' for name in elements)
    assert stylesheet.answer_css_for(html) == ANSWER_CSS


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_loads_nothing_and_ends_no_element(name):
    assert not re.search(r"@import|url\(|<", SHEETS[name])


def test_every_rule_is_scoped_to_the_root_class():
    flat = re.sub(r"@(media|container) ?\([^)]*\)\{((?:[^{}]+\{[^{}]*\}\s*)+)\}", r"\2", ANSWER_CSS)
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", flat)
    assert "".join(f"{selector}{{{body}}}" for selector, body in rules).strip() == flat.strip()
    assert all(selector.strip().startswith(".gemini-magic") for selector, _ in rules)


def test_every_class_of_rendered_markdown_has_a_rule():
    markdown = "- [ ] a ![b](https://c.d)\n\n|a|\n|-|\n\n```py\ndef f(): pass # x\n```"
    used = set(re.findall(r"gm-[a-z]+", render(markdown)))
    assert {"gm-task", "gm-image", "gm-table"} <= used
    assert all(f".{name}" in ANSWER_CSS for name in used)
