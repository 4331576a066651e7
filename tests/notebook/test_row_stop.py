"""``%gemini stop`` and runs over rows that another thread or subshell waits for."""

import pytest
from fake_server import FakeServer, finish, gate, text
from rows_stage import start_asking, table

from gemini_magic.row_runs import running_runs


@pytest.fixture
def server(monkeypatch):
    """A server that answers when a test opens its gate."""
    monkeypatch.setenv("TEST_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")
    with FakeServer() as running:
        running.model("m", gate("answer"), text("Hello"), finish())
        yield running


def test_stop_ends_the_runs_that_go_on_and_names_them(cells, server):
    runs = [start_asking(server, table(3)) for _ in range(2)]
    cells.names["first"], cells.names["second"] = runs
    server.wait_for_requests(2)
    assert set(running_runs()) == set(runs)
    cells("%gemini stop second")
    assert cells.shown.startswith("Stopping second: no more rows are asked")
    cells("%gemini stop")
    assert "Stopping first: no more rows" in cells.shown
    server.open("answer")
    assert all(run.wait(30) for run in runs)
    assert [run.progress.state for run in runs] == ["stopped", "stopped"]
    assert len(server.requests) == 2
    cells("%gemini stop first")
    assert cells.shown == "The run has ended.\n"
    cells("%gemini stop")
    assert cells.shown == "No request is running.\n"
    assert not running_runs()
