"""The schema of an answer: what is sent, and how a value becomes an object of the user's type."""

from __future__ import annotations

import pickle
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import GenericAlias
from typing import Any, Self

import msgspec

from ..errors import MismatchError, SchemaError
from ..text import one_line
from .annotations import UsesPydantic, describe_annotation, is_annotation
from .problems import MOST_PROBLEMS, find_problems, follow_refs, place_text, value_text
from .pydantic_types import pydantic_adapter, pydantic_line, pydantic_problems, pydantic_schema
from .raw_schema import check_json_schema, schema_of_text
from .whole_numbers import with_integers

__all__ = ["Schema", "as_schema", "mismatch", "object_schema"]

_MSGSPEC_PLACE = re.compile(r" - at `(?:key` in `)?\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


class Schema:
    """The schema of an answer. It never changes.

    Attributes:
        sent: the JSON Schema (draft 2020-12), in no dialect; backends rewrite it for their servers.
        type: the Python type that the value becomes an instance of; None for plain JSON values.
        many: whether the answer is an array of items.
        items_path: the names that lead to the array of items: empty for ``many``, ``("dogs",)`` for ``{"dogs": […]}``; None
            where the schema has no array of objects, or several of which none was chosen.

    Args:
        sent, type: as above.
        load: makes an object of the type from a value; None without a type.
        items: the path of the items that was chosen, or None.
    """

    def __init__(
        self,
        sent: Mapping[str, Any],
        type: Any = None,  # noqa: A002 - the name of the attribute
        load: Callable[[Any], Any] | None = None,
        items: tuple[str, ...] | None = None,
    ) -> None:
        self._items = items
        self.sent: dict[str, Any] = dict(sent)
        self.type = type
        self._load = load
        self.many = _top(self.sent).get("type") == "array"

    def load(self, value: Any) -> Any:
        """Return the object of a JSON value: an instance of :attr:`type`, or the value itself without a type.

        A whole number that was written as ``3.0`` becomes an integer where the schema has one.

        Raises:
            MismatchError: the value does not fit.
        """
        if self._load is None:
            if problems := self.problems(value):
                raise mismatch(problems)
            return with_integers(value, self.sent)
        try:
            return self._load(value)
        except Exception as error:  # noqa: BLE001 - also of the user's validators
            problem = error
        whole = with_integers(value, self.sent)
        if whole is not value:
            try:
                return self._load(whole)
            except Exception as error:  # noqa: BLE001 - as above
                problem = error
        raise mismatch(self._described(whole, problem))

    def problems(self, value: Any) -> list[str]:
        """Return one line for each problem of a JSON value; empty if it fits.

        ``items[3].urgency: expected integer, got "high"``.
        """
        if self._load is None:
            return find_problems(value, self.sent)
        try:
            self.load(value)
        except MismatchError as error:
            return list(error.problems)
        return []

    def _described(self, value: Any, error: Exception) -> list[str]:
        """The problems of a value that the type refused with an exception."""
        if (found := pydantic_problems(error)) is not None:
            return [pydantic_line(self.sent, value, *each) for each in found[:MOST_PROBLEMS]]
        if found_here := find_problems(value, self.sent):
            return found_here
        return [_own_words(error, value)]

    # -- items

    @cached_property
    def items_path(self) -> tuple[str, ...] | None:
        """See the class."""
        if self.many or self._items is not None:
            return self._items or ()
        paths = list(_arrays(self.sent, self._definitions))
        return paths[0] if len(paths) == 1 else None

    def with_items(self, path: str) -> Schema:
        """The same schema with other items: those of the array at ``path``, such as ``dogs`` or ``result.dogs``.

        Raises:
            SchemaError: there is no array, or the whole answer is one.
        """
        if self.many:
            raise SchemaError("--items: the whole answer is the array of items.", remedy="Leave out --items.")
        found = {".".join(each): each for each in _arrays(self.sent, self._definitions, of_objects=False)}
        if path not in found:
            raise SchemaError(
                f"--items: the schema has no array {one_line(path)}.",
                remedy=f"Its arrays: {', '.join(found)}." if found else "It has no array: leave out --items.",
            )
        return Schema(self.sent, self.type, self._load, found[path])

    @cached_property
    def item(self) -> dict[str, Any] | None:
        """The JSON Schema of one item; None where the schema has no array of items."""
        if self.items_path is None:
            return None
        found = _top(self.sent)
        for name in self.items_path:
            found = follow_refs(found["properties"][name], self._definitions)
        item = follow_refs(found.get("items", {}), self._definitions)
        if not isinstance(item, Mapping):
            return {}
        return {**item, "$defs": self._definitions} if self._definitions else dict(item)

    @cached_property
    def item_schema(self) -> Schema | None:
        """The schema of one item, with its type; None where the schema has no array of items."""
        if self.item is None:
            return None
        hint = _item_type(self.type, self.items_path or ())
        if hint is not None:
            try:
                return _from_type(hint)
            except SchemaError:
                pass
        return Schema(self.item)

    def load_item(self, value: Any) -> Any:
        """Return the object of one item, as :meth:`load` does.

        Raises:
            MismatchError: the value does not fit.
        """
        return value if self.item_schema is None else self.item_schema.load(value)

    @property
    def _definitions(self) -> dict[str, Any]:
        found: dict[str, Any] = {**self.sent.get("definitions", {}), **self.sent.get("$defs", {})}
        return found

    # -- the value itself

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schema):
            return False
        return (self.sent, self.type, self._items) == (other.sent, other.type, other._items)

    __hash__ = None  # type: ignore[assignment] # dicts have no hash

    def __repr__(self) -> str:
        return f"<Schema of {getattr(self.type, '__name__', self.type)}>" if self.type else "<Schema>"

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __copy__(self) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the type where its class can be imported; a class of a function leaves plain values."""
        try:
            return _unpickled, (self.sent, pickle.dumps(self.type), self._items)
        except Exception:  # noqa: BLE001 - pickling runs the code of any class
            return Schema, (self.sent, None, None, self._items)


def _unpickled(sent: dict[str, Any], pickled: bytes, items: tuple[str, ...] | None = None) -> Schema:
    try:
        hint = pickle.loads(pickled)  # noqa: S301 - a part of a pickle that is being loaded
        found = Schema(sent) if hint is None else _from_type(hint)
    except Exception:  # noqa: BLE001 - for example, the class is not defined in this process
        found = Schema(sent)
    return Schema(found.sent, found.type, found._load, items)  # noqa: SLF001 - of this class


def mismatch(problems: Iterable[str]) -> MismatchError:
    """The error for a value that does not fit its schema."""
    lines = tuple(problems)
    more = f" (and {len(lines) - 1:,} more)" if len(lines) > 1 else ""
    return MismatchError(
        f"The answer does not fit the schema: {lines[0]}{more}.",
        problems=lines,
        remedy="`r.parse_error.problems` lists every problem, and `r.json()` returns the plain value.",
    )


# -- making schemas


def as_schema(given: Any, *, many: bool = False, base: Path | None = None) -> Schema:
    """Return the schema that a user gave in any form.

    Args:
        given: a :class:`Schema`; a text (the short form, JSON, or the name of a ``.json`` file) or a path; a JSON Schema as a
            dict; or a type: a dataclass, a TypedDict, a NamedTuple, a ``msgspec.Struct``, an Enum, a model of pydantic, or
            any annotation of these such as ``list[Person]``.
        many: whether to ask for an array of what is given.
        base: the folder of relative paths; the working folder by default.

    Raises:
        SchemaError: it cannot describe an answer; the message names the field.
    """
    if isinstance(given, Schema):
        found = given
    elif isinstance(given, str | Path):
        found = Schema(schema_of_text(given, base))
    elif isinstance(given, Mapping):
        found = Schema(check_json_schema(given))
    else:
        found = _from_type(given)
    return _array_of(found) if many else found


def object_schema(
    fields: Mapping[str, Any], *, optional: Iterable[str] = (), descriptions: Mapping[str, str] | None = None
) -> Schema:
    """Return the schema of an object with these fields, such as the arguments of a function.

    :meth:`Schema.load` returns a dict with the loaded values of the fields that the value has. Other fields are a problem.

    Args:
        fields: the annotation of each field.
        optional: the fields that may be missing.
        descriptions: the description of each field that has one; it replaces the one of the annotation.

    Raises:
        SchemaError: a field has no JSON Schema; the message names it.
    """
    parts = {name: _from_type(hint, name) for name, hint in fields.items()}
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, part in parts.items():
        properties[name] = _hoisted(part.sent, definitions)
        if text := (descriptions or {}).get(name):
            properties[name] = {**properties[name], "description": text}
    left_out = set(optional)
    required = [name for name in fields if name not in left_out]
    sent: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
        **({"$defs": definitions} if definitions else {}),
    }
    plain = Schema(sent)

    def load(value: Any) -> dict[str, Any]:
        shape = {**sent, "properties": dict.fromkeys(fields, True)}
        problems = find_problems(value, shape)
        loaded: dict[str, Any] = {}
        for name, part in parts.items() if isinstance(value, dict) else ():
            if name in value:
                try:
                    loaded[name] = part.load(value[name])
                except MismatchError as error:
                    problems += [_below(name, line) for line in error.problems]
        if problems:
            raise mismatch(problems)
        return loaded

    return _WithFields(plain.sent, dict, load)


class _WithFields(Schema):
    """The schema of an object whose fields are loaded one by one; its loader describes its problems itself."""

    def load(self, value: Any) -> Any:
        return value if self._load is None else self._load(value)


def _below(name: str, line: str) -> str:
    """The line of a problem in a field, with the field before its place."""
    place, colon, rest = line.partition(": expected")
    if not colon:
        place, colon, rest = line.partition(": ")
    inner = "" if place == "the answer" else place
    dot = "." if inner and not inner.startswith("[") else ""
    return f"{place_text([name])}{dot}{inner}{colon}{rest}"


def _hoisted(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A schema without its ``$defs``, which are added to ``definitions`` under names that are free."""
    own = schema.get("$defs")
    if not own:
        return schema
    renamed: dict[str, str] = {}
    for name, each in own.items():
        free, number = name, 1
        while free in definitions and definitions[free] != each:
            number += 1
            free = f"{name}_{number}"
        renamed[f"#/$defs/{name}"] = f"#/$defs/{free}"
        definitions[free] = each

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: renamed.get(each, each) if key == "$ref" and isinstance(each, str) else moved(each)
                for key, each in value.items()
            }
        return [moved(each) for each in value] if isinstance(value, list) else value

    for old, new in renamed.items():
        if old != new or len(renamed) > 1:
            name = new.removeprefix("#/$defs/")
            definitions[name] = moved(definitions[name])
    found: dict[str, Any] = moved({key: each for key, each in schema.items() if key != "$defs"})
    return found


