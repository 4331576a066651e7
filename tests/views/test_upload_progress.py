"""The progress of uploads for a request without an answer."""

from __future__ import annotations

import io
import sys

from view_stage import new_ledger

from gemini_magic.ledger import Transfer
from gemini_magic.views import UploadProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def upload(ledger, sent):
    ledger.set_phase("uploading", Transfer("talk.mp4", sent, 1_000, 1, 1, since=0.0))


def test_a_terminal_has_one_line_that_is_removed_at_the_end(monkeypatch, clock):
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    ledger, progress = new_ledger(), UploadProgress(clock)
    progress.update(ledger)
    assert out.getvalue() == ""
    for sent in (0, 0, 500, 1_000):
        upload(ledger, sent)
        progress.update(ledger)
        clock.now += 0.2
    progress.close()
    progress.close()
    lines = out.getvalue().split("\r\x1b[K")
    assert [line.split(" of ")[0][-4:] for line in lines] == ["", " 0 %", "50 %", ""]


def test_nothing_is_printed_where_a_line_cannot_be_overwritten(capsys, clock):
    ledger, progress = new_ledger(), UploadProgress(clock)
    upload(ledger, 500)
    progress.update(ledger)
    progress.close()
    assert capsys.readouterr().out == ""
