"""The words that look into an answer, in a real shell; and the page about them, run block by block."""

from __future__ import annotations

import re

import pytest
from heard import counts, heard, said
from surroundings import CHECKOUT

from gemini_magic import prices
from gemini_magic.errors import OptionError


@pytest.fixture
def looked(cells):
    cells("%%gemini -q -o first\none two three")
    cells("%%gemini -q -o second\none")
    return cells


def test_rows_are_picked_by_conditions(looked):
    first = looked.names["first"]
    assert looked("%gemini chunks first --where kind~text").result == first.chunks.where("kind~text")
    rows = looked('%gemini events first --where "kind = text" --where part.text~t').result
    assert [row.text.strip() for row in rows] == ["two", "three"]
    assert looked("%gemini events --where=kind=finish").result == looked.names["second"].events.where(
        kind="finish"
    )
    assert len(looked("%gemini usage second --where output>0").result) > 0
    assert looked("%gemini notes first --where severity=error").success
    assert looked.shown == "Nothing odd was seen.\n"


def test_the_times_are_told_with_what_they_mean(cells):
    r = cells.names["r"] = heard(said("a", usage=counts(5, 1)), said("b", finish="STOP", usage=counts(5, 9)))
    cells("%gemini timing r")
    lines = {line.split()[0]: line for line in cells.shown.splitlines()}
    assert set(lines) == {name for name, value in r.timing._asdict().items() if value is not None}
    assert re.fullmatch(r"first_text +0\.100 +until the first text", lines["first_text"])
    assert re.match(
        r"tokens_per_second +90\.000 +tokens of answer and thinking, from the first",
        lines["tokens_per_second"],
    )


def test_two_answers_are_set_side_by_side(looked):
    wanted = looked.names["first"].diff(looked.names["second"]).facts
    for line, names in (
        ("first second", ("first", "second")),
        ("first", ("first", "the last one")),
        ("", ("the one before", "the last one")),
    ):
        made = looked(f"%gemini diff {line}").result
        assert made.facts == wanted
        assert made.names == names
        assert f">{names[0]}</th>" in made._repr_html_()
        assert names[1] in repr(made).splitlines()[0]


def test_last_takes_a_name_too(looked):
    assert looked("%gemini last first").result is looked.names["first"]
    assert looked("%gemini last").result is looked.names["second"]
    assert looked("%gemini last 2").result is looked.names["first"]


def test_notes_tell_where(cells):
    cells.names["r"] = heard(said("a", finish="STOP"), said("", finish="STOP", newField=1))
    cells("%gemini notes r")
    assert "info: A part has an empty text. (empty-part, chunk 1, byte " in cells.shown
    assert "newField" in cells.shown


def test_costs_are_told_with_their_source(cells, monkeypatch):
    usage = counts(1000, 500, thoughtsTokenCount=200)
    cells.names["r"] = heard(said("a", finish="STOP", usage=usage))
    cells("%gemini usage r")
    assert re.match(
        r"cost: \$0\.00205 by genai-prices [\d.]+ for gemini-2\.5-flash: input 0\.000300, output", cells.shown
    )
    cells("%gemini usage")
    assert "cost: nothing was asked" in cells.shown
    cells("%%gemini -q\none")
    cells("%gemini usage")
    assert "cost: not known: there is no price" in cells.shown
    monkeypatch.setattr(prices, "find_spec", lambda _: None)
    cells("%gemini usage")
    assert 'pip install "gemini-magic[prices]"' in cells.shown


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ("%gemini events --where", "--where needs a condition.", "--where kind=text"),
        ("%gemini events --were kind=text", "has no option --were.", "Did you mean --where?"),
        ("%gemini events -m x", "has no option -m.", "--where CONDITION"),
        ("%gemini events --where knid=text", "There is no field 'knid'", "Did you mean kind?"),
        ("%gemini events --where 'text~('", "cannot be read", "\\("),
        ("%gemini events --where 'text", "quotation mark", "--where"),
        ("%gemini timing --where kind=text", "`%gemini timing` takes no --where.", "events, chunks"),
        ("%gemini timing frist", "There is no 'frist'.", "Did you mean `first`?"),
        ("%gemini curl first", "No server was asked", "--dry-run"),
        ("%gemini diff first scond", "There is no 'scond'.", "Did you mean `second`?"),
        ("%gemini diff first second third", "takes two words after it", "diff [NAME [NAME2]]"),
        ("%gemini last third", "'third' is not a number of answers", "`%gemini last 2`"),
        ("%gemini tming", "There is no word 'tming'.", "Did you mean `%gemini timing`?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_remedy(looked, line, message, remedy):
    error = looked.error(line)
    assert isinstance(error, OptionError) or message == "No server was asked"
    assert message in error.message
    assert remedy in error.remedy


@pytest.mark.parametrize("word", ["timing", "curl", "diff", "usage r"])
def test_with_nothing_asked_there_is_a_remedy(cells, word):
    error = cells.error(f"%gemini {word}")
    assert error.remedy


def test_help_comes_for_each_word(cells):
    for word in ("events", "chunks", "usage", "notes", "timing", "curl", "diff", "last"):
        cells(f"%gemini help {word}")
        assert cells.shown.startswith(f"%gemini {word} [")
        by_option = cells(f"%gemini {word} -h")
        assert by_option.success


def test_the_page_about_inspecting_runs_as_it_is_written(cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (CHECKOUT / "docs" / "inspecting.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 5
    for block in blocks:
        result = cells(block)
        assert result.success, f"{block}\n{result.error_in_exec or result.error_before_exec}"
