"""A request in its dialect, with the media that are uploaded before it is sent."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from ..backends import Backend, Endpoint, HttpRequest
from ..content import Request
from ..errors import OptionError
from ..options import Options
from .endpoint import endpoint_of
from .media_plan import MediaPlan, plan_media

__all__ = ["EncodedRequest", "encode_request"]


class EncodedRequest(NamedTuple):
    """A request as it is sent.

    Attributes:
        http: the request.
        whole: the same request for an answer in one piece, where the options allow to fall back to it.
        plan: the media that are uploaded before.
        asked: the body of the request to the model whose stored answer ``http`` reads; empty if ``http`` asks the model.
    """

    http: HttpRequest
    whole: HttpRequest | None = None
    plan: MediaPlan | None = None
    asked: bytes = b""


def encode_request(request: Request, options: Options, backend: Backend, *, offline: bool) -> EncodedRequest:
    """Encode a request.

    Args:
        request: the request.
        options: its options.
        backend: the dialect.
        offline: whether a recording answers it, so that nothing is uploaded.

    Raises:
        PromptError: a file that is sent cannot be read.
        OptionError: the request is not valid.
    """
    endpoint = endpoint_of(options)
    if request.stored_id is not None:
        return _stored_answer(request, request.stored_id, endpoint, backend)
    plan = plan_media(request, backend, options, offline=offline)
    http, whole = backend.encode(plan.request, endpoint), None
    if options.fallback and not options.no_stream:
        whole = backend.encode(plan.request, endpoint._replace(form="whole"))
    return EncodedRequest(http, whole, plan)


def _stored_answer(request: Request, stored_id: str, endpoint: Endpoint, backend: Backend) -> EncodedRequest:
    """The request that reads a stored answer from its beginning.

    Raises:
        OptionError: the backend stores no answers, or the id is not valid.
    """
    if backend.interactions is None:
        raise OptionError(
            f"The {backend.name} backend stores no answers.", remedy="Use --backend interactions."
        )
    http = backend.interactions.get(endpoint, stored_id, stream=endpoint.form == "sse")
    asked = backend.encode(structs.replace(request, stored_id=None), endpoint)
    return EncodedRequest(http, asked=asked.body)
