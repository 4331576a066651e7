"""How much of a very long answer is shown, and which images; it knows the text and nothing of how it looks.

A page, a saved notebook and an interrupt all suffer from an answer without end, so a view takes the beginning only.
The response holds all of it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from ..ledger import Ledger
from ..markdown import Images

__all__ = ["MAX_CHARACTERS", "MAX_HTML", "Excerpt", "TruncatedText", "truncation_notice"]

# Characters of an answer, and of its thoughts. The longest answers of today's models have 65,536 tokens, some 300,000.
MAX_CHARACTERS: Final = 500_000
MAX_HTML: Final = 2_000_000  # characters: some texts make thirty of one
_LINE_COST: Final = 8  # a line or a table's cell costs a page as much as so many characters more
_ZONE: Final = 5_000  # the cut is made at a line end if there is one in the last characters


def _cost(text: str) -> int:
    return len(text) + _LINE_COST * (text.count("\n") + text.count("|"))


class TruncatedText(NamedTuple):
    """A text at one moment, or the beginning of a very long one.

    Attributes:
        name: which text of the ledger.
        text: what is shown of it.
        length: characters of the whole text.
        cut: whether the whole text is longer than what is shown.
    """

    name: Literal["answer", "thoughts"]
    text: str
    length: int
    cut: bool

    def shortened(self, length: int) -> TruncatedText:
        """The first ``length`` characters, or a few less so that the text ends at a line end."""
        text = self.text[:length]
        return self._replace(text=text[: text.rfind("\n", max(0, length - _ZONE)) + 1 or length], cut=True)

    @property
    def cut_note(self) -> str:
        """A sentence that says how much is not shown; empty if everything is."""
        if not self.cut:
            return ""
        of = "" if self.name == "answer" else " of the thoughts"
        held = "text" if self.name == "answer" else "thoughts"
        return (
            f"Only the first {len(self.text):,} of {self.length:,} characters{of} are shown. "
            f"The response's `{held}` has all of them."
        )


class Excerpt:
    """The beginning of a growing text, as a growing list of pieces; cut at a line end where there is one.

    A line that may have to be cut is held back until it is complete, or the ledger closed.

    Args:
        ledger: the record.
        name: whose text.

    Attributes:
        images: those that may be drawn in it.
        cut: whether there is more; ``stopped``: whether that is so because of its HTML.
    """

    def __init__(self, ledger: Ledger, name: Literal["answer", "thoughts"]) -> None:
        self.images = Images.parse(ledger.look.images)
        self._ledger = ledger
        self._source: list[str] = getattr(ledger, name)
        self._name: Literal["answer", "thoughts"] = name
        self._cursor = 0
        self._pieces: list[str] = []
        self._room = MAX_CHARACTERS
        self._held = ""
        self._ended_a_line = False  # within the zone
        self.cut = self.stopped = False

    def __len__(self) -> int:
        self._read_new()
        return len(self._pieces)

    def __getitem__(self, place: slice) -> list[str]:
        self._read_new()
        return self._pieces[place]

    @property
    def text(self) -> str:
        """What is shown, in one."""
        return "".join(self[:])

    def stop(self) -> None:
        """Take no more, whatever there is room for: its HTML is too long."""
        self.cut = self.stopped = True

    def truncated(self) -> TruncatedText:
        """What is shown now, and how much is not."""
        text = self.text
        return TruncatedText(
            self._name, text, sum(map(len, list(self._source))) if self.cut else len(text), self.cut
        )

    def _read_new(self) -> None:
        if self.cut:
            return
        over = self._ledger.status != "running"  # asked first: then nothing follows what is read now
        new = self._source[self._cursor :]
        self._cursor += len(new)
        self.cut = any(self._add_or_cut(piece) for piece in new)
        if over and self._held and not self.cut:
            self._release(len(self._held))

    def _add_or_cut(self, piece: str) -> bool:
        """Take a piece, or what there is room for; whether that is not all."""
        room = self._room
        if not self._held and _cost(piece) + _ZONE <= room:
            self._pieces.append(piece)
            self._room -= _cost(piece)
            return False
        self._held += piece
        fits = _fitting_length(self._held, room)
        zone = _fitting_length(self._held, max(0, room - _ZONE))
        if fits < len(self._held):
            end = self._held.rfind("\n", zone, fits) + 1
            self._release(end or (0 if self._ended_a_line else fits))
            return True
        end = self._held.rfind("\n", 0, fits) + 1
        end = max(zone, end)
        self._ended_a_line = self._ended_a_line or self._held[:end].endswith("\n")
        self._release(end)
        return False

    def _release(self, end: int) -> None:
        piece, self._held = self._held[:end], self._held[end:]
        if piece:
            self._pieces.append(piece)
            self._room -= _cost(piece)


def _fitting_length(text: str, room: int) -> int:
    """How many characters of a text there is room for."""
    low, high = 0, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        if middle + _LINE_COST * (text.count("\n", 0, middle) + text.count("|", 0, middle)) <= room:
            low = middle
        else:
            high = middle - 1
    return low


def truncation_notice(*excerpts: Excerpt) -> str:
    """The same in a few words, while it still grows."""
    return "too long, the rest is not shown" if any(excerpt.cut for excerpt in excerpts) else ""
