"""The JSON texts of a stream's chunks in little room: what they share once, and for each what is its own.

It knows JSON's tokens and nothing of answers. Put together again the texts are what was received, byte for byte, but
for keys, for values too long to keep, and for what is not UTF-8.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from .status import redact

__all__ = ["ChunkTexts", "compact", "json_size", "size_in_string"]

# A string (with the colon behind it, where it is a name) or a number; all else is the shape of the text.
_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*+"(\s*+:)?|-?\d[\d.eE+-]*+', re.DOTALL)
_SAFE: Final = 2**53  # beyond, JavaScript cannot tell whole numbers apart
_MAX_VALUE: Final = 4_000  # characters of a value; pictures and signatures have more
_BEGINNING: Final = 200


compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as JSON without spaces."""


def json_size(value: Any) -> int:
    """Bytes of a value as JSON without spaces."""
    return len(compact(value).encode("utf-8", "replace"))


def size_in_string(value: Any) -> int:
    """Bytes of a value as JSON that stands in a string."""
    text = compact(value)
    return len(text.encode("utf-8", "replace")) + text.count('"') + text.count("\\")


def _shortened(literal: str) -> str:
    if len(literal) <= _MAX_VALUE or not literal.startswith('"'):
        return literal
    kept = re.sub(r"\\[^\\]{0,5}\Z", "", literal[:_BEGINNING])  # no escape is cut in two
    return f'{kept}… {len(literal) - len(kept) - 1:,} characters left out"'


def _value(literal: str, text: str, thought: str) -> Any:
    """A literal as it is kept: True for the chunk's text, False for its thought, a number, or its own text."""
    if literal in (text, thought):
        return literal == text
    if literal.isascii() and literal.isdigit() and (literal == "0" or literal[0] != "0"):
        number = int(literal[:20])
        if number < _SAFE:
            return number
    return _shortened(redact(literal))


# Bytes of JSON that are taken apart: half a second, while a cell waits for its end.
_MAX_READ: Final = 4_000_000


class ChunkTexts:
    """Takes the JSON texts one after another, as long as there is room.

    Args:
        room: bytes that all of it may take as JSON within a string, beside a ``null`` for each text.

    Attributes:
        shapes: the texts without their values, each as the pieces around them.
        rows: for each chunk its shape, then place and value of each value that differs from the one before of that
            shape; None where there was no room.
        kept: how many there was room for.
    """

    def __init__(self, room: int) -> None:
        self.shapes: list[list[str]] = []
        self.rows: list[list[Any] | None] = []
        self.kept = 0
        self._room = room
        self._read = 0
        self._known: dict[tuple[str, ...], int] = {}
        self._former: list[list[str]] = []

    def add(self, raw: bytes, text: str, thought: str) -> None:
        """Take a chunk.

        Args:
            raw: its JSON text as received.
            text: what it adds to the answer, which is kept elsewhere.
            thought: what it adds to the thoughts.
        """
        self._read += len(raw)
        row = self._row(raw, text, thought) if self._room > 0 and self._read <= _MAX_READ else None
        self.rows.append(row)
        self.kept += row is not None

    def _row(self, raw: bytes, text: str, thought: str) -> list[Any] | None:
        pieces, literals = _split(raw.decode("utf-8", "replace"))
        shape = self._known.get(pieces)
        former = self._former[shape] if shape is not None else [""] * len(literals)
        text_json, thought_json = (compact(each) if each else "" for each in (text, thought))
        row: list[Any] = [len(self.shapes) if shape is None else shape]
        for place, (literal, before) in enumerate(zip(literals, former, strict=True)):
            if literal != before:
                row += place, _value(literal, text_json, thought_json)
        shown = [redact(piece) for piece in pieces] if shape is None else []
        cost = size_in_string(row) - len("null") + (size_in_string(shown) + 1 if shape is None else 0)
        if cost > self._room:
            return None
        self._room -= cost
        if shape is None:
            self._known[pieces] = len(self.shapes)
            self.shapes.append(shown)
            self._former.append(literals)
        else:
            self._former[shape] = literals
        return row


def _split(text: str) -> tuple[tuple[str, ...], list[str]]:
    """The pieces around the values of a JSON text, and the values as they are written."""
    pieces, literals, done = list[str](), list[str](), 0
    for found in _SCALAR.finditer(text):
        if found[1] is None:
            pieces.append(text[done : found.start()])
            literals.append(found[0])
            done = found.end()
    return (*pieces, text[done:]), literals
