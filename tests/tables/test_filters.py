"""Conditions as people type them."""

from __future__ import annotations

import re
import signal
import time

import pytest
from calibration import assert_soon

from gemini_magic.tables import filters
from gemini_magic.tables.filters import parse_condition


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("x=1", [1.0], True),
        ("x=1", ["1"], True),
        ("x==1", [2], False),
        ("x = STOP", ["STOP"], True),
        ("x = 'a b '", ["a b "], True),
        ("x != 1", [1, 2], False),
        ("x != 1", [], True),
        ("x>1.5", [1, 2], True),
        ("x <= 2", ["2"], False),
        ("x < 2", [True], False),
        ("x = true", [True], True),
        ("x = true", [1], False),
        ("x = null", [None], True),
        ("x ~ ^#", ["# head"], True),
        ("x ~ \\d+", [42], True),
        ("x !~ b", ["abc"], False),
        ("x !~ b", [None], True),
        ("x ~ ^a\nb", ["a\nb"], True),
        ("x", ["", None], False),
        ("x", [0], True),
        ("candidates.*.finishReason=STOP", ["STOP"], True),
    ],
)
def test_a_condition_holds_for_values(text, values, holds):
    assert parse_condition(text).holds(values) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a valid condition. Write FIELD OP VALUE"),
        ("= 3", "is not a valid condition. Write FIELD OP VALUE"),
        ("a b = 3", "is not a valid condition. Write FIELD OP VALUE"),
        ("x > much", "which is not a number"),
        ("size > 100 and t < 5", "Pass each condition separately"),
        ("t>1.5,t<3", "Pass each condition separately"),
        ("candidates[0].finishReason=STOP", r"`candidates\.0\.finishReason=STOP`"),
        ("x ~ (", "is not a valid regular expression"),
    ],
)
def test_an_invalid_condition_is_an_error_with_a_hint(text, message):
    with pytest.raises(ValueError, match=message):
        parse_condition(text)


ENDLESS = ["(a+)+$", "(a|a)*$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$"]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_regular_expression_that_never_ends_is_stopped(pattern, monkeypatch):
    monkeypatch.setattr(filters, "_SEARCH_TIME", 0.3)
    condition = parse_condition(f"text ~ {pattern}")
    begun = time.monotonic()
    with pytest.raises(ValueError, match="was stopped after"):
        for _ in range(1000):
            condition.holds(["a" * 5000 + "!"])
    assert_soon(time.monotonic() - begun, 5)


def test_a_search_that_never_ends_can_be_interrupted():
    condition = parse_condition("text ~ (a|aa)+$")
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            condition.holds(["a" * 5000 + "!"])
        assert_soon(time.monotonic() - begun, 1.5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^#+ ", "## a", True),
        ("a{2}", "aa", True),
        ("x*y?$", "", True),
        (r"\bfoo\w*", "a food", True),
        ("(?i)AB+", "abb", True),
    ],
)
def test_a_limited_search_finds_what_re_finds(pattern, text, found):
    assert parse_condition(f"text ~ {pattern}").holds([text]) is found is bool(re.search(pattern, text))
