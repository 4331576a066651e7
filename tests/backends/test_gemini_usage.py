"""Token counts by modality, as Gemini reports them."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends.gemini_usage import price_data, token_details
from gemini_magic.events import TokenDetail, Usage


def raw(**metadata):
    return json.dumps({"usageMetadata": metadata}).encode()


def test_every_kind_of_count_is_split_by_modality():
    text, audio = ({"modality": name, "tokenCount": count} for name, count in (("TEXT", 5), ("AUDIO", 7)))
    reported = raw(
        promptTokensDetails=[text, audio],
        cacheTokensDetails=[text],
        candidatesTokensDetails=[audio],
        toolUsePromptTokensDetails=[{"tokenCount": 1}],
        totalTokenCount=25,
    )
    assert token_details(reported) == [
        TokenDetail("prompt", "text", 5),
        TokenDetail("prompt", "audio", 7),
        TokenDetail("cached", "text", 5),
        TokenDetail("output", "audio", 7),
        TokenDetail("tool", "", 1),
    ]


@pytest.mark.parametrize("count", ["5", True, None, 1.5, 2**62])
def test_a_count_that_is_not_an_integer_is_left_out(count):
    assert token_details(raw(promptTokensDetails=[{"modality": "TEXT", "tokenCount": count}, 1])) == []


@pytest.mark.parametrize(
    "value", [b"", b'"TokensDetails', b'["promptTokensDetails"]', b'{"usageMetadata": "TokensDetails"}']
)
def test_a_chunk_without_counts_has_no_details(value):
    assert token_details(value) == []
    assert price_data("m", Usage(), value) == {"modelVersion": "m", "usageMetadata": {}}


def test_a_price_table_gets_the_final_counts_and_the_modalities_of_the_last_report():
    details = [{"modality": "AUDIO", "tokenCount": 7}]
    data = price_data(
        "models/m", Usage(prompt=9, total=9), raw(promptTokensDetails=details, promptTokenCount=1)
    )
    assert data == {
        "modelVersion": "m",
        "usageMetadata": {"promptTokensDetails": details, "promptTokenCount": 9, "totalTokenCount": 9},
    }
