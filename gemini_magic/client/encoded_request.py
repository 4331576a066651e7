"""A request in its dialect, with the media that are uploaded before it is sent."""

from __future__ import annotations

from typing import NamedTuple

from ..backends import Backend, HttpRequest
from ..content import Request
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
    """

    http: HttpRequest
    whole: HttpRequest | None = None
    plan: MediaPlan | None = None


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
    plan = plan_media(request, backend, options, offline=offline)
    http, whole = backend.encode(plan.request, endpoint), None
    if options.fallback and not options.no_stream:
        whole = backend.encode(plan.request, endpoint._replace(form="whole"))
    return EncodedRequest(http, whole, plan)
