"""Tool runs in the saved bundle and in growing answers: folded, in order, cleaned, and with a clock of their own."""

from __future__ import annotations

import html
import re
from base64 import b64decode

import pytest
from hostile_strings import assert_printable, bad
from html_audit import audit, audit_framed, payloads
from markdown_it import MarkdownIt
from media_samples import end, picture
from tool_answers import run_of, set_run, tool_ledger

from gemini_magic.content import Blob, Call
from gemini_magic.ledger import Confirmation
from gemini_magic.media import read_raster
from gemini_magic.views import bundle
from gemini_magic.views.html import HtmlView
from gemini_magic.views.live import LiveView

TRUSTING = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def saved(*parts):
    found = bundle(end(tool_ledger(*parts)), inspector=False)
    assert audit_framed(re.sub(r'<span class="gm-spark".*?</span>', "", found["text/html"])) == []
    assert audit(TRUSTING.render(found["text/markdown"])) == []
    assert_printable(found["text/plain"], "text/plain")
    return found


def readable(markup):
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", markup, flags=re.DOTALL))


def hostile_run(text, number=0):
    """A run with a text in every field."""
    shown = ({"text/plain": text, "text/html": text, "image/png": text},)
    return run_of(
        text,
        number=number,
        state="failed",
        args={text: text, "deep": [{text: text}]},
        message=text,
        result={text: text},
        stdout=text,
        stderr=text,
        displays=shown,
        approved=text,
    )


def test_runs_are_folded_lines_in_the_order_of_the_answer():
    found = saved(
        "Let me look.",
        run_of(result="21 °C", seconds=0.3),
        run_of("plot", number=1, args={}, media=(picture(40, 30),), seconds=1.2, stdout="a\n"),
        "It is warm.",
    )
    text = readable(found["text/html"])
    places = [
        text.index(each)
        for each in (
            "Let me look.",
            'weather(city="Paris") → 21 °C · 0.3 s',
            "plot() →  · 1.2 s · printed 1 line",
            "It is warm.",
        )
    ]
    assert places == sorted(places)
    assert found["text/html"].count('<details class="gm-tool"><summary>') == 2
    assert " open" not in found["text/html"]
    assert '▸ weather(city="Paris") → 21 °C · 0.3 s' in found["text/plain"]
    assert "arguments" not in found["text/plain"]
    assert "▸ plot" in readable(TRUSTING.render(found["text/markdown"]))


def test_an_open_run_has_arguments_result_output_pictures_and_who_approved_it():
    run = run_of(
        args={"n": 1, "why": "x"},
        result={"a": [1]},
        stdout="line one\n",
        stderr="careful\n",
        displays=({"text/plain": "a table"},),
        media=(picture(40, 30),),
        approved="you",
    )
    markup = saved(run)["text/html"]
    text = readable(markup)
    for each in ('"why": "x"', '"a": [', "line one", "careful", "a table", "Approved by you"):
        assert each in text
    assert 'width="40" height="30"' in markup


def test_the_line_shows_small_pictures_in_place_of_words():
    summary = re.compile("<summary>(.*?)</summary>")
    markup = saved(run_of(result="two", media=(picture(400, 300), picture(20, 20)), seconds=1.0))["text/html"]
    icons = re.findall('<img src="data:image/(?:png|jpeg);base64,([^"]+)" alt="\\[picture\\]">', markup)
    sizes = [read_raster(b64decode(icon))[2:] for icon in icons]
    assert sizes == [(72, 54), (20, 20)]
    assert '→ two <span class="gm-icons"><img' in summary.search(markup)[1]
    assert summary.search(markup)[1].endswith("</span> · 1.0 s")
    many = saved(run_of(media=(picture(40, 30),) * 9))["text/html"]
    assert "→ [9 pictures]" in summary.search(many)[1]
    broken = saved(run_of(media=(Blob("image/png", b"no picture"),)))["text/html"]
    assert "→ [picture]" in summary.search(broken)[1]


def test_a_notebook_without_media_has_no_small_pictures():
    ledger = end(tool_ledger(run_of(media=(picture(40, 30),))))
    ledger.display = ledger.display._replace(media_size=0.0)
    markup = bundle(ledger, inspector=False)["text/html"]
    assert "→ [picture]" in markup
    assert "gm-icons" not in markup


def test_what_the_line_does_not_show_is_in_markdown_and_text():
    run = run_of(args={"text": "x" * 300}, result="first\nsecond")
    found = saved(run)
    for form in ("text/plain", "text/markdown"):
        assert "x" * 300 in found[form]
        assert "first\nsecond" in found[form]


def test_saved_markdown_is_readable_as_text():
    run = run_of(args={"city": "Paris & Rome"}, result='a "warm" day')
    found = saved("\n\nFirst.\n\n\n", run, "\n\n\n", run_of(args={}, result=1), "\n\nLast.\n")[
        "text/markdown"
    ]
    assert found.partition("\n\n")[2].splitlines() == [
        "First.",
        "",
        '▸ weather(city="Paris & Rome") → a "warm" day',
        "",
        "▸ weather() → 1",
        "",
        "Last.",
    ]


