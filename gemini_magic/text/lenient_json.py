"""Parses any JSON text, also with bad UTF-8, very long numbers and very deep nesting, and repairs surrogates.

Values are left as they are, except those that no Python value can safely hold.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

__all__ = ["MAX_DEPTH", "SurrogateJoiner", "json_safe", "read_json", "replace_surrogates"]


_AT_ONCE = 1 << 18  # characters; each lone surrogate takes 0.2 µs, in which no other thread runs


def replace_surrogates(text: str) -> str:
    """Return the text with surrogate pairs joined and lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text
    pieces, start = [], 0
    while start < len(text):
        end = start + _AT_ONCE
        if "\ud800" <= text[end - 1 : end] <= "\udbff":  # it may be the first half of a pair
            end += 1
        piece = text[start:end].encode("utf-16-le", "surrogatepass")
        pieces.append(piece.decode("utf-16-le", "replace"))
        start = end
    return "".join(pieces)


class SurrogateJoiner:
    """Joins surrogate pairs across text deltas and replaces lone surrogates."""

    def __init__(self) -> None:
        self._pending = ""

    def add(self, text: str) -> str:
        """Return the next delta without half a pair at its end, which is held back for the delta after it."""
        if not self._pending and text.isascii():
            return text
        text = self._pending + text
        self._pending = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._pending = text[:-1], text[-1]
        return replace_surrogates(text)

    def flush(self) -> str:
        """Return U+FFFD if half a pair is still held back, otherwise an empty string."""
        pending, self._pending = self._pending, ""
        return "�" if pending else ""


MAX_DEPTH = 200  # levels of nesting; no reader, writer or view of such a value exhausts the stack
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]]')


def read_json(raw: bytes, *, max_depth: int | None = None) -> Any:
    """Parse a JSON text; NaN, Infinity and lone surrogates are accepted.

    A value that is nested too deeply becomes its JSON text (str), and so does a number with more digits than Python
    converts (``sys.get_int_max_str_digits``).

    Args:
        raw: the text; bytes that are not UTF-8 become U+FFFD.
        max_depth: levels of nesting to parse; by default as many as Python can.

    Raises:
        ValueError: the text is not JSON.
    """
    text = raw.decode("utf-8", "replace")
    if max_depth is not None and text.count("{") + text.count("[") > max_depth:
        text = _flatten(text, max_depth)
    try:
        return json.loads(text)
    except RecursionError:
        text = _flatten(text, MAX_DEPTH)
    except ValueError:
        pass
    try:
        return json.loads(text, parse_int=_parse_int, strict=False)
    except RecursionError:
        raise ValueError("too many open brackets") from None


def _parse_int(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits


def _flatten(text: str, max_depth: int) -> str:
    """Return the JSON text with every value nested deeper than ``max_depth`` replaced by a string."""
    pieces: list[str] = []
    depth = done = begin = 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in "{[":
            depth += 1
            if depth == max_depth + 1:
                begin = token.start()
        elif sign in "}]":
            if depth == max_depth + 1:
                pieces += text[done:begin], json.dumps(text[begin : token.end()])
                done = token.end()
            depth -= 1
    return "".join([*pieces, text[done:]])


def json_safe(value: Any) -> Any:
    """Return a value that can be stored, shown and sent: NaN and infinities become None, lone surrogates U+FFFD.

    Args:
        value: a value that :func:`read_json` returned for a given ``max_depth``.
    """
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, dict):
        return {json_safe(name): json_safe(item) for name, item in value.items()}
    if isinstance(value, list):
        return [json_safe(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
