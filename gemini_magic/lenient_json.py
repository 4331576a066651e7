"""Reads any JSON text, also where Python's own reader gives up: bad UTF-8, numbers and nesting without end.

It knows JSON only; what is read is left as it is, but for what no Python value can safely hold.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

__all__ = ["MAX_DEPTH", "SurrogateJoiner", "json_safe", "read_json", "replace_surrogates"]


def replace_surrogates(text: str) -> str:
    """The text with pairs joined and lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class SurrogateJoiner:
    """Text deltas with surrogate pairs joined across them and lone surrogates replaced."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        """The next delta, as far as it can be said; half a pair at its end waits for the next one."""
        if not self._held and text.isascii():
            return text
        text = self._held + text
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return replace_surrogates(text)

    def flush(self) -> str:
        """What stands for a half that never found its other half."""
        held, self._held = self._held, ""
        return "�" if held else ""


MAX_DEPTH = 200  # levels of nesting; below this no reader, writer or view of a value runs out of stack
_MARK = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]]')


def read_json(raw: bytes, *, max_depth: int | None = None) -> Any:
    """The value of a JSON text; NaN, Infinity and half surrogate pairs pass.

    What is nested too deeply becomes the text it was written as, and so does a number with more digits than Python
    converts (``sys.get_int_max_str_digits``).

    Args:
        raw: the text; bytes that are not UTF-8 become U+FFFD.
        max_depth: levels of nesting to read; by default as many as Python can.

    Raises:
        ValueError: it is not JSON.
    """
    text = raw.decode("utf-8", "replace")
    if max_depth is not None and text.count("{") + text.count("[") > max_depth:
        text = _cut(text, max_depth)
    try:
        return json.loads(text)
    except RecursionError:
        text = _cut(text, MAX_DEPTH)
    except ValueError:
        pass
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError:
        raise ValueError("brackets are opened without end") from None


def _whole(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits


def _cut(text: str, max_depth: int) -> str:
    """The text with whatever is nested deeper written as a string."""
    pieces: list[str] = []
    depth = done = begin = 0
    for mark in _MARK.finditer(text):
        sign = mark[0]
        if sign in "{[":
            depth += 1
            if depth == max_depth + 1:
                begin = mark.start()
        elif sign in "}]":
            if depth == max_depth + 1:
                pieces += text[done:begin], json.dumps(text[begin : mark.end()])
                done = mark.end()
            depth -= 1
    return "".join([*pieces, text[done:]])


def json_safe(value: Any) -> Any:
    """The value as it can be stored, shown and sent: NaN and infinities are None, half surrogate pairs U+FFFD.

    Args:
        value: what :func:`read_json` gave with ``max_depth``.
    """
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, dict):
        return {json_safe(name): json_safe(item) for name, item in value.items()}
    if isinstance(value, list):
        return [json_safe(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
