"""API keys and Google sign-in: where they are found, and which hosts they may be sent to."""

from __future__ import annotations

from .lookup import find_key, key_header, key_mask

__all__ = ["find_key", "key_header", "key_mask"]
