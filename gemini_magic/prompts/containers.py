"""Looks into lists, dicts and other containers of Python for objects that a prompt shows as more than their ``repr``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, KeysView, ValuesView
from typing import Any, Final, TypeAlias

__all__ = ["Container", "entries_of", "has_object", "is_container", "items_of"]

Container: TypeAlias = (
    list[Any]
    | tuple[Any, ...]
    | dict[Any, Any]
    | set[Any]
    | frozenset[Any]
    | deque[Any]
    | ValuesView[Any]
    | KeysView[Any]
)
"""A container whose ``str`` consists of the ``repr`` of its items."""

_CONTAINERS: Final = (list, tuple, dict, set, frozenset, deque, ValuesView, KeysView)
_PLAIN: Final = {str, int, float, complex, bool, type(None)}


def is_container(value: object) -> bool:
    """Whether an object is a :data:`Container`."""
    return isinstance(value, _CONTAINERS)


def items_of(value: Container) -> Iterator[Any]:
    """The items of a container; the values of a dict."""
    return iter(value.values() if isinstance(value, dict) else value)


def entries_of(value: Container, name: str) -> Iterator[tuple[str, str, Any]]:
    """The items of a container, each with its label for the model and its name in messages.

    Args:
        value: the container. Keys of a dict and fields of a named tuple are labels; other items have none.
        name: the name of the container.
    """
    if isinstance(value, dict):
        return ((str(key), f"{name}[{key!r}]", each) for key, each in value.items())
    fields = getattr(value, "_fields", None)
    if isinstance(value, tuple) and isinstance(fields, tuple) and len(fields) == len(value):
        return ((field, f"{name}.{field}", each) for field, each in zip(fields, value, strict=True))
    return (("", f"{name}[{number}]", each) for number, each in enumerate(value))


def has_object(
    value: Container, is_object: Callable[[Any], bool], same_for_type: Callable[[Any], bool]
) -> bool:
    """Whether a container, or one inside it, holds an object of a certain kind.

    Args:
        value: the container; it may contain itself.
        is_object: whether an item is of the kind.
        same_for_type: whether all objects of the item's type have the same answer.
    """
    seen: set[int] = set()
    others = set(_PLAIN)
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if set(map(type, items_of(found))) <= others:
            continue
        for each in items_of(found):
            kind = type(each)
            if kind in others:
                continue
            if isinstance(each, _CONTAINERS) and not is_object(each):
                waiting.append(each)
            elif is_object(each):
                return True
            elif same_for_type(each):
                others.add(kind)
    return False
