"""Plain text, printed as it arrives."""

from __future__ import annotations

import io

from view_stage import ENDINGS, feed, new_ledger

from gemini_magic.views.terminal import TerminalView


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_deltas_are_printed_as_they_come_and_the_status_last():
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


def test_thoughts_are_named_once_and_dimmed_only_on_a_terminal():
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


def test_control_characters_never_reach_the_terminal_and_line_ends_may_be_cut():
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


def test_a_bad_ending_is_told_with_its_remedy():
    for name, make in ENDINGS.items():
        out = io.StringIO()
        ledger = make()
        TerminalView(ledger, out).close()
        lines = out.getvalue().splitlines()
        assert (len(lines) >= 3) == (name != "complete")
        if ledger.error is not None:
            assert ledger.error.message in out.getvalue()
            assert lines[-1] == ledger.error.remedy


def test_it_prints_to_what_standard_output_is_when_it_opens(capsys):
    ledger = feed(new_ledger(), "hi", finish="STOP")
    view = TerminalView(ledger)
    view.open()
    view.update(final=True)
    assert capsys.readouterr().out == "hi"
