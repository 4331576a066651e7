"""What a tool is, and the decorator with which users set how a function is offered."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar, overload

from msgspec import Struct

from ..content import FunctionDeclaration
from ..errors import OptionError
from ..schema import Schema

__all__ = ["MAX_RESULT", "NAME", "Tool", "ToolSettings", "is_marked", "settings_of", "tool"]

MAX_RESULT: Final = 100_000
"""The number of characters of a result that the model receives by default."""

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
"""A name that the API takes (ai.google.dev, "Function calling")."""

_ATTRIBUTE = "__gemini_tool__"
F = TypeVar("F", bound=Callable[..., Any])


class ToolSettings(Struct, frozen=True, kw_only=True):
    """What ``gemini_magic.tool(...)`` sets for a function.

    Attributes:
        name: the name that the model sees; None for the function's own.
        description: what the model reads about it; None for the docstring's text.
        confirm: whether the user is asked before each call; ``always`` also where confirmations are turned off.
        thread: whether it runs in a thread, at the same time as others. The default is the cell's thread, one after the other,
            where variables, matplotlib and widgets are safe.
        timeout: seconds for one call; None for the default.
        max_result: characters of a result that the model receives.
    """

    name: str | None = None
    description: str | None = None
    confirm: bool | Literal["always"] = False
    thread: bool = False
    timeout: float | None = None
    max_result: int = MAX_RESULT


class Tool(Struct, frozen=True, kw_only=True):
    """A function that is offered to the model.

    Attributes:
        name: the name that the model sees.
        description: what the model reads about it.
        parameters: the JSON Schema of its arguments, an object with ``properties``; None without parameters.
        function: what runs; None for a declaration whose calls are only shown.
        source: where it comes from: ``function``, ``declaration``, ``ready-made`` or ``mcp:NAME``.
        is_async: whether calling it returns an awaitable. A function that wraps an ``async def`` counts too.
        confirm, thread, timeout, max_result: as in :class:`ToolSettings`.
        accepts: the schema that checks the arguments and converts them to the function's types; None to check them against
            ``parameters`` and pass them on as JSON values.
        positional: the names of the parameters that are positional only, in order.
        written: a declaration as the API writes it, which is sent unchanged; None for all others.
        notices: sentences for the user about what is not offered, such as a parameter that cannot be expressed.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    function: Callable[..., Any] | None = None
    source: str = "function"
    is_async: bool = False
    confirm: bool | Literal["always"] = False
    thread: bool = False
    timeout: float | None = None
    max_result: int = MAX_RESULT
    accepts: Schema | None = None
    positional: tuple[str, ...] = ()
    written: dict[str, Any] | None = None
    notices: tuple[str, ...] = ()

    @property
    def declaration(self) -> FunctionDeclaration:
        """What a request contains about it."""
        return FunctionDeclaration(
            name=self.name,
            description=self.description,
            parameters=self.parameters,
            strict=self.accepts is not None or self.function is None,
            written=self.written,
        )


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    function: F,
    /,
    *,
    name: str | None = ...,
    description: str | None = ...,
    confirm: bool = ...,
    thread: bool = ...,
    timeout: float | None = ...,
    max_result: int = ...,
) -> F: ...
@overload
def tool(
    *,
    name: str | None = ...,
    description: str | None = ...,
    confirm: bool = ...,
    thread: bool = ...,
    timeout: float | None = ...,
    max_result: int = ...,
) -> Callable[[F], F]: ...


def tool(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    confirm: bool = False,
    thread: bool = False,
    timeout: float | None = None,
    max_result: int = MAX_RESULT,
) -> Any:
    """Set how a function is offered to the model: ``@gemini_magic.tool(confirm=True)``.

    Any function can be offered without it. The function itself stays as it is, and can still be called.

    Args:
        function: the function.
        name: the name that the model sees; the function's own by default.
        description: what the model reads about it; the text of the docstring by default.
        confirm: whether the user is asked before each call.
        thread: whether it runs in a thread, at the same time as other calls. Use it for slow functions that do not touch
            variables, figures or widgets.
        timeout: seconds for one call.
        max_result: characters of a result that the model receives; the response keeps the whole value.

    Returns:
        The function; without a function a decorator.

    Raises:
        OptionError: a value is not valid, or the object cannot be called.
    """
    settings = ToolSettings(
        name=name,
        description=description,
        confirm=confirm,
        thread=thread,
        timeout=timeout,
        max_result=max_result,
    )
    _check(settings)

    def decorated(function: Any) -> Any:
        if not callable(function):
            raise OptionError(
                f"An object of the type {type(function).__name__} cannot be a tool, because it cannot be called.",
                remedy="Write @gemini_magic.tool(...) above a function.",
            )
        try:
            setattr(function, _ATTRIBUTE, settings)
        except AttributeError:  # a bound method, a builtin, or an object with slots
            raise OptionError(
                f"The settings of a tool cannot be stored in an object of the type {type(function).__name__}.",
                remedy="Define a function that calls it, and use @gemini_magic.tool(...) there.",
            ) from None
        return function

    return decorated if function is None else decorated(function)


def is_marked(function: object) -> bool:
    """Whether ``gemini_magic.tool`` was applied to a function."""
    try:
        return isinstance(getattr(function, "__dict__", {}).get(_ATTRIBUTE), ToolSettings)
    except Exception:  # noqa: BLE001 - such as a weak proxy whose object is gone
        return False


def settings_of(function: object) -> ToolSettings:
    """What ``gemini_magic.tool`` set for a function, also inside partials; the defaults for other functions."""
    while True:
        found = getattr(function, _ATTRIBUTE, None)
        if isinstance(found, ToolSettings):
            return found
        if not isinstance(function, functools.partial):
            return ToolSettings()
        function = function.func


def _check(settings: ToolSettings) -> None:
    """Raise an error for settings that are not valid.

    Raises:
        OptionError: one is not.
    """
    if settings.name is not None and not (isinstance(settings.name, str) and NAME.fullmatch(settings.name)):
        raise OptionError(
            f"tool: name {settings.name!r} is not valid.",
            remedy="Use letters, digits and _, beginning with a letter, at most 128 characters.",
        )
    if not isinstance(settings.description, str | None):
        raise OptionError(
            f"tool: description {settings.description!r} is not valid.", remedy="Give text, or leave it out."
        )
    for name in ("confirm", "thread"):
        if not isinstance(value := getattr(settings, name), bool):
            raise OptionError(f"tool: {name} {value!r} is not valid.", remedy="Give True or False.")
    timeout, most = settings.timeout, settings.max_result
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0
    ):
        raise OptionError(
            f"tool: timeout {timeout!r} is not valid.", remedy="Give a number of seconds above 0."
        )
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise OptionError(f"tool: max_result {most!r} is not valid.", remedy="Give a number of characters.")
