"""API keys and Google sign-in: where they are found, and for which host."""

from __future__ import annotations

from .lookup import find_key, key_header

__all__ = ["find_key", "key_header"]
