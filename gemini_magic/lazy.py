"""A sequence whose items are created on access, because storing an object for each would need more memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, overload

__all__ = ["LazySequence"]

T = TypeVar("T")
_BATCH = 1000  # items created at once


class LazySequence(Sequence[T]):
    """Base class of append-only sequences with one writer; subclasses define ``__len__`` and ``_items``."""

    @abstractmethod
    def _items(self, rows: Sequence[int]) -> Iterable[T]:
        """Return the items at these positions."""

    @overload
    def __getitem__(self, key: int) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> list[T]: ...
    def __getitem__(self, key: int | slice) -> T | list[T]:
        rows = range(len(self))[key]
        return next(iter(self._items((rows,)))) if isinstance(rows, int) else list(self._items(rows))

    def __iter__(self) -> Iterator[T]:
        length = len(self)
        for start in range(0, length, _BATCH):
            yield from self._items(range(start, min(start + _BATCH, length)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazySequence | list | tuple) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment] # it grows
