"""The fields of the resources that the Gemini API lists: files and batch jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ..text import one_line

__all__ = ["resource_number", "resource_text", "resource_time"]

_MAX_TEXT: Final = 300  # characters of a text from the server


def resource_text(value: Any) -> str:
    """A text on one line, at most 300 characters of it; empty for anything else."""
    return one_line(value)[:_MAX_TEXT] if isinstance(value, str) else ""


def resource_number(value: Any) -> int | None:
    """A size or a count, which the API writes as a string; None for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004


def resource_time(value: Any) -> datetime | None:
    """A time with its zone; None for anything else. The API writes up to nine decimals."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
