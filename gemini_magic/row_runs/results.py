"""The results of a run as frames, columns, Parquet files and responses, in the order of its input."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Final

from ..errors import OptionError, PromptError, StoreError, UsageProblem
from ..response import Response
from ..schema import Schema
from .inputs import RowSource, open_source
from .key_columns import KeyColumns
from .keys import canonical_key, key_forms, show_key
from .plan import Plan
from .result_columns import (
    KeyKinds,
    OutputKind,
    answer_columns,
    answer_fields,
    converted,
    key_cell,
    system_columns,
)
from .result_frames import FrameBuilder, frame_builder, write_parquet
from .store import Store
from .store_values import ResultRow
from .values import Wanted

__all__ = ["ResponsesByKey", "ResponsesByPosition", "RowResults"]

_BATCH: Final = 10_000
_READ: Final = 1_000  # rows of the store at a time
_NAMED: Final = 8  # columns in a message


class RowResults:
    """The results of a run. It holds no rows: every call reads them from the store.

    Args:
        store: the store of the run.
        plan: what its rows ask for.
        schema: the schema of the answers, or None.
        respond: returns the response of a row, from its result and the id of the request.

    Attributes:
        at: the responses by key: ``at["T-17"]``.
        iat: the responses by position: ``iat[0]``.
    """

    def __init__(
        self, store: Store, plan: Plan, schema: Schema | None, respond: Callable[[ResultRow, int], Response]
    ) -> None:
        self._store, self._plan = store, plan
        self._fields = answer_columns(schema)
        self._columns = system_columns(samples=plan.repeat > 1)
        self.at = ResponsesByKey(store, plan, respond)
        self.iat = ResponsesByPosition(store, plan, respond)

    # -- columns

    @property
    def names(self) -> list[str]:
        """The names of the output columns: the fields of the schema, then those of the run."""
        own = [column.name for column in self._columns]
        return [*(name for name in self._fields if name not in own), *own]

    @cached_property
    def _builder(self) -> FrameBuilder:
        return frame_builder(self._plan.source.library)

    @property
    def _has_index(self) -> bool:
        """Whether the results take over the index of the input."""
        return self._plan.source.library == "pandas" and self._plan.source.data is not None

    # -- frames

    @property
    def df(self) -> Any:
        """The results of all rows in the library of the input, in its order, also of rows without an answer.

        Of an input in pandas they have its index. Of other inputs the key columns come first.
        """
        return self._frame(self.names)

    def column(self, name: str) -> Any:
        """One column of the results, in the library of the input; of an input in pandas a Series with its index.

        Args:
            name: a field of the schema, or a column of the run such as ``_text`` or ``_status``.

        Raises:
            OptionError: there is no such column.
        """
        if name not in self.names:
            raise OptionError(
                f"The results have no column {name!r}.", remedy=f"Their columns are {', '.join(self.names)}."
            )
        return self._builder.column(self._frame([name], keys=False), name)

    def batches(self, size: int = _BATCH) -> Iterator[Any]:
        """Yield the results as :attr:`df` has them, in frames of at most ``size`` rows.

        Raises:
            OptionError: the size is not valid.
        """
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise OptionError(f"size={size!r} is not valid.", remedy="Give a number of rows.")
        return self._frames(self.names, size, self._builder)

    def _frame(self, names: Sequence[str], *, keys: bool = True) -> Any:
        return self._builder.concat(list(self._frames(names, _BATCH, self._builder, keys=keys)))

    def _frames(
        self, names: Sequence[str], size: int, builder: FrameBuilder, *, keys: bool = True
    ) -> Iterator[Any]:
        """Frames of at most ``size`` rows; at least one, which may be empty."""
        indexed = self._has_index and builder.name == "pandas"
        own_keys = (
            keys and not indexed and self._plan.source.data is not None and self._plan.key_origin == "column"
        )
        own_keys = own_keys and builder.name == self._plan.source.library
        key_columns = self._key_columns() if keys and not indexed and not own_keys else []
        rows = iter(self.rows())
        start = 0
        while (batch := list(islice(rows, size))) or not start:
            columns: dict[str, tuple[OutputKind, list[Any]]] = {}
            for level, (name, kind) in enumerate(key_columns):
                columns[name] = kind, [_key_cell(row.key, level, kind) for row in batch]
            columns |= self._values(names, batch)
            frame = builder.frame(columns)
            if indexed:
                frame.index = self._index(start, len(batch))
            elif own_keys:
                chosen = builder.pick(self._plan.source.data, self._plan.key_names)
                chosen = builder.rename(chosen, dict(zip(self._plan.key_names, self._key_names, strict=True)))
                frame = builder.beside(builder.take(chosen, self._places(start, len(batch))), frame)
            yield frame
            start += len(batch)
            if not batch:
                return

    def _places(self, start: int, count: int) -> list[int]:
        """The positions in the input of some lines of the results: with several answers a row they are repeated."""
        return [number // self._plan.repeat for number in range(start, start + count)]

    def _index(self, start: int, count: int) -> Any:
        """The index of the input for some lines of the results."""
        index = self._plan.source.data
        return (
            index[start : start + count] if self._plan.repeat == 1 else index.take(self._places(start, count))
        )

    def _values(
        self, names: Sequence[str], batch: Sequence[ResultRow]
    ) -> dict[str, tuple[OutputKind, list[Any]]]:
        wanted = set(names)
        found: dict[str, tuple[OutputKind, list[Any]]] = {}
        own = {column.name for column in self._columns}
        fields = {name: kind for name, kind in self._fields.items() if name in wanted and name not in own}
        if fields:
            answers = [answer_fields(row) for row in batch]
            for name, kind in fields.items():
                found[name] = kind, [converted(answer.get(name), kind) for answer in answers]
        for column in self._columns:
            if column.name in wanted:
                found[column.name] = column.kind, [column.read(row) for row in batch]
        return found

    @property
    def _key_names(self) -> list[str]:
        """The names of the key columns in the results; one that is also a result has another name."""
        given = self._plan.key_names or ("_position",)
        names = [f"level_{number}" if name is None else str(name) for number, name in enumerate(given)]
        return [f"{name}_key" if name in self.names else name for name in names]

    def _key_columns(self) -> list[tuple[str, OutputKind]]:
        """The names and types of the key columns."""
        names = self._key_names
        kinds = [KeyKinds() for _ in names]
        for row in self.rows():
            if not row.key:
                continue
            for kind, form in zip(kinds, key_forms(row.key) if len(kinds) > 1 else [row.key], strict=True):
                kind.add(form)
        return [(name, kind.kind) for name, kind in zip(names, kinds, strict=True)]

    # -- rows

    def rows(self) -> Iterator[ResultRow]:
        """Yield the result of every row of the input in its order; a row that is not in the store is ``waiting``.

        Rows that the run did not read, because of ``limit`` or a stop, have their answers from earlier runs.
        """
        plan = self._plan
        firsts = set(plan.repeats.values())
        kept: dict[tuple[int, int], ResultRow] = {}
        stored = (row for batch in self._store.results(_READ) for row in batch)
        keys, before = _KeysFrom(plan), _EarlierResults(self._store, plan)
        row = next(stored, None)
        position = 0
        while row is not None or position < (plan.length or 0):
            first = plan.repeats.get(position)
            for sample in range(plan.repeat):
                if first is not None:
                    if found := kept.get((first, sample)):
                        cost = None if found.cost is None else 0.0
                        yield found._replace(position=position, shared=found.key, cost=cost)
                    else:
                        yield ResultRow(position, sample, keys.at(position), "waiting")
                elif row is not None and (row.position, row.sample) == (position, sample):
                    if position in firsts:
                        kept[position, sample] = row
                    yield row
                    row = next(stored, None)
                else:
                    known = before.at(position, sample)
                    yield known or ResultRow(position, sample, keys.at(position), "waiting")
            position += 1

    # -- joining and writing

    def join(self, df: Any, suffix: str = "") -> Any:
        """Return a frame with the results to the right of its columns, each row with the result of its key.

        Args:
            df: the input of the run, or another frame of pandas, polars or Arrow with the same keys. A row whose key the run
                does not have has nulls.
            suffix: what is added to the names of the results.

        Raises:
            OptionError: a name is in both, the frame has not the key columns, or the run has several answers a row.
            PromptError: it is not a frame.
        """
        plan = self._plan
        if plan.repeat > 1:
            raise OptionError(
                f"The run has {plan.repeat} answers for each row.",
                remedy="Merge run.df on the key columns instead.",
            )
        source = open_source(df)
        if source.columns is None or source.length is None or not source.ordered or not source.again:
            raise PromptError(
                f"Results cannot be joined to {source.kind}.", remedy="Collect it into a DataFrame first."
            )
        names = {name: f"{name}{suffix}" for name in self.names}
        if clash := [name for name in names.values() if name in source.columns]:
            raise OptionError(
                f"The frame has columns that the results also have: {_listed(clash)}.",
                remedy='Add something to the names of the results: suffix="_llm".'
                if not suffix
                else "Use another suffix.",
            )
        builder = frame_builder(source.library)
        places = self._places_of(source)
        outputs = builder.concat(
            list(self._frames(list(names), _BATCH, builder._replace(name=""), keys=False))
        )
        if places is not None:
            outputs = builder.take(outputs, places)
        return builder.beside(df, builder.rename(outputs, names))

    def _places_of(self, source: RowSource) -> list[int | None] | None:
        """The position of the result of each row of a frame; None if they are in the order of the results."""
        plan = self._plan
        if plan.key_origin == "position":
            if source.length != sum(1 for _ in self.rows()):
                raise OptionError(
                    "The keys of the run are positions, and the frame has another number of rows.",
                    remedy="Join the frame that was the input, or use id= with a column.",
                )
            return None
        columns = KeyColumns(source, list(plan.key_names))
        keys: list[bytes] = []
        for batch in source.read(columns.positions):
            keys += columns.keys(list(batch), len(keys))
        if all(row is not None and key == row.key for key, row in zip_longest(keys, self.rows())):
            return None
        known: dict[bytes, int] = {}
        for row in self.rows():
            known.setdefault(row.key, row.position)
        return [known.get(key) for key in keys]

    def to_parquet(self, path: str | os.PathLike[str]) -> Path:
        """Write the results with their keys to a Parquet file, in batches; an existing file is replaced when it is written.

        Args:
            path: the file.

        Returns:
            The path.

        Raises:
            OptionError: no library that writes Parquet files is installed.
            OSError: the file cannot be written.
        """
        target = Path(path).expanduser()
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            write_parquet(part, lambda builder: self._frames(self.names, _BATCH, builder))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target


class _KeysFrom:
    """The keys of rows that are not in the store: read from the input, which may be read again.

    Args:
        plan: the plan.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._keys: Iterator[bytes] | None = None
        self._next = 0

    def at(self, position: int) -> bytes:
        """The key of a row; the positions must not decrease."""
        if self._keys is None:
            self._keys = self._plan.row_keys()
        key = b""
        while self._next <= position:
            key = next(self._keys, b"")
            self._next += 1
        return key


