"""Every recorded or documented interaction is read as its index expects, however its bytes are cut."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest
from byte_cuts import byte_by_byte, random_cuts
from corpus_streams import REQUIRED, ROOT, line_ends

from gemini_magic.backends import backend
from gemini_magic.backends.interactions_decode import interactions_decoder
from gemini_magic.content import Blob, Call, kind_of
from gemini_magic.events import StepStart
from gemini_magic.ledger import Candidate, Exchange, Ledger, ToolItem
from gemini_magic.pipeline import Pipeline
from gemini_magic.views import Timeline, bundle
from gemini_magic.views.record import RECORD

pytestmark = pytest.mark.corpus
FOLDER = ROOT / "interactions"
INDEX = json.loads((FOLDER / "index.json").read_text("utf-8")) if FOLDER.is_dir() else []
CITED = [entry for entry in INDEX if entry["expected"]["annotations"]]
EXPECTED = ("done-marker", "field-event", "json-object")
ENDINGS = {
    "completed": "complete",
    "requires_action": "complete",
    "hibernating": "complete",  # unknown, with a note
    "incomplete": "truncated",
    "requires_continuation": "truncated",
    "in_progress": "truncated",  # as nothing ends it
    "failed": "error",
    None: "complete",  # the flat form of the preview, which the index does not read
}


def read(pieces):
    ledger = Ledger(backend="gemini")
    exchange = Exchange("POST", "https://example.test/v1beta/interactions", (), b"")
    ledger.begin(exchange)
    pipeline = Pipeline(
        exchange, ledger, backend("gemini"), interactions_decoder(), max_event=1 << 24, expected=EXPECTED
    )
    for piece in pieces:
        pipeline.feed(0.0, piece)
    pipeline.close(0.0)
    ledger.close("end")
    return ledger


def found(ledger):
    parts = list(ledger.parts.get(0, ()))
    steps = ledger.steps.all()
    blobs = [part.mime_type.partition("/")[0] for part in parts if isinstance(part, Blob)]
    return {
        "text": "".join(ledger.answer),
        "thoughts": "".join(ledger.thoughts),
        "step_types": [event.type for event in ledger.events if isinstance(event, StepStart) and event.raw],
        "function_calls": [
            {"id": part.id, "name": part.name, "arguments": part.args}
            for part in parts
            if isinstance(part, Call)
        ],
        "signatures": sum(bool(step.raw.get("signature")) for step in steps),
        "annotations": sum(
            len(block.get("annotations", ())) for step in steps for block in step.raw.get("content", ())
        ),
        "images": blobs.count("image"),
        "audio": blobs.count("audio"),
        "status": ledger.extras.get("status"),
        "interaction_id": ledger.response_id,
        "model": ledger.model_version,
    }


def state(ledger):
    """Everything about a reading that must not depend on the pieces."""
    return (
        found(ledger),
        [kind_of(part) for part in ledger.parts.get(0, ())],
        [step.raw for step in ledger.steps.all()],
        (ledger.status, str(ledger.error), ledger.usage, ledger.steps.cursor, ledger.continuation),
        [note.message for note in ledger.notes],
    )


def expected(entry):
    wanted = {name: entry["expected"][name] for name in found(Ledger())}
    if entry["revision"].startswith("2025"):  # the index names no steps of the preview
        wanted["step_types"] = ["model_output"]
    return wanted


def test_the_bodies_exist_when_they_are_required():
    if not INDEX:
        print(f"no bodies in {FOLDER}: this test reads nothing")
    assert INDEX or not REQUIRED
    assert not INDEX or len(INDEX) == 45


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry["id"])
def test_every_reading_gives_the_expected_answer(entry):
    body = (FOLDER / entry["file"]).read_bytes()
    ledger = read([body])
    wanted, usage = expected(entry), entry["expected"]["usage"]
    if entry["id"] == "docs/docs-migration-before":  # its events are flat, and the index does not read them
        wanted |= {"interaction_id": "int_123", "status": "done"}
        usage = {"total_tokens": 42}
    assert found(ledger) == wanted
    failed = entry["expected"]["error"]
    assert ledger.status == ("error" if failed else ENDINGS[entry["expected"]["status"]])
    assert not failed or failed["message"] in str(ledger.error)
    assert (ledger.usage and ledger.usage.total) == (usage and usage.get("total_tokens"))
    if usage and "total_output_tokens" in usage:
        counts = ("total_output_tokens", "total_thought_tokens", "total_input_tokens")
        assert [usage.get(name) for name in counts] == [
            ledger.usage.output,
            ledger.usage.thoughts,
            ledger.usage.prompt,
        ]
    whole = state(ledger)
    for name, text in line_ends(body, entry["framing"]):
        crlf = text.replace(b"\n", b"\r\n") if name == "LF" else text
        for form in dict.fromkeys((text, crlf)):
            for cut in ([form], byte_by_byte(form), *(random_cuts(form, seed) for seed in range(3))):
                assert state(read(cut)) == whole, name


@pytest.mark.parametrize("entry", CITED, ids=lambda entry: entry["id"])
def test_every_citation_marks_its_passage(entry):
    ledger = read([(FOLDER / entry["file"]).read_bytes()])
    text = "".join(ledger.answer).encode()
    for each in ledger.evidence:
        for support in each.grounding.supports if each.grounding else ():
            passage = text[support.start : support.end].decode()  # between characters
            assert passage.strip()


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry["id"])
def test_the_steps_of_a_body_are_shown(entry):
    ledger = read([(FOLDER / entry["file"]).read_bytes()])
    shown = bundle(ledger)
    steps = ledger.steps.all()
    assert [each["type"] for each in shown[RECORD].get("steps", ())] == [step.type for step in steps]
    uses = [item for item in Candidate(ledger, 0).items if isinstance(item, ToolItem)]
    assert shown["text/html"].count('<details class="gm-tool') <= len(uses)
    for form in ("text/html", "text/plain", "text/markdown"):
        assert shown[form].lower().count("server tool: ") == len(uses)
    assert not re.search(r"<(?:script|iframe|style(?!>html))", shown["text/html"])
    timeline = Timeline(ledger)
    assert ET.fromstring(timeline.svg) is not None
    assert str(timeline)
    if steps:
        assert f"{len(steps)} step" in shown["text/plain"]
