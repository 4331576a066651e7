"""The dialect of decisions: the request, the answer, and what a hostile server may send."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.backends import backend, names
from gemini_magic.backends.backend import Endpoint
from gemini_magic.config import resolve
from gemini_magic.content import Blob, Call, File, MediaSettings, Request, RequestSettings, Text, Turn
from gemini_magic.errors import OptionError
from gemini_magic.events import Delta, Failure, Finish, Note, Usage, UsageReport

QUESTIONS = {"spam": {"type": "noul", "instructions": "Is this spam?"}}
DECISIONS = backend("decisions")
DECODE = DECISIONS.decoder()


def request(*parts, **more):
    settings = more.pop("settings", RequestSettings(questions=QUESTIONS))
    turns = (*more.pop("turns", ()), Turn("user", parts or (Text("Buy now"),)))
    return Request(model="m", turns=turns, settings=settings, **more)


def sent(*parts, endpoint=None, **more):
    http = DECISIONS.encode(request(*parts, **more), endpoint or Endpoint())
    return http, json.loads(http.body)


def test_a_text_is_sent_as_it_is():
    http, body = sent()
    assert (http.method, http.url) == ("POST", "https://generativelanguage.googleapis.com/v1beta/decisions")
    assert body == {"model": "models/m", "input": "Buy now", "questions": QUESTIONS}
    assert dict(http.headers)["accept"] == "application/json"
    assert sent(endpoint=Endpoint("http://h/v1"))[0].url == "http://h/v1/decisions"


def test_media_are_sent_as_the_contents_of_interactions():
    _, body = sent(
        Text("Which?"),
        Blob("image/png", b"png", media=MediaSettings(resolution="low")),
        File("https://x/a.pdf", "application/pdf"),
        File("files/x"),
    )
    assert body["input"][0] == {"type": "text", "text": "Which?"}
    assert body["input"][1] == {
        "type": "image",
        "data": "cG5n",
        "mime_type": "image/png",
        "resolution": "low",
    }
    assert body["input"][2:] == [
        {"type": "document", "uri": "https://x/a.pdf", "mime_type": "application/pdf"},
        {"type": "document", "uri": "files/x"},
    ]


def test_the_users_json_is_merged():
    _, body = sent(params={"labels": {"a": "b"}}, body={"input": "other"})
    assert body == {"model": "models/m", "input": "other", "questions": QUESTIONS, "labels": {"a": "b"}}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"system": "Be brief."}, "a system instruction"),
        ({"turns": (Turn("user", (Text("x"),)), Turn("model", (Text("y"),)))}, "earlier turns"),
        ({"settings": RequestSettings(temperature=0, questions=QUESTIONS)}, "--temperature"),
        ({"settings": RequestSettings(stop=("x",), questions=QUESTIONS)}, "--stop"),
        ({"settings": RequestSettings(tools=("search",), questions=QUESTIONS)}, "--search"),
        ({"settings": RequestSettings(server_store=True, questions=QUESTIONS)}, "--server-store"),
        ({"settings": RequestSettings(agent="a", questions=QUESTIONS)}, "--agent"),
        ({"settings": RequestSettings(service_tier="flex", questions=QUESTIONS)}, "--service-tier"),
    ],
)
def test_what_a_decision_does_not_have_is_refused_before_sending(more, message):
    with pytest.raises(OptionError, match=f"A decision does not have {message}") as caught:
        DECISIONS.encode(request(**more), Endpoint())
    assert caught.value.remedy


def test_parts_and_settings_that_the_api_does_not_have_are_refused():
    with pytest.raises(OptionError, match="no setting start for media of the type image"):
        sent(Blob("image/png", b"x", media=MediaSettings(start=3.0)))
    with pytest.raises(OptionError, match="input of the type Call"):
        sent(Call("f", {}))


def test_a_request_is_read_again():
    http, _ = sent()
    read = DECISIONS.read_request(http.url, http.body)
    assert (read.model, read.question, read.rest) == ("m", "Buy now", {"questions": QUESTIONS})
    assert read.schema["required"] == ["spam"]
    for body in (b"", b"[]", b'{"questions":3,"model":[]}', b"[" * 100_000):
        assert DECISIONS.read_request("", body).schema is None


ANSWERS = {
    "spam": {"type": "noul", "noul": 0.25, "confidence": 0.75},
    "topic": {
        "type": "choice",
        "choice": "sport",
        "probabilities": {"sport": 0.8, "news": 0.2},
        "confidence": 0.8,
    },
    "quality": {"type": "score", "score": 1.7, "probabilities": {"0": 0.3, "2": 0.7}, "legend": {"0": "bad"}},
}
FLAT = {
    "spam": False,
    "spam_probability": 0.25,
    "spam_confidence": 0.75,
    "topic": "sport",
    "topic_confidence": 0.8,
    "topic_probabilities": {"sport": 0.8, "news": 0.2},
    "quality": 1.7,
    "quality_probabilities": {"0": 0.3, "2": 0.7},
}


def decoded(value, event=None):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return DECODE(raw, event).events


def test_the_answers_become_one_flat_object():
    usage = {"total_input_tokens": "12", "total_output_tokens": 0, "total_tokens": 12}
    text, counts, end = decoded({"answers": ANSWERS, "usage": usage, "new": 1})
    assert json.loads(text.part.text) == FLAT
    assert counts == UsageReport(Usage(12, output=0, total=12))
    assert end == Finish("final", outcome="complete")


def test_yes_is_a_probability_of_one_half_or_more():
    for share, value in ((0.5, True), (0.49, False), (1, True), (0, False)):
        text = decoded({"answers": {"x": {"type": "noul", "noul": share}}})[0].part.text
        assert json.loads(text) == {"x": value, "x_probability": share}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        3,
        [],
        {"type": "rank", "rank": [1, 2]},
        {"type": ["noul"]},
        {"type": "noul", "noul": True},
        {"type": "noul", "noul": 1.5},
        {"type": "noul"},
        {"type": "choice", "choice": 3},
        {"type": "score", "score": "2"},
    ],
)
def test_an_answer_of_another_form_is_kept_as_received_with_a_note(answer):
    text, note, end = decoded({"answers": {"x": answer, "y": ANSWERS["spam"]}})
    assert json.loads(text.part.text) == {
        "x": answer,
        "y": False,
        "y_probability": 0.25,
        "y_confidence": 0.75,
    }
    assert isinstance(note, Note)
    assert note.kind == "unknown-answer"
    assert end.outcome == "complete"


def test_many_answers_of_another_form_are_one_note():
    assert [type(each) for each in decoded({"answers": {str(n): None for n in range(1000)}})] == [
        Delta,
        Note,
        Finish,
    ]


def test_a_blocked_input_and_missing_answers_are_no_complete_answers():
    feedback = {"block_reason": "safety", "block_reason_message": "no"}
    assert decoded({"prompt_feedback": feedback}) == [Finish("SAFETY", "no", 0, True, "blocked")]
    assert decoded({"prompt_feedback": {"block_reason": []}})[-1].outcome == "error"
    for value in ({}, {"answers": {}}, {"answers": None}, {"answers": []}):
        assert decoded(value)[-1].outcome == "error"


def test_errors_are_failures():
    for value in ({"error": {"code": "invalid_request", "message": "bad"}}, {"detail": "bad"}):
        (failure,) = decoded(value)
        assert isinstance(failure, Failure)
        assert failure.message == "bad"
    assert isinstance(decoded({"message": "bad"}, "error")[-1], Failure)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"answers":' + b"[" * 100_000,
        b'{"answers":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
        b'{"answers":{"a":{"type":"score","score":' + b"9" * 5000 + b"}}}",
        b'{"answers":{"a":{"type":"score","score":1e999,"confidence":NaN}}}',
        b'{"answers":{"\\ud800":{"type":"choice","choice":"\\ud800"}}}',
        b'{"usage":{"total_tokens":true,"total_input_tokens":-4,"total_output_tokens":1e99},"error":0}',
    ],
)
def test_a_hostile_body_never_raises_and_its_text_is_json(raw):
    for event in DECODE(raw).events:
        if isinstance(event, Delta):
            json.loads(event.part.text).keys()
            event.part.text.encode()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "noul", "score", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["answers", "usage", "prompt_feedback", "error"]), VALUES))
def test_any_json_object_is_decoded(value):
    assert DECODE(json.dumps(value).encode()).events


# ------------------------------------------------------------------------------ which backend decides


def test_the_option_selects_the_backend_and_its_model():
    asked = {"decide": "Is it?"}
    options, sources = resolve(asked)
    assert (options.backend, options.model) == ("decisions", "gemini-decision-1")
    assert sources["model"] == "default of the decisions backend"
    assert resolve({**asked, "model": "own"})[0].model == "own"
    assert resolve(asked, {"model": "for-answers", "backend": "gemini"})[0].model == "gemini-decision-1"
    again, _ = resolve({}, previous=vars(options))
    assert (again.backend, again.model) == ("decisions", "gemini-decision-1")
    assert resolve({})[0].backend == "gemini"


@pytest.mark.parametrize("name", [each for each in names() if backend(each).decisions is None])
def test_other_servers_have_no_decisions(name):
    with pytest.raises(OptionError, match=f"The {name} backend does not support decisions") as caught:
        resolve({"decide": "Is it?", "backend": name})
    assert caught.value.remedy


def test_the_backend_of_decisions_is_not_named_by_users():
    assert "decisions" not in names()
    with pytest.raises(OptionError, match="needs questions"):
        resolve({"backend": "decisions"})
