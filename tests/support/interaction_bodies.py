"""Streams of the Interactions API, written by hand: events, steps and whole bodies."""

from __future__ import annotations

import json
from typing import Any

from gemini_magic.backends.interactions_decode import interactions_decoder
from gemini_magic.events import Decoded, Event
from gemini_magic.ledger import Ledger

ID = "v1_abc"
USAGE = {
    "total_tokens": 20,
    "total_input_tokens": 7,
    "total_output_tokens": 8,
    "total_thought_tokens": 5,
    "total_cached_tokens": 0,
    "total_tool_use_tokens": 0,
}


def created(model: str = "gemini-3.8-flash", ident: str = ID) -> dict[str, Any]:
    interaction = {"id": ident, "status": "in_progress", "object": "interaction", "model": model}
    return {"event_type": "interaction.created", "interaction": interaction}


def completed(status: str = "completed", usage: object = USAGE, **more: object) -> dict[str, Any]:
    interaction = {"id": ID, "status": status, "usage": usage, "object": "interaction"} | more
    return {"event_type": "interaction.completed", "interaction": interaction}


def start(index: int, kind: str = "model_output", **fields: object) -> dict[str, Any]:
    return {"event_type": "step.start", "index": index, "step": {"type": kind, **fields}}


def delta(index: int, kind: str = "text", **fields: object) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": index, "delta": {"type": kind, **fields}}


def text(index: int, piece: str) -> dict[str, Any]:
    return delta(index, text=piece)


def stop(index: int, **fields: object) -> dict[str, Any]:
    return {"event_type": "step.stop", "index": index, **fields}


def step(index: int, kind: str, *deltas: dict[str, Any], **fields: object) -> list[dict[str, Any]]:
    """The events of a step: how it begins, what is added, its end."""
    return [start(index, kind, **fields), *(delta(index, **each) for each in deltas), stop(index)]


def stream(*events: dict[str, Any], done: bool = True) -> bytes:
    """The body of a stream."""
    body = "".join(f"event: {each['event_type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    return (body + ("event: done\ndata: [DONE]\n\n" if done else "")).encode()


def decode_all(*values: object) -> list[Decoded]:
    """Decode events with one decoder."""
    decode = interactions_decoder()
    return [decode(json.dumps(each).encode()) for each in values]


def events_of(*values: object) -> list[Event]:
    return [event for each in decode_all(*values) for event in each.events]


def ledger_of(*values: object, cause: str = "end") -> Ledger:
    """A ledger with an answer in which each event arrived one second after the one before; it is closed."""
    ledger, decode = Ledger(), interactions_decoder()
    for t, value in enumerate(values):
        raw = json.dumps(value).encode()
        ledger.add(raw, float(t), decode(raw))
    ledger.close(cause, t=float(len(values)))  # type: ignore[arg-type] # a test passes a cause
    return ledger
