"""What the timing of an answer measures, and the labels that it is shown with."""

import pytest

from gemini_magic.events import Usage
from gemini_magic.timing import TIMING_LABELS, Timing, measure

MARKS = {"connect": 0.02, "first_byte": 0.5, "first_thought": 0.6, "first_text": 1.0, "total": 4.5}


def test_every_field_has_a_label():
    assert tuple(TIMING_LABELS) == Timing._fields
    timing = measure(MARKS, [0.6, 1.0, 2.0, 4.6], Usage(output=30, thoughts=10))
    assert timing.labels() == [
        ("connect", "0.020 s"),
        ("first byte", "0.500 s"),
        ("first thought", "0.600 s"),
        ("first text", "1.000 s"),
        ("total", "4.500 s"),
        ("median gap", "1.000 s"),
        ("p95 gap", "2.600 s"),
        ("longest gap", "2.600 s"),
        ("chunks/s", "0.8"),
        ("tokens/s", "10.0"),
    ]


def test_what_is_not_known_has_no_label():
    assert measure({"total": 1.0}, [0.5], Usage()).labels() == [("total", "1.000 s")]


@pytest.mark.parametrize("usage", [Usage(), Usage(prompt=5, total=5)])
def test_a_rate_without_counts_is_unknown(usage):
    assert measure({}, [0.0, 1.0], usage).tokens_per_second is None


def test_the_time_between_two_rounds_is_no_gap():
    times = [0.0, 0.1, 0.2, 30.0, 30.1]
    timing = measure({}, times, Usage(output=9), [3])
    assert timing.longest_gap == pytest.approx(0.1)
    assert timing.chunks_per_second == pytest.approx(10)
    assert timing.tokens_per_second == pytest.approx(30)
