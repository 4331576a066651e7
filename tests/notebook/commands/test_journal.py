"""The commands of the journal."""

import re

import pytest
from IPython.lib.pretty import pretty
from journal_stage import sql
from projects import write_project

import gemini_magic
from gemini_magic.errors import JournalError, OptionError
from gemini_magic.journal.reader import JournalReader
from gemini_magic.journaling import journal
from gemini_magic.notebook.commands.journal import JOURNAL_COMMANDS


@pytest.fixture
def asked(cells):
    """A shell in which three cells have run."""
    for prompt in ("Why is the sky blue?", "Name a *bird*.", "Another bird."):
        cells(f"%%gemini -q --journal\n{prompt}")
    return cells


def test_the_summary_and_the_path(cells):
    cells("%gemini journal")
    assert cells.shown.startswith("There is no journal yet.\nAnswers are saved when a cell receives them")
    assert cells.shown.endswith(f"The file will be {journal().path}.\n")
    cells("%gemini journal path")
    assert cells.shown == f"{journal().path}\n"
    cells("%%gemini -q --journal\nhello")
    cells("%gemini journal")
    lines = [line.split(None, 1) for line in cells.shown.splitlines()]
    assert [line[0] for line in lines[:4]] == ["journal", "answers", "size", "since"]
    assert lines[0][1] == str(journal().path)
    assert lines[1][1] == "1"
    assert lines[2][1].endswith(" kB")


def test_help_names_all_journal_commands(cells):
    cells("%gemini help journal")
    usages = set(re.findall(r"`(\w+)", cells.shown))
    assert usages == set(JOURNAL_COMMANDS)


def test_list_returns_the_newest_answers_as_a_table(asked):
    rows = asked("%gemini journal list").result
    assert [(row.id, row.status, row.question) for row in rows] == [
        (3, "complete", "Another bird."),
        (2, "complete", "Name a *bird*."),
        (1, "complete", "Why is the sky blue?"),
    ]
    assert rows[0].tokens is None  # the echo backend uses none
    assert rows[0].answer == "Another bird."


def test_all_rows_of_a_list_are_displayed(asked):
    for number in range(12):
        asked(f"%%gemini -q --journal\nbird {number}")
    for word in ("list", "search bird"):
        rows = asked(f"%gemini journal {word}").result
        for shown in (pretty(rows), rows._repr_html_(), pretty(rows[:13])):
            assert all(f"bird {number}" in shown for number in range(12))
            assert "⋮" not in shown
    assert len(pretty(rows).splitlines()) == 2 + len(rows)


def test_search_finds_words_and_phrases(asked):
    assert [row.id for row in asked("%gemini journal search bird").result] == [3, 2]
    assert [row.id for row in asked("%gemini journal search bird name").result] == [2]
    assert [row.id for row in asked("%gemini journal search 'sky blue'").result] == [1]
    assert asked("%gemini journal search zebra 'of mine'").result is None
    assert asked.shown == "No answer in the journal matches zebra 'of mine'.\n"


def test_show_displays_an_answer_and_open_returns_it(asked):
    shown = asked("%gemini show 2").result
    assert (shown.text, shown.status) == ("Name a *bird*.", "complete")
    assert asked.shown.startswith("2 · 20")
    assert "from the journal" in asked.shown
    assert asked("%gemini show").result.text == "Another bird."
    opened = asked("%gemini journal open 1").result
    assert asked.names["_"] is opened
    assert opened.text == "Why is the sky blue?"
    assert "<Response complete: echo" in asked.shown
    assert " is assigned to `_`.\n" in asked.shown
    assert "from the journal" not in asked.shown  # open returns it without a display
    asked("_")
    assert "from the journal" in asked.shown
    assert asked("%gemini journal show 1").result.text == opened.text
    assert len(asked("%gemini last").result.text) > 0


def test_last_continues_with_the_answers_in_the_journal(asked):
    assert asked("%gemini last 3").result.text == "Why is the sky blue?"
    assert asked.error("%gemini last 4").message == "There are fewer than 4 answers."
    asked.shell.run_line_magic("reload_ext", "gemini_magic")
    asked("%config GeminiMagics.backend = 'echo'")
    asked("%%gemini -q\nnot kept")
    texts = [asked(f"%gemini last {n}").result.text for n in (1, 2, 3, 4)]
    assert texts == ["not kept", "Another bird.", "Name a *bird*.", "Why is the sky blue?"]
    assert "journal list" in asked.error("%gemini last 5").remedy


