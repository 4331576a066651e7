"""The growing text and parts of an answer, each joined once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock

from ..content import Part, PartJoiner, Text, encodable
from ..lazy import LazySequence
from .repetition import STEP, RepetitionDetector

__all__ = ["Parts", "TextPieces", "restore_part"]


class TextPieces(list[str]):
    """The pieces of a text, append-only. Reading the whole text again copies only what was added since.

    Attributes:
        phrase: the phrase that the end of the text repeats without end; empty if there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.phrase = ""
        self._joined: tuple[int, str] = 0, ""  # how many pieces, and their text
        self._detector = RepetitionDetector()
        self._seen = 0  # pieces that the detector has
        self._unseen = 0  # characters of the others

    def append(self, piece: str) -> None:
        """Append a piece."""
        list.append(self, piece)
        self._unseen += len(piece)
        if self._unseen >= STEP:
            self._detector.add("".join(self[self._seen :]))
            self._seen, self._unseen = len(self), 0
            self.phrase = self._detector.phrase

    @property
    def text(self) -> str:
        """The pieces joined."""
        count, text = self._joined
        new = self[count:]
        if new:
            text = "".join([text, *new])
            self._joined = count + len(new), text
        return text


class Parts(LazySequence[Part]):
    """Parts in order, append-only; text without a signature, which is most of an answer, is stored as a string."""

    def __init__(self) -> None:
        self._stored: list[Part | str] = []
        self._ends: list[int] = []  # of rounds
        self._joiner = PartJoiner()
        self._joined: tuple[int, tuple[Part, ...]] = 0, ()  # how many parts, and these joined
        self._joining = Lock()

    def __getstate__(self) -> tuple[list[Part | str], list[int]]:
        return self._stored, self._ends

    def __setstate__(self, state: tuple[list[Part | str], list[int]]) -> None:
        self.__init__()  # type: ignore[misc] # the lock and what is joined are not stored
        self._stored, self._ends = state

    def append(self, part: Part) -> None:
        """Append a part."""
        self._stored.append(part.text if type(part) is Text and part.signature is None else part)

    def joined(self) -> tuple[Part, ...]:
        """The parts as :func:`~gemini_magic.content.join_parts` joins them, encodable. Reading them again joins only what was added since."""
        with self._joining:
            count, parts = self._joined
            new = self._stored[count:]
            if new:
                ends = set(self._ends)
                for position, part in enumerate(new, count):
                    if position in ends:
                        self._joiner.end()
                    self._joiner.add(restore_part(part))
                parts = encodable(self._joiner.parts())
                self._joined = count + len(new), parts
            return parts

    def has(self, kinds: tuple[type, ...], start: int = 0) -> bool:
        """Whether there is a part of these kinds from position ``start`` on; they are no kinds of text."""
        stored = self._stored[start:] if start else self._stored
        return any(isinstance(part, kinds) for part in stored if type(part) is not str)

    def end_round(self) -> None:
        """End a round: the next part is not joined with the parts before it."""
        self._ends.append(len(self._stored))

    def __len__(self) -> int:
        return len(self._stored)

    def _items(self, rows: Sequence[int]) -> Iterator[Part]:
        return (restore_part(self._stored[row]) for row in rows)


def restore_part(stored: Part | str) -> Part:
    """Return a part from its compact form: a text without a signature is stored as its string."""
    return Text(stored) if isinstance(stored, str) else stored
