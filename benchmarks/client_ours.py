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


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def read(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    gemini_magic.ask("hi", model="hello", base_url=address(port))
    before = gauge.begin_peak()
    began = time.process_time()
    response = gemini_magic.ask("hi", model=model, base_url=address(port))
    spent = time.process_time() - began
    highest = gauge.peak()
    response.raise_for_status()
    gauge.report(cpu=spent, peak=highest - before, chars=len(response.text))


def memory(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    gemini_magic.ask("hi", model="burst-1000", base_url=address(port))
    before = gauge.resident()
    response = gemini_magic.ask("hi", model=model, base_url=address(port))
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
    streams = [gemini_magic.stream("hi", model=model, base_url=address(port)) for _ in range(gauge.STREAMS)]
    ledgers = [stream.response.ledger for stream in streams]
    time.sleep(gauge.SETTLED)
    before = [len(ledger.raw) for ledger in ledgers]
    cpu, wall = time.process_time(), time.perf_counter()
    time.sleep(gauge.MEASURED)
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    after = [len(ledger.raw) for ledger in ledgers]
    for stream in streams:
        stream.response.wait()
    spans = zip(ledgers, before, after, strict=True)
    gauge.report(
        share=share,
        **gauge.lateness([lag for ledger, start, end in spans for lag in lags(ledger)[start:end]]),
    )


def consumed(port: int, model: str) -> None:
    """The same, each stream read with ``async for``: late is when the event is in the loop's hands."""
    gemini_magic = import_module("gemini_magic")
    late, window = list[float](), list[float]()

    async def follow() -> None:
        async for event in gemini_magic.stream("hi", model=model, base_url=address(port)):
            now = time.perf_counter()
            text = getattr(getattr(event, "part", None), "text", None)
            if text and len(window) == 1:
                late.append(now - float(text.split()[0]))

    async def main() -> None:
        tasks = [asyncio.create_task(follow()) for _ in range(gauge.STREAMS)]
        await asyncio.sleep(gauge.SETTLED)
        cpu, wall = time.process_time(), time.perf_counter()
        window.append(cpu)
        await asyncio.sleep(gauge.MEASURED)
        window.append((time.process_time() - cpu) / (time.perf_counter() - wall))
        await asyncio.gather(*tasks)

    asyncio.run(main())
    gauge.report(share=window[1], **gauge.lateness(late))


COMMANDS = (read, memory, load, first, warm, parallel, consumed)

if __name__ == "__main__":
    {each.__name__: each for each in COMMANDS}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
