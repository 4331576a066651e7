"""What is read again from a request to the Interactions API, and what its prices depend on."""

from __future__ import annotations

import base64
import json

import pytest
from dialects import body
from fake_server import Script, raw

import gemini_magic
from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import (
    Blob,
    Call,
    CallResult,
    File,
    MediaSettings,
    Request,
    RequestSettings,
    ResultMedia,
    Text,
    Turn,
)
from gemini_magic.errors import OptionError
from gemini_magic.events import Usage
from gemini_magic.media import media_identity

INTERACTIONS = backend("interactions")
PNG = Blob("image/png", b"\x89PNG\r\n\x1a\n")
QUESTION = Turn("user", (Text("hi"),))


def encoded(*turns, **more):
    settings = RequestSettings(**more.pop("settings", {}))
    return INTERACTIONS.encode(Request(model="m", turns=turns, settings=settings, **more), Endpoint())


def read(*turns, **more):
    http = encoded(*turns, **more)
    return INTERACTIONS.read_request(http.url, http.body)


def test_a_question_is_read_again():
    found = read(
        QUESTION, system="Be brief.", settings={"seed": 3, "schema": {"type": "object", "properties": {}}}
    )
    assert (found.model, found.question, found.turns_before, found.system) == ("m", "hi", 0, "Be brief.")
    assert found.config == {"seed": 3}
    assert found.schema["type"] == "object"
    assert (found.rest["store"], found.rest["stream"]) == (False, True)


def test_a_conversation_and_media_are_read_again():
    found = read(QUESTION, Turn("model", (Text("yes"),)), Turn("user", (Text("a"), Text("b"))))
    assert (found.question, found.turns_before) == ("ab", 2)
    found = read(Turn("user", (Text("look"), File("https://a.example/x.png", "image/png"))))
    assert found.question[0]["content"][1]["uri"] == "https://a.example/x.png"
    assert (
        read(QUESTION, settings={"agent": "antigravity-preview-05-2026"}).model
        == "antigravity-preview-05-2026"
    )


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"3", b"\xff", b'{"input": {"a": 1}}', b'{"input": [1, null, "x"]}']
)
def test_other_bodies_are_read_without_an_error(body):
    found = INTERACTIONS.read_request("", body)
    assert found.model is None
    assert INTERACTIONS.read_results(body, {}) == ()
    assert INTERACTIONS.continues(body, body)


RESULTS = (
    CallResult("a", {"output": "text"}, "c1"),
    CallResult("b", {"error": "no"}, "c2"),
    CallResult("c", {"output": [1, 2]}, "c3"),
    CallResult("d", {"output": {"$ref": "media-2"}}, "c4", media=(ResultMedia("media-2", PNG),)),
    CallResult("e", {}, None),
)


def test_results_of_functions_are_read_again():
    calls = Turn("model", tuple(Call(each.name, {}, each.id) for each in RESULTS))
    http = encoded(QUESTION, calls, Turn("user", RESULTS))
    assert INTERACTIONS.read_results(http.body, {}) == RESULTS
    assert (
        INTERACTIONS.read_results(encoded(QUESTION, calls, Turn("user", RESULTS), QUESTION).body, {})
        == RESULTS
    )
    assert INTERACTIONS.read_results(encoded(QUESTION).body, {}) == ()


def test_results_inside_a_step_of_the_user_are_read():
    content = [
        {"type": "function_result", "call_id": "fc_1", "name": "add", "result": {"sum": 18.0}},
        {"type": "function_result", "call_id": "fc_2", "name": "say", "result": "ok"},
    ]
    body = json.dumps({"input": [{"type": "user_input", "content": content}]}).encode()
    assert INTERACTIONS.read_results(body, {}) == (
        CallResult("add", {"sum": 18.0}, "fc_1"),
        CallResult("say", {"output": "ok"}, "fc_2"),
    )


def test_a_request_continues_another_by_its_steps_or_by_the_id_of_its_answer():
    answer = Turn("model", (Text("yes"),), stored="v1_a")
    first = encoded(QUESTION).body
    assert INTERACTIONS.continues(first, encoded(QUESTION, answer, QUESTION).body)
    assert not INTERACTIONS.continues(first, encoded(Turn("user", (Text("no"),)), answer, QUESTION).body)
    stored = {"server_store": True}
    assert INTERACTIONS.continues(first, encoded(QUESTION, answer, QUESTION, settings=stored).body)


