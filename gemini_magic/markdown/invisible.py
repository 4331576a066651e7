"""Marks invisible characters in code, where they make an identifier or a string differ from what it looks like.

A mark is an element around the character; the style sheet shows the title before it. The text, and so a copy of the code, stays
exact. Outside code such characters are part of scripts and emoji, and are not marked.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["invisible_characters", "mark_invisible"]

_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
# A tag, or a variation selector or joiner that is not part of an emoji, or another character without a shape.
_TAG_OR_INVISIBLE: Final = re.compile(
    r"<(?P<end>/?)(?P<name>[a-z][a-z0-9]*)(?P<rest>[^<>\"]*+(?:\"[^\"]*\"[^<>\"]*+)*)>"
    rf"|(?<![{_EMOJI}#*0-9])[\ufe0e\ufe0f]|(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])"
    "|[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u2060-\u2065\u206a-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U000e0100-\U000e01ef]"
)
_CANDIDATE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0100-\U000e01ef]"
)
_MARK: Final = "gm-u"


def invisible_characters(code: str) -> list[str]:
    """Return the invisible characters of code as ``U+200B``, each once, in the order of their appearance."""
    found = (match[0] for match in _TAG_OR_INVISIBLE.finditer(code.replace("<", " ")))
    return list(dict.fromkeys(f"U+{ord(character):04X}" for character in found))


def mark_invisible(html: str, *, in_code: bool = False) -> str:
    """Return HTML with a mark around every invisible character of its ``code`` elements. The sanitizer reads it afterwards.

    Args:
        html: from the parser; characters of attributes are not marked.
        in_code: whether it is the content of a ``code`` element.
    """
    if html.isascii() or not _CANDIDATE.search(html):
        return html
    depth, marked = int(in_code), False

    def replacement(match: re.Match[str]) -> str:
        nonlocal depth, marked
        if match["name"] is None:
            if not depth or marked:
                return match[0]
            return f'<span class="{_MARK}" title="U+{ord(match[0]):04X}">{match[0]}</span>'
        marked = _MARK in match["rest"]
        if match["name"] == "code":
            depth = max(0, depth + (-1 if match["end"] else 1))
        return match[0]

    return _TAG_OR_INVISIBLE.sub(replacement, html)
