"""Adaptive's gateway (llmadaptive.uk): Gemini's protocol with extensions.

Reference: docs.llmadaptive.uk, "Gemini Stream Generate Content". A slash separates the model and the method in the URL.
``provider_configs``, ``model_router``, ``semantic_cache``, ``prompt_cache`` and ``fallback`` are sent as written with
``--body`` or ``-p``. The documented body has the generation settings in ``config``; Google's SDK, which the gateway
supports, sends ``generationConfig``. This backend sends ``generationConfig`` too, unless the user's JSON has a
``config``: then all settings are sent in that. No I/O, no key.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..content import Request, deep_merge
from ..errors import OptionError
from .auth import Auth
from .backend import Endpoint, HttpRequest
from .gemini import GEMINI, body_of, json_request, model_path
from .urls import method_of, quoted, versioned

__all__ = ["ADAPTIVE"]

_BASE = "https://www.llmadaptive.uk/api/v1beta"
_EXTENSIONS = ("provider_configs", "model_router", "semantic_cache", "prompt_cache", "fallback")


def _url(model: str, endpoint: Endpoint) -> str:
    base = versioned(endpoint.base_url or _BASE, endpoint.api_version or "v1beta")
    return f"{base}/{quoted(model_path(model))}{method_of(endpoint, 'slash')}"


def _encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    """The HTTP request for an answer, without a key; its settings are in ``config`` if the user's JSON has one.

    Raises:
        OptionError: the URL, the model name or a value is not valid.
    """
    in_config = "config" in request.body
    if in_config:
        config = request.body["config"]
        if not isinstance(config, dict):
            raise OptionError(
                "The field config must be a JSON object.", remedy="""For example: --body '{"config": {}}'."""
            )
        rest = {name: value for name, value in request.body.items() if name != "config"}
        request = replace(request, body=deep_merge(rest, {"generationConfig": config}))
    body = body_of(request, _EXTENSIONS)
    if in_config:
        body["config"] = body.pop("generationConfig", {})
    return json_request(_url(request.model, endpoint), body, streamed=endpoint.form == "sse")


ADAPTIVE = replace(
    GEMINI,
    name="adaptive",
    default_model="gemini-2.5-flash",
    auth=Auth(
        "x-goog-api-key",
        ("x-goog-api-key", "bearer", "x-api-key", "api-key"),
        ("ADAPTIVE_API_KEY",),
        ("llmadaptive.uk",),
        "llmadaptive.uk",
    ),
    url=_url,
    encode=_encode,
    count=None,
    models=None,
    files=None,
    batches=None,
)
