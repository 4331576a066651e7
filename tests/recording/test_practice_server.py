"""The server of the tour answers as the API does, and counts what it is asked."""

from __future__ import annotations

import http.client
import threading

import pytest

import gemini_magic as gm
from gemini_magic.recording import PracticeServer


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("PRACTICE_KEY", "not-a-key")
    with PracticeServer(
        lambda prompt: 400 if "refuse" in prompt else f"You said: {prompt} 😀", seconds=0
    ) as running:
        yield running


def ask(server, prompt, **options):
    return gm.ask(prompt, model="m-1", base_url=server.url, key_env="PRACTICE_KEY", retries=0, **options)


def test_an_answer_is_streamed_in_pieces_with_its_token_counts(server):
    r = ask(server, "hello")
    assert (r.text, r.status) == ("You said: hello 😀", "complete")
    assert len(r.chunks) == 4
    assert r.usage.prompt == 1
    assert r.model_version == "m-1"


def test_prompts_are_counted(server):
    for prompt in ("one", "two", "one"):
        ask(server, prompt)
    assert server.requests == 3
    assert server.asked == {"one": 2, "two": 1}
    assert repr(server) == f"<PracticeServer {server.url}: 3 requests>"


def test_a_status_is_a_refusal(server):
    r = ask(server, "refuse this")
    assert (r.status, r.error.code, r.error.message) == (
        "error",
        400,
        "400 INVALID_ARGUMENT: This prompt is refused.",
    )


def test_it_waits_for_requests(server):
    thread = threading.Thread(target=ask, args=(server, "later"))
    thread.start()
    assert server.wait_for(1, timeout=30) == 1
    assert server.wait_for(2, timeout=0.01) == 1
    thread.join()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"contents": []}', b'{"contents": [{"parts": 3}]}'])
def test_a_request_that_is_not_one_has_an_empty_prompt(server, body):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("POST", "/v1beta/models/m:streamGenerateContent", body)
    assert connection.getresponse().status == 200
    connection.close()
    assert server.asked == {"": 1}


def test_it_listens_on_this_computer_only(server):
    assert server.url.startswith("http://127.0.0.1:")


def test_tokens_are_counted_without_asking(server):
    counted = gm.count_tokens("hello there", model="m-1", base_url=server.url, key_env="PRACTICE_KEY")
    assert counted.total == 2
    assert server.requests == 0
