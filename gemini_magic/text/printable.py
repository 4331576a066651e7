r"""Cleans text for terminals, plain-text fields and pages: no text from a server or a file can control them.

Everything that this package prints, and every ``repr``, passes through one of these functions.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["one_line", "reveal", "reveal_all", "short_line", "shortened", "visible", "without_escapes"]

_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_BIDI = "\u202a-\u202e\u2066-\u2069"
_TAGS = "\U000e0000-\U000e007f"
# The flags of England, Scotland and Wales are a black flag, tag letters and a cancel tag: no hidden text.
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_HIDDEN: Final = re.compile(f"({_FLAG})|([{_CONTROLS}])|([{_BIDI}{_TAGS}])")
# What takes no room although its category does not say so: fillers, the blank Braille pattern, variation selectors.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0") | {
    chr(code)
    for bounds in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for code in range(bounds[0], bounds[1] + 1)
}
_UNUSABLE: Final = re.compile("[\x00\ud800-\udfff]")
_ESCAPES: Final = re.compile(
    "\x1b(?:\\[[0-?]{0,60}[ -/]{0,4}[@-~]|\\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\\\)|[()][0-9A-B]|[=>78cDEHMNOZ])"
)
_NEWLINES: Final = re.compile(r"\r\n?")
_SPACES: Final = re.compile(r"\s+")


def _revealed(match: re.Match[str]) -> str:
    flag, control, hidden = match.groups()
    if flag:
        return str(flag)
    if control:
        return " " if control in "\x0b\x0c" else ""
    return f"⟨U+{ord(hidden):04X}⟩"


def reveal(text: str) -> str:
    """Drop control characters except newline and tab; show bidi controls and tag characters as ``⟨U+202E⟩``.

    A right-to-left override or an invisible tag character can make text read differently from what it is
    (Unicode Technical Report 36, section 2), so they are made visible.
    """
    return _HIDDEN.sub(_revealed, text)


def visible(text: str) -> str:
    r"""Return text that is safe in a terminal or a plain-text field: it cannot move the cursor or hide characters.

    Every line end becomes ``\n``, as a lone carriage return would overwrite its line. NUL and lone surrogates become
    U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    return reveal(_UNUSABLE.sub("\ufffd", _NEWLINES.sub("\n", text)))


def without_escapes(text: str) -> str:
    """Return the output of a program without the escape sequences with which it colors a terminal (ECMA-48).

    Each sequence is removed as a whole: without its first character, the rest of it would be shown as text.
    """
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def one_line(value: object) -> str:
    """Return the text of a value as :func:`visible` does, on one line."""
    return _SPACES.sub(" ", visible(str(value)))


def shortened(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters: a longer one is cut and ends with an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def short_line(text: str, limit: int) -> str:
    """Return the beginning of a text as :func:`one_line` does, with at most ``limit`` characters."""
    line = one_line(text[: limit + 1]).strip()
    return line if len(line) <= limit and len(text) <= limit else f"{line[: limit - 1]}…"


def reveal_all(text: str) -> str:
    """Return text in which every character that is not seen is shown as ``⟨U+200B⟩``, for a person who decides about it.

    That is every control, format, private and unassigned character, every space but the common one, and what else is blank.
    Unlike :func:`visible`, it leaves no joiner in emoji and drops nothing but carriage returns before line feeds.
    """
    text = text.replace("\r\n", "\n")
    return text if text.isascii() and text.isprintable() else "".join(map(_seen, text))


def _seen(character: str) -> str:
    if character == "\n" or (character.isprintable() and character not in _BLANK):
        return character
    return f"⟨U+{ord(character):04X}⟩"
