"""Reads every kind of input in batches of plain tuples: frames, Arrow streams, relations, files, lists and iterators.

No library is imported that the input does not come from: types are recognised by the names of their classes.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path, PurePath
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from .. import media
from ..errors import GeminiMagicError, PromptError
from ..tables import arrow_rows
from .row_files import open_csv, open_parquet

__all__ = ["RowSource", "open_source"]

_BATCH: Final = 10_000  # rows of a frame that become Python objects at once
_TAKEN: Final = 500  # items of a list or an iterator that are read at once
_SAMPLE: Final = 10_000  # records of a list whose fields are the columns
_LONGEST_REASON: Final = 300  # characters of the message of another library
_KINDS: Final = "a DataFrame of pandas or polars, a LazyFrame, an Arrow table, a relation of DuckDB, the path of a CSV or Parquet file, or a list or iterator of dicts or prompts"

Library: TypeAlias = Literal["pandas", "polars", "pyarrow", "duckdb", "python"]
Batches: TypeAlias = Iterator[Iterable[Sequence[Any]]]


class RowSource(NamedTuple):
    """An input of a row run.

    Attributes:
        kind: what it is, for messages: ``a DataFrame of pandas``.
        library: the library in which its results are returned.
        columns: the names of its columns; None if each row is a single value.
        read: returns the rows in batches, each row as the values of the columns at these positions. A single value is at
            position 0; the levels of an index come after the columns.
        length: the number of rows; None if it is not known before reading.
        again: whether it can be read more than once.
        ordered: whether its order is the same each time it is read.
        levels: the names of the levels of its index; empty if it has none.
        data: the object whose index or columns the results take over; None if there is none.
    """

    kind: str
    library: Library
    columns: tuple[Any, ...] | None
    read: Callable[[Sequence[int]], Batches]
    length: int | None = None
    again: bool = True
    ordered: bool = True
    levels: tuple[Any, ...] = ()
    data: Any = None

    @property
    def width(self) -> int:
        """The number of columns, without the levels of the index."""
        return 1 if self.columns is None else len(self.columns)


def open_source(data: Any) -> RowSource:
    """Return the source for an input. Its ``read`` takes a position more than once.

    Args:
        data: the input.

    Raises:
        PromptError: it is not an input, or a file cannot be read.
    """
    source = _source(data)
    return source._replace(read=partial(_read_checked, source))


def _read_checked(source: RowSource, positions: Sequence[int]) -> Batches:
    """Read each column once, as libraries do not select one twice, and repeat its values.

    Raises:
        PromptError: the input raises an error.
    """
    once = list(dict.fromkeys(positions))
    pick = (
        itemgetter(*(once.index(position) for position in positions)) if len(once) < len(positions) else None
    )
    rows = 0
    try:
        for batch in source.read(once):
            whole = list(batch)
            yield whole if pick is None else list(map(pick, whole))
            rows += len(whole)
    except GeminiMagicError:
        raise
    except Exception as error:  # of the library or of the user's iterator
        reason = next(iter(str(error).strip().splitlines()), "").rstrip(".")[:_LONGEST_REASON]
        raise PromptError(
            f"{source.kind[:1].upper()}{source.kind[1:]} cannot be read after row {rows:,}: {type(error).__name__}: {reason}.",
            remedy="Check the input. Rows that were answered are in the store.",
        ) from error


def _source(data: Any) -> RowSource:
    kinds = {name: library for library, name in media.class_names(data)}
    if kinds.get("Expr") == "polars":
        raise PromptError(
            "A polars expression has no rows to send.",
            remedy="Give the frame, and name the column in the prompt: {{ row.NAME }}.",
        )
    for name, libraries, convert in _CONVERTERS:
        if kinds.get(name) in libraries:
            return convert(data)
    if isinstance(data, str | PurePath):
        return _of_path(Path(data))
    if hasattr(data, "__arrow_c_stream__"):
        return _of_arrow(data)
    if isinstance(data, Mapping):
        raise PromptError(
            "A dict is not a list of rows.",
            remedy="Give a list of dicts, one for each row, or pandas.DataFrame(data).",
        )
    if isinstance(data, AsyncIterable):
        raise PromptError(
            "Rows cannot be read from an asynchronous iterator.",
            remedy="Collect them first: [row async for row in rows].",
        )
    if isinstance(data, set | frozenset):
        raise PromptError("A set has no order, so its rows have no positions.", remedy="Give sorted(data).")
    if hasattr(data, "columns") or hasattr(
        data, "__dataframe__"
    ):  # iterating over it gives the names of its columns
        raise PromptError(
            f"A {type(data).__name__} of {type(data).__module__.partition('.')[0]} cannot be read.",
            remedy="Convert it to a DataFrame of pandas or polars, or to an Arrow table.",
        )
    if isinstance(data, Iterable) and not isinstance(data, bytes | bytearray | memoryview):
        return _of_iterable(data)
    raise PromptError(
        f"Rows cannot be read from a value of type {type(data).__name__}.", remedy=f"Give {_KINDS}."
    )


# -- frames


def _of_pandas(frame: Any) -> RowSource:
    frame = frame.copy(deep=False)  # columns that are added to the user's frame later do not move these
    index = frame.index
    levels = index.nlevels
    width = len(frame.columns)

    def column(position: int) -> Any:
        if position < width:
            return frame.iloc[:, position]
        return (index if levels == 1 else index.get_level_values(position - width)).to_series()

    def read(positions: Sequence[int]) -> Batches:
        if not positions:
            yield from _empty_rows(len(frame))
            return
        columns = [column(position) for position in positions]
        for start in range(0, len(frame), _BATCH):
            yield zip(*(each.iloc[start : start + _BATCH].tolist() for each in columns), strict=True)

    return RowSource(
        "a DataFrame of pandas",
        "pandas",
        tuple(frame.columns),
        read,
        length=len(frame),
        levels=tuple(index.names) if any(name is not None for name in index.names) or levels > 1 else (),
        data=index,
    )


def _of_pandas_series(series: Any) -> RowSource:
    return _of_pandas(series.to_frame(name="value"))._replace(kind="a Series of pandas", columns=None)


def _of_polars(frame: Any) -> RowSource:
    frame = frame.clone()  # as for pandas; the columns are not copied

    def read(positions: Sequence[int]) -> Batches:
        if not positions:
            yield from _empty_rows(frame.height)
            return
        part = frame.select([frame.columns[position] for position in positions])
        for start in range(0, frame.height, _BATCH):
            yield part.slice(start, _BATCH).iter_rows()

    return RowSource(
        "a DataFrame of polars", "polars", tuple(frame.columns), read, length=frame.height, data=frame
    )


def _of_polars_series(series: Any) -> RowSource:
    return _of_polars(series.to_frame("value"))._replace(kind="a Series of polars", columns=None)


def _of_lazy(frame: Any) -> RowSource:
    columns = tuple(frame.collect_schema().names())

    def read(positions: Sequence[int]) -> Batches:
        part = frame.select([columns[position] for position in positions or (0,)])
        if hasattr(part, "collect_batches"):
            batches = part.collect_batches(chunk_size=_BATCH, maintain_order=True)
        else:  # polars before 1.34
            batches = part.collect().iter_slices(_BATCH)
        for batch in batches:
            yield batch.iter_rows() if positions else _empty(batch.height)

    return RowSource("a LazyFrame of polars", "polars", columns, read, ordered=False)


# -- Arrow and DuckDB


def _of_arrow(data: Any) -> RowSource:
    """The source of an Arrow table or of any object with an Arrow C stream; a reader can be read only once."""
    columns, read = arrow_rows(data, _BATCH)
    length = getattr(data, "num_rows", None)
    length = length if isinstance(length, int) else None
    once = hasattr(data, "read_next_batch") or type(data).__name__ in (
        "PyCapsule",
        "ArrayStream",
        "CArrayStream",
    )
    return RowSource(
        f"a {type(data).__name__} of Arrow",
        "pyarrow",
        columns,
        read,
        length=length,
        again=not once,
        data=data if length is not None else None,
    )


def _of_duckdb(relation: Any) -> RowSource:
    columns = tuple(relation.columns)

    def read(positions: Sequence[int]) -> Batches:
        names = [columns[position] for position in positions or (0,)]
        part = relation.select(*(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in names))
        if hasattr(part, "__arrow_c_stream__"):
            batches = arrow_rows(part, _BATCH)[1](range(len(names)))
        else:  # DuckDB before 1.3
            batches = iter(lambda: part.fetchmany(_BATCH), [])
        for batch in batches:
            yield batch if positions else _empty(sum(1 for _ in batch))

    return RowSource("a relation of DuckDB", "duckdb", columns, read, ordered=False)


# -- files


def _of_path(path: Path) -> RowSource:
    path = path.expanduser()
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".tsv", ".parquet", ".pq"):
        raise PromptError(
            f"{str(path)[:80]!r} is not the path of a CSV or Parquet file.",
            remedy="Give a path that ends in .csv, .tsv or .parquet, or a list of prompts.",
        )
    if not path.is_file():
        raise PromptError(f"{path} does not exist.", remedy=f"Relative paths start at {Path.cwd()}.")
    if suffix in (".csv", ".tsv"):
        columns, read = open_csv(path, _BATCH)
        return RowSource("a CSV file", "python", columns, read)
    columns, read, length, library = open_parquet(path, _BATCH)
    return RowSource("a Parquet file", library, columns, read, length=length)


# -- lists and iterators


def _of_iterable(data: Iterable[Any]) -> RowSource:
    again = isinstance(data, Sequence) or (iter(data) is not data and hasattr(data, "__len__"))
    kind = "a list" if isinstance(data, list | tuple) else f"a {type(data).__name__}"
    rows: Any = data
    if again:
        head = list(islice(data, _SAMPLE))
    else:
        rest = iter(data)
        head = list(islice(rest, _TAKEN))
        again = len(head) < _TAKEN  # it has ended, so its rows are checked before any is asked
        rows = head if again else chain(head, rest)
    length = len(rows) if again and hasattr(rows, "__len__") else None
    if head and all(isinstance(each, Mapping) for each in head):
        return _of_records(rows, head, kind, length, again=again)
    if found := next((each for each in head if isinstance(each, Mapping)), None):
        raise PromptError(
            f"The rows are of several kinds: {type(found).__name__} and {type(next(each for each in head if not isinstance(each, Mapping))).__name__}.",
            remedy="Give a list of dicts, or a list of prompts.",
        )

    def read(positions: Sequence[int]) -> Batches:
        source = iter(rows)
        while batch := list(islice(source, _TAKEN)):
            yield [(value,) * len(positions) for value in batch]

    return RowSource(kind, "python", None, read, length=length, again=again)


def _of_records(
    rows: Iterable[Any], head: list[Any], kind: str, length: int | None, *, again: bool
) -> RowSource:
    columns = tuple(dict.fromkeys(name for record in head for name in record))

    def read(positions: Sequence[int]) -> Batches:
        names = [columns[position] for position in positions]
        source = iter(rows)
        count = 0
        while batch := list(islice(source, _TAKEN)):
            try:
                yield [tuple(map(record.get, names)) for record in batch]
            except AttributeError:
                at = next(number for number, record in enumerate(batch) if not isinstance(record, Mapping))
                raise PromptError(
                    f"Row {count + at + 1:,} is a {type(batch[at]).__name__}, and the rows before it are dicts.",
                    remedy="Give every row as a dict.",
                ) from None
            count += len(batch)

    return RowSource(f"{kind} of dicts", "python", columns, read, length=length, again=again)


def _empty(count: int) -> Iterable[tuple[()]]:
    return ((),) * count


def _empty_rows(count: int) -> Batches:
    for start in range(0, count, _BATCH):
        yield _empty(min(_BATCH, count - start))


_CONVERTERS: Final[tuple[tuple[str, tuple[str, ...], Callable[[Any], RowSource]], ...]] = (
    ("DataFrame", ("pandas",), _of_pandas),
    ("Series", ("pandas",), _of_pandas_series),
    ("DataFrame", ("polars",), _of_polars),
    ("Series", ("polars",), _of_polars_series),
    ("LazyFrame", ("polars",), _of_lazy),
    ("DuckDBPyRelation", ("duckdb", "_duckdb"), _of_duckdb),
)
