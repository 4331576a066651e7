"""The steps of an answer, as its record contains them."""

from __future__ import annotations

from typing import Any, Final

from ..ledger import Ledger
from .record_chunks import json_size
from .status import redact
from .steps import shown_steps

__all__ = ["record_steps"]

_MAX_STEPS: Final = 1_000


def record_steps(ledger: Ledger, room: int) -> list[dict[str, Any]]:
    """The steps whose JSON fits into ``room`` bytes, without values that are not known.

    Args:
        ledger: the record of the answer.
        room: in bytes.

    Returns:
        JSON values: for each step ``type``, ``id``, ``name``, ``started`` and ``ended`` in seconds since the first request
        was sent, ``chunk`` (the index of the chunk with which it began) and ``tokens``.
    """
    found: list[dict[str, Any]] = []
    for step in shown_steps(ledger)[:_MAX_STEPS]:
        row = {
            "type": redact(step.type),
            "id": redact(step.id),
            "name": redact(step.name),
            "started": round(step.started, 6),
            "ended": None if step.ended is None else round(step.ended, 6),
            "chunk": step.chunk,
            "tokens": step.tokens,
        }
        row = {name: value for name, value in row.items() if value not in ("", None)}
        room -= json_size(row) + 1
        if room < 0:
            break
        found.append(row)
    return found
