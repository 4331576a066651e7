"""Tests of runs over rows that are killed: nothing is lost or swapped, and few rows are asked twice."""

import os

import pytest
from rows_kills import kill_runs, zygote

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forks of one process")

KILLS, ROWS, AT_ONCE = 5, 240, 16


@pytest.fixture(scope="module")
def starter():
    with zygote() as running:
        yield running


def test_rows_in_doubt_are_asked_again_and_nothing_is_lost(starter, tmp_path):
    counted = kill_runs(
        starter, tmp_path / "a.rows.sqlite", "again", kills=KILLS, rows=ROWS, concurrency=AT_ONCE
    )
    # A row that was in flight at three of the kills stays in doubt.
    assert counted.complete + counted.exhausted == ROWS
    assert counted.doubtful == counted.exhausted <= AT_ONCE
    assert counted.wrong == 0
    assert counted.again <= KILLS * AT_ONCE
    assert counted.most_doubtful <= AT_ONCE


def test_rows_in_doubt_that_are_skipped_are_never_asked_twice(starter, tmp_path):
    counted = kill_runs(
        starter, tmp_path / "a.rows.sqlite", "skip", kills=KILLS, rows=ROWS, concurrency=AT_ONCE
    )
    assert counted.again == 0
    assert counted.wrong == 0
    assert counted.complete + counted.doubtful == ROWS
    assert counted.doubtful <= KILLS * AT_ONCE
