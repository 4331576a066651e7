"""Other servers with Gemini's API: a LiteLLM proxy and LiteRT-LM, with the bytes that they send."""

from __future__ import annotations

import json
from http.server import DEFAULT_ERROR_MESSAGE

import pytest
from fake_server import Script, hang_up, raw, reset, status
from surroundings import CANARY

import gemini_magic
from gemini_magic.errors import ConnectionFailed, ServiceError, TruncatedError

# ------------------------------------------------------------------------------------------- LiteRT-LM
# `litert-lm serve --api gemini`: HTTP/1.0 without a length, LF, no usage, no version, no id, text as it is.


def chunk(*parts, finish=None):
    candidate = {"content": {"role": "model", "parts": [{"text": part} for part in parts]}}
    if finish:
        candidate["finishReason"] = finish
    return raw(
        f"data: {json.dumps({'candidates': [candidate | {'index': 0}]}, ensure_ascii=False)}\n\n".encode()
    )


def page(code, message):
    """The error page of Python's own HTTP server, which LiteRT-LM is built on."""
    return status(
        code,
        {"Content-Type": "text/html;charset=utf-8"},
        (DEFAULT_ERROR_MESSAGE % {"code": code, "message": message, "explain": "It says no."}).encode(),
    )


def local(server, *steps, **options):
    server.model("gemma", *steps, http10=True, content_type="text/event-stream")
    return gemini_magic.ask("hi", model="gemma", base_url=server.base_url, retries=0, **options)


def test_an_answer_without_usage_over_http_1_0_is_complete(fake_server):
    r = local(fake_server, chunk("one\u2028two"), chunk(" \x85three"), chunk(finish="STOP"))
    assert (r.status, r.text, r.finish_reason) == ("complete", "one\u2028two \x85three", "STOP")
    assert set(r.usage) == {None}
    assert (r.model_version, r.response_id, r.extras, r.notes) == (None, None, {}, [])
    assert "gemma" in repr(r)
    assert fake_server.requests[0].path == "/v1beta/models/gemma:streamGenerateContent"
    assert "x-goog-api-key" not in fake_server.requests[0].headers


def test_a_function_call_without_args_or_id_is_decoded(fake_server):
    call = {
        "candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "f"}}]}, "index": 0}]
    }
    r = local(fake_server, raw(f"data: {json.dumps(call)}\n\n".encode()), chunk(finish="STOP"))
    assert [(each.name, each.args, each.id) for each in r.calls] == [("f", {}, None)]
    assert r.ok


def test_an_error_shows_only_as_a_connection_that_ends(fake_server):
    r = local(fake_server, chunk("Half of"), chunk(" it"))
    assert (r.status, r.text, type(r.error)) == ("truncated", "Half of it", TruncatedError)
    r = local(fake_server, chunk("Half of"), hang_up())
    assert (r.status, r.text) == ("truncated", "Half of")
    r = local(fake_server, raw(b'data: {"candidates": [{"content": {"par'))
    assert (r.status, r.text) == ("error", "")
    assert "par" in r.error.message


def test_a_connection_that_ends_before_the_first_byte_is_an_error(fake_server):
    r = local(fake_server, reset())
    assert (r.status, type(r.error)) == ("error", ConnectionFailed)
    r = local(fake_server)
    assert (r.status, type(r.error)) == ("truncated", TruncatedError)
    assert "empty" in r.error.message


@pytest.mark.parametrize("code", [400, 404, 500])
def test_error_pages_become_messages(fake_server, code):
    r = local(fake_server, page(code, "Model not found"))
    assert (r.status, type(r.error), r.error.code) == ("error", ServiceError, code)
    assert "Model not found" in r.error.message
    assert "<" not in r.error.message
    assert "color-scheme" not in r.error.message


def test_a_whole_answer_is_read(fake_server):
    whole = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "all"}]}, "finishReason": "STOP"}]
    }
    r = local(fake_server, raw(json.dumps(whole).encode()), no_stream=True)
    assert (r.status, r.text) == ("complete", "all")
    assert fake_server.requests[0].path == "/v1beta/models/gemma:generateContent"


# --------------------------------------------------------------------------------------- LiteLLM's proxy


@pytest.mark.parametrize("base", ["", "/gemini", "/gemini/v1beta"])
@pytest.mark.parametrize(("style", "header"), [(None, "x-goog-api-key"), ("bearer", "authorization")])
def test_a_proxy_has_its_own_paths_and_key(fake_server, monkeypatch, base, style, header):
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    monkeypatch.setenv("LITELLM_KEY", "sk-litellm-0123456789")
    path = f"{base.removesuffix('/v1beta')}/v1beta/models/any-model:streamGenerateContent"
    fake_server.route(path, Script([chunk("ok"), chunk(finish="STOP")]))
    where = {"model": "any-model", "base_url": fake_server.base_url + base}
    r = gemini_magic.ask("hi", auth=style, key_env="LITELLM_KEY", **where)
    assert (r.status, r.text) == ("complete", "ok")
    assert fake_server.requests[0].headers[header].endswith("sk-litellm-0123456789")
    assert fake_server.requests[0].query == {"alt": "sse"}
    assert gemini_magic.ask("hi", **where).ok
    assert CANARY not in str([seen.headers for seen in fake_server.requests])


REFUSALS = [
    (
        {
            "error": {
                "message": "Invalid proxy server token",
                "type": "auth_error",
                "param": "None",
                "code": "401",
            }
        },
        401,
    ),
    ({"detail": "Not Found"}, 404),
    (
        {"detail": [{"loc": ["body", "contents"], "msg": "field required", "type": "value_error.missing"}]},
        422,
    ),
]


@pytest.mark.parametrize(("body", "code"), REFUSALS)
def test_http_errors_of_a_proxy_are_failures(fake_server, body, code):
    fake_server.model("m", status(code, body=body))
    r = gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, retries=0)
    assert (r.status, r.error.code) == ("error", code)
    wanted = {401: "Invalid proxy server token", 404: "Not Found", 422: "body.contents: field required"}[code]
    assert wanted in r.error.message


def test_an_error_in_the_stream_of_a_proxy_is_a_failure(fake_server):
    error = {"error": {"message": "litellm.RateLimitError: quota", "type": "None", "code": "429"}}
    fake_server.model("m", chunk("half"), raw(f"data: {json.dumps(error)}\n\n".encode()))
    r = gemini_magic.ask("hi", model="m", base_url=fake_server.base_url)
    assert (r.status, r.text, r.error.code) == ("error", "half", 429)
    assert len(fake_server.requests) == 1
