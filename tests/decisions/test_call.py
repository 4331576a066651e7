"""``decide`` and rows of decisions, against a server with the API's answers."""

import pandas as pd
import pytest
from fake_server import Script, google_error, status

import gemini_magic as gm
from gemini_magic.errors import BlockedError, GeminiMagicError, MismatchError, OptionError, ServiceError

PATH = "/v1beta/decisions"
QUESTIONS = {
    "spam": "Is this spam?",
    "topic": "What is it? sport | news",
    "quality": {"question": "How good?", "levels": ["bad", "fair", "good"]},
}
ANSWERS = {
    "spam": {"type": "noul", "noul": 0.95, "confidence": 0.95},
    "topic": {
        "type": "choice",
        "choice": "sport",
        "probabilities": {"sport": 0.8, "news": 0.2},
        "confidence": 0.8,
    },
    "quality": {"type": "score", "score": 1.7, "probabilities": {"0": 0.1, "2": 0.9}, "confidence": 0.9},
}
REPLY = {"answers": ANSWERS, "usage": {"total_input_tokens": 12, "total_output_tokens": 0}}


@pytest.fixture
def server(fake_server, monkeypatch):
    """A server that answers all three questions."""
    monkeypatch.setenv("GEMINI_API_KEY", "")
    fake_server.route(PATH, Script([status(200, body=REPLY)]))
    return fake_server


def decide(server, questions=QUESTIONS, text="Buy now", **options):
    return gm.decide(questions, text, base_url=server.base_url, **options)


def test_the_answers_have_values_and_probabilities(server):
    found = decide(server)
    assert list(found) == ["spam", "topic", "quality"]
    assert found["spam"] == ("Is this spam?", True, 0.95, 0.95, {})
    assert found["topic"] == ("What is it?", "sport", 0.8, None, {"sport": 0.8, "news": 0.2})
    assert (found["quality"].value, found["quality"].probabilities) == (1.7, {"0": 0.1, "2": 0.9})
    assert repr(found) == "spam: yes (95%)\ntopic: sport (80%)\nquality: 1.7 (90%)"
    assert "<td>sport</td><td>80%</td>" in found._repr_html_()
    (seen,) = server.requests
    assert (seen.method, seen.path) == ("POST", PATH)
    assert list(seen.body["questions"]) == list(QUESTIONS)
    r = found.response
    assert (r.status, list(r.notes), r.usage.prompt) == ("complete", [], 12)
    assert r.raw == [REPLY]


def test_the_users_json_is_sent_too(server):
    decide(server, body={"labels": {"a": "b"}}, param=["seed=3"])
    assert server.requests[0].body.keys() == {"model", "input", "questions", "labels", "seed"}


def test_a_price_gives_a_cost(server):
    assert decide(server, price="0.1,0").response.cost.amount == pytest.approx(12 * 0.1e-6)
    assert decide(server).response.cost is None


def test_a_single_question_has_the_id_answer(fake_server):
    fake_server.route(PATH, Script([status(200, body={"answers": {"answer": ANSWERS["spam"]}})]))
    assert decide(fake_server, "Is this spam?")["answer"].value is True


def test_hostile_texts_are_escaped(fake_server):
    answer = {"type": "choice", "choice": "<b>", "probabilities": {"<b>": 1}}
    fake_server.route(PATH, Script([status(200, body={"answers": {"answer": answer}})]))
    html = decide(fake_server, {"question": "<i>?", "options": ["<b>", "\u202ex"]})._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


BAD = {
    "blocked": ({"prompt_feedback": {"block_reason": "safety"}}, BlockedError),
    "empty": ({}, GeminiMagicError),
    "an answer is missing": ({"answers": {"spam": ANSWERS["spam"]}}, MismatchError),
    "unknown type": ({"answers": {**ANSWERS, "spam": {"type": "rank"}}}, MismatchError),
    "unknown option": ({"answers": {**ANSWERS, "topic": {"type": "choice", "choice": "x"}}}, MismatchError),
}


@pytest.mark.parametrize("name", BAD)
def test_a_question_without_its_answer_is_an_error_with_the_response(fake_server, name):
    body, kind = BAD[name]
    fake_server.route(PATH, Script([status(200, body=body)]))
    with pytest.raises(kind) as caught:
        decide(fake_server)
    assert caught.value.response.raw == [body]
    assert len(fake_server.requests) == 1


def test_an_error_of_the_server_is_raised(fake_server):
    fake_server.route(PATH, Script([status(400, body=google_error(400, "bad question", "INVALID_ARGUMENT"))]))
    with pytest.raises(ServiceError, match="bad question"):
        decide(fake_server)


@pytest.mark.parametrize(
    ("questions", "options", "message"),
    [
        ("", {}, "The question is empty"),
        (None, {}, "The question is empty"),
        ({}, {}, "1 to 1,000 questions"),
        (QUESTIONS, {"schema": "name"}, "exclude each other"),
        (QUESTIONS, {"server_store": True}, "--server-store"),
        (QUESTIONS, {"agent": "a"}, "agent"),
        (QUESTIONS, {"system": "x"}, "a system instruction"),
        (QUESTIONS, {"backend": "echo"}, "does not support decisions"),
        (QUESTIONS, {"tools": [len]}, "neither tools nor earlier turns"),
    ],
)
def test_mistakes_are_refused_before_sending(server, questions, options, message):
    with pytest.raises(OptionError, match=message) as caught:
        decide(server, questions, **options)
    assert caught.value.remedy
    assert server.requests == []


def test_a_reply_to_a_decision_is_refused(server):
    with pytest.raises(OptionError, match="earlier turns"):
        decide(server).response.reply("And now?")


def test_a_recording_of_a_decision_is_replayed_and_loaded(server, tmp_path):
    path = tmp_path / "decision.jsonl"
    first = decide(server, record=str(path))
    again = decide(server, replay=str(path))
    assert dict(again) == dict(first)
    assert len(server.requests) == 1
    loaded = gm.Response.load(path)
    assert loaded.parsed == first.response.parsed


def test_rows_get_a_column_for_each_field(server, tmp_path):
    rows = pd.DataFrame({"id": [1, 2], "text": ["a", "b"]})
    given = {"id": "id", "base_url": server.base_url, "show": False, "store": tmp_path / "s.rows.sqlite"}
    run = gm.rows("{{ row.text }}", rows, decide=QUESTIONS, **given)
    df = run.df
    assert list(df["spam"]) == [True, True]
    assert list(df["topic"]) == ["sport"] * 2
    assert list(df["quality_confidence"]) == [0.9, 0.9]
    assert [each.body["input"] for each in server.requests] in (["a", "b"], ["b", "a"])
    gm.rows("{{ row.text }}", rows, decide=QUESTIONS, **given)
    assert len(server.requests) == 2
    changed = {**QUESTIONS, "spam": "Is this an advert?"}
    with pytest.raises(OptionError, match="decide"):  # other questions are other requests
        gm.rows("{{ row.text }}", rows, decide=changed, **given)


def test_the_batch_tier_is_refused_for_decisions(server):
    with pytest.raises(OptionError, match="batch"):
        gm.rows(["a"], decide="Is it?", base_url=server.base_url, service_tier="batch", show=False)
    assert server.requests == []
