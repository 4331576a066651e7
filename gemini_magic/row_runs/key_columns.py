"""Which columns of an input, or levels of its index, are the keys of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from ..errors import OptionError
from .inputs import RowSource
from .keys import canonical_key
from .row import missing_column

__all__ = ["KeyColumns", "is_one_of"]

_POSITION: Final = "position"


class KeyColumns:
    """Where the keys of the rows come from.

    Attributes:
        positions: of the columns of the source; empty if the keys are the positions of the rows.
        names: the names of these columns.
        origin: ``column``, ``index`` or ``position``.
    """

    def __init__(self, source: RowSource, chosen: Any) -> None:
        self.origin: Literal["column", "index", "position"] = "column"
        self.names: tuple[Any, ...] = ()
        self.positions: tuple[int, ...] = ()
        columns = source.columns or ()
        if chosen is None:
            self._without_choice(source)
        elif source.columns is None and not source.levels and chosen != _POSITION:
            raise OptionError(
                f"id={chosen!r}: the rows are single values, which have no columns.",
                remedy='Leave id= out, or give a list of dicts: [{"id": 1, "text": "…"}].',
            )
        elif is_one_of(chosen, columns) or is_one_of(chosen, source.levels):
            self._take(source, [chosen])
        elif chosen == _POSITION:
            if not source.ordered:
                raise OptionError(
                    f'id="position" is not possible for {source.kind}, whose order may differ each time.',
                    remedy="Give the column that identifies a row: id=…",
                )
            self.origin = "position"
        elif isinstance(chosen, list | tuple) and chosen:
            self._take(source, chosen)
        else:
            raise OptionError(f"id={chosen!r}: {missing_column(chosen, columns)}", remedy="Give one of them.")

    def _without_choice(self, source: RowSource) -> None:
        if source.levels:
            self.origin = "index"
            self.names = source.levels
            self.positions = tuple(range(source.width, source.width + len(source.levels)))
        elif source.columns is None:
            self.origin = "position"
        else:
            raise OptionError(
                "id= is missing: which column identifies a row?",
                remedy='Give it: id="…" (or a list of columns). id="position" counts the rows, '
                "which gives the answers to other rows once a row is added or the order changes.",
            )

    def _take(self, source: RowSource, chosen: Sequence[Any]) -> None:
        columns = [*(source.columns or ()), *([] if source.columns is not None else [None]), *source.levels]
        positions = []
        for name in chosen:
            found = [at for at, each in enumerate(columns) if is_one_of(name, (each,))]
            if not found:
                raise OptionError(
                    f"id={name!r}: {missing_column(name, source.columns or source.levels)}",
                    remedy="Give one of them.",
                )
            if len(found) > 1 and found[1] < source.width:
                raise OptionError(
                    f"id={name!r}: the input has {len(found)} columns of this name.", remedy="Rename them."
                )
            positions.append(found[0])
        self.positions = tuple(positions)
        self.names = tuple(chosen)
        self.origin = "index" if all(at >= source.width for at in positions) else "column"

    def keys(self, rows: Sequence[Sequence[Any]], start: int) -> list[bytes]:
        """The canonical keys of rows.

        Args:
            rows: their values, which begin with those of :attr:`positions`.
            start: the position of the first one.

        Raises:
            OptionError: a value is null or cannot be a key.
        """
        count = len(self.positions)
        if count == 1:
            return [canonical_key(values[0]) for values in rows]
        if count:
            return [canonical_key(tuple(values[:count])) for values in rows]
        return [b"i%d" % position for position in range(start, start + len(rows))]

    @property
    def described(self) -> str:
        """The source of the keys for messages."""
        names = ", ".join(map(str, self.names))
        return {"column": f"id {names}", "index": f"the index {names}", "position": "the position"}[
            self.origin
        ]


def is_one_of(name: Any, columns: Sequence[Any]) -> bool:
    """Whether a name is one of the columns; ``1``, ``1.0`` and ``True`` are different names."""
    return any(type(each) is type(name) and each == name for each in columns)
