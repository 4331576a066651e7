"""Ledgers of answers whose calls were run, made with the methods that the loop uses."""

from __future__ import annotations

import msgspec
from media_samples import add_part
from view_stage import new_ledger

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.content import Call
from gemini_magic.events import Decoded, Usage, UsageReport
from gemini_magic.ledger import Exchange, ToolRun


def run_of(name="weather", *, number=0, state="done", args=None, **facts):
    """A tool run."""
    call = Call(name, {"city": "Paris"} if args is None else args)
    return ToolRun(number=number, round=0, call=call, state=state, **facts)


def tool_ledger(*parts):
    """A running ledger of an answer with these parts; a run is a call with its run, a string is a text."""
    ledger = new_ledger()
    begin_round(ledger, 0, t=0.0)
    add_parts(ledger, *parts)
    return ledger


def begin_round(ledger, number, *, t):
    """Begin a round whose request is sent at ``t`` seconds."""
    ledger.begin(Exchange("POST", "https://a.test/x", {}, b"{}", round=number))
    ledger.request_sent(t, delay=0.0)
    ledger.set_phase("streaming")


def add_parts(ledger, *parts, t=0.1):
    """Add parts to the current round; a run is a call with its run, a string is a text."""
    for n, part in enumerate(parts):
        add_part(ledger, part.call if isinstance(part, ToolRun) else part, t=t + 0.1 * n)
    for run in parts:
        if isinstance(run, ToolRun):
            set_run(ledger, msgspec.structs.replace(run, number=ledger.add_tool_run(run.call).number))


def set_run(ledger, run):
    """Replace a run of the ledger."""
    ledger.set_tool_run(run)


def end_round(ledger, *, t, finish="STOP", usage=None):
    """End a round."""
    events = [finish_of(finish, None), *([UsageReport(Usage(**usage))] if usage else [])]
    ledger.add(b"{}", t, Decoded(events))
    assert ledger.end_round("end", t=t)


def end_answer(ledger, *, t):
    """End the answer."""
    ledger.add(b"{}", t, Decoded([finish_of("STOP", None)]))
    ledger.close("end", t=t + 0.1)
    return ledger
