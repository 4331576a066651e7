import datetime as dt
import enum
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.errors import OptionError
from gemini_magic.row_runs.keys import (
    KeyTable,
    canonical_key,
    is_missing,
    is_null,
    key_forms,
    key_value,
    show_key,
)

YEAR_2, YEAR_9998 = (dt.datetime.fromisoformat(day) for day in ("0002-01-01", "9998-01-01"))
MOMENT = dt.datetime.fromisoformat("2026-01-02T03:04:05")  # without a zone
SINGLE = st.one_of(
    st.integers(-(2**200), 2**200),
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(st.characters(codec=None)),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.datetimes(YEAR_2, YEAR_9998, timezones=st.timezones()),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12),
    st.uuids(),
)
KEYS = st.one_of(SINGLE, st.tuples(SINGLE, SINGLE))


def same(one, two):
    """Whether two values are one key: equal and of types that count as one."""
    if isinstance(one, tuple) and isinstance(two, tuple):
        return len(one) == len(two) and all(map(same, one, two))
    numbers = (int, float, Decimal)
    are_numbers = isinstance(one, numbers) and isinstance(two, numbers)
    if isinstance(one, bool) or isinstance(two, bool):
        return type(one) is type(two) and one == two
    if isinstance(one, dt.datetime) and isinstance(two, dt.datetime) and one.tzinfo and two.tzinfo:
        return one.astimezone(dt.UTC) == two.astimezone(dt.UTC)
    return (type(one) is type(two) or are_numbers) and one == two


@given(KEYS, KEYS)
def test_two_values_have_one_form_exactly_if_they_are_the_same_key(one, two):
    assert (canonical_key(one) == canonical_key(two)) is same(one, two)


@given(KEYS)
def test_the_value_of_a_form_has_the_same_form(value):
    form = canonical_key(value)
    found = key_value(form)
    assert same(found, value)
    assert canonical_key(found) == form
    assert len(show_key(form)) <= 60 and "\n" not in show_key(form)


# The forms are stored, so they never change.
@pytest.mark.parametrize(
    ("value", "form"),
    [
        (7, b"i7"),
        (7.0, b"i7"),
        (-0.0, b"i0"),
        (Decimal("7.00"), b"i7"),
        (np.int8(7), b"i7"),
        (np.float32(7), b"i7"),
        (2**53 + 1, b"i9007199254740993"),
        (7.5, b"f7.5"),
        (Decimal("7.5"), b"f7.5"),
        (Decimal("0.10"), b"m0.1"),
        (1e300, b"i%d" % int(1e300)),
        (float("inf"), b"finf"),
        (True, b"b1"),
        (np.bool_(False), b"b0"),
        ("7", b"s7"),
        (np.str_("é"), b"s\xc3\xa9"),
        (b"7", b"y7"),
        (bytearray(b"7"), b"y7"),
        (dt.date(2026, 1, 2), b"d2026-01-02"),
        (MOMENT, b"n2026-01-02T03:04:05.000000000"),
        (pd.Timestamp("2026-01-02 03:04:05.000000001"), b"n2026-01-02T03:04:05.000000001"),
        (np.datetime64("2026-01-02T03:04:05"), b"n2026-01-02T03:04:05.000000000"),
        (pd.Timestamp("2026-01-02 03:04", tz="Europe/Berlin"), b"t2026-01-02T02:04:00.000000000"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), b"t2026-01-02T00:00:00.000000000"),
        (dt.time(3, 4), b"h03:04:00.000000"),
        (dt.timedelta(seconds=1), b"w1000000000"),
        (np.timedelta64(1, "s"), b"w1000000000"),
        (pd.Timedelta("1s"), b"w1000000000"),
        (UUID(int=1), b"u" + bytes(15) + b"\x01"),
        ((1, "a"), b"(\0\0\0\x02i1\0\0\0\x02sa"),
        (pa.scalar(7), b"i7"),
        (enum.IntEnum("E", {"A": 7}).A, b"i7"),
        (enum.StrEnum("S", {"A": "x"}).A, b"sx"),
    ],
)
def test_the_canonical_form(value, form):
    assert canonical_key(value) == form


@pytest.mark.parametrize(
    "value",
    [
        None,
        float("nan"),
        np.nan,
        np.float32("nan"),
        pd.NA,
        pd.NaT,
        np.datetime64("NaT"),
        Decimal("nan"),
        pa.scalar(None),
    ],
)
def test_null_values_are_not_keys(value):
    assert is_null(value) and is_missing(value)
    with pytest.raises(OptionError, match="A key is"):
        canonical_key(value)


@pytest.mark.parametrize(
    "value",
    [
        [1],
        {"a": 1},
        object(),
        1j,
        pytest.param(10**5000, id="digits"),
        Decimal("1e999999999"),
        Decimal("1e-999999999"),
        dt.time(tzinfo=dt.UTC),
    ],
)
def test_other_values_are_refused_with_their_type(value):
    with pytest.raises(OptionError, match=f"A key is a {type(value).__name__}, which cannot be a key"):
        canonical_key(value)


def test_blank_text_is_missing_and_other_values_are_not():
    assert is_missing("") and is_missing(" \n\t") and is_missing(np.str_(" "))
    assert not any(map(is_missing, ("x", 0, False, b"", [], 0.0, pd.Timestamp(0), np.array([1, 2]))))


def test_a_form_of_a_newer_version_is_refused():
    with pytest.raises(OptionError, match="this version does not know"):
        key_value(b"\xffabc")


def test_the_forms_in_a_key_of_several_columns():
    assert key_forms(canonical_key((1, "a"))) == [b"i1", b"sa"]
    assert key_forms(b"i1") == [b"i1"]


def test_every_library_gives_the_same_forms():
    day = dt.date(2026, 1, 2)
    values = {"i": [2**60 + 1], "f": [0.5], "s": ["é"], "b": [True], "d": [day], "m": [MOMENT], "y": [b"\0"]}
    table = pa.table(values)
    forms = [canonical_key(each[0]) for each in values.values()]
    assert [canonical_key(value) for value in table.to_pylist()[0].values()] == forms
    assert [canonical_key(value) for value in pl.from_arrow(table).row(0)] == forms
    frame = table.to_pandas()
    assert [canonical_key(frame[name].tolist()[0]) for name in frame] == forms


@given(st.lists(st.integers(-50, 50), max_size=300))
def test_a_table_of_keys_finds_every_key_that_occurs_again(numbers):
    keys = [canonical_key(number) for number in numbers]
    table = KeyTable()
    found = [
        pair for start in range(0, len(keys), 7) for pair in table.add_all(keys[start : start + 7], start)
    ]
    assert found == [(at, keys.index(key)) for at, key in enumerate(keys) if keys.index(key) < at]


def test_a_table_of_keys_grows():
    table = KeyTable()
    keys = [canonical_key(number) for number in range(5000)]
    assert table.add_all(keys, 0) == []
    assert table.add_all(keys[-3:], 5000) == [(5000, 4997), (5001, 4998), (5002, 4999)]
