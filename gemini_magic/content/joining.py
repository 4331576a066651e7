"""Joins the parts that a server sent in pieces."""

from __future__ import annotations

from collections.abc import Iterable

from .call_pieces import CallPieces
from .parts import Call, Part, Text, Thought

__all__ = ["PartJoiner", "join_parts"]


def join_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Join what a server sent in pieces: adjacent texts, adjacent thoughts, and function calls.

    A text or a thought with a signature is not joined. A call whose pieces ended early has the arguments that arrived.
    """
    joiner = PartJoiner()
    for part in parts:
        joiner.add(part)
    return joiner.parts()


class PartJoiner:
    """Joins parts as :func:`join_parts` does, while they arrive."""

    def __init__(self) -> None:
        self._found: list[Part] = []
        self._texts: list[str] = []  # the pieces of the last text or thought
        self._kind: type[Text | Thought] = Text  # of these pieces
        self._call: tuple[int, CallPieces] | None = (
            None  # the last call in pieces, with its position in `_found`
        )

    def add(self, part: Part) -> None:
        """Add the next part."""
        if isinstance(part, Text | Thought) and part.signature is None:
            if type(part) is not self._kind:
                self._end_text()
                self._kind = type(part)
            self._texts.append(part.text)
            return
        if isinstance(part, Call) and self._call is not None and self._call[1].accepts(part):
            self._call[1].add(part)
            return
        self._end_text()
        if isinstance(part, Call) and (part.will_continue or part.partial_args):
            self._end_call()
            self._call = len(self._found), CallPieces(part)
        self._found.append(part)

    def end(self) -> None:
        """End what could be continued: the next part begins something new."""
        self._end_text()
        self._end_call()

    def parts(self) -> tuple[Part, ...]:
        """The parts so far."""
        self._end_call(still_open=True)
        if not self._texts:
            return tuple(self._found)
        self._texts[:] = ["".join(self._texts)]  # the next call joins only what is added until then
        return (*self._found, self._kind(self._texts[0]))

    def _end_text(self) -> None:
        if self._texts:
            self._found.append(self._kind("".join(self._texts)))
            self._texts.clear()

    def _end_call(self, *, still_open: bool = False) -> None:
        if self._call is not None:
            position, pieces = self._call
            self._found[position] = pieces.call()
            if not (still_open and pieces.is_open):
                self._call = None
