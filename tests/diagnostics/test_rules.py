"""What is odd about a stream as a whole."""

from __future__ import annotations

import json

import pytest
from corpus_streams import load

from gemini_magic.backends import backend
from gemini_magic.content import Request, Text, Turn
from gemini_magic.diagnostics.rules import lint
from gemini_magic.ledger.ledger import Exchange, Ledger
from gemini_magic.recording import load_exchanges

ASKED = Request(model="gemini-2.5-flash", turns=(Turn("user", (Text("?"),)),))


def streamed(*values, request=None, name="gemini", gap=0.1):
    """The ledger of a stream of these values; a text stands for itself."""
    exchange = Exchange("POST", "https://example.org/v1", (), b"{}")
    exchange.status, exchange.end = 200, "eof"
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    exchange.pieces = [(gap * n, f"data: {text}\r\n\r\n".encode()) for n, text in enumerate(texts)]
    ledger = Ledger(request, backend=name)
    load_exchanges([exchange], backend(name), ledger)
    return ledger


def said(text="", finish=None, total=None, **extra):
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    usage = {"usageMetadata": {"promptTokenCount": 1, "totalTokenCount": total}} if total else {}
    return {"candidates": [candidate], **usage, **extra}


def found(ledger):
    return {note.kind: note for note in lint(ledger)}


def test_nothing_is_odd_about_a_plain_stream():
    ledger = streamed(
        said("Hello", total=3),
        said(" there", "STOP", total=4, modelVersion="gemini-2.5-flash"),
        request=ASKED,
    )
    assert found(ledger) == {}


def test_a_reason_to_end_on_every_chunk_is_told_once():
    note = found(streamed(*[said(text, "STOP") for text in "abc"]))["early-finish"]
    assert note.chunk == 0
    assert "(2 times)" in note.message
    assert note.severity == "info"


def test_an_empty_part_behind_the_end_is_no_early_end():
    assert set(found(streamed(said("a", "STOP"), said("")))) == {"empty-part"}


def test_a_total_that_shrinks():
    note = found(streamed(said("a", total=9), said("b", total=4), said("c", "STOP", total=5)))["usage-shrank"]
    assert note.chunk == 1


def test_text_that_comes_twice_and_text_that_begins_again():
    piece = "a sentence that is long enough "
    assert found(streamed(said(piece), said(piece), said("end", "STOP")))["duplicate-text"].chunk == 1
    assert "cumulative-text" in found(streamed(*[said(piece * n) for n in (1, 2, 3)]))
    assert "cumulative-text" not in found(streamed(said(piece), said(piece * 2), said("and the end")))
    assert found(streamed(said("ha "), said("ha "), said("!", "STOP"))) == {}
    ruled = "| --- " * 8
    assert found(streamed(said(ruled), said(ruled), said("|", "STOP"))) == {}


def test_empty_parts_and_signatures_on_them():
    signed = {
        "candidates": [
            {"content": {"parts": [{"text": "", "thoughtSignature": "c2ln"}]}, "finishReason": "STOP"}
        ]
    }
    notes = found(streamed(said("a"), said(""), said(""), signed))
    assert (notes["empty-part"].chunk, notes["empty-signature"].chunk) == (1, 3)
    assert "(2 times)" in notes["empty-part"].message


def test_fields_nobody_has_documented_are_named():
    odd = said("a", "STOP", somethingNew=1)
    odd["candidates"][0]["mood"] = "good"
    odd["usageMetadata"] = {"promptTokenCount": 1, "laughTokenCount": 3}
    message = found(streamed(odd))["unknown-field"].message
    assert all(
        name in message for name in ("somethingNew", "candidates.mood", "usageMetadata.laughTokenCount")
    )


def test_a_field_that_is_named_twice():
    text = '{"candidates": [{"content": {"parts": [{"text": "a", "text": "b"}]}, "finishReason": "STOP"}]}'
    note = found(streamed(text))["duplicate-key"]
    assert "text" in note.message
    assert note.severity == "warning"


def test_a_long_silence_names_the_chunk_behind_it():
    note = found(streamed(said("a"), said("b", "STOP"), gap=12.5))["gap"]
    assert note.chunk == 1
    assert "12.5 s" in note.message


@pytest.mark.parametrize(
    ("asked", "came", "told"),
    [
        ("gemini-2.5-flash", "gemini-2.5-flash-001", False),
        ("gemini-flash-latest", "gemini-9-flash", False),
        ("gemini-2.5-pro", "gemini-2.5-flash", True),
    ],
)
def test_another_model_than_the_one_asked(asked, came, told):
    request = Request(model=asked, turns=ASKED.turns)
    assert ("other-model" in found(streamed(said("a", "STOP", modelVersion=came), request=request))) is told


@pytest.mark.parametrize(
    "value",
    [
        "[1, 2]",
        "null",
        '{"candidates": {"content": 3}}',
        '{"candidates": [null, {"content": []}]}',
        '{"usageMetadata": []}',
    ],
)
def test_odd_json_breaks_nothing(value):
    lint(streamed(value))


def test_other_dialects_have_their_own_fields():
    assert "unknown-field" not in found(
        streamed({"type": "text", "content": "hi", "is_final": True}, name="gateway")
    )


def test_parts_of_an_unknown_kind_are_named():
    value = said("a")
    value["candidates"][0]["content"]["parts"].append({"hologram": {"depth": 3}, "thoughtSignature": "c2ln"})
    note = found(streamed(said("b"), value, said("c", "STOP")))["unknown-part"]
    assert (note.chunk, note.severity) == (1, "info")
    assert "hologram" in note.message
    assert "thoughtSignature" not in note.message


def test_words_nobody_has_documented_are_named():
    rated = {"safetyRatings": [{"category": "NEW", "probability": "MAYBE"}]}
    note = found(streamed(said("a"), said("b", "STOP", promptFeedback=rated)))["unknown-value"]
    assert (note.chunk, note.severity) == (1, "info")
    assert "probability MAYBE" in note.message
    call = {"functionCall": {"name": "f", "args": {"modality": "MINE"}}}
    assert found(streamed({"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]})) == {}


def test_an_error_that_is_no_event_is_told():
    exchange = Exchange("POST", "https://example.org/v1", (), b"{}")
    exchange.status, exchange.end = 200, "eof"
    error = b'{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}'
    for body, told in ((error + b"\n", True), (b"data: " + error + b"\n\n", False)):
        exchange.pieces = [(0.1, b"data: " + json.dumps(said("a")).encode() + b"\n\n" + body)]
        ledger = Ledger()
        load_exchanges([exchange], backend("gemini"), ledger)
        assert ledger.status == "error"
        assert ("error-outside-data" in found(ledger)) is told


def test_an_answer_with_nothing_in_it():
    empty = {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}
    assert found(streamed(empty))["empty-answer"].severity == "warning"
    assert "empty-answer" not in found(streamed(said("a", "STOP")))


@pytest.mark.corpus
def test_recorded_streams():
    kinds = set()
    for each in load():
        exchange = Exchange("POST", "https://example.org/v1", (), b"{}")
        exchange.status, exchange.end, exchange.pieces = each.status, "eof", [(0.0, each.body)]
        exchange.response_headers = (("content-type", each.content_type),)
        ledger = Ledger()
        load_exchanges([exchange], backend("gemini"), ledger)
        kinds |= set(found(ledger))
    assert {"early-finish", "empty-part", "empty-signature", "usage-shrank"} <= kinds
