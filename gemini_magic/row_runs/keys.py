"""Keys of rows: their canonical form, their values, and the detection of keys that occur twice.

The canonical form names the type, so that equal forms mean equal values: an integer and a float with the same integral
value have one form, as joins turn integers into floats; ``True`` and ``1`` have different ones. It is stored, so it never
changes.
"""

from __future__ import annotations

import datetime as dt
import struct
from array import array
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from ..errors import OptionError
from ..text import one_line, short_line

__all__ = [
    "KeyTable",
    "canonical_key",
    "is_missing",
    "is_null",
    "key_forms",
    "key_text",
    "key_value",
    "show_key",
]

_LENGTH: Final = struct.Struct(">I")
_UTC: Final = dt.UTC
_DAY: Final = 86_400
_MOST_DIGITS: Final = 4000  # of a decimal number; Python converts at most 4300 to text
_MOST_SHOWN: Final = 60  # characters of a key in a message


def is_null(value: object) -> bool:
    """Whether a value is None, NaN, NaT or NA of any library."""
    if value is None:
        return True
    if isinstance(value, str | int | bytes):
        return False
    kind = type(value)
    if kind.__name__ in ("NAType", "NaTType") and kind.__module__.startswith("pandas."):
        return True
    if kind.__name__ in ("float", "float64", "float32", "float16", "Decimal", "datetime64", "timedelta64"):
        return bool(value != value)  # noqa: PLR0124 - true of NaN and NaT only
    return kind.__module__ == "pyarrow.lib" and getattr(value, "is_valid", True) is False


def is_missing(value: object) -> bool:
    """Whether a value is null, or text without a visible character."""
    if type(value) is str:
        return not value or value.isspace()
    return is_null(value) or (isinstance(value, str) and not value.strip())


def canonical_key(value: Any) -> bytes:
    """Return the canonical form of a key.

    Args:
        value: an integer, a float, a decimal, a bool, text, bytes, a UUID, a date, a time of day, a duration or a date with
            time; a tuple of these for several columns. Scalars of NumPy, pandas and pyarrow count as those of Python.

    Raises:
        OptionError: the value is null or NaN, or of another type.
    """
    write = _WRITERS.get(type(value))
    try:
        return write(value) if write is not None else _uncommon(value)
    except (
        ValueError,
        OverflowError,
    ):  # a number of thousands of digits, a time that UTC puts before the year 1
        raise _unusable(value) from None


def _integer(value: int) -> bytes:
    return b"i%d" % value


def _float(value: float) -> bytes:
    if value != value:  # noqa: PLR0124 - NaN
        raise _null(value)
    if value.is_integer():
        return b"i%d" % int(value)
    return b"f" + repr(value).encode()


def _decimal(value: Decimal) -> bytes:
    if value.is_nan():
        raise _null(value)
    if not value.is_finite():
        return _float(float(value))
    if value and abs(value.adjusted()) > _MOST_DIGITS:
        raise _unusable(value)
    if value == value.to_integral_value():
        return b"i%d" % int(value)
    near = float(value)
    if Decimal(near) == value:  # 0.5, which equals the float
        return _float(near)
    return b"m" + format(value, "f").rstrip("0").encode()


def _text(value: str) -> bytes:
    return b"s" + value.encode("utf-8", "surrogatepass")


def _moment(value: dt.datetime) -> bytes:
    nanosecond = getattr(value, "nanosecond", 0)  # of a Timestamp of pandas
    if value.tzinfo is None:
        return _moment_text(b"n", value, nanosecond)
    return _moment_text(b"t", value.astimezone(_UTC), nanosecond)


def _moment_text(tag: bytes, value: dt.datetime, nanosecond: int) -> bytes:
    # Not isoformat, which a Timestamp overrides.
    text = (
        f"{value.year:04}-{value.month:02}-{value.day:02}T{value.hour:02}:{value.minute:02}:{value.second:02}"
    )
    return b"%s%s.%06d%03d" % (tag, text.encode(), value.microsecond, nanosecond)


def _time(value: dt.time) -> bytes:
    if value.tzinfo is not None:
        raise _unusable(value)
    return b"h" + value.isoformat("microseconds").encode()


def _duration(value: dt.timedelta) -> bytes:
    nanoseconds = getattr(value, "nanoseconds", 0)
    return b"w%d" % (
        ((value.days * _DAY + value.seconds) * 1_000_000 + value.microseconds) * 1000 + nanoseconds
    )


def _several(value: Sequence[Any]) -> bytes:
    forms = [canonical_key(each) for each in value]
    return b"(" + b"".join(_LENGTH.pack(len(form)) + form for form in forms)


_WRITERS: Final[dict[type, Callable[[Any], bytes]]] = {
    int: _integer,
    str: _text,
    float: _float,
    bool: lambda value: b"b1" if value else b"b0",
    bytes: lambda value: b"y" + value,
    tuple: _several,
    Decimal: _decimal,
    UUID: lambda value: b"u" + value.bytes,
    dt.date: lambda value: b"d" + value.isoformat().encode(),
    dt.datetime: _moment,
    dt.time: _time,
    dt.timedelta: _duration,
}


def _uncommon(value: Any) -> bytes:
    """The form of a subclass of a known type, or of a scalar of a library."""
    if is_null(value):
        raise _null(value)
    kind = type(value)
    if kind.__module__ == "numpy" and kind.__name__ in ("datetime64", "timedelta64"):
        return _of_numpy_time(value)
    if kind.__module__ == "numpy" and hasattr(value, "item"):
        return canonical_key(value.item())
    if kind.__module__ == "pyarrow.lib" and hasattr(value, "as_py"):
        return canonical_key(value.as_py())
    for known in (str, bool, int, float, bytes, Decimal, UUID, dt.datetime, dt.date, dt.time, dt.timedelta):
        if isinstance(value, known):
            return _WRITERS[known](_plain(value, known))
    if isinstance(value, bytearray | memoryview):
        return b"y" + bytes(value)
    raise _unusable(value)


