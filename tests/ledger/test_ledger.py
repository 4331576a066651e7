"""The ledger adds up chunks, and closes with a status and an error."""

from __future__ import annotations

import copy
import pickle

import pytest

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.content import Blob, Text, Thought
from gemini_magic.errors import (
    BlockedError,
    Interrupted,
    ServiceError,
    StalledError,
    TruncatedError,
    WireError,
)
from gemini_magic.events import Decoded, Delta, Evidence, Failure, Note, Usage, UsageReport
from gemini_magic.ledger.ledger import Exchange, Ledger
from gemini_magic.tables import Rows


def filled(*readings: list) -> Ledger:
    ledger = Ledger()
    for number, events in enumerate(readings):
        ledger.add(b"{}", number / 10, Decoded(list(events)))
    return ledger


def test_text_thoughts_and_columns_grow_together():
    ledger = filled(
        [Delta(Thought("hm"))],
        [Delta(Text("one ")), UsageReport(Usage(5, None, 1, 2, None, 8))],
        [Delta(Text("two")), finish_of("STOP"), UsageReport(Usage(5, None, 2, 2, None, 9))],
    )
    ledger.close("end", t=0.5)
    assert "".join(ledger.answer) == "one two"
    assert ledger.thoughts == ["hm"]
    rows = Rows(ledger.chunk_columns)
    assert rows["kind"] == ["thought", "text+usage", "text+finish+usage"]
    assert rows["chars"] == [0, 4, 7]
    assert rows["gap"][0] is None
    assert rows["gap"][1:] == pytest.approx([0.1, 0.1])
    assert rows["finish_reason"] == [None, None, "STOP"]
    assert rows["total_tokens"] == [None, 8, 9]
    assert ledger.status == "complete"
    assert ledger.marks == {"first_thought": 0.0, "first_text": 0.1, "total": 0.5}


def test_usage_is_a_running_total_and_the_last_total_wins():
    ledger = filled(
        [UsageReport(Usage(11, None, None, None, None, 11))],
        [UsageReport(Usage(10, None, 2, None, None, 12))],
        [UsageReport(Usage(prompt=99))],  # no total: as Vertex sends in mid-stream
    )
    assert ledger.usage == Usage(10, None, 2, None, None, 12)
    assert Rows(ledger.usage_columns)["prompt_delta"] == [11, -1, 89]


READINGS = [
    [Note("odd", "first")],
    [Delta(Thought("hm\ud83d"))],
    [Delta(Text("one ")), Delta(Text("\ud83d")), UsageReport(Usage(5, None, 1, 2, None, 8))],
    [Delta(Text("\ude00 two")), Note("odd", "m"), Delta(Blob("image/png", b"x")), Delta(Text("b"), 1)],
    [],
    [Delta(Text("")), Evidence("citation", {"a": 1}), Evidence("url_context", 1, 1)],
    [UsageReport(Usage(prompt=99)), Failure("busy", 503), finish_of("SAFETY", prompt=True)],
    [
        finish_of("STOP"),
        finish_of("OTHER", None, 1),
        UsageReport(Usage(5, 1, 2, 2, 0, 10)),
        UsageReport(Usage(total=11)),
    ],
]


def seen(ledger: Ledger) -> dict:
    columns = (ledger.chunk_columns, ledger.event_columns, ledger.usage_columns)
    lists = (ledger.answer, ledger.thoughts, ledger.parts, ledger.evidence, ledger.extras, ledger.finishes)
    rest = (
        ledger.blocked,
        ledger.failure,
        ledger.usage,
        ledger.notes,
        ledger.marks,
        ledger.chars,
        ledger.raw,
    )
    who = (ledger.model_version, ledger.response_id, ledger.continuation)
    return {"tables": [Rows(table).to_dicts() for table in columns], "rest": (*lists, *rest, *who)}


