"""Google's Gemini Developer API: how a request looks on the wire, and where it goes.

Reference: ai.google.dev, ``models.streamGenerateContent``. No I/O, no key.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, urlsplit

from ..content import (
    Blob,
    Call,
    CallResult,
    Code,
    CodeResult,
    File,
    Part,
    Request,
    Text,
    Thought,
    Turn,
    joined,
    merged,
)
from ..errors import OptionError
from .backend import Auth, Backend, Endpoint, HttpRequest
from .decode import decoder
from .failure import http_failure

__all__ = ["GEMINI", "encode", "part_to_json"]

_VERSIONS = ("v1", "v1beta", "v1alpha")
_METHODS = {
    "sse": "streamGenerateContent?alt=sse",
    "json": "streamGenerateContent",
    "whole": "generateContent",
}
_HEADERS = (
    ("content-type", "application/json"),
    ("accept", "text/event-stream"),
    ("accept-encoding", "identity"),
    ("cache-control", "no-store"),
)


def part_to_json(part: Part) -> dict[str, Any]:
    """A part as the API takes it, its thought signature with it."""
    value = _part(part)
    if part.signature is not None:
        value = {**value, "thoughtSignature": part.signature}
    return value


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"text": text}
        case Thought(text=text):
            return {"text": text, "thought": True}
        case Blob(mime_type=kind, data=data):
            return {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}}
        case File(uri=uri, mime_type=kind):
            return {"fileData": {"fileUri": uri, **({"mimeType": kind} if kind else {})}}
        case Call():
            return {"functionCall": _call(part)}
        case CallResult(name=name, response=response, id=ident):
            return {
                "functionResponse": {**({"id": ident} if ident else {}), "name": name, "response": response}
            }
        case Code(code=code, language=language):
            return {"executableCode": {"language": language or "PYTHON", "code": code}}
        case CodeResult(outcome=outcome, output=output):
            return {"codeExecutionResult": {"outcome": outcome or "OUTCOME_OK", "output": output}}
        case _:
            return dict(part.raw)


def _call(call: Call) -> dict[str, Any]:
    fields = {
        "id": call.id,
        "name": call.name,
        "args": call.args,
        "partialArgs": call.partial_args,
        "willContinue": call.will_continue,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _turn(turn: Turn) -> dict[str, Any]:
    parts = [part_to_json(part) for part in joined(turn.parts) if not _summary(part)]
    return {"role": turn.role, "parts": parts or [{"text": ""}]}


def _summary(part: Part) -> bool:
    """Thought summaries without a signature are for people; the API does not want them back."""
    return isinstance(part, Thought) and part.signature is None


def body_of(request: Request) -> dict[str, Any]:
    """The JSON body of a request."""
    body: dict[str, Any] = {"contents": [_turn(turn) for turn in request.turns]}
    if request.system:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    if request.config:
        body["generationConfig"] = request.config
    return merged(body, request.body, drop_null=True)


def _address(endpoint: Endpoint, model: str) -> str:
    base_url = endpoint.base_url or GOOGLE
    api_version = {"beta": "v1beta"}.get(endpoint.api_version or "beta", endpoint.api_version or "")
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError(
            f"{base_url!r} is not an address.",
            remedy="Write --base-url https://host or http://localhost:port.",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise OptionError(
            "--base-url takes an address without user, query or fragment.",
            remedy="Name the variable that holds the key with --key-env.",
        )
    base = base_url.rstrip("/")
    if parts.path.rstrip("/").rpartition("/")[2] not in _VERSIONS:
        base = f"{base}/{quote(api_version)}"
    name = model if "/" in model else f"models/{model}"
    return f"{base}/{quote(name, safe='/-._~@')}:{_METHODS[endpoint.form]}"


def encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    """The HTTP request for an answer, without a key.

    Args:
        request: what is asked.
        endpoint: where; a base URL whose path ends in a version keeps that, otherwise ``v1beta`` is the default.

    Raises:
        OptionError: an address, model name or value that cannot be sent.
    """
    if not request.model or any(character.isspace() for character in request.model):
        raise OptionError(
            f"{request.model!r} is not a model's name.", remedy="Write, say, -m gemini-flash-latest."
        )
    url = _address(endpoint, request.model)
    try:
        body = json.dumps(body_of(request), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return HttpRequest("POST", url, _HEADERS, body.encode("utf-8"))
    except UnicodeEncodeError:
        raise OptionError(
            "The prompt holds half a surrogate pair, which no encoding can carry.",
            remedy='Replace it, for example with text.encode("utf-8", "replace").decode().',
        ) from None
    except (TypeError, ValueError) as problem:
        raise OptionError(f"The request is not JSON: {problem}.", remedy="Look at --body and -p.") from None


GOOGLE = "https://generativelanguage.googleapis.com"
GOOGLE_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

GEMINI = Backend(
    name="gemini",
    base_url=GOOGLE,
    auth=Auth("x-goog-api-key", "", GOOGLE_KEYS, ("googleapis.com",)),
    encode=encode,
    decoder=decoder,
    failure=http_failure,
    part_to_json=part_to_json,
)
