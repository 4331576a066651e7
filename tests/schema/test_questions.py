"""The questions of a decision: every form in which users write them, and what is refused."""

import json
import re

import pytest

from gemini_magic.errors import OptionError
from gemini_magic.schema import Schema, decision_schema, read_questions, requested_decisions

CHOICE = {"type": "choice", "instructions": "What is it?", "criteria": {"sport": "", "news": ""}}
SCORE = {"type": "score", "instructions": "How good?", "criteria": ["bad", "fair", "good"]}
YES = {"type": "noul", "instructions": "Is this spam?"}
BOTH = {**YES, "criteria": {"true_description": "an advert", "false_description": "a letter"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Is this spam?", YES),
        ({"question": "Is this spam?"}, YES),
        ({"instructions": "Is this spam?", "type": "yes_no"}, YES),
        ({"question": "Is this spam?", "yes": "an advert", "no": "a letter"}, BOTH),
        (BOTH, BOTH),
        ("What is it? sport | news", CHOICE),
        ("What is it? sport|news", CHOICE),
        ({"question": "What is it?", "options": ["sport", "news"]}, CHOICE),
        ({"question": "What is it?", "options": {"sport": None, "news": ""}}, CHOICE),
        (CHOICE, CHOICE),
        ("Topic: a | b", {"type": "choice", "instructions": "Topic", "criteria": {"a": "", "b": ""}}),
        ({"question": "How good?", "levels": ["bad", "fair", "good"]}, SCORE),
        (SCORE, SCORE),
        ("Does a | b occur in it?", {"type": "noul", "instructions": "Does a | b occur in it?"}),
        (json.dumps(SCORE), SCORE),
    ],
)
def test_each_form_of_a_question_becomes_the_api_s_form(given, expected):
    assert read_questions(given) == {"answer": expected}
    assert read_questions({"x": given} if not str(given).startswith("{") else {"x": expected}) == {
        "x": expected
    }
    assert read_questions(read_questions(given)) == {"answer": expected}


def test_questions_are_read_from_a_file_and_from_a_variable(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my questions.json").write_text(json.dumps({"spam": "Is this spam?"}))
    (tmp_path / "questions.json").write_text(json.dumps({"spam": "Is this spam?"}))
    box = type("Box", (), {"asked": {"spam": "Is this spam?"}})
    for text in ("my questions.json", "questions.json", "box.asked"):
        assert read_questions(text, {"box": box}) == {"spam": YES}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "must be a text or a dict, not int"),
        ({}, "has 1 to 1,000 questions, not 0"),
        ({str(n): "Is it?" for n in range(1001)}, "not 1,001"),
        ({"x": 3}, "The question 'x' must be a text or a dict, not int"),
        ({" x": "Is it?"}, "' x' is not a valid id of a question"),
        ({"": "Is it?"}, "'' is not a valid id"),
        ({3: "Is it?"}, "3 is not a valid id"),
        ({"x\n": "Is it?"}, "is not a valid id"),
        ({"x": {"question": ""}}, "needs one text as its question"),
        ({"x": {"question": "a", "instructions": "b"}}, "needs one text as its question"),
        ({"x": {"options": ["a", "b"]}}, "needs one text as its question"),
        ({"x": {"question": "Is it?", "optoins": []}}, "unknown field: 'optoins'"),
        ({"x": {"question": "Is it?", "options": ["a"]}}, "has 1 options"),
        ({"x": {"question": "Is it?", "options": [str(n) for n in range(256)]}}, "has 256 options"),
        ({"x": {"question": "Is it?", "options": ["a", "a"]}}, "has an option twice"),
        ({"x": {"question": "Is it?", "options": ["a", " b"]}}, "' b' is not a valid id of an option"),
        ({"x": {"question": "Is it?", "options": "ab"}}, "needs options"),
        ({"x": {"question": "Is it?", "options": {"a": 1, "b": ""}}}, "a description that is not a text: 1"),
        ({"x": {"question": "Is it?", "levels": ["bad"]}}, "has 1 levels"),
        ({"x": {"question": "Is it?", "levels": ["bad", " "]}}, "has an empty level"),
        ({"x": {"question": "Is it?", "levels": {"a": 1}}}, "needs levels"),
        ({"x": {"question": "Is it?", "levels": ["a", "b"], "options": ["a", "b"]}}, "several types"),
        ({"x": {"question": "Is it?", "type": "choice", "levels": ["a", "b"]}}, "several types"),
        ({"x": {"question": "Is it?", "type": "boolean"}}, "has the type 'boolean'"),
        ({"x": {"question": "Is it?", "type": ["noul"]}}, "has the type"),
        ({"x": {"question": "Is it?", "criteria": ["a", "b"]}}, "has criteria, but no type"),
        ({"x": {"question": "Is it?", "type": "noul", "criteria": ["a", "b"]}}, "yes or no does not have"),
        ({"a": "Is it?", "a_confidence": "Is it?"}, "would both have the field 'a_confidence'"),
        ("questions.json", "The file questions.json cannot be read"),
        ("{'x': 1}", "--decide is not valid JSON"),
        ("spam", "there is no variable spam"),
    ],
)
def test_a_question_that_is_not_valid_is_refused_with_a_remedy(tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match=re.escape(message)) as caught:
        read_questions(given)
    assert caught.value.remedy


def test_the_answers_have_a_schema():
    schema = Schema(decision_schema({"spam": YES, "topic": CHOICE, "quality": SCORE}))
    good = {
        "spam": True,
        "spam_probability": 0.9,
        "topic": "news",
        "topic_probabilities": {"news": 0.7},
        "quality": 1.5,
    }
    assert schema.load(good) == good
    assert len(schema.problems({"spam": 1, "topic": "x", "quality": 3})) == 3
    assert len(schema.problems({})) == 3


def test_a_decision_has_no_schema_of_the_user():
    questions, own = requested_decisions("Is this spam?")
    assert requested_decisions(questions, own)[0] == questions  # a follow-up inherits both
    for schema, multi in ((Schema({"type": "object"}), None), ("name", None), (None, "name")):
        with pytest.raises(OptionError, match="--decide and --schema exclude each other"):
            requested_decisions("Is this spam?", schema, multi)
