"""The types of a function's parameters as a JSON Schema, and back: JSON values to these types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import msgspec

__all__ = ["argument_types", "expressible"]


def expressible(hint: Any) -> str:
    """Why a type has no JSON Schema, as the end of a sentence that begins with the parameter; empty if it has one."""
    try:
        msgspec.json.schema(hint)
    except (TypeError, NameError) as problem:
        return f"cannot be expressed as JSON ({problem})"
    return ""


def argument_types(
    name: str, parameters: Mapping[str, tuple[Any, bool, str]]
) -> tuple[dict[str, Any] | None, Any]:
    """The JSON Schema of a function's arguments, and the type to which they are converted.

    Args:
        name: the function.
        parameters: the type of each parameter, whether it is required, and its description.

    Returns:
        The schema, None without parameters; and a ``TypedDict``.
    """
    fields = {key: hint if required else NotRequired[hint] for key, (hint, required, _) in parameters.items()}
    accepts = TypedDict(name, fields)  # type: ignore[misc] # its keys are not known before
    if not parameters:
        return None, accepts
    schema = msgspec.json.schema(accepts)
    definitions = schema.pop("$defs", {})
    own = definitions.pop(schema["$ref"].rpartition("/")[2])
    own.pop("title", None)
    for key, (_, _, text) in parameters.items():
        if text:
            own["properties"][key] = {**own["properties"][key], "description": text}
    return {**own, **({"$defs": definitions} if definitions else {})}, accepts
