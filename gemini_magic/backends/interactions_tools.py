"""Functions and the server's tools in a request to the Interactions API.

Reference: ai.google.dev, "Interactions API", ``Tool``. Each function is an entry of its own.
"""

from __future__ import annotations

from typing import Any, Final

from ..content import FunctionDeclaration, RemoteServer, RequestSettings
from .field_names import snake
from .gemini_functions import function_parameters
from .interactions_config import standard_schema

__all__ = ["tool_entries"]

_TOOLS: Final = {
    "search": "google_search",
    "code_execution": "code_execution",
    "url_context": "url_context",
    "maps": "google_maps",
}


def tool_entries(settings: RequestSettings) -> list[dict[str, Any]]:
    """The field ``tools``: one entry for each tool of the server and for each function.

    Raises:
        SchemaError: the API does not accept the parameters of a function.
    """
    tools: list[dict[str, Any]] = [{"type": _TOOLS[name]} for name in settings.tools]
    if settings.file_search:
        tools.append({"type": "file_search", "file_search_store_names": list(settings.file_search)})
    tools += map(_remote_server, settings.mcp_servers)
    tools += map(_declaration, settings.functions)
    return tools


def _remote_server(server: RemoteServer) -> dict[str, Any]:
    headers = {"headers": dict(server.headers)} if server.headers else {}
    return {"type": "mcp_server", "name": server.name, "url": server.url, **headers}


def _declaration(function: FunctionDeclaration) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": "function"}
    if function.written is not None:
        return fields | {snake(name): value for name, value in function.written.items()}
    fields["name"] = function.name
    if function.description:
        fields["description"] = function.description
    if function.parameters is not None:
        fields["parameters"] = standard_schema(function_parameters(function, function.parameters))
    return fields
