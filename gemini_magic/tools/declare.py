"""Makes a tool of a Python function: its signature, type hints and docstring become the declaration.

A parameter that cannot be expressed as JSON is an error, or is left out with a notice if it has a default.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin, get_type_hints

from ..errors import OptionError, SchemaError
from .argument_types import argument_schema, inexpressible
from .definition import NAME, Tool, settings_of
from .docstrings import Docstring, parse_docstring

__all__ = ["tool_from_function"]

_SIMPLE: Final = (bool, int, float, str, list, dict)  # types of a default that replace a missing hint
_STARRED: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_LONGEST_DEFAULT: Final = 30  # characters of a text that the description names as the default
_PARAMETER: Final = re.compile(
    r"[A-Za-z_][A-Za-z0-9_]{0,63}"
)  # google-genai, the docstring of `Schema.properties`
_SECRET: Final = re.compile("key|token|secret|passw|pwd|credential|auth", re.IGNORECASE)


class _Described(NamedTuple):
    """A parameter that is offered.

    Attributes:
        hint: its type.
        required: whether it has no default.
        description: for the model; may be empty.
    """

    hint: Any
    required: bool
    description: str


def tool_from_function(function: Any) -> Tool:
    """The tool of a function.

    Takes functions, ``async def``, bound methods, callable objects, ``functools.partial`` and wrapped functions. ``*args`` and
    ``**kwargs`` are not offered, nor what a partial has bound.

    Args:
        function: the function.

    Raises:
        OptionError: it cannot be declared.
    """
    _refuse_others(function)
    settings = settings_of(function)
    core = _unbound(function)
    name = settings.name or _name(core)
    docstring = parse_docstring(_docstring(core))
    notices: list[str] = []
    parameters = _parameters(function, core, name, docstring, notices)
    text = settings.description or docstring.text
    if not text:
        text = _signature_text(function, name, parameters)
        notices.append(f"The tool {name} has no docstring, so the model sees only its signature.")
    elif docstring.returns and not settings.description:
        text = f"{text}\n\nReturns: {docstring.returns}"
    accepts = argument_schema({key: tuple(each) for key, each in parameters.items()})
    return Tool(
        name=name,
        description=text,
        parameters=None if accepts is None else accepts.sent,
        function=function,
        is_async=_is_async(function),
        confirm=settings.confirm,
        thread=settings.thread,
        timeout=settings.timeout,
        max_result=settings.max_result,
        accepts=accepts,
        positional=_positional(function, parameters),
        notices=tuple(notices),
    )


def _problem(name: str, what: str, remedy: str) -> OptionError:
    return OptionError(f"{name} cannot be a tool: {what}.", remedy=remedy)


def _refuse_others(function: Any) -> None:
    """Raise an error for an object that cannot be a tool.

    Raises:
        OptionError: it cannot.
    """
    if isinstance(function, type):
        raise _problem(function.__name__, "it is a class", "Define a function that creates the object.")
    if not callable(function):
        raise OptionError(
            f"An object of the type {type(function).__name__} cannot be a tool.",
            remedy="Give a function, or a declaration as the API writes it (a dict).",
        )
    core = _unbound(function)
    if inspect.isgeneratorfunction(core) or inspect.isasyncgenfunction(core):
        raise _problem(_label(core), "it is a generator", "Return a list.")


def _unbound(function: Any) -> Any:
    """The function inside partials; the ``__call__`` of an object stays the object."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _bound_keywords(function: Any) -> set[str]:
    """The parameters for which partials fixed a value by name."""
    found: set[str] = set()
    while isinstance(function, functools.partial):
        found.update(function.keywords)
        function = function.func
    return found


def _label(core: Any) -> str:
    return str(getattr(core, "__name__", type(core).__name__))


def _name(core: Any) -> str:
    """The name of a function.

    Raises:
        OptionError: the API does not take it.
    """
    name = _label(core)
    if name == "<lambda>":
        raise _problem("A lambda", "it has no name and no types", "Use def, with a type for each parameter.")
    if not NAME.fullmatch(name):
        raise _problem(
            name,
            "the API accepts only ASCII letters, digits and _ in names",
            "Rename it, or use @gemini_magic.tool(name=...).",
        )
    return name


def _docstring(core: Any) -> str | None:
    if inspect.isroutine(core):
        return inspect.getdoc(core)
    return type(core).__call__.__doc__ or type(core).__doc__


def _is_async(function: Any) -> bool:
    for each in (function, _unbound(function)):
        inner = (
            each if inspect.isroutine(each) or isinstance(each, functools.partial) else type(each).__call__
        )
        if inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(inspect.unwrap(inner)):
            return True
    return False


def _signature_text(function: Any, name: str, offered: Collection[str]) -> str:
    """The signature without defaults, whose values are the user's, and without what is not offered."""
    shown = [
        each.name
        if each.annotation is inspect.Parameter.empty
        else f"{each.name}: {_hint_text(each.annotation)}"
        for each in _signature(function, name).parameters.values()
        if each.name in offered
    ]
    return f"{name}({', '.join(shown)})"


def _hint_text(hint: Any) -> str:
    return hint if isinstance(hint, str) else inspect.formatannotation(hint)


def _signature(function: Any, name: str) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except NameError as problem:  # Python 3.14 evaluates annotations here
        raise _problem(
            name, f"a type hint is not defined ({problem})", "Define the type before the function."
        ) from None
    except (TypeError, ValueError):
        raise _problem(
            name, "its parameters are not known", "Define a function with type hints that calls it."
        ) from None


