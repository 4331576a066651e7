"""Converts Python objects to parts of a prompt, and reports what it leaves out.

Types are recognised by the names of their classes, so that no DataFrame or image library is imported here.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import traceback
from collections.abc import Awaitable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from .. import media
from ..content import Part, Text, Thought, Turn
from ..errors import PromptError
from ..lazy import LazySequence
from .converted import TABLE_ROWS, ConvertedObject
from .tables import TableText, table_of

__all__ = ["parts_from_object"]

_FRAMES = 3  # innermost frames of an exception's traceback
# Libraries whose ``str`` leaves out the middle of long values.
_ABRIDGING = {
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "torch",
    "jax",
    "jaxlib",
    "tensorflow",
    "xarray",
    "dask",
    "duckdb",
}
_ELLIPSIS = re.compile(r"\.\.\.|…")
_ADDRESS = re.compile(r"<\w.* at 0x[0-9A-Fa-f]+>")  # the text of an object whose class does not define one
_WITH_TEXT = {("gemini_magic", "Candidate"), ("gemini_magic", "CodeBlock")}


class _Limits(NamedTuple):
    """How an object is converted.

    Attributes:
        name: the object's name in notices.
        rows: the largest number of rows of a table; None for all.
        notices: receives the notices.
    """

    name: str
    rows: int | None
    notices: list[str]


def parts_from_object(
    value: object, *, name: str = "the value", table_rows: int = TABLE_ROWS
) -> ConvertedObject:
    """Convert an object to the parts that represent it in a prompt.

    A part of ours is sent as it is, and so are the parts in a list; a thought without a signature becomes text, because
    backends do not send it back. A response or a candidate becomes the text of its answer; a table becomes a Markdown table of at most 20 columns, with a remark for the
    model if it is truncated; a function, class or module becomes its source code; an exception becomes a short traceback;
    a figure, a picture, sound, video, bytes or the path of a file becomes a media part; anything else
    becomes ``str(value)``.

    Args:
        value: the object.
        name: the object's name in notices.
        table_rows: the largest number of rows of a table; 0 for all.

    Raises:
        PromptError: the value is media that cannot be sent, its source code is not available, or its text shows only its
            type and its address in memory.
    """
    limits = _Limits(name, table_rows or None, [])
    return ConvertedObject(tuple(_parts(value, limits)), tuple(limits.notices))


def _parts(value: object, limits: _Limits) -> list[Part]:
    if isinstance(value, str):  # without loading what other objects need
        return [Text(_text(value, limits))]
    if isinstance(value, Thought) and value.signature is None:
        return [Text(value.text)]
    if isinstance(value, Part):
        return [value]
    if isinstance(value, media.Attachment):
        limits.notices.extend(value.notices)
        return list(value.parts)
    if isinstance(value, Turn):
        return _parts(value.parts, limits)
    if (isinstance(value, LazySequence) and isinstance(next(iter(value), None), Part)) or (
        isinstance(value, list | tuple) and any(isinstance(each, Part | Turn) for each in value)
    ):
        return [part for each in value for part in _parts(each, limits)]
    if not isinstance(
        value, BaseException | type | FunctionType | MethodType | BuiltinFunctionType | ModuleType
    ):
        parts = media.media_parts(value, media.MediaSource(limits.name, limits.notices))
        if parts is not None:
            return parts
    return [Text(_text(value, limits))]


def _text(value: object, limits: _Limits) -> str:
    if isinstance(value, TableText):
        limits.notices.extend(value.notices)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Awaitable):
        raise PromptError(
            f"{limits.name} is a {type(value).__name__}, whose value is not known before it is awaited.",
            remedy=f"Write {{{{ await {limits.name} }}}}.",
        )
    if isinstance(value, BaseException):
        return _traceback(value, limits)
    if isinstance(value, type | FunctionType | MethodType | BuiltinFunctionType | ModuleType):
        return _source(value)
    kinds = media.class_names(value)
    if (table := table_of(value)) is not None:
        return table.markdown(limits.rows, limits.name, limits.notices)
    if ("gemini_magic", "Response") in kinds:
        return _answer(value, limits)
    if kinds & _WITH_TEXT:
        return str(getattr(value, "text", value))
    text = str(value)
    if _ADDRESS.fullmatch(text):
        raise PromptError(
            f"{limits.name} would be sent as {text}, which shows only its type.",
            remedy="Insert one of its attributes, or a value computed from it.",
        )
    if _ABRIDGING & {module for module, _ in kinds} and _ELLIPSIS.search(text):
        limits.notices.append(
            f"The request contains {limits.name} as {type(value).__module__.partition('.')[0]} prints it, which leaves out values; "
            f"convert it to text or to a list to send all of them."
        )
    return text


def _answer(response: Any, limits: _Limits) -> str:
    """The text of a response's answer, which may be incomplete."""
    text: str = response.text
    if response.status == "running":
        limits.notices.append(
            f"The request contains the {len(text):,} characters of {limits.name} that have arrived so far; the answer is still running."
        )
    elif response.status != "complete":
        limits.notices.append(
            f"The request contains the {len(text):,} characters of {limits.name}, whose answer is incomplete ({response.status})."
        )
    if images := len(response.images) if hasattr(response, "images") else 0:
        limits.notices.append(
            f"The request contains the text of {limits.name} without its {images} image{'' if images == 1 else 's'}; "
            f"{{{{ {limits.name}.images }}}} inserts {'it' if images == 1 else 'them'}."
        )
    return text


def _traceback(error: BaseException, limits: _Limits) -> str:
    frames = sum(1 for _ in traceback.walk_tb(error.__traceback__))
    if frames > _FRAMES:
        limits.notices.append(
            f"The request contains the innermost {_FRAMES} of {frames} frames of the traceback of {limits.name}; "
            "traceback.format_exception() returns all of them."
        )
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
