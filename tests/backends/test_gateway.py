"""The gateway backend: requests, chunks by index, and the two marks of the last chunk."""

from __future__ import annotations

import base64
import json

import pytest

from gemini_magic.backends import Endpoint, backend, may_send_key
from gemini_magic.config import resolve
from gemini_magic.content import Blob, Call, File, Opaque, Text, Thought, Turn
from gemini_magic.endings import service_error
from gemini_magic.errors import OptionError
from gemini_magic.events import Delta, Failure, Finish, Note, Usage
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.prompts import build_request

GATEWAY = backend("gateway")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG64 = base64.b64encode(PNG).decode()


def body(*parts, turns=(), **changes):
    options = resolve({"backend": "gateway", "model": "gemini-2.0-flash", **changes})[0]
    made = build_request(parts or (Text("hi"),), options, turns)
    return json.loads(GATEWAY.encode(made, Endpoint(options.base_url)).body)


def read(*values, end="end"):
    ledger, decode = Ledger(), GATEWAY.decoder()
    for value in values:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        ledger.add(raw, 0.0, decode(raw))
    ledger.close(end)
    return ledger


def piece(content, **more):
    return {
        "type": "text",
        "name": "output",
        "content": content,
        "done": False,
        "index": 0,
        "is_final": False,
    } | more


FINAL = {
    "final": True,
    "usage": {"input_tokens": 24, "output_tokens": 512, "total_tokens": 536},
    "cost": {"input": 0.0000018, "output": 0.0001536, "total": 0.0001554},
    "warnings": [],
}

# --------------------------------------------------------------------------------------------- the request


def test_a_request_has_the_documented_fields():
    assert body() == {
        "service_name": "google-gemini",
        "model_name": "gemini-2.0-flash",
        "input": [{"type": "text", "name": "input", "content": "hi"}],
    }


@pytest.mark.parametrize(
    ("base", "form", "url"),
    [
        (None, "sse", "http://localhost:8000/api/v1/generate/stream"),
        (None, "json", "http://localhost:8000/api/v1/generate/stream"),
        (None, "whole", "http://localhost:8000/api/v1/generate"),
        ("http://h:9", "sse", "http://h:9/api/v1/generate/stream"),
        ("https://h/gate/", "whole", "https://h/gate/generate"),
    ],
)
def test_the_url_of_a_request(base, form, url):
    assert GATEWAY.url("m", Endpoint(base, api_version="v1beta", form=form)) == url
    with pytest.raises(OptionError, match="not a valid model name"):
        GATEWAY.url("a model", Endpoint(base))


def test_settings_become_parameters_in_snake_case():
    sent = body(
        temperature=0.5,
        max_tokens=9,
        stop=["END"],
        thinking="on",
        param=["topK=3", "presence_penalty=0.1", "generationConfig.seed=4", "custom_knob=true"],
    )
    assert sent["parameters"] == {
        "temperature": 0.5,
        "max_tokens": 9,
        "stop_sequences": ["END"],
        "enable_thinking": True,
        "top_k": 3,
        "presence_penalty": 0.1,
        "seed": 4,
        "custom_knob": True,
    }
    assert body(thinking="off")["parameters"] == {"enable_thinking": False}
    assert body(thinking="512")["parameters"] == {"enable_thinking": True, "thinking_budget": 512}
    assert body(thinking="low")["parameters"] == {"enable_thinking": True, "thinking_level": "low"}


def test_the_service_and_any_other_field_can_be_set():
    assert body(param=["service_name=openai"])["service_name"] == "openai"
    sent = body(
        body='{"service_name": "x", "parameters": {"top_k": 1}, "extra": null, "tag": "t"}', temperature=1
    )
    assert (sent["service_name"], sent["tag"]) == ("x", "t")
    assert sent["parameters"] == {"temperature": 1.0, "top_k": 1}
    assert "extra" not in sent


