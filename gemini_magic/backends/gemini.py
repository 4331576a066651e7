"""Google's Gemini Developer API: URLs and request bodies.

Reference: ai.google.dev, ``models.streamGenerateContent``, ``models.countTokens`` and ``models.list``. Other servers
with the same API are used with ``--base-url``. No I/O, no key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from .. import schema as schemas
from ..content import (
    Blob,
    Call,
    CallResult,
    Code,
    CodeResult,
    File,
    LocalFile,
    Part,
    Request,
    ResultMedia,
    Text,
    Thinking,
    Thought,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
    deep_merge,
    join_parts,
)
from ..errors import OptionError
from ..media import MediaInsert, body_pieces, encode_body
from .auth import Auth
from .backend import Backend, CountTokens, Endpoint, HttpRequest, ListModels
from .field_names import split_fields, with_api_names
from .gemini_batches import gemini_batch_api
from .gemini_catalog import read_models, read_token_count
from .gemini_decode import gemini_decoder
from .gemini_evidence import safety_ratings, token_scores
from .gemini_files import FILES, gemini_base
from .gemini_functions import calling_config, tools_field
from .gemini_media import media_fields
from .gemini_reference import undocumented
from .gemini_sent import continues_contents, read_request, read_results
from .gemini_usage import PRICE_PROVIDER, price_data, token_details
from .http_errors import http_failure
from .media_support import check_cloud_storage, check_media
from .urls import checked_model, method_of, quoted

__all__ = [
    "GEMINI",
    "GOOGLE_HOSTS",
    "GOOGLE_KEYS",
    "GOOGLE_STYLES",
    "INTERACTIONS_ONLY",
    "LATEST",
    "body_of",
    "encode",
    "generation_config",
    "json_request",
    "model_path",
    "part_to_json",
    "requested_tier",
    "too_large_inline",
    "top_fields",
]

_FLAGS = {"thought", "thoughtSignature"}  # fields of a part that are not its data
BATCH = "batch"  # the tier of batch jobs, which is not a field of a request
_DEFERRED = "deferred"  # a tier of the Interactions API
_PAGE = 1000  # models per page, the API's maximum
# How the neutral settings are spelled (ai.google.dev, GenerationConfig, SafetySetting and Tool).
_CONFIG = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "candidates": "candidateCount",
}
INTERACTIONS_ONLY = {
    "agent": "--agent",
    "previous": "--previous",
    "server_background": "--server-background",
    "server_store": "--server-store",
}
_THRESHOLDS = {
    "low": "BLOCK_LOW_AND_ABOVE",
    "medium": "BLOCK_MEDIUM_AND_ABOVE",
    "high": "BLOCK_ONLY_HIGH",
    "none": "BLOCK_NONE",
    "off": "OFF",
}
# Models before those that take media inside the result of a function (ai.google.dev, "Multimodal function responses").
_NO_MEDIA_IN_RESULTS = re.compile(r"gemini-(?:1\.|2\.|robotics-er-1\.)")
# Models that take a budget in tokens; later ones take a level (ai.google.dev, "Gemini thinking").
_BUDGET_MODELS = re.compile(r"gemini-2\.5|gemini-robotics-er-1\.5")
_BUDGETS = {"minimal": 512, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576}


def part_to_json(part: Part) -> dict[str, Any]:
    """The JSON object of a part, with its thought signature; a ``Blob`` stands for the base64 text of its data."""
    value = _part(part)
    if part.signature is not None:
        value = {**value, "thoughtSignature": part.signature}
    if isinstance(part, Blob | File | LocalFile) and part.media is not None:
        value = {**value, **media_fields(part)}
    if isinstance(part, Blob) and part.thought:
        value = {**value, "thought": True}
    return value


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text) | Thought(text=text):
            return {"text": text, **({"thought": True} if isinstance(part, Thought) else {})}
        case Blob(mime_type=kind):
            return {"inlineData": {"mimeType": kind, "data": part}}  # which `json_request` encodes
        case File(uri=uri, mime_type=kind):
            return {"fileData": {"fileUri": uri, **({"mimeType": kind} if kind else {})}}
        case Call():
            return {"functionCall": _call(part)}
        case CallResult():
            return {"functionResponse": _call_result(part)}
        case Code(code=code, language=language):
            language = (language or "PYTHON").upper()  # other APIs write it in lower case
            return {"executableCode": _with_id(part.id, language=language, code=code)}
        case CodeResult(outcome=outcome, output=output):
            return {"codeExecutionResult": _with_id(part.id, outcome=outcome or "OUTCOME_OK", output=output)}
        case Transcript():
            return {"audioTranscription": part.raw or _transcript(part)}
        case ToolCall() | ToolResult():
            return {"toolCall" if isinstance(part, ToolCall) else "toolResponse": part.raw}
        case LocalFile():
            raise too_large_inline(part)
        case _:
            # The API refuses a part without data, but a signature may arrive in one.
            return dict(part.raw) if part.raw.keys() - _FLAGS else {"text": "", **part.raw}


def _transcript(part: Transcript) -> dict[str, Any]:
    fields = {"text": part.text, "speakerLabel": part.speaker, "languageCode": part.language}
    return {name: value for name, value in fields.items() if value is not None}


def too_large_inline(file: LocalFile) -> OptionError:
    """The error for a local file that the request would have to contain, and that is too large for it."""
    name = PurePath(file.path).name
    return OptionError(
        f"{name} has {file.size / 1e6:,.1f} MB, which is too large to be part of the request.",
        remedy="Use a smaller file or only a section of it, or attach an address from which the server can fetch it.",
    )


def _with_id(ident: str | None, **fields: str) -> dict[str, str]:
    return {"id": ident, **fields} if ident else fields


def _call(call: Call) -> dict[str, Any]:
    fields = {
        "id": call.id,
        "name": call.name,
        "args": call.args,
        "partialArgs": call.partial_args,
        "willContinue": call.will_continue,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _call_result(result: CallResult) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": result.id} if result.id else {}
    fields |= {"name": result.name, "response": result.response}
    if result.media:
        fields["parts"] = [_named_media(each) for each in result.media]
    return fields


def _named_media(each: ResultMedia) -> dict[str, Any]:
    """A part inside the result of a function, with the name by which the response refers to it."""
    ((kind, data),) = _part(each.part).items()
    return {kind: {**data, "displayName": each.name}}


def _turn(turn: Turn, model: str) -> dict[str, Any]:
    parts = [part for part in join_parts(turn.parts) if not _summary(part) and not _foreign(part)]
    if turn.steps:  # their signatures belong to another API
        parts = [replace(part, signature=None) for part in parts]
    if any(isinstance(part, CallResult) and part.media for part in parts) and _NO_MEDIA_IN_RESULTS.search(
        model
    ):
        parts = _media_apart(parts)
    return {"role": turn.role, "parts": [part_to_json(part) for part in parts] or [{"text": ""}]}


def _media_apart(parts: Sequence[Part]) -> list[Part]:
    """The parts with the media of results after all results, as their number must equal that of the calls."""
    results = [replace(part, media=()) if isinstance(part, CallResult) else part for part in parts]
    found = [each.part for part in parts if isinstance(part, CallResult) for each in part.media]
    return [*results, *found]


def _summary(part: Part) -> bool:
    """Whether a part is a thought without a signature, which is not sent back to the API."""
    thought = isinstance(part, Thought) or (isinstance(part, Blob) and part.thought)
    return thought and part.signature is None


def _foreign(part: Part) -> bool:
    """Whether a part is the use of a server's tool that another API reported: this one accepts only its own."""
    return isinstance(part, ToolCall | ToolResult) and not part.raw


