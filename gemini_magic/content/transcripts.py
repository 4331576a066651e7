"""The text of an answer: text parts and transcripts of speech."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..text import one_line
from .parts import Part, Text, Transcript

__all__ = ["TranscriptWriter", "spoken_text"]

_SPEAKER = 80  # characters of a speaker's label in the text
_PARAGRAPH = 60.0  # seconds after which an utterance begins a new paragraph
_MINUTE = 60  # seconds, and minutes of an hour
_LATEST = 360_000.0  # seconds; a later time is not shown
_MARKUP = re.compile(r"[*_\\`\[\]<>]")


class TranscriptWriter:
    """Writes transcripts as text: a paragraph for each turn of a speaker, with the speaker and the time in bold.

    A turn that goes on gets a new paragraph after a minute. Without a speaker, the text begins with no label.
    """

    def __init__(self) -> None:
        self._last: Transcript | None = None
        self._began = 0.0  # the time at which the paragraph begins
        self._ends_with_space = True

    def add(self, part: Transcript, *, follows_text: bool = False) -> str:
        """Return the text of the next part, with what separates it from the part before.

        Args:
            part: the part.
            follows_text: whether the answer has text before its first transcript.
        """
        if not part.text:
            return ""
        last, self._last = self._last, part
        gap, label = "", ""
        if last is None or part.speaker != last.speaker or self._is_late(part, last):
            gap = "\n\n" if last is not None or follows_text else ""
            label = _label(part)
            self._began = part.start or self._began
        elif not (self._ends_with_space or part.text[0].isspace()):
            # Pieces of one utterance arrive with their spaces; utterances do not.
            gap = " " if _is_apart(part, last) else ""
        self._ends_with_space = part.text[-1].isspace()
        return f"{gap}**{label}:** {part.text.lstrip()}" if label else f"{gap}{part.text}"

    def _is_late(self, part: Transcript, last: Transcript) -> bool:
        """Whether an utterance begins long after the paragraph began."""
        return _is_apart(part, last) and part.start is not None and part.start >= self._began + _PARAGRAPH


def _is_apart(part: Transcript, last: Transcript) -> bool:
    """Whether a part is an utterance by itself, and not the next piece of the one before."""
    return bool(last.finished) or last.end is not None or part.start is not None


def _label(part: Transcript) -> str:
    """The speaker and the time of a paragraph; empty if neither is known, and for the beginning without a speaker."""
    speaker = _MARKUP.sub("", one_line(part.speaker))[:_SPEAKER].strip() if part.speaker else ""
    time = "" if part.start is None or not 0 <= part.start < _LATEST else _clock(int(part.start))
    if not speaker:
        return time if part.start is not None and part.start >= 1 else ""
    return f"{speaker} ({time})" if time else speaker


def _clock(seconds: int) -> str:
    """A time as players show it: ``1:05``, ``2:00:07``."""
    minutes, rest = divmod(seconds, _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def spoken_text(parts: Iterable[Part]) -> str:
    """Return the text of an answer: its text parts and its transcripts, in order."""
    writer = TranscriptWriter()
    pieces: list[str] = []  # none of them is empty
    for part in parts:
        text = ""
        if isinstance(part, Text):
            text = part.text
        elif isinstance(part, Transcript):
            text = writer.add(part, follows_text=bool(pieces))
        if text:
            pieces.append(text)
    return "".join(pieces)
