"""What is shown of sources: marks in the text, a list below it, and links to the searches."""

from __future__ import annotations

import io
import re

import pytest
from attack_strings import attacks
from calibration import assert_cpu_below
from grounded_answers import GROUNDING, SUGGESTIONS, TEXT, chunk, grounded, hostile, ledger_of, support
from hostile_strings import assert_printable, bad
from html_audit import audit_output
from surroundings import CANARY, LONG

from gemini_magic.ledger import answer_sources
from gemini_magic.markdown import render
from gemini_magic.views import bundle
from gemini_magic.views.record import RECORD
from gemini_magic.views.terminal import TerminalView

MARK = re.compile(r'<sup class="gm-cite">.*?</sup>')


def html_of(ledger):
    return re.sub(r"<style>.*?</style>", "", bundle(ledger)["text/html"], flags=re.DOTALL)


def test_marks_stand_behind_the_supported_passages_and_lead_to_the_sources():
    html = html_of(grounded())
    answer = re.search(r'<div class="gm-answer"[^>]*>(.*?)</div><div class="gm-sources"', html, re.DOTALL)[1]
    assert MARK.sub("", answer) == render(TEXT)
    text = re.sub(r"<(?!sup|/sup)[^>]+>", "", answer)
    plain = text.replace('<sup class="gm-cite">', "^").replace("</sup>", "")
    assert plain.split("\n")[0] == "The Zürichsee lies in Switzerland.^2 It is 88 km² large.^2 3"
    assert "Ferries cross it all year.^1" in plain
    assert '<a href="https://maps.google.com/?cid=7" title="Zürichsee"' in answer


def test_the_list_names_every_source_with_its_kind():
    listed = re.search(r"<ol>(.*?)</ol></div>", html_of(grounded()))[1]
    items = [re.sub(r"<[^>]+>", "", item) for item in re.findall(r"<li>(.*?)</li>", listed)]
    assert items == [
        "zsg.example",
        "Zürichsee · maps.google.com · Google Maps",
        "lakes.pdf, page 3 · file",
        "https://lakes.example/list",
    ]


def test_a_page_that_could_not_be_read_is_a_warning_and_no_source():
    html = html_of(grounded())
    assert "The page https://paid.example/ could not be read (paywall)." in html
    assert ">https://paid.example/<" not in html


def test_the_queries_are_links_to_their_results():
    queries = re.search(r'<div class="gm-queries"[^>]*>(.*?)</div>', html_of(grounded()))[1]
    assert re.findall(r'href="([^"]*)"[^>]*>([^<]*)<', queries) == [
        ("https://www.google.com/search?q=lake%20zurich%20area", "lake zurich area"),
        ("https://www.google.com/search?q=lake%20zurich%20ferry", "lake zurich ferry"),
    ]


def test_suggestions_are_also_read_from_the_use_of_the_search_tool():
    call = {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["lakes", " ", 5]}, "id": "1"}}
    response = {
        "toolType": "GOOGLE_SEARCH_WEB",
        "response": {"search_suggestions": "<b>lakes</b>"},
        "id": "1",
    }
    made = bundle(ledger_of(chunk(call, {"toolResponse": response}, {"text": "Found."}, finishReason="STOP")))
    assert ">lakes</a>" in made["text/html"]
    assert made[RECORD]["suggestions"] == "<b>lakes</b>"
    assert made["text/plain"].count("Searched for: lakes\n") == 1
    alone = bundle(ledger_of(chunk(call, {"toolResponse": response}, finishReason="STOP")))
    assert "suggestions" not in alone[RECORD]


def test_queries_that_are_only_in_the_suggestions_are_links_too():
    metadata = {
        "searchEntryPoint": {"renderedContent": f'{SUGGESTIONS}<a href="x">a <b>&amp; b</b></a>'},
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}],
    }
    made = bundle(grounded(groundingMetadata=metadata))
    assert ">lake zurich ferry</a>" in made["text/html"]
    assert ">a &amp; b</a>" in made["text/html"]
    assert (
        "[lake zurich ferry](https://www.google.com/search?q=lake%20zurich%20ferry)" in made["text/markdown"]
    )
    assert made["text/plain"].count("Searched for: lake zurich area; lake zurich ferry; a & b\n") == 1


