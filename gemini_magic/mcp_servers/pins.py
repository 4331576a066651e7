"""The tools of servers as the user has approved them: a tool that is new or has changed is not offered to the model.

The model obeys the description of a tool, which others wrote, and a server can change it at any time. So the user reads it
once, and the text is stored in ``gemini_magic_mcp_approved.json`` beside the user's configuration file. The same file has the
paths of the files with servers that the user has added.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import msgspec

from ..project_files import read_stored, write_stored
from ..text import reveal_all
from .connection import ServerTool
from .entries import ServerEntry

__all__ = [
    "ToolState",
    "added_paths",
    "approval_code",
    "approve_tools",
    "approved_tools",
    "describe_tool",
    "forget_tools",
    "remember_paths",
    "tool_states",
]

_NAME = "gemini_magic_mcp_approved.json"
_CODE = 8  # digits


class ToolState(NamedTuple):
    """A tool of a server, and what the user has decided about it.

    Attributes:
        tool: the tool as its server declares it now.
        state: ``approved``; ``new`` before the user has approved it; ``changed`` since.
        before: the tool as it was approved; None for a new tool.
    """

    tool: ServerTool
    state: Literal["approved", "new", "changed"]
    before: ServerTool | None = None


def _exactly(tool: ServerTool) -> str:
    """All of a tool that a model reads, as text that is the same only for the same tool."""
    return json.dumps([tool.name, tool.description, tool.schema])


def _text(tool: ServerTool) -> str:
    """The same as lines for a person, one for each argument."""
    described = tool.schema.get("properties")
    arguments = described if isinstance(described, dict) else {}
    others = {key: value for key, value in tool.schema.items() if key != "properties" or not arguments}
    lines = [f"argument {name}: {json.dumps(each, ensure_ascii=False)}" for name, each in arguments.items()]
    return "\n".join([tool.name, tool.description, *lines, json.dumps(others, ensure_ascii=False)])


def _servers() -> dict[str, Any]:
    found = read_stored(_NAME).get("servers")
    return found if isinstance(found, dict) else {}


def _write(**changes: Any) -> None:
    write_stored(_NAME, {**read_stored(_NAME), **changes})


def added_paths() -> list[str]:
    """The files with servers that the user has added."""
    found = read_stored(_NAME).get("files")
    return [path for path in found if isinstance(path, str)] if isinstance(found, list) else []


def remember_paths(paths: Iterable[str]) -> None:
    """Replace the list of files that the user has added.

    Raises:
        OptionError: the file cannot be written.
    """
    _write(files=list(dict.fromkeys(paths)))


def approved_tools(entry: ServerEntry) -> list[ServerTool]:
    """The tools of a server as the user has approved them. An entry that starts something else is another server."""
    found = _servers().get(entry.name)
    listed = found.get("tools") if isinstance(found, dict) and found.get("entry") == entry.digest else None
    try:
        stored = msgspec.convert(listed or [], list[tuple[str, str, str]])
        return [
            ServerTool(name, text, msgspec.json.decode(schema, type=dict[str, Any]))
            for name, text, schema in stored
        ]
    except (msgspec.MsgspecError, RecursionError):
        return []


def tool_states(entry: ServerEntry, tools: Iterable[ServerTool]) -> list[ToolState]:
    """What the user has decided about each tool of a server."""
    approved = {tool.name: tool for tool in approved_tools(entry)}
    states = []
    for tool in tools:
        before = approved.get(tool.name)
        if before is None:
            states.append(ToolState(tool, "new"))
        else:
            same = _exactly(before) == _exactly(tool)
            states.append(ToolState(tool, "approved" if same else "changed", before))
    return states


def approve_tools(entry: ServerEntry, tools: Iterable[ServerTool]) -> None:
    """Remember the tools of a server as the user has seen them; replaces what was remembered about this server.

    Raises:
        OptionError: the file cannot be written.
    """
    # The schemas are stored as text: their order counts, and the file is sorted.
    listed = [(tool.name, tool.description, json.dumps(tool.schema)) for tool in tools]
    stored = {"entry": entry.digest, "path": entry.path, "tools": listed}
    _write(servers={**_servers(), entry.name: stored})


def forget_tools(name: str) -> bool:
    """Forget what was approved about a server; returns whether there was anything.

    Raises:
        OptionError: the file cannot be written.
    """
    stored = dict(_servers())
    if stored.pop(name, None) is None:
        return False
    _write(servers=stored)
    return True


def approval_code(entry: ServerEntry, tools: Iterable[ServerTool]) -> str:
    """A few digits that stand for a server and its tools exactly as they are now."""
    text = "\0".join((entry.digest, *map(_exactly, tools)))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_CODE]


def describe_tool(state: ToolState) -> list[str]:
    """The whole tool, in lines for a person who decides about it; for a changed tool, what differs. Nothing is invisible."""
    now = reveal_all(_text(state.tool))
    if state.before is None or state.state != "changed":
        return _indented(now.split("\n"))
    before = reveal_all(_text(state.before))
    difference: Sequence[str] = list(
        difflib.unified_diff(before.split("\n"), now.split("\n"), "approved", "now", lineterm="", n=2)
    )
    return [f"{reveal_all(state.tool.name)} has changed:", *_indented(difference)]


def _indented(lines: Sequence[str]) -> list[str]:
    return [lines[0], *(f"    {line}" for line in lines[1:])]
