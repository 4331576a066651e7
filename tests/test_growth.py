"""The measurement of growth: quadratic time fails for certain, and linear time on a busy machine does not."""

import random

import growth
import pytest
from growth import LIMIT, measure_growth


@pytest.fixture
def machine(monkeypatch):
    """Replaces the clock: an action is the number of seconds that it takes on an idle machine. Returns a setter of the noise."""
    noise = [lambda: 1.0]
    monkeypatch.setattr(growth, "_cpu_seconds", lambda seconds: seconds * noise[0]())
    return lambda function: noise.__setitem__(0, function)


def busy():
    """The noise of a busy machine: mostly up to 40 %, and one measurement of twenty takes up to three times as long."""
    chance = random.Random(4)
    return lambda: chance.uniform(2, 3) if chance.random() < 0.05 else chance.uniform(1, 1.4)


LINEAR = {
    "linear": lambda n: n * 1e-7,
    "linear with fixed costs": lambda n: 2e-3 + n * 1e-7,
    "n log n": lambda n: n * n.bit_length() * 1e-8,
    "rendering up to a limit": lambda n: min(n, 4_000) ** 2 * 1e-9 + n * 4e-6,
}
QUADRATIC = {
    "quadratic": lambda n: n * n * 1e-10,
    "quadratic, slow": lambda n: n * n * 1e-7,
    "quadratic with fixed costs": lambda n: 1e-3 + n * n * 1e-10,
    "linear with a quadratic part": lambda n: n * 1e-6 + n * n * 5e-10,
    "n to the power of 1.7": lambda n: n**1.7 * 1e-9,
}


@pytest.mark.parametrize("seconds", LINEAR.values(), ids=LINEAR)
def test_linear_time_passes_on_a_busy_machine(machine, seconds):
    machine(busy())
    for _ in range(200):
        assert measure_growth(seconds, 1_000, 64_000).ratio <= LIMIT


@pytest.mark.parametrize("seconds", QUADRATIC.values(), ids=QUADRATIC)
def test_quadratic_time_fails_on_a_busy_machine(machine, seconds):
    machine(busy())
    for _ in range(200):
        assert measure_growth(seconds, 1_000, 64_000).ratio > LIMIT


def test_what_a_process_does_once_does_not_hide_growth(machine):
    calls = iter([20.0, 20.0])
    machine(lambda: next(calls, 1.0))
    assert measure_growth(lambda n: n * n * 1e-8, 1_000, 64_000).ratio > LIMIT


def joined(n):
    """Linear."""
    return lambda: "".join("x" for _ in range(n))


def put_in_front(n):
    """Quadratic: each insertion moves all items."""

    def run():
        items = []
        for number in range(n):
            items.insert(0, number)

    return run


def test_real_code_is_measured():
    assert measure_growth(joined, 1_000, 500_000).ratio <= LIMIT
    assert measure_growth(put_in_front, 1_000, 500_000).ratio > 1.5 * LIMIT
