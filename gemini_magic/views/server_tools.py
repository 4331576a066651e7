"""The uses of the server's own tools as text: the line of a folded use, and its arguments and result when it is opened.

Queries, arguments and results come from a server. Here they are plain text, and keys are masked.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from ..ledger import ToolItem
from ..text import short_line
from .status import redact
from .tool_blocks import json_text

__all__ = ["ServerToolText", "server_tool_line", "server_tool_texts"]

_MAX_NAME: Final = 80  # characters
_MAX_LINE: Final = 300  # characters of the line
_MAX_VALUE: Final = 120  # characters of a result on the line
_MAX_SHOWN: Final = 4_000  # characters of arguments or of a result
_MAX_STRING: Final = 1_000  # characters of a text in a result, such as the HTML of search suggestions
_MAX_VALUES: Final = 200  # of a list or an object
_MAX_DEPTH: Final = 8
_MAX_LISTED: Final = 10  # queries or arguments on the line
_SUGGESTIONS: Final = {"search_suggestions", "searchSuggestions"}  # the page shows them below the answer
_TOOLS: Final = {  # ai.google.dev: ToolType, and the types of steps of an interaction
    "GOOGLE_SEARCH_WEB": "Google Search",
    "GOOGLE_SEARCH_IMAGE": "Google image search",
    "URL_CONTEXT": "URL context",
    "GOOGLE_MAPS": "Google Maps",
    "FILE_SEARCH": "file search",
    "MEDIA_PROCESSING": "media processing",
    "GOOGLE_SEARCH": "Google Search",
    "MCP_SERVER_TOOL": "MCP server",
    "RETRIEVAL": "retrieval",
    "PROCESSING": "media processing",
    "TOOL_SEARCH": "tool search",
}


class ServerToolText(NamedTuple):
    """The arguments or the result of a use of a tool.

    Attributes:
        title: ``arguments`` or ``result``.
        text: at most 4,000 characters.
        language: ``json``, or empty for text.
        length: characters of the whole text, which may be longer.
    """

    title: str
    text: str
    language: str
    length: int


def server_tool_line(item: ToolItem, *, running: bool = False) -> str:
    """Return the line of a folded use: the tool, what it was asked, and what became of it.

    Args:
        item: the use.
        running: whether the answer is still arriving.
    """
    asked = short_line(f"server tool: {_subject(item)}", _MAX_LINE)
    return " ".join(filter(None, (asked, _outcome(item, running=running))))


def server_tool_texts(item: ToolItem) -> list[ServerToolText]:
    """Return the arguments and the result; without those that a use does not have."""
    return [
        _shown(title, value)
        for title, value in (("arguments", item.args), ("result", item.response))
        if value not in (None, "", {}, [])
    ]


def _subject(item: ToolItem) -> str:
    """The tool and its arguments, such as ``Google Search for "x"``."""
    tool = _TOOLS.get(item.tool.upper(), _name(item.tool) or "unknown")
    name = " ".join(filter(None, (tool, _name(item.server or ""), _name(item.name or ""))))
    args = item.args if isinstance(item.args, dict) else {}
    queries = args.get("queries") or args.get("urls")
    if isinstance(queries, list):
        shown = ", ".join(_quoted(str(query)) for query in queries[:_MAX_LISTED])
    else:
        shown = ", ".join(f"{_name(key)}={_value(value)}" for key, value in list(args.items())[:_MAX_LISTED])
    return f"{name} for {shown}" if shown else name


def _outcome(item: ToolItem, *, running: bool) -> str:
    """What became of a use, such as ``→ 3 results``."""
    response = item.response
    if not item.done:
        return "· running" if running else ""
    if item.is_error:
        message = short_line(redact(response), _MAX_VALUE) if isinstance(response, str) else ""
        return f"✗ failed: {message}" if message else "✗ failed"
    if isinstance(response, str):
        return f"→ {short_line(redact(response), _MAX_VALUE)}".rstrip()
    if isinstance(response, list):
        count = sum(not isinstance(each, dict) or bool(each.keys() - _SUGGESTIONS) for each in response)
        return f"→ {count:,} result{'' if count == 1 else 's'}" if count else "→ done"
    return "→ done"


def _shown(title: str, value: Any) -> ServerToolText:
    if isinstance(value, str):
        text = redact(value)
        return ServerToolText(title, text[:_MAX_SHOWN], "", len(text))
    text = json_text(_shortened(value), indent=2)
    return ServerToolText(title, text[:_MAX_SHOWN], "json", len(text))


def _shortened(value: Any, depth: int = 0) -> Any:
    """A JSON value with the beginnings of its long texts and lists."""
    if isinstance(value, str) and len(value) > _MAX_STRING:
        return f"{value[:_MAX_STRING]}… ({len(value):,} characters)"
    if not isinstance(value, dict | list):
        return value
    if depth == _MAX_DEPTH:
        return "…"
    if isinstance(value, list):
        more = [f"… ({len(value):,} values)"] if len(value) > _MAX_VALUES else []
        return [*(_shortened(each, depth + 1) for each in value[:_MAX_VALUES]), *more]
    return {key[:_MAX_STRING]: _shortened(each, depth + 1) for key, each in list(value.items())[:_MAX_VALUES]}


def _quoted(text: str) -> str:
    return json.dumps(redact(text[:_MAX_LINE]), ensure_ascii=False)


def _value(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else short_line(json_text(_shortened(value)), _MAX_LINE)


def _name(value: str) -> str:
    return short_line(redact(value[: 2 * _MAX_NAME]).replace("`", ""), _MAX_NAME)
