"""How much of an answer's first part its rest says again."""

import pytest

from gemini_magic.ledger.ledger import repeated

FIRST = "Once upon a time there was a king who had three daughters, and the"


@pytest.mark.parametrize(
    ("rest", "count"),
    [
        (" eldest was clever.", 0),
        ("three daughters, and the eldest was clever.", len("three daughters, and the")),
        ("\n three daughters, and the eldest", len("three daughters, and the")),
        ("daughters, and the eldest", 0),  # 18 characters
        ("three daughters, and a son", 0),  # said anew, not repeated
        (FIRST, len(FIRST)),
        (FIRST + " eldest was clever.", len(FIRST)),
        ("three daughters, an", 0),  # too short to tell
        ("", 0),
    ],
)
def test_what_the_rest_repeats(rest, count):
    assert repeated(FIRST, rest) == count


def test_a_long_answer_said_again_from_its_beginning():
    long = "".join(f"line {n}\n" for n in range(2_000))
    assert repeated(long, long + "and on") == len(long)
    assert repeated(long, "line 1990\nline 1991\n") == 0


def test_one_letter_over_and_over_takes_no_time():
    assert repeated("a" * 100_000, "a" * 50_000) == 4_000
    assert repeated("", "a" * 100) == 0
