"""The status line as plain text."""

from __future__ import annotations

import pytest
from media_samples import ledger_of, picture
from surroundings import CANARY
from view_stage import ENDINGS, feed, finished, new_ledger

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.content import Call, Text
from gemini_magic.errors import TruncatedError
from gemini_magic.events import Decoded, Delta
from gemini_magic.ledger import Pause, Transfer
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.views import bundle
from gemini_magic.views.status import details, redact, status_line, thinking_time

LINES = {
    "complete": "✓ gemini-flash-latest · answer complete, 3 words · 3.2 s",
    "token-limit": "⚠ gemini-flash-latest · truncated: stopped at the token limit · 3.2 s",
    "no-reason": "⚠ gemini-flash-latest · truncated: ended without a finish reason · 3.2 s",
    "continuation": "⚠ gemini-flash-latest · truncated: ended early by the server · 3.2 s",
    "cut": "⚠ gemini-flash-latest · truncated: the connection was lost · 3.2 s",
    "blocked": "✕ gemini-flash-latest · blocked (SAFETY) · 3.2 s",
    "prompt-blocked": "✕ gemini-flash-latest · prompt blocked (PROHIBITED_CONTENT) · 3.2 s",
    "error-in-stream": "✕ gemini-flash-latest · error 503 UNAVAILABLE · 3.2 s",
    "malformed-call": "✕ gemini-flash-latest · error MALFORMED_FUNCTION_CALL · 3.2 s",
    "refused": "✕ gemini-flash-latest · error 400 · 0.3 s",
    "stalled": "⚠ gemini-flash-latest · stalled: no data for 60 s · 1 min 01 s",
    "timeout": "⚠ gemini-flash-latest · stalled: not finished within 5 s · 5.0 s",
    "too-large": "⚠ gemini-flash-latest · truncated: larger than --max-total · 9.0 s",
    "interrupt": "■ gemini-flash-latest · interrupted · 3.2 s",
    "stop": "■ gemini-flash-latest · stopped · 3.2 s",
    "left": "■ gemini-flash-latest · the kernel ended · 3.2 s",
    "arriving": "… gemini-flash-latest · still arriving when it was looked up; 11 characters had arrived · 3.2 s",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_the_status_line_of_each_ending(name):
    assert status_line(ENDINGS[name]()) == LINES[name]


def test_the_limit_of_rounds_is_not_the_end_of_the_server():
    ledger = feed(new_ledger(), "Half", finish="STOP")
    ledger.close("rounds", t=1.0, error=TruncatedError("Too many rounds."))
    assert "truncated: the limit of --max-rounds was reached" in status_line(ledger)


def test_a_token_limit_that_thinking_used_up_names_the_option():
    ledger = feed(
        new_ledger(), usage={"prompt": 5, "thoughts": 980, "output": 20, "total": 1005}, finish="MAX_TOKENS"
    )
    ledger.close("end", t=1.0)
    found = details(ledger)
    assert found.message == "The answer stopped at the token limit: thinking used 980 tokens, the answer 20."
    assert "`--thinking low`" in found.remedy
    ledger = feed(
        new_ledger(), "Long", usage={"thoughts": 20, "output": 980, "total": 1005}, finish="MAX_TOKENS"
    )
    ledger.close("end", t=1.0)
    assert details(ledger).message == "The answer stopped at the token limit."


def test_the_status_line_names_lost_text_and_candidates_that_are_not_complete():
    ledger = new_ledger()
    ledger.record_loss("a chunk is not valid JSON")
    feed(ledger, "Half", finish="STOP").close("end", t=1.0)
    assert "truncated: a part of the answer is lost" in status_line(ledger)
    for reason, state in (
        ("SAFETY", "candidate 1 blocked (SAFETY)"),
        (None, "truncated: candidate 1 ended without a finish"),
    ):
        ledger = feed(new_ledger(), "One", finish="STOP")
        events = [Delta(Text("Two"), 1), *([finish_of(reason, None, 1)] if reason else [])]
        ledger.add(b"{}", 2.0, Decoded(events))
        ledger.close("end", t=3.0)
        assert state in status_line(ledger)


@pytest.mark.parametrize("name", ENDINGS)
def test_every_bad_ending_has_a_message_and_a_remedy(name):
    found = details(ENDINGS[name]())
    if name == "complete":
        assert found is None
    else:
        assert found.message
        assert found.remedy
        assert "\n" not in found.title + found.message + found.remedy


def test_the_status_line_of_a_running_answer_shows_what_is_waited_for():
    ledger = new_ledger()
    assert status_line(ledger, now=0.4) == "… gemini-flash-latest · connecting · 0.4 s"
    ledger.set_phase("waiting")
    assert status_line(ledger, now=12.3) == "… gemini-flash-latest · waiting for the first byte · 12 s"
    ledger.set_phase("retrying", Pause("429: quota", 17.0, 2, 4))
    assert "· retrying in 4 s (429: quota), attempt 2 of 4 ·" in status_line(ledger, now=13.0)
    assert "· retrying in 1 s (429: quota), attempt 2 of 4 ·" in status_line(ledger, now=16.1)
    assert "· retrying (429: quota), attempt 2 of 4 ·" in status_line(ledger, now=16.9)
    ledger.set_phase("queued", Pause("at most 10 requests a minute", 117.0))
    assert "· waiting for the rate limit, 1 min 40 s (at most 10 requests a minute) ·" in status_line(
        ledger, now=17.2
    )
    ledger.delay = 13.0
    feed(ledger, thought="hm", t=14.0)
    assert "· thinking ·" in status_line(ledger, now=14.5)
    feed(ledger, "so", t=15.0, usage={"prompt": 12, "output": 1345, "thoughts": 20, "total": 1377})
    assert "· streaming · 16 s · 12 → 1,345 tokens (+20 thoughts)" in status_line(ledger, now=16.0)
    assert "· streaming, no data for 7 s ·" in status_line(ledger, now=35.0)
    assert details(ledger) is None


def test_the_status_line_of_an_upload_shortens_a_long_name():
    ledger = new_ledger()
    ledger.set_phase("uploading", Transfer("a" * 50 + "\n\x1b[2J" + "z" * 50, 1, 3, 2, 3))
    line = status_line(ledger, now=1.0)
    assert f"uploading {'a' * 20}…{'z' * 19} {'━' * 6}{'─' * 14} 33 % of 3 bytes (file 2 of 3) ·" in line
    ledger.set_phase("uploading", Transfer("empty", 0, 0))
    assert "100 % of 0 bytes" in status_line(ledger, now=1.0)
    ledger.set_phase("waiting")
    assert "waiting for the first byte" in status_line(ledger, now=1.0)


def test_a_running_ledger_is_measured_by_the_wall_clock_when_no_time_is_given():
    assert status_line(new_ledger()).endswith("connecting · 0.0 s")


def test_the_status_line_names_a_source_other_than_the_network():
    ledger = finished()
    ledger.set_source("recording")
    assert status_line(ledger).endswith("· from a recording")
    ledger.set_source("echo")
    assert status_line(ledger).endswith("· offline echo")


def test_function_calls_are_counted():
    ledger = new_ledger()
    ledger.add(b"{}", 1.0, Decoded([Delta(Call("f")), Delta(Call("g"))]))
    feed(ledger, finish="STOP")
    ledger.close("end", t=2.0)
    assert "answer complete, 2 function calls" in status_line(ledger)


def test_provider_and_cache_of_a_gateway_are_named():
    ledger = new_ledger()
    for extras in ({"provider": "google"}, {"provider": "google", "cache_tier": "none"}):
        ledger.add(b"{}", 1.0, Decoded([], extras=extras))
        assert status_line(ledger, now=1.0).endswith("· via google")
    ledger.add(b"{}", 1.0, Decoded([], extras={"cache_tier": "semantic"}))
    assert status_line(ledger, now=1.0).endswith("· via google · cached: semantic")
    ledger.add(b"{}", 1.0, Decoded([], extras={"provider": ["odd"], "cache_tier": 3}))
    assert "via" not in status_line(ledger, now=1.0)


def test_the_model_version_of_the_server_is_named():
    ledger = new_ledger()
    ledger.add(b"{}", 1.0, Decoded([], model_version="gemini-3-flash"))
    assert status_line(ledger, now=1.0).startswith("… gemini-3-flash ·")


def test_a_message_is_one_line_without_keys_and_without_lone_surrogates():
    ledger = finished(finish=None, failure={"message": f"bad key {CANARY}\nin \ud800 line 2", "code": 400})
    found = details(ledger)
    assert CANARY not in found.message
    assert found.message == "400: bad key AIza… in � line 2"
    assert redact(None) is None


def attempted(count, **more):
    ledger = new_ledger()
    for attempt in range(count):
        ledger.begin(Exchange("POST", "http://x", (), b"", attempt=attempt))
    feed(ledger, "one two", finish="STOP", **more)
    ledger.close("end", t=3.2)
    return ledger


def test_several_attempts_are_counted():
    assert "answer complete, 2 words after 3 attempts ·" in status_line(attempted(3))
    assert "attempts" not in status_line(attempted(1))
    ledger = attempted(2)
    ledger.note("fallback", "asked once more without streaming", severity="warning")
    assert "2 words after 2 attempts, the last without streaming ·" in status_line(ledger)


def test_other_candidates_are_named_in_every_representation():
    ledger = new_ledger()
    ledger.add(b"{}", 1.0, Decoded([Delta(Text("one")), Delta(Text("another"), 1)]))
    feed(ledger, finish="STOP")
    ledger.close("end", t=2.0)
    made = bundle(ledger)
    for kind in ("text/html", "text/plain", "text/markdown"):
        assert "1 of 2 candidates shown (.candidates)" in made[kind]


def test_a_warning_is_in_every_representation():
    ledger = finished()
    ledger.note("possibly-billed", "Sent once more,\nand *both* may be billed.", severity="warning")
    made = bundle(ledger)
    assert "⚠ Sent once more, and *both* may be billed." in made["text/html"]
    assert "⚠ Sent once more, and *both* may be billed." in made["text/plain"]
    assert "⚠ Sent once more, and &#42;both&#42; may be billed." in made["text/markdown"]


def test_the_elapsed_time_is_that_of_the_ledger_even_without_a_request():
    ledger = new_ledger()
    ledger.close("stop", t=4.2)
    assert status_line(ledger).endswith("stopped · 4.2 s")


def test_the_thinking_time_is_measured_by_the_arrival_times():
    ledger = new_ledger()
    assert thinking_time(ledger, 9.0) == ""
    feed(ledger, thought="Hm. ", t=1.25)
    assert thinking_time(ledger, 1.0) == "0 s"
    assert thinking_time(ledger, 13.9) == "12 s"
    ledger.delay = 2.0
    assert thinking_time(ledger, 13.9) == "10 s"
    assert thinking_time(ledger, 100.0) == "1 min 36 s"
    feed(ledger, "So: ", t=4.5)
    feed(ledger, thought="And again. ", t=6.0)
    assert thinking_time(ledger, 100.0) == "3.2 s"
    ledger.close("end", t=9.0)
    assert thinking_time(ledger) == "3.2 s"


def test_the_thinking_time_without_an_answer_ends_with_the_stream_and_is_empty_for_later_thoughts():
    ledger = feed(new_ledger(), thought="Hm.", t=1.0)
    ledger.close("cut", t=13.0)
    assert thinking_time(ledger) == "12 s"
    ledger = feed(new_ledger(), "Answer. ", t=1.0)
    feed(ledger, thought="Hm.", t=2.0)
    assert thinking_time(ledger, 5.0) == ""


def test_words_on_both_sides_of_a_picture_are_two_words():
    assert "answer complete, 3 words, 1 picture ·" in status_line(
        ledger_of("First.", picture(), "Last words.")
    )
    assert "answer complete, 1 word ·" in status_line(ledger_of("Fir", "st."))
