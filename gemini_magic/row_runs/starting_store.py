"""Opens a store and starts a run in it, so that an interrupt at any moment leaves neither the store nor the run behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Self

from ..errors import interrupts_later, interrupts_wait
from .run import RowRun
from .store import Store

__all__ = ["StartingStore"]

_TO_STOP: Final = 5.0  # seconds that a run has to end that was interrupted in the moment it began


class StartingStore:
    """A store in which a run is started, as a context manager.

    If the start fails or is interrupted, the store is closed, and no run goes on.

    Args:
        path: the file; None for a temporary one.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._path = path
        self._run: RowRun | None = None
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The store."""
        assert self._store is not None  # noqa: S101 - it is open in the block
        return self._store

    def __enter__(self) -> Self:
        try:
            with interrupts_later():
                self._store = Store.open(self._path)
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def started(self, start: Callable[[], RowRun]) -> RowRun:
        """Start the run, which closes the store at its end."""
        with interrupts_later():
            self._run = start()
        return self._run

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        with interrupts_wait():
            if self._run is not None:
                self._run.stop(now=True, interrupted=True)
                self._run.wait(_TO_STOP)
            elif self._store is not None:
                self._store.close()
