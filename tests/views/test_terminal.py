"""Plain text that is printed as it arrives."""

from __future__ import annotations

import io

import pytest
from view_stage import ENDINGS, feed, new_ledger

from gemini_magic.ledger import Exchange, Pause, Transfer
from gemini_magic.views.terminal import TerminalView


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _dull(monkeypatch):
    """A dumb terminal gets plain text; see test_terminal_rich for others."""
    monkeypatch.setenv("TERM", "dumb")


def test_deltas_are_printed_as_they_arrive_and_the_status_line_last():
    out = io.StringIO()
    ledger = new_ledger()
    view = TerminalView(ledger, out)
    view.open()
    assert out.getvalue() == ""
    feed(ledger, "Hello ")
    view.update()
    assert out.getvalue() == "Hello "
    view.update()
    feed(ledger, "world", finish="STOP")
    view.update()
    assert out.getvalue() == "Hello world"
    ledger.close("end", t=1.2)
    view.close()
    view.close()
    assert out.getvalue() == "Hello world\n[✓ gemini-flash-latest · answer complete, 2 words · 1.2 s]\n"


def test_thoughts_are_labelled_once_and_dimmed_only_on_a_terminal():
    shown = {}
    for out in (io.StringIO(), Terminal()):
        ledger = new_ledger()
        view = TerminalView(ledger, out)
        view.open()
        for thought in ("Let ", "me see"):
            feed(ledger, thought=thought)
            view.update()
        feed(ledger, "So.\n")
        view.update()
        shown[type(out)] = out.getvalue()
    assert shown[io.StringIO] == "thinking: Let me see\nSo.\n"
    assert shown[Terminal] == "\x1b[2mthinking: Let me see\x1b[0m\nSo.\n"


def test_control_characters_never_reach_the_terminal_even_with_divided_line_ends():
    out = Terminal()
    ledger = new_ledger()
    view = TerminalView(ledger, out)
    view.open()
    for delta in ("a\x1b]52;c;eA==\x07b\r", "\nc\r", "d\x9b31m", "\r"):
        feed(ledger, delta)
        view.update()
    ledger.close("cut", t=1.0)
    view.close()
    text = out.getvalue()
    assert text.startswith("a]52;c;eA==b\nc\nd31m\n[")
    assert not set(text) & {"\x1b", "\x07", "\r", "\x9b"}


def test_a_bad_ending_is_printed_with_its_remedy():
    for name, make in ENDINGS.items():
        out = io.StringIO()
        ledger = make()
        TerminalView(ledger, out).close()
        lines = out.getvalue().splitlines()
        assert (len(lines) >= 3) == (name != "complete")
        if ledger.error is not None:
            assert ledger.error.message in out.getvalue()
            assert lines[-1] == ledger.error.remedy


def test_it_prints_to_the_standard_output_at_the_time_it_opens(capsys):
    ledger = feed(new_ledger(), "hi", finish="STOP")
    view = TerminalView(ledger)
    view.open()
    view.update(final=True)
    assert capsys.readouterr().out == "hi"


def waiting(ledger, until=7.0, phase="retrying", attempt=2):
    ledger.set_phase(phase, Pause("429: quota", until, attempt, 4))


def test_a_delay_is_counted_down_in_a_terminal_and_then_erased():
    out, now = Terminal(), [0.0]
    ledger = new_ledger()
    view = TerminalView(ledger, out, clock=lambda: now[0])
    view.open()
    waiting(ledger)
    for now[0] in (0.0, 0.4, 0.9, 1.1, 6.4, 6.8):
        view.update()
    ledger.begin(Exchange("POST", "http://x", (), b"", attempt=1))
    feed(ledger, "Hello")
    view.update()
    lines = out.getvalue().split("\r\x1b[K")
    countdown = [
        *(f"[retrying in {left} s (429: quota), attempt 2 of 4]" for left in (7, 6, 1)),
        "[retrying (429: quota), attempt 2 of 4]",
    ]
    assert lines == ["", *countdown, "Hello"]


