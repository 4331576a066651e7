"""Converts Python objects to parts of a prompt, and reports what it leaves out.

Types are recognised by the names of their classes, so that no DataFrame or image library is imported here.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import traceback
from collections.abc import Awaitable, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from .. import media
from ..content import Blob, Part, Text, Thought, Turn
from ..errors import PromptError
from ..lazy import LazySequence
from .containers import Container, entries_of, has_object, is_container, items_of
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
# The text of an object whose class does not define one.
_ADDRESS = re.compile(r"<\w[^\n]{0,200}? at 0x[0-9A-Fa-f]+>")
_DEEPEST = 6  # containers in containers whose items are converted
_MOST_MEDIA = 3600  # images in one request (ai.google.dev, "Image understanding")
_WITH_TEXT = {("gemini_magic", "Candidate"), ("gemini_magic", "CodeBlock")}
_OWN = _WITH_TEXT | {("gemini_magic", "Response"), ("gemini_magic", "CodeRun")}
_FENCES = re.compile(r"`{3,}")


class _Limits(NamedTuple):
    """How an object is converted.

    Attributes:
        name: the object's name in notices.
        rows: the largest number of rows of a table; None for all.
        notices: receives the notices.
        inside: the identities of the containers in which the object is.
    """

    name: str
    rows: int | None
    notices: list[str]
    inside: tuple[int, ...] = ()


def parts_from_object(
    value: object, *, name: str = "the value", table_rows: int = TABLE_ROWS
) -> ConvertedObject:
    """Convert an object to the parts that represent it in a prompt.

    A part of ours is sent as it is, and so are the parts in a list; a thought without a signature becomes text, because
    backends do not send it back. A response or a candidate becomes the text of its answer; a table becomes a Markdown table of at most 20 columns, with a remark for the
    model if it is truncated; a function, class or module becomes its source code; an exception becomes a short traceback;
    a figure, a picture, sound, video, bytes, an open file or the path of a file becomes a media part; code that the server
    ran becomes its source, its output and its pictures; anything else becomes ``str(value)``. If a list, a dict or another
    container holds one of these objects, its items are converted one after another, with the keys of a dict before them.

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
        isinstance(value, list | tuple)
        and any(issubclass(kind, Part | Turn) for kind in set(map(type, value)))
    ):
        return [part for each in value for part in _parts(each, limits)]
    if is_container(value):
        return _parts_of_container(value, limits)  # type: ignore[arg-type] # checked above
    if ("gemini_magic", "CodeRun") in media.class_names(value):
        return _code_run(value)
    if not isinstance(
        value, BaseException | type | FunctionType | MethodType | BuiltinFunctionType | ModuleType
    ):
        parts = media.media_parts(value, media.MediaSource(limits.name, limits.notices))
        if parts is not None:
            return parts
    return [Text(_text(value, limits))]


def _parts_of_container(value: Container, limits: _Limits) -> list[Part]:
    """The text of a container, or the parts of its items if one of them is more than its ``repr``."""
    if isinstance(value, list | tuple | dict) and media.is_drawing(value):
        return media.media_parts(value, media.MediaSource(limits.name, limits.notices)) or []
    if len(limits.inside) >= _DEEPEST or not has_object(value, _is_more_than_text, _has_one_answer):
        return [Text(_text(value, limits))]
    if id(value) in limits.inside:
        raise PromptError(f"{limits.name} contains itself.", remedy="Insert its items one by one.")
    parts: list[Part] = []
    for label, name, each in entries_of(value, limits.name):
        own = _parts(each, limits._replace(name=name, inside=(*limits.inside, id(value))))
        if label:
            own = _labelled(label, own)
        if parts and own and _is_text(parts[-1]) and _is_text(own[0]):
            own[0] = Text(f"{parts.pop().text}\n\n{own[0].text}")  # type: ignore[union-attr] # both are text
        parts += own
    if sum(isinstance(part, Blob) for part in parts) > _MOST_MEDIA:
        raise PromptError(
            f"{limits.name} contains more than {_MOST_MEDIA:,} media, the most in one request.",
            remedy="Insert a part of it.",
        )
    return parts


