"""One field that an option and ``-p`` or ``--body`` set to different values."""

import json

import pytest
from msgspec.structs import replace

from gemini_magic.api import preview
from gemini_magic.backends import names
from gemini_magic.config import resolve, settings
from gemini_magic.content import FunctionDeclaration, RemoteServer, Text
from gemini_magic.errors import OptionError
from gemini_magic.prompts import build_request
from gemini_magic.prompts.conflicts import _WRITING
from gemini_magic.schema import Schema


def sent(line, config=None, previous=None):
    """The body of the request with these options, after the check that precedes sending."""
    options, sources = resolve(line, config, previous=previous)
    return preview(build_request((Text("hi"),), options), options, sources).body


CONFLICTS = {
    # option: (its value, a value of -p, the JSON of --body, the place)
    "system": (
        "S",
        'systemInstruction={"parts":[{"text":"T"}]}',
        {"system_instruction": {"parts": []}},
        "systemInstruction",
    ),
    "temperature": (0.5, "temperature=1", {"generationConfig": {"temperature": 1}}, "temperature"),
    "top_p": (0.5, "top_p=1", {"generation_config": {"top_p": 1}}, "topP"),
    "top_k": (5, "generationConfig.topK=1", {"generationConfig": {"topK": [1]}}, "topK"),
    "max_tokens": (
        5,
        "maxOutputTokens=1",
        {"generationConfig": {"maxOutputTokens": None}},
        "maxOutputTokens",
    ),
    "stop": (["a"], 'stopSequences=["b"]', {"generationConfig": {"stopSequences": "a"}}, "stopSequences"),
    "seed": (5, "seed=1", {"generationConfig": {"seed": "5"}}, "seed"),
    "candidates": (2, "candidateCount=1", {"generationConfig": 3}, "generationConfig"),
    "logprobs": (3, "logprobs=5", {"generationConfig": {"logprobs": 7}}, "logprobs"),
    "search": (True, "tools.x=1", {"tools": [{"googleMaps": {}}]}, "tools"),
    "code_execution": (True, "tools.codeExecution={}", {"tools": None}, "tools"),
    "url_context": (True, "tools.x.y=[]", {"tools": []}, "tools"),
    "maps": (True, "tools.x=2", {"tools": [{"urlContext": {}}]}, "tools"),
    "file_search": (["a"], "tools.x=3", {"tools": [{"fileSearch": {}}]}, "tools"),
    "safety": (
        "high",
        "safetySettings.x=1",
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT"}]},
        "safetySettings",
    ),
    "service_tier": ("flex", "serviceTier.x=1", {"service_tier": "priority"}, "serviceTier"),
    "thinking": (
        "low",
        'thinkingConfig={"thinkingLevel":"HIGH"}',
        {"generationConfig": {"thinkingConfig": 1}},
        "thinking",
    ),
    "schema": (
        Schema({"type": "object", "properties": {"name": {"type": "string"}}}),
        "responseMimeType=text/plain",
        {"generationConfig": {"responseJsonSchema": {"type": "array"}}},
        "response",
    ),
    "format": (
        "json",
        "responseMimeType=text/plain",
        {"generationConfig": {"response_mime_type": "text/x.enum"}},
        "responseMimeType",
    ),
}


def test_the_table_has_every_option_that_writes_a_field():
    assert CONFLICTS.keys() == _WRITING.keys()
    base = sent({})
    for name, (value, *_) in CONFLICTS.items():
        assert sent({name: value}) != base, name


@pytest.mark.parametrize("name", CONFLICTS)
def test_an_option_that_would_be_replaced_on_the_same_line_is_an_error(name):
    value, param, body, place = CONFLICTS[name]
    for more, flag in (({"param": [param]}, "-p"), ({"body": json.dumps(body)}, "--body")):
        with pytest.raises(OptionError) as caught:
            sent({name: value, **more})
        assert f"{_WRITING[name]} and {flag} both set " in caught.value.message
        assert place in caught.value.message or "generationConfig" in caught.value.message
        assert caught.value.remedy.startswith("Use only one of them")


RESOLVED = {
    "--tool": {"functions": (FunctionDeclaration(name="now"),)},
    "--remote-mcp": {"mcp_servers": (RemoteServer(name="web", url="https://a.example/mcp"),)},
}


@pytest.mark.parametrize("flag", RESOLVED)
def test_functions_and_servers_that_would_be_replaced_are_an_error(flag):
    options, sources = resolve({"body": json.dumps({"tools": []})})
    request = build_request((Text("hi"),), options)
    request = replace(request, settings=replace(request.settings, **RESOLVED[flag]))
    with pytest.raises(OptionError, match=f"{flag} and --body both set tools"):
        preview(request, options, sources)


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_configured_option_is_replaced_by_the_line(name):
    value, _, body, _ = CONFLICTS[name]
    if settings()[name].config and not isinstance(body.get("generationConfig", {}), int):
        sent({"body": json.dumps(body)}, {name: value})


def test_a_configured_parameter_does_not_replace_an_option_of_the_line():
    with pytest.raises(
        OptionError, match=r"-t and -p both set generationConfig\.temperature, to different values"
    ):
        sent({"temperature": 0.5}, {"param": ["temperature=1"]})
    with pytest.raises(OptionError, match="-t and -p"):
        sent({"temperature": 0.5}, previous={"param": ["temperature=1"]})
    assert sent({}, previous={"temperature": 0.5, "param": ["temperature=1"]})["generationConfig"] == {
        "temperature": 1
    }


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 1, "param": ["temperature=1"]},
        {"search": True, "body": '{"tools": [{"googleMaps": {}}, {"googleSearch": {"x": 1}}]}'},
        {"stop": ["a"], "param": ['stopSequences=["b","a"]']},
        {"thinking": "low", "param": ['thinkingConfig={"includeThoughts":false}']},
        {"thinking": "low", "body": '{"generationConfig":{"thinkingConfig":{"includeThoughts":false}}}'},
        {"temperature": 1, "param": ["topK=1"], "body": '{"toolConfig":{}}'},
        {"format": "json", "search": True, "param": ["responseMimeType=text/plain"]},
    ],
)
def test_values_that_go_together_are_sent(options):
    sent(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"param": ["topK=1", "topK=2"]}, "-p sets topK twice, to 1 and 2."),
        ({"param": ["topK=1", "top_k=2"]}, "-p and another -p both set"),
        (
            {"param": ["topK=1", "generationConfig.topK=2"]},
            "-p and another -p both set generationConfig.topK",
        ),
        ({"param": ["topK=1"], "body": '{"generationConfig":{"topK":2}}'}, "-p and --body both set"),
    ],
)
def test_two_parameters_for_one_field_are_an_error(options, message):
    with pytest.raises(OptionError) as caught:
        sent(options)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("dialect", sorted(set(names()) - {"gateway"}))
def test_every_dialect_refuses_the_contradiction(dialect):
    project = {"project": "p", "auth": "google"} if dialect == "vertex" else {}
    with pytest.raises(OptionError, match="-t and -p both set"):
        sent({"backend": dialect, "temperature": 0.5, "param": ["temperature=1"], **project})


def test_the_gateway_refuses_the_contradiction_by_its_own_names():
    with pytest.raises(OptionError, match=r"--max-tokens and -p both set parameters\.max_tokens"):
        sent({"backend": "gateway", "max_tokens": 5, "param": ["parameters.max_tokens=1"]})
