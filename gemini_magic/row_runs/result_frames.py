"""Builds frames of results in the library of the input, and reads the keys of a frame that results are joined to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import OptionError
from ..tables import library
from .result_columns import OutputKind

__all__ = ["FrameBuilder", "frame_builder", "write_parquet"]

Columns = Mapping[str, tuple[OutputKind, list[Any]]]
"""The type and the values of each column."""


class FrameBuilder(NamedTuple):
    """Makes frames of one library.

    Attributes:
        name: the library.
        frame: makes a frame of columns of the same length.
        concat: puts frames with the same columns one below the other.
        column: returns one column of a frame.
        beside: returns a frame with the columns of a second one, which has as many rows, to its right.
        take: returns the rows at these positions; nulls for None.
        pick: returns some columns of a frame.
        rename: returns a frame with other names of columns.
    """

    name: str
    frame: Callable[[Columns], Any]
    concat: Callable[[list[Any]], Any]
    column: Callable[[Any, str], Any]
    beside: Callable[[Any, Any], Any]
    take: Callable[[Any, Sequence[int | None]], Any]
    pick: Callable[[Any, Sequence[Any]], Any]
    rename: Callable[[Any, Mapping[str, str]], Any]


def frame_builder(name: str) -> FrameBuilder:
    """Return the builder of a library.

    Args:
        name: ``pandas``, ``polars``, ``pyarrow``, ``duckdb``, or ``python`` for the first of pandas and polars that is installed;
            without them a frame is a list of dicts.

    Raises:
        ImportError: the library is not installed; the message says how to install it.
    """
    if name == "python":
        name = next(filter(_is_installed, ("pandas", "polars")), name)
    return _BUILDERS[name]()


def _is_installed(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


# -- pandas


def _pandas() -> FrameBuilder:
    pandas = library("pandas")
    has_text = int(pandas.__version__.partition(".")[0]) >= 3  # noqa: PLR2004 - pandas 3 has a type for text
    types: dict[OutputKind, Any] = {
        "string": pandas.StringDtype(na_value=float("nan")) if has_text else object,
        "int64": pandas.Int64Dtype(),
        "float64": "float64",
        "bool": pandas.BooleanDtype(),
        "datetime": "datetime64[us]",
        "datetime_utc": "datetime64[us, UTC]",
    }

    def frame(columns: Columns) -> Any:
        return pandas.DataFrame(
            {
                name: pandas.Series(values, dtype=types.get(kind, object))
                for name, (kind, values) in columns.items()
            }
        )

    return FrameBuilder(
        "pandas",
        frame,
        lambda frames: pandas.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0],
        lambda made, name: made[name],
        lambda left, right: pandas.concat([left, right.set_axis(left.index)], axis=1),
        lambda made, places: made.reset_index(drop=True).reindex(
            [-1 if each is None else each for each in places]
        ),
        lambda made, names: made[list(names)],
        lambda made, names: made.rename(columns=names),
    )


# -- polars


def _polars() -> FrameBuilder:
    polars = library("polars")
    types: dict[OutputKind, Any] = {
        "string": polars.String,
        "int64": polars.Int64,
        "float64": polars.Float64,
        "bool": polars.Boolean,
        "date": polars.Date,
        "datetime": polars.Datetime("us"),
        "datetime_utc": polars.Datetime("us", "UTC"),
        "strings": polars.List(polars.String),
        "int64s": polars.List(polars.Int64),
        "float64s": polars.List(polars.Float64),
        "bools": polars.List(polars.Boolean),
    }

    def frame(columns: Columns) -> Any:
        return polars.DataFrame(
            [polars.Series(name, values, dtype=types[kind]) for name, (kind, values) in columns.items()]
        )

    return FrameBuilder(
        "polars",
        frame,
        lambda frames: polars.concat(frames, rechunk=False),
        lambda made, name: made.get_column(name),
        lambda left, right: left.hstack(right),
        lambda made, places: made.select(polars.all().gather(polars.Series(places, dtype=polars.Int64))),
        lambda made, names: made.select(list(names)),
        lambda made, names: made.rename(dict(names)),
    )


# -- Arrow


def _pyarrow() -> FrameBuilder:
    arrow = library("pyarrow")
    types: dict[OutputKind, Any] = {
        "string": arrow.string(),
        "int64": arrow.int64(),
        "float64": arrow.float64(),
        "bool": arrow.bool_(),
        "date": arrow.date32(),
        "datetime": arrow.timestamp("us"),
        "datetime_utc": arrow.timestamp("us", "UTC"),
        "strings": arrow.list_(arrow.string()),
        "int64s": arrow.list_(arrow.int64()),
        "float64s": arrow.list_(arrow.float64()),
        "bools": arrow.list_(arrow.bool_()),
    }

    def frame(columns: Columns) -> Any:
        return arrow.table(
            {name: arrow.array(values, types[kind]) for name, (kind, values) in columns.items()}
        )

    def beside(left: Any, right: Any) -> Any:
        for name in right.column_names:
            left = left.append_column(name, right.column(name))
        return left

    return FrameBuilder(
        "pyarrow",
        frame,
        arrow.concat_tables,
        lambda made, name: made.column(name),
        beside,
        lambda made, places: made.take(arrow.array(places, arrow.int64())),
        lambda made, names: made.select(list(names)),
        lambda made, names: made.rename_columns([names.get(name, name) for name in made.column_names]),
    )


def _duckdb() -> FrameBuilder:
    """Relations of DuckDB over Arrow tables."""
    found = _pyarrow()
    duckdb = library("duckdb")
    return found._replace(
        name="duckdb",
        concat=lambda frames: duckdb.from_arrow(found.concat(frames)),
        column=lambda made, name: made.select(f'"{name.replace(chr(34), chr(34) * 2)}"'),
    )


# -- lists of dicts


def _dicts() -> FrameBuilder:
    def frame(columns: Columns) -> list[dict[str, Any]]:
        names = list(columns)
        rows = zip(*(values for _, values in columns.values()), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    return FrameBuilder(
        "python",
        frame,
        lambda frames: [row for each in frames for row in each],
        lambda made, name: [row[name] for row in made],
        lambda left, right: [{**one, **two} for one, two in zip(left, right, strict=True)],
        lambda made, places: [{} if each is None else made[each] for each in places],
        lambda made, names: [{name: row[name] for name in names} for row in made],
        lambda made, names: [{names[name]: value for name, value in row.items()} for row in made],
    )


_BUILDERS: Final[Mapping[str, Callable[[], FrameBuilder]]] = {
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _pyarrow,
    "duckdb": _duckdb,
    "python": _dicts,
}


# -- Parquet


def write_parquet(path: Path, frames: Callable[[FrameBuilder], Iterator[Any]]) -> None:
    """Write frames to a Parquet file, one after the other if pyarrow is installed.

    Args:
        path: the file.
        frames: returns the frames of a builder.

    Raises:
        OptionError: neither pyarrow nor polars is installed.
    """
    if _is_installed("pyarrow.parquet"):
        _write_by_pyarrow(path, frames(_pyarrow()))
    elif _is_installed("polars"):
        builder = _polars()
        builder.concat(list(frames(builder))).write_parquet(path)
    else:
        raise OptionError(
            "Writing a Parquet file needs pyarrow or polars.",
            remedy="Run `pip install pyarrow` and restart the kernel.",
        )


def _write_by_pyarrow(path: Path, tables: Iterator[Any]) -> None:
    parquet = library("pyarrow.parquet")
    first = next(tables)
    with parquet.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
