"""Search in questions and answers, with SQLite's full-text search and without it."""

import pytest
from journal_stage import ECHO, entries, found

import gemini_magic
from gemini_magic.journal import entry_rows
from gemini_magic.journal.entries import excerpt
from gemini_magic.journaling import journal

ASKED = (
    "Why is the sky blue?",
    "Über Äpfel & Café-Besuche",
    'A "quoted" 100% C++ thing_with_underscores',
    "天気はどうですか",
    "The SKY at night, and the blue moon",
)


CASES = (
    (["sky"], [5, 1]),
    (["SKY", "blue"], [5, 1]),
    (["sky", "why"], [1]),
    (["blue moon"], [5]),
    (["moon blue"], []),
    (["moo*"], [5]),
    (["äpfel"], [2]),
    (["ÄPFEL"], [2]),
    (["ky"], [5, 1]),
    (["天気"], [4]),
    (["100%"], [3]),
    (["with_under"], [3]),
    (["C++"], [3]),
    (['"quoted"'], [3]),
    (["'"], []),
    (["sky OR moon"], []),
    (["?"], [1]),
    (["zebra"], []),
)


@pytest.mark.parametrize("searches", [True, False], ids=["with FTS5", "without FTS5"])
def test_words_phrases_prefixes_and_parts_are_found(monkeypatch, searches):
    if not searches:
        monkeypatch.setattr(
            "gemini_magic.journal.reader.INDEX", "CREATE VIRTUAL TABLE search_index USING not_there(x)"
        )
    for prompt in ASKED:
        gemini_magic.ask(prompt, **ECHO)
    wanted = {tuple(words): [ASKED[number - 1] for number in numbers] for words, numbers in CASES}
    assert {words: found(*words) for words in wanted} == wanted
    assert found("cafe") == ([ASKED[1]] if searches else [])  # accents need not be typed
    gemini_magic.ask("another moon", **ECHO)
    assert found("moon") == ["another moon", ASKED[4]]
    with journal().reader() as reader:
        reader.forget([5])
    assert found("moon") == ["another moon"]


def test_the_table_shows_the_surroundings_of_the_match():
    long = " ".join(f"word{n}" for n in range(500))
    gemini_magic.ask(long, **ECHO)
    entries()
    with journal().reader() as reader:
        rows = entry_rows(reader.entries(reader.search(["word321"], 5)), ["word321"])
    assert rows.columns == ("id", "started", "model", "status", "question", "answer", "tokens")
    assert rows[0].answer.startswith("… word3")
    assert 0 < rows[0].answer.index("word321") < 40
    assert len(rows[0].answer) < 170
    assert rows.to_pandas().id.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("", [], ""),
        ("a\n\n b\tc", [], "a b c"),
        ("x" * 400, [], "x" * 160 + " …"),
        ("x" * 400 + "needle", ["needle"], "… needle"),
        ("short needle", ["none", "NEEDLE"], "short needle"),
    ],
)
def test_an_excerpt_is_one_line(text, words, shown):
    assert excerpt(text, words) == shown
