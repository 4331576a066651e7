"""Streams that cannot encode every character."""

from __future__ import annotations

import io

import pytest
from view_stage import feed, new_ledger

from gemini_magic.views import similar_text, write_text
from gemini_magic.views.terminal import TerminalView
from gemini_magic.views.terminal_rich import rich_printer

ENCODINGS = ["ascii", "latin-1", "cp1252", "cp437", "utf-8"]


class Console(io.TextIOWrapper):
    """A text stream with an encoding, as a console or a redirected file is."""

    def __init__(self, encoding, *, terminal=False):
        super().__init__(io.BytesIO(), encoding=encoding, newline="")
        self._terminal = terminal

    def isatty(self):
        return self._terminal

    @property
    def text(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


def test_symbols_become_similar_and_other_characters_escapes():
    assert similar_text("✓ caf\u00e9 · 1 → 2 … \u4f60", Console("ascii")) == "+ caf\\xe9 - 1 -> 2 ... \\u4f60"
    assert similar_text("✓ caf\u00e9 · 1 → 2 … \u4f60", Console("cp1252")) == "+ caf\u00e9 · 1 -> 2 … \\u4f60"
    assert similar_text("✓ \u4f60", Console("utf-8")) == "✓ \u4f60"
    assert similar_text("✓", io.StringIO()) == "✓"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_text_can_be_written(encoding):
    out = Console(encoding)
    write_text(out, "✓ \u4f60\U0001f600 end")
    assert out.text.endswith(" end")


def test_a_stream_that_replaces_characters_itself_is_left_to_do_so():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    write_text(out, "✓")
    out.flush()
    assert out.buffer.getvalue() == b"?"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("terminal", [False, True])
def test_an_answer_is_shown_in_every_encoding(encoding, terminal, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out = Console(encoding, terminal=terminal)
    ledger = new_ledger()
    view = TerminalView(ledger, out)
    view.open()
    feed(
        ledger,
        "A \u4f60 list:\n\n- one …\n- two\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\nend",
        finish="STOP",
    )
    view.update()
    ledger.close("end", t=1.0)
    view.close()
    assert "answer complete" in out.text
    assert "two" in out.text
    assert (rich_printer(out, lambda: 0.0) is not None) == terminal
