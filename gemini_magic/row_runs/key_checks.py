"""Refuses rows without a key and rows whose key occurs twice, before they are asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias

from ..errors import OptionError
from .key_columns import KeyColumns
from .keys import KeyTable, is_null, show_key

__all__ = ["NAMED_KEYS", "Duplicates", "KeyCheck", "RepeatCheck", "listed_keys"]

NAMED_KEYS: Final = 3
"""Keys that a message names."""

Duplicates: TypeAlias = Literal["error", "first"]
"""Whether keys that occur twice are an error, or the first of rows with the same prompt counts."""


class KeyCheck:
    """Reads the keys of an input once.

    Args:
        columns: the key columns.
        duplicates: what keys that occur twice are.
        expected: the number of rows; 0 if it is not known.

    Attributes:
        repeats: the position of the first row with the same key, for each later one, with ``duplicates="first"``.
    """

    def __init__(self, columns: KeyColumns, duplicates: Duplicates, expected: int = 0) -> None:
        self.repeats: dict[int, int] = {}
        self._columns, self._duplicates = columns, duplicates
        self._seen = KeyTable(expected)
        self._nulls: list[str] = []
        self._twice: list[str] = []

    @property
    def is_full(self) -> bool:
        """Whether three keys are wrong, so that no more are looked for."""
        return max(len(self._nulls), len(self._twice)) >= NAMED_KEYS

    def add(self, rows: Sequence[Sequence[Any]], start: int) -> list[bytes]:
        """Return the keys of the next rows; none if one is null.

        Args:
            rows: their values, which begin with those of the key columns.
            start: the position of the first one.

        Raises:
            OptionError: a value cannot be a key.
        """
        try:
            keys = self._columns.keys(rows, start)
        except OptionError:
            width = len(self._columns.positions)
            found = [at for at, values in enumerate(rows, start) if any(map(is_null, values[:width]))]
            if not found:
                raise
            self._nulls += [f"row {at + 1:,}" for at in found]
            return []
        if self._columns.positions:
            for at, first in self._seen.add_all(keys, start):
                if self._duplicates == "first":
                    self.repeats[at] = first
                else:
                    self._twice.append(f"{show_key(keys[at - start])} (rows {first + 1:,} and {at + 1:,})")
        return keys

    def finish(self) -> None:
        """Refuse the keys that are wrong.

        Raises:
            OptionError: a key is null or occurs twice; the message names three.
        """
        if self._nulls:
            raise OptionError(
                f"Rows without a key in {self._columns.described}: {listed_keys(self._nulls)}. They were not sent.",
                remedy="Remove them or give them a key.",
            )
        if self._twice:
            raise OptionError(
                f"Keys that occur more than once in {self._columns.described}: {listed_keys(self._twice)}. They were not sent.",
                remedy='Use a column or a list of columns that identifies a row; duplicates="first" allows equal rows.',
            )


class RepeatCheck:
    """Refuses rows that have the key of another row and a different prompt.

    Args:
        repeats: the position of the first row with the same key, for each later one.
        hash_of: returns the hash of a row's prompt from its position and its values.
        key_of: returns the key of a row from its position and its values.
    """

    def __init__(
        self,
        repeats: dict[int, int],
        hash_of: Callable[[int, Sequence[Any]], bytes],
        key_of: Callable[[int, Sequence[Any]], bytes],
    ) -> None:
        self._repeats, self._hash_of, self._key_of = repeats, hash_of, key_of
        self._hashes: dict[int, bytes] = {}

    def add(self, position: int, values: Sequence[Any], *, is_first: bool) -> None:
        """Compare a row with the first one of its key.

        Args:
            position: its position.
            values: its values.
            is_first: whether later rows may have its key.

        Raises:
            OptionError: the prompts differ.
        """
        first = self._repeats.get(position)
        if first is None:
            if is_first:
                self._hashes[position] = self._hash_of(position, values)
            return
        if self._hashes[first] != self._hash_of(position, values):
            raise OptionError(
                f"Rows {first + 1:,} and {position + 1:,} have the key {show_key(self._key_of(position, values))} "
                "and different prompts.",
                remedy="Use a column or a list of columns that identifies a row.",
            )


def listed_keys(names: Sequence[str]) -> str:
    """Up to three names for a message."""
    return ", ".join(names[:NAMED_KEYS]) + (" …" if len(names) > NAMED_KEYS else "")
