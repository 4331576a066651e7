"""The items of an answer as users get them: a sequence that grows while the answer arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from ..lazy import LazySequence
from .item_log import InvalidItem, ItemLog

__all__ = ["Items", "StreamItems"]

T = TypeVar("T")


class _Events(Protocol):
    def __iter__(self) -> Iterator[Any]: ...
    def __aiter__(self) -> AsyncIterator[Any]: ...


class Items(LazySequence[T]):
    """The items of an answer that fit its schema, in order, each an object of the schema's type.

    It is a sequence: it has a length, an index and slices. It only grows. An item is in it as soon as it is complete.

    Args:
        read: returns the items after reading what is new.
    """

    def __init__(self, read: Callable[[], ItemLog]) -> None:
        self._log = read

    def __len__(self) -> int:
        return len(self._log().items)

    def _items(self, rows: Sequence[int]) -> Iterable[T]:
        items = self._log().items
        return [items[row] for row in rows]

    @property
    def invalid(self) -> list[InvalidItem]:
        """The items that are not valid JSON or do not fit, each with its place, its text and its problems.

        An item that was cut off is the last one of them.
        """
        return self._log().invalid

    @property
    def recovered(self) -> list[T]:
        """Items found in the text of an item without an end, such as one with an unclosed string, when the answer has ended.

        They are guesses, because an item that is quoted in a text looks the same.
        """
        return [row.item for row in self._log().recovered]

    @property
    def complete(self) -> bool:
        """Whether the array has ended."""
        return self._log().complete

    def __repr__(self) -> str:
        log = self._log()
        invalid, recovered = len(log.invalid), len(log.recovered)
        facts = [f"{len(log.items):,} item{'' if len(log.items) == 1 else 's'}"]
        facts += [f"{invalid:,} invalid"] if invalid else []
        facts += [f"{recovered:,} recovered"] if recovered else []
        return f"<Items: {', '.join(facts)}>"


class StreamItems(Items[T]):
    """The items of an answer that is still streaming; iterating waits for those that are not complete yet.

    Every iterator, sync or async, starts with the first item. It calls the functions given to :func:`stream`, as iterating over the
    events does. A length and an index do not wait.

    Args:
        read: as for :class:`Items`.
        source: the stream, which iterates over its events.
    """

    def __init__(self, read: Callable[[], ItemLog], source: _Events) -> None:
        super().__init__(read)
        self._source = source

    def __iter__(self) -> Iterator[T]:
        done = 0
        for _ in self._source:
            new = self[done:]
            done += len(new)
            yield from new
        yield from self[done:]

    async def __aiter__(self) -> AsyncIterator[T]:
        done = 0
        async for _ in self._source:
            new = self[done:]
            done += len(new)
            for item in new:
                yield item
        for item in self[done:]:
            yield item
