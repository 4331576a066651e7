"""Uses of the server's own tools are shown as a folded line with their arguments and results, which are text and nothing else."""

from __future__ import annotations

import pytest
from media_samples import add_part
from view_stage import new_ledger

from gemini_magic.content import ToolCall, ToolResult
from gemini_magic.ledger import ToolItem
from gemini_magic.views.item_html import MediaBudget, item_html
from gemini_magic.views.item_text import item_markdown, item_plain
from gemini_magic.views.live_sections import LiveSections
from gemini_magic.views.server_tools import server_tool_line, server_tool_texts
from gemini_magic.views.truncate import Excerpt

KEY = "AIza" + "x" * 35
SEARCH = {"queries": ["first cable", "cable – speed"]}


def used(tool, args=None, response=None, **fields):
    """A use of a tool whose response has arrived."""
    return ToolItem(tool, args, response, done=True, **fields)


def html(item, **options):
    return item_html(item, MediaBudget(4), **options)


@pytest.mark.parametrize(
    ("item", "line"),
    [
        (
            used("google_search", SEARCH, [{"url": "a"}, {"url": "b"}]),
            'Google Search for "first cable", "cable – speed" → 2 results',
        ),
        (used("GOOGLE_SEARCH_WEB", SEARCH, {"search_suggestions": "<b>"}), None),
        (used("google_search", SEARCH, [{"search_suggestions": "<b>"}]), None),
        (
            used("url_context", {"urls": ["https://a.example"]}, [{"status": "success"}]),
            'URL context for "https://a.example" → 1 result',
        ),
        (used("google_maps", {"queries": ["café"]}, []), 'Google Maps for "café" → done'),
        (ToolItem("file_search"), "file search"),
        (
            used("mcp_server_tool", {"city": "Rome", "days": 2}, "27 °C", name="forecast", server="weather"),
            'MCP server weather forecast for city="Rome", days=2 → 27 °C',
        ),
        (used("mcp_server_tool", {}, "no such city", is_error=True), "MCP server ✗ failed: no such city"),
        (used("retrieval", None, {"error": 1}, is_error=True), "retrieval ✗ failed"),
        (used("teleport", {"to": {"x": 1}}, 7), 'teleport for to={"x": 1} → done'),
        (ToolItem("", {"queries": "no list"}), 'unknown for queries="no list"'),
    ],
)
def test_the_line_says_what_was_asked_and_what_became_of_it(item, line):
    expected = line or 'Google Search for "first cable", "cable – speed" → done'
    assert server_tool_line(item) == f"server tool: {expected}"


def test_a_tool_without_a_response_runs_only_while_the_answer_arrives():
    item = ToolItem("google_search", SEARCH)
    assert server_tool_line(item, running=True).endswith(' "cable – speed" · running')
    assert server_tool_line(item).endswith(' "cable – speed"')


def test_html_has_one_folded_line_with_arguments_and_result():
    found = html(used("google_search", SEARCH, [{"url": "https://a.example", "title": "A"}]))
    assert found.startswith('<details class="gm-tool"><summary>Server tool: Google Search for')
    assert found.count("<details") == 1
    assert "first cable" in found.partition("</summary>")[2]
    assert "https://a.example" in found
    assert "href" not in found
    assert 'class="gm-tool gm-failed"' in html(used("retrieval", None, "no", is_error=True))


def test_a_tool_without_arguments_and_result_does_not_open():
    assert html(ToolItem("file_search")) == '<div class="gm-part">Server tool: file search</div>'


def test_text_formats_have_the_line_only():
    item = used("google_search", SEARCH, [{"url": "https://a.example"}])
    line = server_tool_line(item)
    assert item_plain(item) == f"[{line}]"
    assert item_markdown(item).count("\n") == 0


HOSTILE = (
    '"><script>alert(1)</script>',
    "`<img src=x onerror=alert(1)>`",
    "```\n<script>alert(1)</script>\n",
    "\u202e\x1b[31m",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_any_field_is_inert(text):
    item = used(
        text,
        {text: text, "queries": [text]},
        [{text: text}, text],
        id=text,
        name=text,
        server=text,
        is_error=True,
    )
    found = html(item)
    assert "<script" not in found
    assert "<img" not in found
    for shown in (found, item_plain(item), item_markdown(item)):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_search_suggestions_in_a_result_are_no_html():
    suggestions = "<style>.container{}</style><div class=container>" + "x" * 5_000 + "</div>"
    found = html(used("google_search", SEARCH, [{"search_suggestions": suggestions}]))
    assert "<style" not in found
    assert "<div class=container" not in found
    assert "5,054 characters" in found
    assert len(found) < 4_000


def test_keys_are_masked():
    item = used("retrieval", {"key": KEY}, {"value": KEY}, name=KEY)
    for shown in (
        html(item),
        item_plain(item),
        item_markdown(item),
        server_tool_line(used("x", {}, KEY)),
    ):
        assert KEY not in shown


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        "x" * 3_000_000,
        list(range(300_000)),
        {str(number): number for number in range(300_000)},
        deep(5_000),
        ["y" * 3_000] * 200,
    ],
    ids=["text", "list", "object", "deep", "texts"],
)
def test_a_huge_result_is_shortened(value):
    item = used("retrieval", {"x": value}, value)
    assert all(len(each.text) <= 4_000 for each in server_tool_texts(item))
    assert len(server_tool_line(item)) < 500
    assert len(html(item)) < 30_000


def test_results_that_do_not_fit_into_the_document_are_left_out():
    budget = MediaBudget(4)
    item = used("retrieval", {"x": 1}, ["y" * 900] * 10)
    shown = [item_html(item, budget) for _ in range(400)]
    assert "parts</code> has the arguments" in shown[-1]
    assert sum(map(len, shown)) < 600_000


def test_a_partial_answer_has_the_lines_of_many_uses_but_few_of_their_results():
    """It is sent to the page about once a second while the answer arrives."""
    ledger = new_ledger()
    ledger.set_phase("streaming")
    for number in range(200):
        add_part(ledger, ToolCall("google_search", str(number), SEARCH))
        add_part(ledger, ToolResult("google_search", str(number), ["y" * 900]))
    sections = LiveSections(ledger, Excerpt(ledger, "answer"))
    sections.read()
    whole = sections.whole
    assert whole.count("Server tool: Google Search") == 200
    assert len(whole) < 100_000
