"""Conversations: turns so far, appended, replaced, branched and trimmed.

An entry is one question with its answer, under the key of the cell that asked it, so that running a cell again
replaces what it said before. This module does not ask, and does not know what a cell is: a key is any value.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from .content import Opaque, Part, Text, Thought, Turn, encodable
from .events import Status

__all__ = ["Conversation", "ConversationEntry", "answer_turn"]


class ConversationEntry(NamedTuple):
    """One question and its answer.

    Attributes:
        turns: the user's turn, the model's, and whatever tools added between.
        status: how the answer ended; a partial answer is kept as it is.
        key: whose question it was, None when nobody can ask it again.
    """

    turns: tuple[Turn, ...]
    status: Status = "complete"
    key: Hashable = None


class Conversation:
    """A named list of entries, oldest first."""

    def __init__(self, name: str = "", entries: Sequence[ConversationEntry] = ()) -> None:
        self.name = name
        self.entries: list[ConversationEntry] = list(entries)

    def __len__(self) -> int:
        """How many questions were answered."""
        return len(self.entries)

    def __repr__(self) -> str:
        return f"<Conversation {self.name or 'without a name'}: {len(self)} questions>"

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, oldest first."""
        return tuple(turn for entry in self.entries for turn in entry.turns)

    def before(self, key: Hashable) -> tuple[Turn, ...]:
        """What was said before the entry with this key; everything when there is none (or the key is None)."""
        position = self._position(key)
        return Conversation(self.name, self.entries[:position]).turns

    def append(self, turns: Sequence[Turn], *, status: Status = "complete", key: Hashable = None) -> None:
        """Add a question and its answer at the end."""
        self.entries.append(ConversationEntry(tuple(turns), status, key))

    def put(self, turns: Sequence[Turn], *, status: Status = "complete", key: Hashable = None) -> None:
        """Replace the entry with this key where it stands, or append it when there is none."""
        position = self._position(key)
        if position is None:
            self.append(turns, status=status, key=key)
        else:
            self.entries[position] = ConversationEntry(tuple(turns), status, key)

    def branch(self, name: str, upto: int | None = None) -> Conversation:
        """A new conversation that shares the first ``upto`` questions (all by default)."""
        return Conversation(name, self.entries[:upto])

    def trim(self, keep: int) -> None:
        """Forget all but the newest ``keep`` questions."""
        del self.entries[: max(0, len(self.entries) - keep)]

    def clear(self) -> None:
        """Forget everything that was said."""
        self.entries.clear()

    def _position(self, key: Hashable) -> int | None:
        if key is None:
            return None
        return next((at for at, entry in enumerate(self.entries) if entry.key == key), None)


def answer_turn(parts: Sequence[Part]) -> Turn | None:
    """The model's turn as it has to be sent back, or None when the answer holds nothing to send.

    Text that came in many pieces is joined. A part with a signature stays a part of its own with its signature,
    as the Gemini API asks ("Thought signatures": return each in the part it came with); summaries of thoughts
    without one are left out, and so are parts that say nothing.
    """
    kept: list[Part] = []
    joined: list[str] = []
    for part in parts:
        if (isinstance(part, Thought) and part.signature is None) or part == Opaque({}):
            continue
        if isinstance(part, Text) and part.signature is None:
            joined.append(part.text)
            continue
        kept += _said(joined)
        joined.clear()
        kept.append(part)
    kept += _said(joined)
    return Turn("model", encodable(kept)) if kept else None


def _said(pieces: Sequence[str]) -> list[Part]:
    """Pieces of text as one part; none when they say nothing."""
    text = "".join(pieces)  # at once: a long answer has a million pieces
    return [Text(text)] if text else []
