"""Text that is safe to print and to parse, whatever a server or a file wrote into it."""

from __future__ import annotations

from .lenient_json import MAX_DEPTH, SurrogateJoiner, json_safe, read_json, replace_surrogates
from .printable import one_line, reveal, reveal_all, short_line, shortened, visible, without_escapes

__all__ = [
    "MAX_DEPTH",
    "SurrogateJoiner",
    "json_safe",
    "one_line",
    "read_json",
    "replace_surrogates",
    "reveal",
    "reveal_all",
    "short_line",
    "shortened",
    "visible",
    "without_escapes",
]
