"""Checks whether bytes are one complete JSON value, and how many brackets they leave open. Builds no Python values."""

from __future__ import annotations

import json

import msgspec

__all__ = ["clean_utf8", "is_json", "mask_escapes", "open_brackets"]

_check = msgspec.json.Decoder(msgspec.Raw).decode
_tolerant = json.JSONDecoder(
    parse_int=str, parse_float=str
)  # accepts numbers of any length, and does not convert them


def is_json(text: bytes) -> bool:
    r"""Whether ``text`` is exactly one JSON value, with or without white space around it.

    NaN, Infinity and lone surrogates such as ``\ud800`` are accepted. So are bytes inside strings that are not UTF-8;
    :func:`clean_utf8` replaces them.
    """
    try:
        _check(text)
    except msgspec.DecodeError:
        pass
    except RecursionError:
        # Nested too deeply for any parser, so only the brackets are checked; the upper levels may hold an answer.
        return open_brackets(text) == (0, False)
    else:
        return True
    # msgspec follows RFC 8259. Text that only the standard library accepts always contains one of these.
    if b"\\u" not in text and b"NaN" not in text and b"Infinity" not in text:
        return False
    try:
        _tolerant.decode(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True


def clean_utf8(text: bytes) -> bytes:
    """``text`` itself if it is UTF-8; otherwise a copy with each bad sequence replaced by U+FFFD (WHATWG Encoding)."""
    if text.isascii():
        return text
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode()
    return text


def mask_escapes(text: bytes) -> bytes:
    r"""``text`` with ``\\`` and ``\"`` replaced by as many other bytes, so that every quote left delimits a string."""
    if b"\\" not in text:
        return text
    return text.replace(b"\\\\", b"__").replace(b'\\"', b"__")


def open_brackets(line: bytes) -> tuple[int, bool]:
    """How many brackets ``line`` leaves open (negative if it closes more), and whether it ends inside a string."""
    parts = mask_escapes(line).split(b'"')
    outside = b"".join(parts[::2])
    opened = outside.count(b"{") + outside.count(b"[")
    return opened - outside.count(b"}") - outside.count(b"]"), len(parts) % 2 == 0