def test_suggestions_without_links_are_not_an_empty_region():
    made = bundle(grounded(groundingMetadata={"searchEntryPoint": {"renderedContent": "<b>words</b>"}}))
    place = re.search(r'<div class="gm-queries"[^>]*>(.*?)</div>', made["text/html"])[1]
    assert place == "<small>The response's <code>grounding</code> has the search suggestions.</small>"


def test_many_unfinished_links_in_suggestions_take_little_time():
    for text in ("<a>" * 13_000, "<a " * 13_000, "<a>x</b>" * 5_000):
        ledger = grounded(groundingMetadata={"searchEntryPoint": {"renderedContent": text}})
        assert_cpu_below(lambda ledger=ledger: answer_sources(ledger), 0.5)


def test_a_quotation_without_an_address_is_named_once():
    metadata = {"citations": [{"startIndex": 0, "endIndex": 4, "license": "mit"}]}
    made = bundle(ledger_of(chunk({"text": "Some words."}, finishReason="STOP", citationMetadata=metadata)))
    for kind in ("text/plain", "text/markdown", "text/html"):
        assert re.sub(r"&#\d+;|<[^>]*>", "", made[kind]).count("quoted") == 1


def test_the_html_of_search_suggestions_is_only_in_the_record():
    made = bundle(grounded())
    assert ".carousel" not in made["text/html"] + made["text/markdown"] + made["text/plain"]
    assert ".carousel" in made[RECORD]["suggestions"]
    assert [each["passages"] for each in made[RECORD]["sources"][:3]] == [1, 2, 1]
    assert made[RECORD]["queries"] == ["lake zurich area", "lake zurich ferry"]


def test_a_record_without_sources_has_no_field_for_them():
    made = bundle(ledger_of(chunk({"text": "a"}, finishReason="STOP")))
    assert not {"sources", "queries", "suggestions"} & made[RECORD].keys()
    assert "gm-sources" not in made["text/html"]


def test_many_sources_stay_within_the_size_of_the_record():
    sources = [{"web": {"uri": f"https://a.example/{n}", "title": "t" * 500}} for n in range(1500)]
    ledger = grounded(
        groundingMetadata={"groundingChunks": sources, "searchEntryPoint": {"renderedContent": "x" * 30_000}}
    )
    made = bundle(ledger)
    assert len(made[RECORD]["sources"]) == 200
    assert made[RECORD]["capped"]["sources"] == "200 of 1,001 sources"
    assert made[RECORD]["capped"]["suggestions"] == "0 of 1 search suggestions"
    assert made["text/html"].count("<li>") == 101  # one of the answer
    assert "901 more sources are in the response&#x27;s <code>sources</code>." in made["text/html"]


def test_markdown_and_plain_text_have_numbers_and_a_list():
    made = bundle(grounded())
    for text in (made["text/markdown"], made["text/plain"]):
        assert "lies in Switzerland.⁽²⁾ It is 88 km² large.⁽²⁾⁽³⁾" in text
        assert "- Ferries cross it all year.⁽¹⁾" in text
    assert "Searched for: lake zurich area; lake zurich ferry" in made["text/plain"]
    assert (
        "Searched for: [lake zurich area](https://www.google.com/search?q=lake%20zurich%20area); "
        "[lake zurich ferry](https://www.google.com/search?q=lake%20zurich%20ferry)" in made["text/markdown"]
    )
    assert (
        "2. [Zürichsee](https://maps.google.com/?cid=7) · maps.google.com · Google Maps"
        in made["text/markdown"]
    )
    assert (
        "2. Zürichsee · maps.google.com · Google Maps · https://maps.google.com/?cid=7" in made["text/plain"]
    )


def test_a_terminal_prints_the_sources_below_the_answer():
    out = io.StringIO()
    view = TerminalView(grounded(), out)
    view.open()
    view.update(final=True)
    view.close()
    assert "\n\nSources:\n1. zsg.example · https://vertexaisearch" in out.getvalue()


