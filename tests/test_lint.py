"""The second look at a stream: each oddity is found, at its place, once; and a sound stream has none."""

from __future__ import annotations

import json
import time

import pytest
from corpus_streams import REQUIRED, load
from heard import GOOGLE, counts, heard, said

LONG = "a text of more than twenty characters"


def notes(*chunks, **more):
    """The notes of a second look, without those that reading made."""
    r = heard(*chunks, **more)
    known = [note.kind for note in r.ledger.notes]
    return [note for note in r.notes if note.kind not in known]


CASES = {
    "early-finish": ("info", 0, [said("a", finish="STOP"), said("b", finish="STOP")]),
    "usage-shrank": (
        "info",
        1,
        [said("a", usage=counts(9, 1)), said("b", finish="STOP", usage=counts(5, 2))],
    ),
    "empty-part": ("info", 1, [said("a"), said("", finish="STOP")]),
    "empty-parts": ("info", 1, [said("a"), said(finish="STOP")]),
    "signature-on-empty": (
        "info",
        1,
        [said("a"), said({"text": "", "thoughtSignature": "c2ln"}, finish="STOP")],
    ),
    "duplicate-text": ("warning", 1, [said(LONG), said(LONG, finish="STOP")]),
    "cumulative-text": ("warning", 1, [said(LONG), said(f"{LONG} and more", finish="STOP")]),
    "unknown-part": ("info", 0, [said({"hologram": {"depth": 3}}), said("a", finish="STOP")]),
    "unknown-field": ("info", 1, [said("a"), said("b", finish="STOP", newField=1)]),
    "unknown-value": (
        "info",
        0,
        [said("a", finish="STOP", promptFeedback={"safetyRatings": [{"probability": "MAYBE"}]})],
    ),
    "duplicate-key": (
        "warning",
        0,
        [
            b'data: {"responseId":"a","responseId":"b","candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}\n\n'
        ],
    ),
    "error-outside-data": (
        "warning",
        1,
        [said("a"), b'{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\n'],
    ),
    "model-differs": ("warning", None, [said("a", finish="STOP", modelVersion="gemini-2.5-pro")]),
    "empty-answer": ("warning", None, [said(finish="STOP"), said(usage=counts(5, 0))]),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_oddity_is_found_where_it_is(kind):
    severity, chunk, chunks = CASES[kind]
    found = [note for note in notes(*chunks) if note.kind == kind]
    assert len(found) == 1, [note.kind for note in notes(*chunks)]
    (note,) = found
    assert (note.severity, note.chunk) == (severity, chunk)
    assert note.message.endswith(".")
    assert "\n" not in note.message
    if chunk is not None:
        body = b"".join(piece for _, piece in heard(*chunks).ledger.exchanges[0].pieces)
        assert json.loads(body[note.byte :].split(b"\n")[0])


def test_an_alias_and_a_revision_are_the_model_that_was_asked():
    asked = GOOGLE.replace("gemini-2.5-flash", "gemini-flash-latest")
    (note,) = notes(said("a", finish="STOP", modelVersion="gemini-3.8-flash"), url=asked)
    assert (note.kind, note.severity) == ("model-alias", "info")
    assert notes(said("a", finish="STOP", modelVersion="gemini-2.5-flash-001")) == []


def test_a_long_wait_is_noted_with_the_longest():
    (note,) = notes(said("a"), said("b"), said("c", finish="STOP"), every=12.5)
    assert note.kind == "long-gap"
    assert note.chunk in (1, 2)
    assert note.message == "Nothing came for 12.5 s before this chunk, the longest of 2 such waits."


def test_what_comes_often_is_told_once_with_its_count():
    (note,) = notes(*[said(f"{n} ", finish="STOP") for n in range(5)])
    assert "(4 times, here first)" in note.message


def test_a_sound_stream_has_no_notes():
    usage = counts(5, 2, thoughtsTokenCount=3)
    chunks = [
        said({"text": "hm", "thought": True}, usage=counts(5, 0)),
        said("one "),
        said("two", finish="STOP", usage=usage, modelVersion="gemini-2.5-flash", responseId="x"),
    ]
    assert heard(*chunks).notes == []


def test_what_reading_noted_gets_its_chunk():
    first, second = (b"data:" + json.dumps(said(word, finish="STOP")).encode() for word in "ab")
    r = heard(b"data: " + first[5:] + b"\n\n" + second + b"\n\n")
    (note,) = r.notes.where(kind="no-space")
    assert (note.chunk, note.byte) == (1, len(first) + 1 + 2)
    assert note.offset == note.byte


def test_arguments_and_answers_of_functions_are_the_users_own():
    call = {"functionCall": {"name": "f", "args": {"modality": "MINE", "parts": []}}}
    assert notes(said(call, finish="STOP")) == []


def test_a_gateways_own_fields_are_no_oddity():
    chunk = {"type": "text", "name": "output", "content": "a", "index": 0, "anything": 1}
    assert notes(chunk, {"final": True}, dialect="gateway") == []


def test_the_look_is_taken_once_and_again_when_more_has_come():
    r = heard(*[said(f"{n} ", usage=counts(5, n)) for n in range(3)], end=None)
    assert r.notes._source is r.notes._source


def test_a_long_stream_is_looked_at_in_linear_time():
    def spent(count):
        r = heard(*[said(f"word {n} ", usage=counts(5, n), responseId="x") for n in range(count)], end="eof")
        began = time.process_time()
        assert not r.notes
        return time.process_time() - began

    spent(10)
    short, long = (min(spent(count) for _ in range(3)) for count in (500, 4000))
    assert long < 8 * short * 2.5


@pytest.mark.corpus
def test_recorded_streams_have_few_notes_and_harmless_ones():
    streams = load()
    if not streams:
        assert not REQUIRED, "the corpus is required and not there"
        return
    kinds: dict[str, int] = {}
    for stream in streams:
        r = heard(stream.body, status=stream.status)
        assert len(r.notes) <= 6, stream.id
        for note in r.notes:
            kinds[note.kind] = kinds.get(note.kind, 0) + 1
            assert 10 < len(note.message) < 200
            serious = ("unterminated", "not-json", "unknown-finish-reason", "model-differs", "empty-answer")
            assert note.severity == "info" or note.kind in serious, (stream.id, note)
    assert kinds["empty-part"] > 10
    assert kinds["signature-on-empty"] > 5
    assert {"early-finish", "usage-shrank", "unknown-part"} <= kinds.keys()
    assert "duplicate-text" not in kinds
    assert "cumulative-text" not in kinds
