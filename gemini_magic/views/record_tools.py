"""The rounds and tool runs of an answer, as its record contains them."""

from __future__ import annotations

from typing import Any, Final

from ..ledger import Ledger, ToolRun
from .record_chunks import json_size
from .status import redact
from .tool_blocks import arguments_text, result_text, run_line

__all__ = ["record_rounds", "record_runs"]

_MAX_ROUNDS: Final = 200
_MAX_RUNS: Final = 500
_MAX_TEXT: Final = 20_000  # characters of arguments, of a result, and of an output


def record_rounds(ledger: Ledger) -> list[dict[str, Any]]:
    """The rounds; empty for an answer without tool runs.

    Returns:
        JSON values: for each round ``started`` and ``ended`` in seconds since the first request was sent, ``chunks`` and
        ``calls`` (how many), ``finish`` and ``usage``; without values that are not known.
    """
    if not ledger.tool_runs:
        return []
    found = []
    for each in ledger.rounds[:_MAX_ROUNDS]:
        row = {
            "started": _rounded(each.started),
            "ended": _rounded(each.ended),
            "chunks": each.chunks[1] - each.chunks[0],
            "calls": len(each.calls),
            "finish": redact(each.finish_reason)[:80] if each.finish_reason else None,
            "usage": each.usage._asdict() if each.usage else None,
        }
        found.append({name: value for name, value in row.items() if value is not None})
    return found


def record_runs(ledger: Ledger, room: int) -> list[dict[str, Any]]:
    """The tool runs whose JSON fits into ``room`` bytes, without values that are not known.

    Args:
        ledger: the record of the answer.
        room: in bytes.
    """
    found: list[dict[str, Any]] = []
    for run in ledger.tool_runs[:_MAX_RUNS]:
        row = _row(run)
        room -= json_size(row) + 1
        if room < 0:
            break
        found.append(row)
    return found


def _row(run: ToolRun) -> dict[str, Any]:
    row: dict[str, Any] = {
        "round": run.round,
        "state": run.state,
        "line": run_line(run).text,
        "args": arguments_text(run.call),
        "result": result_text(run),
        "message": redact(run.message),
        "stdout": redact(run.stdout),
        "stderr": redact(run.stderr),
        "approved": run.approved,
        "started": _rounded(run.started),
        "seconds": _rounded(run.seconds),
    }
    shortened = [name for name, value in row.items() if isinstance(value, str) and len(value) > _MAX_TEXT]
    for name in shortened:
        row[name] = row[name][:_MAX_TEXT]
    row = {name: value for name, value in row.items() if value not in ("", None)}
    return row | ({"shortened": shortened} if shortened else {})


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