class _EarlierResults:
    """The results that earlier runs have stored for rows that this run did not read. The places must not decrease.

    Args:
        store: the store.
        plan: the plan.
    """

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store, self._plan = store, plan
        self._batches: Iterator[list[Wanted]] | None = None
        self._last = (-1, 0)
        self._found: dict[tuple[int, int], ResultRow] = {}

    def at(self, position: int, sample: int) -> ResultRow | None:
        """The result of a row that asks now what it asked then; None if there is none."""
        if self._batches is None:
            again = self._plan.source.again and self._store.has_rows_from(position)
            self._batches = self._plan.batches() if again else iter(())
        while (position, sample) > self._last:
            try:
                batch = next(self._batches, None)
            except UsageProblem:  # of a row that was not read
                batch = None
            if batch is None:
                self._batches = iter(())
                return None
            self._last = (batch[-1].position, batch[-1].sample)
            self._found = self._store.placed_results(batch) if (position, sample) <= self._last else {}
        return self._found.get((position, sample))


class _Responses:
    """Responses of a run, rebuilt from the store when they are asked for."""

    def __init__(self, store: Store, plan: Plan, respond: Callable[[ResultRow, int], Response]) -> None:
        self._store, self._plan, self._respond = store, plan, respond

    def _split(self, key: Any, kind: type) -> tuple[Any, int]:
        """A key and the number of a sample, which may follow it if rows have several answers.

        Args:
            key: what was asked for.
            kind: the type of a key before the number of a sample.
        """
        has_sample = self._plan.repeat > 1 and isinstance(key, tuple) and len(key) == 2  # noqa: PLR2004 - key and sample
        if has_sample and isinstance(key[0], kind) and type(key[1]) is int:
            return key[0], key[1]
        return key, 0

    def _earlier(self, position: int, sample: int) -> ResultRow | None:
        """The result of an earlier run for a row that this run did not read."""
        return _EarlierResults(self._store, self._plan).at(position, sample)

    def _response(self, row: ResultRow) -> Response:
        if row.status == "in_doubt":
            raise StoreError(
                f"Row {show_key(row.key)} was sent, and the process ended before its answer was stored.",
                remedy='Run it again with in_doubt="again", or after three attempts call run.retry(status="in_doubt").',
            )
        if row.request is None or not row.attempts:
            raise StoreError(
                f"Row {show_key(row.key)} has no response: {row.status}.",
                remedy="run.df has the status of every row.",
            )
        return self._respond(row, row.request)


