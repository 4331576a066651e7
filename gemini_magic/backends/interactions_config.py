"""The settings of a request to the Interactions API, and the settings of ``generateContent`` that it does not have.

Reference: ai.google.dev, "Interactions API", ``GenerationConfig`` and ``ResponseFormat``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

from .. import schema as schemas
from ..content import Request, RequestSettings, Thinking
from ..errors import OptionError
from .gemini import BATCH

__all__ = ["generation_fields", "refuse_settings", "request_notes", "response_format", "standard_schema"]

_DEPRECATED: Final = {"temperature": "-t", "top_p": "--top-p"}
_CONFIG: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "seed": "seed",
}


def refuse_settings(settings: RequestSettings) -> None:
    """Refuse the settings that the API does not have.

    Raises:
        OptionError: the request has one of them.
    """
    if settings.top_k is not None:
        _refuse("--top-k")
    if (settings.candidates or 1) > 1:
        _refuse("several candidates", "Use --repeat to ask several times.")
    if settings.logprobs is not None:
        _refuse("log probabilities")
    if settings.safety:
        _refuse("--safety", "Leave it out; the server's default applies.")
    if settings.service_tier == BATCH:
        _refuse("the service tier batch", "Use another tier, such as flex or deferred, or --backend gemini.")


def request_notes(request: Request) -> Sequence[str]:
    """Sentences about settings that a model may ignore, and about an answer that is stored without ``--server-store``."""
    settings = request.settings
    notes = []
    old = [flag for name, flag in _DEPRECATED.items() if getattr(settings, name) is not None]
    if old:
        verb, which = ("is", "it") if len(old) == 1 else ("are", "them")
        notes.append(
            f"{' and '.join(old)} {verb} deprecated in the Interactions API: models may ignore {which}."
        )
    if settings.is_stored and not settings.server_store:
        what = "--agent" if settings.agent is not None else "--server-background"
        notes.append(f"The server stores this answer, because {what} needs that.")
    return notes


def _refuse(feature: str, remedy: str = "Leave it out, or use --backend gemini.") -> NoReturn:
    raise OptionError(f"The Interactions API does not support {feature}.", remedy=remedy)


def generation_fields(settings: RequestSettings) -> dict[str, Any]:
    """The neutral settings as fields of ``generation_config``.

    Raises:
        OptionError: the API has no such setting.
    """
    config = {
        field: value for name, field in _CONFIG.items() if (value := getattr(settings, name)) is not None
    }
    if settings.stop:
        config["stop_sequences"] = list(settings.stop)
    if settings.thinking is not None:
        config |= _thinking(settings.thinking)
    if settings.tool_choice is not None:
        choice = settings.tool_choice
        config["tool_choice"] = (
            {"allowed_tools": {"mode": choice.mode, "tools": list(choice.names)}}
            if choice.names
            else choice.mode
        )
    return config


def _thinking(thinking: Thinking) -> dict[str, Any]:
    if thinking.level is None:
        _refuse("a thinking budget in tokens", "Use a level: --thinking minimal, low, medium, high or xhigh.")
    if thinking.level == "off":
        _refuse("--thinking off", "Use --thinking minimal for the least thinking.")
    level = {} if thinking.level == "on" else {"thinking_level": thinking.level}
    return {**level, "thinking_summaries": "auto"}


def standard_schema(value: Any) -> Any:
    """A schema without the keyword ``propertyOrdering``, which is not JSON Schema. The order of its properties stays."""
    if isinstance(value, list):
        return [standard_schema(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = isinstance(value.get("propertyOrdering"), list)
    return {
        name: {inner: standard_schema(each) for inner, each in found.items()}
        if name in ("properties", "$defs") and isinstance(found, dict)
        else standard_schema(found)
        for name, found in value.items()
        if not (names and name == "propertyOrdering")
    }


def response_format(settings: RequestSettings) -> dict[str, Any] | None:
    """The field ``response_format``; None for an answer in text.

    JSON without a schema is not requested together with tools, as most models refuse the combination.

    Raises:
        SchemaError: the schema cannot be expressed.
    """
    if settings.schema is not None:
        schema = standard_schema(schemas.rewrite_answer_schema(settings.schema).schema)
        return {"type": "text", "mime_type": "application/json", "schema": schema}
    tools = settings.tools or settings.file_search or settings.mcp_servers or settings.functions
    return {"type": "text", "mime_type": "application/json"} if settings.json_output and not tools else None
