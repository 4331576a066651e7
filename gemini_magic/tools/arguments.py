"""Checks the arguments of a call and converts them to the types of the function. A call whose arguments do not fit is not run.

The model decides on the arguments, so their size, depth and names are limited before anything else looks at them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..content import Call
from ..errors import MismatchError
from ..schema import find_problems
from ..text import one_line
from .definition import Tool

__all__ = ["PreparedCall", "prepare_call"]

_DEEPEST: Final = 64  # nested arrays and objects
_MOST_VALUES: Final = 100_000
_MOST_CHARACTERS: Final = 1_000_000
_MOST_PROBLEMS: Final = 20  # lines that are listed
_MOST_NAMES: Final = 50  # tools that an error lists
_LONGEST_NAME: Final = 128
_NOTHING: Final = {
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}  # a function without parameters
_NAMESPACE: Final = re.compile(r"\Adefault_api[.:]")  # it appears in messages of the server
_FORBIDDEN: Final = "__proto__"  # JavaScript would change the prototype of the object


class PreparedCall(NamedTuple):
    """A call of the model, checked.

    Attributes:
        call: the call as received.
        tool: the tool; None if it was not offered.
        args, kwargs: with what the function is called; both are empty if there are problems.
        problems: why it must not run, one line for each problem, such as ``city: expected string, got 3``; empty if it may run.
    """

    call: Call
    tool: Tool | None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    problems: tuple[str, ...] = ()

    @property
    def error(self) -> str:
        """The problems as one text, for the model and for the user; empty without problems."""
        if not self.problems:
            return ""
        if self.tool is None:
            return self.problems[0]
        listed = "\n".join(self.problems)
        return f"{self.tool.name} was not run, because its arguments do not fit:\n{listed}"


def prepare_call(call: Call, tools: Sequence[Tool]) -> PreparedCall:
    """Find the tool of a call, and check and convert the arguments. Never raises.

    Args:
        call: the call, with all its arguments.
        tools: the tools that were offered.
    """
    tool = _tool_of(call.name or "", tools)
    if tool is None:
        return PreparedCall(call, None, problems=(_not_offered(call, tools),))
    if problems := _excesses(call):
        return _refused(call, tool, problems)
    try:
        values = _values(tool, call.args)
    except MismatchError as mismatch:
        return _refused(call, tool, mismatch.problems)
    args = []
    for name in tool.positional:
        if name not in values:
            break
        args.append(values.pop(name))
    if later := [name for name in tool.positional if name in values]:
        missing = tool.positional[len(args)]
        return _refused(call, tool, [f"{missing}: missing, but {later[0]} is given"])
    return PreparedCall(call, tool, tuple(args), values)


def _tool_of(name: str, tools: Sequence[Tool]) -> Tool | None:
    """The tool of a name, also with the namespace before it that Gemini's server gives to functions."""
    for wanted in (name, _NAMESPACE.sub("", name)):
        for each in tools:
            if each.name == wanted:
                return each
    return None


def _refused(call: Call, tool: Tool, problems: Sequence[str]) -> PreparedCall:
    lines = list(problems[:_MOST_PROBLEMS])
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"… and {len(problems) - _MOST_PROBLEMS} more")
    return PreparedCall(call, tool, problems=tuple(lines))


def _not_offered(call: Call, tools: Sequence[Tool]) -> str:
    name = one_line(call.name or "")[:_LONGEST_NAME]
    offered = ", ".join(tool.name for tool in tools[:_MOST_NAMES])
    return f"There is no function {name!r}. Available: {offered or 'none'}."


def _excesses(call: Call) -> list[str]:
    """Why arguments are not looked at: too large, too deep, a forbidden name, or pieces that do not belong together."""
    if call.partial_args:
        return ["the arguments arrived in pieces that do not fit together"]
    characters = values = 0
    stack: list[tuple[Any, int]] = [(call.args, 1)]
    while stack:
        value, depth = stack.pop()
        values += 1
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, dict):
            characters += sum(len(str(name)) for name in value)
            if _FORBIDDEN in value:
                return [f"{_FORBIDDEN}: is not allowed as a name"]
            stack += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            stack += [(each, depth + 1) for each in value]
        if depth > _DEEPEST:
            return [f"the arguments are nested more than {_DEEPEST} levels deep"]
        if values > _MOST_VALUES:
            return [f"the arguments have more than {_MOST_VALUES:,} values"]
        if characters > _MOST_CHARACTERS:
            return [f"the arguments have more than {_MOST_CHARACTERS:,} characters"]
    return []


def _values(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the function takes them.

    Raises:
        MismatchError: they do not fit.
    """
    if tool.accepts is not None:
        loaded: dict[str, Any] = tool.accepts.load(dict(arguments))
        return loaded
    schema = tool.parameters
    if schema is None and tool.source == "function":
        schema = _NOTHING
    if (
        tool.function is not None
        and schema is not None
        and (problems := find_problems(dict(arguments), schema))
    ):
        raise MismatchError("The arguments do not fit.", problems=problems)
    return dict(arguments)
