"""Reads JSON texts and the values in them, whatever type a server sends in place of the documented one."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from typing import Any

import msgspec

from ..text import MAX_DEPTH, read_json
from .gemini_schema import MOST_COUNT

__all__ = ["base64_bytes", "count_of", "list_of", "object_of", "objects_of", "read_value", "text_of"]


def read_value(raw: bytes) -> Any:
    """Return the value of a JSON text, read by the fast parser where possible.

    Raises:
        ValueError: the text is not JSON, not even by the rules of :func:`~gemini_magic.text.read_json`.
    """
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            return msgspec.json.decode(raw)
    return read_json(raw, max_depth=MAX_DEPTH)


def base64_bytes(text: str) -> bytes | None:
    """Return the bytes of a base64 text in any of its variants, also wrapped into lines; None if it is none."""
    text = text.replace("-", "+").replace("_", "/")
    for form in (text, "".join(text.split())):
        plain = form.rstrip("=")
        try:
            return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
    return None


def count_of(value: Any) -> int | None:
    """Return a count, given as a number or as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = int(value) if isinstance(value, int) else int(float(value))
    except (ValueError, OverflowError):
        return None
    return count if 0 <= count <= MOST_COUNT else None


def text_of(value: Any) -> str | None:
    """Return a text that is not empty; None for anything else."""
    return value if isinstance(value, str) and value else None


def object_of(value: Any) -> dict[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """Return a list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def objects_of(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list."""
    return [each for each in list_of(value) if isinstance(each, dict)]
