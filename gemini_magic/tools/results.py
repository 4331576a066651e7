"""Converts what a function returned to the part that goes back to the model: JSON, tables as text, and media.

Results leave this machine. So the caller's function masks keys in every text, an exception is sent without its traceback, and a
path is sent as text and never as the content of the file.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from .. import media
from ..content import Blob, Call, CallResult, File, LocalFile, Part, ResultMedia, Text, Thought, Turn
from ..errors import GeminiMagicError, ToolRefused
from ..prompts import parts_from_object
from ..text import replace_surrogates, shortened
from .definition import MAX_RESULT

__all__ = ["ConvertedResult", "error_result", "result_of", "results_turn"]

Masking: TypeAlias = Callable[[str], str]

_DEEPEST: Final = 32  # nested lists and objects
_MOST_MEDIA: Final = 10_000_000  # bytes of all media of a result
_LARGEST: Final = 2**53  # integers beyond it lose digits, because the API reads numbers as doubles
_LONGEST_ERROR: Final = 2000  # characters
_REST: Final = 200  # characters for the remark that something was cut
_TEXTS: Final = (PurePath, Decimal, UUID, complex, range)
_LISTS: Final = (list, tuple, deque, AbstractSet, ValuesView)
_NAMED: Final = (FunctionType, MethodType, BuiltinFunctionType, ModuleType, type)


class ConvertedResult(NamedTuple):
    """What goes back to the model for one call.

    Attributes:
        result: the part.
        notices: a sentence for the user about each thing that was changed or left out.
    """

    result: CallResult
    notices: tuple[str, ...] = ()


def result_of(
    call: Call,
    value: object,
    *,
    mask: Masking | None = None,
    max_result: int = MAX_RESULT,
    table_rows: int = 50,
) -> ConvertedResult:
    """Convert the value that a function returned. Never raises for a value.

    JSON values stay as they are; dataclasses, enumerations, dates, pydantic models, arrays and the like become JSON; a table
    becomes the text that a prompt would contain; pictures and other media are sent beside the JSON, which refers to them.

    Args:
        call: the call that it answers.
        value: the value.
        mask: replaces known keys in a text.
        max_result: characters of JSON that are sent.
        table_rows: rows of a table that are sent; 0 for all.
    """
    name = call.name or ""
    writer = _Writer(name, mask or _unchanged, table_rows, max_result)
    count = _length(value)
    output = _cut(writer.plain(value, 1), count, max_result, name, writer.notices)
    result = CallResult(name, {"output": output}, call.id, media=tuple(writer.media))
    return ConvertedResult(result, tuple(dict.fromkeys(writer.notices)))


def error_result(call: Call, error: BaseException | str, *, mask: Masking | None = None) -> CallResult:
    """The part for a call that failed: the type and the message of an exception, without its traceback.

    Args:
        call: the call.
        error: the exception; or the text, such as the problems of arguments. The reason of :class:`ToolRefused` is sent alone.
        mask: replaces known keys in a text.
    """
    if isinstance(error, str):
        text = error
    else:
        message = error.message if isinstance(error, GeminiMagicError) else _message(error)
        kind = "" if isinstance(error, ToolRefused) else type(error).__name__
        text = (
            f"{kind}: {message}" if kind and message else kind or message or "The function refused the call."
        )
    text = shortened(replace_surrogates((mask or _unchanged)(text)), _LONGEST_ERROR)
    return CallResult(call.name or "", {"error": text}, call.id)


def results_turn(results: Sequence[CallResult]) -> Turn:
    """The turn that answers a turn with calls: a result for each call, in the order of the calls."""
    return Turn("user", tuple(results))


def _unchanged(text: str) -> str:
    return text


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception of the user
        return ""


class _Writer:
    """Converts one value.

    Attributes:
        media: the media found so far.
        notices: the sentences for the user.
    """

    def __init__(self, name: str, mask: Masking, table_rows: int, most: int) -> None:
        self.media: list[ResultMedia] = []
        self.notices: list[str] = []
        self._name, self._mask, self._rows = name, mask, table_rows
        self._left = most  # values; each of them takes at least one character
        self._open: set[int] = set()  # the containers around the value
        self._size = 0  # bytes of media

    def plain(self, value: Any, depth: int) -> Any:
        """The JSON value; ``depth`` counts the containers around it."""
        self._left -= 1
        if value is None or isinstance(value, bool):
            return value
        is_open = id(value) in self._open
        if is_open or depth > _DEEPEST:
            return "…"
        self._open.add(id(value))
        try:
            return (
                self._scalar(value) if isinstance(value, str | int | float) else self._container(value, depth)
            )
        except Exception:  # noqa: BLE001 - an object of the user
            kind = f"<{type(value).__name__}>"
            self.notices.append(
                f"Sent only {kind} for an object in the result of {self._name}, which has no JSON form."
            )
            return kind
        finally:
            self._open.discard(id(value))

    def _scalar(self, value: str | float) -> str | float:
        """Text and numbers, also of classes of the user."""
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, int):
            number = int.__add__(value, 0)
            return number if abs(number) <= _LARGEST else _digits(number)
        real = float.__add__(value, 0.0)
        return real if math.isfinite(real) else str(real)

    def _text(self, text: str) -> str:
        return self._mask(replace_surrogates(text))

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, enum.Enum):
            return self.plain(value.value, depth)
        if (text := _scalar_text(value)) is not None:
            return self._text(text)
        if not isinstance(value, bytes | bytearray | memoryview | Part | media.Attachment | Turn):
            if not _is_drawing(value) and (fields := _fields(value)) is not None:
                return self._object(fields, depth)
            if isinstance(value, _LISTS) and not _is_drawing(value):
                return self._list(value, depth)
            kinds = media.class_names(value)
            if ("numpy", "generic") in kinds:
                return self.plain(value.item(), depth)
            if ("numpy", "ndarray") in kinds and not media.media_parts(
                value, media.MediaSource(self._name, [])
            ):
                return self.plain(value[: max(1, self._left)].tolist() if value.ndim else value.item(), depth)
        return self._parts(value)

    def _object(self, fields: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, each in fields.items():
            if self._left <= 0:
                found["…"] = f"{len(fields) - len(found):,} more"
                break
            found[self._text(key if isinstance(key, str) else str(getattr(key, "value", key)))] = self.plain(
                each, depth + 1
            )
        return found

    def _list(self, values: Any, depth: int) -> list[Any]:
        found: list[Any] = []
        for each in values:
            if self._left <= 0:
                found.append(f"… {len(values) - len(found):,} more")
                break
            found.append(self.plain(each, depth + 1))
        return found

    def _parts(self, value: Any) -> Any:
        """A table, media, or any other object, as a prompt would contain it."""
        converted = parts_from_object(value, name=f"the result of {self._name}", table_rows=self._rows)
        self.notices += converted.notices
        parts = media.read_files(converted.parts, _MOST_MEDIA)
        found = [self._part(part) for part in parts]
        return found[0] if len(found) == 1 else found

    def _part(self, part: Part) -> Any:
        if isinstance(part, Text | Thought):
            return self._text(part.text)
        if not isinstance(part, Blob | File | LocalFile):
            return f"<{type(part).__name__}>"
        size = len(part.data) if isinstance(part, Blob) else part.size if isinstance(part, LocalFile) else 0
        if isinstance(part, LocalFile) or self._size + size > _MOST_MEDIA:
            kind, megabytes = part.mime_type, f"{size / 1e6:,.1f} MB"
            self.notices.append(
                f"{kind} of {megabytes} in the result of {self._name} is too large and was not sent."
            )
            return f"<{kind} of {megabytes}, too large to be sent>"
        self._size += size
        ending = (part.mime_type or "").rpartition("/")[2].partition("+")[0] or "file"
        name = f"{self._name or 'result'}-{len(self.media) + 1}.{ending}"
        self.media.append(ResultMedia(name, part))
        return {"$ref": name}


def _length(value: object) -> int:
    """How many items a list has; 0 for any other object, and for one that cannot be counted."""
    try:
        return len(value) if isinstance(value, _LISTS) else 0
    except Exception:  # noqa: BLE001 - a class of the user
        return 0


def _digits(number: int) -> str:
    """An integer as text; in hexadecimal if Python refuses to write that many digits."""
    try:
        return str(number)
    except ValueError:
        return hex(number)


def _scalar_text(value: Any) -> str | None:
    """The text of an object that is sent as text; None for any other object."""
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, _TEXTS):
        return str(value)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {_message(value)}"
    if isinstance(value, _NAMED):
        return f"<{type(value).__name__} {getattr(value, '__name__', '')}>"
    return None


def _is_drawing(values: Any) -> bool:
    """Whether a list or a dict is what a plotting function of matplotlib returned: a prompt contains the one figure."""
    if isinstance(values, dict):
        return media.is_drawing(values)
    if not isinstance(values, _LISTS):
        return False
    drawn = {("matplotlib", "Artist"), ("matplotlib", "Container")}
    kinds = media.class_names(values) | media.class_names(next(iter(values), None))
    return bool(kinds & drawn) and ("matplotlib", "FigureBase") not in kinds


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """The fields of an object that holds named values; None for any other object."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple) and (names := getattr(value, "_fields", None)):
        return dict(zip(names, value, strict=True))
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    kinds = media.class_names(value)
    if ("pydantic", "BaseModel") in kinds:
        return {name: getattr(value, name) for name in type(value).model_fields}
    return None


def _cut(output: Any, count: int, most: int, name: str, notices: list[str]) -> Any:
    """The output, shortened to so many characters of JSON; the user and the model are informed.

    Args:
        output: the output.
        count: how many items the value has, if it is a list.
        most: how many characters are allowed.
        name: the function.
        notices: receives the sentence for the user.
    """
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    if len(text) <= most:
        return output
    if isinstance(output, list):
        items: list[Any] = []
        left = most - _REST
        for each in output:
            left -= len(json.dumps(each, ensure_ascii=False)) + 2
            if left < 0:
                break
            items.append(each)
        if items:
            remark = f"the first {len(items):,} of {count:,} items"
            notices.append(
                f"Sent {remark} of the result of {name}; max_result of the tool allows {most:,} characters."
            )
            return {"items": items, "cut": f"These are {remark}."}
    remark = f"the first {most:,} of {len(text):,} characters"
    notices.append(f"Sent {remark} of the result of {name}; max_result of the tool allows no more.")
    return f"{text[:most]}…\n(Cut: {remark}.)"
