"""Requests of the gemini backend: URLs, headers, bodies, and requests that are refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gemini_magic.api import resolved_options
from gemini_magic.backends import Endpoint, backend, names
from gemini_magic.backends.gemini import part_to_json
from gemini_magic.backends.gemini_decode import parts_from_json
from gemini_magic.config import resolve
from gemini_magic.content import (
    Blob,
    Call,
    CallResult,
    Code,
    File,
    LocalFile,
    MediaSettings,
    Opaque,
    Request,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
)
from gemini_magic.errors import OptionError
from gemini_magic.media import encode_body
from gemini_magic.prompts import build_request

GEMINI = backend("gemini")
GOOGLE = "https://generativelanguage.googleapis.com"


def request(*parts, **more):
    more.setdefault("model", "gemini-flash-latest")
    return Request(turns=(Turn("user", tuple(parts) or (Text("hi"),)),), **more)


def body(made):
    return json.loads(GEMINI.encode(made, Endpoint()).body)


def test_the_default_url_and_headers():
    made = GEMINI.encode(request(), Endpoint())
    assert made.url == f"{GOOGLE}/v1beta/models/gemini-flash-latest:streamGenerateContent?alt=sse"
    assert dict(made.headers)["accept"] == "text/event-stream"
    assert dict(made.headers)["accept-encoding"] == "identity"
    assert not any("key" in name for name, _ in made.headers)


@pytest.mark.parametrize(
    ("base", "model", "url"),
    [
        ("http://localhost:9/", "m", "http://localhost:9/v1beta/models/m"),
        ("http://h/api/v1beta", "m", "http://h/api/v1beta/models/m"),
        ("http://h/api/v1/", "tunedModels/m", "http://h/api/v1/tunedModels/m"),
        ("http://h", "models/a b".replace(" ", "%"), "http://h/v1beta/models/a%25"),
    ],
)
def test_a_base_url_that_ends_in_a_version_keeps_it(base, model, url):
    if model.endswith("%b"):
        url += "b"
    assert GEMINI.encode(request(model=model), Endpoint(base)).url == f"{url}:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    "base",
    [
        "nonsense",
        "ftp://h",
        "http://",
        "https://user:pw@h",
        "https://h?key=1",
        "http://h:port",
        "http://[::1",
    ],
)
def test_an_invalid_base_url_is_refused(base):
    with pytest.raises(OptionError):
        GEMINI.encode(request(), Endpoint(base))


def test_the_body_overrides_system_instruction_and_settings():
    made = request(
        system="be brief",
        params={"temperature": 0.5, "topK": 3},
        body={"generationConfig": {"topK": None, "seed": 1}, "safetySettings": [], "labels": {"a": "b"}},
    )
    assert body(made) == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "generationConfig": {"temperature": 0.5, "seed": 1},
        "safetySettings": [],
        "labels": {"a": "b"},
    }


SAFETY = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


def asked(dialect="gemini", **options):
    """The body that the options of a cell become."""
    resolved = resolve({"backend": dialect, "model": "m", **options})[0]
    return json.loads(backend(dialect).encode(build_request([Text("hi")], resolved), Endpoint()).body)


def test_every_setting_reaches_its_field():
    made = asked(
        temperature=0.5, top_p=0.9, top_k=5, max_tokens=7, seed=3, candidates=2, stop=["END"], format="json"
    )
    assert made["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 5,
        "maxOutputTokens": 7,
        "seed": 3,
        "candidateCount": 2,
        "stopSequences": ["END"],
        "responseMimeType": "application/json",
    }
    made = asked(search=True, code_execution=True, url_context=True, safety="high", service_tier="flex")
    assert made == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}}],
        "safetySettings": [
            {"category": f"HARM_CATEGORY_{name}", "threshold": "BLOCK_ONLY_HIGH"} for name in SAFETY
        ],
        "serviceTier": "flex",
    }


@pytest.mark.parametrize(
    ("level", "model", "config"),
    [
        ("off", "m", {"thinkingBudget": 0}),
        ("on", "m", {"includeThoughts": True}),
        ("low", "gemini-3-flash", {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("xhigh", "gemini-3-flash", {"includeThoughts": True, "thinkingLevel": "XHIGH"}),
        ("low", "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("xhigh", "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": 24576}),
        ("2048", "m", {"includeThoughts": True, "thinkingBudget": 2048}),
        ("-1", "m", {"includeThoughts": True, "thinkingBudget": -1}),
    ],
)
def test_thinking_is_a_level_or_a_budget_as_the_model_takes_it(level, model, config):
    assert asked(thinking=level, model=model)["generationConfig"]["thinkingConfig"] == config


def test_params_override_options_and_the_body_overrides_both():
    made = asked(
        search=True,
        top_k=1,
        temperature=1,
        param=["topK=2", "temperature=0.2"],
        body='{"tools": [{"googleMaps": {}}], "generation_config": {"top_k": 3}}',
    )
    assert made["generationConfig"] == {"topK": 3, "temperature": 0.2}
    assert made["tools"] == [{"googleMaps": {}}]


def test_a_server_is_asked_for_json_where_its_request_can_say_so():
    for dialect in ("gemini", "vertex", "adaptive", "echo"):
        assert asked(dialect, format="json")["generationConfig"] == {"responseMimeType": "application/json"}
    assert "parameters" not in asked("gateway", format="json")
    assert "generationConfig" not in asked(format="json", search=True)
    assert asked(format="json", param=["responseMimeType=text/plain"])["generationConfig"] == {
        "responseMimeType": "text/plain"
    }


def test_the_token_of_an_unfinished_answer_asks_for_its_rest():
    assert body(request(continuation="token"))["continuationToken"] == "token"


def test_a_turn_of_another_api_is_sent_without_its_signatures_and_its_server_tools():
    parts = (
        ToolCall("google_search", "1", {"queries": ["x"]}, signature="s"),
        ToolResult("google_search", "1", [], signature="s"),
        Code("1", "python", "s"),
        Text("a"),
    )
    model = Turn("model", parts, ({"type": "model_output"},))
    sent = body(Request(model="m", turns=(Turn("user", (Text("q"),)), model, Turn("user", (Text("r"),)))))
    assert sent["contents"][1]["parts"] == [
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"text": "a"},
    ]


def test_the_text_of_a_model_turn_is_joined_and_signatures_stay_with_their_part():
    model = Turn(
        "model",
        (
            Thought("for people"),
            Text("a"),
            Text("b"),
            Text("", "sig1"),
            Text("c"),
            Call("f", {}, "id1", "sig2"),
            ToolCall("", raw={"x": 1}),
            Opaque({"novelty": {"x": 1}}),
        ),
    )
    made = Request(
        model="m", turns=(Turn("user", (Text("q"),)), model, Turn("user", (CallResult("f", {"r": 1}),)))
    )
    assert body(made)["contents"][1] == {
        "role": "model",
        "parts": [
            {"text": "ab"},
            {"text": "", "thoughtSignature": "sig1"},
            {"text": "c"},
            {"functionCall": {"id": "id1", "name": "f", "args": {}}, "thoughtSignature": "sig2"},
            {"toolCall": {"x": 1}},
            {"novelty": {"x": 1}},
        ],
    }


def test_parts_are_encoded_and_decoded_without_loss():
    for part in (Text("x", "s"), Blob("image/png", b"\x00\xff"), Call("f", {"a": [1]}, "i", "s")):
        sent, media = encode_body(part_to_json(part))
        assert not media
        assert parts_from_json(json.loads(sent)) == [part]


def test_values_that_cannot_be_encoded_are_refused_before_sending():
    with pytest.raises(OptionError, match="surrogate"):
        GEMINI.encode(request(Text("\ud800")), Endpoint())
    with pytest.raises(OptionError, match="not JSON"):
        GEMINI.encode(request(params={"temperature": float("nan")}), Endpoint())
    with pytest.raises(OptionError, match="not a valid model name"):
        GEMINI.encode(request(model="a model"), Endpoint())


def test_keys_are_sent_to_googles_hosts_only():
    owns = GEMINI.auth.owns
    assert owns(f"{GOOGLE}/v1beta/models/m")
    assert not owns("http://generativelanguage.googleapis.com/")
    assert not owns("https://googleapis.com.evil.example/")
    assert not owns("https://evilgoogleapis.com/")
    assert not owns("https://evil.example/googleapis.com")
    assert not owns("https://evil.example;.googleapis.com/")
    assert not owns("https://evil.example%2f.googleapis.com/")
    assert not owns("https://evil\u3002googleapis.com/")


def test_an_unknown_backend_suggests_a_close_name():
    assert names()[0] == "gemini"
    with pytest.raises(OptionError) as caught:
        backend("gemni")
    assert "Did you mean 'gemini'?" in str(caught.value)


def test_a_local_file_that_was_not_uploaded_is_refused_by_name_and_size():
    part = LocalFile("/data/talk.mp4", "video/mp4", 48_000_000, "0" * 64)
    with pytest.raises(OptionError, match=r"talk\.mp4 has 48\.0 MB, which is too large"):
        part_to_json(part)


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (
            File("https://h.test/a.mp4", "video/mp4", media=MediaSettings(start=10.0, end=92.5, fps=0.5)),
            {"videoMetadata": {"startOffset": "10s", "endOffset": "92.5s", "fps": 0.5}},
        ),
        (
            Blob("audio/wav", b"x", media=MediaSettings(end=3723.0)),
            {"audioMetadata": {"endOffset": "3723s"}},
        ),
        (
            Blob("application/pdf", b"x", media=MediaSettings(pages=(3, 9), resolution="ultra_high")),
            {
                "mediaResolution": {"level": "MEDIA_RESOLUTION_ULTRA_HIGH"},
                "documentMetadata": {"startPage": 3, "endPage": 9},
            },
        ),
        (File("https://h.test/a", media=MediaSettings(start=0.0)), {"videoMetadata": {"startOffset": "0s"}}),
    ],
)
def test_the_settings_of_media_are_fields_beside_the_data_and_are_read_again(part, fields):
    value = part_to_json(part)
    assert {name: each for name, each in value.items() if name not in ("inlineData", "fileData")} == fields
    sent = json.loads(
        backend("gemini").encode(Request(model="m", turns=(Turn("user", (part,)),)), Endpoint()).body
    )
    assert parts_from_json(sent["contents"][0]["parts"][0]) == [part]


def test_settings_of_media_that_are_not_valid_are_left_out():
    data = {"inlineData": {"mimeType": "image/png", "data": "eA=="}}
    for fields in (
        {"mediaResolution": "LOW", "videoMetadata": 3, "documentMetadata": {"startPage": "1", "endPage": 2}},
        {"mediaResolution": {"level": 9}, "videoMetadata": {"startOffset": "soon", "fps": True}},
        {"audioMetadata": {"endOffset": "1e9999s"}, "documentMetadata": {"startPage": 1}},
    ):
        assert parts_from_json({**data, **fields}) == [Blob("image/png", b"x")]


def test_a_body_that_is_merged_into_the_schema_changes_no_other_request():
    options = {"schema": "a str", "model": "m"}
    more = (
        '{"generationConfig": {"responseJsonSchema": {"title": "T", "properties": {"x": {"type": "null"}}}}}'
    )
    shared = resolved_options(options)[0]
    plain, merged = (
        build_request((Text("x"),), shared),
        build_request((Text("x"),), replace(shared, body=more)),
    )
    sent = [json.loads(GEMINI.encode(each, Endpoint()).body) for each in (plain, merged, plain)]
    assert sent[0] == sent[2] != sent[1]
