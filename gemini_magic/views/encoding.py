r"""Writes text to streams whose encoding lacks some characters, such as a Windows console with cp1252.

A symbol becomes similar ASCII characters; any other character becomes an escape such as ``\u4f60``, as
IPython writes it.
"""

from __future__ import annotations

import codecs
from typing import TextIO

__all__ = ["similar_text", "write_text"]

_ERRORS = "gemini_magic.similar"
_SIMILAR = str.maketrans(
    "✓✕⚠■·—–•‘’“”─━│┃┌┐└┘├┤┬┴┼╭╮╰╯═║╔╗╚╝▌▏",
    "+x!#---*''\"\"--||+++++++++++++=|++++||",
) | str.maketrans({"…": "...", "→": "->"})


def _similar(error: UnicodeError) -> tuple[str, int]:
    """The error handler of :func:`similar_text`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(_replacement(character) for character in found), error.end


def _replacement(character: str) -> str:
    similar = character.translate(_SIMILAR)
    return similar if similar.isascii() else similar.encode("ascii", "backslashreplace").decode()


codecs.register_error(_ERRORS, _similar)


def similar_text(text: str, out: TextIO) -> str:
    """The text with all characters replaced that a stream cannot encode.

    Args:
        text: the text.
        out: the stream; one without an encoding accepts every character.
    """
    encoding = getattr(out, "encoding", None)
    if not encoding or text.isascii():
        return text
    try:
        return text.encode(encoding, _ERRORS).decode(encoding)
    except (LookupError, UnicodeError):  # an encoding that Python does not know
        return text


def write_text(out: TextIO, text: str) -> None:
    """Write a text to a stream, with the characters replaced that the stream cannot encode.

    A stream that replaces them itself, by its ``errors``, is left to do so.
    """
    try:
        out.write(text)
    except UnicodeEncodeError:
        out.write(similar_text(text, out))