def _array_of(schema: Schema) -> Schema:
    definitions = schema.sent.get("$defs")
    item = {key: value for key, value in schema.sent.items() if key != "$defs"}
    sent = {"type": "array", "items": item, **({"$defs": definitions} if definitions else {})}
    return Schema(sent) if schema.type is None else _from_type(GenericAlias(list, (schema.type,)))


def _from_type(hint: Any, name: str = "") -> Schema:
    """The schema of a type.

    Raises:
        SchemaError: it has no JSON Schema.
    """
    if hint is None or not is_annotation(hint):
        raise SchemaError(
            f"{value_text(hint)} is not a schema.",
            remedy="Use a class such as a dataclass, a dict with a JSON Schema, or text such as 'name, age int'.",
        )
    try:
        described = describe_annotation(hint, name)
    except UsesPydantic:
        adapter = pydantic_adapter(hint)
        return Schema(
            pydantic_schema(adapter), hint, lambda value: adapter.validate_json(msgspec.json.encode(value))
        )
    _check_loads(hint, name)
    prepare = described.prepare

    def load(value: Any) -> Any:
        return msgspec.convert(value if prepare is None else prepare(value), hint)

    return Schema(described.schema, hint, load)


def _check_loads(hint: Any, name: str) -> None:
    """Raise an error for a type that has a schema but cannot be loaded, such as a union of two dataclasses."""
    try:
        msgspec.json.Decoder(hint)
    except TypeError as error:
        words = str(error).rstrip(".")
        remedy = "Use msgspec.Struct classes with tag=True for a union of objects, or a model of pydantic."
        if words.startswith("Literal "):  # of members of an Enum
            remedy = "Write the values themselves, such as Literal['idea'], or use the whole Enum."
        raise SchemaError(f"{name}: {words}." if name else f"{words}.", remedy=remedy) from None


