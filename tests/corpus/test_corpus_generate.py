"""Every recorded answer with pictures, code, tools or sources is read as its index expects, however it is cut, and shown."""

from __future__ import annotations

import json

import pytest
from corpus_decode import decoded, normalized, read
from corpus_streams import REQUIRED, ROOT, load, readings
from html_audit import audit_framed

from gemini_magic.ledger import CallItem, Candidate, CodeRun, MediaItem, OtherItem, TextStretch, ToolItem
from gemini_magic.views import bundle

pytestmark = pytest.mark.corpus
ANSWERS = load("generate")
TYPED = [
    each
    for each in (*load(), *ANSWERS)
    if each.status == 200 and (each.expected.get("text") or "").startswith("{")
]
ITEMS = {
    "executableCode": CodeRun,
    "inlineData": MediaItem,
    "functionCall": CallItem,
    "toolCall": ToolItem,
    "text": TextStretch,
}


def test_the_recorded_answers_exist_when_they_are_required():
    if not ANSWERS:
        print(f"no recorded answers in {ROOT / 'generate'}: this test reads nothing")
    assert ANSWERS or not REQUIRED
    assert not ANSWERS or len(ANSWERS) >= 34


@pytest.mark.parametrize("recorded", ANSWERS, ids=lambda recorded: recorded.id)
def test_every_reading_decodes_to_the_expected_values(recorded):
    expected = normalized({name: recorded.expected[name] for name in decoded(read([], 200))})
    pieces_of = readings(recorded.body, recorded.framing)
    for label, pieces in pieces_of:
        if len(pieces) > 100_000:  # byte by byte, a picture of 300 kB takes seconds
            continue
        ledger = read(pieces, recorded.status)
        found = decoded(ledger)
        # The index counts texts that follow one another as one.
        kinds = found["part_kinds"]
        found["part_kinds"] = [
            kind for at, kind in enumerate(kinds) if kind != "text" or kinds[at - 1 : at] != ["text"]
        ]
        assert found == expected, label
        signatures = sum(part.signature is not None for part in ledger.parts.get(0, ()))
        assert signatures == recorded.expected["signatures"], label


@pytest.mark.parametrize("recorded", ANSWERS, ids=lambda recorded: recorded.id)
def test_every_answer_is_shown_in_order_and_safely(recorded):
    ledger = read([recorded.body], recorded.status)
    items = Candidate(ledger, 0).items
    kinds = [kind for kind in recorded.expected["part_kinds"] if kind in ITEMS and kind != "text"]
    assert [type(item) for item in items if not isinstance(item, TextStretch)] == [
        ITEMS[kind] for kind in kinds
    ]
    assert not any(isinstance(item, OtherItem) for item in items)
    text = "".join(ledger.answer)
    assert "".join(text[item.start : item.end] for item in items if isinstance(item, TextStretch)) == text
    saved = bundle(ledger)
    assert audit_framed(saved["text/html"]) == []
    assert json.dumps(saved)
    for item in items:
        if isinstance(item, CodeRun):
            assert item.code.strip().splitlines()[0] in saved["text/markdown"]
            assert all(line in saved["text/plain"] for line in item.output.strip().splitlines())
        elif isinstance(item, CallItem):
            assert f"{item.call.name}(" in saved["text/plain"]
        elif isinstance(item, MediaItem):
            assert "data:image/" in saved["text/html"]


@pytest.mark.parametrize("recorded", TYPED, ids=lambda recorded: recorded.id)
def test_an_answer_in_json_has_its_value(recorded):
    value = read([recorded.body], recorded.status).answer_value()
    assert value.json == value.parsed == json.loads(recorded.expected["text"])
    assert (value.error, value.notes) == (None, ())
