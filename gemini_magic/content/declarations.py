"""Functions and MCP servers that a request offers to the model, and which functions it may or must call."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

__all__ = ["FunctionDeclaration", "RemoteServer", "ToolChoice"]


class FunctionDeclaration(Struct, frozen=True, kw_only=True):
    """A function that the model may call, in no dialect.

    Attributes:
        name: its name: letters, digits, ``_``, ``.``, ``:`` and ``-``, at most 128 characters (ai.google.dev, "Function calling").
        description: what it does, for the model; empty without one.
        parameters: the JSON Schema of its arguments, an object with ``properties``; None for a function without parameters.
        strict: whether parameters that a server does not accept are an error. Otherwise a looser schema is sent; the arguments
            of a call are checked in any case.
        written: a declaration that the user wrote as the API does; it is sent unchanged in place of the other fields.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool = True
    written: dict[str, Any] | None = None


class RemoteServer(Struct, frozen=True, kw_only=True):
    """An MCP server that the model's server calls by itself.

    Attributes:
        name: its name, for the model.
        url: its address, or a placeholder that the transport replaces.
        headers: names and placeholders of the headers that it receives.
    """

    name: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()


class ToolChoice(Struct, frozen=True):
    """Whether the model calls a function.

    Attributes:
        mode: ``auto``: the model decides; ``any``: it must call one; ``none``: it must not call any.
        names: the functions that it may call with ``any``; empty for all.
    """

    mode: Literal["auto", "any", "none"]
    names: tuple[str, ...] = ()
