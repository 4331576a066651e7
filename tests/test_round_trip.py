"""Signatures and ids are sent back in the next request unchanged, in the parts they arrived with."""

from __future__ import annotations

import json
import pickle

import pytest
from fake_server import FakeServer, Script, event, finish, text
from kernel import run_notebook

import gemini_magic
from gemini_magic import Response
from gemini_magic.content import Text, Turn
from gemini_magic.conversation import answer_turn

# Standard and URL-safe base64, padding, and characters that JSON encoders escape; as long as real signatures.
SIGNATURE = "CiQBVKhc7t" + "Ab-_+/=" * 700 + "=="
OTHER = "EpoGCpcGAVSoXO7+another/one=="
PLAIN = {"text": "It is warm."}
EMPTY = {"text": "", "thoughtSignature": SIGNATURE}

# name: (the parts of each chunk, the parts in the next request or None if they are the same)
ANSWERS = {
    "on text": ([[{"text": "Warm", "thoughtSignature": SIGNATURE}]], None),
    "on an empty text in the last chunk": (
        [[{"text": "It "}], [{"text": "is warm."}], [EMPTY]],
        [PLAIN, EMPTY],
    ),
    "on text between texts": (
        [[{"text": "a"}], [{"text": "b", "thoughtSignature": SIGNATURE}], [{"text": "c"}], [{"text": "d"}]],
        [{"text": "a"}, {"text": "b", "thoughtSignature": SIGNATURE}, {"text": "cd"}],
    ),
    "two on two texts": (
        [[{"text": "a", "thoughtSignature": SIGNATURE}, {"text": "b", "thoughtSignature": OTHER}]],
        None,
    ),
    "on a thought": (
        [
            [{"text": "Hm. ", "thought": True}],
            [{"text": "So.", "thought": True, "thoughtSignature": SIGNATURE}],
            [PLAIN],
        ],
        [{"text": "So.", "thought": True, "thoughtSignature": SIGNATURE}, PLAIN],
    ),
    "on a call": (
        [[{"functionCall": {"id": "call/1+2=", "name": "f", "args": {"x": [1, 2.5, None, {"y": "é😀"}]}}, "thoughtSignature": SIGNATURE}]],
        None,
    ),
    "on the first of parallel calls": (
        [
            [
                {"functionCall": {"id": "a1", "name": "f", "args": {"city": "Rome"}}, "thoughtSignature": SIGNATURE},
                {"functionCall": {"id": "a2", "name": "f", "args": {"city": "Oslo"}}},
                {"functionCall": {"id": "a3", "name": "g", "args": {}}},
            ]
        ],
        None,
    ),
    "on calls in chunks of their own": (
        [
            [{"functionCall": {"id": "a1", "name": "f", "args": {"city": "Rome"}}, "thoughtSignature": SIGNATURE}],
            [{"functionCall": {"id": "a2", "name": "f", "args": {"city": "Oslo"}}}],
            [{"text": ""}],
        ],
        [
            {"functionCall": {"id": "a1", "name": "f", "args": {"city": "Rome"}}, "thoughtSignature": SIGNATURE},
            {"functionCall": {"id": "a2", "name": "f", "args": {"city": "Oslo"}}},
        ],
    ),
    "on code and its result": (
        [
            [{"executableCode": {"language": "PYTHON", "code": "print(6 * 7)", "id": "c1"}, "thoughtSignature": SIGNATURE}],
            [{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n", "id": "c1"}, "thoughtSignature": OTHER}],
            [PLAIN],
        ],
        None,
    ),
    "on the server's own tools": (
        [
            [{"toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["warm?"]}}, "thoughtSignature": SIGNATURE}],
            [{"toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"n": 1}}, "thoughtSignature": OTHER}],
            [PLAIN],
        ],
        None,
    ),
    "on a picture": (
        [[PLAIN], [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "thoughtSignature": SIGNATURE}]],
        None,
    ),
    "on a file": ([[{"fileData": {"fileUri": "https://x/y", "mimeType": "a/b"}, "thoughtSignature": SIGNATURE}]], None),
    "on a kind of part that is not known": (
        [[{"somethingNew": {"deep": [1, {"id": "n1"}]}, "partMetadata": {"a": 1}, "thoughtSignature": SIGNATURE}]],
        None,
    ),
    "alone": ([[PLAIN], [{"thoughtSignature": SIGNATURE}]], [PLAIN, EMPTY]),
    "alone, called a thought": (
        [[PLAIN], [{"thought": True, "thoughtSignature": SIGNATURE}]],
        [PLAIN, {"text": "", "thought": True, "thoughtSignature": SIGNATURE}],
    ),
    "nowhere, and empty parts": ([[{}], [PLAIN], [{"text": ""}], []], [PLAIN]),
    "beside an unknown part": (
        [[None, {"functionCall": {"id": "a1", "name": "f", "args": {}}, "thoughtSignature": SIGNATURE}]],
        [{"functionCall": {"id": "a1", "name": "f", "args": {}}, "thoughtSignature": SIGNATURE}],
    ),
}  # fmt: skip


def chunks(name):
    return [
        event({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]})
        for parts in ANSWERS[name][0]
    ] + [event({"candidates": [{"finishReason": "STOP", "index": 0}]})]


def wanted(name):
    came, due = ANSWERS[name]
    return [part for parts in came for part in parts] if due is None else due


def check(name, sent):
    """The second request, as the server got it."""
    question, answer, *results, _ = sent.body["contents"]
    assert (question["role"], answer["role"]) == ("user", "model")
    assert answer["parts"] == wanted(name)
    # The server requires a result for each call, also where none was run.
    calls = [part["functionCall"] for part in wanted(name) if "functionCall" in part]
    answered = [part["functionResponse"] for turn in results for part in turn["parts"]]
    assert [(each["name"], each.get("id")) for each in answered] == [
        (each["name"], each.get("id")) for each in calls
    ]
    if SIGNATURE in json.dumps(ANSWERS[name][0]):
        assert sent.raw_body.count(SIGNATURE.encode()) == 1  # as it came, without an escape


@pytest.mark.parametrize("name", ANSWERS)
def test_signatures_survive_turns(fake_server, name):
    fake_server.script(*chunks(name))
    first = gemini_magic.ask("Warm?", model="m", base_url=fake_server.base_url)
    assert first.ok
    loaded = pickle.loads(pickle.dumps(first))
    for response in (first, loaded):
        fake_server.script(text("Yes."), finish())
        turns = (*first.request.turns, answer_turn(response.ledger.parts[0]))
        gemini_magic.ask("Sure?", turns=turns, model="m", base_url=fake_server.base_url)
        check(name, fake_server.requests[-1])


@pytest.mark.parametrize("suffix", ["jsonl", "sse"])
def test_signatures_survive_a_recording(fake_server, tmp_path, suffix):
    fake_server.script(*chunks("on the first of parallel calls"))
    path = gemini_magic.ask("Warm?", model="m", base_url=fake_server.base_url).save(tmp_path / f"a.{suffix}")
    fake_server.script(text("Yes."), finish())
    turns = (Turn("user", (Text("Warm?"),)), answer_turn(Response.load(path).ledger.parts[0]))
    gemini_magic.ask("Sure?", turns=turns, model="m", base_url=fake_server.base_url)
    check("on the first of parallel calls", fake_server.requests[-1])


@pytest.fixture(scope="module")
def chatted():
    """A notebook with a conversation for each answer; the second requests as the server got them."""
    cells = ["%load_ext gemini_magic"]
    with FakeServer() as server:
        for number, name in enumerate(ANSWERS):
            server.answers(f"m{number}", Script(chunks(name)), Script([text("Yes."), finish()]))
            line = f"%%gemini -m m{number} --base-url {server.base_url} --chat c{number}"
            cells += [f"{line}\nWarm?", f"{line}\nSure?"]
        run_notebook(cells)
        return {name: server.requests_for(f"m{number}") for number, name in enumerate(ANSWERS)}


@pytest.mark.kernel
@pytest.mark.parametrize("name", ANSWERS)
def test_signatures_survive_a_chat_in_a_kernel(chatted, name):
    first, second = chatted[name]
    assert [part["text"] for part in first.body["contents"][0]["parts"]] == ["Warm?"]
    check(name, second)
