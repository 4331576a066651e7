"""A function call whose arguments arrive in pieces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..text import replace_surrogates
from .parts import Call

__all__ = ["CallPieces"]

_STEP = re.compile(r"""\.([^.\[\]'"]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_MAX_INDEX = 100_000  # of an array
_MAX_GAPS = 100_000  # items of all arrays of a call that no piece has sent
_MAX_STEPS = 64  # of a path
_VALUES = ("numberValue", "boolValue")


class _StringPieces(list[str]):
    """A string that arrives in pieces."""


class CallPieces:
    """A function call whose arguments arrive in pieces (``partialArgs`` of Vertex AI).

    A piece is a JSON path (RFC 9535) with a value; only strings arrive in several pieces. The first part has the name and
    the signature, and a part without ``willContinue`` ends the call. Pieces that cannot be applied are kept as they are.

    Args:
        first: the first part.

    Attributes:
        is_open: whether more pieces may follow.
    """

    def __init__(self, first: Call) -> None:
        self._first = first
        self._tree: dict[str, Any] = {}
        self._given: dict[str, Any] = {}  # arguments that were sent whole
        self._rest: list[dict[str, Any]] = []  # pieces that could not be applied
        self._gaps = 0  # items of arrays that were left out
        self._unfinished: set[tuple[str | int, ...]] = set()  # the paths of strings that continue
        self._id, self._signature = first.id, first.signature
        self.is_open = True
        self.add(first)

    def accepts(self, part: Call) -> bool:
        """Whether a part belongs to this call."""
        same = part.name is None or (
            part.id is not None and (part.name, part.id) == (self._first.name, self._id)
        )
        return self.is_open and same

    def add(self, part: Call) -> None:
        """Add the pieces of a part."""
        self._id, self._signature = self._id or part.id, self._signature or part.signature
        self._given = part.args or self._given
        for piece in part.partial_args or ():
            if not self._apply(piece):
                self._rest.append(piece)
        self.is_open = bool(part.will_continue)

    def call(self) -> Call:
        """The call with the arguments so far."""
        arguments = self._given or _finished(self._tree)
        return type(self._first)(self._first.name, arguments, self._id, self._signature, self._rest or None)

    def _apply(self, piece: dict[str, Any]) -> bool:
        path = _steps(piece.get("jsonPath"))
        if path is None:
            return False
        value: Any
        if isinstance(text := piece.get("stringValue"), str):
            value = _StringPieces([text])
        elif "nullValue" in piece:
            value = None
        else:
            name = next((name for name in _VALUES if name in piece), None)
            if name is None:
                return False
            value = piece[name]
        if path in self._unfinished and isinstance(value, _StringPieces):
            _value_at(self._tree, path).extend(value)
        elif not self._put(path, value):
            return False
        if isinstance(value, _StringPieces) and piece.get("willContinue"):
            self._unfinished.add(path)
        else:
            self._unfinished.discard(path)
        return True

    def _put(self, path: Sequence[str | int], value: Any) -> bool:
        """Put a value into the arguments; returns False if the path leads through a value of another type or a large gap."""
        place: Any = self._tree
        for step, following in zip(path, [*path[1:], None], strict=True):
            if isinstance(step, int):
                if not isinstance(place, list) or isinstance(place, _StringPieces):
                    return False
                missing = max(0, step + 1 - len(place))
                gaps = self._gaps + max(0, missing - 1)
                if gaps > _MAX_GAPS:
                    return False
                self._gaps = gaps
                place.extend([None] * missing)
            elif not isinstance(place, dict):
                return False
            container: Any = place
            if following is None:
                container[step] = value
                return True
            inner = container[step] if isinstance(step, int) else container.get(step)
            if inner is None:
                inner = container[step] = [] if isinstance(following, int) else {}
            place = inner
        return False


def _steps(path: Any) -> tuple[str | int, ...] | None:
    """The names and indices of a JSON path; None if it is not one, or has an index or a length above the limit."""
    if not isinstance(path, str) or not path.startswith("$"):
        return None
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        if len(steps) == _MAX_STEPS:
            return None
        found = _STEP.match(path, at)
        if found is None:
            return None
        name, index, *quoted = found.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(name or re.sub(r"\\(.)", r"\1", next(text for text in quoted if text is not None)))
        at = found.end()
    if not steps or isinstance(steps[0], int) or any(step == "__proto__" for step in steps):
        return None
    return None if any(isinstance(step, int) and step > _MAX_INDEX for step in steps) else tuple(steps)


def _value_at(tree: dict[str, Any], path: Sequence[str | int]) -> Any:
    value: Any = tree
    for step in path:
        value = value[step]
    return value


def _finished(value: Any) -> Any:
    """The arguments with each string in one piece."""
    if isinstance(value, _StringPieces):
        return replace_surrogates("".join(value))
    if isinstance(value, dict):
        return {name: _finished(item) for name, item in value.items()}
    return [_finished(item) for item in value] if isinstance(value, list) else value
