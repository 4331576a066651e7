"""What can be done about an ending depends on what had arrived, and on which limit was reached."""

from __future__ import annotations

import pytest
from view_stage import feed, new_ledger

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.endings import ending_of
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
    ledger.limit = 1.0
    ledger.close(cause, t=1.0)
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
        finish=finish_of("CONTINUATION"),
        blocked=None,
        failure=None,
        error=None,
        chars=0,
        chunks=1,
        limit=None,
    )
    assert "the same question again" in said.error.remedy
