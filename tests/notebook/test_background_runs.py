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


def test_follow_shows_the_answer_of_an_interaction_until_its_end(cells, ask, interactions_server):
    interactions_server.plan(answer(text("Working", " done")), gates={4: "open"})
    ask("--background --timeout 0.3 -o r")
    cells.names["r"].wait(60)
    assert (cells.names["r"].text, cells.names["r"].status) == ("Working", "stalled")
    interactions_server.open("open")
    response = cells("%gemini interactions follow last -o whole").result
    assert (response.text, response.status) == ("Working done", "complete")
    assert response is cells.names["whole"]
    assert "The stored answer is read from the server; the model is not asked again." in cells.shown
    assert len(interactions_server.asked("create")) == 1
    assert [each.status for each in started_interactions().all()] == ["completed"]
    assert response.request.turns[-1].text == "Why?"


def test_follow_of_an_interaction_that_the_server_does_not_have_is_explained(cells, ask, interactions_server):
    ask()
    interaction = cells.names["_gemini"].response_id
    interactions_server.interactions.clear()
    error = cells.error(f"%gemini interactions follow {interaction}")
    assert error.code == 404
    assert error.remedy.startswith("The server does not have the answer")


def test_an_interrupt_of_a_followed_run_cancels_it_on_the_server(cells, ask, interactions_server):
    interactions_server.plan(answer(text("Working", " done")), gates={4: "open"})
    ask("--background --timeout 0.3 -o r")
    cells.names["r"].wait(60)
    cells("%gemini interactions follow last --background -o r")
    until(lambda: cells.names["r"].text)
    cells("%gemini stop")
    assert interactions_server.cancelled == [cells.names["r"].response_id]


def test_resume_of_a_run_that_was_cancelled_on_the_server_asks_anew(cells, ask, interactions_server):
    interactions_server.plan(answer(text("Working", " done")), gates={4: "open"})
    ask("--background -o r")
    until(lambda: cells.names["r"].text)
    cells("%gemini stop")
    cells("%gemini resume")
    assert len(interactions_server.asked("create")) == 2
    assert "the rest of an answer of 7 characters" in cells.shown
