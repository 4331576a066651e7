"""The API dialects: each turns a request into an HTTP request, and JSON texts into events. No I/O."""

from __future__ import annotations

from .auth import Auth
from .backend import Backend, Decoder, Endpoint, Form, HttpRequest, Model, SentRequest, TokenCount
from .http_errors import retry_after, with_headers
from .registry import DEFAULT, backend, may_send_key, names

__all__ = [
    "DEFAULT",
    "Auth",
    "Backend",
    "Decoder",
    "Endpoint",
    "Form",
    "HttpRequest",
    "Model",
    "SentRequest",
    "TokenCount",
    "backend",
    "may_send_key",
    "names",
    "retry_after",
    "with_headers",
]
