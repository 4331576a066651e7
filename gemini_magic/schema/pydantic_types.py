"""Describes and loads the types of pydantic, which is never imported here: an object of it shows that the user did.

Everything goes through ``pydantic.TypeAdapter``, so that ``list[Model]`` and a dataclass with models work too.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import SchemaError

__all__ = ["is_pydantic", "pydantic_adapter", "pydantic_problems", "pydantic_schema"]


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
