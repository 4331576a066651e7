"""Reads a request body of the Gemini protocol again, to show what was sent."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import unquote

from .backend import SentRequest

__all__ = ["read_request"]

_MODEL: Final = re.compile(r"/models/([^/:?]+)")


def read_request(url: str, body: bytes) -> SentRequest:
    """The request in a URL and a body; what is not recognised is in ``rest``."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    rest: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    model = _MODEL.search(url)
    turns = rest.pop("contents", None)
    texts = [_text(turn) for turn in turns] if isinstance(turns, list) else []
    system, config = rest.pop("systemInstruction", None), rest.pop("generationConfig", None)
    return SentRequest(
        model=unquote(model[1]) if model else None,
        question=texts[-1] if texts else None,
        turns_before=len(texts) - 1 if texts else None,
        system=_text(system) if system else None,
        config=config,
        rest=rest,
        schema=config.get("responseJsonSchema") if isinstance(config, dict) else None,
    )


def _text(turn: Any) -> Any:
    """The text of a turn; a turn that holds anything else as it is."""
    parts = turn.get("parts") if isinstance(turn, dict) else None
    texts = (
        [part.get("text") if isinstance(part, dict) else None for part in parts]
        if isinstance(parts, list)
        else []
    )
    return "".join(map(str, texts)) if texts and all(isinstance(text, str) for text in texts) else turn
