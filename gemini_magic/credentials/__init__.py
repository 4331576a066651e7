"""API keys and Google sign-in: where they are found, which hosts they may be sent to, and their masking in text."""

from __future__ import annotations

from .lookup import find_key, key_header
from .masking import key_mask

__all__ = ["find_key", "key_header", "key_mask"]
