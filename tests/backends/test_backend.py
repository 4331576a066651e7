"""What every backend shares: expected anomalies, and decoders with state."""

from __future__ import annotations

import pytest

from gemini_magic.backends import backend, names
from gemini_magic.content import Text, Thought
from gemini_magic.events import Delta


@pytest.mark.parametrize("name", names())
def test_the_framing_that_was_requested_is_expected(name):
    dialect = backend(name)
    assert dialect.expected_anomalies("sse") == dialect.normal_anomalies
    assert {"json-array", "json-object"} <= set(dialect.expected_anomalies("json"))
    assert "json-object" in dialect.expected_anomalies("whole")
    assert "json-array" not in dialect.expected_anomalies("whole")


@pytest.mark.parametrize("name", names())
def test_every_decoder_takes_the_name_of_an_event(name):
    raw = b'{"candidates": [{"content": {"parts": [{"text": "a"}]}}], "type": "text", "content": "a"}'
    with_name, without = backend(name).decoder(), backend(name).decoder()
    assert with_name(raw, "message") == without(raw)


def test_a_decoder_keeps_its_state_for_as_long_as_its_caller_keeps_it():
    begun = b'{"type": "text", "name": "thinking", "content": "a", "index": 4}'
    piece = b'{"content": "b", "index": 4}'
    kept = backend("gateway").decoder()
    kept(begun)
    assert kept(piece).events == [
        Delta(Thought("b"))
    ]  # in a later exchange, where the caller keeps the decoder
    assert backend("gateway").decoder()(piece).events == [Delta(Text("b"))]
