"""One column of a table: how it is called and typed, and where its values are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from .stores import Counts, Numbers, Store
from .texts import Bytes, Objects, RareStrings, Strings

__all__ = ["Column"]

_CODES = {"int32": "i", "int64": "q", "float64": "d"}  # of the array module


class Column(NamedTuple):
    """How one column is called, typed and read.

    Attributes:
        name: the record's field.
        type: the Arrow type.
        read: turns a stored value into what is shown (for values that are kept in a cheaper form), or None.
        full: whether it holds a number in each row, never None.
        missing: what a row without a value shows: None, or 0 or the empty text, which then take no room.
        rare: whether it holds text in few rows.
        encoded: whether strings come as UTF-8 bytes and are kept as these.
    """

    name: str
    type: Literal["int32", "int64", "float64", "string"]
    read: Callable[[Any], Any] | None = None
    full: bool = False
    missing: Literal[0, ""] | None = None
    rare: bool = False
    encoded: bool = False

    def store(self) -> Store:
        """Where its values are kept."""
        if self.encoded:
            return Bytes()
        if self.read is not None:
            return Objects(self.read)
        if self.rare:
            return RareStrings()
        if self.type == "string":
            return Strings(str(self.missing) if self.missing is not None else None)
        code = _CODES[self.type]
        return Numbers(code) if self.full else Counts(code, self.missing)
