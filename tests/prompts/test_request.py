"""Options become a neutral request, or are refused."""

from __future__ import annotations

import pytest

from gemini_magic.config import resolve
from gemini_magic.content import RequestSettings, Text, Thinking, Turn
from gemini_magic.errors import OptionError
from gemini_magic.prompts import build_request


def made(**options):
    return build_request([Text("hi")], resolve(options)[0])


def test_every_sampling_option_becomes_a_neutral_setting():
    request = made(
        temperature=0,
        top_p=0.9,
        top_k=5,
        max_tokens=7,
        seed=3,
        stop=["END", "STOP"],
        system="brief",
        model="m",
    )
    assert request.settings == RequestSettings(
        temperature=0.0, top_p=0.9, top_k=5, max_tokens=7, seed=3, stop=("END", "STOP")
    )
    assert (request.model, request.system) == ("m", "brief")
    assert (request.params, request.body) == ({}, {})
    assert made().settings == RequestSettings()


def test_the_turns_of_a_conversation_precede_the_prompt():
    turns = (Turn("user", (Text("a"),)), Turn("model", (Text("b"),)))
    assert build_request([Text("c")], resolve()[0], turns).turns == (*turns, Turn("user", (Text("c"),)))


@pytest.mark.parametrize(
    ("value", "thinking"),
    [
        ("off", Thinking(level="off")),
        ("on", Thinking(level="on")),
        ("LOW", Thinking(level="low")),
        ("xhigh", Thinking(level="xhigh")),
        ("2048", Thinking(budget=2048)),
        ("-1", Thinking(budget=-1)),
    ],
)
def test_thinking_is_a_level_or_a_budget(value, thinking):
    assert made(thinking=value).settings.thinking == thinking


def test_params_and_body_are_kept_as_written():
    request = made(
        param=["topK=3", "responseMimeType=application/json", "toolConfig.a.b=[1]"],
        body='{"toolConfig": {"c": null}, "generationConfig": {"topK": 9}}',
    )
    assert request.params == {"topK": 3, "responseMimeType": "application/json"}
    assert request.body == {"toolConfig": {"a": {"b": [1]}, "c": None}, "generationConfig": {"topK": 9}}
    assert request.settings == RequestSettings()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thinking": "much"}, "not a thinking level"),
        ({"param": ["topK"]}, "must have the form NAME=VALUE"),
        ({"param": ["a b=1"]}, "must have the form NAME=VALUE"),
        ({"param": ["a.b=1", "a.b.c=2"]}, "already has a value"),
        ({"param": ["responseSchema={type:object}"]}, "-p responseSchema: {type:object} is not valid JSON."),
        ({"param": ["stopSequences=[a]"]}, "is not valid JSON"),
        ({"param": ["includeThoughts=True"]}, "-p includeThoughts: True is not JSON."),
        ({"param": ["temperature=NaN"]}, "-p temperature: NaN is not JSON."),
        ({"body": '{"a": NaN}'}, "not valid JSON"),
        ({"body": "{"}, "not valid JSON"),
        ({"body": "[]"}, "must be a JSON object"),
    ],
)
def test_invalid_options_are_refused_with_a_remedy(options, message):
    with pytest.raises(OptionError, match=message) as caught:
        made(**options)
    assert caught.value.remedy


def test_tools_safety_and_tier_become_neutral_settings():
    settings = made(
        search=True, code_execution=True, url_context=True, safety="high", service_tier="flex", candidates=2
    ).settings
    assert settings.candidates == 2
    assert settings.tools == ("search", "code_execution", "url_context")
    assert settings.safety == dict.fromkeys(
        ("harassment", "hate_speech", "sexually_explicit", "dangerous_content"), "high"
    )
    assert settings.service_tier == "flex"


def test_only_the_format_json_asks_the_server_for_json():
    assert made(format="json").settings.json_output
    for other in ("md", "text", "html", "code", "raw"):
        assert not made(format=other).settings.json_output


@pytest.mark.parametrize("options", [{"safety": "strict"}, {"service_tier": "cheap"}, {"alt": "xml"}])
def test_a_value_that_is_not_one_of_the_choices_is_refused(options):
    with pytest.raises(OptionError, match="must be one of"):
        made(**options)
