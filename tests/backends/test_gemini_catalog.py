"""Token counts and model lists as Google's APIs send them."""

from __future__ import annotations

from gemini_magic.backends import Model, TokenCount
from gemini_magic.backends.gemini_catalog import read_models, read_token_count


def test_a_count_is_read_from_numbers_and_strings():
    details = [{"modality": "TEXT", "tokenCount": "24"}, {"tokenCount": 1}, "unexpected"]
    value = {"totalTokens": "31", "cachedContentTokenCount": 7, "promptTokensDetails": details}
    assert read_token_count(value) == TokenCount(31, 7, {"TEXT": 24, "MODALITY_UNSPECIFIED": 1})
    assert read_token_count({}) == TokenCount(None, None, {})


def test_both_kinds_of_lists_are_read():
    page = {"models": [{"name": "models/a", "thinking": "yes"}, 1], "nextPageToken": "next"}
    assert read_models(page) == ([Model("a", None, None, None, (), None)], "next")
    vertex = {"publisherModels": [{"name": "publishers/google/models/b", "inputTokenLimit": "9"}]}
    assert read_models(vertex) == ([Model("b", None, 9, None, (), None)], "")
    assert read_models({"models": {"name": "not a list"}}) == ([], "")
