"""Notices that a model repeats one token or phrase without end, while its text arrives."""

from __future__ import annotations

from typing import Final

from ..events import Note

__all__ = ["REPETITION", "STEP", "RepetitionDetector", "note_repetition"]

REPETITION: Final = "endless-repetition"
"""The kind of the note."""

# A text repeats itself if so many characters at its end are one phrase again and again. They are more than the rule of
# a table, a line of dashes or a row of zeros in code has.
_LENGTH: Final = 3_000  # characters at least
_TIMES: Final = 6  # that the phrase is there at least
_LONGEST: Final = 1_000  # characters of the phrase
_WINDOW: Final = _TIMES * _LONGEST
STEP: Final = (
    500  # new characters after which the end is looked at again, so that a character costs a constant time
)
_PROBE: Final = 100  # characters at the very end whose place before that is looked for
_PLACES: Final = 8  # that are tried
_SHOWN: Final = 60  # characters of the phrase in the note


class RepetitionDetector:
    """Looks at the end of a growing text.

    Attributes:
        phrase: the phrase that the end of the text repeats; empty if there is none.
    """

    def __init__(self) -> None:
        self.phrase = ""
        self._end = ""
        self._new: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """Add a piece of the text."""
        self._new.append(text)
        self._size += len(text)
        if self._size >= STEP:
            self._end = (self._end + "".join(self._new))[-_WINDOW:]
            self._new.clear()
            self._size = 0
            self.phrase = _repeated_phrase(self._end)


def note_repetition(phrase: str, chunk: int) -> Note:
    """Return the note about a phrase that is repeated, found in a chunk."""
    shown = f"{phrase[:_SHOWN]!r}{'…' if len(phrase) > _SHOWN else ''}"
    characters = "one character" if len(phrase) == 1 else f"{len(phrase)} characters"
    return Note(REPETITION, f"The model repeats {characters} again and again: {shown}.", "warning", chunk)


def _repeated_phrase(text: str) -> str:
    """Return the shortest phrase that the end of a text repeats, as it begins last; ``""`` if there is none."""
    if len(text) < _LENGTH:
        return ""
    probe, place = text[-_PROBE:], len(text) - _PROBE
    for _ in range(_PLACES):
        place = text.rfind(probe, max(0, len(text) - _PROBE - _LONGEST), place + _PROBE - 1)
        if place < 0:
            break
        period = len(text) - _PROBE - place
        end = text[-max(_LENGTH, _TIMES * period) :]
        if len(end) >= _TIMES * period and end[period:] == end[:-period]:
            return end[-period:]
    return ""
