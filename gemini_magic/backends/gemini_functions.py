"""Functions and the server's tools in a request to Gemini.

Reference: ai.google.dev, ``Tool``, ``FunctionDeclaration`` and ``FunctionCallingConfig``.
"""

from __future__ import annotations

import json
from typing import Any, Final

from .. import schema as schemas
from ..content import FunctionDeclaration, RemoteServer, RequestSettings, ToolChoice
from ..errors import SchemaError

__all__ = ["calling_config", "function_parameters", "tools_field"]

_TOOLS: Final = {
    "search": "googleSearch",
    "code_execution": "codeExecution",
    "url_context": "urlContext",
    "maps": "googleMaps",
}
_LONGEST_TEXT: Final = 2000  # characters of a schema that describes a field


def tools_field(settings: RequestSettings) -> list[dict[str, Any]]:
    """The field ``tools``: each tool of the server, and one entry with all functions."""
    tools: list[dict[str, Any]] = [{_TOOLS[name]: {}} for name in settings.tools]
    if settings.file_search:
        tools.append({"fileSearch": {"fileSearchStoreNames": list(settings.file_search)}})
    if settings.mcp_servers:
        tools.append({"mcpServers": [_remote_server(each) for each in settings.mcp_servers]})
    if settings.functions:
        tools.append({"functionDeclarations": [_declaration(each) for each in settings.functions]})
    return tools


def _remote_server(server: RemoteServer) -> dict[str, Any]:
    transport: dict[str, Any] = {"url": server.url}
    if server.headers:
        transport["headers"] = dict(server.headers)
    return {"name": server.name, "streamableHttpTransport": transport}


def _declaration(function: FunctionDeclaration) -> dict[str, Any]:
    if function.written is not None:
        return function.written
    fields: dict[str, Any] = {"name": function.name}
    if function.description:
        fields["description"] = function.description
    if function.parameters is not None:
        fields["parametersJsonSchema"] = function_parameters(function, function.parameters)
    return fields


def function_parameters(function: FunctionDeclaration, schema: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a function as Gemini accepts them.

    Raises:
        SchemaError: it does not accept them, and the declaration is strict.
    """
    try:
        rewritten = schemas.rewrite_for_gemini(schema).schema
        if function.strict or rewritten.get("type") == "object":
            return rewritten
    except SchemaError as error:
        if function.strict:
            raise SchemaError(f"{function.name}: {error.message}", remedy=error.remedy) from None
    except Exception:
        if function.strict:
            raise
    return _loosened(schema)


def _loosened(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a field of any type for each property that Gemini does not accept; its text describes the field."""
    definitions = {
        name: schema[name] for name in ("$defs", "definitions") if isinstance(schema.get(name), dict)
    }
    given = schema.get("properties")
    properties: dict[str, Any] = {}
    for name, each in given.items() if isinstance(given, dict) else ():
        try:
            one = {"type": "object", "properties": {name: each}, **definitions}
            rewritten = schemas.rewrite_for_gemini(one).schema
            json.dumps(rewritten)
            found = (
                None if "$defs" in rewritten else rewritten["properties"][name]
            )  # no field that contains itself
        except Exception:  # noqa: BLE001 - a schema of a server, which may be of any shape
            found = None
        properties[name] = {"description": _text_of(each)} if found is None else found
    required = schema.get("required")
    names = [name for name in properties if name in required] if isinstance(required, list) else []
    return {
        "type": "object",
        **({"properties": properties} if properties else {}),
        **({"required": names} if names else {}),
    }


def _text_of(schema: Any) -> str:
    """A schema as text, shortened; empty for one that is nested too deep."""
    try:
        return json.dumps(schema, ensure_ascii=False, default=str)[:_LONGEST_TEXT]
    except (ValueError, RecursionError):
        return ""


def calling_config(choice: ToolChoice) -> dict[str, Any]:
    """The field ``functionCallingConfig``."""
    names = {"allowedFunctionNames": list(choice.names)} if choice.names else {}
    return {"mode": choice.mode.upper(), **names}
