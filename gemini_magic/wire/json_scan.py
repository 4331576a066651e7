"""Knows whether bytes are one complete JSON value, and how far its brackets are open.

It does not know about streams, lines or events, and builds no Python values from what it checks.
"""

from __future__ import annotations

import json

import msgspec

__all__ = ["clean_utf8", "is_json", "mask_escapes", "open_brackets"]

_check = msgspec.json.Decoder(msgspec.Raw).decode
_tolerant = json.JSONDecoder(parse_int=str, parse_float=str)  # numbers of any length, at no cost


def is_json(text: bytes) -> bool:
    r"""Whether ``text`` is exactly one JSON value, spaces around it allowed; NaN and ``\ud800`` pass too.

    Bytes that are not UTF-8 pass inside strings; :func:`clean_utf8` replaces them.
    """
    try:
        _check(text)
    except msgspec.DecodeError:
        pass
    except RecursionError:
        # Deeper than any reader goes, so that its brackets have to say it; what is above may be an answer.
        return open_brackets(text) == (0, False)
    else:
        return True
    # msgspec keeps to RFC 8259; what the standard library reads beyond it always shows one of these.
    if b"\\u" not in text and b"NaN" not in text and b"Infinity" not in text:
        return False
    try:
        _tolerant.decode(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True


def clean_utf8(text: bytes) -> bytes:
    """``text`` itself when it is UTF-8, else with each bad sequence replaced by U+FFFD as WHATWG Encoding says."""
    if text.isascii():
        return text
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode()
    return text


def mask_escapes(text: bytes) -> bytes:
    r"""``text``, equally long, with ``\\`` and ``\"`` blotted out, so that every quote left is a real one."""
    if b"\\" not in text:
        return text
    return text.replace(b"\\\\", b"__").replace(b'\\"', b"__")


def open_brackets(line: bytes) -> tuple[int, bool]:
    """How many brackets ``line`` leaves open (negative: closes), and whether it ends inside a string."""
    parts = mask_escapes(line).split(b'"')
    outside = b"".join(parts[::2])
    opened = outside.count(b"{") + outside.count(b"[")
    return opened - outside.count(b"}") - outside.count(b"]"), len(parts) % 2 == 0
