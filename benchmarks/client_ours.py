"""gemini_magic as the measured client.

``python client_ours.py read|memory|load|first|warm|parallel|parallel_async PORT MODEL``
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from importlib import import_module
from typing import Any

import probe
from client_raw import RawClient

CALLS = 300


def base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def read(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    gemini_magic.ask("hi", model="hello", base_url=base_url(port))
    before = probe.reset_peak()
    began = time.process_time()
    response = gemini_magic.ask("hi", model=model, base_url=base_url(port))
    spent = time.process_time() - began
    peak = probe.peak_bytes()
    response.raise_for_status()
    probe.report(cpu=spent, peak=peak - before, chars=len(response.text))


def memory(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    gemini_magic.ask("hi", model="burst-1000", base_url=base_url(port))
    before = probe.resident_bytes()
    response = gemini_magic.ask("hi", model=model, base_url=base_url(port))
    used = probe.resident_bytes() - before
    raw = response.ledger.raw
    probe.report(overhead=used / len(raw) - sum(len(chunk.raw) for chunk in raw) / len(raw))


def load(_port: int, _model: str) -> None:
    shell = probe.kernel_shell()
    began = time.process_time()
    shell.run_line_magic("load_ext", "gemini_magic")
    probe.report(cpu=time.process_time() - began)


def first(port: int, model: str) -> None:
    shell = probe.kernel_shell()
    shell.run_line_magic("load_ext", "gemini_magic")
    began = time.process_time()
    # -q: the imports of the live view run while a real server thinks, and this server does not wait.
    shell.run_cell(f"%%gemini -q --background -m {model} --base-url {base_url(port)}\nhi")
    next(iter(shell.user_ns["_gemini"].stream))
    probe.report(cpu=time.process_time() - began)


def warm(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    client, raw, ours = RawClient(port), list[float](), list[float]()
    for _ in range(CALLS):
        began = time.perf_counter()
        answer = client.ask(model)
        next(answer)
        raw.append(time.perf_counter() - began)
        list(answer)
        began = time.perf_counter()
        stream = gemini_magic.stream("hi", model=model, base_url=base_url(port))
        next(iter(stream))
        ours.append(time.perf_counter() - began)
        stream.response.wait()
    probe.report(
        raw=statistics.median(raw[CALLS // 5 :]),
        wall=statistics.median(ours[CALLS // 5 :]),
    )


def delays(ledger: Any) -> list[float]:
    """Seconds from the server's write to the recorded arrival, for each event of a paced answer."""
    received = float(ledger.response_id)
    return [
        chunk.t + received - float(text.split()[0])
        for chunk, text in zip(ledger.raw, ledger.answer, strict=True)
    ]


def parallel(port: int, model: str) -> None:
    gemini_magic = import_module("gemini_magic")
    streams = [gemini_magic.stream("hi", model=model, base_url=base_url(port)) for _ in range(probe.STREAMS)]
    ledgers = [stream.response.ledger for stream in streams]
    time.sleep(probe.WARM_UP)
    before = [len(ledger.raw) for ledger in ledgers]
    cpu, wall = time.process_time(), time.perf_counter()
    time.sleep(probe.DURATION)
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    after = [len(ledger.raw) for ledger in ledgers]
    for stream in streams:
        stream.response.wait()
    spans = zip(ledgers, before, after, strict=True)
    probe.report(
        share=share,
        **probe.summarize_delays(
            [delay for ledger, start, end in spans for delay in delays(ledger)[start:end]]
        ),
    )


def parallel_async(port: int, model: str) -> None:
    """As :func:`parallel`, with each stream read by ``async for``: the delay ends when the loop has the event."""
    gemini_magic = import_module("gemini_magic")
    measured, window = list[float](), list[float]()

    async def follow() -> None:
        async for event in gemini_magic.stream("hi", model=model, base_url=base_url(port)):
            now = time.perf_counter()
            text = getattr(getattr(event, "part", None), "text", None)
            if text and len(window) == 1:
                measured.append(now - float(text.split()[0]))

    async def main() -> None:
        tasks = [asyncio.create_task(follow()) for _ in range(probe.STREAMS)]
        await asyncio.sleep(probe.WARM_UP)
        cpu, wall = time.process_time(), time.perf_counter()
        window.append(cpu)
        await asyncio.sleep(probe.DURATION)
        window.append((time.process_time() - cpu) / (time.perf_counter() - wall))
        await asyncio.gather(*tasks)

    asyncio.run(main())
    probe.report(share=window[1], **probe.summarize_delays(measured))


COMMANDS = (read, memory, load, first, warm, parallel, parallel_async)

if __name__ == "__main__":
    {command.__name__: command for command in COMMANDS}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
