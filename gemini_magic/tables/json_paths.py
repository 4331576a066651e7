"""Finds values in the JSON texts of a table by dotted paths such as ``candidates.0.finishReason``.

A text is decoded, searched and dropped before the next one: with the values of 100,000 texts in memory, Python's garbage
collector takes most of the time. Of a path without ``*`` only the value at its end is decoded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

__all__ = ["JsonPath", "misspelled_field", "unknown_field"]

_MAX_DIGITS: Final = 9  # of an index
_MAX_TYPED: Final = 16  # steps of a path for which a decoder is made
_MAX_NAMES: Final = 1000  # names that a misspelled one is compared with


class JsonPath:
    """A dotted path of keys and indices, where ``*`` stands for every key or index.

    Args:
        path: the path.
    """

    def __init__(self, path: str) -> None:
        self.steps = tuple(path.split("."))
        self._decode = _typed_decoder(self.steps)
        self._indices = tuple(map(_index, self.steps))

    def find(self, text: str | bytes) -> list[Any]:
        """Return the values at the path; an empty list if there are none, or if the text is not JSON."""
        if self._decode is not None:
            try:
                value = self._decode(text)
            except (ValueError, RecursionError):
                pass  # another shape, such as null in place of an object; or not strict JSON
            else:
                for index in self._indices:
                    if index is None:
                        value = value.inner
                        if value is msgspec.UNSET:
                            return []
                    elif index < len(value):
                        value = value[index]
                    else:
                        return []
                return [value]
        return self.find_in(_parse(text))

    def find_in(self, value: Any) -> list[Any]:
        """Return the values at the path in a JSON value."""
        return _values_at(value, self.steps)


def _index(step: str) -> int | None:
    return int(step) if step.isascii() and step.isdigit() and len(step) <= _MAX_DIGITS else None


@lru_cache(maxsize=32)
def _typed_decoder(steps: tuple[str, ...]) -> Callable[[str | bytes], Any] | None:
    """Return a decoder that skips everything except the path; None for a path that it cannot express.

    A digit is taken for an index. Where it is a key, the text does not fit and is searched in the general way.
    """
    if "*" in steps or len(steps) > _MAX_TYPED:
        return None
    kind: Any = Any
    try:
        for step in reversed(steps):
            if _index(step) is not None:
                kind = list[kind]
            else:
                field = msgspec.field(name=step, default=msgspec.UNSET)
                kind = msgspec.defstruct("At", [("inner", kind | msgspec.UnsetType, field)], gc=False)
    except UnicodeEncodeError:  # a lone surrogate in a name
        return None
    return msgspec.json.Decoder(kind).decode


def _values_at(value: Any, steps: Sequence[str]) -> list[Any]:
    found = [value]
    for step in steps:
        inner: list[Any] = []
        index = _index(step)
        for each in found:
            if isinstance(each, dict):
                if step == "*":
                    inner += each.values()
                elif step in each:
                    inner.append(each[step])
            elif isinstance(each, list):
                if step == "*":
                    inner += each
                elif index is not None and index < len(each):
                    inner.append(each[index])
        found = inner
    return found


def _parse(text: str | bytes) -> Any:
    """Parse a JSON text, also with numbers or lone surrogates that a strict parser rejects; None if it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        try:
            return json.loads(text if isinstance(text, str) else text.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None


def unknown_field(name: str, columns: Sequence[str], texts: Iterable[str | bytes]) -> KeyError | None:
    """Return the error for a field that is neither a column nor a field of a JSON text.

    Args:
        name: the field, or the first name of a path.
        columns: the names of the columns.
        texts: the JSON texts that were searched.

    Returns:
        The error to raise, or None if a text has the field.
    """
    if name == "*":
        return None
    fields: dict[str, None] = {}
    for value in map(_parse, texts):
        if isinstance(value, dict):
            if name in value:
                return None
            _add_names(fields, value)
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    close = get_close_matches(name, [*columns, *fields], n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Columns: {', '.join(columns)}."
    return KeyError(f"Unknown column or JSON field {name!r}. {hint}")


def misspelled_field(path: str, texts: Iterable[str | bytes]) -> KeyError | None:
    """Return the error for a path that no text has, if one of its names resembles a name that exists.

    Args:
        path: a dotted path.
        texts: the JSON texts that were searched.

    Returns:
        The error to raise, or None if no name is similar enough.
    """
    steps = path.split(".")
    # The names beside each step; for those that exist, the step itself is enough.
    beside: list[dict[str, None]] = [{} for _ in steps]
    for value in map(_parse, texts):
        for depth, inner in _objects_on(steps, value):
            if steps[depth] in inner:
                beside[depth] = {steps[depth]: None}
            elif steps[depth] not in beside[depth]:
                _add_names(beside[depth], inner)
    for depth in range(1, len(steps)):
        step, names = steps[depth], beside[depth]
        if names and step not in names:
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

            close = get_close_matches(step, names, n=1, cutoff=0.8)
            if not close:
                return None
            return KeyError(
                f"Unknown field {step!r} in {'.'.join(steps[:depth])!r}. Did you mean {close[0]}?"
            )
    return None


def _objects_on(steps: Sequence[str], value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects on a path, each with the number of the step that selects one of its fields."""
    found = [value]
    for depth, step in enumerate(steps):
        yield from ((depth, each) for each in found if isinstance(each, dict))
        found = [inner for each in found for inner in _values_at(each, (step,))]


def _add_names(names: dict[str, None], value: dict[str, Any]) -> None:
    if len(names) < _MAX_NAMES:
        names.update(dict.fromkeys(value))