def test_the_price_is_looked_up_by_the_counts_of_the_older_api():
    raw_usage = {"interaction": {"usage": {"input_tokens_by_modality": [{"modality": "audio", "tokens": 7}]}}}
    data = INTERACTIONS.price_data("models/m", Usage(prompt=10, output=3), json.dumps(raw_usage).encode())
    assert data == {
        "modelVersion": "m",
        "usageMetadata": {
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
            "promptTokenCount": 10,
            "candidatesTokenCount": 3,
        },
    }


def test_the_requested_tier_is_that_of_the_option_or_of_the_users_own_json():
    request = Request(model="m", turns=(QUESTION,), settings=RequestSettings(service_tier="flex"))
    assert INTERACTIONS.requested_tier(request) == "flex"
    assert (
        INTERACTIONS.requested_tier(Request(model="m", turns=(), body={"service_tier": "priority"}))
        == "priority"
    )


# -- media


def content(part):
    (found,) = json.loads(encoded(Turn("user", (part,))).body)["input"]
    return found


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [("image/png", "image"), ("audio/wav", "audio"), ("video/mp4", "video"), ("application/pdf", "document")],
)
def test_media_are_content_of_their_kind(mime_type, kind):
    data = base64.b64encode(b"x").decode()
    assert content(Blob(mime_type, b"x")) == {"type": kind, "mime_type": mime_type, "data": data}
    assert content(File("files/a", mime_type)) == {"type": kind, "uri": "files/a", "mime_type": mime_type}
    assert content(File("https://a.example/x")) == {"type": "document", "uri": "https://a.example/x"}


def test_the_settings_of_media_are_sent():
    video = File("files/a", "video/mp4", media=MediaSettings(start=1.5, end=90, fps=2, resolution="low"))
    assert content(video)["resolution"] == "low"
    assert content(video)["processing"] == {
        "type": "static",
        "start_offset": "1.5s",
        "end_offset": "90s",
        "fps": 2,
    }
    document = File("files/a", "application/pdf", media=MediaSettings(pages=(2, 5)))
    assert content(document)["processing"] == {
        "type": "static",
        "page_options": {"start_page": 2, "end_page": 5},
    }


@pytest.mark.parametrize(
    ("mime_type", "settings", "name"),
    [
        ("image/png", {"start": 1.0}, "start"),
        ("audio/wav", {"fps": 1.0}, "fps"),
        ("audio/wav", {"resolution": "low"}, "resolution"),
        ("video/mp4", {"pages": (1, 2)}, "pages"),
    ],
)
def test_a_setting_that_media_do_not_have_is_an_error(mime_type, settings, name):
    with pytest.raises(OptionError, match=f"no setting {name} for media of the type"):
        content(File("files/a", mime_type, media=MediaSettings(**settings)))


def test_a_medium_is_the_same_inline_and_uploaded():
    inline = {"type": "image", "mime_type": "image/png", "data": base64.b64encode(PNG.data).decode()}
    uploaded = {"type": "image", "mime_type": "image/png", "uri": "https://files.example/a"}
    same = media_identity([inline], {})
    assert media_identity([uploaded], {"https://files.example/a": PNG.digest}) == same
    assert same == [{"type": "image", "mime_type": "image/png", "media": PNG.digest}]


# -- a recording


@pytest.mark.parametrize("server_store", [False, True])
def test_a_replay_of_rounds_runs_no_function(fake_server, tmp_path, server_store):
    ran = []

    def look(where: list) -> str:
        ran.append(where)
        return "seen"

    path = tmp_path / "run.jsonl"
    scripts = []
    for ident, kind in (("v1_a", "call"), ("v1_b", "text")):
        whole = json.loads(body("interactions", "whole", kind))
        scripts.append(Script((raw(json.dumps({**whole, "id": ident if server_store else ""}).encode()),)))
    fake_server.route("/v1beta/interactions", *scripts)
    asked = {"backend": "interactions", "model": "m", "base_url": fake_server.base_url, "no_stream": True}
    asked |= {"server_store": server_store, "tools": [look]}
    r = gemini_magic.ask("one", record=str(path), **asked)
    again = gemini_magic.ask("one", replay=str(path), speed=0, **asked)
    assert (again.status, again.text, again.calls) == ("complete", r.text, r.calls)
    assert len(ran) == 1
    assert len(fake_server.requests) == 2
