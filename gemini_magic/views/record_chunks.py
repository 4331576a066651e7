"""Stores the JSON texts of the chunks of a stream compactly: shared parts once, and only the differences per chunk.

The texts can be restored byte for byte, except for API keys, for values that are too long to store, and for bytes
that are not UTF-8.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from .status import redact

__all__ = ["ChunkTexts", "compact", "json_size", "size_in_string"]

# A string (with the colon after it, if it is a name) or a number. The text between these values is the shape of a chunk.
_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*+"(\s*+:)?|-?\d[\d.eE+-]*+', re.DOTALL)
_SAFE: Final = 2**53  # JavaScript numbers are not exact beyond this
_MAX_VALUE: Final = 4_000  # characters of a value; images and signatures are longer
_BEGINNING: Final = 200


compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as JSON without spaces."""


def json_size(value: Any) -> int:
    """The size in bytes of a value as JSON without spaces."""
    return len(compact(value).encode("utf-8", "replace"))


def size_in_string(value: Any) -> int:
    """The size in bytes of a value as JSON inside a JSON string."""
    text = compact(value)
    return len(text.encode("utf-8", "replace")) + text.count('"') + text.count("\\")


def _shortened(literal: str) -> str:
    if len(literal) <= _MAX_VALUE or not literal.startswith('"'):
        return literal
    kept = re.sub(r"\\[^\\]{0,5}\Z", "", literal[:_BEGINNING])  # do not cut an escape sequence
    return f'{kept}… {len(literal) - len(kept) - 1:,} characters left out"'


def _value(literal: str, text: str, thought: str) -> Any:
    """Convert a literal to its stored form: True for the chunk's text, False for its thought, a number, or a string."""
    if literal in (text, thought):
        return literal == text
    if literal.isascii() and literal.isdigit() and (literal == "0" or literal[0] != "0"):
        number = int(literal[:20])
        if number < _SAFE:
            return number
    return _shortened(redact(literal))


# Bytes of JSON that are parsed, and chunks: this takes half a second, while the cell waits.
_MAX_READ: Final = 4_000_000
_MAX_ROWS: Final = 30_000


class ChunkTexts:
    """Collects the JSON texts of chunks while there is room.

    Args:
        room: maximum bytes of the result as JSON inside a string, in addition to a ``null`` for each text.

    Attributes:
        shapes: the texts without their values: for each shape the pieces around the values.
        rows: for each chunk the index of its shape, then position and value of each value that differs from the
            previous chunk with that shape; None where there was no room.
        kept: the number of texts that are stored.
    """

    def __init__(self, room: int) -> None:
        self.shapes: list[list[str]] = []
        self.rows: list[list[Any] | None] = []
        self.kept = 0
        self._room = room
        self._read = 0
        self._known: dict[tuple[str, ...], int] = {}
        self._previous: list[list[str]] = []

    def add(self, raw: bytes, text: str, thought: str) -> None:
        """Add the JSON text of a chunk.

        Args:
            raw: its JSON text as received.
            text: what the chunk adds to the answer, which is stored elsewhere.
            thought: what the chunk adds to the thoughts.
        """
        self._read += len(raw)
        more = self._room > 0 and self._read <= _MAX_READ and len(self.rows) < _MAX_ROWS
        row = self._row(raw, text, thought) if more else None
        self.rows.append(row)
        self.kept += row is not None

    def _row(self, raw: bytes, text: str, thought: str) -> list[Any] | None:
        pieces, literals = _split(raw.decode("utf-8", "replace"))
        shape = self._known.get(pieces)
        previous = self._previous[shape] if shape is not None else [""] * len(literals)
        text_json, thought_json = (compact(each) if each else "" for each in (text, thought))
        row: list[Any] = [len(self.shapes) if shape is None else shape]
        for place, (literal, before) in enumerate(zip(literals, previous, strict=True)):
            if literal != before:
                row += place, _value(literal, text_json, thought_json)
        new_shape = [redact(piece) for piece in pieces] if shape is None else []
        cost = size_in_string(row) - len("null") + (size_in_string(new_shape) + 1 if shape is None else 0)
        if cost > self._room:
            return None
        self._room -= cost
        if shape is None:
            self._known[pieces] = len(self.shapes)
            self.shapes.append(new_shape)
            self._previous.append(literals)
        else:
            self._previous[shape] = literals
        return row


def _split(text: str) -> tuple[tuple[str, ...], list[str]]:
    """Split a JSON text into the pieces around its values and the literals of the values."""
    pieces, literals, done = list[str](), list[str](), 0
    for match in _SCALAR.finditer(text):
        if match[1] is None:
            pieces.append(text[done : match.start()])
            literals.append(match[0])
            done = match.end()
    return (*pieces, text[done:]), literals
