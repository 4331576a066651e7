"""Dialects: a request becomes an HTTP request, a JSON value becomes events. No I/O of any kind."""

from __future__ import annotations

from .auth import Auth
from .backend import Backend, Decoder, Endpoint, Form, HttpRequest, Model, SentRequest, TokenCount
from .registry import DEFAULT, backend, may_carry, names

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
    "may_carry",
    "names",
]
