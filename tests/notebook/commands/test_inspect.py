"""`%gemini inspect` and `r.inspect()`: the answer again, with the inspector expanded; and notes and timing."""

from __future__ import annotations

import base64

import pytest
from fake_server import event, finish, text
from IPython.lib.pretty import pretty
from media_samples import png

from gemini_magic import Response
from gemini_magic.errors import OptionError
from gemini_magic.prices import Cost
from gemini_magic.views.record import RECORD

ASK = "%%gemini -o answer\nSay it."


@pytest.fixture
def published(shell, monkeypatch):
    """What is displayed, as (data, metadata)."""
    found = []
    monkeypatch.setattr(
        shell.display_pub, "publish", lambda data, metadata=None, **_: found.append((data, metadata))
    )
    return found


@pytest.mark.parametrize("code", ["%gemini inspect", "%gemini inspect answer", "answer.inspect()"])
def test_it_shows_the_answer_with_the_inspector_expanded(cells, published, code):
    cells(ASK)
    published.clear()
    result = cells(code)
    assert result.success
    assert result.result is None
    [(data, metadata)] = published
    assert metadata == {RECORD: {"expanded": True}}
    assert data[RECORD]["text"] == cells.names["answer"].text
    assert "text/html" in data


def test_it_has_a_record_even_if_notebooks_save_none(cells, published):
    cells("%config GeminiMagics.record_size = 0")
    cells(ASK)
    assert cells.names["answer"].ledger.display.record_size == 0
    assert RECORD not in cells.names["answer"]._repr_mimebundle_()
    published.clear()
    cells("%gemini inspect")
    assert published[0][0][RECORD]["count"] == len(cells.names["answer"].chunks)


PICTURES = [
    event({"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}}]})
    for data in (base64.b64encode(png(width)).decode() for width in (40, 50))
]


def test_show_displays_one_picture_of_an_answer_again(cells, fake_server):
    fake_server.script(*PICTURES, finish())
    cells(f"%%gemini -o drawn --backend gemini -m m --base-url {fake_server.base_url}\nDraw it.")
    assert cells("%gemini show picture").result.size == (40, 3)
    assert cells("%gemini show picture 2 drawn").result.size == (50, 3)
    assert cells("%gemini show picture 2").result._repr_mimebundle_()["image/png"]
    error = cells.error("%gemini show picture 3")
    assert error.message == "There is no picture 3: the answer has 2 pictures."
    assert "has no audio files" in cells.error("%gemini show audio").message
    assert "one number and one name" in cells.error("%gemini show picture 1 2").message
    assert "accepts one number" in cells.error("%gemini show 1 2").message


def test_show_displays_a_picture_of_another_candidate(cells, fake_server):
    data = base64.b64encode(png(60)).decode()
    second = {"index": 1, "content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}}
    fake_server.script(PICTURES[0], event({"candidates": [second]}), finish())
    cells(f"%%gemini -o drawn --backend gemini -m m --base-url {fake_server.base_url}\nDraw it.")
    assert cells("%gemini show picture 1 candidate 1").result.size == (60, 3)
    assert cells("%gemini show picture candidate 1 drawn").result.candidate == 1
    error = cells.error("%gemini show picture 2 candidate 1")
    assert error.remedy == "`r.candidates[1].images` of the response lists them."
    for index in (2, "x", 10**30):
        error = cells.error(f"%gemini show picture 1 candidate {index}")
        assert error.message == "There is no candidate of that index."
        assert error.remedy == "The answer has the candidates: 0, 1."


def test_an_unknown_name_is_refused(cells):
    error = cells.error("%gemini inspect nothing")
    assert isinstance(error, OptionError)
    assert "No response is named 'nothing'." in error.message


def test_a_condition_without_a_match_and_a_command_without_conditions(cells):
    cells("%%gemini --replay builtin:odd --speed 0 -o odd\nWhat can be odd about a stream?")
    cells("%gemini notes odd --where severity=error")
    assert cells.shown == f"No matching notes ({len(cells.names['odd'].notes)} in total).\n"
    assert len(cells("%gemini usage odd --where 'total < 30'").result) < len(cells.names["odd"].usage_history)
    error = cells.error("%gemini timing odd --where t>1")
    assert (error.message, error.remedy) == (
        "`%gemini timing` does not accept --where.",
        "Only events, chunks, usage, notes, sources and logprobs accept it.",
    )


def test_the_timing_of_a_recording_without_times(cells, tmp_path):
    cells(ASK)
    cells.names["answer"].save(tmp_path / "answer.sse")
    cells.names["loaded"] = Response.load(tmp_path / "answer.sse")
    assert set(cells.names["loaded"].timing) == {None}
    assert " 0.0 s" not in cells.names["loaded"]._repr_mimebundle_()["text/plain"]
    cells("%gemini timing loaded")
    assert cells.shown == "This recording has no arrival times.\n"
    shown = pretty(cells.names["answer"].timing).splitlines()
    assert [line.split("  ")[0] for line in shown[:2]] == ["first byte", "first text"]
    assert len(pretty((1, cells.names["answer"].timing)).splitlines()) < 4


def test_the_size_of_records_is_a_setting(cells):
    cells("%config GeminiMagics.record_size = 0.05")
    cells("%%gemini -o answer\n" + "many words " * 9000)
    made = cells.names["answer"]._repr_mimebundle_()[RECORD]
    assert made["capped"]
    assert len(str(made)) < 60_000
    error = cells.error("%gemini config record_size=-1")
    assert "record_size must be a number from 0 to 64, not '-1'." in error.message


def test_the_cost_of_one_answer_and_of_all(cells, fake_server, monkeypatch):
    prices = {"one": Cost(0.5, "USD", None, None, "gateway", None, "m"), "two": None}
    monkeypatch.setattr(Response, "cost", property(lambda response: prices[response.text]))
    for name in prices:
        fake_server.script(text(name), finish())
        cells(f"%%gemini -q -o {name} --backend gemini -m m --base-url {fake_server.base_url}\nhi")
    cells("%gemini usage one")
    assert cells.shown.startswith("cost: $0.500 (reported by gateway of m)\n")
    cells("%gemini usage")
    assert "cost: $0.500000 by list prices, 1 of 2 answers unknown\n" in cells.shown
    prices["one"] = Cost(0.5, "USD", None, None, "genai-prices", "1.2", "m")
    cells("%gemini usage one")
    assert cells.shown.startswith("cost: $0.500 (genai-prices 1.2, list price of m)\n")
    monkeypatch.setattr("gemini_magic.notebook.commands.inspect.find_spec", lambda _: None)
    cells("%gemini usage two")
    assert cells.shown.startswith("cost: unknown; for list prices, `pip install genai-prices`\n")


def test_timing_before_the_first_byte(cells):
    cells("%%gemini -q --background\n@wait 30\none")
    cells("%gemini timing")
    assert cells.shown == "Nothing has been received yet, so there is no timing.\n"
    cells("%gemini stop")
