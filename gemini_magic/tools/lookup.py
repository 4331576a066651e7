"""Finds the tools that a cell or a call names: functions, declarations, and names of variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import OptionError
from ..text import one_line
from .declare import tool_from_function
from .definition import NAME, Tool

__all__ = ["can_be_tool", "tool_from_declaration", "tools_from"]

_DOTTED = re.compile(r"[^\W\d]\w*([.:][^\W\d]\w*)*")
_NOT_THE_USERS = ("IPython", "io", "_io")  # where get_ipython, exit and open come from
_LONGEST = 60  # characters of a name in a message
_SCHEMAS = ("parametersJsonSchema", "parameters_json_schema", "parameters")


def tools_from(
    given: object, namespace: Mapping[str, Any] | None = None, *, ready_made: Mapping[str, Any] | None = None
) -> list[Tool]:
    """The tools in the value of ``tools=``, or of the options ``--tool``.

    Args:
        given: a function, a declaration (a dict as the API writes it), a :class:`Tool`, the name of one, or several of them.
        namespace: the user's variables, in which names such as ``weather`` and ``station.read`` are looked up; None where
            names have no meaning.
        ready_made: further tools by name. A variable of the same name that can be a tool takes precedence.

    Returns:
        The tools in their order.

    Raises:
        OptionError: a name is unknown, an object cannot be a tool, a function cannot be declared, or two tools have the
            same name.
    """
    tools: list[Tool] = []
    for each in _listed(given):
        found = _named(each, namespace, ready_made or {}) if isinstance(each, str) else each
        made = _tool(found)
        if made.name in [other.name for other in tools]:
            raise OptionError(
                f"Two tools have the name {made.name}.",
                remedy="Give one of them another name: gemini_magic.tool(f, name=...).",
            )
        tools.append(made)
    return tools


def _listed(given: object) -> Iterable[object]:
    if given is None:
        return ()
    if isinstance(given, str | Mapping | Tool) or callable(given):
        return (given,)
    if isinstance(given, Iterable):
        return given
    raise OptionError(
        f"tools must be a list of functions, not {type(given).__name__}.",
        remedy="For example: tools=[weather].",
    )


def can_be_tool(value: object) -> bool:
    """Whether an object is a function, a declaration or a tool; it may still be one that cannot be declared.

    A mapping counts only if it has the form of a declaration, because a namespace has many other mappings.
    """
    try:
        if isinstance(value, Mapping):
            return _is_declaration(value)
        return isinstance(value, Tool) or (callable(value) and not isinstance(value, type))
    except Exception:  # noqa: BLE001 - such as a weak proxy whose object is gone
        return False


def _is_declaration(value: Mapping[Any, Any]) -> bool:
    """Whether a mapping has the form of a declaration: a valid name, a text as description, a schema as parameters."""
    name, description = value.get("name"), value.get("description")
    schemas = [value.get(key) for key in _SCHEMAS]
    return (
        isinstance(name, str)
        and NAME.fullmatch(name) is not None
        and (description is None or isinstance(description, str))
        and all(each is None or isinstance(each, Mapping) for each in schemas)
        and (description is not None or any(each is not None for each in schemas))
    )


def _named(name: str, namespace: Mapping[str, Any] | None, ready_made: Mapping[str, Any]) -> object:
    """The object of a name.

    Raises:
        OptionError: there is none, or names have no meaning here.
    """
    if (
        namespace is not None
        and name in namespace
        and (can_be_tool(namespace[name]) or name not in ready_made)
    ):
        return namespace[name]
    if name in ready_made:
        return ready_made[name]
    base, *attributes = name.split(".")
    if attributes and namespace is not None and base in namespace:
        return _attribute(namespace[base], name, attributes)
    if namespace is None:
        raise OptionError(f"tools: {name!r} is text.", remedy=f"Give the function itself: tools=[{name}].")
    raise _unknown(name, namespace, ready_made)


def _unknown(name: str, namespace: Mapping[str, Any], ready_made: Mapping[str, Any]) -> OptionError:
    """The error for a name without an object, with what may be meant."""
    if not _DOTTED.fullmatch(name):  # such as the text of a function that was inserted with {{ }}
        shown = one_line(name)
        shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
        several = "," in name and all(map(str.isidentifier, map(str.strip, name.split(","))))
        return OptionError(
            f"--tool {shown!r} is not the name of a function.",
            remedy="Repeat the option: " + " ".join(f"-T {each.strip()}" for each in name.split(","))
            if several
            else "Write the name of a function or of a ready-made tool: -T weather.",
        )
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    known = [key for key, value in namespace.items() if key[:1] != "_" and _is_users(value)]
    close = get_close_matches(name, [*known, *ready_made], n=1)
    remedy = f"Did you mean {close[0]}?" if close else "Define the function in a cell above."
    return OptionError(f"--tool {name}: there is no function of that name.", remedy=remedy)


def _is_users(value: object) -> bool:
    """Whether an object can be a tool and is none of those that IPython puts into each namespace, such as ``open``."""
    if not can_be_tool(value):
        return False
    try:
        module = getattr(value, "__module__", None)
    except Exception:  # noqa: BLE001 - a class of the user
        return False
    return not (isinstance(module, str) and module.partition(".")[0] in _NOT_THE_USERS)


def _attribute(value: object, name: str, attributes: Sequence[str]) -> object:
    """The object at the end of a dotted name.

    Raises:
        OptionError: there is none.
    """
    for each in attributes:
        try:
            value = getattr(value, each)
        except Exception:  # noqa: BLE001 - a property of the user
            what = type(value).__name__
            raise OptionError(
                f"--tool {name}: an object of the type {what} has no attribute {each}.",
                remedy="Name a function or a method, such as -T station.read.",
            ) from None
    return value


def _tool(value: object) -> Tool:
    if isinstance(value, Tool):
        return value
    if isinstance(value, Mapping):
        return tool_from_declaration(value)
    return tool_from_function(value)


def tool_from_declaration(written: Mapping[str, Any]) -> Tool:
    """The tool for a declaration without a function; its calls are only shown.

    Args:
        written: the declaration as the API writes it: ``name``, ``description`` and ``parametersJsonSchema`` or ``parameters``.

    Raises:
        OptionError: it is not a declaration.
    """
    name, description = written.get("name"), written.get("description", "")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        what = "has no name" if name is None else f"has the name {name!r}, which is not valid"
        raise OptionError(
            f"A declaration {what}.",
            remedy='Write {"name": "weather", "description": "…", "parameters": {…}}.',
        )
    schemas = [key for key in _SCHEMAS if written.get(key) is not None]
    if len(schemas) > 1:
        raise OptionError(
            f"The declaration {name} has {schemas[0]} and {schemas[1]}.",
            remedy="The API accepts only one of them.",
        )
    parameters = written[schemas[0]] if schemas else None
    if parameters is not None and not isinstance(parameters, Mapping):
        raise OptionError(
            f"The {schemas[0]} of the declaration {name} must be a JSON object.",
            remedy='For example: {"type": "object", "properties": {"city": {"type": "string"}}}.',
        )
    try:
        json.dumps(dict(written), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else f"{error}"
        raise OptionError(
            f"The declaration {name} is not JSON: {reason}.", remedy="Use only JSON values in it."
        ) from None
    return Tool(
        name=name,
        description=description if isinstance(description, str) else "",
        parameters=None if parameters is None else dict(parameters),
        source="declaration",
        written=dict(written),
    )
