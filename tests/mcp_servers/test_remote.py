"""MCP servers that the model's server calls: what is sent, what is shown, and what is refused."""

from __future__ import annotations

import json

import pytest
from fake_server import finish, text

import gemini_magic
from gemini_magic.errors import OptionError
from gemini_magic.mcp_servers import own_file

TOKEN = 'canary-"token"-é-55'
KEY = "AIzaREMOTE0123456789abcdefghijklmnopqrs"


@pytest.fixture(autouse=True)
def _entries(monkeypatch):
    monkeypatch.setenv("WEB_TOKEN", TOKEN)
    monkeypatch.setenv("REMOTE_KEY", KEY)
    entries = {
        "web": {"url": "https://mcp.example.com/mcp", "headers": {"Authorization": "Bearer ${WEB_TOKEN}"}},
        "query": {"url": "https://mcp.example.com/mcp?key=${WEB_TOKEN}"},
        "program": {"command": "npx"},
        "plain": {"url": "http://mcp.example.com/mcp"},
        **{name: {"url": f"https://{host}/mcp"} for name, host in LOCAL.items()},
    }
    own_file().parent.mkdir(parents=True, exist_ok=True)
    own_file().write_text(json.dumps({"mcpServers": entries}))


@pytest.fixture
def server(fake_server):
    fake_server.model("m", text("ok"), finish())
    return fake_server


LOCAL = {
    "localhost": "localhost:8000",
    "loopback": "127.0.0.1",
    "loopback6": "[::1]:3000",
    "private": "192.168.1.5",
    "link": "169.254.169.254",
    "intranet": "wiki",
    "mdns": "box.local.",
}


def asked(server, name, **options):
    return gemini_magic.ask(
        "Hi",
        backend="gemini",
        model="m",
        base_url=server.base_url,
        key_env="REMOTE_KEY",
        remote_mcp=[name],
        **options,
    )


@pytest.mark.parametrize("name", ["web", "query"])
def test_the_servers_secrets_are_sent_and_shown_nowhere(server, name, tmp_path):
    r = asked(server, name, record=str(tmp_path / "r.jsonl"))
    (tool,) = server.requests[-1].body["tools"]
    (sent,) = tool["mcpServers"]
    transport = sent["streamableHttpTransport"]
    assert sent["name"] == name
    if name == "web":
        assert transport == {
            "url": "https://mcp.example.com/mcp",
            "headers": {"Authorization": f"Bearer {TOKEN}"},
        }
    else:
        assert transport == {"url": f"https://mcp.example.com/mcp?key={TOKEN}"}
    shown = [repr(r), repr(r.request), str(r.notes)]
    shown += [r.ledger.exchanges[0].body.decode(), (tmp_path / "r.jsonl").read_text("utf-8")]
    assert "canary" not in "".join(shown)
    notes = " ".join(row.message for row in r.notes)
    assert f"The model's server calls the MCP server {name} at https://mcp.example.com/mcp" in notes
    assert ("receives its headers Authorization" in notes) == (name == "web")


@pytest.mark.parametrize("name", ["web", "query"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "its secret part"])
@pytest.mark.parametrize("token", [TOKEN, "canary-0123456789"], ids=["odd", "plain"])
def test_a_secret_that_the_server_repeats_is_masked(server, name, whole, token, tmp_path, monkeypatch):
    monkeypatch.setenv("WEB_TOKEN", token)
    secret = {"web": f"Bearer {token}", "query": f"https://mcp.example.com/mcp?key={token}"}[name]
    echoed = secret if whole else token
    pieces = [text(f"A {echoed} and {KEY}, "), finish(message=f"called {echoed}")]
    if token.isascii():  # the escaped characters of another one are found in one piece only
        pieces[1:1] = [text(f"B {token[:9]}"), text(token[9:])]
    server.model("m", *pieces)
    r = asked(server, name, record=str(tmp_path / "r.jsonl"))
    assert r.text.count("<key>") == 2 + token.isascii()
    recorded = (tmp_path / "r.jsonl").read_text("utf-8")
    for shown in (r.text, recorded, repr(list(r.chunks)), repr(list(r.events)), repr(r.notes)):
        assert "canary" not in shown
        assert token[9:] not in shown


@pytest.mark.parametrize("name", [*LOCAL, "program", "plain", "nope"])
def test_what_the_models_server_cannot_call_is_refused_before_anything_is_sent(server, name):
    with pytest.raises(OptionError) as caught:
        asked(server, name)
    assert caught.value.remedy
    assert not server.requests


@pytest.mark.parametrize("backend", ["vertex", "gateway"])
def test_a_backend_without_remote_servers_refuses_them(server, backend):
    with pytest.raises(OptionError, match=r"does not call MCP servers|does not support tools"):
        gemini_magic.ask(
            "Hi",
            backend=backend,
            model="m",
            base_url=server.base_url,
            key_env="REMOTE_KEY",
            remote_mcp=["web"],
        )
    assert not server.requests
