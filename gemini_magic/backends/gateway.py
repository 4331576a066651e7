"""The unified gateway: one ``/generate`` for many services, with a request and chunks of its own.

Its guide ("Streaming Responses", base URL ``http://localhost:8000/api/v1``) gives ``service_name``, ``model_name``,
``input``, ``parameters`` and ``history``; it shows only text in ``input`` and says nothing of what a history entry
looks like. Decided here: a picture is an input item with base64 ``content`` and a ``mime_type``; an entry of the
history has a ``role`` (``user``, ``assistant``) and ``content``, and the system instruction is its first entry with the
role ``system``. ``--body`` overrules all of it. No I/O, no key.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from msgspec.structs import replace

from ..content import Blob, File, Opaque, Part, Request, Text, Thought, Turn, joined, merged
from ..errors import OptionError
from .auth import Auth
from .backend import Backend, Endpoint, HttpRequest, SentRequest
from .field_names import camel, named, snake
from .gateway_decode import decoder
from .gemini import LATEST, generation_config, json_request, top_fields
from .gemini_sent import read_request
from .gemini_usage import PRICE_PROVIDER, price_data
from .http_errors import http_failure
from .urls import based, checked_model, too_long

__all__ = ["GATEWAY"]

_BASE = "http://localhost:8000"
_SERVICE = "google-gemini"
_OWN = ("service_name", "model_name", "input", "history", "parameters")
_RENAMED = {"maxOutputTokens": "max_tokens"}
# Fields of Gemini's request that options make, and that this one has no place for.
_FOREIGN = {
    "tools": "tools",
    "toolConfig": "tools",
    "safetySettings": "safety settings",
    "serviceTier": "service tiers",
    "cachedContent": "cached content",
}


def _url(model: str, endpoint: Endpoint) -> str:
    """A base URL with a path is taken as it is, a bare host gets the documented path.

    ``--api-version`` does not count: its variable speaks of Google's versions.
    """
    checked_model(model)
    base = based(endpoint.base_url or _BASE)
    if urlsplit(base).path.endswith("/generate"):
        raise too_long(base, urlsplit(base).path.removesuffix("/generate"))
    if not urlsplit(base).path:
        base = f"{base}/api/v1"
    return f"{base}/generate" if endpoint.form == "whole" else f"{base}/generate/stream"


def _cannot(what: str) -> NoReturn:
    raise OptionError(
        f"The gateway's request has no place for {what}.",
        remedy="Leave it out, or ask another backend; what its service takes goes into `-p parameters.NAME=VALUE`.",
    )


def _item(part: Part) -> dict[str, Any]:
    """A part as an input item.

    Raises:
        OptionError: the gateway has no such item.
    """
    if isinstance(part, Text):
        return {"type": "text", "name": "input", "content": part.text}
    if isinstance(part, Blob):
        content = base64.b64encode(part.data).decode()
    elif isinstance(part, File) and part.uri.startswith(("https://", "http://")):
        content = part.uri  # as the gateway itself sends a picture that lies elsewhere
    else:
        _cannot(f"a {type(part).__name__}")
    kind = (part.mime_type or "").partition("/")[0]
    return {
        "type": kind if kind in ("image", "audio", "video") else "file",
        "name": "input",
        "content": content,
        **({"mime_type": part.mime_type} if part.mime_type else {}),
    }


def _said(parts: Sequence[Part]) -> list[Part]:
    """What the gateway is told: thoughts are for people, and its own metadata is no news to it."""
    return [part for part in joined(parts) if not isinstance(part, Thought | Opaque)]


def _past(turn: Turn) -> dict[str, Any]:
    items = [_item(part) for part in _said(turn.parts)]
    text = [item["content"] for item in items if item["type"] == "text"]
    content: Any = "".join(text) if len(text) == len(items) else items
    return {"role": "assistant" if turn.role == "model" else "user", "content": content}


def _parameters(config: dict[str, Any]) -> dict[str, Any]:
    """The generation settings in the gateway's words: snake_case, ``max_tokens``, ``enable_thinking``."""
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
        OptionError: the gateway has no place for something that is asked.
    """
    given = named(merged(top_fields(request), request.body))
    for name, what in _FOREIGN.items():
        if name in given:
            _cannot(what)
    settings = given.pop("generationConfig", {})
    own = {name: value for name, value in request.params.items() if name in _OWN}
    plain = replace(request, settings=replace(request.settings, json_output=False))  # it cannot ask for JSON
    config = {
        **generation_config(plain),
        **{camel(name): value for name, value in request.params.items() if name not in _OWN},
    }
    parameters = _parameters(merged(config, settings if isinstance(settings, dict) else {}, drop_null=True))
    *past, last = request.turns
    history = [{"role": "system", "content": request.system}] if request.system else []
    history += [_past(turn) for turn in past]
    body: dict[str, Any] = {
        "service_name": _SERVICE,
        "model_name": request.model,
        "input": [_item(part) for part in _said(last.parts)],
        **({"parameters": parameters} if parameters else {}),
        **({"history": history} if history else {}),
    }
    body = merged(merged(body, own), given, drop_null=True)
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
        "whoever runs the gateway",
        needed=False,
    ),
    url=_url,
    encode=_encode,
    decoder=decoder,
    failure=http_failure,
    price_provider=PRICE_PROVIDER,  # of its default service
    price_data=price_data,
    read_request=_read_request,
)
