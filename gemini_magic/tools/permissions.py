"""What the user allows with "Always for this tool in this session": a tool, not everything of its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from .definition import Tool

__all__ = ["Permission", "permission_of"]

_SIMPLE = (bool, float, int, str, type(None))


class Permission(NamedTuple):
    """Identifies a tool that the user has allowed. It equals that of another tool only if both do the same.

    Attributes:
        name: the name that the model sees.
        source: where the tool comes from, as :attr:`Tool.source`.
        declared: the description and the parameters, as text.
        function: the function, or its compiled code; None for tools of other sources.
    """

    name: str
    source: str
    declared: str
    function: Hashable = None


def permission_of(tool: Tool) -> Permission:
    """The permission that "always" gives for a tool.

    A function that is defined again keeps it if its code is the same, as after running its cell again.
    """
    declared = json.dumps([tool.description, tool.parameters], default=repr)
    function = _identity(tool.function) if tool.source == "function" and tool.function is not None else None
    return Permission(tool.name, tool.source, declared, function)


class _Object:
    """An object, compared by identity; its own comparison may run any code."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Object) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


def _identity(function: Callable[..., Any]) -> Hashable:
    """The code of a function that depends on nothing but its module; else the object."""
    if type(function) is MethodType:
        return _identity(function.__func__), _Object(function.__self__)
    if type(function) is not FunctionType or function.__closure__:
        return _Object(function)
    named = function.__kwdefaults__ or {}
    defaults = (*(function.__defaults__ or ()), *named.values())
    return (
        function.__code__,
        function.__module__,
        tuple(named),
        tuple((type(each), repr(each)) if type(each) in _SIMPLE else _Object(each) for each in defaults),
    )
