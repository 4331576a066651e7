"""What views show of an answer that the server makes without a connection: its state there, and its budget."""

from __future__ import annotations

from typing import Final

from ..ledger import Ledger, Pause
from ..text import short_line
from .units import whole_seconds

__all__ = ["run_budget", "run_state"]

_QUIET: Final = 3.0  # seconds without news after which the last one is named
_MAX_WORD: Final = 40  # characters of a state, or of a reason


def run_state(ledger: Ledger, now: float) -> str:
    """Describe what the server does at ``now`` seconds; empty for any other answer, and while its pieces arrive.

    Args:
        ledger: the record.
        now: seconds since ``Ledger.started``.
    """
    if ledger.steps.run is None or not ledger.raw:
        return ""
    quiet = now - ledger.delay - ledger.raw[-1].t
    if quiet < _QUIET and ledger.phase == "streaming":
        return ""
    status = ledger.extras.get("status")
    word = short_line(status.replace("_", " "), _MAX_WORD) if isinstance(status, str) else ""
    state = {
        "queued": "queued on the server",
        "in progress": "working on the server",
        "": "working on the server",
    }.get(word, f"{word} on the server")
    news = f", last news {whole_seconds(int(quiet))} ago" if quiet >= _QUIET else ""
    return f"{state}{news}{_trouble(ledger, now)}"


def _trouble(ledger: Ledger, now: float) -> str:
    """Why the next request waits, if a request has failed; empty otherwise."""
    pause = ledger.pause
    if ledger.phase != "following" or not isinstance(pause, Pause) or not pause.attempt:
        return ""
    left = round(pause.until - now)
    when = f" in {whole_seconds(left)}" if left > 0 else ""
    return f"; asking again{when} ({short_line(pause.why, _MAX_WORD)})"


def run_budget(ledger: Ledger) -> str:
    """The share of its budget that an agent has used, such as ``30 % of 50,000 tokens``; empty without a budget."""
    run, usage = ledger.steps.run, ledger.usage
    if run is None or run.budget is None:
        return ""
    if usage is None or usage.total is None:
        return f"budget {run.budget:,} tokens"
    return f"{100 * usage.total // run.budget} % of the budget of {run.budget:,} tokens"
