"""Limits of time in tests: a loss fails, whatever the machine, and a slow or busy machine does not."""

import calibration
import pytest
from calibration import assert_cpu_below, assert_ratio_below, assert_soon, soon


def work(loops):
    """Work that takes `loops` times the CPU time of the calibration loop."""

    def run():
        for _ in range(loops):
            calibration._loop()

    return run


@pytest.fixture
def wall(monkeypatch):
    """How long a calibration loop takes in wall time, as a number of times the reference; a list of one number."""
    factor = [1.0]
    now = [0.0]

    def clock():
        now[0] += factor[0] * calibration.REFERENCE
        return now[0]

    monkeypatch.setattr(calibration.time, "perf_counter", clock)
    monkeypatch.setattr(calibration.os, "getloadavg", lambda: (0.0, 9.0, 9.0))
    return factor


def test_the_measured_cpu_time_does_not_depend_on_the_machine():
    limit = 4 * calibration.REFERENCE
    assert_cpu_below(work(2), limit)
    with pytest.raises(AssertionError, match="s of CPU time, the limit is"):
        assert_cpu_below(work(9), limit, times=2)


@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_a_slower_machine_gets_more_cpu_time_and_a_faster_one_less(monkeypatch, factor):
    """The machine is `factor` times as fast as one whose calibration loop takes the reference time."""
    monkeypatch.setattr(calibration, "REFERENCE", calibration.REFERENCE * factor)
    assert_cpu_below(work(2), 4 * calibration.REFERENCE)
    with pytest.raises(AssertionError):
        assert_cpu_below(work(9), 4 * calibration.REFERENCE, times=2)


def test_a_delay_on_an_idle_machine_fails(wall):
    assert_soon(0.19, 0.2)
    with pytest.raises(AssertionError, match=r"0\.250 s, the limit is 0\.200 s \(0\.2 s on the idle"):
        assert_soon(0.25, 0.2)


def test_a_busy_machine_gets_more_wall_time_in_proportion(wall):
    wall[0] = 4.0
    assert_soon(0.7, 0.2)
    with pytest.raises(AssertionError, match=r"takes 4\.00 times as long"):
        assert_soon(0.9, 0.2)


def test_a_machine_that_was_busy_until_now_gets_more_wall_time(wall, monkeypatch):
    monkeypatch.setattr(
        calibration.os, "getloadavg", lambda: (3.0 * (calibration.os.cpu_count() or 1), 0.0, 0.0)
    )
    assert_soon(0.55, 0.2)
    with pytest.raises(AssertionError, match=r"takes 3\.00 times as long"):
        assert_soon(0.65, 0.2)


def test_a_fast_machine_gets_no_less_wall_time_because_pauses_are_not_shorter(wall):
    wall[0] = 0.5
    assert_soon(0.19, 0.2)
    with pytest.raises(AssertionError):
        assert_soon(0.21, 0.2)


def test_the_time_of_a_with_block_is_limited(wall):
    with soon(2 * calibration.REFERENCE):
        pass
    with pytest.raises(AssertionError), soon(2 * calibration.REFERENCE):
        for _ in range(3):
            calibration.time.perf_counter()


def test_growth_beyond_the_ratio_fails_in_every_round():
    rounds = []

    def counted():
        rounds.append(1)
        work(9)()

    assert assert_ratio_below(work(2), work(1), 5) < 5
    with pytest.raises(AssertionError, match="the limit is 4 times"):
        assert_ratio_below(counted, work(1), 4, rounds=3)
    assert len(rounds) == 3
    assert_ratio_below(work(9), work(1), 4, slack=1000)
