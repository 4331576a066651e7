"""A ledger whose answer consists of steps, for tests of views and of the inspector."""

from __future__ import annotations

from view_stage import new_ledger

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.content import Code, CodeResult, Text, Thought, ToolCall, ToolResult
from gemini_magic.events import Decoded, Delta, StepStart, StepStop, Usage

SEARCHED = ToolCall("google_search", "g1", {"queries": ["cable"]})
FOUND = ToolResult("google_search", "g1", [{"url": "https://a.example", "title": "A"}])

# Type, id, beginning and end in seconds (None: it does not end), tokens, and part of each step.
STEPS = [
    ("thought", None, 0.5, 1.0, Usage(thoughts=34, total=34), Thought("I search.")),
    ("google_search_call", "g1", 1.0, 1.1, Usage(tool=20, total=20), SEARCHED),
    ("google_search_result", "g1", 2.9, 3.0, Usage(tool=22, total=22), FOUND),
    ("code_execution_call", "c1", 3.0, 3.1, None, Code("print(1)", "python", id="c1")),
    ("code_execution_result", "c1", 3.9, 4.0, None, CodeResult("OUTCOME_OK", "1\n", id="c1")),
    ("model_output", None, 4.0, 6.0, Usage(output=12, total=12), Text("It was **slow**.")),
]


def step_ledger(steps=STEPS, *, ended=True):
    """A ledger with a chunk for the beginning and a chunk for the end of each step."""
    ledger = new_ledger("gemini-3.8-flash")
    ledger.set_phase("streaming")
    ledger.mark("first_byte", 0.4)
    for index, (kind, ident, start, end, usage, part) in enumerate(steps):
        ledger.add(b"{}", start, Decoded([StepStart(index, kind, id=ident)]))
        events = [] if part is None else [Delta(part)]
        if end is not None:
            ledger.add(b"{}", end, Decoded([*events, StepStop(index, usage)]))
        elif events:
            ledger.add(b"{}", start, Decoded(events))
    if ended:
        ledger.add(b"{}", 6.1, Decoded([finish_of("STOP", None)]))
        ledger.close("end", t=6.2)
    return ledger
