"""The bytes of a response are stored compressed, and damaged ones are an error."""

import hashlib
import zlib

import pytest
from store_stage import attempted, begin, pieces_of, store_sql

from gemini_magic.errors import StoreError
from gemini_magic.row_runs import store_codec, store_queries
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_codec import CODEC, compressed, decompressed


def test_bytes_come_back_as_they_were_and_short_answers_are_small():
    short = b"".join(piece for _, piece in pieces_of("Yes."))
    for data in (b"", b"x", short, bytes(range(256)) * 500):
        assert decompressed(compressed(data), CODEC) == data
    assert len(compressed(short)) < 0.6 * len(zlib.compress(short))
    assert decompressed(b"plain", 0) == b"plain"
    assert decompressed(zlib.compress(b"older"), 1) == b"older"


def test_the_dictionary_of_stored_rows_never_changes():
    digest = hashlib.sha256(store_codec._DICTIONARY).hexdigest()
    assert (CODEC, digest[:16]) == (2, "1cf32231debfee84")


@pytest.mark.parametrize(
    "data", [b"no zlib", compressed(b"a" * 1000)[:-5], zlib.compress(b"other dictionary", 9)[:4]]
)
def test_damaged_bytes_are_an_error(data):
    with pytest.raises(ValueError):
        decompressed(data, CODEC)


def test_a_small_file_that_expands_to_a_huge_one_is_an_error():
    assert len(decompressed(compressed(b"a" * 999), CODEC, 1000)) == 999
    for data, codec, most in (
        (compressed(b"a" * 100_000), CODEC, 1000),
        (b"a" * 1001, 0, 1000),
        (b"a", 0, 0),
    ):
        with pytest.raises(ValueError, match="too large"):
            decompressed(data, codec, most)


def test_many_attempts_that_expand_to_a_huge_response_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(store_queries, "MAX_BODY", 50_000)
    path = tmp_path / "t.rows.sqlite"
    with Store.open(path) as store:
        [grant] = begin(store, 1)
        store.sent([grant])
        store.commit([attempted(grant)])
    store_sql(path, "UPDATE raw SET attempt = 40, pieces = ?", (compressed(bytes(10_000)),))
    store_sql(
        path,
        "WITH n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 9) "
        "INSERT INTO raw SELECT request, n, sent, done, status, ended, problem, cost, worker, head, pieces, codec FROM raw, n",
    )
    with Store.read(path) as store, pytest.raises(StoreError, match="it is cut, or too large"):
        store.response(1)


def test_a_damaged_response_is_an_error_of_its_row_only(tmp_path):
    path = tmp_path / "t.rows.sqlite"
    with Store.open(path) as store:
        grants = begin(store, 4)
        store.commit([attempted(grant) for grant in grants])
    store_sql(path, "UPDATE raw SET pieces = x'00' WHERE request = ?", (grants[0].request,))
    store_sql(path, "UPDATE raw SET codec = 99 WHERE request = ?", (grants[1].request,))
    store_sql(path, "UPDATE raw SET pieces = 'text' WHERE request = ?", (grants[2].request,))
    for grant in (grants[0], grants[2]):
        with pytest.raises(StoreError, match="The stored response is damaged") as raised:
            store.response(grant.request)
        assert raised.value.remedy == "Ask this row again."
    with pytest.raises(StoreError, match="a newer version of gemini_magic"):
        store.response(grants[1].request)
    assert store.response(grants[3].request).text == "an answer"
