"""Converts Python objects to text for a prompt.

Types are recognised by the names of their classes, so that no DataFrame or image library is imported here.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from ..content import Part, Text
from ..errors import PromptError

__all__ = ["part_from_object", "text_from_object"]

_ROWS = 50
_COLUMNS = 20
_FRAMES = 3  # innermost frames of an exception's traceback
_MEDIA = {
    ("matplotlib", "Figure"),
    ("PIL", "Image"),
    ("IPython", "Image"),
    ("IPython", "Audio"),
    ("IPython", "Video"),
}


def part_from_object(value: object) -> Part:
    """The part that represents a value in a prompt.

    Raises:
        PromptError: the value is of a media type, or its source code is not available.
    """
    return Text(text_from_object(value))


def text_from_object(value: object) -> str:
    """The text that represents a value in a prompt.

    A response becomes the text of its answer; a table becomes a Markdown table of at most 50 rows and 20 columns, with a
    remark if it is truncated; a function, class or module becomes its source code; an exception becomes a short
    traceback; anything else becomes ``str(value)``.

    Raises:
        PromptError: the value is of a media type, or its source code is not available.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, BaseException):
        return _traceback(value)
    if isinstance(value, type | FunctionType | MethodType | BuiltinFunctionType | ModuleType):
        return _source(value)
    kinds = {(each.__module__.partition(".")[0], each.__name__) for each in type(value).__mro__}
    if isinstance(value, bytes | bytearray | memoryview | PurePath) or kinds & _MEDIA:
        raise PromptError(
            f"A {type(value).__module__}.{type(value).__qualname__} cannot be part of a prompt: "
            "media are not supported yet.",
            remedy="Insert text instead, such as a description or the text of the file.",
        )
    for kind, table in _TABLES.items():
        if kind in kinds:
            return table(value)
    if ("gemini_magic", "Response") in kinds:
        return str(getattr(value, "text", value))
    return str(value)


def _traceback(error: BaseException) -> str:
    lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-_FRAMES, chain=False)
    return "".join(lines).rstrip()


def _source(value: Any) -> str:
    try:
        return inspect.getsource(value).rstrip()
    except (OSError, TypeError):
        found = _class_source(value) if isinstance(value, type) else None
    if found is None:
        name = getattr(value, "__qualname__", getattr(value, "__name__", repr(value)))
        raise PromptError(
            f"The source code of {name} is not available.",
            remedy="Paste it, or insert another text such as {{ " + name + ".__doc__ }}.",
        )
    return found


def _class_source(value: type) -> str | None:
    """The source of a class defined in a cell: its module has no file, but its methods name the cell."""
    files = {
        member.__code__.co_filename for member in vars(value).values() if isinstance(member, FunctionType)
    }
    for file in files:
        source = "".join(linecache.getlines(file))
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name == value.__name__:
                return ast.get_source_segment(source, node)
    return None


# -- tables ----------------------------------------------------------------------------------------------------


def _pandas(frame: Any) -> str:
    if not hasattr(frame, "columns"):  # a Series
        frame = frame.to_frame()
    top = frame.iloc[:_ROWS, :_COLUMNS]
    plain = type(frame.index).__name__ == "RangeIndex" and frame.index.name is None
    head = [str(name) for name in top.columns]
    rows: Iterable[Sequence[Any]] = top.itertuples(index=not plain, name=None)
    if not plain:
        head.insert(0, "" if frame.index.name is None else str(frame.index.name))
    return _markdown(head, rows, frame.shape)


def _polars(frame: Any) -> str:
    if not hasattr(frame, "columns"):  # a Series
        frame = frame.to_frame()
    names = list(frame.columns)[:_COLUMNS]
    return _markdown(names, frame.select(names).head(_ROWS).rows(), frame.shape)


def _arrow(table: Any) -> str:
    names = list(table.column_names)[:_COLUMNS]
    records = table.select(names).slice(0, _ROWS).to_pylist()
    return _markdown(names, [[record[name] for name in names] for record in records], table.shape)


def _rows(rows: Any) -> str:
    names = list(rows.columns)
    shown = [tuple(record)[:_COLUMNS] for record in rows[:_ROWS]]
    return _markdown(names[:_COLUMNS], shown, (len(rows), len(names)))


_TABLES: dict[tuple[str, str], Callable[[Any], str]] = {
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _pandas,
    ("polars", "DataFrame"): _polars,
    ("polars", "Series"): _polars,
    ("pyarrow", "Table"): _arrow,
    ("gemini_magic", "Rows"): _rows,
}


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\r\n", "\n").replace("\n", "<br>")


def _markdown(head: Sequence[str], rows: Iterable[Sequence[Any]], shape: tuple[int, int]) -> str:
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    table = "\n".join(
        f"| {' | '.join(_cell(cell) if at == 0 else cell for cell in line)} |"
        for at, line in enumerate(lines)
    )
    height, width = shape
    cuts = []
    if height > _ROWS:
        cuts.append(f"the first {_ROWS} of {height:,} rows")
    if width > _COLUMNS:
        cuts.append(f"the first {_COLUMNS} of {width:,} columns")
    return f"{table}\n\n(Shown: {' and '.join(cuts)}.)" if cuts else table
