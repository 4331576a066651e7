"""Conversations: their turns so far, to be appended, replaced, branched and trimmed.

An entry is one question with its answer. Its key identifies the cell that asked it, so that running a cell again
replaces the entry. A key can be any hashable value.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from .content import Blob, Call, CallResult, Opaque, Part, Text, Thought, Turn, encodable
from .events import Status
from .text import one_line

__all__ = ["Conversation", "ConversationEntry", "TurnNumber", "answer_open_calls", "answer_turn"]

_NOT_RUN: Final = {"error": "The function was not run."}


class ConversationEntry(NamedTuple):
    """One question and its answer.

    Attributes:
        turns: the user's turn, the model's turn, and the turns of tools between them.
        status: how the answer ended; a partial answer is stored as it is.
        key: identifies what asked the question; None if it cannot be asked again.
        stale: whether an earlier entry was replaced by a different one after this one was answered.
    """

    turns: tuple[Turn, ...]
    status: Status = "complete"
    key: Hashable = None
    stale: bool = False

    @property
    def sent_turns(self) -> tuple[Turn, ...]:
        """The turns to send again. A stale answer is stored on the server after another question than the present one."""
        return tuple(map(_without_id, self.turns)) if self.stale else self.turns


class TurnNumber(NamedTuple):
    """The place of a question in its conversation.

    Attributes:
        number: 1 for the first question.
        later: the number of questions after it.
        stale: the number of stale entries before it.
    """

    number: int
    later: int
    stale: int


class Conversation:
    """A named list of entries, oldest first."""

    def __init__(self, name: str = "", entries: Sequence[ConversationEntry] = ()) -> None:
        self.name = name
        self.entries: list[ConversationEntry] = list(entries)

    def __len__(self) -> int:
        """The number of questions."""
        return len(self.entries)

    def __repr__(self) -> str:
        return one_line(f"<Conversation {self.name or '(unnamed)'}: {len(self)} questions>")

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, oldest first."""
        return tuple(turn for entry in self.entries for turn in entry.sent_turns)

    def before(self, key: Hashable) -> tuple[Turn, ...]:
        """Return the turns before the entry with this key; all turns if there is no such entry or the key is None."""
        position = self._position(key)
        return Conversation(self.name, self.entries[:position]).turns

    def append(self, turns: Sequence[Turn], *, status: Status = "complete", key: Hashable = None) -> None:
        """Append a question and its answer."""
        self.entries.append(ConversationEntry(tuple(turns), status, key))

    def put(
        self, turns: Sequence[Turn], *, status: Status = "complete", key: Hashable = None
    ) -> tuple[Hashable, ...]:
        """Replace the entry with this key in its place, or append it if there is none.

        If the new entry is different, the entries after it become stale.

        Returns:
            The keys of the entries that have become stale.
        """
        position = self._position(key)
        if position is None:
            self.append(turns, status=status, key=key)
            return ()
        entry = ConversationEntry(tuple(turns), status, key)
        changed = self.entries[position].turns != entry.turns
        self.entries[position] = entry
        if not changed:
            return ()
        later = self.entries[position + 1 :]
        self.entries[position + 1 :] = [each._replace(stale=True) for each in later]
        return tuple(each.key for each in later if not each.stale)

    def turn_number(self, key: Hashable) -> TurnNumber:
        """Return the place of the entry with this key; the place at the end if there is no such entry."""
        position = self._position(key)
        at = len(self.entries) if position is None else position
        later = max(0, len(self.entries) - at - 1)
        return TurnNumber(at + 1, later, sum(entry.stale for entry in self.entries[:at]))

    def trim(self, keep: int) -> None:
        """Remove all but the newest ``keep`` questions."""
        removed = max(0, len(self.entries) - keep)
        if removed:  # the server still has the questions that are removed
            rest = self.entries[removed:]
            self.entries[:] = [each._replace(turns=tuple(map(_without_id, each.turns))) for each in rest]

    def clear(self) -> None:
        """Remove all questions and answers."""
        self.entries.clear()

    def _position(self, key: Hashable) -> int | None:
        if key is None:
            return None
        return next((at for at, entry in enumerate(self.entries) if entry.key == key), None)


def _without_id(turn: Turn) -> Turn:
    """The turn as it is sent itself, and not by the id under which a server stores it."""
    return turn if turn.stored is None or turn.is_reference else replace(turn, stored=None)


def answer_turn(parts: Sequence[Part]) -> Turn | None:
    """Return the model's turn to send back, or None if the answer has nothing to send.

    Adjacent texts are joined. A part with a signature stays separate and keeps the signature, as the Gemini API requires
    ("Thought signatures": return each signature in its own part). Thoughts without a signature and empty parts
    are left out.
    """
    sent: list[Part] = []
    pieces: list[str] = []
    for part in parts:
        thought = isinstance(part, Thought) or (isinstance(part, Blob) and part.thought)
        if (thought and part.signature is None) or part == Opaque({}):
            continue
        if isinstance(part, Text) and part.signature is None:
            pieces.append(part.text)
            continue
        sent += _join(pieces)
        pieces.clear()
        sent.append(part)
    sent += _join(pieces)
    return Turn("model", encodable(sent)) if sent else None


def answer_open_calls(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Add results for function calls that have none: servers refuse a conversation without them.

    Args:
        turns: the conversation, the user's new turn included.
    """
    found: list[Turn] = []
    for turn, following in zip(turns, [*turns[1:], None], strict=True):
        found.append(turn)
        calls = [part for part in turn.parts if isinstance(part, Call)] if turn.role == "model" else []
        answered = following is None or any(isinstance(part, CallResult) for part in following.parts)
        if calls and not answered:
            results = (CallResult(call.name or "", dict(_NOT_RUN), call.id) for call in calls)
            found.append(Turn("user", tuple(results)))
    return tuple(found)


def _join(pieces: Sequence[str]) -> list[Part]:
    """Return pieces of text as a list of one part; an empty list if they are empty."""
    text = "".join(pieces)  # one join, because a long answer has a million pieces
    return [Text(text)] if text else []
