"""API keys and Google sign-in: where they are found, which hosts they may be sent to, and their masking in text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names
from .lookup import find_key, key_header

if TYPE_CHECKING:
    from .masking import key_mask

__all__ = ["find_key", "key_header", "key_mask"]

__getattr__ = lazy_names(globals(), {"key_mask": "masking"})  # only answers with functions need it
