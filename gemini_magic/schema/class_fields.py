"""Reads the fields of classes that JSON objects can hold: dataclasses, TypedDicts, NamedTuples and Structs."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from ..errors import SchemaError

__all__ = [
    "USE_THESE",
    "ClassField",
    "class_documentation",
    "fields_of",
    "is_named_tuple",
    "refused_annotation",
    "tag_of",
    "undefined_annotation",
]

USE_THESE = "Use int, float, bool, str, list, dict, Literal, Enum, a dataclass, a TypedDict, a NamedTuple, or a pydantic model."


class ClassField(NamedTuple):
    """A field of a class: its name in JSON, its annotation, whether it has a default, and its description."""

    name: str
    hint: Any
    optional: bool
    description: str = ""


def fields_of(cls: Any, hint: Any, path: str) -> list[ClassField] | None:
    """The fields of a class that JSON objects can hold; None for any other class."""
    if hasattr(cls, "__struct_fields__"):
        return list(_struct_fields(cls, hint, path))
    if dataclasses.is_dataclass(cls):
        return list(_dataclass_fields(cls, hint, path))
    if typing.is_typeddict(cls):
        hints = _hints(cls, hint, path)
        return [ClassField(name, each, _not_required(cls, name, each)) for name, each in hints.items()]
    if is_named_tuple(cls):
        hints = _hints(cls, hint, path)
        return [ClassField(name, hints.get(name, Any), name in cls._field_defaults) for name in cls._fields]
    return None


def _struct_fields(cls: Any, hint: Any, path: str) -> Iterator[ClassField]:
    hints = _hints(cls, hint, path)
    for field in msgspec.structs.fields(cls):
        yield ClassField(field.encode_name, hints[field.name], not field.required)


def _dataclass_fields(cls: Any, hint: Any, path: str) -> Iterator[ClassField]:
    hints = _hints(cls, hint, path)
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        no_default = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        text = field.metadata.get("description", "")
        yield ClassField(field.name, hints[field.name], not no_default, text if isinstance(text, str) else "")


def _not_required(cls: Any, name: str, hint: Any) -> bool:
    """Whether a key of a TypedDict may be missing.

    With postponed annotations, ``__required_keys__`` knows nothing of ``NotRequired``.
    """
    while typing.get_origin(hint) is not None:
        mark = getattr(typing.get_origin(hint), "_name", None)
        if mark in ("Required", "NotRequired"):
            return bool(mark == "NotRequired")
        if mark != "ReadOnly" and typing.get_origin(hint) is not typing.Annotated:
            break
        hint = typing.get_args(hint)[0]
    required: frozenset[str] = cls.__required_keys__
    return name not in required


def _hints(cls: Any, hint: Any, path: str) -> dict[str, Any]:
    """The annotations of a class by field, with the parameters of a generic class replaced.

    Raises:
        SchemaError: an annotation names something that is not defined.
    """
    try:
        found = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise undefined_annotation(path, error.name or str(error), cls) from None
    except TypeError as error:
        raise refused_annotation(
            path, f"the annotations of {cls.__name__} cannot be read: {error}", USE_THESE
        ) from None
    given = dict(zip(getattr(cls, "__parameters__", ()), typing.get_args(hint), strict=False))
    return {name: _substituted(each, given) for name, each in found.items()} if given else found


def _substituted(hint: Any, given: Mapping[Any, Any]) -> Any:
    if isinstance(hint, typing.TypeVar):
        return given.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(given.get(each, each) for each in parameters)] if parameters else hint


def tag_of(cls: type) -> tuple[str, Any] | None:
    """The name and the value of the field that distinguishes a tagged Struct from the others of a union."""
    config = getattr(cls, "__struct_config__", None)
    return None if config is None or config.tag is None else (config.tag_field, config.tag)


def is_named_tuple(cls: Any) -> bool:
    """Whether an object is a NamedTuple class."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_field_defaults")


def class_documentation(cls: type) -> str:
    """The docstring of a class; empty if it has none or Python wrote it."""
    text = cls.__dict__.get("__doc__") or ""
    generated = text.startswith((f"{cls.__name__}(", "Alias for field")) or text == "An enumeration."
    return "" if generated else inspect.cleandoc(text)


# -- errors


def refused_annotation(path: str, message: str, remedy: str) -> SchemaError:
    """The error for an annotation without a JSON form, with the path of its field."""
    text = message if not message.startswith("the ") else f"T{message[1:]}"
    return SchemaError(f"{path}: {message}." if path else f"{text}.", remedy=remedy)


def undefined_annotation(path: str, name: Any, cls: Any = None) -> SchemaError:
    """The error for a name in an annotation that is not defined; ``cls`` is the class that contains the annotation."""
    if cls is not None and name == getattr(cls, "__name__", None):
        return refused_annotation(
            path,
            f"the class {name} names itself, but is not defined at the top of a cell or module",
            "Define it outside of functions.",
        )
    return refused_annotation(
        path, f"the annotation {name!r} is not defined", "Define or import it, then ask again."
    )