def test_forget_deletes_answers_that_have_ended(asked):
    asked("%gemini journal forget 1 3")
    assert asked.shown == "Deleted 2 answers.\n"
    assert [row.id for row in asked("%gemini journal list").result] == [2]
    asked("%gemini journal forget all")
    assert asked.shown == "Deleted 1 answer.\n"
    for word in ("list", "search x", "forget all"):
        assert asked(f"%gemini journal {word}").result is None
        assert asked.shown.startswith("The journal is empty.\nAnswers are saved when")
    error = asked.error("%gemini show")
    assert (error.message, error.remedy) == (
        "The journal is empty.",
        "Answers are saved when a cell receives them from a server.",
    )
    asked("%%gemini -q --journal --background\n@wait 30\none")
    asked("%gemini journal forget all")
    while "Not deleted because still arriving: 4." not in asked.shown:
        asked("%gemini journal forget all")
    error = asked.error("%gemini journal forget 4")
    assert (error.message, error.remedy) == (
        "Answer 4 is still arriving.",
        "Delete it after it has ended.",
    )
    asked("%gemini stop")
    asked("%gemini journal forget 4")
    assert asked.shown == "Deleted 1 answer.\n"


def test_an_export_can_be_replayed_and_loaded(asked, tmp_path):
    file = tmp_path / "all.jsonl"
    asked(f"%gemini journal export {file}")
    assert asked.shown.startswith(
        f"Exported 3 answers to {file}. `--replay` finds each answer by its question.\n"
    )
    assert "`Response.load` reads only the newest; `%gemini journal export FILE N`" in asked.shown
    assert gemini_magic.Response.load(file).text == "Another bird."
    for question in ("Name a *bird*.", "Why is the sky blue?", "Another bird."):
        asked(f"%%gemini --replay {file}\n{question}")
        assert asked.names["_gemini"].text == question
    one = tmp_path / "one.jsonl"
    asked(f"%gemini journal export {one} 1")
    assert asked.shown == f"Exported 1 answer to {one}. Read it with `--replay` or `Response.load`.\n"
    assert gemini_magic.Response.load(one).text == "Why is the sky blue?"


def test_an_export_does_not_overwrite_a_file(asked, tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text("mine")
    error = asked.error(f"%gemini journal export {file}")
    assert error.message == f"{file} already exists; `%gemini journal export` does not overwrite files."
    assert "another name" in error.remedy
    assert file.read_text() == "mine"
    sql("DELETE FROM block")  # like answers whose requests have not been sent yet
    other = tmp_path / "other.jsonl"
    assert asked.error(f"%gemini journal export {other}").message == "There is nothing to export yet."
    assert not other.exists()


@pytest.mark.parametrize("line", ["-foo", "-- -foo", "bar -foo", "--no-such", "-- -h", "-q"])
def test_a_search_text_may_begin_with_a_dash(cells, line):
    for prompt in ("bar -foo -h -q", "a --no-such thing", "neither"):
        cells(f"%%gemini -q --journal\n{prompt}")
    (row,) = cells(f"%gemini journal search {line}").result
    assert row.question != "neither"
    cells("%gemini journal search -h")
    assert cells.shown.startswith("%gemini journal")


def test_a_message_explains_that_the_journal_is_off(asked, tmp_path, monkeypatch):
    asked("%gemini")
    assert "journal" not in asked.shown
    asked("%gemini config journal=False")
    off = "Off (%config GeminiMagics): answers are not saved. To turn it on again: `%gemini config journal=`"
    for word in ("", "journal"):
        asked(f"%gemini {word}")
        assert off in asked.shown
    asked("%gemini journal forget all")
    assert asked.error("%gemini show").remedy == off
    asked("%gemini journal list")
    assert off in asked.shown
    journal().path.unlink()
    asked("%gemini journal")
    assert asked.shown == f"There is no journal yet.\n{off}\n"
    asked("%gemini config journal=")
    asked("%gemini journal")
    assert "Off" not in asked.shown
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path, "journal = false", trusted=True)
    asked("%gemini journal")
    assert f"Off ({tmp_path / 'pyproject.toml'}): " in asked.shown
    assert "To turn it on for this session: `%gemini config journal=True`" in asked.shown