def test_each_delay_is_printed_once_where_lines_cannot_be_overwritten():
    out, now = io.StringIO(), [0.0]
    ledger = new_ledger()
    view = TerminalView(ledger, out, clock=lambda: now[0])
    view.open()
    waiting(ledger, phase="queued")
    for now[0] in (0.0, 1.0):
        view.update()
    for attempt in (1, 2):
        ledger.begin(Exchange("POST", "http://x", (), b"", attempt=attempt - 1))
        waiting(ledger, until=9.0, attempt=attempt + 1)
        for now[0] in (2.0, 3.0):
            view.update()
    assert out.getvalue().splitlines() == [
        "[waiting for the rate limit, 7 s (429: quota)]",
        "[retrying in 7 s (429: quota), attempt 2 of 4]",
        "[retrying in 7 s (429: quota), attempt 3 of 4]",
    ]


def upload(ledger, sent, phase="uploading", **fields):
    ledger.set_phase(phase, Transfer("talk.mp4", sent, 310_000_000, **fields))


def test_an_upload_is_drawn_as_a_bar_on_one_line_of_a_terminal():
    out, now = Terminal(), [0.0]
    ledger = new_ledger()
    view = TerminalView(ledger, out, clock=lambda: now[0])
    view.open()
    for sent in (0, 124_000_000, 310_000_000):
        upload(ledger, sent)
        view.update()
    upload(ledger, 310_000_000, "processing", since=5.0)
    for now[0] in (5.2, 17.1):
        view.update()
    ledger.begin(Exchange("POST", "http://x", (), b""))
    feed(ledger, "Hello")
    view.update()
    assert out.getvalue().split("\r\x1b[K") == [
        "",
        f"[uploading talk.mp4 {'─' * 20} 0 % of 310 MB]",
        f"[uploading talk.mp4 {'━' * 8}{'─' * 12} 40 % of 310 MB]",
        f"[uploading talk.mp4 {'━' * 20} 100 % of 310 MB]",
        "[the server is processing talk.mp4, 0 s]",
        "[the server is processing talk.mp4, 12 s]",
        "Hello",
    ]


def test_each_step_of_uploads_is_printed_once_where_lines_cannot_be_overwritten():
    out = io.StringIO()
    ledger = new_ledger()
    view = TerminalView(ledger, out, clock=lambda: 0.0)
    view.open()
    for number in (1, 2):
        for sent in (0, 1_000_000):
            upload(ledger, sent, number=number, of=2)
            view.update()
        for attempt in (2, 3):
            waiting(ledger, attempt=attempt)
            view.update()
            view.update()
    assert [line.partition(" ")[0] for line in out.getvalue().splitlines()] == [
        "[uploading",
        "[retrying",
        "[retrying",
    ] * 2
    assert "(file 2 of 2)" in out.getvalue()


def test_an_interrupted_delay_is_erased():
    out = Terminal()
    ledger = new_ledger()
    view = TerminalView(ledger, out, clock=lambda: 0.0)
    view.open()
    waiting(ledger)
    view.update()
    ledger.close("interrupt", t=0.0)
    view.close()
    assert "\r\x1b[K[■ gemini-flash-latest · interrupted" in out.getvalue()


def test_a_note_about_the_background_is_followed_by_a_line_at_the_end():
    out = io.StringIO()
    ledger = new_ledger()
    view = TerminalView(ledger, out, plain=True, note="It continues.")
    view.open()
    feed(ledger, "Hi", finish="STOP")
    ledger.close("end", t=1.2)
    view.close()
    first, *_, status, last = out.getvalue().splitlines()
    assert (first, last) == ("[It continues.]", "[The request in the background has ended.]")
    assert status.startswith("[✓")


def test_a_stream_that_was_closed_in_the_meantime_is_no_error():
    out = io.StringIO()
    ledger = new_ledger()
    view = TerminalView(ledger, out, plain=True, note="It continues.")
    view.open()
    out.close()
    feed(ledger, "Hi", thought="Hm", finish="STOP")
    view.update()
    ledger.close("end", t=1.2)
    view.close()


def test_after_an_interrupt_only_a_little_more_is_printed():
    out = io.StringIO()
    ledger = new_ledger()
    view = TerminalView(ledger, out)
    view.open()
    feed(ledger, "one ")
    view.update()
    feed(ledger, "word " * 4_000, finish="STOP")
    ledger.close("end", t=1.0)
    view.close(interrupted=True)
    assert out.getvalue().splitlines()[0].count("word") == 1_000
    assert "Only the first 5,004 of 20,004 characters are shown." in out.getvalue()
