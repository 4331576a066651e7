"""What can be done about an ending depends on what had arrived, and on which limit was reached."""

from __future__ import annotations

import pytest
from view_stage import feed, new_ledger

from gemini_magic.endings import ending_of, repeated_overlap
from gemini_magic.events import Finish
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.views.status import details


def remedy(cause, text="", *, pieces=()):
    ledger = new_ledger()
    exchange = Exchange("POST", "http://x", (), b"")
    for piece in pieces:
        exchange.pieces.append(piece)
    ledger.begin(exchange)
    if text:
        feed(ledger, text)
    ledger.close(cause, t=1.0, limit=1.0)
    return details(ledger).remedy


@pytest.mark.parametrize("cause", ["interrupt", "stop", "stalled", "timeout", "end"])
def test_the_rest_is_spoken_of_only_where_something_had_arrived(cause):
    assert "asks for the rest" in remedy(cause, "Half", pieces=[(0.1, b"x")])
    said = remedy(cause)
    assert "asks the same question again" in said
    assert "rest" not in said
    assert "kept" not in said


def test_the_option_is_named_whose_limit_was_reached():
    assert "`--first-byte-timeout` waits longer" in remedy("stalled")
    assert "`--stall-timeout` waits longer" in remedy("stalled", pieces=[(0.1, b": ping\n")])


def test_a_pause_before_any_text_asks_again():
    said = ending_of(
        "end",
        finish=Finish("CONTINUATION"),
        blocked=None,
        failure=None,
        error=None,
        chars=0,
        chunks=1,
        limit=None,
    )
    assert "the same question again" in said.error.remedy


FIRST = "Once upon a time there was a king who had three daughters, and the"


@pytest.mark.parametrize(
    ("rest", "count"),
    [
        (" eldest was clever.", 0),
        ("three daughters, and the eldest was clever.", len("three daughters, and the")),
        ("\n three daughters, and the eldest", len("three daughters, and the")),
        ("daughters, and the eldest", 0),  # 18 characters
        ("three daughters, and a son", 0),  # new text with the same beginning
        (FIRST, len(FIRST)),
        (FIRST + " eldest was clever.", len(FIRST)),
        ("three daughters, an", 0),  # too short to tell
        ("", 0),
    ],
)
def test_the_overlap_of_a_resumed_answer_is_counted(rest, count):
    assert repeated_overlap(FIRST, rest) == count


def test_a_rest_that_starts_the_whole_answer_again_overlaps_completely():
    long = "".join(f"line {n}\n" for n in range(2_000))
    assert repeated_overlap(long, long + "and on") == len(long)
    assert repeated_overlap(long, "line 1990\nline 1991\n") == 0


def test_a_single_repeated_letter_takes_linear_time():
    assert repeated_overlap("a" * 100_000, "a" * 50_000) == 4_000
    assert repeated_overlap("", "a" * 100) == 0
