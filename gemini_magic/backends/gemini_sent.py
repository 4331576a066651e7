"""Reads a request body of the Gemini protocol again, to show what was sent."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from msgspec.structs import replace

from ..content import Blob, CallResult, ResultMedia
from ..media import REFERENCE
from .backend import SentRequest

__all__ = ["continues_contents", "read_request", "read_results"]

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


def read_results(body: bytes, media: Mapping[str, bytes]) -> tuple[CallResult, ...]:
    """The results of functions in the last turn of a request, in order; empty if it has none.

    Args:
        body: the body as it was sent or recorded.
        media: the bytes of the media that the body refers to, by their digest.
    """
    try:
        parts = json.loads(body)["contents"][-1]["parts"]
        found = [_result(part["functionResponse"], media) for part in parts if "functionResponse" in part]
        apart = [blob for part in parts if (blob := _blob(part, media)) is not None]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()
    if found and apart:  # media that an older model takes beside the results only
        named = tuple(ResultMedia(f"media-{number}", blob) for number, blob in enumerate(apart, 1))
        found[-1] = replace(found[-1], media=(*found[-1].media, *named))
    return tuple(found)


def continues_contents(body: bytes, later: bytes) -> bool:
    """Whether a later request begins with the turns of an earlier one."""
    turns, following = _contents(body), _contents(later)
    return following[: len(turns)] == turns


def _contents(body: bytes) -> list[Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return []
    turns = value.get("contents") if isinstance(value, dict) else None
    return turns if isinstance(turns, list) else []


def _result(value: dict[str, Any], media: Mapping[str, bytes]) -> CallResult:
    named = [
        ResultMedia(str(next(iter(part.values())).get("displayName", "")), blob)
        for part in value.get("parts", ())
        if (blob := _blob(part, media)) is not None
    ]
    return CallResult(value["name"], value.get("response") or {}, value.get("id"), media=tuple(named))


def _blob(part: dict[str, Any], media: Mapping[str, bytes]) -> Blob | None:
    inline = part.get("inlineData")
    if not isinstance(inline, dict):
        return None
    text = str(inline.get("data", ""))
    digest = text.removeprefix(REFERENCE)
    data = media.get(digest) if text.startswith(REFERENCE) else base64.b64decode(text, validate=True)
    return None if data is None else Blob(str(inline.get("mimeType", "")), data)


def _text(turn: Any) -> Any:
    """The text of a turn; a turn that holds anything else as it is."""
    parts = turn.get("parts") if isinstance(turn, dict) else None
    texts = (
        [part.get("text") if isinstance(part, dict) else None for part in parts]
        if isinstance(parts, list)
        else []
    )
    return "".join(map(str, texts)) if texts and all(isinstance(text, str) for text in texts) else turn
