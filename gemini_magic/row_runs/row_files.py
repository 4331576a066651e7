"""Reads the rows of CSV and Parquet files in batches."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from ..errors import PromptError
from ..tables import arrow_batches

__all__ = ["open_csv", "open_parquet"]

_LONGEST: Final = 2**31 - 1  # characters of a field; the default of the csv module is 131,072

_Read: TypeAlias = Callable[[Sequence[int]], Iterator[Iterable[Sequence[Any]]]]
_Opened: TypeAlias = tuple[tuple[str, ...], _Read, int | None, Literal["pyarrow", "polars", "duckdb"]]


def open_csv(path: Path, size: int) -> tuple[tuple[str, ...], _Read]:
    """Return the columns of a CSV file and a function that reads its rows. Every value is the text in the file.

    So a row has the same key and the same prompt whatever libraries are installed, and numbers such as ``007`` stay as they
    are written.

    Args:
        path: the file, in UTF-8, whose first line names the columns. They are separated by commas, by tabs if the name
            ends in ``.tsv``, or by semicolons if the first line has no comma.
        size: rows in a batch.

    Raises:
        PromptError: it cannot be read, is not UTF-8, or has no line.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    columns = next(_csv_lines(path, separator), None)
    if columns is not None and len(columns) == 1 and ";" in columns[0] and separator == ",":
        separator = ";"
        columns = next(_csv_lines(path, separator), None)
    if columns is None:
        raise PromptError(f"{path} is empty.", remedy="Its first line must name the columns.")
    width = len(columns)

    def read(positions: Sequence[int]) -> Iterator[Iterable[Sequence[Any]]]:
        rows = _csv_lines(path, separator)
        next(rows, None)
        number = 0
        pick = _picker(positions)
        while batch := list(islice(rows, size)):
            for at, row in enumerate(batch):
                if len(row) != width:
                    raise PromptError(
                        f"Row {number + at + 1:,} of {path} has {len(row)} values, and the first line names {width} columns.",
                        remedy="Put quotation marks around values that contain the separator.",
                    )
            number += len(batch)
            yield map(pick, batch)

    return tuple(columns), read


def _csv_lines(path: Path, separator: str) -> Iterator[list[str]]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator)
            for row in reader:
                number = reader.line_num
                if row:  # an empty line is not a row
                    yield row
    except UnicodeDecodeError:
        raise PromptError(
            f"{path} is not UTF-8 after line {number:,}.",
            remedy='Save it as UTF-8, or read it yourself: pandas.read_csv(path, encoding="cp1252").',
        ) from None
    except (OSError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PromptError(
            f"{path} cannot be read after line {number:,}: {reason}.", remedy="Check the file."
        ) from None


def _picker(positions: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    if len(positions) > 1:
        return itemgetter(*positions)
    return (lambda row: (row[positions[0]],)) if positions else (lambda _: ())


def open_parquet(path: Path, size: int) -> _Opened:
    """Return the columns of a Parquet file, a function that reads its rows, their number, and the library that reads it.

    Args:
        path: the file.
        size: rows in a batch.

    Raises:
        PromptError: it is not a Parquet file, or no library that reads it is installed.
    """
    for name, opened in (("pyarrow.parquet", _by_pyarrow), ("polars", _by_polars), ("duckdb", _by_duckdb)):
        try:
            library = import_module(name)
        except ImportError:
            continue
        try:
            return opened(library, path, size)
        except Exception as error:
            first = next(iter(str(error).splitlines()), "").rstrip(".")
            raise PromptError(
                f"{path} cannot be read: {first}.", remedy="Check that it is a Parquet file."
            ) from error
    raise PromptError(
        "Reading a Parquet file needs pyarrow, polars or DuckDB.",
        remedy="Run `pip install pyarrow` and restart the kernel.",
    )


def _by_pyarrow(library: Any, path: Path, size: int) -> _Opened:
    with library.ParquetFile(path) as file:
        columns, length = tuple(file.schema_arrow.names), file.metadata.num_rows

    def read(positions: Sequence[int]) -> Iterator[Iterable[Sequence[Any]]]:
        names = [columns[position] for position in positions or (0,)]
        with library.ParquetFile(path) as file:
            for batch in file.iter_batches(size, columns=names):
                yield from arrow_batches(
                    [batch], [batch.schema.get_field_index(name) for name in names] if positions else ()
                )

    return columns, read, length, "pyarrow"


def _by_polars(library: Any, path: Path, size: int) -> _Opened:
    frame = library.scan_parquet(path)
    columns = tuple(frame.collect_schema().names())
    length = frame.select(library.len()).collect().item()

    def read(positions: Sequence[int]) -> Iterator[Iterable[Sequence[Any]]]:
        names = [columns[position] for position in positions or (0,)]
        for start in range(0, length, size):
            batch = frame.select(names).slice(start, size).collect()
            yield batch.iter_rows() if positions else ((),) * batch.height

    return columns, read, length, "polars"


def _by_duckdb(library: Any, path: Path, size: int) -> _Opened:
    connection = library.connect()
    found = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [str(path)])
    columns = tuple(each[0] for each in found.description)
    length = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()[0]

    def read(positions: Sequence[int]) -> Iterator[Iterable[Sequence[Any]]]:
        names = [f'"{columns[position].replace(chr(34), chr(34) * 2)}"' for position in positions or (0,)]
        cursor = connection.cursor()
        found = cursor.execute(f"SELECT {', '.join(names)} FROM read_parquet(?)", [str(path)])  # noqa: S608 - quoted names of columns
        while batch := found.fetchmany(size):
            yield batch if positions else ((),) * len(batch)

    return columns, read, length, "duckdb"
