"""Checks the types of what is read from a store: SQLite keeps any value in any column, and the file may come from a stranger."""

from __future__ import annotations

from typing import Any, Final

from ..errors import StoreError

__all__ = ["ColumnTypes", "damaged_row"]

_TYPES: Final[dict[str, tuple[type, ...]]] = {"b": (bytes,), "f": (float, int), "i": (int,), "t": (str,)}


def damaged_row() -> StoreError:
    """The error of a row that no version of gemini_magic has written."""
    return StoreError(
        "The store has a row that gemini_magic has not written.",
        remedy="Use another store. A file from someone else may be damaged on purpose.",
    )


class ColumnTypes:
    """The types of the columns of a query.

    Args:
        codes: a letter for each column: ``b`` bytes, ``f`` a number, ``i`` an integer, ``t`` text; in capitals where the value
            may be null.
    """

    def __init__(self, codes: str) -> None:
        self._allowed = [
            (*_TYPES[code.lower()], type(None)) if code.isupper() else _TYPES[code] for code in codes.split()
        ]
        self._accepted: set[tuple[type, ...]] = set()  # a run has a few combinations and up to a million rows

    def fit(self, row: tuple[Any, ...]) -> bool:
        """Whether each value has the type of its column."""
        kinds = tuple(map(type, row))
        if kinds in self._accepted:
            return True
        if any(kind not in allowed for kind, allowed in zip(kinds, self._allowed, strict=True)):
            return False
        self._accepted.add(kinds)
        return True

    def checked(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the row.

        Raises:
            StoreError: a value has another type.
        """
        if not self.fit(row):
            raise damaged_row()
        return row
