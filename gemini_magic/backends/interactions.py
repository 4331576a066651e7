"""Google's Interactions API: URLs and request bodies.

Reference: ai.google.dev, "Interactions API", revision 2026-05-20. The model is in the body, and so is the choice to stream.
An answer is stored by the server only if the user asks for it. No I/O, no key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from .. import schema as schemas
from ..content import Request, deep_merge
from ..errors import OptionError
from .backend import Backend, CountTokens, Endpoint, HttpRequest, InteractionsApi
from .gemini import GEMINI, LATEST, json_request
from .gemini_catalog import read_token_count
from .gemini_usage import PRICE_PROVIDER
from .interactions_agents import (
    agent_fields,
    check_agent,
    check_body,
    requested_interaction,
    runs_in_background,
    with_config_type,
)
from .interactions_config import generation_fields, refuse_settings, request_notes, response_format
from .interactions_decode import interactions_decoder
from .interactions_errors import interactions_failure
from .interactions_fields import split_parameters, with_interactions_names
from .interactions_input import input_of, turns_to_send
from .interactions_reference import undocumented_in_interactions
from .interactions_replay import resumed_interaction
from .interactions_sent import (
    continues_input,
    interactions_price_data,
    interactions_tier,
    read_interactions_request,
    read_interactions_results,
)
from .interactions_state import (
    base_of,
    cancel_interaction,
    checked_id,
    cursor_of,
    delete_interaction,
    get_interaction,
    interactions_url,
    read_interaction,
)
from .interactions_tools import tool_entries
from .interactions_usage import interactions_token_details
from .media_support import check_cloud_storage, check_media_of_model
from .protocols import is_agent
from .urls import checked_model

__all__ = ["INTERACTIONS", "counted_by", "encode_interaction"]


def _url(model: str, endpoint: Endpoint) -> str:
    checked_model(model)  # it is in the body
    return interactions_url(endpoint)


def _body_of(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """The JSON body of a request.

    Args:
        request: the request.
        endpoint: the form of the answer.

    Raises:
        OptionError: the API does not have a setting of the request.
        SchemaError: the schema of the answer cannot be expressed.
    """
    settings = request.settings
    refuse_settings(settings)
    if settings.agent is None and is_agent(request.model):
        raise OptionError(
            f"{request.model} is an agent, and not a model.",
            remedy=f"Use --agent {request.model} in place of -m.",
        )
    body = agent_fields(settings) or {"model": request.model.removeprefix("models/")}
    previous, turns = turns_to_send(request)
    if request.continuation is not None and settings.previous is not None:
        previous, turns = settings.previous, ()  # the server has the input of the answer that it paused
    if turns:
        body["input"] = input_of(turns)
    if previous is not None:
        body["previous_interaction_id"] = checked_id(previous)
    if request.system:
        body["system_instruction"] = request.system
    given, own = split_parameters(request.params)
    config = deep_merge(generation_fields(settings), given)
    check_agent(settings, config)
    if config:
        body["generation_config"] = config
    if (form := response_format(settings)) is not None:
        body["response_format"] = form
    if tools := tool_entries(settings):
        body["tools"] = tools
    if settings.service_tier:
        body["service_tier"] = settings.service_tier
    background = runs_in_background(settings)
    if background:
        body["background"] = True
    # A model in the background answers at once with its id, and its stream is requested with that.
    streamed = endpoint.form == "sse" and (settings.agent is not None or not background)
    body |= {"store": settings.is_stored, "stream": streamed}
    if request.continuation is not None:
        body["continuation_token"] = request.continuation
    given = with_interactions_names(request.body)
    merged = with_config_type(deep_merge(deep_merge(body, own), given, drop_null=True))
    check_body(merged)
    return merged


def _encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    """The HTTP request for an answer, without a key; see :func:`encode_interaction`."""
    if not endpoint.base_url:
        check_cloud_storage(request)
    return encode_interaction(request, endpoint)


def encode_interaction(request: Request, endpoint: Endpoint) -> HttpRequest:
    """The HTTP request for an answer, without a key and for any server that has the API.

    Raises:
        OptionError: the URL, the model name or a value is not valid, or the API does not have a setting.
        PromptError: the model does not take a medium of the prompt.
    """
    if request.settings.agent is None:
        check_media_of_model(request)
    if endpoint.form == "json":
        raise OptionError(
            "The Interactions API does not send a JSON array.",
            remedy="Leave out --alt json, or use --no-stream.",
        )
    body = _body_of(request, endpoint)
    return json_request(_url(request.model, endpoint), body, streamed=body.get("stream") is True)


def counted_by(older: Backend) -> CountTokens:
    """How tokens are counted: in the form of an older API of the same server, as this one has no method for it."""

    def encode(request: Request, endpoint: Endpoint) -> HttpRequest:
        settings = request.settings
        if turns_to_send(request)[0] is not None or settings.agent is not None:
            what = "a stored conversation" if settings.agent is None else "an agent"
            raise OptionError(
                f"The tokens of {what} cannot be counted.",
                remedy="`r.usage` has the token counts of an answer.",
            )
        if older.count is None:
            raise OptionError("The interactions backend cannot count tokens.")
        plain = replace(settings, server_store=False, server_background=False, service_tier=None)
        return older.count.encode(replace(request, settings=plain, params={}, body={}), endpoint)

    return CountTokens(encode, read_token_count)


def _unenforced_rules(schema: Mapping[str, Any]) -> Sequence[str]:
    return schemas.rewrite_for_gemini(schema).checked_afterwards


INTERACTIONS = Backend(
    name="interactions",
    default_model=LATEST,
    auth=GEMINI.auth,
    url=_url,
    encode=_encode,
    decoder=interactions_decoder,
    failure=interactions_failure,
    normal_anomalies=("field-event", "done-marker", "json-object"),
    token_details=interactions_token_details,
    price_provider=PRICE_PROVIDER,
    price_data=interactions_price_data,
    read_request=read_interactions_request,
    read_results=read_interactions_results,
    continues=continues_input,
    requested_tier=interactions_tier,
    count=counted_by(GEMINI),
    models=GEMINI.models,
    files=GEMINI.files,
    undocumented=undocumented_in_interactions,
    decisions=GEMINI.decisions,
    interactions=InteractionsApi(
        get=get_interaction,
        cancel=cancel_interaction,
        delete=delete_interaction,
        read=read_interaction,
        requested=requested_interaction,
        resumed=resumed_interaction,
        cursor_of=cursor_of,
        base_of=base_of,
    ),
    request_notes=request_notes,
    unenforced_rules=_unenforced_rules,
)
