"""Tests of what a run gives to the user: frames, responses by key, and an error that says what failed."""

import pandas as pd
import pytest
from fake_server import FakeServer, finish, text
from rows_stage import ask_rows, table

from gemini_magic.errors import OptionError
from gemini_magic.views import status_line


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")


@pytest.fixture
def server():
    with FakeServer() as running:
        running.model("m", text('{"label": "bug", '), text('"urgency": 3}'), finish())
        yield running


def test_a_schema_gives_one_column_a_field(server):
    frame = pd.DataFrame(table(3))
    run = ask_rows(server, frame, schema="label bug|idea, urgency int")
    assert list(run.df["label"]) == ["bug"] * 3
    assert list(run.df["urgency"]) == [3] * 3
    assert list(run.df["_status"]) == ["complete"] * 3
    joined = run.join(frame)
    assert list(joined.columns)[:4] == ["id", "text", "label", "urgency"]
    assert list(run.column("label")) == ["bug"] * 3


def test_a_response_is_found_by_key_and_by_position(server):
    run = ask_rows(server, table(3), schema="label bug|idea, urgency int")
    response = run.at["T-1"]
    assert response.parsed == {"label": "bug", "urgency": 3}
    assert len(response.chunks) == 3
    assert status_line(response.ledger).endswith("· from the store")
    with pytest.raises(OptionError, match="loaded from a store"):
        response.reply("And now?")
    assert run.iat[2].text == response.text
    assert run.progress.rows[0].fields == {"label": "bug", "urgency": 3}
    assert run.progress.fields == ("label", "urgency")
