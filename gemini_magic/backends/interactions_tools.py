"""Functions and the server's tools in a request to the Interactions API.

Reference: ai.google.dev, "Interactions API", ``Tool``. Each function is a separate entry.
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
# Fields of a function that this API has besides its parameters.
_FIELDS: Final = ("name", "description", "short_description", "defer_loading")
_TYPES: Final = ("ARRAY", "BOOLEAN", "INTEGER", "NULL", "NUMBER", "OBJECT", "STRING")


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
    if function.written is not None:
        return _written(function.written)
    fields: dict[str, Any] = {"type": "function", "name": function.name}
    if function.description:
        fields["description"] = function.description
    if function.parameters is not None:
        fields["parameters"] = standard_schema(function_parameters(function, function.parameters))
    return fields


def _written(declaration: dict[str, Any]) -> dict[str, Any]:
    """A declaration of the user: as it is if it was written for this API, otherwise with the fields that this API has.

    The older API has two fields for the parameters, and writes the types of a schema in capitals.
    """
    if declaration.get("type") == "function":
        return declaration
    given = {snake(name): value for name, value in declaration.items()}
    fields: dict[str, Any] = {"type": "function", **{name: given[name] for name in _FIELDS if name in given}}
    parameters = given.get("parameters_json_schema", given.get("parameters"))
    return fields if parameters is None else {**fields, "parameters": _with_small_types(parameters)}


def _with_small_types(schema: Any) -> Any:
    """A schema whose types are written as JSON Schema writes them, such as ``object`` for ``OBJECT``."""
    if isinstance(schema, list):
        return [_with_small_types(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _with_small_types(each) for name, each in schema.items()}
    kind = found.get("type")
    return {**found, "type": kind.lower()} if isinstance(kind, str) and kind in _TYPES else found
