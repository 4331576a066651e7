"""The row that a template uses: columns only, read as attributes or as items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from ..text import short_line
from .keys import is_null

__all__ = ["Row", "missing_column"]

_SHOWN = 60  # characters of a value in the text of a row


class Row:
    """One row of the input: ``row.text``, ``row["my col"]``. Every attribute is a column, also ``row.count``.

    A value that is null, NaN, NaT or NA is None.
    """

    __slots__ = ("_content",)
    _content: tuple[Mapping[Any, int], Sequence[Any]]

    def __init__(self, places: Mapping[Any, int], values: Sequence[Any]) -> None:
        """Make a row of the place of each column and the values."""
        object.__setattr__(self, "_content", (places, values))

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            return object.__getattribute__(self, name)
        places, values = _content_of(self)
        at = places.get(name)
        if at is None:
            raise AttributeError(missing_column(name, list(places)))
        return None if is_null(values[at]) else values[at]

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A row cannot be changed.")

    def __getitem__(self, name: Any) -> Any:
        places, values = _content_of(self)
        at = places.get(name)
        if at is None:
            raise KeyError(missing_column(name, list(places)))
        return None if is_null(values[at]) else values[at]

    def __contains__(self, name: object) -> bool:
        return name in _content_of(self)[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(_content_of(self)[0])

    def __len__(self) -> int:
        return len(_content_of(self)[0])

    def __dir__(self) -> list[str]:
        return [name for name in _content_of(self)[0] if isinstance(name, str) and name.isidentifier()]

    def __repr__(self) -> str:
        places, values = _content_of(self)
        shown = ", ".join(
            f"{short_line(str(name), _SHOWN)}={short_line(repr(values[at]), _SHOWN)}"
            for name, at in places.items()
        )
        return f"Row({shown})"


def _content_of(row: Row) -> tuple[Mapping[Any, int], Sequence[Any]]:
    content: tuple[Mapping[Any, int], Sequence[Any]] = object.__getattribute__(row, "_content")
    return content


def missing_column(name: object, columns: Sequence[object]) -> str:
    """The sentence about a column that does not exist, with similar names or the first ones."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    names = [str(each) for each in columns]
    close = get_close_matches(str(name), names, n=3) or names[:8]
    more = f" and {len(names) - len(close)} more" if close == names[:8] and len(names) > len(close) else ""
    listed = ", ".join(map(repr, close))
    return (
        f"There is no column {str(name)!r}. Columns: {listed}{more}."
        if close
        else f"There is no column {str(name)!r}."
    )
