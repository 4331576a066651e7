"""The static bundle that a notebook saves."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from html_audit import TAGS
from markdown_it import MarkdownIt
from surroundings import CANARY
from view_stage import ANSWER, ATTACK, ENDINGS, STATIC_TYPES, feed, finished, new_ledger

from gemini_magic.markdown import render
from gemini_magic.views import bundle
from gemini_magic.views.record import RECORD
from gemini_magic.views.stylesheet import ANSWER_CSS

OURS = {"div", "span", "details", "summary", "strong", "br", "code", "style"}
ATTRIBUTES = {
    "class",
    "role",
    "aria-label",
    "aria-busy",
    "href",
    "title",
    "target",
    "rel",
    "start",
    "style",
    "dir",
}


class Elements(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def without_style(html):
    return re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


def test_the_bundle_has_four_types_and_is_json():
    made = bundle(finished())
    assert set(made) == STATIC_TYPES
    assert json.loads(json.dumps(made)) == made


def test_the_record_can_be_omitted():
    assert set(bundle(finished(), inspector=False)) == STATIC_TYPES - {RECORD}
    ledger = finished()
    ledger.display = ledger.display._replace(record_size=0.0)
    assert set(bundle(ledger)) == STATIC_TYPES - {RECORD}


def test_html_has_status_thoughts_and_answer_in_this_order_in_one_root():
    html = bundle(finished(thought="Let me *think*"))["text/html"]
    assert html.startswith('<div class="gemini-magic mathjax_ignore tex2jax_ignore">')
    order = [
        html.index(part)
        for part in ("answer complete", "Thinking, 3 words", "Let me", render(ANSWER), "<style>")
    ]
    assert order == sorted(order)
    assert "<em>think</em>" in html
    assert "gm-box" not in without_style(html)


@pytest.mark.parametrize("blank", ["\n\n", "\n \t\n", "\n\n\n\n"])
def test_the_html_has_no_blank_line_so_a_markdown_document_shows_all_of_it(blank):
    source = f"```python\na = 1{blank}    b = 2\n```\n\nText.\n"
    html = bundle(finished(source, thought=source))["text/html"]
    assert not re.search(r"\n\s*\n", html)
    assert f"a = 1{blank}    b = 2" in Elements(html).text
    [block] = MarkdownIt("commonmark").parse(html)
    assert block.type == "html_block"


@pytest.mark.parametrize("name", [name for name in ENDINGS if name != "complete"])
def test_every_bad_ending_is_visible_in_every_type(name):
    ledger = ENDINGS[name]()
    made = bundle(ledger)
    box = without_style(made["text/html"]).partition("gm-box")[2]
    message = ledger.error.message if ledger.error else "The answer stopped at the token limit."
    assert message in Elements(f"<div>{box}").text
    assert message in made["text/plain"]
    assert message in unescape(made["text/markdown"])
    assert made[RECORD]["status"] == ledger.status
    assert made[RECORD]["details"]["message"] == message


@pytest.mark.parametrize("name", [name for name in ENDINGS if name != "complete"])
def test_details_that_the_error_of_the_cell_shows_are_not_in_the_answer_but_in_the_record(name):
    ledger = ENDINGS[name]()
    made = bundle(ledger, error_follows=True)
    message = ledger.error.message if ledger.error else "The answer stopped at the token limit."
    assert "gm-box" not in without_style(made["text/html"])
    if name not in ("interrupt", "arriving"):  # the status line contains the same sentence
        for kind in ("text/html", "text/plain", "text/markdown"):
            assert message not in unescape(made[kind])
    assert made[RECORD]["details"]["message"] == message


def test_text_from_the_model_or_the_server_never_becomes_an_element_or_an_attribute():
    ledger = new_ledger(model='<img src=x onerror="alert(1)">')
    feed(ledger, ATTACK, thought=ATTACK)
    feed(ledger, finish="<script>alert(1)</script>", message=ATTACK)
    ledger.note("odd", ATTACK, severity="warning")
    ledger.close("failed", t=2.0)
    for made in (
        bundle(ledger),
        bundle(finished(ATTACK, finish="SAFETY", message=ATTACK)),
        bundle(finished(finish=None, failure={"message": ATTACK, "status": ATTACK})),
    ):
        elements = Elements(made["text/html"]).found
        assert {tag for tag, _ in elements} <= OURS | TAGS
        assert {name for _, attributes in elements for name in attributes} <= ATTRIBUTES
        assert all(attributes.get("href", "https:").startswith("https:") for _, attributes in elements)
        assert sum(tag == "style" for tag, _ in elements) == 1
        for permissive in (True, False):
            markdown = MarkdownIt("commonmark", {"html": permissive}).render(made["text/markdown"])
            tags = {tag for tag, _ in Elements(markdown).found}
            assert tags <= TAGS
            assert not re.search(r"<[^>]*(javascript:|onerror|onclick|commandlinker)", markdown)


def test_markdown_begins_with_the_status_so_that_an_open_fence_cannot_hide_it():
    made = bundle(finished("```python\nx = 1", finish="MAX_TOKENS"))
    html = MarkdownIt().render(made["text/markdown"])
    assert "stopped at the token limit" in html.partition("<pre>")[0]


def test_plain_text_has_no_control_characters():
    made = bundle(finished("a\x1b]52;c;x\x07b\rc\u202ed"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", made["text/plain"])
    assert made["text/plain"].endswith("· 3.2 s]")


def test_the_bundle_of_a_running_answer_shows_what_was_received():
    made = bundle(feed(new_ledger(), "so far"))
    assert "so far" in made["text/html"]
    assert 'aria-busy="true"' in made["text/html"]
    assert made[RECORD]["status"] == "running"
    assert set(bundle(new_ledger())) == STATIC_TYPES


def test_the_bundle_has_no_key_and_no_lone_surrogate():
    ledger = finished(finish=None, failure={"message": f"no {CANARY} \ud800", "code": 400})
    ledger.note("k", f"{CANARY} \udfff", severity="warning")
    encoded = json.dumps(bundle(ledger), ensure_ascii=False).encode("utf-8")
    assert CANARY.encode() not in encoded


def test_warnings_are_shown_and_harmless_notes_are_not():
    ledger = finished()
    ledger.note("done-marker", "harmless thing")
    for index in range(5):
        ledger.note("lost", f"lost piece {index}", severity="error")
    html = bundle(ledger)["text/html"]
    assert "harmless thing" not in html
    assert "lost piece 2" in html
    assert "lost piece 3" not in html
    assert "2 more warnings: see <code>.notes</code>." in html


def test_colors_are_jupyterlab_variables_or_inherited():
    for value in re.findall(r"(?:^|[;{\s])color:([^;}]+)", ANSWER_CSS):
        assert value.startswith("var(--jp-"), value
    assert "url(" not in ANSWER_CSS
    assert "@import" not in ANSWER_CSS


def test_without_the_style_the_status_line_still_has_its_dots():
    html = without_style(bundle(finished("one two"))["text/html"])
    assert "✓ gemini-flash-latest · answer complete, 2 words · 3.2 s" in Elements(html).text


def test_saved_html_is_one_block_of_html_in_a_markdown_file():
    answer = "# a\n\n```py\nx\n\n# y\n \n\n\n    z\n```\n\n- b\n\n  ```\n\n  c\n  ```\n\n$$\nd\n$$\n\n    e\n\n    f\n"
    html = bundle(finished(answer, thought="one\n\ntwo"))["text/html"]
    assert not re.search(r"\n[ \t]*\n", html)
    assert [token.type for token in MarkdownIt("commonmark", {"html": True}).parse(html)] == ["html_block"]
    assert "x\n\n# y\n \n\n\n    z\n" in Elements(html).text
