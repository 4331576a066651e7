"""Notes about a stream: what is unusual about it, and where it was found."""

from __future__ import annotations

from .notes import at_hand, oddities
from .wire_notes import MEGABYTE, not_a_stream, remark, too_large

__all__ = ["MEGABYTE", "at_hand", "not_a_stream", "oddities", "remark", "too_large"]
