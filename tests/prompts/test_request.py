"""Options become a request, and options that cannot."""

from __future__ import annotations

import pytest

from gemini_magic.config import resolve
from gemini_magic.content import Text, Turn
from gemini_magic.errors import OptionError
from gemini_magic.prompts import build


def made(**said):
    return build([Text("hi")], resolve(said)[0])


def test_every_sampling_option_reaches_its_field():
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
    assert request.config == {
        "temperature": 0.0,
        "topP": 0.9,
        "topK": 5,
        "maxOutputTokens": 7,
        "seed": 3,
        "stopSequences": ["END", "STOP"],
    }
    assert (request.model, request.system) == ("m", "brief")
    assert made().config == {}


def test_a_conversation_comes_first():
    turns = (Turn("user", (Text("a"),)), Turn("model", (Text("b"),)))
    assert build([Text("c")], resolve()[0], turns).turns == (*turns, Turn("user", (Text("c"),)))


@pytest.mark.parametrize(
    ("level", "model", "config"),
    [
        ("off", "m", {"thinkingBudget": 0}),
        ("on", "m", {"includeThoughts": True}),
        ("low", "gemini-3-flash", {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("low", "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("2048", "m", {"includeThoughts": True, "thinkingBudget": 2048}),
        ("-1", "m", {"includeThoughts": True, "thinkingBudget": -1}),
    ],
)
def test_thinking(level, model, config):
    assert made(thinking=level, model=model).config["thinkingConfig"] == config


def test_params_and_body():
    request = made(
        param=["topK=3", "responseMimeType=application/json", "toolConfig.a.b=[1]"],
        body='{"toolConfig": {"c": null}, "generationConfig": {"topK": 9}}',
    )
    assert request.config == {"topK": 3, "responseMimeType": "application/json"}
    assert request.body == {"toolConfig": {"a": {"b": [1]}, "c": None}, "generationConfig": {"topK": 9}}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"thinking": "much"}, "not a level"),
        ({"param": ["topK"]}, "not K=V"),
        ({"param": ["a b=1"]}, "not K=V"),
        ({"param": ["a.b=1", "a.b.c=2"]}, "holds a value already"),
        ({"body": "{"}, "not JSON"),
        ({"body": "[]"}, "not a JSON object"),
    ],
)
def test_what_cannot_be_read_is_said_with_a_remedy(said, words):
    with pytest.raises(OptionError, match=words) as caught:
        made(**said)
    assert caught.value.remedy


def test_options_beside_the_sampling_ones_reach_their_fields():
    request = made(
        search=True, code_execution=True, url_context=True, safety="high", service_tier="flex", candidates=2
    )
    assert request.config == {"candidateCount": 2}
    assert request.body["tools"] == [{"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}}]
    assert {each["threshold"] for each in request.body["safetySettings"]} == {"BLOCK_ONLY_HIGH"}
    assert len({each["category"] for each in request.body["safetySettings"]}) == 4
    assert request.body["serviceTier"] == "flex"
    assert made().body == {}


def test_the_body_has_the_last_word_over_the_options():
    request = made(search=True, body='{"tools": [{"googleMaps": {}}]}')
    assert request.body["tools"] == [{"googleMaps": {}}]


def test_a_server_is_asked_for_json_where_its_request_has_a_place_for_that():
    asks = {"responseMimeType": "application/json"}
    for backend in ("gemini", "vertex", "adaptive"):
        assert made(format="json", backend=backend).config == asks
    assert made(format="json", backend="gateway").config == {}
    assert made(format="json", search=True).config == {}
    assert made(format="json", param=["responseMimeType=text/plain"]).config == {
        "responseMimeType": "text/plain"
    }
    for other in ("md", "text", "html", "code", "raw"):
        assert made(format=other).config == {}


@pytest.mark.parametrize("said", [{"safety": "strict"}, {"service_tier": "cheap"}, {"alt": "xml"}])
def test_a_word_that_is_none_of_the_choices(said):
    with pytest.raises(OptionError, match="is not one of"):
        made(**said)
