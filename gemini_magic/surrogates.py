"""Surrogates in text: pairs that a stream cut in two are joined, lone ones replaced.

JSON may hold halves of a pair (RFC 8259, section 8.2), which no encoding, table or page can take.
"""

from __future__ import annotations

__all__ = ["Joiner", "clean"]


def clean(text: str) -> str:
    """The text with pairs joined and lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Joiner:
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
        return clean(text)

    def flush(self) -> str:
        """What stands for a half that never found its other half."""
        held, self._held = self._held, ""
        return "�" if held else ""
