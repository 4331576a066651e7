"""Reads a request to the Interactions API again, to show what was sent, and what its prices depend on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..content import Blob, CallResult, Request, ResultMedia
from ..events import Usage
from ..media import REFERENCE
from .backend import SentRequest
from .gemini_usage import price_data
from .interactions_usage import interactions_token_details
from .wire_values import base64_bytes, list_of, object_of, objects_of, read_value

__all__ = [
    "continues_input",
    "interactions_price_data",
    "interactions_tier",
    "read_interactions_request",
    "read_interactions_results",
]

_CONTENT = ("text", "image", "audio", "video", "document")
_MODALITIES = {
    "prompt": "promptTokensDetails",
    "cached": "cacheTokensDetails",
    "output": "candidatesTokensDetails",
    "tool": "toolUsePromptTokensDetails",
}


def read_interactions_request(url: str, body: bytes) -> SentRequest:  # noqa: ARG001 - the model is in the body
    """The request in a body; what is not recognised is in ``rest``."""
    rest = _object(body)
    model, agent = rest.pop("model", None), rest.pop("agent", None)
    turns = _turns(rest.pop("input", None))
    schemas = [each["schema"] for each in _formats(rest.get("response_format")) if "schema" in each]
    return SentRequest(
        model=model if isinstance(model, str) else agent if isinstance(agent, str) else None,
        question=turns[-1] if turns else None,
        turns_before=len(turns) - 1 if turns else None,
        system=rest.pop("system_instruction", None) or None,
        config=rest.pop("generation_config", None),
        rest=rest,
        schema=schemas[0] if schemas else None,
    )


def read_interactions_results(body: bytes, media: Mapping[str, bytes]) -> tuple[CallResult, ...]:
    """The results of functions after the last step of the model, in order; empty if there are none.

    Args:
        body: the body as it was sent or recorded.
        media: the bytes of the media that the body refers to, by their digest.
    """
    found: list[CallResult] = []
    for step in reversed(objects_of(_object(body).get("input"))):
        # Other programs send results as content of the user's step, too.
        within = objects_of(step.get("content")) if step.get("type") == "user_input" else [step]
        results = [each for each in within if each.get("type") == "function_result"]
        found += [_result(each, media) for each in reversed(results)]
        if not results and (found or step.get("type") != "user_input"):
            break
    return tuple(reversed(found))


def continues_input(body: bytes, later: bytes) -> bool:
    """Whether a later request begins with the steps of an earlier one, or continues an answer that the server stores."""
    one, other = _object(body), _object(later)
    if one.get("previous_interaction_id") != other.get("previous_interaction_id"):
        return other.get("previous_interaction_id") is not None
    steps, following = _steps(one.get("input")), _steps(other.get("input"))
    return following[: len(steps)] == steps


def interactions_price_data(model: str, usage: Usage, raw: bytes) -> dict[str, Any]:
    """The answer as genai-prices reads it: in the JSON of the older API, for which it has the prices."""
    data = price_data(model, usage, b"")
    details: dict[str, Any] = {}
    for each in interactions_token_details(raw):
        entry = {"modality": each.modality.upper(), "tokenCount": each.tokens}
        details.setdefault(_MODALITIES[each.counted], []).append(entry)
    return {**data, "usageMetadata": {**details, **data["usageMetadata"]}}


def interactions_tier(request: Request) -> Any:
    """The service tier that a request asks for; ``--body`` overrides the option."""
    return request.body.get("service_tier", request.params.get("service_tier", request.settings.service_tier))


def _object(body: bytes) -> dict[str, Any]:
    try:
        return dict(object_of(read_value(body)))
    except ValueError:
        return {}


def _formats(value: Any) -> list[dict[str, Any]]:
    return [value] if isinstance(value, dict) else objects_of(value)


def _turns(value: Any) -> list[Any]:
    """The turns of an input: the text of each where it has nothing else, or its steps or content."""
    if value is None or isinstance(value, str | dict):
        return [] if value is None else [value]
    turns: list[list[Any]] = []
    user: bool | None = None
    for each in _steps(value):
        own = object_of(each).get("type") in ("user_input", "function_result")
        if own != user:
            turns.append([])
            user = own
        turns[-1].append(each)
    return [_turn(steps) for steps in turns]


def _steps(value: Any) -> list[Any]:
    """An input as steps, in whichever of its forms it was sent."""
    if isinstance(value, str):
        value = [{"type": "text", "text": value}]
    found = list_of(value)
    content = all(object_of(each).get("type") in _CONTENT for each in found)
    return [{"type": "user_input", "content": found}] if found and content else found


def _turn(steps: list[Any]) -> Any:
    content = [part for step in steps for part in list_of(object_of(step).get("content"))]
    plain = all(object_of(step).get("type") in ("user_input", "model_output", "thought") for step in steps)
    text = _text(content) if plain else None
    return text if isinstance(text, str) else steps


def _text(content: list[Any]) -> Any:
    """The text of content; content that holds anything else as it is."""
    texts = [object_of(each).get("text") for each in content]
    return "".join(map(str, texts)) if texts and all(isinstance(text, str) for text in texts) else content


def _result(step: dict[str, Any], media: Mapping[str, bytes]) -> CallResult:
    value, named = step.get("result"), list[ResultMedia]()
    if isinstance(value, list):
        for number, each in enumerate(objects_of(value), 1):
            if (blob := _blob(each, media)) is not None:
                named.append(ResultMedia(f"media-{number}", blob))
        value = _text([each for each in objects_of(value) if each.get("type") == "text"])
        value = _json(value) if isinstance(value, str) else value
    key = "error" if step.get("is_error") is True else "output"
    response = value if isinstance(value, dict) else {key: value}
    return CallResult(str(step.get("name") or ""), response, step.get("call_id") or None, media=tuple(named))


def _json(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def _blob(content: dict[str, Any], media: Mapping[str, bytes]) -> Blob | None:
    text = content.get("data")
    if not isinstance(text, str):
        return None
    digest = text.removeprefix(REFERENCE)
    data = media.get(digest) if text.startswith(REFERENCE) else base64_bytes(text)
    return None if data is None else Blob(str(content.get("mime_type", "")), data)
