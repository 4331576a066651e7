"""The API dialects: each turns a request into an HTTP request, and JSON texts into events. No I/O."""

from __future__ import annotations

from .auth import LOOPBACK, Auth
from .backend import (
    Backend,
    BatchAnswer,
    BatchApi,
    Decoder,
    Endpoint,
    FilesApi,
    Form,
    HttpRequest,
    InteractionsApi,
    Model,
    RemoteFile,
    RemoteInteraction,
    RemoteJob,
    RequestedInteraction,
    ResumedDecoder,
    SentRequest,
    TokenCount,
)
from .http_errors import retry_after, with_headers
from .protocols import AUTO, backends_of_model, choose_backend, is_agent, needs_interactions
from .registry import (
    DEFAULT,
    backend,
    default_model,
    host_to_name,
    may_send_key,
    names,
    names_for_help,
    recorded_backend,
)

__all__ = [
    "AUTO",
    "DEFAULT",
    "LOOPBACK",
    "Auth",
    "Backend",
    "BatchAnswer",
    "BatchApi",
    "Decoder",
    "Endpoint",
    "FilesApi",
    "Form",
    "HttpRequest",
    "InteractionsApi",
    "Model",
    "RemoteFile",
    "RemoteInteraction",
    "RemoteJob",
    "RequestedInteraction",
    "ResumedDecoder",
    "SentRequest",
    "TokenCount",
    "backend",
    "backends_of_model",
    "choose_backend",
    "default_model",
    "host_to_name",
    "is_agent",
    "may_send_key",
    "names",
    "names_for_help",
    "needs_interactions",
    "recorded_backend",
    "retry_after",
    "with_headers",
]
