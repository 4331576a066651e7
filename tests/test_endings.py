"""The messages and remedies of bad endings, and repetitions in resumed answers."""

from __future__ import annotations

import pytest
from media_samples import ledger_of, picture, sound
from view_stage import feed, new_ledger

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.endings import Arrived, ending_of, repeated_overlap, repetition_note
from gemini_magic.errors import BlockedError, Interrupted, ServiceError, StalledError, TruncatedError
from gemini_magic.events import Failure, Finish
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.views.status import details


def remedy(cause, text="", *, pieces=()):
    ledger = new_ledger()
    exchange = Exchange("POST", "http://x", (), b"")
    for piece in pieces:
        exchange.pieces.append(piece)
    ledger.begin(exchange)
    if text:
        feed(ledger, text)
    ledger.close(cause, t=1.0, limit=1.0)
    return details(ledger).remedy


@pytest.mark.parametrize("cause", ["interrupt", "stop", "stalled", "timeout", "end"])
def test_the_rest_is_offered_only_if_text_had_arrived(cause):
    assert "asks for the rest" in remedy(cause, "Half", pieces=[(0.1, b"x")])
    without_text = remedy(cause)
    assert "asks the same question again" in without_text
    assert "rest" not in without_text
    assert "kept" not in without_text


def test_the_remedy_names_the_option_of_the_timeout():
    assert "To wait longer, increase `--first-byte-timeout`" in remedy("stalled")
    assert "To wait longer, increase `--stall-timeout`" in remedy("stalled", pieces=[(0.1, b": ping\n")])


RESUME = "The answer received so far is kept. `%gemini resume` asks for the rest in a new request."
ASK_AGAIN = "`%gemini resume` asks the same question again in a new request."
OTHER_KERNEL = "Ask again for a whole answer. `%gemini resume` works for answers of this kernel only."
REPHRASE = "Rephrase the prompt, or relax the filters with `--safety`. The answer received so far is kept."
HALF, EMPTY = {"arrived": Arrived(1234), "chunks": 5}, {"arrived": Arrived(0), "chunks": 0}

MESSAGES = [
    ("stop", HALF, Interrupted, "Stopped after 1,234 characters.", RESUME),
    ("interrupt", EMPTY, Interrupted, "Stopped; no text had arrived.", ASK_AGAIN),
    ("left", HALF, Interrupted, "The kernel ended after 1,234 characters.", OTHER_KERNEL),
    (
        "arriving",
        HALF,
        Interrupted,
        "Still arriving when it was looked up; 1,234 characters had arrived.",
        "The journal has the whole answer once it has ended.",
    ),
    (
        "stalled",
        {**HALF, "limit": 60.0},
        StalledError,
        "The server sent no data for 60 s after 1,234 characters.",
        f"{RESUME} To wait longer, increase `--stall-timeout`.",
    ),
    (
        "stalled",
        {**EMPTY, "answering": False},
        StalledError,
        "The server sent no data; no text had arrived.",
        f"{ASK_AGAIN} To wait longer, increase `--first-byte-timeout`.",
    ),
    (
        "timeout",
        {**HALF, "limit": 5.0},
        StalledError,
        "Not finished within 5 s; 1,234 characters had arrived.",
        f"{RESUME} To wait longer, increase `--timeout`.",
    ),
    (
        "timeout",
        EMPTY,
        StalledError,
        "Not finished in time; no text had arrived.",
        f"{ASK_AGAIN} To wait longer, increase `--timeout`.",
    ),
    ("cut", HALF, TruncatedError, "The connection was lost after 1,234 characters.", RESUME),
    ("end", HALF, TruncatedError, "The answer ended without a finish reason after 1,234 characters.", RESUME),
    ("end", EMPTY, TruncatedError, "The answer was empty; no text had arrived.", ASK_AGAIN),
    (
        "end",
        {**HALF, "finish": finish_of("CONTINUATION")},
        TruncatedError,
        "The server paused the answer after 1,234 characters.",
        RESUME,
    ),
    (
        "end",
        {"arrived": Arrived(0), "chunks": 1, "finish": finish_of("CONTINUATION")},
        TruncatedError,
        "The server paused the answer; no text had arrived.",
        ASK_AGAIN,
    ),
    (
        "end",
        {**HALF, "finish": finish_of("SAFETY", "Too hot.")},
        BlockedError,
        "The answer was blocked (SAFETY): Too hot.",
        REPHRASE,
    ),
    (
        "end",
        {**EMPTY, "blocked": Finish("OTHER", prompt=True)},
        BlockedError,
        "The prompt was blocked (OTHER)",
        REPHRASE,
    ),
    (
        "end",
        {**HALF, "finish": finish_of("MALFORMED_RESPONSE")},
        ServiceError,
        "The model failed (MALFORMED_RESPONSE)",
        "Ask again.",
    ),
    (
        "failed",
        {**EMPTY, "failure": Failure("Busy.", 503, "UNAVAILABLE")},
        ServiceError,
        "503 UNAVAILABLE: Busy.",
        "The server has a temporary problem. Ask again in a moment.",
    ),
]


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (["1 picture"], "Stopped after 1 picture."),
        (["2 pictures", "1 code run"], "Stopped after 2 pictures and 1 code run."),
    ],
)
def test_what_arrived_without_text_is_named(others, message):
    assert ending("stop", arrived=Arrived(0, others), chunks=1).error.message == message
    both = ending("timeout", arrived=Arrived(1234, others), chunks=1, limit=3).error.message
    assert (
        both
        == f"Not finished within 3 s; {', '.join(['1,234 characters', *others[:-1]])} and {others[-1]} had arrived."
    )


