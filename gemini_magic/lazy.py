"""What is made when it is first used: the items of a sequence, and the modules behind the names of a package.

Many objects are made at once then, so the garbage collector can be paused meanwhile.
"""

from __future__ import annotations

import gc
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar, overload

__all__ = ["LazySequence", "collector_paused", "collector_paused_for_imports", "lazy_names"]

T = TypeVar("T")
_BATCH = 1000  # items created at once


def lazy_names(namespace: dict[str, Any], homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the function ``__getattr__`` (PEP 562) of a package whose names are imported when they are first used.

    Args:
        namespace: the ``globals()`` of the package.
        homes: the module of the package in which each name is defined.
    """
    package = namespace["__name__"]

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f".{homes[name]}", package), name)
        namespace[name] = value  # also over a module of the same name, which importing it has put there
        return value

    return load


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's cyclic garbage collector while a block makes many objects that stay.

    The collector runs once for every 700 new objects, and for every tenth time it looks at most of the objects of the
    process: a third of the time in which records are made, and a tenth of that of an import. The block must be short, and
    must not run code of the user: the pause is for the whole process.
    """
    enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def collector_paused_for_imports() -> Iterator[None]:
    """Pause the collector while modules are imported, and leave them out of its next run.

    The objects of the modules stay until the process ends. They go to the oldest generation at once; the next run for the
    young objects would look at all of them, which takes 5 ms after the first cell's imports. So do other young objects, once.
    """
    with collector_paused():
        yield
        if not gc.get_freeze_count():  # objects that the user has frozen stay frozen
            gc.freeze()
            gc.unfreeze()  # into the oldest generation


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
