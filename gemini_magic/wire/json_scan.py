"""Checks whether bytes are one complete JSON value, and how many brackets they leave open. Builds no Python values."""

from __future__ import annotations

import json
import re

import msgspec

__all__ = ["clean_utf8", "escape_controls", "is_json", "is_standard_json", "mask_escapes", "open_brackets"]

_check = msgspec.json.Decoder(msgspec.Raw).decode
# Accepts raw control characters in strings, and numbers of any length, which it does not convert.
_tolerant = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)
_CONTROLS = bytes(range(0x20))
_CONTROL = re.compile(rb"[\x00-\x1f]")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SHORT_ESCAPES = {b"\t": rb"\t", b"\n": rb"\n", b"\r": rb"\r"}


def is_standard_json(text: bytes) -> bool:
    """Whether ``text`` is exactly one JSON value as RFC 8259 defines it."""
    try:
        _check(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def is_json(text: bytes) -> bool:
    r"""Whether ``text`` is exactly one JSON value, with or without white space around it.

    NaN, Infinity and lone surrogates such as ``\ud800`` are accepted. So are raw control characters and bytes that are
    not UTF-8 inside strings; :func:`escape_controls` and :func:`clean_utf8` replace them.
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
    if b"\\u" not in text and b"NaN" not in text and b"Infinity" not in text and not _has_controls(text):
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


def escape_controls(text: bytes) -> bytes:
    r"""``text`` itself if it is standard JSON; otherwise a copy with the control characters in strings escaped.

    A raw line feed in a string becomes ``\n``, as a correct server would have sent it.

    Args:
        text: one JSON value, as :func:`is_json` accepts it.
    """
    if is_standard_json(text) or not _has_controls(text):
        return text
    escaped = _STRING.sub(_escape_string, text)
    return text if escaped == text else escaped


def _has_controls(text: bytes) -> bool:
    return len(text.translate(None, _CONTROLS)) < len(text)


def _escape_string(found: re.Match[bytes]) -> bytes:
    return _CONTROL.sub(_escape, found[0])


def _escape(found: re.Match[bytes]) -> bytes:
    return _SHORT_ESCAPES.get(found[0]) or rb"\u%04x" % found[0][0]


def mask_escapes(text: bytes) -> bytes:
    r"""``text`` with ``\\`` and ``\"`` replaced by as many other bytes, so that every quote left delimits a string."""
    if b"\\" not in text:
        return text
    return text.replace(b"\\\\", b"__").replace(b'\\"', b"__")


def open_brackets(line: bytes, *, in_string: bool = False) -> tuple[int, bool]:
    """How many brackets ``line`` leaves open (negative if it closes more), and whether it ends inside a string.

    Args:
        line: the text.
        in_string: whether it begins inside a string.
    """
    parts = mask_escapes(line).split(b'"')
    outside = b"".join(parts[1 if in_string else 0 :: 2])
    opened = outside.count(b"{") + outside.count(b"[")
    return opened - outside.count(b"}") - outside.count(b"]"), (len(parts) % 2 == 0) != in_string
