"""Recordings as files: .jsonl, .httprr and .sse, written and read."""

import gzip
import json
import tracemalloc
import zlib

import pytest
from client_stage import CANARY, finished, kinds, start
from recording_stage import NOWHERE, chunks, lines, times

import gemini_magic
from gemini_magic import Response
from gemini_magic.errors import RecordingError
from gemini_magic.ledger.ledger import Exchange
from gemini_magic.recording import Replay, read_recording, write_recording


def test_cookies_and_credentials_are_not_written(tmp_path):
    headers = (
        ("X-Goog-Api-Key", CANARY),
        ("Authorization", CANARY),
        ("Cookie", CANARY),
        ("X-Session-Token", CANARY),
        ("Accept", "*/*"),
    )
    exchange = Exchange("POST", f"https://u:{CANARY}@h/p?key={CANARY}&alt=sse", headers, b"{}")
    exchange.status = 200
    exchange.response_headers = (("Set-Cookie", CANARY), ("Content-Type", "x/y"))
    exchange.pieces, exchange.end = [(0.0, b"data: {}\n\n")], "eof"
    for name in ("a.jsonl", "a.httprr"):
        write_recording(tmp_path / name, [exchange])
        assert CANARY.encode() not in (tmp_path / name).read_bytes()
    assert read_recording(tmp_path / "a.jsonl")[0].url == "https://h/p?key=redacted&alt=sse"


def test_an_httprr_trace_is_written_and_read(recorded, tmp_path):
    path, before = recorded
    trace = tmp_path / "one.httprr"
    write_recording(trace, read_recording(path))
    assert trace.read_bytes().startswith(b"httprr trace v1\n")
    packed = tmp_path / "one.httprr.gz"
    packed.write_bytes(gzip.compress(trace.read_bytes()))
    for file in (trace, packed):
        ledger = finished(start(NOWHERE, "hello", replay=Replay(file)))
        assert (ledger.status, chunks(ledger)) == ("complete", chunks(before))
        assert set(times(ledger)) == {0.0}
        assert "recording-lacks" in kinds(ledger)


def test_an_sse_body_is_written_and_read(recorded, tmp_path):
    path, before = recorded
    body = tmp_path / "one.sse"
    write_recording(body, read_recording(path))
    assert body.read_bytes() == b"".join(piece for _, piece in before.exchanges[0].pieces)
    ledger = finished(start(NOWHERE, "whatever", replay=Replay(body)))
    assert (ledger.status, chunks(ledger)) == ("complete", chunks(before))
    assert "recording-lacks" in kinds(ledger)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("no.jsonl", None, "cannot be read"),
        ("empty.jsonl", b"", "no exchange"),
        ("poem.jsonl", b"Shall I compare thee\n", "not a recording: line 1 is not valid"),
        ("list.jsonl", b"[1, 2]\n", "not a recording: line 1 is not valid"),
        ("later.jsonl", b'{"v":3,"exchange":0,"request":{}}\n', "version 3"),
        ("bad.httprr", b"not a trace", "httprr"),
        ("none.httprr", b"httprr trace v1\n", "no exchange"),
        ("bad.httprr.gz", b"not gzip", "gzip"),
    ],
)
def test_a_file_that_is_not_a_recording_is_an_error(tmp_path, name, data, message):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(RecordingError, match=message):
        Replay(path)


def test_a_recording_that_cannot_be_written_is_an_error_and_leaves_no_file(tmp_path):
    exchange = Exchange("POST", "http://h/p", (), b"{}")
    for name, exchanges in (
        ("a.txt", [exchange]),
        ("a.jsonl", []),
        ("a.httprr", [exchange]),
        ("a.sse", [exchange]),
    ):
        with pytest.raises(RecordingError):
            write_recording(tmp_path / name, exchanges)
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize("moment", ["Infinity", "-Infinity", "NaN", "1e999"])
def test_an_infinite_time_is_replaced_by_the_time_before_it(recorded, moment):
    path, ledger = recorded
    kept = path.read_text("utf-8").removesuffix("\n").split("\n")
    places = [number for number, line in enumerate(kept) if '"t":' in line]
    for place in places[1:]:
        line = json.loads(kept[place])
        kept[place] = kept[place].replace(f'"t":{json.dumps(line["t"])}', f'"t":{moment}')
    path.write_text("\n".join(kept) + "\n", "utf-8")
    (again,) = read_recording(path)
    (exchange,) = ledger.exchanges
    assert [piece for _, piece in again.pieces] == [piece for _, piece in exchange.pieces]
    assert {t for t, _ in again.pieces} == {lines(path)[places[0]]["t"]}


def test_a_compressed_recording_that_expands_beyond_the_limit_is_refused(tmp_path):
    bomb = tmp_path / "bomb.jsonl.gz"
    packer = zlib.compressobj(9, wbits=31)
    bomb.write_bytes(b"".join(packer.compress(b" " * 2**20) for _ in range(1000)) + packer.flush())
    assert bomb.stat().st_size < 2**20
    tracemalloc.start()
    try:
        for limit, load in (
            ("128 MB", lambda: Response.load(bomb)),
            ("2 MB", lambda: Response.load(bomb, max_total=2)),
            ("3 MB", lambda: gemini_magic.ask("hi", replay=str(bomb), max_total=3)),
        ):
            with pytest.raises(RecordingError, match=f"expands from 1.0 MB to more than {limit}") as caught:
                load()
            assert "max_total=" in caught.value.remedy
        assert tracemalloc.get_traced_memory()[1] < 400 * 2**20
    finally:
        tracemalloc.stop()
