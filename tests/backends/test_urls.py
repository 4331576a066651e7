"""Base URLs: valid ones, and those that already contain the method."""

from __future__ import annotations

import pytest

import gemini_magic
from gemini_magic.backends import Endpoint, backend
from gemini_magic.errors import OptionError

METHOD = "models/gemini-x:streamGenerateContent"

TOO_LONG = [
    ("gemini", f"https://a.example/v1beta/{METHOD}", "https://a.example/v1beta"),
    ("gemini", f"https://a.example/v1beta/{METHOD}?alt=sse", "https://a.example/v1beta"),
    ("gemini", f"https://a.example/v1beta/{METHOD}/", "https://a.example/v1beta"),
    ("gemini", "https://a.example/gemini/v1/models/x:generateContent", "https://a.example/gemini/v1"),
    ("gemini", "https://a.example/v1beta/models/gemini-x", "https://a.example/v1beta"),
    ("gemini", "https://a.example/v1beta/models", "https://a.example/v1beta"),
    ("gemini", f"http://localhost:4000/{METHOD}", "http://localhost:4000"),
    ("gemini", "http://localhost:4000/up:streamGenerateContent", "http://localhost:4000/up"),
    (
        "adaptive",
        "https://a.example/api/v1beta/models/x/streamGenerateContent",
        "https://a.example/api/v1beta",
    ),
    (
        "vertex",
        f"https://a.example/v1beta1/projects/p/locations/eu/publishers/google/{METHOD}",
        "https://a.example/v1beta1",
    ),
    ("interactions", "https://a.example/v1beta/interactions", "https://a.example/v1beta"),
    ("interactions", "https://a.example/v1beta/interactions/v1_a/cancel", "https://a.example/v1beta"),
    (
        "vertex-interactions",
        "https://a.example/v1beta1/projects/p/locations/eu/interactions",
        "https://a.example/v1beta1",
    ),
    ("gateway", "http://localhost:8000/api/v1/generate/stream", "http://localhost:8000/api/v1"),
    ("gateway", "http://localhost:8000/api/v1/generate", "http://localhost:8000/api/v1"),
    ("gateway", "http://localhost:8000/api/v1/generate/", "http://localhost:8000/api/v1"),
    ("gateway", "http://localhost:8000/generate/stream", "http://localhost:8000"),
    ("gemini", "http://localhost:8000/api/v1/generate/stream", "http://localhost:8000/api/v1"),
]


@pytest.mark.parametrize(("dialect", "address", "remedy"), TOO_LONG)
def test_a_base_url_with_a_method_is_refused_with_the_url_to_use(dialect, address, remedy):
    with pytest.raises(OptionError, match="which is added automatically") as caught:
        backend(dialect).url("m", Endpoint(address))
    assert caught.value.remedy == f"Use --base-url {remedy}."
    assert backend(dialect).url("m", Endpoint(remedy)).startswith(remedy)


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example/v1/projects/p/gemini",
        "https://a.example/models",
        "https://a.example/v1/account/google-ai-studio",
        "https://a.example/generate",
        "https://a.example/v1/models/x/proxy",
        "https://a.example/interactions",
    ],
)
def test_a_base_url_that_only_resembles_one_with_a_method_is_accepted(address):
    assert backend("gemini").url("m", Endpoint(address)) == (
        f"{address}/v1beta/models/m:streamGenerateContent?alt=sse"
    )


def test_the_remedy_does_not_repeat_a_user_or_a_query():
    for address in (f"https://me:secret@a.example/v1/{METHOD}", f"https://a.example/v1/{METHOD}?key=secret"):
        with pytest.raises(OptionError) as caught:
            backend("gemini").url("m", Endpoint(address))
        assert "secret" not in str(caught.value)


def test_nothing_is_sent_to_an_invalid_base_url(fake_server):
    address = f"{fake_server.base_url}/v1beta/models/quick:streamGenerateContent"
    with pytest.raises(OptionError):
        gemini_magic.ask("hi", model="quick", base_url=address)
    assert fake_server.requests == []


@pytest.mark.parametrize(
    "model", ["../../x", "models/../../x", "..", "a/./b", "/x", "x/", "a//b", "..\\x", ""]
)
@pytest.mark.parametrize("dialect", ["gemini", "vertex", "adaptive", "gateway"])
def test_a_model_cannot_lead_to_another_path(dialect, model):
    with pytest.raises(OptionError, match="is not a valid model name"):
        backend(dialect).url(model, Endpoint(base_url="https://a.example"))


def test_an_api_version_cannot_lead_to_another_path():
    with pytest.raises(OptionError, match=r"--api-version '\.\.' is not a valid version"):
        backend("gemini").url("m", Endpoint(base_url="https://a.example", api_version=".."))


@pytest.mark.parametrize(
    "host", ["a..b", ".com", "a" * 64, "ex ample", "-a.example", "a\x00b", "%61", "\u202ea"]
)
def test_a_host_that_cannot_be_a_name_is_refused(host):
    with pytest.raises(OptionError, match="is not a valid URL"):
        backend("gemini").url("m", Endpoint(base_url=f"https://{host}"))


@pytest.mark.parametrize(
    "host",
    [
        "localhost:80",
        "a_b.example",
        "b\u00fccher.example",
        "1.2.3.4",
        "[::1]:8",
        "a.example.",
        "xn--bcher-kva.example",
    ],
)
def test_a_usual_host_is_accepted(host):
    assert host in backend("gemini").url("m", Endpoint(base_url=f"https://{host}"))
