"""The server of the notebook about steps speaks the Interactions API: it stores, cuts, resumes, cancels and forgets."""

from __future__ import annotations

import http.client
import json

import pytest

from gemini_magic.recording import PracticeInteractions, cited_text

STEPS = [
    {"type": "thought", "summary": [{"type": "text", "text": "I search first."}], "signature": "c2ln"},
    {"type": "google_search_call", "id": "g1", "arguments": {"queries": ["speed – cable"]}},
    {"type": "google_search_result", "call_id": "g1", "result": [{"search_suggestions": "<b>cable</b>"}]},
    {"type": "function_call", "id": "f1", "name": "convert", "arguments": {"words": 98, "unit": "minutes"}},
    {
        "type": "model_output",
        "content": [cited_text("It was – [[slow]](https://museum.example/a). Very slow indeed.")],
    },
]
STARTS_LATER = [{"type": "model_output", "seconds": 30, "content": [{"type": "text", "text": "late"}]}]


@pytest.fixture(scope="module")
def server():
    answers = {"go": STEPS, "later": STARTS_LATER}
    with PracticeInteractions(answers.__getitem__, seconds=0) as running:
        yield running


def send(server, method, path, body=None):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    connection.request(method, f"/v1beta/interactions{path}", None if body is None else json.dumps(body))
    response = connection.getresponse()
    try:
        received = response.read()
    except http.client.IncompleteRead as cut:
        received = cut.partial
    connection.close()
    return response.status, received


def events(received):
    blocks = received.decode().split("\n\n")
    return [json.loads(block.partition("data: ")[2]) for block in blocks if "data: {" in block]


def test_the_steps_are_streamed_as_starts_deltas_and_stops(server):
    status, received = send(server, "POST", "", {"model": "m-1", "input": "go", "stream": True})
    found = events(received)
    assert status == 200
    assert found[0]["interaction"]["model"] == "m-1"
    assert [each["step"]["type"] for each in found if each["event_type"] == "step.start"] == [
        step["type"] for step in STEPS
    ]
    text = "".join(each["delta"].get("text", "") for each in found if each["event_type"] == "step.delta")
    assert text == "It was – slow. Very slow indeed."
    pieces = [each["delta"].get("arguments") for each in found if each.get("index") == 3 and "delta" in each]
    assert json.loads("".join(pieces)) == STEPS[3]["arguments"]
    assert len(pieces) > 1
    stops = [each for each in found if each["event_type"] == "step.stop"]
    assert sum(each["step_usage"]["total_tokens"] for each in stops) == (
        stops[-1]["usage"]["total_tokens"] - stops[-1]["usage"]["total_input_tokens"]
    )
    assert found[-1]["interaction"]["status"] == "completed"
    assert received.endswith(b"event: done\ndata: [DONE]\n\n")


def test_citations_count_bytes(server):
    content = STEPS[4]["content"][0]
    (citation,) = content["annotations"]
    assert content["text"].encode()[citation["start_index"] : citation["end_index"]] == b"slow"
    assert citation["title"] == "museum.example"


@pytest.mark.parametrize("after", range(0, 23, 3))
def test_a_stream_that_was_cut_continues_after_the_last_event(server, after):
    server.cut(after)
    _, first = send(server, "POST", "", {"model": "m-1", "input": "go", "stream": True})
    cut = events(first)
    assert len(cut) == after
    ident = cut[0]["interaction"]["id"] if cut else max(server._stored)
    last = f"&last_event_id={cut[-1]['event_id']}" if cut else ""
    _, rest = send(server, "GET", f"/{ident}?stream=true{last}")
    _, whole = send(server, "GET", f"/{ident}?stream=true")
    assert cut + events(rest) == events(whole)
    assert server.requests[-2] == f"GET /interactions/{ident}?stream=true{last}"


def test_a_whole_answer_has_its_steps_and_a_stored_one_also_its_input(server):
    status, received = send(server, "POST", "", {"agent": "a-1", "input": [{"type": "text", "text": "go"}]})
    value = json.loads(received)
    assert (status, value["status"], value["agent"]) == (200, "completed", "a-1")
    assert value["steps"][1:] == STEPS
    assert value["steps"][0] == {"type": "user_input", "content": [{"type": "text", "text": "go"}]}
    assert json.loads(send(server, "GET", f"/{value['id']}")[1])["usage"] == value["usage"]


def test_a_background_run_is_polled_and_cancelled(server):
    _, received = send(server, "POST", "", {"agent": "a-1", "input": "later", "background": True})
    started = json.loads(received)
    assert started["status"] == "in_progress"
    _, cancelled = send(server, "POST", f"/{started['id']}/cancel")
    assert json.loads(cancelled)["status"] == "cancelled"
    _, stream = send(server, "GET", f"/{started['id']}?stream=true")
    assert events(stream)[-1]["interaction"]["status"] == "cancelled"


def test_an_interaction_that_is_not_stored_has_no_id(server):
    _, received = send(server, "POST", "", {"model": "m-1", "input": "go", "store": False, "stream": True})
    assert events(received)[0]["interaction"]["id"] == ""


def test_what_is_deleted_or_unknown_is_not_found(server):
    ident = json.loads(send(server, "POST", "", {"model": "m-1", "input": "go"})[1])["id"]
    assert send(server, "DELETE", f"/{ident}")[0] == 200
    for method, path in (("GET", f"/{ident}"), ("DELETE", "/v1_other"), ("POST", "/v1_other/cancel")):
        status, received = send(server, method, path)
        assert (status, json.loads(received)["error"]["code"]) == (404, "not_found")


def test_a_background_run_must_be_stored(server):
    status, received = send(server, "POST", "", {"input": "go", "background": True, "store": False})
    assert (status, json.loads(received)["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", [[], {"input": 3}, {"input": [3]}, {"input": [{"type": "user_input"}]}])
def test_a_prompt_without_an_answer_is_refused(server, body):
    status, received = send(server, "POST", "", body)
    assert (status, json.loads(received)["error"]["code"]) == (400, "invalid_request")


def test_it_listens_on_this_computer_only(server):
    assert server.url.startswith("http://127.0.0.1:")
    assert repr(server).startswith(f"<PracticeInteractions {server.url}: ")