@pytest.mark.parametrize("part", [picture(), *sound(0.1)[:1]])
def test_an_answer_that_was_cut_after_media_is_incomplete_and_not_missing(part):
    ledger = ledger_of(part, ended=False)
    ledger.close("cut", t=2.0)
    found = details(ledger)
    noun = "picture" if part.mime_type == "image/png" else "audio file"
    assert found[:2] == ("This answer is incomplete.", f"The connection was lost after 1 {noun}.")
    assert found.remedy.startswith("`%gemini resume` asks the same question again")


def ending(cause, **seen):
    unseen = dict.fromkeys(("finish", "blocked", "failure", "error", "limit"))
    return ending_of(cause, **{**unseen, **seen})


@pytest.mark.parametrize(("cause", "seen", "kind", "message", "remedy"), MESSAGES)
def test_a_bad_ending_has_a_message_and_a_remedy(cause, seen, kind, message, remedy):
    error = ending(cause, **seen).error
    assert (type(error), error.message, error.remedy) == (kind, message, remedy)


@pytest.mark.parametrize("cause", ["cut", "stalled", "timeout"])
def test_a_blocked_prompt_stays_blocked_and_an_error_an_error_however_the_connection_ends(cause):
    assert ending(cause, **EMPTY, blocked=Finish("OTHER", prompt=True)).status == "blocked"
    if cause != "timeout":
        assert ending(cause, **HALF, failure=Failure("Busy.", 503)).status == "error"


@pytest.mark.parametrize(
    ("cause", "kind"),
    [("cut", "lost-after-finish"), ("stalled", "open-after-finish"), ("timeout", "open-after-finish")],
)
def test_an_answer_that_had_finished_ends_as_its_reason_says(cause, kind):
    found = ending(cause, **HALF, finish=finish_of("STOP"), finished=True)
    assert (found.status, found.error, [note.kind for note in found.notes]) == ("complete", None, [kind])
    found = ending(cause, **HALF, finish=finish_of("SAFETY"), finished=True)
    assert (found.status, type(found.error)) == ("blocked", BlockedError)
    found = ending(cause, **HALF, finish=finish_of("STOP"))
    assert [note.kind for note in found.notes] == ["uncertain-end"]
    assert found.status != "complete"


def test_lost_text_is_named_and_keeps_the_status_from_being_complete():
    found = ending("end", **HALF, finish=finish_of("STOP"), lost="a chunk is not valid JSON")
    assert (found.status, found.error.message) == (
        "truncated",
        "Part of the answer is lost: a chunk is not valid JSON.",
    )
    assert ending("stalled", **HALF, finish=finish_of("STOP"), finished=True, lost="x").status == "stalled"


def test_an_unknown_finish_reason_is_noted():
    found = ending("end", **HALF, finish=finish_of("NEW"))
    [note] = found.notes
    assert (found.status, found.error, note.kind, note.severity) == (
        "complete",
        None,
        "unknown-finish-reason",
        "warning",
    )
    assert note.message == "The finish reason 'NEW' is unknown; the answer is treated as complete."


def test_a_repetition_is_noted():
    note = repetition_note("It was a dark night; the rain fell in torr", "the rain fell in torrents.")
    assert (note.kind, note.severity) == ("repeated", "warning")
    assert note.message == (
        "The rest repeats the last 21 characters of the first part, so `whole` contains them twice."
    )
    assert repetition_note("It was a dark night; the rain fell in torr", "ents.") is None


FIRST = "Once upon a time there was a king who had three daughters, and the"


@pytest.mark.parametrize(
    ("rest", "count"),
    [
        (" eldest was clever.", 0),
        ("three daughters, and the eldest was clever.", len("three daughters, and the")),
        ("\n three daughters, and the eldest", len("three daughters, and the")),
        ("daughters, and the eldest", 0),  # 18 characters
        ("three daughters, and a son", 0),  # new text with the same beginning
        (FIRST, len(FIRST)),
        (FIRST + " eldest was clever.", len(FIRST)),
        ("three daughters, an", 0),  # too short to tell
        ("", 0),
    ],
)
def test_the_overlap_of_a_resumed_answer_is_counted(rest, count):
    assert repeated_overlap(FIRST, rest) == count


def test_a_rest_that_starts_the_whole_answer_again_overlaps_completely():
    long = "".join(f"line {n}\n" for n in range(2_000))
    assert repeated_overlap(long, long + "and on") == len(long)
    assert repeated_overlap(long, "line 1990\nline 1991\n") == 0


def test_a_single_repeated_letter_takes_linear_time():
    assert repeated_overlap("a" * 100_000, "a" * 50_000) == 4_000
    assert repeated_overlap("", "a" * 100) == 0
