"""A model that repeats one token or phrase without end is noticed while it streams, and ordinary answers are not."""

from __future__ import annotations

import random
import time

import pytest
from markdown_answers import answer
from view_stage import feed, new_ledger

from gemini_magic.ledger.repetition import RepetitionDetector
from gemini_magic.views.status import repetition_notice, warnings


def phrase_of(text, size=7):
    """The phrase that is noticed first while a text arrives, and after how many characters."""
    detector = RepetitionDetector()
    for at in range(0, len(text), size):
        detector.add(text[at : at + size])
        if detector.phrase:
            return detector.phrase, at
    return "", len(text)


PHRASES = {
    "a token": "the ",
    "a letter": "a",
    "line ends": "\n",
    "spaces in JSON": " \n\t",
    "a sentence": "I hope that this answers your question, and I am happy to help with anything else. ",
    "a paragraph": "".join(f"Sentence number {k} of this paragraph says something. " for k in range(12))
    + "\n\n",
    "a phrase with a phrase inside": "ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ho ",
    "a row of a table": "| 1 | 2 | 3 |\n",
    "an object": '{"name": "x", "value": 1},\n',
    "emoji": "🙂🙃",
}


@pytest.mark.parametrize("name", PHRASES)
@pytest.mark.parametrize("size", [1, 7, 5_000])
def test_a_phrase_without_end_is_noticed(name, size):
    phrase = PHRASES[name]
    found, after = phrase_of(answer(3_000) + phrase * (8_000 // len(phrase) + 1), size)
    assert len(found) == len(phrase)
    assert found in phrase * 2
    assert after <= 3_000 + max(3_000, 6 * len(phrase)) + max(600, size)


def _code(chance):
    return "\n".join(
        f"    parser.add_argument('--{chance.random()}', type=int, default=0)" for _ in range(200)
    )


ORDINARY = {
    "answers": lambda chance: answer(60_000, chance.randint(0, 99)),
    "a table": lambda chance: "| a | b |\n|---|---|\n" + "".join(f"| {k} | 0 |\n" for k in range(2_000)),
    "rules of a wide table": lambda _: ("|" + "-" * 900 + "|\n|" + "=" * 900 + "|\n| words |\n") * 4,
    "code of similar lines": _code,
    "laughter": lambda _: "It was funny: " + "ha " * 300 + "and then it went on. " * 30,
    "numbered lines": lambda _: "".join(f"{k}. The same words.\n" for k in range(1_000)),
    "bytes in hex": lambda _: "0x00, " * 256 + "\n",
    "JSON": lambda chance: "".join(f'{{"id": {k}, "value": {chance.random()}}},\n' for k in range(500)),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_text_raises_no_alarm(name):
    chance = random.Random(name)
    assert phrase_of(ORDINARY[name](chance), chance.choice((3, 40, 900)))[0] == ""


def test_a_character_costs_a_constant_time():
    def seconds(text):
        began = time.process_time()
        phrase_of(text, 40)
        return time.process_time() - began

    for unit in ("ab" * 49 + "c", "a" * 999 + "b"):
        text = (unit * 400_000)[:400_000]
        detector = RepetitionDetector()
        began = time.process_time()
        for at in range(0, len(text), 40):
            detector.add(text[at : at + 40])
        assert time.process_time() - began < 2
    assert seconds(answer(100_000)) < 1


@pytest.mark.parametrize("where", ["text", "thought"])
def test_the_stream_gets_one_note_and_the_status_line_a_hint(where):
    ledger = new_ledger()
    for number in range(400):
        if where == "text":
            feed(ledger, "again and again ", t=number / 10)
        else:
            feed(ledger, thought="again and again ", t=number / 10)
    [note] = [note for note in ledger.notes if note.kind == "endless-repetition"]
    assert "16 characters" in note.message
    assert 100 < note.chunk < 300
    assert "Stop" in repetition_notice(ledger)
    assert ledger.status == "running"
    feed(
        ledger,
        "".join(f"something else {k} " for k in range(100)),
        thought="".join(f"or {k} " for k in range(300)),
    )
    assert not repetition_notice(ledger)
    ledger.close("end", t=50.0)
    assert any("again and again" in line for line in warnings(ledger, list(ledger.notes)))
