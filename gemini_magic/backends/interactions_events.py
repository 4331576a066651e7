"""Which event of the Interactions API a JSON object is, in both revisions of the protocol.

The revision of 2026-05-20 names events by ``event_type``; the documentation also shows ``type``, and servers that leave the
field out name the server-sent event. The preview before it has ``interaction.start``, ``content.*`` and
``interaction.complete``, with flat fields.
"""

from __future__ import annotations

from typing import Any, Final

from .interactions_errors import RUNNING
from .interactions_steps import MEDIA
from .wire_values import object_of, text_of

__all__ = ["COMPLETED", "event_name", "step_of_content"]

COMPLETED: Final = "interaction.completed"
_NAMES: Final = {
    "interaction.start": "interaction.created",
    "interaction.complete": "interaction.completed",
    "content.start": "step.start",
    "content.delta": "step.delta",
    "content.stop": "step.stop",
}


def event_name(value: dict[str, Any], sse: str | None = None) -> str:
    """Return the type of an event: of the field ``event_type``, else of the SSE event, else by its shape.

    Args:
        value: the JSON object of the event.
        sse: the name of the server-sent event; None without one.

    Returns:
        The name in the revision of 2026-05-20; ``interaction`` for a whole interaction; empty if it is unknown.
    """
    name = text_of(value.get("event_type"))
    if name is None and "." in (own := text_of(value.get("type")) or ""):
        name = own
    if name is None and sse not in (None, "", "message", "data"):
        name = sse
    if name is not None:
        return _NAMES.get(name, name)
    if "delta" in value:
        return "step.delta"
    if "step" in value:
        return "step.start"
    if isinstance(inner := value.get("interaction"), dict):
        ended = text_of(inner.get("status")) not in RUNNING
        return COMPLETED if ended else "interaction.created"
    if value.get("error") and not value.get("steps"):
        return "error"
    if "steps" in value or "outputs" in value or value.get("object") == "interaction" or "status" in value:
        return "interaction.status_update" if "interaction_id" in value else "interaction"
    return "step.stop" if "index" in value else ""


def step_of_content(value: dict[str, Any]) -> dict[str, Any]:
    """Return the step that an event of the preview begins."""
    content = object_of(value.get("content"))
    kind = text_of(content.get("type")) or text_of(value.get("type")) or "text"
    if kind in ("text", *MEDIA) or "." in kind:
        return {"type": "model_output", **({"content": [content]} if content.keys() - {"type"} else {})}
    return {**content, "type": kind}
