"""Defanged Markdown can do nothing in a page of nbconvert, whose Markdown has formulas that reach over blocks."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from attack_cases import sample
from nbconvert_pages import exported
from surroundings import LONG

from gemini_magic.markdown import defang_markdown

pytestmark = pytest.mark.timeout(1800 if LONG else 120)
TAGS = {
    *(
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    ),
    *(
        "hr",
        "i",
        "input",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "s",
        "section",
        "span",
        "strong",
        "sub",
        "sup",
    ),
    *("table", "tbody", "td", "th", "thead", "tr", "u", "ul"),
}
ATTRIBUTES = {"class", "id", "data-mime-type", "tabindex", "type", "checked", "disabled", "start", "title"}
URL = re.compile(
    r"#.*|https?://(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d+)?(?:[/?#].*)?|mailto:[^@]+@[^@]+",
    re.DOTALL | re.IGNORECASE,
)
STYLE = re.compile(r"text-align: ?(?:left|right|center);?")
IMAGE = "<img src=x onerror=alert(1)>"
BEGINNINGS = {
    "$$": (
        "$$ a",
        "`$$`",
        "$x$$y$",
        "$$$a$",
        "- $$",
        "> $$ a",
        "| $$ |\n|---|",
        "    $$",
        "a\n$$\nb",
        "[a](https://e.org '$$')",
    ),
    "\\\\]": ("\\\\[ a", "`\\\\[`", "- \\\\[", "$a \\\\[2pt] b$", "\\\\\\\\[2pt]"),
    "\\end{equation}": (
        "\\begin{equation}",
        "`\\begin{equation}`",
        "\\\\begin{equation}",
        "$\\begin{equation}$",
    ),
    "\\end{a}": ("\\begin{a}", "- \\begin{a}"),
}


class _Active(HTMLParser):
    """Collects the elements and attributes that could do something."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.found.append(tag)
        for name, value in attrs:
            if name == "href":
                fits = tag == "a" and URL.fullmatch(value or "")
            else:
                fits = name in ATTRIBUTES or (name == "style" and STYLE.fullmatch(value or ""))
            if not fits:
                self.found.append(f"{tag} {name}={value}")


def active(html):
    parser = _Active()
    parser.feed(html)
    parser.close()
    return parser.found


def check(texts):
    defanged = [defang_markdown(text) for text in texts]
    for text, safe, html in zip(texts, defanged, exported(defanged), strict=True):
        assert active(html) == [], (text, safe)


def over_fences():
    """Formulas that begin before a fence and end inside it."""
    for closing, beginnings in BEGINNINGS.items():
        for beginning in beginnings:
            for fence in ("```", "~~~", "````html"):
                yield f"{beginning}\n\n{fence}\n{closing}{IMAGE}\n{fence[:4].strip('h')}\n"
                yield f"{beginning}\n{fence}\na {closing}\n\n{IMAGE}\n"
                yield f"a\n\n{fence}\nb\n{fence[:4].strip('h')}\n{beginning}\n\n{fence}\n{closing}{IMAGE}\n"


def test_nbconvert_executes_what_is_not_defanged():
    assert all(
        active(html) for html in exported([IMAGE, f"$$ a\n\n```\n$$ {IMAGE}\n```\n", "[a](javascript:b)"])
    )


def test_no_formula_reaches_into_a_fence():
    check(list(over_fences()))


def test_urls_keep_their_host():
    urls = ("https://a.b", "http://a.b:80", "https://a.b/", "https://a.b?c")
    ends = ("<img", ")<img", ')"x', ")?", ")x", "*", "!", "?", "_", "~", "'", "&amp;x", "`x`", "$x$", "]", "")
    check(
        [
            f"{before}{url}{end}{after}"
            for url in urls
            for end in ends
            for before in ("](", "[x](", "x ", "]: ")
            for after in ("", " x", ' $y$ "')
        ]
    )


def test_attacks_contain_only_allowed_html():
    check([text for _, text in sample(12)])


def test_formulas_that_end_before_a_fence_stay():
    text = "$$x$$ and $y$\n\n```html\n<b>$$</b>\n```\n\n$$z$$\n"
    assert defang_markdown(text) == text
    assert (
        defang_markdown("Use `\\begin{a}`.\n\n```html\n<b>\n```\n")
        == "Use `\\begin{a}`.\n\n```html\n<b>\n```\n"
    )
