"""A store from someone else may hold any value in any column; reading it is an error of the store and nothing else."""

from __future__ import annotations

import shutil

import pytest
from store_stage import all_results, attempted, begin, store_sql, wanted

from gemini_magic.errors import GeminiMagicError, OptionError, StoreError
from gemini_magic.row_runs.keys import canonical_key, key_forms, key_value, show_key
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_types import ColumnTypes


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("types") / "t.rows.sqlite"
    with Store.open(path) as store:
        grants = begin(store)
        store.sent(grants)
        store.commit([attempted(grant) for grant in grants])
    return path


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("request.status", "x'28ff'"),
        ("request.first_text", "x'7531'"),
        ("request.seconds", "'long'"),
        ("request.text", "x'ff'"),
        ("request.tokens_in", "1.5"),
        ("request.attempts", "'many'"),
        ("request.state", "x'00'"),
        ("request.model", "CAST(x'ff' AS TEXT)"),
        ("row.key", "'text'"),
        ("row.status", "x'00'"),
        ("request.answered", "x'00'"),
        ("raw.sent", "x'00'"),
        ("raw.attempt", "'first'"),
        ("run.host", "x'00'"),
        ("run.id", "77"),
    ],
)
def test_a_value_of_another_type_is_an_error_of_the_store(filled, tmp_path, column, value):
    path = tmp_path / "t.rows.sqlite"
    shutil.copy(filled, path)
    table, _, name = column.partition(".")
    first = "" if table == "raw" else "WHERE rowid = 1"
    store_sql(path, f"UPDATE {table} SET {name} = {value} {first}")

    def reads(store):
        yield lambda: all_results(store)
        yield lambda: store.result(b"key 0")
        yield lambda: store.match([wanted(0), wanted(7)])
        yield lambda: store.attempts(1)
        yield lambda: store.response(1)
        yield store.runs

    errors = 0
    with Store.read(path) if column.partition(".")[0] != "run" else Store(path) as store:
        for read in reads(store):
            try:
                read()
            except StoreError:
                errors += 1
    assert errors


def test_a_time_that_no_calendar_has_leaves_the_response_readable(filled, tmp_path):
    path = tmp_path / "t.rows.sqlite"
    shutil.copy(filled, path)
    store_sql(path, "UPDATE raw SET sent = 9e18")
    with Store.read(path) as store:
        assert store.response(1).text == "an answer"


def test_a_retry_that_the_store_does_not_have_leaves_the_first_answer(filled, tmp_path):
    path = tmp_path / "t.rows.sqlite"
    shutil.copy(filled, path)
    store_sql(path, "UPDATE request SET answer = 99 WHERE id = 1")
    with Store.read(path) as store:
        [match] = store.match([wanted(0)])
        assert (match.request, match.answer, match.attempts, match.status) == (1, 1, 1, "complete")


def test_a_row_with_a_negative_sample_is_not_a_result(filled, tmp_path):
    path = tmp_path / "t.rows.sqlite"
    shutil.copy(filled, path)
    store_sql(path, "UPDATE row SET sample = -1 WHERE rowid = 2")
    with Store.read(path) as store:
        assert [row.position for row in all_results(store)] == [0, 2]


def test_columns_accept_their_types_and_null_where_it_is_allowed():
    columns = ColumnTypes("i T F b")
    for row in ((1, "a", 1.5, b""), (1, None, None, b""), (1, "a", 2, b"")):
        assert columns.checked(row) == row
    for row in ((None, "a", 1.5, b""), (1, b"a", 1.5, b""), (True, "a", 1.5, b""), (1, "a", 1.5, None)):
        assert not columns.fit(row)
        with pytest.raises(StoreError, match="a row that gemini_magic has not written"):
            columns.checked(row)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"?",
        b"i99x",
        b"i" + b"9" * 5000,
        b"s\xff",
        b"u1",
        b"mx",
        b"d9999-99-99",
        b"n2026",
        b"w" + b"9" * 30,
        b"(\xff",
    ],
)
def test_a_key_that_is_not_canonical_is_an_error(key):
    for read in (key_value, show_key):
        with pytest.raises(OptionError, match="A key has a form"):
            read(key)


def test_a_key_of_tuples_inside_each_other_is_an_error():
    key = canonical_key((1, 2))
    prefix = key[: len(key) - len(key_forms(key)[1])][:5]
    for _ in range(20_000):
        key = prefix[:1] + len(key).to_bytes(len(prefix) - 1, "big") + key
    with pytest.raises(GeminiMagicError, match="A key has a form"):
        key_value(key)
