"""Counting tokens and listing models, against a local server."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from calibration import assert_soon
from fake_server import Script, google_error, pause, stall, status, text
from surroundings import CANARY

import gemini_magic
from gemini_magic.catalog import Model, cached_models, count_tokens, models
from gemini_magic.errors import (
    ConnectionFailed,
    CredentialsError,
    OptionError,
    ServiceError,
    StalledError,
    WireError,
)

LIST = "/v1beta/models"


def listed(*names, page=None, **more):
    value = {"models": [{"name": f"models/{name}", **more} for name in names]}
    return Script([status(200, body=value | ({"nextPageToken": page} if page else {}))])


def test_all_pages_of_the_list_are_read_and_cached(fake_server, monkeypatch):
    monkeypatch.setenv("OWN_KEY", CANARY)
    where = {"base_url": fake_server.base_url, "key_env": "OWN_KEY"}
    assert cached_models(**where) == ()
    fields = {
        "displayName": "Flash",
        "inputTokenLimit": 1048576,
        "outputTokenLimit": "65536",
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "thinking": True,
        "brandNew": 1,
    }
    fake_server.route(LIST, listed("a", page="two + 2", **fields), listed("b", page="three"), listed("c"))
    found = models(**where)
    assert [each.name for each in found] == ["a", "b", "c"]
    assert found[0] == Model("a", "Flash", 1048576, 65536, ("generateContent", "countTokens"), True)
    assert found[1] == Model("b", None, None, None, (), None)
    assert [seen.query.get("pageToken") for seen in fake_server.requests] == [None, "two + 2", "three"]
    assert {seen.query["pageSize"] for seen in fake_server.requests} == {"1000"}
    assert {(seen.method, seen.headers["x-goog-api-key"]) for seen in fake_server.requests} == {
        ("GET", CANARY)
    }
    assert cached_models(**where) == tuple(found)
    assert cached_models(**where, api_version="v1") == ()
    assert len(fake_server.requests) == 3


def test_a_list_whose_pages_repeat_ends(fake_server):
    fake_server.route(LIST, listed("a", page="again"))
    assert [each.name for each in models(base_url=fake_server.base_url)] == ["a", "a"]


def test_the_list_of_vertex_ai_is_read(fake_server):
    body = {"publisherModels": [{"name": "publishers/google/models/gemini-3.8-flash"}, "odd"]}
    fake_server.route("/v1beta1/publishers/google/models", Script([status(200, body=body)]))
    found = models(backend="vertex", base_url=fake_server.base_url)
    assert [each.name for each in found] == ["gemini-3.8-flash"]


def test_tokens_of_the_whole_request_are_counted(fake_server):
    reply = {
        "totalTokens": 31,
        "cachedContentTokenCount": 7,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 24},
            {"modality": "IMAGE", "tokenCount": "7"},
        ],
    }
    fake_server.script(status(200, body=reply))
    counted = gemini_magic.count_tokens(
        "hi",
        model="m",
        system="be brief",
        search=True,
        tools={"name": "f"},
        base_url=fake_server.base_url,
    )
    assert counted == (31, 7, {"TEXT": 24, "IMAGE": 7})
    (seen,) = fake_server.requests
    assert (seen.method, seen.path) == ("POST", "/v1beta/models/m:countTokens")
    assert seen.body == {
        "generateContentRequest": {
            "model": "models/m",
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "systemInstruction": {"parts": [{"text": "be brief"}]},
            "tools": [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f"}]}],
            "toolConfig": {"includeServerSideToolInvocations": True},
        }
    }
    assert "x-goog-api-key" not in seen.headers


def test_the_schema_is_counted(fake_server):
    fake_server.script(status(200, body={"totalTokens": 9}))
    count_tokens("hi", model="m", schema_multi="name", base_url=fake_server.base_url)
    config = fake_server.requests[0].body["generateContentRequest"]["generationConfig"]
    assert config["responseJsonSchema"]["items"]["properties"] == {"name": {"type": "string"}}


def test_a_missing_count_is_none_and_not_zero(fake_server):
    fake_server.script(status(200, body={}))
    assert count_tokens("hi", model="m", base_url=fake_server.base_url) == (None, None, {})


@pytest.mark.parametrize("dialect", ["gateway", "adaptive", "echo"])
def test_unsupported_backends_are_refused_before_sending(fake_server, dialect):
    for ask in (lambda **options: count_tokens("hi", **options), models):
        with pytest.raises(OptionError, match=dialect) as caught:
            ask(backend=dialect, base_url=fake_server.base_url)
        assert caught.value.remedy
    assert cached_models(backend=dialect) == ()
    assert fake_server.requests == []


FAULTS = [
    (status(404, body=google_error(404, "no such model", "NOT_FOUND")), ServiceError, "no such model"),
    (status(503, body="<h1>busy</h1>"), ServiceError, "busy"),
    (status(200, body="<html>a login page</html>"), WireError, "login page"),
    (status(200, body=[1]), WireError, "not JSON"),
    (text("half"), WireError, "not JSON"),
    (status(200, body="[" * 100_000), WireError, "not JSON"),
    (stall(), StalledError, "The server sent no data for 0.2 s"),
]


@pytest.mark.parametrize(("step", "error", "message"), FAULTS)
def test_errors_of_the_server_are_raised(fake_server, step, error, message):
    fake_server.script(step)
    limit = 0.2 if error is StalledError else 30.0
    with pytest.raises(error, match=message) as caught:
        count_tokens(
            "hi", model="m", base_url=fake_server.base_url, stall_timeout=limit, first_byte_timeout=limit
        )
    assert caught.value.remedy
    assert caught.value.__context__ is None


def test_an_unreachable_server_and_one_that_hangs_up_are_errors(fake_server):
    with pytest.raises(ConnectionFailed):
        models(base_url="http://127.0.0.1:9")
    fake_server.route(LIST, Script([status(200)], headers={"content-length": "99"}))
    fake_server.stop()
    with pytest.raises(ConnectionFailed):
        models(base_url=fake_server.base_url)


def test_keys_are_sent_to_their_own_hosts_only(fake_server, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    fake_server.route(LIST, listed("a"))
    models(base_url=fake_server.base_url)
    assert CANARY not in str(fake_server.requests[0].headers)
    with pytest.raises(CredentialsError, match="is for another host"):
        models(base_url=fake_server.base_url, key_env="GEMINI_API_KEY")
    monkeypatch.setenv("OWN_KEY", CANARY)
    fake_server.script(status(400, body=google_error(400, f"bad key {CANARY}", "INVALID_ARGUMENT")))
    with pytest.raises(ServiceError) as caught:
        count_tokens("hi", model="m", base_url=fake_server.base_url, key_env="OWN_KEY")
    assert CANARY not in str(caught.value)
    assert "bad key <key>" in str(caught.value)


def test_a_wait_can_be_interrupted(fake_server):
    fake_server.script(pause(30.0))

    def interrupt():
        fake_server.wait_for_requests(1)
        time.sleep(0.05)  # until the caller waits for the answer
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        count_tokens("hi", model="m", base_url=fake_server.base_url)
    assert_soon(time.monotonic() - began, 5)
    fake_server.wait_for_disconnect()
