"""The ready-made tool `sql`: what a SELECT may read, and that nothing else can be done with it."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

from gemini_magic.content import Call
from gemini_magic.errors import OptionError
from gemini_magic.tools import prepare_call, result_of, sql_tool

CITIES = pd.DataFrame({"city": ["Paris", "Lyon", None], "people": [2_100_000, 520_000, 7]})
secret = pd.DataFrame({"key": ["canary-frame"]})  # a frame of this module that no query may see


def run(query, **frames):
    tool = sql_tool(**(frames or {"cities": CITIES}))
    return asyncio.run(tool.function(query))


def test_a_select_reads_the_named_frames():
    assert run("select city, people / 7 as weeks from cities where people > 1000 order by people") == {
        "columns": ["city", "weeks"],
        "rows": [["Lyon", 520_000 / 7], ["Paris", 300_000.0]],
    }
    both = run(
        "select count(*) from a join b using (x)", a=pl.DataFrame({"x": [1, 2]}), b=pd.DataFrame({"x": [2]})
    )
    assert both["rows"] == [[1]]
    for query in (
        "from cities limit 1",
        "values (1)",
        "with x as (select 1 as a) select * from x",
        "describe cities",
    ):
        assert run(query)["rows"]


def test_the_description_has_names_and_types_but_no_values():
    tool = sql_tool(cities=CITIES, other=pl.DataFrame({"ok": [True]}))
    assert "cities(city VARCHAR, people BIGINT); other(ok BOOLEAN)" in tool.description
    assert "Paris" not in tool.description
    assert (tool.name, tool.confirm, tool.is_async, tool.source) == ("sql", False, True, "ready-made")


def test_values_of_all_types_can_be_sent():
    found = run("select 1.5::decimal(9,2) as d, date '2026-01-02' as day, [1, 2] as list, null as n")
    assert found["rows"] == [[Decimal("1.50"), pd.Timestamp("2026-01-02").date(), [1, 2], None]]
    sent = result_of(Call("sql", {}, "1"), found).result.response["output"]
    assert sent["rows"] == [["1.50", "2026-01-02", [1, 2], None]]


def test_rows_are_capped_and_the_model_is_informed():
    found = asyncio.run(sql_tool(max_rows=2, cities=CITIES).function("from cities"))
    assert len(found["rows"]) == 2
    assert found["cut"] == "Only the first 2 rows. Aggregate, or use LIMIT and OFFSET."


ATTACKS = [
    "select * from secret",
    "select * from CITIES_OF_NOBODY",
    "select * from read_csv('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_parquet('https://evil.example/x')",
    "select * from read_json_auto('/etc/passwd')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from glob('/etc/*')",
    "select * from duckdb_secrets()",
    "select getenv('HOME')",
    "select * from query('insert into cities values (1)')",
    "select * from sqlite_scan('a.db', 't')",
    "with x as (copy cities to '{file}') select 1",
]  # fmt: skip
REFUSED = [
    "copy cities to '{file}'",
    "export database '{file}'",
    "attach '{file}'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "reset lock_configuration",
    "drop view cities",
    "create table t as select 1",
    "create view v as from cities",
    "insert into cities values ('x', 1)",
    "update cities set people = 0",
    "delete from cities",
    "pragma version",
    "call pragma_version()",
    "explain analyze select 1",
    "prepare p as select 1",
    "begin",
    "commit",
    "checkpoint",
    "use memory",
    "vacuum",
    "select 1; select 2",
    "select 1; drop view cities",
    "",
    "-- nothing",
]  # fmt: skip


@pytest.mark.parametrize("query", ATTACKS)
def test_a_select_reaches_no_file_no_address_no_variable_and_no_other_frame(query, tmp_path):
    file = tmp_path / "written"
    with pytest.raises(duckdb.Error):
        run(query.replace("{file}", str(file)))
    assert not file.exists()


@pytest.mark.parametrize(
    "query",
    [
        "from duckdb_settings()",
        "select current_setting('allowed_paths'), current_setting('secret_directory')",
        "select current_setting('extension_directory'), current_setting('home_directory')",
        "from duckdb_databases()",
        "from duckdb_secrets()",
        "from duckdb_extensions()",
        "from duckdb_temporary_files()",
        "from duckdb_logs()",
        "from pragma_database_size()",
        "from duckdb_external_file_cache()",
        "from read_csv('no_such_file.csv')",
        "from read_text('*')",
    ],
)
def test_no_query_shows_a_folder_of_the_user(query, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        shown = str(run(query))
    except duckdb.Error as error:
        shown = str(error)
    assert str(tmp_path) not in shown
    assert str(Path.home()) not in shown


@pytest.mark.parametrize("query", REFUSED)
def test_only_one_select_is_run(query, tmp_path):
    file = tmp_path / "written"
    with pytest.raises((ValueError, duckdb.Error), match=r"Only one SELECT statement|Parser"):
        run(query.replace("{file}", str(file)))
    assert not file.exists()


def test_a_select_that_writes_in_its_with_clause_is_refused():
    with pytest.raises(duckdb.Error):
        run("with x as (insert into cities values ('x', 1) returning *) select * from x")
    assert len(CITIES) == 3


def test_a_query_may_take_a_gigabyte_and_no_room_on_the_disk():
    names = ("memory_limit", "temp_directory", "enable_external_access", "lock_configuration")
    (row,) = run("select " + ", ".join(f"current_setting('{name}')" for name in names))["rows"]
    assert row == ["953.6 MiB", "", False, True]


def test_a_cancelled_query_ends_at_once():
    async def cell():
        task = asyncio.current_task()
        threading.Timer(0.2, task.cancel).start()  # from another thread: nothing wakes the loop
        began = time.monotonic()
        try:
            await sql_tool(cities=CITIES).function(
                "select count(*) from range(10000000000) a, range(1000000) b"
            )
        except asyncio.CancelledError:
            return time.monotonic() - began
        return None

    taken = asyncio.run(cell())
    assert taken is not None and taken < 1.5


def test_a_missing_table_or_package_is_an_error_before_anything_is_sent(monkeypatch):
    with pytest.raises(OptionError, match="n cannot be a table for sql"):
        sql_tool(n=5)
    with pytest.raises(OptionError, match="The tool sql needs the names of DataFrames") as caught:
        sql_tool()
    assert caught.value.remedy == "For example: -T sql:sales,customers"
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(OptionError, match="needs the package duckdb") as caught:
        sql_tool(cities=CITIES)
    assert 'pip install "gemini-magic[sql]"' in caught.value.remedy


def test_arguments_that_do_not_fit_are_not_run():
    tool = sql_tool(cities=CITIES)
    assert prepare_call(Call("sql", {"query": 5}, "1"), [tool]).problems
    assert prepare_call(Call("sql", {}, "1"), [tool]).problems
    assert not prepare_call(Call("sql", {"query": "from cities"}, "1"), [tool]).problems