def generation_config(request: Request) -> dict[str, Any]:
    """The neutral settings as fields of ``generationConfig``.

    JSON output without a schema is not requested together with tools: most models refuse the combination.

    Raises:
        SchemaError: the schema cannot be expressed.
    """
    settings = request.settings
    config = {
        field: value for name, field in _CONFIG.items() if (value := getattr(settings, name)) is not None
    }
    if settings.logprobs is not None:
        config |= {"responseLogprobs": True, "logprobs": settings.logprobs}
    if settings.stop:
        config["stopSequences"] = list(settings.stop)
    if settings.schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = schemas.rewrite_answer_schema(settings.schema).schema
    elif settings.json_output and not (
        settings.tools or settings.file_search or settings.mcp_servers or settings.functions
    ):
        config["responseMimeType"] = "application/json"
    if settings.thinking is not None:
        config["thinkingConfig"] = _thinking_config(settings.thinking, request.model)
    return config


def _unenforced_rules(schema: Mapping[str, Any]) -> Sequence[str]:
    return schemas.rewrite_for_gemini(schema).checked_afterwards


def _thinking_config(thinking: Thinking, model: str) -> dict[str, Any]:
    level = thinking.level
    if level == "off":
        return {"thinkingBudget": 0}
    if level is None:
        return {"includeThoughts": True, "thinkingBudget": thinking.budget}
    if level == "on":
        return {"includeThoughts": True}
    if _BUDGET_MODELS.search(model):
        return {"includeThoughts": True, "thinkingBudget": _BUDGETS[level]}
    return {"includeThoughts": True, "thinkingLevel": level.upper()}


