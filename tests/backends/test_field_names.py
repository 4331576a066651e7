"""Every field of a request can be set in either spelling: by option, by -p and by --body."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends import Endpoint, backend
from gemini_magic.config import resolve
from gemini_magic.content import Text
from gemini_magic.errors import OptionError
from gemini_magic.prompts import build_request

# GenerateContentRequest and GenerationConfig (ai.google.dev; those of Vertex AI too): path and a value.
FIELDS = {
    "generationConfig.candidateCount": 2,
    "generationConfig.stopSequences": ["END"],
    "generationConfig.maxOutputTokens": 9,
    "generationConfig.temperature": 0.5,
    "generationConfig.topP": 0.5,
    "generationConfig.topK": 5,
    "generationConfig.seed": 7,
    "generationConfig.presencePenalty": 0.1,
    "generationConfig.frequencyPenalty": 0.1,
    "generationConfig.responseLogprobs": True,
    "generationConfig.logprobs": 3,
    "generationConfig.responseMimeType": "application/json",
    "generationConfig.responseSchema": {"type": "OBJECT", "properties": {"top_k": {"type": "STRING"}}},
    "generationConfig.responseJsonSchema": {
        "type": "object",
        "properties": {"user_name": {"type": "string"}},
    },
    "generationConfig.responseFormat": [{"a_b": 1}],
    "generationConfig.responseModalities": ["TEXT", "IMAGE"],
    "generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName": "Kore",
    "generationConfig.speechConfig.multiSpeakerVoiceConfig.speakerVoiceConfigs": [{"speaker": "A"}],
    "generationConfig.speechConfig.languageCode": "de-DE",
    "generationConfig.imageConfig.aspectRatio": "16:9",
    "generationConfig.imageConfig.imageSize": "2K",
    "generationConfig.mediaResolution": "MEDIA_RESOLUTION_LOW",
    "generationConfig.thinkingConfig.includeThoughts": True,
    "generationConfig.thinkingConfig.thinkingBudget": 0,
    "generationConfig.thinkingConfig.thinkingLevel": "HIGH",
    "generationConfig.enableEnhancedCivicAnswers": True,
    "generationConfig.audioTranscriptionConfig": {},
    "generationConfig.translationConfig": {},
    "generationConfig.audioTimestamp": True,
    "generationConfig.routingConfig": {"autoMode": {}},
    "generationConfig.modelConfig": {"x": 1},
    "generationConfig.enableAffectiveDialog": True,
    "generationConfig.newField": {"anything": [1]},
    "systemInstruction.parts": [{"text": "be brief"}],
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    "tools": [
        {"functionDeclarations": [{"name": "get_it", "parametersJsonSchema": {"a_b": 1}}]},
        {"googleMaps": {}},
    ],
    "toolConfig.functionCallingConfig.mode": "ANY",
    "toolConfig.functionCallingConfig.allowedFunctionNames": ["get_it"],
    "toolConfig.functionCallingConfig.streamFunctionCallArguments": True,
    "toolConfig.retrievalConfig.latLng": {"latitude": 1, "longitude": 2},
    "toolConfig.includeServerSideToolInvocations": True,
    "cachedContent": "cachedContents/x",
    "labels": {"team_name": "a"},
    "serviceTier": "flex",
    "store": False,
    "continuationToken": "token",
    "modelArmorConfig": {"promptTemplateName": "x"},
    "outputConfig": {"x": 1},
}


def body(**changes):
    options = resolve({"model": "m", **changes})[0]
    return json.loads(backend("gemini").encode(build_request([Text("hi")], options), Endpoint()).body)


def nested(path, value):
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def at(sent, path):
    for name in path.split("."):
        sent = sent[name]
    return sent


def snaked(path):
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in path)


@pytest.mark.parametrize("path", FIELDS)
@pytest.mark.parametrize("spelt", [str, snaked])
def test_every_field_is_set_by_body_and_by_path_in_either_spelling(path, spelt):
    value = FIELDS[path]
    for options in (
        {"body": json.dumps(nested(spelt(path), value))},
        {"param": [f"{spelt(path)}={json.dumps(value)}"]},
    ):
        sent = body(**options)
        assert at(sent, path) == value
        top = path.partition(".")[0]
        assert set(sent) == {"contents", top}


@pytest.mark.parametrize("spelt", [str, snaked])
def test_generation_settings_need_no_path(spelt):
    for path, value in FIELDS.items():
        if path.startswith("generationConfig.") and path.count(".") == 1:
            name = path.partition(".")[2]
            assert body(param=[f"{spelt(name)}={json.dumps(value)}"])["generationConfig"] == {name: value}


OPTIONS = [
    ({"temperature": 0.1}, "generationConfig.temperature", 0.1),
    ({"top_p": 0.1}, "generationConfig.topP", 0.1),
    ({"top_k": 1}, "generationConfig.topK", 1),
    ({"max_tokens": 1}, "generationConfig.maxOutputTokens", 1),
    ({"stop": ["a"]}, "generationConfig.stopSequences", ["a"]),
    ({"seed": 1}, "generationConfig.seed", 1),
    ({"candidates": 2}, "generationConfig.candidateCount", 2),
    ({"system": "s"}, "systemInstruction.parts", [{"text": "s"}]),
    ({"search": True}, "tools", [{"googleSearch": {}}]),
    ({"code_execution": True, "url_context": True}, "tools", [{"codeExecution": {}}, {"urlContext": {}}]),
    ({"service_tier": "flex"}, "serviceTier", "flex"),
    ({"thinking": "off"}, "generationConfig.thinkingConfig.thinkingBudget", 0),
]


@pytest.mark.parametrize(("options", "path", "value"), OPTIONS)
def test_options_reach_their_fields(options, path, value):
    assert at(body(**options), path) == value


def test_both_spellings_of_a_field_are_merged():
    sent = body(temperature=0.5, top_k=1, body='{"generation_config": {"top_k": 3, "max_output_tokens": 7}}')
    assert sent["generationConfig"] == {"temperature": 0.5, "topK": 3, "maxOutputTokens": 7}
    assert "generation_config" not in sent
    sent = body(
        param=["generation_config.thinking_config.include_thoughts=true"],
        body='{"generationConfig": {"thinkingConfig": {"thinking_budget": 5}}, "system_instruction": null}',
        system="gone",
    )
    assert sent["generationConfig"] == {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 5}}
    assert "systemInstruction" not in sent
    assert body(top_k=1, body='{"generation_config": {"top_k": null}}')["generationConfig"] == {}


def test_names_inside_schemas_labels_and_tools_stay_unchanged():
    schema = {"type": "object", "properties": {"first_name": {"type": "string"}}}
    sent = body(
        body=json.dumps(
            {"generation_config": {"response_json_schema": schema}, "labels": {"my_team": "a_b"}}
        ),
        param=['my_gateway.some_field={"a_b": 1}'],
    )
    assert sent["generationConfig"]["responseJsonSchema"] == schema
    assert sent["labels"] == {"my_team": "a_b"}
    assert sent["my_gateway"] == {"some_field": {"a_b": 1}}


@pytest.mark.parametrize(
    "options",
    [
        {"thinking": "low", "body": '{"generationConfig": {"thinkingConfig": {"thinkingBudget": 5}}}'},
        {"thinking": "5", "param": ["generation_config.thinking_config.thinking_level=LOW"]},
        {"body": '{"generation_config": {"thinkingConfig": {"thinking_budget": 5, "thinkingLevel": "LOW"}}}'},
    ],
)
def test_a_thinking_budget_with_a_level_is_refused_before_sending(options):
    with pytest.raises(OptionError, match="thinkingBudget and thinkingLevel") as caught:
        body(**options)
    assert caught.value.remedy


def test_removing_the_budget_or_the_level_makes_the_request_valid():
    taken = '{"generationConfig": {"thinkingConfig": {"thinkingLevel": null, "thinkingBudget": 5}}}'
    assert body(thinking="low", body=taken)["generationConfig"]["thinkingConfig"] == {
        "includeThoughts": True,
        "thinkingBudget": 5,
    }


def test_the_accept_header_names_the_requested_form():
    request = build_request([Text("hi")], resolve({"model": "m"})[0])
    wanted = {"sse": "text/event-stream", "json": "application/json", "whole": "application/json"}
    ends = {
        "sse": ":streamGenerateContent?alt=sse",
        "json": ":streamGenerateContent",
        "whole": ":generateContent",
    }
    for form, accept in wanted.items():
        made = backend("gemini").encode(request, Endpoint(form=form))
        assert dict(made.headers)["accept"] == accept
        assert made.url.endswith(f"/models/m{ends[form]}")
