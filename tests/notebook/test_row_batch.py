"""Cells with --rows in the batch tier, in a shell without a kernel."""

from __future__ import annotations

import pytest
from batch_server import BatchServer

from gemini_magic.row_runs import batch


@pytest.fixture
def ask(cells, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "_FIRST_LOOK", 0.01)
    cells.names["rows"] = [{"id": n, "text": f"text {n}"} for n in range(3)]
    with BatchServer() as server:

        def ask(line):
            own = f"--rows rows --id id --base-url {server.base_url} --backend gemini -m gemini-2.5-flash"
            return cells(f"%%gemini {own} {line}\n{{{{ row.text }}}}")

        ask.cells, ask.server, ask.store = cells, server, f"--store {tmp_path}/t.rows.sqlite"
        yield ask


def test_a_cell_asks_its_rows_as_a_batch_job(ask):
    assert ask(f"{ask.store} --service-tier batch -o run").success
    run = ask.cells.names["run"]
    assert [row.text for rows in run.results() for row in rows] == ["TEXT 0", "TEXT 1", "TEXT 2"]
    assert ask.server.created == 1
    assert "costs half of the standard price" in ask.cells.shown


def test_a_cell_in_the_batch_tier_needs_a_store_and_names_the_flag(ask):
    error = ask("--service-tier batch").error_in_exec
    assert "needs a store" in error.message
    assert "--store" in error.remedy
    assert ask.server.requests == []


def test_a_dry_run_of_a_cell_shows_the_prices_of_the_tiers(ask):
    assert ask("--dry-run --price 1,1").success
    assert "batch: about $" in ask.cells.shown
    assert set(ask.server.kinds()) == {"count"}


def test_a_cell_without_rows_refuses_the_batch_tier(ask):
    error = ask.cells.error(
        f"%%gemini --base-url {ask.server.base_url} --backend gemini --service-tier batch\nhi"
    )
    assert "many rows only" in error.message
    assert ask.server.requests == []