def test_a_citation_is_listed_with_its_license_and_marked():
    quoted = {"startIndex": 0, "endIndex": 38, "uri": "https://code.example/x", "license": "MIT"}
    html = html_of(
        grounded(groundingMetadata=None, urlContextMetadata=None, citationMetadata={"citations": [quoted]})
    )
    assert ">code.example</a> · quoted, license: MIT</li>" in html
    assert len(MARK.findall(html)) == 1


def test_marks_are_in_the_stretches_between_the_other_parts_of_an_answer():
    first, second = "Ää is **one**. ", "Öö is `two` and three.\n"
    text = first + second
    metadata = {
        "groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a"}}],
        "groundingSupports": [
            support("Ää is **one**.", 0, text=text),
            support("Öö is `two`", 0, text=text),
            support("is `two` and three.", 0, text=text),
        ],
    }
    run = [
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
    ]
    thought = {"text": "Hmm, ä.", "thought": True}
    parts = [thought, {"text": first}, *run, {"text": second[:9]}, {"text": second[9:]}]
    made = bundle(ledger_of(chunk(*parts, groundingMetadata=metadata, finishReason="STOP")))
    assert MARK.findall(made["text/html"]) == [MARK.search(made["text/html"])[0]] * 3
    assert '</strong>.<sup class="gm-cite">' in made["text/html"]
    assert '<code>two</code><sup class="gm-cite">' in made["text/html"]
    for name in ("text/markdown", "text/plain"):
        assert "Ää is **one**.⁽¹⁾" in made[name]
        assert "Öö is `two`⁽¹⁾ and three.⁽¹⁾" in made[name]


def test_a_running_answer_has_no_marks_and_no_list():
    ledger = ledger_of(chunk({"text": TEXT}, groundingMetadata=GROUNDING), close=False)
    made = bundle(ledger)
    assert "gm-cite" not in made["text/html"]
    assert "Sources" not in made["text/plain"]


@pytest.mark.parametrize("form", ["text", "json", "code", "html"])
def test_other_formats_have_the_list_without_marks(form):
    ledger = grounded()
    ledger.display = ledger.display._replace(form=form)
    html = html_of(ledger)
    assert "gm-cite" not in html
    assert html.count('<div class="gm-sources"') == 1


@pytest.mark.parametrize("attack", attacks()[:: 3 if LONG else 61])
def test_hostile_sources_become_allowed_html_only(attack):
    html = html_of(hostile(attack))
    assert audit_output(html) == []


def test_hostile_sources_cannot_control_a_terminal():
    made = bundle(hostile(bad()))
    assert_printable(made["text/plain"], "text/plain")
    assert_printable(made["text/markdown"], "text/markdown")


def test_no_key_is_shown_of_what_a_server_calls_a_source():
    key = "AIzaSyCANARYCANARYCANARY-00000000000000"
    made = bundle(hostile(key))
    assert CANARY not in str(made)
    assert key not in str(made)


def test_many_supports_are_marked_in_linear_time():
    text = "A short sentence of words. " * 4000
    starts = range(0, len(text) - 30, 27)
    supports = [
        {
            "segment": {"startIndex": at, "endIndex": at + 26, "text": text[at : at + 26]},
            "groundingChunkIndices": [0],
        }
        for at in starts
    ]
    web = [{"web": {"uri": "https://a.example/", "title": "a"}}]
    ledger = grounded(text, groundingMetadata={"groundingChunks": web, "groundingSupports": supports})
    assert html_of(ledger).count("gm-cite") == 3999


def test_a_place_that_does_not_fit_is_found_by_its_text():
    shifted = support("It is 88 km² large.", 0)
    shifted["segment"]["startIndex"] += 3
    shifted["segment"]["endIndex"] += 3
    web = [{"web": {"uri": "https://a.example/", "title": "a"}}]
    made = bundle(grounded(groundingMetadata={"groundingChunks": web, "groundingSupports": [shifted]}))
    assert "It is 88 km² large.⁽¹⁾" in made["text/plain"]