def _labelled(label: str, parts: list[Part]) -> list[Part]:
    """The parts of a value after its key."""
    if not parts or not isinstance(parts[0], Text) or parts[0].signature is not None:
        return [Text(f"{label}:"), *parts]
    text = parts[0].text
    return [Text(f"{label}:{chr(10) * 2 if chr(10) in text else ' '}{text}"), *parts[1:]]


def _is_text(part: Part) -> bool:
    return isinstance(part, Text) and part.signature is None


def _is_more_than_text(value: object) -> bool:
    """Whether a prompt contains more of an item than its ``repr``."""
    if isinstance(value, Part | Turn | media.Attachment | TableText | Awaitable | FunctionType | MethodType):
        return True
    if isinstance(value, LazySequence):
        return table_of(value) is not None or isinstance(next(iter(value), None), Part)
    if isinstance(value, BaseException | type | BuiltinFunctionType | ModuleType) or is_container(value):
        return False
    kinds = media.class_names(value)
    return bool(kinds & _OWN) or table_of(value) is not None or media.is_media(value)


def _has_one_answer(value: object) -> bool:
    """Whether the type of an item decides if a prompt contains more of it than its ``repr``."""
    sized = isinstance(value, bytes | bytearray | memoryview | LazySequence)
    return not sized and (not hasattr(value, "__array__") or getattr(value, "ndim", None) == 0)


def _code_run(run: Any) -> list[Part]:
    """Code that the server ran, with what it printed and drew."""
    fences = {name: _fence(getattr(run, name)) for name in ("code", "output")}
    pieces = [f"{fences['code']}{(run.language or '').lower()}\n{run.code.rstrip()}\n{fences['code']}"]
    if run.output:
        pieces.append(f"Output:\n\n{fences['output']}\n{run.output.rstrip()}\n{fences['output']}")
    return [Text("\n\n".join(pieces)), *run.images]


def _fence(text: str) -> str:
    """A fence that nothing in a text can close."""
    return "`" * (max(map(len, _FENCES.findall(text)), default=2) + 1)


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
        text = table.markdown(limits.rows, limits.name, limits.notices)
        _check_repr(value, text, limits)
        return text
    if ("gemini_magic", "Response") in kinds:
        return _answer(value, limits)
    if kinds & _WITH_TEXT:
        return str(getattr(value, "text", value))
    text = str(value)
    _check_repr(value, text, limits)
    if library := _abridged_by(value, text, kinds):
        limits.notices.append(
            f"The request contains {limits.name} as {library} prints it, which leaves out values; "
            f"convert it to text or to a list to send all of them."
        )
    return text


def _check_repr(value: object, text: str, limits: _Limits) -> None:
    """Report an object, or one inside it, whose text shows only its type.

    Raises:
        PromptError: there is one.
    """
    found = _ADDRESS.search(text)
    if found is None:
        return
    name = limits.name
    if is_container(value):
        for _, name, each in entries_of(value, limits.name):  # type: ignore[arg-type] # checked above
            if is_container(each):
                if id(each) not in limits.inside and each is not value:
                    _check_repr(
                        each, str(each), limits._replace(name=name, inside=(*limits.inside, id(value)))
                    )
            elif not isinstance(each, str) and (found := _ADDRESS.fullmatch(repr(each))):
                break
        else:
            return
    elif not _ADDRESS.fullmatch(text):
        limits.notices.append(
            f"The request contains {found[0]} in {name}, which shows only the type of an object."
        )
        return
    raise PromptError(
        f"{name} would be sent as {found[0]}, which shows only its type.",
        remedy="Insert one of its attributes, or a value computed from it.",
    )


def _abridged_by(value: object, text: str, kinds: set[tuple[str, str]]) -> str | None:
    """The library that leaves out values in a text; None without one."""
    if not _ELLIPSIS.search(text):
        return None
    items: Sequence[object] = list(items_of(value)) if is_container(value) else ()  # type: ignore[arg-type]
    for found in (kinds, *map(media.class_names, items)):
        if libraries := _ABRIDGING & {module for module, _ in found}:
            return min(libraries)
    return None


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
