"""`%gemini inspect` and `r.inspect()`: the answer again, with a word to the inspector to unfold itself."""

from __future__ import annotations

import pytest
from IPython.lib.pretty import pretty

from gemini_magic import Response
from gemini_magic.errors import OptionError
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
def test_it_shows_the_answer_with_the_inspector_unfolded(cells, published, code):
    cells(ASK)
    published.clear()
    result = cells(code)
    assert result.success
    assert result.result is None
    [(data, metadata)] = published
    assert metadata == {RECORD: {"expanded": True}}
    assert data[RECORD]["text"] == cells.names["answer"].text
    assert "text/html" in data


def test_it_has_a_record_also_where_notebooks_keep_none(cells, published):
    cells("%config GeminiMagics.record_size = 0")
    cells(ASK)
    assert cells.names["answer"].ledger.look.record_size == 0
    assert RECORD not in cells.names["answer"]._repr_mimebundle_()
    published.clear()
    cells("%gemini inspect")
    assert published[0][0][RECORD]["count"] == len(cells.names["answer"].chunks)


def test_without_an_answer_it_says_so(cells):
    error = cells.error("%gemini inspect nothing")
    assert isinstance(error, OptionError)
    assert "There is no 'nothing'." in error.message


def test_conditions_that_no_note_meets_and_words_that_take_none(cells):
    cells("%%gemini --replay builtin:odd --speed 0 -o odd\nWhat can be odd about a stream?")
    cells("%gemini notes odd --where severity=error")
    assert cells.shown == f"No note fits; there are {len(cells.names['odd'].notes)}.\n"
    assert len(cells("%gemini usage odd --where 'total < 30'").result) < len(cells.names["odd"].usage_history)
    error = cells.error("%gemini timing odd --where t>1")
    assert (error.message, error.remedy) == (
        "`%gemini timing` takes no --where.",
        "events, chunks, usage and notes do.",
    )


def test_the_timing_of_a_recording_without_times(cells, tmp_path):
    cells(ASK)
    cells.names["answer"].save(tmp_path / "answer.sse")
    cells.names["loaded"] = Response.load(tmp_path / "answer.sse")
    assert set(cells.names["loaded"].timing) == {None}
    assert " 0.0 s" not in cells.names["loaded"]._repr_mimebundle_()["text/plain"]
    cells("%gemini timing loaded")
    assert cells.shown == "This recording holds no arrival times.\n"
    shown = pretty(cells.names["answer"].timing).splitlines()
    assert [line.split("  ")[0] for line in shown[:2]] == ["first byte", "first text of the answer"]
    assert len(pretty((1, cells.names["answer"].timing)).splitlines()) < 4


def test_the_size_of_records_is_a_setting(cells):
    cells("%config GeminiMagics.record_size = 0.05")
    cells("%%gemini -o answer\n" + "many words " * 9000)
    made = cells.names["answer"]._repr_mimebundle_()[RECORD]
    assert made["capped"]
    assert len(str(made)) < 60_000
    error = cells.error("%gemini config record_size=-1")
    assert "record_size must be a number from 0 to 64, not '-1'." in error.message