def _parameters(
    function: Any, core: Any, name: str, docstring: Docstring, notices: list[str]
) -> dict[str, _Described]:
    """The parameters that are offered, by name, in their order.

    Raises:
        OptionError: a parameter without a default cannot be expressed.
    """
    bound = _bound_keywords(function)
    known: set[str] = set()
    found: dict[str, _Described] = {}
    for key, parameter in _signature(function, name).parameters.items():
        known.add(key)
        if parameter.kind in _STARRED or key in bound:
            continue
        required = parameter.default is inspect.Parameter.empty
        try:
            hint, own = _hint(core, parameter, name)
            if problem := inexpressible(hint):
                what = problem.message.removeprefix("value").lstrip(":").strip().rstrip(".")
                raise _problem(
                    name, f"the type of the parameter {key}: {what}", _remedy_for_type(hint, problem)
                )
            if not _PARAMETER.fullmatch(key):
                raise _problem(
                    name,
                    f"the parameter {key} has a name that the API does not accept",
                    "Use ASCII letters, digits and _, at most 64 characters.",
                )
        except OptionError as problem:
            if required:
                raise
            what = problem.message.partition(": ")[2].rstrip(".").replace(f"the parameter {key} ", "it ", 1)
            notices.append(f"The tool {name} is offered without the parameter {key}: {what}.")
            continue
        text = own or docstring.parameters.get(key, "")
        found[key] = _Described(hint, required, _with_default(text, key, parameter.default))
    unknown = [key for key in docstring.parameters if key not in known]
    if unknown and not isinstance(function, functools.partial):
        notices.append(
            f"The docstring of {name} describes parameters that it does not have: {', '.join(unknown)}."
        )
    return found


def _with_default(text: str, name: str, default: object) -> str:
    """The description with the default, which the API's schema cannot contain; a default that may be secret is not sent."""
    if default is inspect.Parameter.empty or default is None or "default" in text.lower():
        return text
    if isinstance(default, str) and (len(default) > _LONGEST_DEFAULT or _SECRET.search(name)):
        return text
    if (
        not isinstance(default, bool | int | float | str)
        or len(shown := repr(default)) > 2 * _LONGEST_DEFAULT
    ):
        return text
    return f"{text.rstrip('.')}. Default: {shown}." if text else f"Default: {shown}."


def _hint(core: Any, parameter: inspect.Parameter, name: str) -> tuple[Any, str]:
    """The type of a parameter, and the description in its ``Annotated``.

    Raises:
        OptionError: it has none, or its name is not defined.
    """
    written, default = parameter.annotation, parameter.default
    if written is inspect.Parameter.empty:
        kind = type(default)
        if kind in _SIMPLE:
            return kind, ""
        remedy = f"Write for example {parameter.name}: str."
        if parameter.name in ("self", "cls"):
            remedy = "Give the method of an object: tools=[obj.method]."
        raise _problem(name, f"the parameter {parameter.name} has no type", remedy)
    try:
        holder = SimpleNamespace(__annotations__={"hint": written})
        hint = get_type_hints(holder, _globals(core), _closure(core), include_extras=True)["hint"]
    except (NameError, AttributeError, SyntaxError, TypeError) as problem:
        raise _problem(
            name,
            f"the type of the parameter {parameter.name} is not known ({problem})",
            "Define the type before the function, at the top of a cell or module.",
        ) from None
    return _without_text(hint)


def _without_text(hint: Any) -> tuple[Any, str]:
    """A type, and the description in its ``Annotated``: a text, or the ``description`` of another object."""
    if get_origin(hint) is not Annotated:
        return hint, ""
    inner, *extras = get_args(hint)
    for each in extras:
        for text in (each, getattr(each, "description", None), getattr(each, "documentation", None)):
            if isinstance(text, str):
                rest = [other for other in extras if not isinstance(other, str)]
                for other in rest:
                    inner = Annotated[inner, other]
                return inner, " ".join(text.split())
    return hint, ""


def _function_of(core: Any) -> Any:
    """The function whose code has the annotations."""
    inner = core if inspect.isroutine(core) else type(core).__call__
    inner = inspect.unwrap(inner)
    return getattr(inner, "__func__", inner)


def _globals(core: Any) -> dict[str, Any]:
    return getattr(_function_of(core), "__globals__", {})


def _closure(core: Any) -> dict[str, Any]:
    """The variables of an enclosing function that the function uses."""
    function = _function_of(core)
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    found: dict[str, Any] = {}
    for name, cell in zip(code.co_freevars if code and cells else (), cells or (), strict=True):
        with suppress(ValueError):  # a variable without a value yet
            found[name] = cell.cell_contents
    return found


def _remedy_for_type(hint: Any, problem: SchemaError) -> str:
    if "DataFrame" in getattr(hint, "__name__", ""):
        return "Take the name of the table as str, and look it up in the function."
    return problem.remedy or "Use types that JSON has, or give the parameter a default."


def _positional(function: Callable[..., Any], parameters: Mapping[str, _Described]) -> tuple[str, ...]:
    found = inspect.signature(function).parameters.values()
    return tuple(
        each.name
        for each in found
        if each.kind is inspect.Parameter.POSITIONAL_ONLY and each.name in parameters
    )