# -- messages


def _own_words(error: Exception, value: Any) -> str:
    """The line of an exception of msgspec or of the user's own check.

    Args:
        error: the exception.
        value: the value of the answer.
    """
    words = str(error) or type(error).__name__
    found = _MSGSPEC_PLACE.search(words)
    place: list[str | int] = []
    if found:
        words = words[: found.start()]
        for name, number in _STEP.findall(found[1]):
            place.append(int(number) if number else name or "…")
    line = f"{place_text(place)}: {one_line(words)}"
    if not isinstance(error, msgspec.ValidationError) or not words.startswith("Invalid "):
        return line
    for step in place:
        try:
            value = value[step]
        except (LookupError, TypeError):  # in a dict, msgspec does not name the key
            return line
    return f"{place_text(place)}: expected {words.removeprefix('Invalid ')}, got {value_text(value)}"


# -- items


def _top(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = follow_refs(schema, {**schema.get("definitions", {}), **schema.get("$defs", {})})
    return found if isinstance(found, Mapping) else {}


_MOST_DEPTH = 4  # of an array of items below the top


def _arrays(
    schema: Any, definitions: Mapping[str, Any], path: tuple[str, ...] = (), *, of_objects: bool = True
) -> Iterable[tuple[str, ...]]:
    """The paths of the arrays in an object, and in the objects in it."""
    found = follow_refs(schema, definitions)
    if not isinstance(found, Mapping) or len(path) > _MOST_DEPTH:
        return
    if found.get("type") == "array":
        item = follow_refs(found.get("items", {}), definitions)
        is_object = isinstance(item, Mapping) and (item.get("type") == "object" or "properties" in item)
        if is_object or not of_objects:
            yield path
        return
    for name, each in found.get("properties", {}).items():
        yield from _arrays(each, definitions, (*path, name), of_objects=of_objects)


def _item_type(hint: Any, path: tuple[str, ...]) -> Any:
    """The type of the items at a path of a type; None where it is not known."""
    try:
        for name in path:
            hint = typing.get_type_hints(typing.get_origin(hint) or hint, include_extras=True)[name]
    except (KeyError, NameError, TypeError):
        return None
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    arguments = typing.get_args(hint)
    return arguments[0] if len(arguments) in (1, 2) and typing.get_origin(hint) is not typing.Union else None