def _refuse_server_state(request: Request) -> None:
    """Refuse what only the Interactions API has.

    Raises:
        OptionError: the request has such a setting, or continues a conversation that only a server has.
    """
    if any(turn.is_reference for turn in request.turns):
        raise OptionError(
            "The conversation continues a stored answer, which needs the Interactions API.",
            remedy="Add --backend interactions, or start a new conversation with --fresh.",
        )
    for name, flag in INTERACTIONS_ONLY.items():
        if getattr(request.settings, name):
            raise OptionError(
                f"{flag} needs the Interactions API.",
                remedy=f"Add --backend interactions, or leave out {flag}.",
            )


def top_fields(request: Request) -> dict[str, Any]:
    """The neutral settings that are fields of the request itself, beside ``generationConfig``.

    Raises:
        OptionError: the request is for a batch job, which is no request by itself, or for the Interactions API.
    """
    settings = request.settings
    _refuse_server_state(request)
    body: dict[str, Any] = {}
    if tools := tools_field(settings):
        body["tools"] = tools
    if settings.tool_choice is not None:
        body["toolConfig"] = {"functionCallingConfig": calling_config(settings.tool_choice)}
    if settings.safety:
        body["safetySettings"] = [
            {"category": f"HARM_CATEGORY_{category.upper()}", "threshold": _THRESHOLDS[level]}
            for category, level in settings.safety.items()
        ]
    if settings.service_tier == BATCH:
        raise OptionError(
            "The service tier 'batch' is for many rows only.",
            remedy="Use gm.rows(…, service_tier='batch') or --rows, or another tier such as flex.",
        )
    if settings.service_tier == _DEFERRED:
        raise OptionError(
            f"The service tier {_DEFERRED!r} needs the Interactions API.",
            remedy="Add --backend interactions, or use another tier such as flex.",
        )
    if settings.service_tier:
        body["serviceTier"] = settings.service_tier
    return body


def requested_tier(request: Request) -> Any:
    """The service tier that a request asks for; ``--body`` overrides the option."""
    return with_api_names(request.body).get("serviceTier", request.settings.service_tier)


def body_of(request: Request, beside: Sequence[str] = (), *, server_calls: bool = False) -> dict[str, Any]:
    """The JSON body of a request.

    Args:
        request: the request.
        beside: names of ``request.params`` that are fields of the request itself, in addition to the API's own.
        server_calls: whether the field that combines the server's tools with functions is sent where both are offered
            (ai.google.dev, "Tool combination"; the Developer API requires it, Vertex AI does not have it).

    Raises:
        OptionError: two fields of the request exclude each other.
        PromptError: the model or the API does not take a medium of the prompt.
    """
    check_media(request)
    body: dict[str, Any] = {"contents": [_turn(turn, request.model) for turn in request.turns]}
    if request.system:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    config, own = split_fields(deep_merge(generation_config(request), request.params), beside)
    if config:
        body["generationConfig"] = config
    body = deep_merge(deep_merge(body, own), top_fields(request))
    settings = request.settings
    if (
        server_calls
        and settings.functions
        and (settings.tools or settings.file_search or settings.mcp_servers)
    ):
        body = deep_merge(body, {"toolConfig": {"includeServerSideToolInvocations": True}})
    body = deep_merge(body, with_api_names(request.body), drop_null=True)
    if request.continuation is not None:
        body["continuationToken"] = request.continuation
    sent = body.get("generationConfig")
    thinking = sent.get("thinkingConfig") if isinstance(sent, dict) else None
    if isinstance(thinking, dict) and {"thinkingBudget", "thinkingLevel"} <= thinking.keys():
        raise OptionError(
            "The request sets thinkingBudget and thinkingLevel, but a model accepts only one of them.",
            remedy="Gemini 2.5 models accept a budget, later models a level. Remove one from --thinking, -p or --body.",
        )
    return body


