"""What a sent request asked, read again from its URL and body."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends import SentRequest, backend

URL = "https://h/v1beta/models/a%2Fb:streamGenerateContent?alt=sse"
TURN = {"role": "user", "parts": [{"text": "hi "}, {"text": "there"}]}
CALL = {"role": "user", "parts": [{"functionCall": {}}]}


def read(name, url=URL, **body):
    return backend(name).read_request(url, json.dumps(body).encode())


@pytest.mark.parametrize("name", ["gemini", "vertex", "adaptive", "echo"])
def test_a_request_of_the_gemini_protocol(name):
    sent = read(name, contents=[CALL, TURN], systemInstruction=TURN, generationConfig={"topK": 1}, labels={})
    assert sent == SentRequest("a/b", "hi there", 1, "hi there", {"topK": 1}, {"labels": {}})
    assert read(name, contents=[CALL]).question == CALL


def test_a_request_of_the_gateway():
    sent = read("gateway", "http://h/generate", model_name="m", input=[])
    assert sent == SentRequest("m", rest={"input": []})


@pytest.mark.parametrize("name", ["gemini", "gateway"])
@pytest.mark.parametrize("body", [b"", b"[]", b"not JSON", b"[" * 100_000])
def test_a_body_that_is_not_an_object_says_nothing(name, body):
    assert backend(name).read_request("http://h/", body) == SentRequest(rest={})
