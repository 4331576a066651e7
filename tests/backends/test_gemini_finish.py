"""Finish and block reasons in every form in which servers write them."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends.gemini_decode import decode
from gemini_magic.backends.gemini_finish import block_reason, finish_reason, outcome_of
from gemini_magic.events import Finish, Note, UsageReport


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("STOP", "STOP"),
        ("stop", "STOP"),
        ("Stop", "STOP"),
        ("max_tokens", "MAX_TOKENS"),
        ("MaxTokens", "MAX_TOKENS"),
        ("max-tokens", "MAX_TOKENS"),
        ("FinishReason.MAX_TOKENS", "MAX_TOKENS"),
        ("FINISH_REASON_MAX_TOKENS", "MAX_TOKENS"),
        ("FinishReason.FINISH_REASON_STOP", "STOP"),
        (2, "MAX_TOKENS"),
        ("2", "MAX_TOKENS"),
        ("3", "SAFETY"),
        ("safety", "SAFETY"),
        ("length", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
        ("tool_calls", "STOP"),
        ("end_turn", "STOP"),
        ("malformed_function_call", "MALFORMED_FUNCTION_CALL"),
        ("continuation", "CONTINUATION"),
        ("brand_new", "brand_new"),
        ("99", "99"),
        (99, "99"),
    ],
)
def test_a_finish_reason_is_read_as_what_it_means(sent, reason):
    assert finish_reason(sent) == reason
    decoded = decode(json.dumps({"candidates": [{"finishReason": sent}]}).encode()).events
    finish = next(event for event in decoded if isinstance(event, Finish))
    assert finish.reason == reason
    notes = [event.kind for event in decoded if isinstance(event, Note)]
    assert notes == (["reason-spelling"] if isinstance(sent, str) and sent != reason else [])


@pytest.mark.parametrize(
    "sent",
    [0, "0", "", " ", "FINISH_REASON_UNSPECIFIED", "finish_reason_unspecified", "FinishReason.FINISH_REASON_UNSPECIFIED",
     "unspecified", "null", None],
)  # fmt: skip
def test_an_unspecified_finish_reason_is_no_reason(sent):
    assert finish_reason(sent) is None
    assert decode(json.dumps({"candidates": [{"finishReason": sent}]}).encode()).events in (
        [],
        [_null_note()],
    )


def _null_note() -> Note:
    return Note("unexpected-shape", "A value has an undocumented shape (null); it was converted.", "warning")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("prohibited_content", "PROHIBITED_CONTENT"),
        ("4", "PROHIBITED_CONTENT"),
        (4, "PROHIBITED_CONTENT"),
        ("BlockedReason.SAFETY", "SAFETY"),
        ("BLOCKED_REASON_UNSPECIFIED", None),
        ("BLOCK_REASON_UNSPECIFIED", None),
        (0, None),
    ],
)
def test_a_block_reason_is_read_as_what_it_means(sent, reason):
    assert block_reason(sent) == reason
    decoded = decode(json.dumps({"promptFeedback": {"blockReason": sent}}).encode()).events
    assert [event.reason for event in decoded if isinstance(event, Finish)] == ([reason] if reason else [])


def test_an_answer_in_snake_case_is_read_like_one_in_camel_case():
    answer = {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "see finish_reason", "thought_signature": "c2ln"},
                        {"function_call": {"name": "f", "args": {"finish_reason": 1, "mime_type": "x"}}},
                        {"inline_data": {"mime_type": "image/png", "data": "AAAA"}},
                        {"executable_code": {"code": "print(1)", "language": "PYTHON"}},
                    ],
                    "role": "model",
                },
                "finish_reason": "MAX_TOKENS",
                "finish_message": "why",
                "citation_metadata": {"citation_sources": [{"start_index": 1, "end_index": 2, "uri": "u"}]},
            }
        ],
        "usage_metadata": {"prompt_token_count": 4, "candidates_token_count": 2, "total_token_count": 6},
        "model_version": "m",
        "response_id": "r",
    }
    camel = {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "see finish_reason", "thoughtSignature": "c2ln"},
                        {"functionCall": {"name": "f", "args": {"finish_reason": 1, "mime_type": "x"}}},
                        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                        {"executableCode": {"code": "print(1)", "language": "PYTHON"}},
                    ],
                    "role": "model",
                },
                "finishReason": "MAX_TOKENS",
                "finishMessage": "why",
                "citationMetadata": {"citationSources": [{"startIndex": 1, "endIndex": 2, "uri": "u"}]},
            }
        ],
        "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6},
        "modelVersion": "m",
        "responseId": "r",
    }
    snake, plain = decode(json.dumps(answer).encode()), decode(json.dumps(camel).encode())
    assert [event for event in snake.events if not isinstance(event, Note)] == plain.events
    assert [event.kind for event in snake.events if isinstance(event, Note)] == ["snake-case"]
    assert (snake.model_version, snake.response_id) == ("m", "r")
    assert any(isinstance(event, UsageReport) for event in snake.events)


def test_names_in_the_text_and_in_arguments_are_not_field_names():
    answer = {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": '{"finish_reason": "STOP"}'},
                        {"functionCall": {"name": "f", "args": {"finish_reason": 1}}},
                    ]
                }
            }
        ]
    }
    decoded = decode(json.dumps(answer).encode()).events
    assert [type(event).__name__ for event in decoded] == ["Delta", "Delta"]
    assert decoded[1].part.args == {"finish_reason": 1}


@pytest.mark.parametrize("number", range(1, 18))
def test_every_documented_finish_reason_has_a_meaning(number):
    reason = finish_reason(number)
    assert (outcome_of(reason) is None) == (reason == "OTHER")  # the API does not say what it means


@pytest.mark.parametrize("reason", ["NO_IMAGE", "IMAGE_OTHER"])
def test_a_picture_that_was_not_made_is_a_failure(reason):
    assert outcome_of(reason) == "error"
