"""The ready-made tools, which are off until a cell names them: ``python``, ``variables`` and ``sql``.

A function of the user with the same name takes precedence; ``builtin:python`` always means the ready-made tool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final, Literal

from .. import media
from ..errors import OptionError
from .capture import current_output
from .definition import Tool
from .sql import sql_tool

__all__ = ["READY_MADE", "ReadyMadeTools", "python_tool", "variables_tool"]

READY_MADE: Final = {
    "python": "runs Python code in this kernel; you confirm each call",
    "variables": "the names, types and shapes of your variables, without values",
    "sql": "reads DataFrames by one SELECT statement of DuckDB: sql:NAME,NAME",
}
"""What each ready-made tool does, by name."""

_PREFIX: Final = "builtin:"
_STREAMS: Final[tuple[Literal["stdout", "stderr"], ...]] = ("stdout", "stderr")
_MAX_VARIABLES: Final = 500
_SHAPED: Final = (
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "torch",
    "tensorflow",
    "jax",
    "jaxlib",
    "xarray",
)
_SIZED: Final = (list, tuple, dict, set, frozenset)


class ReadyMadeTools(Mapping[str, Tool]):
    """The ready-made tools by the names that ``--tool`` accepts, including ``builtin:NAME`` and ``sql:TABLE,TABLE``.

    Args:
        namespace: the user's variables.
        run: runs code in the kernel and returns the value of its last expression; None where there is no kernel.
    """

    def __init__(self, namespace: Mapping[str, Any], run: Callable[[str], Any] | None = None) -> None:
        self._namespace = namespace
        self._run = run

    def __contains__(self, key: object) -> bool:
        name, _, tables = _parsed(key)
        return name in READY_MADE and (not tables or name == "sql")

    def __getitem__(self, key: str) -> Tool:
        if key not in self:
            raise KeyError(key)
        name, _, tables = _parsed(key)
        if name == "variables":
            return variables_tool(self._namespace)
        if name == "python":
            if self._run is None:
                raise OptionError(
                    "The tool python works only in IPython.", remedy="Pass a function of yours."
                )
            return python_tool(self._run)
        names = [each.strip() for each in tables.split(",") if each.strip()]
        if missing := [each for each in names if each not in self._namespace]:
            raise OptionError(f"-T {key}: there is no variable {missing[0]!r}.", remedy="Name DataFrames.")
        if bad := [each for each in names if not each.isidentifier()]:
            raise OptionError(
                f"-T {key}: {bad[0]!r} is not the name of a variable.", remedy="Name DataFrames."
            )
        return sql_tool(**{each: self._namespace[each] for each in names})

    def __iter__(self) -> Iterator[str]:
        return iter(READY_MADE)

    def __len__(self) -> int:
        return len(READY_MADE)


def _parsed(key: object) -> tuple[str, str, str]:
    return str(key).removeprefix(_PREFIX).partition(":")


# -- variables


def variables_tool(namespace: Mapping[str, Any]) -> Tool:
    """A tool that lists the user's variables: names, types and shapes.

    It shows no values, not even short ones, because keys and personal data are in variables too.

    Args:
        namespace: the variables.
    """

    def variables() -> list[dict[str, Any]]:
        own = [
            (name, value)
            for name, value in namespace.items()
            if name[:1] != "_" and not issubclass(type(value), _LEFT_OUT) and name not in _OF_IPYTHON
        ]
        return [_summary(name, value) for name, value in own[-_MAX_VARIABLES:]]

    return Tool(
        name="variables",
        description="List the variables of the notebook: their names, types and shapes, without values.",
        function=variables,
        source="ready-made",
    )


_LEFT_OUT: Final = (ModuleType, FunctionType, BuiltinFunctionType, type)
_OF_IPYTHON: Final = ("In", "Out", "get_ipython", "exit", "quit", "open")


def _summary(name: str, value: Any) -> dict[str, Any]:
    kind = type(value)
    full_name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.").removeprefix("__main__.")
    found: dict[str, Any] = {"name": name, "type": full_name}
    if any(library in _SHAPED for library, _ in media.class_names(value)):
        shape = getattr(value, "shape", None)  # a property of a known library, not of any class
        if isinstance(shape, tuple) and all(isinstance(each, int) for each in shape):
            found["shape"] = list(shape)
    elif issubclass(kind, _SIZED):  # `isinstance` may run code of a proxy
        found["length"] = len(value)
    return found


# -- python


def python_tool(run: Callable[[str], Any]) -> Tool:
    """A tool that runs code of the model in the user's kernel. The user sees the code and confirms each call.

    Args:
        run: runs code and returns the value of its last expression.
    """

    def python(code: str) -> dict[str, Any]:
        value = run(code)
        output = current_output()
        found = {name: output.text(name) for name in _STREAMS} if output is not None else {}
        return {name: text for name, text in found.items() if text} | {"value": value}

    return Tool(
        name="python",
        description="Run Python code in the user's notebook, where the user's variables are defined. The user confirms each "
        "call. Returns what the code prints, and the value of its last expression.",
        parameters={
            "type": "object",
            "properties": {"code": {"type": "string", "description": "Python code."}},
            "required": ["code"],
        },
        function=python,
        source="ready-made",
        confirm="always",
    )
