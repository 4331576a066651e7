"""Describes and loads the types of pydantic, which is not imported here: if an object of it is given, the user has imported it.

Everything goes through ``pydantic.TypeAdapter``, so that ``list[Model]`` and a dataclass with models work too.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..errors import SchemaError
from ..text import one_line
from .problems import find_problems, place_text, value_text

__all__ = ["is_pydantic", "pydantic_adapter", "pydantic_line", "pydantic_problems", "pydantic_schema"]


def is_pydantic(hint: Any) -> bool:
    """Whether an annotation itself is a model or a dataclass of pydantic, or carries one of its marks."""
    module = sys.modules.get("pydantic")
    if module is None:
        return False
    if typing.get_origin(hint) is typing.Annotated:
        return any(type(each).__module__.partition(".")[0] in _MODULES for each in typing.get_args(hint)[1:])
    cls = typing.get_origin(hint) or hint
    return isinstance(cls, type) and (hasattr(cls, "__pydantic_core_schema__") or _is_model(cls, module))


_MODULES = ("pydantic", "annotated_types")


def _is_model(cls: type, module: Any) -> bool:
    model = getattr(module, "BaseModel", None)
    return isinstance(model, type) and issubclass(cls, model)


def pydantic_adapter(hint: Any) -> Any:
    """The ``TypeAdapter`` of an annotation.

    Raises:
        SchemaError: pydantic does not accept it.
    """
    adapter: Callable[[Any], Any] = sys.modules["pydantic"].TypeAdapter
    try:
        return adapter(hint)
    except Exception as error:  # noqa: BLE001 - pydantic has many kinds of errors for this
        raise _refused(error) from None


def pydantic_schema(adapter: Any) -> dict[str, Any]:
    """The JSON Schema of an adapter.

    Raises:
        SchemaError: a field has no JSON Schema.
    """
    try:
        schema: dict[str, Any] = adapter.json_schema()
    except Exception as error:  # noqa: BLE001 - as above
        raise _refused(error) from None
    return schema


def _refused(error: Exception) -> SchemaError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return SchemaError(
        f"pydantic cannot describe the type: {lines[0].rstrip('.')}.",
        remedy="Use fields that have a JSON form, and put a mixed type inside one pydantic model.",
    )


def pydantic_problems(error: Exception) -> list[tuple[tuple[str | int, ...], str, Any]] | None:
    """The problems that pydantic found, as places, messages and values; None for an exception that is not pydantic's."""
    errors = getattr(error, "errors", None)
    if (
        not callable(errors)
        or type(error).__name__ != "ValidationError"
        or isinstance(error, msgspec.MsgspecError)
    ):
        return None
    return [(each["loc"], each["msg"], each.get("input")) for each in errors(include_url=False)]


_PYDANTIC_KINDS = {
    "list": "array",
    "tuple": "array",
    "set": "array",
    "dictionary": "object",
    "dictionary or instance": "object",
    "dictionary or object": "object",
}


def pydantic_line(
    schema: Mapping[str, Any], whole: Any, place: tuple[str | int, ...], message: str, value: Any
) -> str:
    """The line of one of pydantic's problems.

    Args:
        schema: the JSON Schema.
        whole: the value of the answer.
        place: where pydantic found the problem; it contains the names of the members of unions.
        message: pydantic's message.
        value: what is there.
    """
    place = _place_in(whole, place)
    words = message.removeprefix("Value error, ")
    if message == "Field required":
        lines = find_problems(whole, schema)
        missing = f"{place_text(place)}: expected "
        return next((line for line in lines if line.startswith(missing)), f"{missing}a value, got nothing")
    for start in ("Input should be ", "Value should be "):
        if words.startswith(start):
            kind = words.removeprefix(start)
            if kind.startswith("a valid "):
                kind = kind.removeprefix("a valid ").partition(", ")[0]
            kind = _PYDANTIC_KINDS.get(kind.partition(" of ")[0], kind).replace("'", '"')
            return f"{place_text(place)}: expected {kind}, got {value_text(value)}"
    return f"{place_text(place)}: {one_line(words)}, got {value_text(value)}"


def _place_in(value: Any, place: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The steps of a place that lead into a value, and the last step."""
    steps: list[str | int] = []
    for number, step in enumerate(place):
        is_key = isinstance(value, dict) and step in value
        is_index = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if is_key or is_index:
            value = value[step]
            steps.append(step)
        elif number == len(place) - 1 and isinstance(value, dict):
            steps.append(step)  # a field that is missing
    return tuple(steps)
