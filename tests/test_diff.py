"""A comparison reads attributes only, so anything that has them can be compared."""

from types import SimpleNamespace

from view_stage import feed, new_ledger

from gemini_magic.diff import Difference
from gemini_magic.events import Usage
from gemini_magic.timing import measure


def comparable(text, total):
    ledger = feed(new_ledger(), text, finish="STOP")
    ledger.close("end", t=total)
    timing = measure({"total": total}, [], Usage())
    return SimpleNamespace(
        ledger=ledger, text=text, model_version="m", timing=timing, usage=Usage(), cost=None, notes=[]
    )


def test_timing_is_compared_under_its_labels_with_units():
    found = Difference(comparable("same", 1.0), comparable("same", 2.5))
    assert found.same
    assert [(c.name, c.left, c.right) for c in found.changes if not c.same] == [("total (s)", 1.0, 2.5)]
    names = [change.name for change in found.changes]
    assert {"first text (s)", "median gap (s)", "p95 gap (s)", "chunks/s", "tokens/s"} <= set(names)


def test_two_equal_answers_are_described_as_equal():
    one = comparable("same", 1.0)
    assert repr(Difference(one, one)) == "All compared values are equal.\n\nThe texts are equal."