@pytest.mark.parametrize("text", [bad(), *payloads()[::7]])
def test_a_hostile_run_is_text_in_every_form(text):
    found = saved("Before.", hostile_run(text), "After.")
    assert re.findall(r'(?:src|href)="[^"]*"', found["text/html"]) == []


@pytest.fixture
def ledger():
    return tool_ledger("Let me look.", run_of(state="queued"))


def tick(view, clock, seconds=1.0):
    clock.now += seconds
    view.update(final=True)


def test_a_running_tool_ticks_without_a_new_line_or_text(ledger, stage, clock, monkeypatch):
    view = LiveView(ledger, clock=clock)
    monkeypatch.setattr("gemini_magic.views.live_sections.elapsed_seconds", lambda _: clock.now - 100.0)
    view.open()
    tick(view, clock)
    set_run(ledger, run_of(state="running", started=1.0))
    tick(view, clock)
    start = len(stage.messages)
    for _ in range(3):
        tick(view, clock)
    changed = [
        data["state"]["value"]
        for _, kind, _, data in stage.messages[start:]
        if "value" in (data or {}).get("state", ())
    ]
    clocks = [value for value in changed if "gm-clock" in value]
    assert [re.sub("<[^>]*>", "", value) for value in clocks] == ["2 s", "3 s", "4 s"]
    assert not any("gm-tool" in value or "Let me" in value for value in changed)
    set_run(ledger, run_of(result="21 °C", seconds=3.4))
    tick(view, clock)
    shown = readable(stage.html())
    assert 'weather(city="Paris") → 21 °C · 3.4 s' in shown
    assert '<span class="gm-clock">' not in stage.html()
    end(ledger)
    view.close()
    assert stage.displays[-1][0]["text/html"] == bundle(ledger)["text/html"]


def buttons(stage):
    return [
        (comm_id, state["description"])
        for comm_id, state in stage.state.items()
        if state.get("_model_name") == "ButtonModel"
    ]


@pytest.mark.parametrize(("position", "decision"), [(0, "run"), (1, "skip"), (2, "stop"), (3, "always")])
def test_a_waiting_run_has_its_complete_arguments_and_buttons(stage, clock, position, decision):
    run = run_of(state="confirming", args={"path": "a\u202e\u200b" + "b" * 3_000, "how": "<b>"})
    ledger = tool_ledger("Text.", run)
    question = Confirmation(run)
    ledger.set_confirmation(question)
    view = LiveView(ledger, clock=clock)
    view.open()
    tick(view, clock)
    shown = readable(stage.html())
    assert "Run weather with these arguments?" in shown
    assert "b" * 3_000 in shown
    assert "⟨U+202E⟩⟨U+200B⟩" in shown
    assert "<b>" in shown
    assert [text for _, text in buttons(stage)] == [
        "Run",
        "Skip",
        "Stop",
        "Always for this tool in this session",
    ]
    view._widgets.all[[w.comm.comm_id for w in view._widgets.all].index(buttons(stage)[position][0])].click()
    assert question.decision == decision
    ledger.set_confirmation(None)
    set_run(ledger, run_of(state="skipped", args=run.call.args))
    tick(view, clock)
    assert "with these arguments?" not in readable(stage.html())
    end(ledger)
    view.close()


def test_huge_arguments_are_shown_whole_behind_a_fold():
    from gemini_magic.views.item_html import confirmation_html  # noqa: PLC0415

    markup = confirmation_html(run_of(args={"text": "x" * 90_000}))
    assert audit_framed(markup.replace(' role="alert"', "")) == []
    assert readable(markup).count("x") > 90_000
    assert "Show all 90,0" in markup


def test_the_first_decision_counts():
    question = Confirmation(run_of())
    assert question.wait(0) is None
    question.decide("skip")
    question.decide("run")
    assert question.wait(0) == "skip"


def test_a_call_becomes_a_run_where_it_stands(stage, clock):
    ledger = tool_ledger("Text.", Call("weather", {"city": "Paris"}))
    view = LiveView(ledger, clock=clock)
    view.open()
    tick(view, clock)
    set_run(ledger, run_of(result="21"))
    tick(view, clock)
    assert readable(stage.html()).count("weather(") == 1
    assert "→ 21" in readable(stage.html())
    end(ledger)
    view.close()


def test_html_that_is_replaced_shows_the_clock_in_the_line(stage, clock, monkeypatch):
    ledger = tool_ledger("Text.", run_of(state="running", started=0.0))
    monkeypatch.setattr("gemini_magic.views.live_sections.elapsed_seconds", lambda _: 5.0)
    view = HtmlView(ledger, clock=clock)
    view.open()
    assert 'weather(city="Paris") · running · 5 s' in readable(stage.displays[-1][0]["text/html"])
    end(ledger)
    view.close()


def test_the_texts_of_very_many_runs_are_bounded_and_the_lines_stay():
    runs = [run_of(number=n, args={"n": n}, result="x" * 19_000) for n in range(90)]
    markup = saved(*runs)["text/html"]
    assert len(markup) < 1_500_000
    assert markup.count('<details class="gm-tool">') == 90
    assert "<code>r.tool_runs[89]</code> has the arguments, the result and the output." in markup
