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


def test_a_saved_answer_contains_the_sheet_once_without_comments_and_no_more_than_6500_characters():
    html = bundle(finished())["text/html"]
    assert html.count(ANSWER_CSS) == html.count("<style>") == 1
    assert "/*" not in ANSWER_CSS + LIVE_CSS
    assert len(ANSWER_CSS) < 6500


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