@pytest.mark.parametrize("size", [2, 3, 8])
def test_chunks_of_one_read_add_up_like_single_chunks(size):
    batch = [(b"%d" % n, Decoded(events, f"m{n}", None, None, {"n": n})) for n, events in enumerate(READINGS)]
    together, alone, watched = Ledger(), Ledger(), Ledger()
    for at in range(0, len(batch), size):
        together.add_all(batch[at : at + size], at / 2)
        watched.add_all(batch[at : at + size], at / 2)
        seen(watched)  # tables that are asked for again and again are not other tables
        for raw, reading in batch[at : at + size]:
            alone.add(raw, at / 2, reading)
    assert seen(together) == seen(alone) == seen(watched)
    assert "".join(together.answer) == "one 😀 two"
    assert [row.kind for row in Rows(together.chunk_columns)] == [
        "other",
        "thought",
        "text+usage",
        "text+blob",
        "other",
        "text+citation+url_context",
        "usage+error+finish",
        "finish+usage",
    ]
    assert Rows(together.event_columns)["chunk"] == [0, 1, 2, 2, 2, 3, 3, 3, 3, 5, 5, 5, 6, 6, 6, 7, 7, 7, 7]
    assert Rows(together.usage_columns)["prompt_delta"] == [5, 94, 0, None]
    assert Rows(together.chunk_columns)["gap"][:2] == [None, 0.0]


def test_tables_can_be_pickled_and_copied():
    ledger = filled(*READINGS)
    for columns in (ledger.chunk_columns, ledger.event_columns, ledger.usage_columns):
        rows = Rows(columns)
        for other in (pickle.loads(pickle.dumps(rows)), copy.deepcopy(rows[1:]), copy.copy(rows)):
            assert other.to_dicts() == rows.to_dicts()[-len(other) :]
            assert other.columns == rows.columns


def test_an_empty_batch_does_not_change_the_version():
    ledger = Ledger()
    ledger.add_all([], 1.0)
    assert (ledger.version, ledger.chunk_columns.length) == (0, 0)


def test_a_refusal_is_an_event_without_a_chunk():
    ledger = filled([Delta(Text("a"))])
    ledger.record_refusal(Failure("no", 429), 0.7)
    last = Rows(ledger.event_columns)[-1]
    assert (last.index, last.chunk, last.t, last.kind, last.text) == (1, None, 0.7, "error", "no")


def test_other_candidates_stay_separate():
    ledger = filled([Delta(Text("a"), 0), Delta(Text("b"), 1), finish_of("STOP", None, 1)])
    assert ledger.answer == ["a"]
    assert ledger.parts[1] == [Text("b")]
    assert Rows(ledger.chunk_columns)["finish_reason"] == [None]


def test_a_split_surrogate_pair_is_joined_and_a_lone_one_replaced():
    ledger = filled([Delta(Text("a\ud83d"))], [Delta(Text("\ude00b"))], [Delta(Text("c\ud83d"))])
    ledger.close("end")
    assert "".join(ledger.answer) == "a😀bc�"
    Rows(ledger.chunk_columns).to_arrow()
    Rows(ledger.event_columns).to_arrow()


CANDIDATES = [
    ([finish_of("STOP"), finish_of("STOP", None, 1)], "complete", None, []),
    ([finish_of("STOP")], "truncated", "Candidate 1 ended without a finish reason", ["Candidate 1 ended without a finish reason."]),
    ([finish_of("STOP", None, 1)], "truncated", "The answer ended without a finish reason", []),
    ([finish_of("STOP"), finish_of("SAFETY", "no", 1)], "blocked", "Candidate 1 was blocked (SAFETY): no",
     ["Candidate 1 is not complete (SAFETY): no."]),
    ([finish_of("STOP"), finish_of("MAX_TOKENS", None, 1)], "truncated", None, ["Candidate 1 is not complete (MAX_TOKENS)."]),
    ([finish_of("SAFETY"), finish_of("STOP", None, 1)], "blocked", "The answer was blocked (SAFETY)", []),
]  # fmt: skip


@pytest.mark.parametrize(("finishes", "status", "error", "notes"), CANDIDATES)
def test_an_answer_is_complete_only_if_all_candidates_are(finishes, status, error, notes):
    ledger = filled([Delta(Text("a"), 0), Delta(Text("b"), 1), *finishes])
    ledger.close("end")
    assert ledger.status == status
    assert ledger.error is None if error is None else error in ledger.error.message
    assert [note.message for note in ledger.notes] == notes


