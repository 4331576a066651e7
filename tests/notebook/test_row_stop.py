"""``%gemini stop`` and runs over rows that another thread or subshell waits for."""

import pytest
from fake_server import FakeServer, finish, gate, text
from rows_stage import refused, start_asking, table

from gemini_magic.errors import RowsError
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
    assert all(run.wait(60) for run in runs)
    assert [run.progress.state for run in runs] == ["stopped", "stopped"]
    assert len(server.requests) == 2
    cells("%gemini stop first")
    assert cells.shown == "The run has ended.\n"
    cells("%gemini stop")
    assert cells.shown == "No request is running.\n"
    assert not running_runs()


@pytest.mark.parametrize(
    ("options", "steps", "message"),
    [
        ("--max-cost 0.001 --price 1000,1000", (text("Hello"), finish()), "(max_cost) was reached"),
        (
            "",
            (refused(400, "INVALID_ARGUMENT", "bad"),),
            "5 rows were refused for the same reason: 400 INVALID_ARGUMENT: bad",
        ),
    ],
)
def test_a_run_that_a_limit_or_the_server_ends_fails_its_cell(cells, server, options, steps, message):
    server.model("m", *steps)
    cells.names["rows"] = table(40)
    line = f"-m m --backend gemini --base-url {server.base_url} --key-env TEST_KEY --concurrency 1"
    error = cells.error(f"%%gemini --rows rows --id id -o run {line} {options}\n{{{{ row.text }}}}")
    assert isinstance(error, RowsError)
    assert message in str(error)
    assert error.remedy
    assert cells.names["run"].progress.state == "stopped"
    assert cells.shown.count(message) <= 1