def test_unknown_settings_become_parameters():
    sent = body(param=['parameters.tools=["search"]', "topK=1"])
    assert sent["parameters"] == {"tools": ["search"], "top_k": 1}


def test_history_system_instruction_and_images():
    turns = (
        Turn("user", (Text("a"), Blob("image/png", PNG))),
        Turn("model", (Thought("hm"), Text("b"), Text("c"), Opaque({"type": "odd"}))),
    )
    sent = body(Text("look"), Blob("image/png", PNG), turns=turns, system="be brief")
    picture = {"type": "image", "name": "input", "content": PNG64, "mime_type": "image/png"}
    assert sent["history"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "name": "input", "content": "a"}, picture]},
        {"role": "assistant", "content": "bc"},
    ]
    assert sent["input"] == [{"type": "text", "name": "input", "content": "look"}, picture]
    assert body(Blob("application/pdf", b"x"))["input"][0]["type"] == "file"
    far = body(Text("and"), File("https://x.example/a.png", "image/png"))["input"][1]
    assert (far["type"], far["content"]) == ("image", "https://x.example/a.png")


@pytest.mark.parametrize(
    "options", [{"search": True}, {"safety": "low"}, {"service_tier": "flex"}, {"param": ["tool_config.a=1"]}]
)
def test_unsupported_settings_are_refused_before_sending(options):
    with pytest.raises(OptionError, match="does not support") as caught:
        body(**options)
    assert caught.value.remedy


def test_unsupported_parts_are_refused():
    for part in (File("gs://x"), Call("f")):
        with pytest.raises(OptionError, match="does not support"):
            body(Text("x"), part)


def test_its_key_is_sent_to_this_machine_only_unless_a_variable_is_named():
    auth = GATEWAY.auth
    assert (auth.header, auth.prefix, auth.needed) == ("x-api-key", "", False)
    assert may_send_key(auth, "http://localhost:8000/api/v1/generate", None)
    assert may_send_key(auth, "http://127.0.0.1:9/", "GATEWAY_API_KEY")
    assert not may_send_key(auth, "https://gate.example/", None)
    assert not may_send_key(auth, "http://localhost.evil.example/", None)
    assert may_send_key(auth, "https://gate.example/", "MY_KEY")
    assert not may_send_key(auth, "http://localhost:8000/", "GEMINI_API_KEY")


# ---------------------------------------------------------------------------------------------- the answer


def test_thinking_and_output_are_separated_by_index():
    ledger = read(
        piece("let me ", name="thinking"),
        piece("see", name="output"),  # the first name at an index holds
        piece("The robot ", index=1),
        piece("paints.", index=1, done=True),
        FINAL,
    )
    assert "".join(ledger.thoughts) == "let me see"
    assert "".join(ledger.answer) == "The robot paints."
    assert (ledger.status, ledger.finish.reason) == ("complete", "final")
    assert ledger.usage == Usage(prompt=24, output=512, total=536)
    assert ledger.extras == {"cost": FINAL["cost"]}
    assert ledger.notes == []


@pytest.mark.parametrize(
    "last",
    [
        [piece("end", is_final=True)],
        [piece("end", is_final=True), FINAL],
        [piece("end"), FINAL],
        [piece("end"), {"is_final": True, "usage": FINAL["usage"]}],
    ],
)
def test_both_marks_of_the_last_chunk_end_the_answer(last):
    ledger = read(piece("the "), *last)
    assert ("".join(ledger.answer), ledger.status) == ("the end", "complete")


def test_an_answer_without_a_mark_is_truncated():
    ledger = read(piece("half"))
    assert (ledger.status, "".join(ledger.answer)) == ("truncated", "half")


