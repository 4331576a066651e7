"""Turns the result of a call to an MCP server into plain values and media."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from .. import media
from ..content import Blob
from ..text import one_line
from .connection import ToolFailed, mask

__all__ = ["plain_result"]

MAX_TEXT = 2_000_000  # characters of one result that are kept
MAX_MEDIA = 20_000_000  # bytes of all media of one result
_ITEMS = 1000


def plain_result(result: Any, secrets: tuple[str, ...]) -> Any:
    """The value of a result: structured data if the server sent any, otherwise text, media, or a list of both.

    Args:
        result: a ``CallToolResult``.
        secrets: the keys that are removed from all text.

    Raises:
        ToolFailed: the server reports that the tool failed; the message is the server's.
    """
    values = list(_values(result.content, secrets))
    if result.is_error:
        words = "\n".join(value for value in values if isinstance(value, str))
        raise ToolFailed(words[:MAX_TEXT] or "The tool failed; its server does not say why.")
    structured = _masked(result.structured_content, secrets)
    if structured is not None:
        # The texts repeat the structured value (specification, "Structured Content"); media does not.
        found = [value for value in values if isinstance(value, Blob)]
        return [structured, *found] if found else structured
    return values[0] if len(values) == 1 else values


def _values(content: list[Any], secrets: tuple[str, ...]) -> Iterator[Any]:
    chars, size = MAX_TEXT, MAX_MEDIA
    for block in content[:_ITEMS]:
        value = _value(block, secrets)
        if isinstance(value, Blob):
            if len(value.data) > size:
                yield f"[{value.mime_type}, {media.readable_size(len(value.data))}, left out: too large]"
                continue
            size -= len(value.data)
        elif isinstance(value, str) and len(value) > chars:
            value = f"{value[:chars]}\n[{len(value) - chars:,} more characters left out]"
        chars -= len(value) if isinstance(value, str) else 0
        yield value
    if len(content) > _ITEMS:
        yield f"[{len(content) - _ITEMS:,} more parts left out]"


def _value(block: Any, secrets: tuple[str, ...]) -> Any:
    """One content block as text, media or a dict; its type is what its fields say, as servers invent types."""
    kind = getattr(block, "type", "")
    if kind == "text":
        return mask(block.text, secrets)
    if kind in ("image", "audio"):
        return _masked(_blob(block.data, block.mime_type), secrets)
    if kind == "resource":
        resource = block.resource
        if hasattr(resource, "blob"):
            return _masked(_blob(resource.blob, resource.mime_type or "a file"), secrets)
        return {"uri": mask(str(resource.uri), secrets), "text": mask(resource.text, secrets)[:MAX_TEXT]}
    if kind == "resource_link":  # nothing is fetched: an address from a server is data
        return _masked(
            {"uri": str(block.uri), "name": block.name, "description": block.description or ""}, secrets
        )
    return f"[content of the unknown type {kind!r}]"


def _blob(data: str, mime_type: str) -> Any:
    """Media of the type that its bytes say, or text; a sentence for data that is not base64."""
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return f"[{one_line(mime_type)}: the server sent media that is not valid base64]"
    found = media.sniff(raw)
    if found.use == "text":
        return raw.decode("utf-8", "replace")
    return Blob(mime_type=found.mime_type, data=raw)


def _masked(value: Any, secrets: tuple[str, ...]) -> Any:
    """A JSON value with masked texts."""
    if not secrets or value is None:
        return value
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, dict):
        return {mask(str(key), secrets): _masked(each, secrets) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, secrets) for each in value]
    return value
