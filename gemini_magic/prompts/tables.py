"""Writes tables of pandas, polars, pyarrow and our own as Markdown, CSV or JSON, and reports what is left out.

The libraries are not imported: a table is recognised by the name of its class.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from .. import media
from ..errors import PromptError

__all__ = ["TableText", "table", "table_of"]

_COLUMNS = 20  # of a table that is inserted without table()
_SHOWN = 50  # rows of table() by default


class TableText(str):
    """The text of a table, as :func:`table` returns it.

    Attributes:
        notices: a sentence for the user about each thing that was left out.
    """

    __slots__ = ("notices",)
    notices: tuple[str, ...]


class _Table(NamedTuple):
    """A table of any library.

    Attributes:
        read: returns names and records for at most so many rows (None for all) and columns.
        shape: the number of rows and of columns; the index does not count.
        unstyled: whether it has styles that text does not show.
    """

    read: Callable[[int | None, int | None], tuple[list[str], Iterable[Sequence[Any]]]]
    shape: tuple[int, int]
    unstyled: bool = False

    def markdown(self, rows: int | None, name: str, notices: list[str]) -> str:
        """The table as Markdown with at most 20 columns, with a remark if it is not whole.

        Args:
            rows: the largest number of rows; None for all.
            name: the table's name in notices.
            notices: receives a sentence about what is left out.
        """
        height, width = self.shape
        if rows is not None and height > rows:
            notices.append(
                f"The request contains {rows:,} of {height:,} rows of {name}; --table-rows N changes it."
            )
        if width > _COLUMNS:
            notices.append(
                f"The request contains {_COLUMNS} of {width:,} columns of {name}; insert only the columns that you need."
            )
        if self.unstyled:
            notices.append(f"The request contains {name} without its styles.")
        return _markdown(*self.read(rows, _COLUMNS)) + _remark(self.shape, rows, _COLUMNS)


def table(
    data: object,
    *,
    rows: int = _SHOWN,
    format: Literal["markdown", "csv", "json"] = "markdown",  # noqa: A002
) -> TableText:
    """The text of a table for a prompt, with all its columns.

    Args:
        data: a DataFrame or Series of pandas or polars, a table of pyarrow, a table of a response such as ``r.chunks``, or
            a list of dicts.
        rows: the largest number of rows; 0 for all.
        format: ``markdown``, ``csv``, or ``json`` (one object for each row).

    Returns:
        The text. A remark at its end says so if rows were left out.

    Raises:
        PromptError: the object is not a table, or an argument is not valid.
    """
    writers = {"markdown": _markdown, "csv": _csv, "json": _json}
    if format not in writers:
        raise PromptError(f"format {format!r} is not valid.", remedy="Use markdown, csv or json.")
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
        raise PromptError(f"rows {rows!r} is not valid.", remedy="Give a number of rows; 0 sends all.")
    found = table_of(data) or _of_dicts(data)
    if found is None:
        what = type(data).__name__
        raise PromptError(
            f"A {what} is not a table.",
            remedy="Call .collect() first."
            if what == "LazyFrame"
            else "Give a DataFrame, a Series, a table of pyarrow, or a list of dicts.",
        )
    limit = rows or None
    text = TableText(writers[format](*found.read(limit, None)) + _remark(found.shape, limit, None))
    text.notices = ("The request contains a table without its styles.",) if found.unstyled else ()
    return text


def table_of(value: object) -> _Table | None:
    """The table in an object; None if it is not one."""
    kinds = media.class_names(value)
    return next((_READERS[kind](value) for kind in _READERS if kind in kinds), None)


def _pandas(frame: Any) -> _Table:
    if not hasattr(frame, "columns"):  # a Series or an Index
        frame = frame.to_frame(index=False) if hasattr(frame, "to_series") else frame.to_frame()

    def read(rows: int | None, columns: int | None) -> tuple[list[str], Iterable[Sequence[Any]]]:
        top = frame.iloc[:rows, :columns]
        plain = type(frame.index).__name__ == "RangeIndex" and frame.index.name is None
        head = [str(name) for name in top.columns]
        if not plain:
            head.insert(0, "" if frame.index.name is None else str(frame.index.name))
        return head, top.itertuples(index=not plain, name=None)

    return _Table(read, frame.shape)


def _styler(styler: Any) -> _Table:
    return _pandas(styler.data)._replace(unstyled=True)


def _polars(frame: Any) -> _Table:
    if not hasattr(frame, "columns"):  # a Series
        frame = frame.to_frame()

    def read(rows: int | None, columns: int | None) -> tuple[list[str], Iterable[Sequence[Any]]]:
        names = list(frame.columns)[:columns]
        top = frame.select(names)
        return names, (top if rows is None else top.head(rows)).rows()

    return _Table(read, frame.shape)


def _arrow(value: Any) -> _Table:
    def read(rows: int | None, columns: int | None) -> tuple[list[str], Iterable[Sequence[Any]]]:
        names = list(value.column_names)[:columns]
        records = value.select(names).slice(0, rows).to_pylist()
        return names, [[record[name] for name in names] for record in records]

    return _Table(read, value.shape)


def _own(value: Any) -> _Table:
    def read(rows: int | None, columns: int | None) -> tuple[list[str], Iterable[Sequence[Any]]]:
        return list(value.columns)[:columns], [tuple(record)[:columns] for record in value[:rows]]

    return _Table(read, (len(value), len(value.columns)))


def _of_dicts(value: object) -> _Table | None:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(each, dict) for each in value):
        return None
    names = list(dict.fromkeys(str(name) for record in value for name in record))

    def read(rows: int | None, columns: int | None) -> tuple[list[str], Iterable[Sequence[Any]]]:
        texts = [{str(name): cell for name, cell in record.items()} for record in value[:rows]]
        return names[:columns], [[record.get(name) for name in names[:columns]] for record in texts]

    return _Table(read, (len(value), len(names)))


_READERS: dict[tuple[str, str], Callable[[Any], _Table]] = {
    ("pandas", "Styler"): _styler,
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _pandas,
    ("pandas", "Index"): _pandas,
    ("polars", "DataFrame"): _polars,
    ("polars", "Series"): _polars,
    ("pyarrow", "Table"): _arrow,
    ("gemini_magic", "Rows"): _own,
}


def _remark(shape: tuple[int, int], rows: int | None, columns: int | None) -> str:
    """A remark for the model about what is left out, after an empty line."""
    height, width = shape
    cuts = []
    if rows is not None and height > rows:
        cuts.append(f"the first {rows:,} of {height:,} rows")
    if columns is not None and width > columns:
        cuts.append(f"the first {columns} of {width:,} columns")
    return f"\n\n(Shown: {' and '.join(cuts)}.)" if cuts else ""


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\r\n", "\n").replace("\n", "<br>")


def _markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [[_cell(name) for name in head], ["---"] * len(head)]
    lines += [[_cell(value) for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return target.getvalue().rstrip("\n")


def _json(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A JSON array with one object on each line; values that JSON does not have are text, and NaN is null."""
    lines = (
        json.dumps(dict(zip(head, map(_json_value, row), strict=True)), ensure_ascii=False, default=str)
        for row in rows
    )
    return "[\n" + ",\n".join(lines) + "\n]"


def _json_value(value: Any) -> Any:
    if hasattr(value, "item") and hasattr(value, "dtype"):  # a scalar of NumPy
        value = value.item()
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
