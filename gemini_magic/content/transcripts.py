"""The text of an answer: text parts and transcripts of speech."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..text import one_line
from .parts import Part, Text, Transcript

__all__ = ["TranscriptWriter", "spoken_text"]

_SPEAKER = 80  # characters of a speaker's label in the text
_MARKUP = re.compile(r"[*_\\`\[\]<>]")


class TranscriptWriter:
    """Writes transcripts as text: a paragraph for each turn of a speaker, with the speaker's label in bold."""

    def __init__(self) -> None:
        self._last: Transcript | None = None
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
        if last is None or part.speaker != last.speaker:
            gap = "\n\n" if last is not None or follows_text else ""
            label = _MARKUP.sub("", one_line(part.speaker))[:_SPEAKER].strip() if part.speaker else ""
        elif not (self._ends_with_space or part.text[0].isspace()):
            # Pieces of one utterance arrive with their spaces; utterances do not.
            whole = last.finished or last.end is not None or part.start is not None
            gap = " " if whole else ""
        self._ends_with_space = part.text[-1].isspace()
        return f"{gap}**{label}:** {part.text.lstrip()}" if label else f"{gap}{part.text}"


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
