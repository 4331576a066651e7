"""Truncates very long answers: a view shows the beginning only. The response has the whole text.

An endless answer would make the page slow, the saved notebook large, and an interrupt late.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from ..ledger import Ledger
from ..markdown import Images

__all__ = [
    "AFTER_STOP",
    "MAX_CHARACTERS",
    "MAX_HTML",
    "Excerpt",
    "TruncatedText",
    "first_characters",
    "truncation_notice",
    "was_stopped",
]

# Characters of an answer, and of its thoughts. The longest answers of today's models have 65,536 tokens, some 300,000.
MAX_CHARACTERS: Final = 500_000
MAX_HTML: Final = 2_000_000  # characters; some texts have thirty characters of HTML for each of their own
# Characters that are rendered after an answer was stopped, besides those that are rendered already.
AFTER_STOP: Final = 5_000
_LINE_COST: Final = 8  # a line or a table cell costs the page as much as so many characters
_LONGEST_PIECE: Final = (
    4_000  # characters of a delta; a longer one is divided, so that a view can render it step by step
)
_ZONE: Final = 5_000  # the text is cut at a line end if there is one in this many last characters


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
        """A sentence with the amount of text that is not shown; empty if all of it is shown."""
        if not self.cut:
            return ""
        of = "" if self.name == "answer" else " of the thoughts"
        attribute = "text" if self.name == "answer" else "thoughts"
        return (
            f"Only the first {len(self.text):,} of {self.length:,} characters{of} are shown. "
            f"The response's `{attribute}` has all of them."
        )


class Excerpt:
    """The beginning of a growing text, as a growing list of deltas, cut at a line end if there is one.

    A line that may have to be cut is kept back until the line is complete or the ledger is closed.

    Args:
        ledger: the record.
        name: which text of the ledger.

    Attributes:
        images: which images may be shown in it.
        cut: whether the whole text is longer than the excerpt.
        stopped: whether the excerpt was ended by :meth:`stop`.
    """

    def __init__(self, ledger: Ledger, name: Literal["answer", "thoughts"]) -> None:
        self.images = Images.parse(ledger.display.images)
        self._ledger = ledger
        self._source: list[str] = getattr(ledger, name)
        self._name: Literal["answer", "thoughts"] = name
        self._cursor = 0
        self._pieces: list[str] = []
        self._room = MAX_CHARACTERS
        self._kept_back = ""
        self._ended_a_line = False  # in the last _ZONE characters
        self.cut = self.stopped = False

    def __len__(self) -> int:
        self._read_new()
        return len(self._pieces)

    def __getitem__(self, place: slice) -> list[str]:
        self._read_new()
        return self._pieces[place]

    @property
    def text(self) -> str:
        """The text of the excerpt in one string."""
        return "".join(self[:])

    def stop(self) -> None:
        """End the excerpt here, because its HTML is too long."""
        self.cut = self.stopped = True

    def shorten(self, length: int) -> None:
        """End the excerpt after so many characters; the deltas before stay as they are."""
        kept = 0
        for number, piece in enumerate(self._pieces):
            kept += len(piece)
            if kept >= length:
                self._pieces[number:] = [piece[: len(piece) - kept + length]]
                break
        self._kept_back = ""
        self.cut = True

    def truncated(self) -> TruncatedText:
        """The excerpt at this moment."""
        text = self.text
        length = sum(map(len, list(self._source))) if self.cut else len(text)
        return TruncatedText(self._name, text, length, self.cut)

    def _read_new(self) -> None:
        if self.cut:
            return
        ended = self._ledger.status != "running"  # read before the text: none is added after the end
        new = self._source[self._cursor :]
        self._cursor += len(new)
        if not self._kept_back and new:
            cost = _cost("".join(new))
            if cost + _ZONE <= self._room and max(map(len, new)) <= _LONGEST_PIECE:
                self._pieces += new
                self._room -= cost
                return
        self.cut = any(self._add_or_cut(piece) for piece in new)
        if ended and self._kept_back and not self.cut:
            self._release(len(self._kept_back))

    def _add_or_cut(self, piece: str) -> bool:
        """Add a delta, or the part of it that fits; return whether the rest was cut."""
        room = self._room
        if not self._kept_back and _cost(piece) + _ZONE <= room:
            self._append(piece)
            return False
        self._kept_back += piece
        fits = _fitting_length(self._kept_back, room)
        zone = _fitting_length(self._kept_back, max(0, room - _ZONE))
        if fits < len(self._kept_back):
            end = self._kept_back.rfind("\n", zone, fits) + 1
            self._release(end or (0 if self._ended_a_line else fits))
            return True
        end = self._kept_back.rfind("\n", 0, fits) + 1
        end = max(zone, end)
        self._ended_a_line = self._ended_a_line or self._kept_back[:end].endswith("\n")
        self._release(end)
        return False

    def _release(self, end: int) -> None:
        piece, self._kept_back = self._kept_back[:end], self._kept_back[end:]
        if piece:
            self._append(piece)

    def _append(self, piece: str) -> None:
        self._pieces += [piece[at : at + _LONGEST_PIECE] for at in range(0, len(piece), _LONGEST_PIECE)]
        self._room -= _cost(piece)


def _fitting_length(text: str, room: int) -> int:
    """The number of characters of a text that fit."""
    low, high = 0, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        if middle + _LINE_COST * (text.count("\n", 0, middle) + text.count("|", 0, middle)) <= room:
            low = middle
        else:
            high = middle - 1
    return low


def truncation_notice(*excerpts: Excerpt) -> str:
    """A short text for the status line if an excerpt is cut; else empty."""
    return "too long, the rest is not shown" if any(excerpt.cut for excerpt in excerpts) else ""


def was_stopped(ledger: Ledger) -> bool:
    """Whether the user has stopped the answer, and so does not want to wait for its rendering."""
    return ledger.cause in ("interrupt", "stop")


def first_characters(ledger: Ledger) -> dict[str, TruncatedText]:
    """The beginning of the texts of an answer of which nothing is rendered yet, for a user who does not want to wait.

    Returns:
        What is shown of the texts of which something is left out, by their names in the ledger.
    """
    texts = (Excerpt(ledger, "answer").truncated(), Excerpt(ledger, "thoughts").truncated())
    return {each.name: each.shortened(AFTER_STOP) for each in texts if len(each.text) > AFTER_STOP}