ENDINGS = [
    ([finish_of("STOP")], "end", "complete", None),
    ([finish_of("MAX_TOKENS")], "end", "truncated", None),
    ([finish_of("CONTINUATION")], "end", "truncated", TruncatedError),
    ([], "end", "truncated", TruncatedError),
    ([], "cut", "truncated", TruncatedError),
    ([finish_of("STOP")], "cut", "complete", None),
    ([finish_of("STOP")], "stalled", "complete", None),
    ([finish_of("STOP"), finish_of("STOP")], "cut", "truncated", TruncatedError),
    ([finish_of("SAFETY")], "end", "blocked", BlockedError),
    ([finish_of("RECITATION")], "end", "blocked", BlockedError),
    ([finish_of("BLOCKLIST")], "end", "blocked", BlockedError),
    ([finish_of("PROHIBITED_CONTENT")], "end", "blocked", BlockedError),
    ([finish_of("SPII")], "end", "blocked", BlockedError),
    ([finish_of("IMAGE_SAFETY")], "end", "blocked", BlockedError),
    ([finish_of("LANGUAGE")], "end", "blocked", BlockedError),
    ([finish_of("SAFETY", prompt=True)], "end", "blocked", BlockedError),
    ([finish_of("MALFORMED_FUNCTION_CALL")], "end", "error", ServiceError),
    ([finish_of("UNEXPECTED_TOOL_CALL")], "end", "error", ServiceError),
    ([finish_of("MALFORMED_RESPONSE")], "end", "error", ServiceError),
    ([Failure("overloaded", 503, "UNAVAILABLE")], "end", "error", ServiceError),
    ([Failure("overloaded", 503), finish_of("STOP")], "end", "error", ServiceError),
    ([], "stalled", "stalled", StalledError),
    ([], "timeout", "stalled", StalledError),
    ([], "interrupt", "interrupted", Interrupted),
    ([], "stop", "interrupted", Interrupted),
    ([finish_of("A_NEW_REASON")], "end", "complete", None),
]


@pytest.mark.parametrize(("events", "cause", "status", "error"), ENDINGS)
def test_the_status_and_error_of_every_ending(events, cause, status, error):
    ledger = filled([Delta(Text("so far"))], events)
    ledger.close(cause, t=1.0, limit=60.0)
    assert ledger.status == status
    assert (type(ledger.error) if ledger.error else None) is error
    assert "".join(ledger.answer) == "so far"
    if error:
        assert ledger.error.remedy


def test_an_unknown_reason_is_noted():
    ledger = filled([Delta(Text("x")), finish_of("A_NEW_REASON")])
    ledger.close("end")
    assert [note.kind for note in ledger.notes] == ["unknown-finish-reason"]


def test_a_failure_keeps_its_error_and_a_second_close_changes_nothing():
    ledger = filled([Delta(Text("x"))])
    ledger.close("failed", error=WireError("unreadable", remedy="none"))
    ledger.close("interrupt")
    assert ledger.status == "error"
    assert isinstance(ledger.error, WireError)


def test_a_finish_reason_in_every_chunk_does_not_end_the_stream():
    ledger = filled([Delta(Text("a")), finish_of("STOP")], [Delta(Text("b")), finish_of("STOP")])
    assert ledger.status == "running"
    ledger.close("end")
    assert "".join(ledger.answer) == "ab"


def test_a_new_attempt_clears_the_failure_before():
    ledger = Ledger()
    ledger.begin(Exchange("POST", "http://x", (), b""))
    ledger.add(b"{}", 0.1, Decoded([Failure("busy", 503)]))
    assert not ledger.has_content
    ledger.begin(Exchange("POST", "http://x", (), b"", attempt=1))
    ledger.add(b"{}", 0.2, Decoded([Delta(Text("ok")), finish_of("STOP")]))
    ledger.close("end")
    assert ledger.status == "complete"
    assert Rows(ledger.chunk_columns)["attempt"] == [0, 1]


def test_notes_have_their_chunk_and_media_are_stored():
    ledger = filled([Note("unexpected-shape", "odd"), Delta(Blob("image/png", b"\x89"))])
    assert ledger.notes[0].chunk == 0
    assert Rows(ledger.chunk_columns)["kind"] == ["blob"]
    assert ledger.parts[0] == [Blob("image/png", b"\x89")]