class ResponsesByKey(_Responses):
    """The responses of a run by key: ``run.at["T-17"]``; with ``repeat``, ``run.at["T-17", 2]`` is the third answer."""

    def __getitem__(self, key: Any) -> Response:
        value, sample = self._split(key, tuple if len(self._plan.key_names) > 1 else object)
        form = canonical_key(value)
        row = self._store.result(form, sample)
        if row is None:
            position = next((at for at, key in enumerate(self._plan.row_keys()) if key == form), None)
            if position is None:
                raise KeyError(self._unknown(value))
            row = self._earlier(self._plan.repeats.get(position, position), sample)
            if row is None:
                raise _not_asked(show_key(form))
        return self._response(row)

    def _unknown(self, value: Any) -> str:
        text = f"The run has no row with the key {value!r}."
        other: Any = str(value)
        if isinstance(value, str) and value.lstrip("-").isdecimal():
            other = int(value)
        if other != value and self._store.result(canonical_key(other)) is not None:
            return f"{text} There is one with the key {other!r}, which has another type."
        return text


class ResponsesByPosition(_Responses):
    """The responses of a run by position: ``run.iat[0]``, ``run.iat[-1]``; with ``repeat``, ``run.iat[0, 2]``."""

    def __getitem__(self, position: int | tuple[int, int]) -> Response:
        at, sample = self._split(position, int)
        if isinstance(at, bool) or not isinstance(at, int):
            raise TypeError(f"A position is a number, not {type(at).__name__}. run.at[key] takes keys.")
        if at < 0 and self._plan.length is not None:
            at += self._plan.length
        row = self._store.result(self._plan.repeats.get(at, at), sample) if at >= 0 else None
        if row is None:
            if not 0 <= at < (self._plan.length or 0):
                raise IndexError(f"The run has no row at position {position}.")
            row = self._earlier(self._plan.repeats.get(at, at), sample)
            if row is None:
                raise _not_asked(str(at))
        return self._response(row)


def _not_asked(row: str) -> StoreError:
    return StoreError(
        f"Row {row} has no response: waiting.",
        remedy="Run it again to ask for the row; `limit` leaves rows out.",
    )


def _key_cell(key: bytes, level: int, kind: OutputKind) -> Any:
    return key_cell(key if key[:1] != b"(" else key_forms(key)[level], kind) if key else None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
