"""Translates Python annotations to JSON Schema (draft 2020-12): the options in their order, and errors with the field's path.

``msgspec.json.schema`` sorts the options of a Literal and an Enum, describes a NamedTuple as an array, and names no field
in its errors. pydantic's types describe themselves; see ``pydantic_types``.
"""

from __future__ import annotations

import collections.abc
import datetime as dt
import decimal
import enum
import inspect
import re
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from .class_fields import (
    USE_THESE,
    ClassField,
    class_documentation,
    fields_of,
    is_named_tuple,
    refused_annotation,
    tag_of,
    undefined_annotation,
)
from .pydantic_types import is_pydantic

__all__ = ["Described", "UsesPydantic", "describe_annotation", "is_annotation"]

Prepare: TypeAlias = Callable[[Any], Any]

_PLAIN: dict[Any, dict[str, Any]] = {
    Any: {},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.date: {"type": "string", "format": "date"},
    dt.time: {"type": "string", "format": "time"},
    dt.timedelta: {"type": "string", "format": "duration"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    decimal.Decimal: {"type": "string", "description": "a decimal number"},
}
_ARRAYS = (
    list,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Collection,
)
_SETS = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_UNIONS = (typing.Union, types.UnionType)
_WRAPPERS = (typing.ClassVar, typing.Final)
_TYPED_DICT_MARKS = {"Required", "NotRequired", "ReadOnly"}
_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_LENGTHS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_MOST_LEVELS = 60  # of annotations inside annotations


class UsesPydantic(Exception):  # noqa: N818 - not an error: another module translates the type
    """The annotation contains a type of pydantic."""


class Described(NamedTuple):
    """An annotation as JSON Schema.

    Attributes:
        schema: the JSON Schema, with the definitions of its classes under ``$defs``.
        prepare: turns a JSON value into what ``msgspec.convert`` accepts; None where it needs no change.
    """

    schema: dict[str, Any]
    prepare: Prepare | None


class _Node(NamedTuple):
    """The schema of an annotation, and how a value is prepared; None where it needs no change."""

    schema: dict[str, Any]
    prepare: Prepare | None = None


def describe_annotation(hint: Any, name: str = "") -> Described:
    """Translate an annotation.

    Args:
        hint: the annotation.
        name: what it annotates, for messages.

    Raises:
        SchemaError: it has no JSON Schema; the message names the field.
        UsesPydantic: it contains a type of pydantic.
    """
    return _Walk().described(hint, name)


def is_annotation(hint: Any) -> bool:
    """Whether an object is a class or an annotation, and no value."""
    return (
        isinstance(hint, type)
        or typing.get_origin(hint) is not None
        or hint is Any
        or hasattr(hint, "__supertype__")
        or hasattr(hint, "__value__")
        or is_pydantic(hint)
    )


class _Walk:
    """Translates one annotation with all classes in it."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self.names: dict[Any, str] = {}
        self.prepares: dict[str, Prepare | None] = {}
        self.has_named_tuple = False
        self.level = 0

    def described(self, hint: Any, name: str) -> Described:
        node = self.node(hint, name)
        schema = node.schema
        if self.definitions:
            top = schema.get("$ref", "").removeprefix("#/$defs/")
            if top and not _refers(
                self.definitions, top
            ):  # a class that does not contain itself needs no name
                schema = self.definitions.pop(top)
            schema = {**schema, **({"$defs": self.definitions} if self.definitions else {})}
        return Described(schema, node.prepare if self.has_named_tuple else None)

    def node(self, hint: Any, path: str) -> _Node:
        """The schema of an annotation at a path.

        Raises:
            SchemaError: it has no JSON Schema.
            UsesPydantic: it contains a type of pydantic.
        """
        self.level += 1
        if self.level > _MOST_LEVELS:
            raise refused_annotation(
                path, "the type contains itself without an end", "Define a class that names itself."
            )
        try:
            return self._node(hint, path)
        finally:
            self.level -= 1

    def _node(self, hint: Any, path: str) -> _Node:
        if isinstance(hint, str | typing.ForwardRef):
            raise undefined_annotation(path, getattr(hint, "__forward_arg__", hint))
        try:
            plain = _PLAIN.get(hint)
        except TypeError:
            plain = None
        if plain is not None:
            return _Node(dict(plain))
        if is_pydantic(hint):
            raise UsesPydantic
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Annotated:
            return self._annotated(arguments[0], arguments[1:], path)
        if origin in _WRAPPERS or getattr(origin, "_name", None) in _TYPED_DICT_MARKS:
            return self.node(arguments[0], path)
        if origin is typing.Literal:
            return _Node(_choice(_flat(arguments), path))
        if origin in _UNIONS:
            return self._union(arguments, path)
        if supertype := getattr(hint, "__supertype__", None):  # NewType
            return self.node(supertype, path)
        if hasattr(hint, "__value__") and hasattr(hint, "type_params" if origin else "__type_params__"):
            return self.node(hint.__value__, path)  # `type X = …`
        if (found := self._container(hint, origin, arguments, path)) is not None:
            return found
        return self._class(hint, origin or hint, arguments, path)

    def _container(self, hint: Any, origin: Any, arguments: tuple[Any, ...], path: str) -> _Node | None:
        """An array or a dict with free keys; None for any other annotation."""
        kind = origin or hint
        if kind is tuple and not _is_array_of(arguments):
            return self._fixed_tuple(arguments, path)
        if kind is tuple or _one_of(kind, _ARRAYS) or _one_of(kind, _SETS):
            item = self.node(arguments[0] if arguments else Any, f"{path}[]")
            schema: dict[str, Any] = {"type": "array", "items": item.schema}
            if _one_of(kind, _SETS):
                schema["uniqueItems"] = True
            return _Node(schema, _each_item(item.prepare))
        if not _one_of(kind, _DICTS):
            return None
        key, value = arguments if len(arguments) == 2 else (str, Any)  # noqa: PLR2004 - keys and values
        if key not in (str, Any) and not _is_text_choice(key):
            raise refused_annotation(
                path,
                f"the keys of {_shown(hint)} are not text, as JSON requires",
                f"Use dict[str, {_shown(value)}], or a list of objects.",
            )
        node = self.node(value, f"{path}{{}}")
        schema = {"type": "object", "additionalProperties": node.schema}
        names = {} if key is Any else self.node(key, path).schema
        if "enum" in names:
            schema["propertyNames"] = {"enum": names["enum"]}
        return _Node(schema, _each_value(node.prepare))

    def _fixed_tuple(self, arguments: tuple[Any, ...], path: str) -> _Node:
        nodes = [self.node(each, f"{path}[{number}]") for number, each in enumerate(arguments)]
        count = len(nodes)
        schema = {
            "type": "array",
            "prefixItems": [node.schema for node in nodes],
            "minItems": count,
            "maxItems": count,
        }
        if not any(node.prepare for node in nodes):
            return _Node(schema)

        def prepare(value: Any) -> Any:
            if not isinstance(value, list) or len(value) != count:
                return value
            return [_prepared(node.prepare, each) for node, each in zip(nodes, value, strict=True)]

        return _Node(schema, prepare)

    def _annotated(self, hint: Any, marks: tuple[Any, ...], path: str) -> _Node:
        node = self.node(hint, path)
        schema = dict(node.schema)
        for mark in marks:
            if isinstance(mark, str):
                schema["description"] = mark
            elif isinstance(mark, msgspec.Meta):
                schema |= _bounds(mark, schema)
            elif isinstance(text := getattr(mark, "documentation", None), str):  # typing_extensions.Doc
                schema["description"] = text
        return node._replace(schema=schema)

    def _union(self, arguments: tuple[Any, ...], path: str) -> _Node:
        nodes = [self.node(each, path) for each in arguments]
        prepares = [node.prepare for node in nodes if node.prepare]

        def prepare(value: Any) -> Any:
            for each in prepares:
                value = each(value)
            return value

        schemas = [node.schema for node in nodes]
        simple = [schema["type"] for schema in schemas if schema.keys() == {"type"}]
        if len(simple) == len(schemas):
            return _Node({"type": simple})
        return _Node({"anyOf": schemas}, prepare if prepares else None)

    # -- classes

    def _class(self, hint: Any, cls: Any, arguments: tuple[Any, ...], path: str) -> _Node:
        if not isinstance(cls, type):
            raise refused_annotation(path, f"{_shown(hint)} has no JSON form", USE_THESE)
        if issubclass(cls, enum.Enum):
            return self._enumeration(cls, path)
        fields = fields_of(cls, hint, path)
        if fields is None:
            raise refused_annotation(path, f"{_shown(hint)} has no JSON form", _remedy_for(cls))
        if (known := self.names.get(hint)) is not None:
            return _Node({"$ref": f"#/$defs/{known}"}, lambda value: _prepared(self.prepares[known], value))
        name = self._new_name(cls, arguments)
        self.names[hint] = name
        self.definitions[name] = {}  # keeps its place in the order
        self.prepares[name] = None
        self.definitions[name], self.prepares[name] = self._object(cls, fields, path)
        return _Node({"$ref": f"#/$defs/{name}"}, self.prepares[name])

    def _new_name(self, cls: type, arguments: tuple[Any, ...]) -> str:
        plain = re.sub(
            r"[^A-Za-z0-9_]+", "_", cls.__name__ + "".join(f"_{_shown(each)}" for each in arguments)
        )
        name, number = plain, 1
        while name in self.definitions:
            number += 1
            name = f"{plain}_{number}"
        return name

    def _object(self, cls: type, fields: list[ClassField], path: str) -> _Node:
        properties: dict[str, Any] = {}
        prepares: dict[str, Prepare] = {}
        if (tag := tag_of(cls)) is not None:
            properties[tag[0]] = {"type": "string", "enum": [tag[1]]}
        for field in fields:
            node = self.node(field.hint, f"{path}.{field.name}" if path else field.name)
            described = {"description": field.description} if field.description else {}
            properties[field.name] = {**node.schema, **described}
            if node.prepare:
                prepares[field.name] = node.prepare
        required = [*([tag[0]] if tag else []), *(field.name for field in fields if not field.optional)]
        schema: dict[str, Any] = {"type": "object"}
        if text := class_documentation(cls):
            schema["description"] = text
        schema["properties"] = properties
        if required:
            schema["required"] = required
        if getattr(getattr(cls, "__struct_config__", None), "forbid_unknown_fields", False):
            schema["additionalProperties"] = False
        if not is_named_tuple(cls):
            return _Node(schema, _each_field(prepares) if prepares else None)
        self.has_named_tuple = True
        return _Node(schema, _as_array(cls, prepares))

    def _enumeration(self, cls: type[enum.Enum], path: str) -> _Node:
        if issubclass(cls, enum.Flag):
            raise refused_annotation(
                path, f"{cls.__name__} is a Flag, whose values combine", "Use a list of an Enum."
            )
        values = [member.value for member in cls]
        if not values:
            raise refused_annotation(path, f"{cls.__name__} has no members", "Define its members.")
        schema = _choice(tuple(values), f"{path}: {cls.__name__}" if path else cls.__name__)
        if text := class_documentation(cls):
            schema["description"] = text
        return _Node(schema)


# -- parts of schemas


def _choice(values: tuple[Any, ...], path: str) -> dict[str, Any]:
    """The schema of a value that is one of several, in their order."""
    kinds = [_kind_of(value) for value in values]
    if None in kinds:
        wrong = values[kinds.index(None)]
        raise refused_annotation(
            path, f"the option {wrong!r} is not text, an integer, true, false or null", USE_THESE
        )
    used = list(dict.fromkeys(kinds))
    return {"type": used[0] if len(used) == 1 else used, "enum": list(values)}


def _kind_of(value: Any) -> str | None:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", str: "string"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), None)


def _flat(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of a Literal; a member of an Enum stands for its value."""
    return tuple(value.value if isinstance(value, enum.Enum) else value for value in values)


def _bounds(meta: msgspec.Meta, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a ``msgspec.Meta``."""
    found = {
        keyword: value for name, keyword in _BOUNDS.items() if (value := getattr(meta, name)) is not None
    }
    kind = schema.get("type")
    names = _LENGTHS.get(kind, _LENGTHS["string"]) if isinstance(kind, str) else _LENGTHS["string"]
    lengths = zip(names, (meta.min_length, meta.max_length), strict=True)
    found |= {keyword: value for keyword, value in lengths if value is not None}
    if meta.description is not None:
        found["description"] = meta.description
    return found | (meta.extra_json_schema or {})


def _refers(definitions: Mapping[str, Any], name: str) -> bool:
    """Whether a definition is referred to, by itself or by another one."""
    wanted = f"#/$defs/{name}"

    def used(value: Any) -> bool:
        if isinstance(value, dict):
            return value.get("$ref") == wanted or any(map(used, value.values()))
        return isinstance(value, list) and any(map(used, value))

    return any(map(used, definitions.values()))


# -- preparing values


def _prepared(prepare: Prepare | None, value: Any) -> Any:
    return value if prepare is None else prepare(value)


def _each_item(prepare: Prepare | None) -> Prepare | None:
    if prepare is None:
        return None
    return lambda value: [prepare(each) for each in value] if isinstance(value, list) else value


def _each_value(prepare: Prepare | None) -> Prepare | None:
    if prepare is None:
        return None
    return lambda value: (
        {key: prepare(each) for key, each in value.items()} if isinstance(value, dict) else value
    )


def _each_field(prepares: Mapping[str, Prepare]) -> Prepare:
    def prepare(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: prepares[key](each) if key in prepares else each for key, each in value.items()}

    return prepare


def _as_array(cls: Any, prepares: Mapping[str, Prepare]) -> Prepare:
    """Turns the object of a NamedTuple into an array, which ``msgspec.convert`` expects.

    An object that lacks a field without a default stays as it is, so that ``convert`` refuses it.
    """
    inner = _each_field(prepares)

    def prepare(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        values = {**cls._field_defaults, **inner(value)}
        if any(name not in values for name in cls._fields):
            return value
        return [values[name] for name in cls._fields]

    return prepare


# -- predicates and messages


def _one_of(kind: Any, kinds: tuple[Any, ...]) -> bool:
    return any(kind is each for each in kinds)


def _is_array_of(arguments: tuple[Any, ...]) -> bool:
    """Whether the arguments of ``tuple`` allow any number of items: none, or ``X, ...``."""
    return not arguments or (len(arguments) == 2 and arguments[1] is Ellipsis)  # noqa: PLR2004 - X and ...


def _is_text_choice(hint: Any) -> bool:
    """Whether an annotation of keys allows only text: a Literal, an Enum or a NewType of text."""
    if typing.get_origin(hint) is typing.Literal:
        return all(isinstance(each, str) for each in typing.get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return all(isinstance(each.value, str) for each in hint)
    return getattr(hint, "__supertype__", None) is str


def _shown(hint: Any) -> str:
    name = hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
    return name.replace("collections.abc.", "").replace("typing.", "").replace("__main__.", "")


def _remedy_for(cls: type) -> str:
    if cls is bytes or cls is bytearray:
        return "Use str; a model answers in text."
    if cls is object:
        return "Use Any for a value of any type."
    if inspect.get_annotations(cls):
        return f"Make it a dataclass: put @dataclass above class {cls.__name__}."
    return USE_THESE
