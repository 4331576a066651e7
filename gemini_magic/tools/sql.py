"""The ready-made tool ``sql``: the model may read named DataFrames by one SELECT statement of DuckDB.

The statement comes from a model, so each query has a fresh database in memory that reads no file, no address and no variable, and
whose configuration is locked. A plain ``duckdb.connect()`` answers ``read_csv('/etc/passwd')``, writes files by ``copy``, and reads
every DataFrame of the namespace.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from ..errors import OptionError
from ..text import one_line
from .definition import Tool

__all__ = ["sql_tool"]

MAX_ROWS: Final = 1000
_MAX_COLUMNS_SHOWN: Final = 200  # in the description, of each table
_TICK: Final = 0.09  # seconds; see below
_CONFIGURATION: Final = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "1GB",
    "temp_directory": "",
    # These are settings that a query can read, and the defaults contain the user's folder.
    "secret_directory": "none",
    "extension_directory": "none",
}


def sql_tool(*, name: str = "sql", max_rows: int = MAX_ROWS, **frames: Any) -> Tool:
    """A tool with which the model reads DataFrames by SQL: ``tools=[sql_tool(sales=sales)]``.

    Args:
        name: the name that the model sees.
        max_rows: the most rows that a query returns.
        frames: the tables by name: objects of pandas, polars or pyarrow, or relations of DuckDB.

    Raises:
        OptionError: DuckDB is not installed, or there is no table, or an object is not a table.
    """
    duckdb = _duckdb()
    if not frames:
        raise OptionError(
            "The tool sql needs the names of DataFrames.", remedy="For example: -T sql:sales,customers"
        )
    connection = _connect(duckdb, frames)
    try:
        tables = [_describe(connection, each) for each in frames]
    finally:
        connection.close()
    plural = "s" if len(tables) > 1 else ""

    async def sql(query: str) -> dict[str, Any]:
        return await _awaited(lambda stopper: _query(duckdb, frames, query, max_rows, stopper))

    return Tool(
        name=name,
        description=f"Run one SELECT statement of DuckDB's SQL over the table{plural} {'; '.join(tables)}. "
        f"Returns at most {max_rows:,} rows.",
        parameters={
            "type": "object",
            "properties": {"query": {"type": "string", "description": "One SELECT statement."}},
            "required": ["query"],
        },
        function=sql,
        source="ready-made",
        is_async=True,
    )


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415 - optional
    except ImportError:
        raise OptionError(
            "The tool sql needs the package duckdb.", remedy='Install it: pip install "gemini-magic[sql]"'
        ) from None
    return duckdb


def _connect(duckdb: Any, frames: Mapping[str, Any]) -> Any:
    """A database that has the tables and nothing else.

    Raises:
        OptionError: DuckDB cannot read an object.
    """
    connection = duckdb.connect(":memory:", config=_CONFIGURATION)
    try:
        # Not in the configuration: DuckDB would then list the paths of its files, with the working folder, as a setting.
        connection.execute("SET enable_external_access = false")
        for name, frame in frames.items():
            try:
                connection.register(name, frame)
            except Exception as problem:  # noqa: BLE001 - of any library
                raise OptionError(
                    f"{name} cannot be a table for sql: {one_line(problem)}",
                    remedy="Name a DataFrame of pandas or polars, or a table of pyarrow.",
                ) from None
        connection.execute("SET lock_configuration = true")
        connection.execute("BEGIN TRANSACTION READ ONLY")  # a SELECT can have an INSERT in its WITH
    except BaseException:
        connection.close()
        raise
    return connection


def _describe(connection: Any, name: str) -> str:
    """The name of a table with its columns and their types."""
    quoted = name.replace('"', '""')
    table = connection.table(f'"{quoted}"')
    columns = [f"{one_line(column)} {kind}" for column, kind in zip(table.columns, table.types, strict=True)]
    shown, more = columns[:_MAX_COLUMNS_SHOWN], len(columns) - _MAX_COLUMNS_SHOWN
    return f"{name}({', '.join(shown)}{f', and {more:,} more columns' if more > 0 else ''})"


def _query(
    duckdb: Any, frames: Mapping[str, Any], query: str, max_rows: int, stopper: Callable[[Any], None]
) -> dict[str, Any]:
    """Run a query.

    Args:
        duckdb: the package.
        frames: the tables.
        query: the statement.
        max_rows: the most rows.
        stopper: receives the connection, so that the query can be interrupted.

    Raises:
        ValueError: it is not one SELECT statement.
        duckdb.Error: DuckDB refuses it.
    """
    statements = duckdb.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("Only one SELECT statement is allowed.")
    connection = _connect(duckdb, frames)
    try:
        stopper(connection)
        found = connection.execute(statements[0])
        columns = [str(column[0]) for column in found.description]
        rows = found.fetchmany(max_rows + 1)
    finally:
        connection.close()
    result: dict[str, Any] = {"columns": columns, "rows": [list(row) for row in rows[:max_rows]]}
    if len(rows) > max_rows:
        result["cut"] = f"Only the first {max_rows:,} rows. Aggregate, or use LIMIT and OFFSET."
    return result


async def _awaited(work: Callable[[Callable[[Any], None]], dict[str, Any]]) -> dict[str, Any]:
    """Run a query in a thread; a cancellation interrupts the query and waits for its end.

    A kernel cancels a task from the handler of a signal, which does not wake the event loop, so this wakes it itself.
    """
    connections: list[Any] = []
    stopped = threading.Event()

    def stopper(connection: Any) -> None:
        connections.append(connection)
        if stopped.is_set():
            raise asyncio.CancelledError

    running = asyncio.ensure_future(asyncio.to_thread(work, stopper))
    try:
        while not running.done():
            await asyncio.wait((running,), timeout=_TICK)
        return running.result()
    finally:
        stopped.set()
        while not running.done():
            for connection in connections:
                with suppress(Exception):  # it may have been closed meanwhile
                    connection.interrupt()
            await asyncio.wait((running,), timeout=_TICK)
