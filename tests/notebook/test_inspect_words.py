"""`%gemini inspect` and `r.inspect()`: the answer again, with a word to the inspector to unfold itself."""

from __future__ import annotations

import pytest

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


def test_the_size_of_records_is_a_setting(cells):
    cells("%config GeminiMagics.record_size = 0.05")
    cells("%%gemini -o answer\n" + "many words " * 9000)
    made = cells.names["answer"]._repr_mimebundle_()[RECORD]
    assert made["capped"]
    assert len(str(made)) < 60_000
    error = cells.error("%gemini config record_size=-1")
    assert "record_size: '-1' is not a number from 0 to 64." in error.message
