"""``--decide`` on the line of a cell: a text, a variable, an expression, and rows."""

import json

import pytest
from fake_server import Script, status

QUESTIONS = {"spam": "Is this spam?", "topic": "What is it? sport | news"}
ANSWERS = {
    "spam": {"type": "noul", "noul": 0.95, "confidence": 0.95},
    "topic": {"type": "choice", "choice": "sport", "probabilities": {"sport": 0.8}, "confidence": 0.8},
}


@pytest.fixture
def server(fake_server, monkeypatch):
    """A server that answers both questions."""
    monkeypatch.setenv("GEMINI_API_KEY", "")
    fake_server.route("/v1beta/decisions", Script([status(200, body={"answers": ANSWERS})]))
    return fake_server


def test_a_cell_decides(cells, server):
    cells.names["asked"] = QUESTIONS
    address = f"--base-url {server.base_url} --backend gemini"
    for line in ("--decide asked", "--decide {{ asked }}"):
        assert cells(f"%%gemini -o r {line} {address}\nBuy now").success, cells.shown
        assert cells.names["r"].parsed["topic"] == "sport"
    assert '"topic": "sport"' in cells.shown
    assert cells(f"%%gemini --decide 'Is it {{{{ asked['spam'][8:] }}}}' --dry-run {address}\nx").success
    assert '"instructions": "Is it spam?"' in cells.shown
    rows = json.dumps(["a", "b"])
    assert cells(f"%%gemini --decide asked -o run --rows '{rows}' {address}\n{{{{ row }}}}").success
    assert list(cells.names["run"].df["spam"]) == [True, True]
    assert "does not support decisions" in str(cells.error("%%gemini --decide 'Is it?'\nx"))