def test_warnings_become_notes_and_metadata_becomes_an_extra():
    ledger = read(
        {"type": "metadata", "name": "metadata", "content": {"a": 1}, "index": 5},
        {"type": "metadata", "name": "metadata", "content": {"b": 2}, "index": 5},
        {**FINAL, "warnings": ["80% of the limit", {"message": "slow"}, {"code": 7}]},
    )
    assert ledger.extras["metadata"] == {"a": 1, "b": 2}
    assert ledger.extras["warnings"] == ["80% of the limit", {"message": "slow"}, {"code": 7}]
    assert [(note.kind, note.severity) for note in ledger.notes] == [("gateway-warning", "warning")] * 3
    assert ledger.notes[1].message == "Gateway warning: slow"
    joined = read({"type": "metadata", "content": "se"}, {"type": "metadata", "content": "arch"}, FINAL)
    assert joined.extras["metadata"] == "search"


def image(content, **more):
    return piece(content, type="image", **more)


IMAGES = {
    "whole and done": ([image(PNG64, done=True)], [Blob("image/png", PNG)]),
    "in pieces": (
        [image(PNG64[:30]), image(PNG64[30:50]), image(PNG64[50:], done=True)],
        [Blob("image/png", PNG)],
    ),
    "whole, never done": ([image(PNG64)], [Blob("image/png", PNG)]),
    "two, never done": ([image(PNG64), image(PNG64)], [Blob("image/png", PNG)] * 2),
    "pieces of two, mixed": (
        [image(PNG64[:40]), image(PNG64[:20], index=1), image(PNG64[40:]), image(PNG64[20:], index=1)],
        [Blob("image/png", PNG)] * 2,
    ),
    "with its kind": ([image("AAAA", done=True, mime_type="image/webp")], [Blob("image/webp", b"\0\0\0")]),
    "a data address": ([image("data:image/gif;base64,AAAA", done=True)], [Blob("image/gif", b"\0\0\0")]),
    "an address": ([image("https://x.example/a.png", done=True)], [File("https://x.example/a.png")]),
    "sound": (
        [piece("AAAA", type="audio", mime_type="audio/wav", done=True)],
        [Blob("audio/wav", b"\0\0\0")],
    ),
    "no base64": ([image("!?", done=True)], [Opaque({**image("!?", done=True)})]),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_arrive_in_one_piece_or_in_several(name):
    chunks, wanted = IMAGES[name]
    ledger = read(*chunks, FINAL)
    assert ledger.parts[0] == wanted
    assert ledger.status == "complete"


def test_a_whole_answer_is_read():
    items = [
        {"type": "text", "name": "thinking", "content": "hm"},
        {"type": "text", "name": "output", "content": "Hello"},
        {"type": "image", "name": "output", "content": PNG64},
    ]
    ledger = read({"output": items, "usage": FINAL["usage"], "cost": FINAL["cost"], "warnings": ["w"]})
    assert ledger.parts[0] == [Thought("hm"), Text("Hello"), Blob("image/png", PNG)]
    assert (ledger.status, ledger.usage.total) == ("complete", 536)
    assert ledger.extras["cost"]["total"] == 0.0001554
    assert len(ledger.notes) == 1


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        ({"error": "no credit"}, Failure("no credit")),
        ({"type": "error", "content": "It broke.", "index": 0}, Failure("It broke.")),
        ({"type": "error", "content": {"code": 503, "message": "busy"}}, Failure("busy", 503)),
        ({"type": "error", "message": "no service", "code": 502}, Failure("no service", 502)),
        ({"type": "error"}, Failure("The gateway reported an error without a message.")),
        (piece("half a word", error={"message": "cut off"}), Failure("cut off")),
        ({"error": {"code": 500, "message": "down"}, "final": True}, Failure("down", 500)),
        ({"detail": "bad model"}, Failure("bad model")),
        (
            {"detail": [{"loc": ["body", "input"], "msg": "field required"}, {"msg": "and more"}]},
            Failure("body.input: field required; and more"),
        ),
    ],
)
def test_errors_in_the_stream_are_failures(value, failure):
    ledger = read(piece("half"), value)
    assert (ledger.status, ledger.failure) == ("error", failure)
    assert "".join(ledger.answer) == "half"