def _plain(value: Any, known: type) -> Any:
    """The value of a subclass whose methods may differ, such as those of an enumeration."""
    if known is str:
        return str.__str__(value)
    if known is int:
        return int.__index__(value)
    return float.__float__(value) if known is float else value


def _of_numpy_time(value: Any) -> bytes:
    unit = "ns"
    count = int(value.astype(f"{type(value).__name__}[{unit}]").astype("int64"))
    if type(value).__name__ == "timedelta64":
        return b"w%d" % count
    seconds, nanoseconds = divmod(count, 1_000_000_000)
    microsecond, nanosecond = divmod(nanoseconds, 1000)
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds, microseconds=microsecond)  # noqa: DTZ001 - without a zone, as in NumPy
    return _moment_text(b"n", moment, nanosecond)


def _null(value: object) -> OptionError:
    return OptionError(f"A key is {value!r}.", remedy="Give every row a key, or remove the rows without one.")


def _unusable(value: object) -> OptionError:
    return OptionError(
        f"A key is a {type(value).__name__}, which cannot be a key.",
        remedy="Use a column with numbers, text or dates, or convert it with str.",
    )


def key_value(key: bytes) -> Any:
    """Return the value of a canonical key. A float with an integral value is an integer; times are in UTC.

    Raises:
        OptionError: it is not a canonical key.
    """
    read = _READERS.get(key[:1])
    try:
        if read is not None:
            return read(key[1:])
    except (
        ValueError,
        ArithmeticError,
        struct.error,
        RecursionError,
    ):  # of a store that someone else has made
        pass
    raise OptionError(
        "A key has a form that this version does not know.",
        remedy="Update gemini_magic to read this store.",
    )


def key_forms(key: bytes) -> list[bytes]:
    """Return the canonical forms of the values of a key: one, or several if it is a tuple."""
    if key[:1] != b"(":
        return [key]
    forms, at = [], 1
    while at < len(key):
        (length,) = _LENGTH.unpack_from(key, at)
        at += _LENGTH.size
        forms.append(key[at : at + length])
        at += length
    return forms


def _read_moment(data: bytes, zone: dt.tzinfo | None) -> dt.datetime:
    text = data.decode()
    return dt.datetime.fromisoformat(text[:-3]).replace(tzinfo=zone)  # without nanoseconds


_READERS: Final[dict[bytes, Callable[[bytes], Any]]] = {
    b"i": int,
    b"f": lambda data: float(data.decode()),
    b"m": lambda data: Decimal(data.decode()),
    b"b": lambda data: data == b"1",
    b"s": lambda data: data.decode("utf-8", "surrogatepass"),
    b"y": bytes,
    b"u": lambda data: UUID(bytes=data),
    b"d": lambda data: dt.date.fromisoformat(data.decode()),
    b"n": lambda data: _read_moment(data, None),
    b"t": lambda data: _read_moment(data, _UTC),
    b"h": lambda data: dt.time.fromisoformat(data.decode()),
    b"w": lambda data: dt.timedelta(microseconds=int(data) // 1000),
    b"(": lambda data: tuple(map(key_value, key_forms(b"(" + data))),
}


def show_key(key: bytes) -> str:
    """A canonical key for a message, on one line and at most 60 characters long."""
    value = key_value(key)
    text = one_line(str(value) if isinstance(value, dt.date | UUID | Decimal) else repr(value))
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"


def key_text(key: bytes) -> str:
    """A canonical key for a table: a text without quotation marks, anything else as :func:`show_key` shows it."""
    value = key_value(key)
    return short_line(value, _MOST_SHOWN) if isinstance(value, str) else show_key(key)


class KeyTable:
    """The keys that were read so far, with the position of each. It needs 18 to 36 bytes a key.

    It keeps 64 bits of Python's keyed hash of each canonical form: two different keys of a million are taken for equal
    with a probability of 3e-8.
    """

    def __init__(self, expected: int = 0) -> None:
        size = 1024
        while size * 2 < expected * 3:
            size *= 2
        self._count = 0
        self._allocate(size)

    def _allocate(self, size: int) -> None:
        self._mask = size - 1
        self._hashes = array("q", bytes(8 * size))
        self._positions = array("I", bytes(4 * size))

    def add_all(self, keys: Sequence[bytes], start: int) -> list[tuple[int, int]]:
        """Add keys. Return the positions of those that were added before, each with its first position.

        Args:
            keys: the canonical forms.
            start: the position of the first one; the others follow it.
        """
        if (self._count + len(keys)) * 3 > self._mask * 2:
            self._grow(self._count + len(keys))
        hashes, positions, mask = self._hashes, self._positions, self._mask
        twice: list[tuple[int, int]] = []
        for position, code in enumerate(map(hash, keys), start):
            slot = code & mask
            while found := hashes[slot]:
                if found == code:
                    twice.append((position, positions[slot]))
                    break
                slot = (slot + 1) & mask
            else:
                hashes[slot] = code  # a key whose hash is 0 would not be found again; that is one in 2**64
                positions[slot] = position
                self._count += 1
        return twice

    def _grow(self, count: int) -> None:
        old, positions = self._hashes, self._positions
        size = self._mask + 1
        while size * 2 < count * 3 + 3:
            size *= 2
        self._allocate(size)
        hashes, mask = self._hashes, self._mask
        for at, code in enumerate(old):
            if not code:
                continue
            slot = code & mask
            while hashes[slot]:
                slot = (slot + 1) & mask
            hashes[slot] = code
            self._positions[slot] = positions[at]
