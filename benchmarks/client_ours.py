"""What is measured: gemini_magic.

``python client_ours.py read|memory|load|first|warm|parallel|consumed PORT MODEL``
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from importlib import import_module
from typing import Any

import gauge
from client_floor import RawClient

CALLS = 300
STREAMS = 100
SETTLED = 1.5  # seconds until a hundred streams run evenly
MEASURED = 3.0


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def read(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    gemini_magic.ask("hi", model="hello", base_url=address(port), keep=0)
    before = gauge.begin_peak()
    began = time.process_time()
    response = gemini_magic.ask("hi", model=model, base_url=address(port), keep=0)
    spent = time.process_time() - began
    highest = gauge.peak()
    response.raise_for_status()
    gauge.report(cpu=spent, peak=highest - before, chars=len(response.text))


def memory(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    gemini_magic.ask("hi", model="burst-1000", base_url=address(port), keep=0)
    before = gauge.resident()
    response = gemini_magic.ask("hi", model=model, base_url=address(port), keep=0)
    held = gauge.resident() - before
    raw = response.ledger.raw
    gauge.report(beside=held / len(raw) - sum(len(chunk.raw) for chunk in raw) / len(raw))


def load(_port: int, _model: str) -> None:
    shell = gauge.kernel_shell()
    began = time.process_time()
    shell.run_line_magic("load_ext", "gemini_magic")
    gauge.report(cpu=time.process_time() - began)


def first(port: int, model: str) -> None:
    shell = gauge.kernel_shell()
    shell.run_line_magic("load_ext", "gemini_magic")
    began = time.process_time()
    # Quiet: what the picture needs is imported while a server thinks, and this one does not.
    shell.run_cell(f"%%gemini -q --background -m {model} --base-url {address(port)}\nhi")
    next(iter(shell.user_ns["_gemini"].stream))
    gauge.report(cpu=time.process_time() - began)


def warm(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    raw, floor, ours = RawClient(port), list[float](), list[float]()
    for _ in range(CALLS):
        began = time.perf_counter()
        answer = raw.ask(model)
        next(answer)
        floor.append(time.perf_counter() - began)
        list(answer)
        began = time.perf_counter()
        stream = gemini_magic.stream("hi", model=model, base_url=address(port))
        next(iter(stream))
        ours.append(time.perf_counter() - began)
        stream.response.wait()
    gauge.report(
        floor=statistics.median(floor[CALLS // 5 :]),
        wall=statistics.median(ours[CALLS // 5 :]),
    )


def lags(ledger: Any) -> list[float]:
    """Seconds from the server's write to our stamp, for each event of a paced answer."""
    received = float(ledger.response_id)
    return [
        chunk.t + received - float(text.split()[0])
        for chunk, text in zip(ledger.raw, ledger.answer, strict=True)
    ]


def parallel(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    streams = [gemini_magic.stream("hi", model=model, base_url=address(port), keep=0) for _ in range(STREAMS)]
    time.sleep(SETTLED)
    seen = [len(stream.response.ledger.raw) for stream in streams]
    cpu, wall = time.process_time(), time.perf_counter()
    time.sleep(MEASURED)
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    events = sum(len(stream.response.ledger.raw) for stream in streams) - sum(seen)
    for stream in streams:
        stream.response.wait()
    late = sorted(
        lag
        for stream, start in zip(streams, seen, strict=True)
        for lag in lags(stream.response.ledger)[start:]
    )
    gauge.report(share=share, worst=late[-1], p99=late[len(late) * 99 // 100], rate=events / MEASURED)


def consumed(port: int, model: str) -> None:
    """The same, each stream read with ``async for``: late is when the event is in the loop's hands."""
    gemini_magic = import_module("gemini_magic")
    late, window = list[float](), list[float]()

    async def follow() -> None:
        async for event in gemini_magic.stream("hi", model=model, base_url=address(port), keep=0):
            now = time.perf_counter()
            text = getattr(getattr(event, "part", None), "text", None)
            if text and len(window) == 1:
                late.append(now - float(text.split()[0]))

    async def main() -> None:
        tasks = [asyncio.create_task(follow()) for _ in range(STREAMS)]
        await asyncio.sleep(SETTLED)
        cpu, wall = time.process_time(), time.perf_counter()
        window.append(cpu)
        await asyncio.sleep(MEASURED)
        window.append((time.process_time() - cpu) / (time.perf_counter() - wall))
        await asyncio.gather(*tasks)

    asyncio.run(main())
    late.sort()
    gauge.report(share=window[1], worst=late[-1], p99=late[len(late) * 99 // 100], rate=len(late) / MEASURED)


COMMANDS = (read, memory, load, first, warm, parallel, consumed)

if __name__ == "__main__":
    {each.__name__: each for each in COMMANDS}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