def test_an_error_in_the_stream_is_not_text():
    ledger = read(piece("Half"), {"type": "error", "content": "It broke.", "index": 0})
    assert ("".join(ledger.answer), ledger.parts[0]) == ("Half", [Text("Half")])
    assert "".join(read(piece("Half"), piece("oops", error="down")).answer) == "Half"


def test_a_detail_field_of_an_item_is_not_an_error():
    ledger = read(piece("sunny", detail="high"), FINAL)
    assert (ledger.status, "".join(ledger.answer)) == ("complete", "sunny")


def test_usage_and_cost_in_metadata_are_read():
    metadata = {"usage": FINAL["usage"], "cost": FINAL["cost"], "warnings": ["slow today"], "more": 1}
    for last in ({"index": 1, "content": metadata}, {"type": "metadata", "index": 2, "content": metadata}):
        ledger = read(
            piece("Hi"), {"type": "metadata", "index": 1, "content": {}}, last, {"index": 0, "is_final": True}
        )
        assert ledger.usage == Usage(prompt=24, output=512, total=536)
        assert ledger.extras["cost"] == FINAL["cost"]
        assert ledger.extras["metadata"] == metadata
        assert ("gateway-warning", "Gateway warning: slow today") in [
            (note.kind, note.message) for note in ledger.notes
        ]
    whole = read({"output": [{"type": "text", "content": "Hi"}, {"type": "metadata", "content": metadata}]})
    assert (whole.usage.total, whole.extras["cost"]) == (536, FINAL["cost"])


def test_an_http_error_of_the_gateway_has_a_remedy():
    error = service_error(
        GATEWAY.failure(422, b'{"detail": [{"loc": ["body", "input"], "msg": "required"}]}')
    )
    assert "body.input: required" in error.message
    assert "--dry-run" in error.remedy


def test_http_errors_are_failures():
    detail = {"detail": [{"loc": ["body", "model_name"], "msg": "field required", "type": "missing"}]}
    assert GATEWAY.failure(422, json.dumps(detail).encode()) == Failure(
        "body.model_name: field required", 422
    )
    assert GATEWAY.failure(401, b'{"detail":"Invalid API key"}') == Failure("Invalid API key", 401)


def test_unexpected_chunks_are_kept_and_never_raise():
    unexpected = piece("x", name="summary", index=3)
    thing = piece({"a": 1}, type="table", index=4)
    ledger = read(
        b"{broken",
        [1],
        {},
        unexpected,
        thing,
        piece(None, index=6),
        piece("\ud800", index=7),
        piece(5, index=8),
        FINAL,
    )
    assert (ledger.status, ledger.lost) == ("truncated", "a chunk is not valid JSON")
    assert [each for each in ledger.parts[0] if isinstance(each, Opaque)] == [
        Opaque(unexpected),
        Opaque(thing),
    ]
    assert "5" in "".join(ledger.answer)
    assert {note.kind for note in ledger.notes} >= {"not-json", "unexpected-shape"}
    assert len(ledger.raw) == 9
    assert read({"usage": {"input_tokens": "7", "output_tokens": 2.0, "total_tokens": True}}).usage == Usage(
        7, None, 2
    )


def test_no_prefix_of_a_chunk_raises():
    decode = GATEWAY.decoder()
    raw = json.dumps({**FINAL, **image(PNG64), "detail": [{"loc": []}]}).encode()
    for cut in range(len(raw)):
        decode(raw[:cut])


def test_two_decoders_share_no_state():
    first, second = GATEWAY.decoder(), GATEWAY.decoder()
    first(json.dumps(piece("x", name="thinking")).encode())
    assert second(json.dumps(piece("y")).encode()).events == [Delta(Text("y"))]
    assert isinstance(second(b"{}").events, list)
    assert second(json.dumps({"final": True, "warnings": "w"}).encode()).events == [
        Note("gateway-warning", "Gateway warning: w", "warning"),
        Finish("final", outcome="complete"),
    ]
