"""`%gemini models` and `--count`, which ask a server but call no model; and the attempts in `%gemini traceback`."""

from __future__ import annotations

from fake_server import Script, google_error, status

from gemini_magic.catalog import TokenCount
from gemini_magic.errors import OptionError, ServiceError

LIST = "/v1beta/models"
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.1s"}


def listing(server):
    flash = {"name": "models/flash-x", "displayName": "Flash X", "inputTokenLimit": 1048576, "thinking": True}
    body = {"models": [flash, {"name": "models/pro-y"}]}
    server.route(LIST, Script([status(200, body=body)]))


def test_models_are_listed_as_a_table(cells, fake_server):
    listing(fake_server)
    cells(f"%gemini models --backend gemini --base-url {fake_server.base_url}")
    lines = [line.split() for line in cells.shown.splitlines()]
    assert ["flash-x", "1,048,576", "yes", "Flash", "X"] in lines
    assert ["pro-y"] in lines


def test_models_are_filtered_by_a_part_of_their_name(cells, fake_server):
    listing(fake_server)
    cells(f"%gemini models PRO --backend gemini --base-url {fake_server.base_url}")
    assert "pro-y" in cells.shown
    assert "flash-x" not in cells.shown
    cells(f"%gemini models zzz --backend gemini --base-url {fake_server.base_url}")
    assert "The server lists no model with 'zzz' in its name." in cells.shown


def test_a_backend_without_a_list_and_a_server_that_refuses(cells, fake_server):
    assert isinstance(cells.error("%gemini models --backend echo"), OptionError)
    fake_server.route(LIST, Script([status(403, body=google_error(403, "No.", "PERMISSION_DENIED"))]))
    assert isinstance(
        cells.error(f"%gemini models --backend gemini --base-url {fake_server.base_url}"), ServiceError
    )


def test_counting_tokens_calls_no_model(cells, fake_server):
    fake_server.route("/v1beta/models/m:countTokens", Script([status(200, body={"totalTokens": 7})]))
    cells("x = 3")
    cells(f"%%gemini -m m --count -o n --backend gemini --base-url {fake_server.base_url}\nCount {{{{ x }}}}")
    assert cells.names["n"] == TokenCount(7, None, {})
    (request,) = fake_server.requests
    assert "Count 3" in str(request.body)
    assert "_gemini" not in cells.names


def test_a_backend_or_a_recording_cannot_count_tokens(cells):
    assert "cannot count" in cells.error("%%gemini --count\nhi").message
    assert (
        "A recording cannot count tokens."
        in cells.error("%%gemini --count --replay builtin:tour\nhi").message
    )
    cells("%%gemini --count --dry-run -o n\nhi")  # shows the request and sends nothing
    assert "hi" in repr(cells.names["n"])


def test_traceback_lists_every_attempt(cells, fake_server):
    busy = Script([status(503, body=google_error(503, "Busy.", "UNAVAILABLE", RETRY))])
    fake_server.answers("m", busy, Script([status(404, body=google_error(404, "Gone.", "NOT_FOUND"))]))
    cells.error(f"%%gemini -m m --backend gemini --base-url {fake_server.base_url}\nhi")
    cells("%gemini traceback")
    first, second = cells.shown.splitlines()[-2:]
    assert first.startswith("attempt 1: http://127.0.0.1")
    assert first.endswith("HTTP 503, eof: 503: Busy.")
    assert second.startswith("attempt 2: after a wait of 0.1 s, http://127.0.0.1")
