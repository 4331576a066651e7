"""Tests of `gemini_magic.row_runs.budget` and `breaker`: reserved dollars, known prices, equal refusals."""

import pytest

from gemini_magic.backends import backend
from gemini_magic.options import Options
from gemini_magic.row_runs.breaker import CircuitBreaker
from gemini_magic.row_runs.budget import Budget, TokenRates, dollars_text, token_rates
from gemini_magic.row_runs.values import Attempted

RATES = TokenRates(0.001, 0.01)


def test_rows_in_flight_are_reserved_at_the_price_of_the_longest_answer():
    budget = Budget(1.0, 0.5, RATES, max_tokens=20)
    assert budget.estimate(10) == pytest.approx(0.21)
    budget.reserve(1, 10)
    assert budget.fits(10)
    budget.reserve(2, 10)
    assert not budget.fits(10)
    budget.settle(1, 0.05, paid=True)
    assert budget.spent == pytest.approx(0.55)
    assert budget.fits(10)
    budget.settle(2, None, paid=True)  # of unknown cost: it counts as what was reserved
    assert budget.spent == pytest.approx(0.76)
    assert budget.empty


def test_a_refused_row_costs_nothing():
    budget = Budget(1.0, 0.0, RATES, max_tokens=20)
    budget.reserve(1, 10)
    budget.settle(1, None, paid=False)
    assert (budget.spent, budget.empty) == (0.0, True)


def test_without_max_tokens_rows_are_reserved_at_the_95th_percentile_of_the_costs():
    budget = Budget(100.0, 0.0, RATES, max_tokens=None)
    assert budget.estimate(10) == pytest.approx(0.01)  # the prompt, before the first answer
    for number in range(100):
        budget.settle(number, 0.01 * (number + 1), paid=True)
    assert budget.estimate(10) == pytest.approx(0.95)


def test_without_a_limit_everything_fits():
    budget = Budget(None, 0.0, None, None)
    budget.reserve(1, 10**9)
    assert budget.fits(10**9)
    assert budget.empty


def test_prices_are_those_of_the_user_or_of_the_list():
    given = token_rates(backend("gemini"), Options(model="m", price="0.3,2.5"))
    assert given == pytest.approx((0.3e-6, 2.5e-6))
    assert token_rates(backend("gemini"), Options(model="no-such-model")) is None
    pytest.importorskip("genai_prices")
    listed = token_rates(backend("gemini"), Options(model="models/gemini-2.5-flash"))
    assert listed.received > listed.sent > 0


def test_dollars_are_short():
    assert [dollars_text(amount) for amount in (0, 0.00123, 0.5, 1234.567)] == [
        "$0",
        "$0.00123",
        "$0.500",
        "$1,234.57",
    ]


def refusal(reason="400 INVALID_ARGUMENT", status=400):
    return Attempted(1, 1, "error", "eof", http_status=status, reason=reason, error="no", permanent=True)


def test_the_first_row_stops_the_run_if_the_key_is_refused():
    assert "first row" in CircuitBreaker().refused(refusal("401 UNAUTHENTICATED", 401))
    proven = CircuitBreaker()
    proven.answered()
    assert not proven.refused(refusal("401 UNAUTHENTICATED", 401))


def test_five_equal_refusals_in_a_row_stop_the_run():
    breaker = CircuitBreaker()
    assert [bool(breaker.refused(refusal())) for _ in range(5)] == [False] * 4 + [True]


def test_different_refusals_and_answers_between_them_do_not():
    breaker = CircuitBreaker()
    for number in range(4):
        assert not breaker.refused(refusal())
        assert not breaker.refused(refusal(f"400 OTHER_{number}"))


def test_scattered_refusals_may_be_five_percent_of_many_rows():
    breaker = CircuitBreaker()
    stopped = 0
    for number in range(2000):
        if number % 25 == 24 and number > 200:
            stopped += bool(breaker.refused(refusal()))
        else:
            breaker.answered()
    assert stopped == 0
    assert CircuitBreaker(2).refused(refusal()) == ""
