"""Options become a neutral request, or are refused."""

from __future__ import annotations

import pandas as pd
import pytest
from PIL import Image

from gemini_magic.config import resolve
from gemini_magic.content import Blob, LocalFile, RequestSettings, Text, Thinking, Turn
from gemini_magic.errors import OptionError, PromptError
from gemini_magic.prompts import attach, build_request, parts_of_prompt


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


def prompt_parts(prompt, attach=(), **options):
    return parts_of_prompt(prompt, attach, **options)


def test_a_prompt_is_a_list_of_texts_parts_and_any_objects(tmp_path):
    (tmp_path / "a.txt").write_text("content")
    frame = pd.DataFrame({"n": range(3)})
    picture = Image.new("L", (20, 20))
    parts, notices = prompt_parts(
        ["Describe", picture, frame, "and", 3, tmp_path / "a.txt", Text("x")], table_rows=2
    )
    assert isinstance(parts[1], Blob)
    texts = [part.text if isinstance(part, Text) else "[image]" for part in parts]
    assert "".join(texts) == (
        "Describe[image]| n |\n| --- |\n| 0 |\n| 1 |\n\n(Shown: the first 2 of 3 rows.)\n\nand\n\n3"
        "\n`a.txt`:\n```txt\ncontent\n```\nx"
    )
    assert notices == ("The request contains 2 of 3 rows of prompt[2]; --table-rows N changes it.",)


def test_a_single_object_can_be_the_prompt(tmp_path):
    picture = Image.new("L", (20, 20))
    for prompt in (
        picture,
        [picture],
        attach(picture),
        Blob("image/png", b"x"),
        Turn("user", (Blob("image/png", b"x"),)),
    ):
        (part,) = prompt_parts(prompt).parts
        assert isinstance(part, Blob)
    assert prompt_parts(pd.DataFrame({"n": [1]})).parts == (Text("| n |\n| --- |\n| 1 |"),)
    assert prompt_parts(b"words").parts == (Text("words"),)


def test_attachments_come_before_the_prompt(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n\xe2\xe3")
    picture = Image.new("L", (20, 20))
    for given in ([str(tmp_path / "a.pdf"), picture], (tmp_path / "a.pdf", [picture])):
        document, image, question = prompt_parts("Why?", given).parts
        assert (document.mime_type, image.mime_type, question) == (
            "application/pdf",
            "image/png",
            Text("Why?"),
        )
    assert prompt_parts("Why?", picture).parts[0].mime_type == "image/png"
    assert prompt_parts("Why?", "https://h.test/a.png").parts[0].uri == "https://h.test/a.png"
    with pytest.raises(PromptError, match=r"attach\[0\] is an object of the type int"):
        prompt_parts("Why?", 3)


def test_the_files_of_a_prompt_are_read_when_the_request_is_built(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n\xe2\xe3")
    options = resolve()[0]
    parts = prompt_parts("Why?", tmp_path / "a.pdf").parts
    assert build_request(parts, options).turns[-1].parts[0] == Blob("application/pdf", b"%PDF-1.7\n\xe2\xe3")
    options.inline_limit = 1e-6
    assert isinstance(build_request(parts, options).turns[-1].parts[0], LocalFile)
