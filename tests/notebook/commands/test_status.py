"""The commands about the session: state, models, traceback and version."""

from __future__ import annotations

import re
from importlib import metadata

from fake_server import Script, event, finish, google_error, reset, status, text

from gemini_magic.errors import OptionError, ServiceError

LIST = "/v1beta/models"
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.1s"}


def listing(server):
    flash = {"name": "models/flash-x", "displayName": "Flash X", "inputTokenLimit": 1048576, "thinking": True}
    omni = {"name": "models/gemini-omni-1.2-flash", "supportedGenerationMethods": ["generateContent"]}
    embedding = {"name": "models/embedding-1", "supportedGenerationMethods": ["embedContent"]}
    latest = {"name": "models/gemini-3.8-flash", "supportedGenerationMethods": ["generateContent"]}
    body = {"models": [flash, {"name": "models/pro-y"}, omni, embedding, latest]}
    server.route(LIST, Script([status(200, body=body)]))


def test_models_are_listed_as_a_table(cells, fake_server):
    listing(fake_server)
    cells(f"%gemini models --backend gemini --base-url {fake_server.base_url}")
    lines = [line.split() for line in cells.shown.splitlines()]
    assert ["flash-x", "1,048,576", "yes", "gemini", "Flash", "X"] in lines
    assert ["pro-y", "gemini"] in lines
    assert lines[0] == ["model", "input", "tokens", "output", "tokens", "thinking", "backend", "name"]
    assert cells.shown.endswith("\n\nTo use a model: `%%gemini -m MODEL`\n")


def test_the_list_says_which_backends_a_model_works_with(cells, fake_server):
    listing(fake_server)
    cells(f"%gemini models --backend interactions --base-url {fake_server.base_url}")
    lines = [line.split() for line in cells.shown.splitlines()]
    assert ["gemini-omni-1.2-flash", "interactions"] in lines
    assert ["gemini-3.8-flash", "gemini,", "interactions"] in lines
    assert ["embedding-1"] in lines


def test_models_are_filtered_by_a_part_of_their_name(cells, fake_server):
    listing(fake_server)
    cells(f"%gemini models PRO --backend gemini --base-url {fake_server.base_url}")
    assert "pro-y" in cells.shown
    assert "flash-x" not in cells.shown
    cells(f"%gemini models zzz --backend gemini --base-url {fake_server.base_url}")
    assert "The server lists no model with 'zzz' in its name." in cells.shown


def test_a_server_without_models(cells, fake_server):
    fake_server.route(LIST, Script([status(200, body={"models": []})]))
    cells(f"%gemini models --backend gemini --base-url {fake_server.base_url}")
    assert cells.shown == "The server lists no models.\n"


def test_a_backend_without_a_list_and_a_server_that_refuses(cells, fake_server):
    assert isinstance(cells.error("%gemini models --backend echo"), OptionError)
    fake_server.route(LIST, Script([status(403, body=google_error(403, "No.", "PERMISSION_DENIED"))]))
    assert isinstance(
        cells.error(f"%gemini models --backend gemini --base-url {fake_server.base_url}"), ServiceError
    )


def test_traceback_lists_every_attempt(cells, fake_server):
    busy = Script([status(503, body=google_error(503, "Busy.", "UNAVAILABLE", RETRY))])
    fake_server.answers("m", busy, Script([status(404, body=google_error(404, "Gone.", "NOT_FOUND"))]))
    cells.error(f"%%gemini -m m --backend gemini --base-url {fake_server.base_url}\nhi")
    cells("%gemini traceback")
    first, second = cells.shown.splitlines()[-2:]
    assert first.startswith("attempt 1: http://127.0.0.1")
    assert first.endswith("HTTP 503, eof: 503: Busy.")
    assert second.startswith("attempt 2: after a wait of 0.1 s, http://127.0.0.1")


def test_traceback_before_the_first_error(cells):
    cells("%gemini traceback")
    assert cells.shown == "No error so far.\n"


def test_traceback_reports_an_attempt_without_a_response(cells, fake_server):
    fake_server.script(reset())
    cells.error(f"%%gemini -q --retries 0 --backend gemini --base-url {fake_server.base_url}\nhi")
    cells("%gemini traceback")
    assert ": no response, " in cells.shown.splitlines()[-1]


def test_state_before_the_first_request(cells):
    cells("%gemini")
    assert "key      not needed: this backend runs locally\ntokens   none used\n" in cells.shown
    assert cells.shown.endswith("`%gemini help` lists the commands, `%%gemini -h` the options of a cell.\n")


def test_state_without_a_key_shows_the_remedy(cells):
    cells("%gemini config backend=gemini")
    cells("%gemini")
    assert re.search(r"^key +not found\. .*GEMINI_API_KEY", cells.shown, re.MULTILINE)


def test_versions_of_packages_that_are_not_installed(cells, monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    cells("%gemini version")
    assert "jupyterlab    not installed\n" in cells.shown


def test_replayed_tokens_and_their_cost_are_not_counted_as_used(cells, fake_server, tmp_path):
    recording = tmp_path / "one.jsonl"
    fake_server.model(
        "m", text("a"), event({"usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 10}}), finish()
    )
    where = f"-m m --backend gemini --base-url {fake_server.base_url}"
    assert cells(f"%%gemini {where} --record {recording}\nhi").success
    cells("%gemini")
    [used] = [line for line in cells.shown.splitlines() if line.startswith("tokens")]
    assert "in 1 question" in used
    assert cells(f"%%gemini {where} -o replayed --price 1,1 --replay {recording} --speed 0\nhi").success
    assert cells.names["_gemini"].usage.total
    assert cells("%%gemini -q\n@wait 0\nechoed words").success
    assert cells.names["_gemini"].usage.total
    cells("%gemini")
    assert used in cells.shown.splitlines()
    cells("%gemini usage")
    assert "cost: unknown" in cells.shown
    cells("%gemini usage replayed")
    assert cells.shown.startswith("cost: $0.0000150 (reported by --price of m; replaying it costs nothing)\n")