@pytest.mark.parametrize(
    ("line", "kind", "message", "remedy"),
    [
        (
            "journal nothing",
            OptionError,
            "Unknown command: %gemini journal nothing",
            "Commands: path, list, search",
        ),
        ("journal path x", OptionError, "accepts no further arguments, but got 'x'.", "help journal"),
        ("journal search", OptionError, "`%gemini journal search` requires a text.", "search TEXT"),
        ("journal search *", OptionError, "A search text cannot consist of * only.", "`wor*`"),
        ("journal show one", OptionError, "'one' is not the number of an answer.", "journal list"),
        ("journal open 1 2", OptionError, "accepts no further arguments, but got '2'.", "help journal"),
        ("show 99", JournalError, "The journal has no answer 99.", "journal list"),
        (f"show {10**30}", JournalError, "The journal has no answer", "journal list"),
        ("show -1", OptionError, "'-1' is not the number of an answer.", "journal list"),
        ("last -1", OptionError, "'-1' is not a valid position of an answer.", "`%gemini last 2`"),
        (f"last {10**30}", OptionError, "is not a valid position of an answer", "`%gemini show N`"),
        ("journal forget", OptionError, "requires the number of an answer, or `all`.", "journal list"),
        ("journal forget everything", OptionError, "'everything' is not the number", "journal list"),
        ("journal forget 2 99", JournalError, "The journal has no answer 99.", "journal list"),
        ("journal export", OptionError, "requires a file name that ends in .jsonl.", "export answers.jsonl"),
        (
            "journal export a.txt",
            OptionError,
            "requires a file name that ends in .jsonl.",
            "export answers.jsonl",
        ),
        ("journal export /proc/no/a.jsonl", JournalError, "a.jsonl cannot be written", "another folder"),
    ],
)
def test_an_invalid_argument_is_refused_with_a_remedy(asked, line, kind, message, remedy):
    error = asked.error(f"%gemini {line}")
    assert type(error) is kind
    assert message in error.message
    assert remedy in error.remedy
    assert len(asked("%gemini journal list").result) == 3  # nothing was deleted


def test_before_the_first_answer_all_commands_explain_it(cells):
    for word in ("show", "journal show 1", "journal open", "journal forget 1", "journal export a.jsonl"):
        error = cells.error(f"%gemini {word}")
        assert error.message == "There is no journal yet."
        assert error.remedy == "Answers are saved when a cell receives them from a server."
    for word in ("journal list", "journal search x", "journal forget all"):
        assert cells(f"%gemini {word}").result is None
        assert cells.shown.startswith("There is no journal yet.\nAnswers are saved when")
    assert not journal().path.exists()


def test_an_unreadable_journal_is_an_error_of_its_commands_but_not_of_cells(cells):
    journal().path.mkdir(parents=True)
    for word in ("journal", "show", "journal list", "last"):
        error = cells.error(f"%gemini {word}")
        assert type(error) in (JournalError, OptionError), word
    assert "The journal cannot be used: " in cells.error("%gemini journal").message
    assert cells.error("%gemini events").message == "No request has been sent yet."
    assert cells("%%gemini --journal\nhello").success
    assert cells.names["_gemini"].text == "hello"


def test_settings_decide_which_answers_are_saved(cells):
    cells("%%gemini -q\nnot kept")
    cells("%gemini config journal=true")
    cells("%%gemini -q\nkept")
    cells("%%gemini -q --no-journal\nnot kept")
    cells("%gemini config journal=false")
    cells("%%gemini -q\nnot kept")
    cells("%%gemini -q --journal\nkept again")
    assert [row.question for row in cells("%gemini journal list").result] == ["kept again", "kept"]


def test_a_message_explains_that_deleted_data_is_still_on_the_disk(asked, monkeypatch):
    monkeypatch.setattr(JournalReader, "forget", lambda reader, numbers: False)
    asked("%gemini journal forget 1")
    assert asked.shown.startswith(
        "Deleted 1 answer.\nAnother program is reading the journal. The deleted data stays"
    )
