"""The adaptive backend: URLs, headers, extensions, and the fields that it adds to an answer."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends import Endpoint, backend, may_send_key
from gemini_magic.config import resolve
from gemini_magic.content import Text
from gemini_magic.errors import OptionError
from gemini_magic.events import Failure
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.prompts import build_request
from gemini_magic.wire import Reader

ADAPTIVE = backend("adaptive")


def made(**changes):
    options = resolve({"backend": "adaptive", "model": "gemini-2.5-flash", **changes})[0]
    style = {"method_style": options.method_style} if options.method_style else {}
    return ADAPTIVE.encode(build_request([Text("hi")], options), Endpoint(options.base_url, **style))


def body(**changes):
    return json.loads(made(**changes).body)


def test_urls_have_the_documented_slash_or_the_colon_of_the_sdk():
    start = "https://www.llmadaptive.uk/api/v1beta/models/gemini-2.5-flash"
    assert made().url == f"{start}/streamGenerateContent?alt=sse"
    assert made(method_style="colon").url == f"{start}:streamGenerateContent?alt=sse"
    assert made(base_url="http://h/api/v1").url.startswith("http://h/api/v1/models/")
    with pytest.raises(OptionError, match="must be one of colon, slash"):
        made(method_style="dot")
    gemini = backend("gemini")
    assert gemini.url("m", Endpoint("http://h", method_style="slash")) == (
        "http://h/v1beta/models/m/streamGenerateContent?alt=sse"
    )


def test_settings_are_sent_in_generation_config_unless_the_body_has_a_config():
    assert body(temperature=0.3)["generationConfig"] == {"temperature": 0.3}
    for fields in (
        {"body": '{"config": {"max_output_tokens": 7}}'},
        {"param": ["config.maxOutputTokens=7"]},
    ):
        sent = body(temperature=0.3, **fields)
        assert sent["config"] == {"temperature": 0.3, "maxOutputTokens": 7}
        assert "generationConfig" not in sent
    assert body(body='{"config": {}}', temperature=0.3)["config"] == {"temperature": 0.3}
    with pytest.raises(OptionError, match="config must be a JSON object"):
        body(body='{"config": 1}')
    with pytest.raises(OptionError, match="thinkingBudget and thinkingLevel"):
        body(body='{"config": {"thinking_config": {"thinkingLevel": "LOW"}}}', thinking="1024")


def test_extensions_are_sent_as_written():
    extensions = {
        "provider_configs": {"google": {"api_base": "x"}},
        "model_router": {"cost_optimization": True, "fallback_models": ["a", "b"]},
        "semantic_cache": {"enabled": True, "similarity_threshold": 0.95},
        "prompt_cache": {"enabled": False},
        "fallback": {"enabled": True, "max_retries": 3},
    }
    sent = body(body=json.dumps(extensions))
    assert {name: sent[name] for name in extensions} == extensions
    sent = body(param=["semantic_cache.similarity_threshold=0.9", 'fallback={"enabled":true}', "topK=3"])
    assert sent["semantic_cache"] == {"similarity_threshold": 0.9}
    assert sent["fallback"] == {"enabled": True}
    assert sent["generationConfig"] == {"topK": 3}


@pytest.mark.parametrize(
    ("style", "header"),
    [
        (None, ("x-goog-api-key", "")),
        ("x-goog-api-key", ("x-goog-api-key", "")),
        ("bearer", ("authorization", "Bearer ")),
        ("X-API-Key", ("x-api-key", "")),
        ("api-key", ("api-key", "")),
    ],
)
def test_the_key_is_sent_in_any_of_the_four_headers(style, header):
    auth = ADAPTIVE.auth_for(style, Endpoint())
    assert (auth.header, auth.prefix) == header


@pytest.mark.parametrize(
    ("style", "message"),
    [("google", "is not supported by this backend"), ("bearr", "'bearer'"), ("q", "Supported values")],
)
def test_unsupported_authentication_styles_are_refused(style, message):
    with pytest.raises(OptionError) as caught:
        ADAPTIVE.auth_for(style, Endpoint())
    assert message in str(caught.value)


def test_its_key_is_sent_to_its_own_hosts_only():
    auth, url = ADAPTIVE.auth, made().url
    assert may_send_key(auth, url, None)
    assert may_send_key(auth, url, "ADAPTIVE_API_KEY")
    assert may_send_key(auth, url, "MY_KEY")
    assert not may_send_key(auth, url, "GEMINI_API_KEY")
    assert not may_send_key(auth, url, "google_api_key")
    assert not may_send_key(auth, url.replace("https", "http"), None)
    assert not may_send_key(auth, "https://llmadaptive.uk.evil.example/", None)
    assert not may_send_key(
        backend("gemini").auth, "https://generativelanguage.googleapis.com/", "ADAPTIVE_API_KEY"
    )


STREAM = """\
data: {"candidates":[{"content":{"parts":[{"text":"Once upon"}],"role":"model"}}],"modelVersion":"gemini-2.5-flash","provider":"google"}

data: {"candidates":[{"content":{"parts":[{"text":" a time"}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":156,"totalTokenCount":168,"cache_tier":"semantic"},"modelVersion":"gemini-2.5-flash","provider":"google"}

"""
BROKEN = """\
data: {
  "error": {
    "code": 500,
    "message": "Stream failed",
    "status": "INTERNAL"
  }
}
"""


def read(text):
    ledger, reader, decode = Ledger(), Reader(), ADAPTIVE.decoder()
    for item in [*reader.feed(text.encode()), *reader.close()]:
        ledger.add(item.raw, 0.0, decode(item.raw))
    ledger.close("end")
    return ledger


def test_provider_and_cache_tier_are_extras():
    ledger = read(STREAM)
    assert "".join(ledger.answer) == "Once upon a time"
    assert ledger.extras == {"provider": "google", "cache_tier": "semantic"}
    assert ledger.status == "complete"


def test_an_error_over_several_lines_is_read():
    ledger = read(STREAM.partition("\n\n")[0] + "\n\n" + BROKEN)
    assert ledger.failure == Failure("Stream failed", 500, "INTERNAL")
    assert "".join(ledger.answer) == "Once upon"
