"""Cells whose answer is made on the server without a connection: following, stopping and finding them again."""

import pytest
from client_stage import until
from interactions_server import answer, text

from gemini_magic.journaling import started_interactions


@pytest.fixture
def ask(cells, interactions_server, monkeypatch):
    """Runs a cell that asks an agent in the background; returns what the cell returns."""
    monkeypatch.setenv("STORED_KEY", "AIzaINTERACTIONS0123456789abcdefghijklm")
    cells("%config GeminiMagics.backend = 'interactions'")

    def asked(options="", body="Why?"):
        server = f"--base-url {interactions_server.base_url} --key-env STORED_KEY"
        return cells(f"%%gemini --agent antigravity-1 --server-background {server} {options}\n{body}")

    return asked


def test_stop_cancels_the_run_on_the_server_and_says_so(cells, ask, interactions_server):
    interactions_server.plan(answer(text("Working", " done")), gates={4: "open"})
    ask("--background -o r")
    response = cells.names["r"]
    until(lambda: response.text)
    cells("%gemini stop")
    assert "Stopped r after 7 characters. It was cancelled on the server." in cells.shown
    assert interactions_server.cancelled == [response.response_id]
    assert [each.status for each in started_interactions().all()] == ["cancelled"]
    assert response.ledger.cause == "stop"
