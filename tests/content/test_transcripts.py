"""Transcripts as text: speakers, times and paragraphs."""

import pytest

from gemini_magic.content import Text, Transcript, spoken_text


def piece(text, speaker=None, start=None, **more):
    return Transcript(text, speaker, start=start, **more)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            [piece("Hi.", "Ann", 3.7), piece("Yes?", "Bob", 65.2)],
            "**Ann (0:03):** Hi.\n\n**Bob (1:05):** Yes?",
        ),
        ([piece("Hi.", "Ann", 7207.0)], "**Ann (2:00:07):** Hi."),
        ([piece("Hi.", "Ann"), piece(" You.", "Ann")], "**Ann:** Hi. You."),
        ([piece("Hi.", start=0.0), piece("You.", start=2.0)], "Hi. You."),
        ([piece("Late.", start=9.0)], "**0:09:** Late."),
        (
            [
                piece("One.", start=0.0),
                piece("Two.", start=30.0),
                piece("Three.", start=61.0),
                piece("Four.", start=120.0),
            ],
            "One. Two.\n\n**1:01:** Three. Four.",
        ),
        (
            [piece("One.", "Ann", 5.0), piece("Two.", "Ann", 70.0)],
            "**Ann (0:05):** One.\n\n**Ann (1:10):** Two.",
        ),
        ([Text("Here:"), piece("Hi.", "Ann", 1.0)], "Here:\n\n**Ann (0:01):** Hi."),
    ],
)
def test_a_paragraph_begins_with_its_speaker_and_its_time(parts, expected):
    assert spoken_text(parts) == expected


@pytest.mark.parametrize("start", [-1.0, float("nan"), float("inf"), 1e300])
def test_an_impossible_time_is_not_shown(start):
    assert spoken_text([piece("Hi.", "Ann", start)]) == "**Ann:** Hi."
    assert (
        spoken_text([piece("Hi.", None, 0.0), piece("You.", None, start)]).replace("\n\n", " ") == "Hi. You."
    )