def json_request(url: str, body: dict[str, Any], *, streamed: bool = False) -> HttpRequest:
    """A POST request with a JSON body.

    Args:
        url: the URL.
        body: the JSON object, in which a ``Blob`` stands for the base64 text of its data.
        streamed: whether server-sent events are requested.

    Raises:
        OptionError: the body cannot be encoded.
    """
    headers = (
        ("content-type", "application/json"),
        ("accept", "text/event-stream" if streamed else "application/json"),
        ("accept-encoding", "identity"),
        ("cache-control", "no-store"),
    )
    return HttpRequest("POST", url, headers, *_json_text(body))


def _json_text(body: dict[str, Any]) -> tuple[bytes, tuple[MediaInsert, ...]]:
    """The JSON text of a body and its media; see :func:`json_request`."""
    try:
        return encode_body(body)
    except UnicodeEncodeError:
        raise OptionError(
            "The prompt contains an unpaired surrogate, which cannot be encoded as UTF-8.",
            remedy='Replace it, for example with text.encode("utf-8", "replace").decode().',
        ) from None
    except (TypeError, ValueError) as problem:
        raise OptionError(
            f"The request cannot be written as JSON: {problem}.", remedy="Check --body and -p."
        ) from None


def model_path(model: str) -> str:
    """The path of a model in a URL: ``models/NAME``, or the name itself if it contains a slash."""
    return model if "/" in checked_model(model) else f"models/{model}"


@lru_cache(maxsize=64)  # each request asks for it several times, and checking takes longer than sending
def _url(model: str, endpoint: Endpoint) -> str:
    return f"{gemini_base(endpoint)}/{quoted(model_path(model))}{method_of(endpoint)}"


def encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    """The HTTP request for an answer, without a key.

    Args:
        request: the request.
        endpoint: where to send it. A base URL that ends in a version keeps it; otherwise the default is ``v1beta``.

    Raises:
        OptionError: the URL, the model name or a value is not valid.
        PromptError: the model or the API does not take a medium of the prompt.
    """
    if not endpoint.base_url:
        check_cloud_storage(request)
    body = body_of(request, server_calls=True)
    return json_request(_url(request.model, endpoint), body, streamed=endpoint.form == "sse")


def _without_batch(request: Request) -> Request:
    """The request without the tier of batch jobs, which no request contains."""
    if request.settings.service_tier != BATCH:
        return request
    return replace(request, settings=replace(request.settings, service_tier=None))


def _batch_row(request: Request) -> bytes:
    """The JSON text of a request of a batch job, with its media in it."""
    body = {"model": model_path(request.model), **body_of(_without_batch(request), server_calls=True)}
    return b"".join(body_pieces(*_json_text(body)))


def _count(request: Request, endpoint: Endpoint) -> HttpRequest:
    """Counts the whole request, so that the system instruction and the tools are included."""
    request = _without_batch(request)
    model = model_path(request.model)
    body = {"generateContentRequest": {"model": model, **body_of(request, server_calls=True)}}
    return json_request(f"{gemini_base(endpoint)}/{quoted(model)}:countTokens", body)


def _models(endpoint: Endpoint, page: str) -> HttpRequest:
    query = f"pageSize={_PAGE}" + (f"&pageToken={quote(page, safe='')}" if page else "")
    return HttpRequest(
        "GET", f"{gemini_base(endpoint)}/models?{query}", (("accept", "application/json"),), b""
    )


LATEST = "gemini-flash-latest"
GOOGLE_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
GOOGLE_HOSTS = ("googleapis.com",)
GOOGLE_STYLES = ("x-goog-api-key", "bearer", "google")

GEMINI = Backend(
    name="gemini",
    default_model=LATEST,
    auth=Auth(
        "x-goog-api-key",
        (*GOOGLE_STYLES, "x-api-key", "api-key"),  # for other servers with the same API
        GOOGLE_KEYS,
        GOOGLE_HOSTS,
        "aistudio.google.com/apikey",
    ),
    url=_url,
    encode=encode,
    decoder=gemini_decoder,
    failure=http_failure,
    token_details=token_details,
    safety_ratings=safety_ratings,
    token_scores=token_scores,
    price_provider=PRICE_PROVIDER,
    price_data=price_data,
    read_request=read_request,
    read_results=read_results,
    continues=continues_contents,
    undocumented=undocumented,
    count=CountTokens(_count, read_token_count),
    models=ListModels(_models, read_models),
    files=FILES,
    batches=gemini_batch_api(_batch_row, model_path),
    requested_tier=requested_tier,
    unenforced_rules=_unenforced_rules,
    decisions="decisions",
)
