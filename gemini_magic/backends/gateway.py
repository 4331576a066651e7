"""The unified gateway: one ``/generate`` method for many services, with its own format of requests and chunks.

Its guide ("Streaming Responses", base URL ``http://localhost:8000/api/v1``) documents ``service_name``, ``model_name``,
``input``, ``parameters`` and ``history``. It shows only text in ``input`` and does not describe the entries of
``history``. This module assumes: an image is an input item with base64 ``content`` and a ``mime_type``; an entry of the
history has a ``role`` (``user`` or ``assistant``) and ``content``; the system instruction is the first entry, with the
role ``system``. ``--body`` overrides all of it. No I/O, no key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from msgspec.structs import replace

from ..content import (
    Blob,
    Call,
    CallResult,
    File,
    LocalFile,
    Opaque,
    Part,
    Request,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
    deep_merge,
    join_parts,
)
from ..errors import OptionError
from .auth import Auth
from .backend import Backend, Endpoint, HttpRequest, SentRequest
from .field_names import camel, snake, with_api_names
from .gateway_decode import gateway_decoder
from .gemini import LATEST, generation_config, json_request, too_large_inline, top_fields
from .gemini_sent import read_request
from .gemini_usage import PRICE_PROVIDER, price_data
from .http_errors import http_failure
from .urls import checked_base, checked_model, too_long

__all__ = ["GATEWAY"]

_BASE = "http://localhost:8000"
_SERVICE = "google-gemini"
_OWN = ("service_name", "model_name", "input", "history", "parameters")
_RENAMED = {"maxOutputTokens": "max_tokens"}
# Fields of Gemini's request that options set and the gateway does not have.
_UNSUPPORTED = {
    "tools": "tools and functions",
    "toolConfig": "tools and functions",
    "safetySettings": "safety settings",
    "serviceTier": "service tiers",
    "cachedContent": "cached content",
}


def _url(model: str, endpoint: Endpoint) -> str:
    """The URL of a request: a base URL with a path is used unchanged, a host alone gets the documented path.

    ``--api-version`` is ignored, because its environment variable refers to Google's versions.
    """
    checked_model(model)
    base = checked_base(endpoint.base_url or _BASE)
    if urlsplit(base).path.endswith("/generate"):
        raise too_long(base, urlsplit(base).path.removesuffix("/generate"))
    if not urlsplit(base).path:
        base = f"{base}/api/v1"
    return f"{base}/generate" if endpoint.form == "whole" else f"{base}/generate/stream"


def _refuse(feature: str) -> NoReturn:
    raise OptionError(
        f"The gateway backend does not support {feature}.",
        remedy="Leave this out or use another backend. Parameters of the service are set with `-p parameters.NAME=VALUE`.",
    )


def _item(part: Part) -> dict[str, Any]:
    """A part as an input item.

    Raises:
        OptionError: the gateway does not support this type of part.
    """
    if isinstance(part, Call | CallResult):
        _refuse("function calls and their results")
    if getattr(part, "media", None) is not None:
        _refuse("settings of media, such as pages or fps")
    if isinstance(part, Text):
        return {"type": "text", "name": "input", "content": part.text}
    content: Blob | str
    if isinstance(part, Blob):
        content = part  # which `json_request` encodes
    elif isinstance(part, File) and part.uri.startswith(("https://", "http://")):
        content = part.uri  # the gateway itself sends images by URL like this
    elif isinstance(part, File):
        raise OptionError(
            f"The gateway backend does not support the address {part.uri}.",
            remedy="Download the file and attach it, or use an https address.",
        )
    elif isinstance(part, LocalFile):
        raise too_large_inline(part)
    else:
        _refuse(f"parts of the type {type(part).__name__}")
    kind = (part.mime_type or "").partition("/")[0]
    return {
        "type": kind if kind in ("image", "audio", "video") else "file",
        "name": "input",
        "content": content,
        **({"mime_type": part.mime_type} if part.mime_type else {}),
    }


def _sendable(parts: Sequence[Part]) -> list[Part]:
    """The parts that are sent to the gateway: not thoughts, uses of a server's tools, or the gateway's own metadata."""
    return [
        part for part in join_parts(parts) if not isinstance(part, Thought | ToolCall | ToolResult | Opaque)
    ]


def _history_entry(turn: Turn) -> dict[str, Any]:
    items = [_item(part) for part in _sendable(turn.parts)]
    text = [item["content"] for item in items if item["type"] == "text"]
    content: Any = "".join(text) if len(text) == len(items) else items
    return {"role": "assistant" if turn.role == "model" else "user", "content": content}


def _parameters(config: dict[str, Any]) -> dict[str, Any]:
    """The generation settings with the gateway's names: snake_case, ``max_tokens``, ``enable_thinking``."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        if name == "thinkingConfig" and isinstance(value, dict):
            budget = value.get("thinkingBudget")
            found["enable_thinking"] = bool(value.get("includeThoughts", budget != 0))
            if budget:
                found["thinking_budget"] = budget
            if level := value.get("thinkingLevel"):
                found["thinking_level"] = str(level).lower()
        else:
            found[_RENAMED.get(name) or snake(name)] = value
    return found


def _encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    """The HTTP request for an answer, without a key.

    Raises:
        OptionError: the gateway does not support a part or a setting of the request.
    """
    given = with_api_names(deep_merge(top_fields(request), request.body))
    for name, feature in _UNSUPPORTED.items():
        if name in given:
            _refuse(feature)
    if request.settings.logprobs is not None:
        _refuse("log probabilities")
    if request.settings.schema is not None:
        _refuse("a schema for the answer")
    settings = given.pop("generationConfig", {})
    own = {name: value for name, value in request.params.items() if name in _OWN}
    # The gateway cannot request JSON; `-f json` then only displays the answer as JSON.
    plain = replace(request, settings=replace(request.settings, json_output=False))
    given_config = {camel(name): value for name, value in request.params.items() if name not in _OWN}
    config = deep_merge(generation_config(plain), given_config)
    parameters = _parameters(
        deep_merge(config, settings if isinstance(settings, dict) else {}, drop_null=True)
    )
    *past, last = request.turns
    history = [{"role": "system", "content": request.system}] if request.system else []
    history += [_history_entry(turn) for turn in past]
    body: dict[str, Any] = {
        "service_name": _SERVICE,
        "model_name": request.model,
        "input": [_item(part) for part in _sendable(last.parts)],
        **({"parameters": parameters} if parameters else {}),
        **({"history": history} if history else {}),
    }
    body = deep_merge(deep_merge(body, own), given, drop_null=True)
    return json_request(_url(request.model, endpoint), body, streamed=endpoint.form != "whole")


def _read_request(url: str, body: bytes) -> SentRequest:
    sent = read_request(url, body)
    rest = dict(sent.rest)
    return sent._replace(model=rest.pop("model_name", None), rest=rest)


GATEWAY = Backend(
    name="gateway",
    default_model=LATEST,
    auth=Auth(
        "x-api-key",
        ("x-api-key", "bearer", "api-key", "x-goog-api-key"),
        ("GATEWAY_API_KEY",),
        (),
        "the operator of the gateway",
        needed=False,
    ),
    url=_url,
    encode=_encode,
    decoder=gateway_decoder,
    failure=http_failure,
    price_provider=PRICE_PROVIDER,  # of its default service
    price_data=price_data,
    read_request=_read_request,
)
