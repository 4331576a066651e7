"""Time and memory of reading are linear in the bytes, however these are cut into pieces."""

from __future__ import annotations

import gc
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from gemini_magic.wire import Reader, SseReader

if TYPE_CHECKING:
    from collections.abc import Callable

MB = 2**20
BUDGET = 25  # times the cost of 1 MB, for 20 MB
# CPU seconds that a busy machine may add by page faults and cold caches; quadratic growth costs many seconds.
SLACK = 0.05


def one_line(size: int) -> bytes:
    return b'data: {"data":"' + b"iVBORw0KGgo=" * (size // 12) + b'"}\r\n\r\n'


def one_line_of_escapes(size: int) -> bytes:
    return b'data: {"data":"' + b'\\"\\n\\\\{' * (size // 7) + b'"}\r\n\r\n'


def one_string(size: int) -> bytes:
    return b'[{"data":"' + b"iVBORw0KGgo=" * (size // 12) + b'"}]'


def many_strings(size: int) -> bytes:
    return b'[{"data":[' + b'"a\\"b{","\\\\",' * (size // 13) + b'""]}]'


def many_data_lines(size: int) -> bytes:
    return b'data: {"data":[\r\n' + b'data: "0123456789",\r\n' * (size // 21) + b"data: 0]}\r\n\r\n"


def bare_lines(size: int) -> bytes:
    return b'data: {"data":[\r\n' + b' "0123456789abcd",\r\n' * (size // 20) + b"0]}\r\n\r\n"


def small_events(size: int) -> bytes:
    return (b'data: {"data":"' + b"x" * 400 + b'"}\r\n\r\n') * (size // 421)


def small_objects(size: int) -> bytes:
    return b"[" + b",".join([b'{"data":["' + b"x" * 80 + b'"]}'] * (size // 95)) + b"]"


def lines_that_cannot_continue(size: int) -> bytes:
    return b'data: {"data":[\r\n' + b'data: {"x":[,\r\n' * (size // 15)


def read(body: bytes, piece: int) -> int:
    reader = Reader()
    kept = []
    for at in range(0, len(body), piece):
        kept += reader.feed(body[at : at + piece])
    return len(kept + reader.close())


def cpu_seconds(work: Callable[[], object], times: int) -> float:
    """The best of ``times`` runs, in CPU time of this process, which other load on the machine affects little."""
    best = float("inf")
    for _ in range(times):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best


@pytest.mark.parametrize("piece", [512, 65_536, 1 << 30], ids=["512 B", "64 KiB", "whole"])
@pytest.mark.parametrize("make", [one_line, one_string], ids=lambda make: make.__name__)
def test_20_mb_in_one_event_costs_at_most_25_times_1_mb(make, piece):
    large = make(20 * MB)
    # 1 MB is measured over twenty such events, all of them kept: a single one would stay in the processor's cache
    # and in memory that is already mapped, which would change the ratio.
    small = make(MB) * 20
    assert (read(small, piece), read(large, piece)) == (20, 1)
    unit = whole = float("inf")
    gc.disable()  # its passes take longer with the objects of other tests
    try:
        # Alternating, and repeated while the machine is too busy for a result; quadratic growth never passes.
        for turn in range(12):
            unit = min(unit, cpu_seconds(lambda: read(small, piece), 1) / 20)
            whole = min(whole, cpu_seconds(lambda: read(large, piece), 1))
            if turn >= 3 and whole <= BUDGET * unit:
                break
    finally:
        gc.enable()
    print(
        f"{make.__name__}, pieces of {piece}: 1 MB {unit * 1e3:.2f} ms, 20 MB {whole / unit:.1f} times that"
    )
    assert whole <= BUDGET * unit + SLACK


SHAPES = [
    one_line_of_escapes,
    many_strings,
    many_data_lines,
    bare_lines,
    small_events,
    small_objects,
    lines_that_cannot_continue,
]


@pytest.mark.parametrize("piece", [512, 1 << 30], ids=["512 B", "whole"])
@pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)
def test_the_time_for_every_shape_is_linear(make, piece):
    small, large = make(MB // 4), make(4 * MB)
    gc.disable()
    try:
        unit = whole = float("inf")
        for _ in range(8):  # again while the machine is too busy for a result
            unit = min(unit, cpu_seconds(lambda: read(small, piece), 5))
            whole = min(whole, cpu_seconds(lambda: read(large, piece), 1))
            if whole <= 25 * unit:
                break
    finally:
        gc.enable()
    print(
        f"{make.__name__}, pieces of {piece}: {unit * 4e3:.2f} ms per MB, 16 times the size costs {whole / unit:.1f} times"
    )
    # The slack is for caches; quadratic growth costs 256 times.
    assert whole <= 60 * max(unit, 0.0005)


def test_the_time_of_the_strict_reader_is_linear():
    # Both are too large for any cache, so that its three copies of an event (bytes, value, str) cost the same.
    small, large = one_line(5 * MB), one_line(20 * MB)

    def run(body: bytes) -> None:
        reader = SseReader()
        for at in range(0, len(body), 4096):
            reader.feed(body[at : at + 4096])

    unit = whole = float("inf")
    for turn in range(12):
        unit = min(unit, cpu_seconds(lambda: run(small), 1))
        whole = min(whole, cpu_seconds(lambda: run(large), 1))
        if turn >= 2 and whole <= 8 * unit:
            break
    assert whole <= 8 * unit + SLACK  # 4 times the bytes; quadratic growth costs 16 times


@pytest.mark.parametrize("make", [one_line, one_string], ids=lambda make: make.__name__)
def test_memory_holds_a_16_mb_event_at_most_twice(make):
    """Once in pieces and once joined; the current piece of the caller is additional."""
    body = make(16 * MB)
    tracemalloc.start()
    try:
        reader = Reader()
        items = []
        for at in range(0, len(body), 65_536):
            items += reader.feed(body[at : at + 65_536])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(items) == 1
    print(f"{make.__name__}: peak {peak / len(body):.2f} copies")
    assert peak <= 2.3 * len(body)


def test_pieces_that_the_caller_keeps_are_not_copied():
    body = one_line(16 * MB)
    pieces = [body[at : at + 16_384] for at in range(0, len(body), 16_384)]
    tracemalloc.start()
    try:
        reader = Reader()
        items = [item for piece in pieces for item in reader.feed(piece)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(items) == 1
    assert peak <= 1.1 * len(body)
