"""One client that asks many rows: ``python rows_clients.py CLIENT PORT ROWS AT_ONCE`` prints its figures as JSON.

``cpu``: milliseconds of CPU a row; ``rate``: rows a second; ``steady``: those of the middle half of the
requests; ``opened``: connections that it opened.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

MODEL = "gemini-flash-latest"
KEY = "AIzaCANARY0123456789abcdefghijklmnopqrs"


def prompts(rows: int) -> list[str]:
    return [
        f"Classify ticket {number}: my invoice is wrong and I want it corrected." for number in range(rows)
    ]


def in_threads(at_once: int, rows: int, ask: Callable[[str], None]) -> None:
    """Ask all prompts, each thread one after the other."""
    queue: SimpleQueue[str | None] = SimpleQueue()
    for prompt in [*prompts(rows), *[None] * at_once]:
        queue.put(prompt)

    def work() -> None:
        while (prompt := queue.get()) is not None:
            ask(prompt)

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def body_of(prompt: str) -> bytes:
    return json.dumps({"contents": [{"role": "user", "parts": [{"text": prompt}]}]}).encode()


def raw(port: int, rows: int, at_once: int) -> None:
    """Raw sockets, one for each thread, and ``json.loads`` of each event."""
    local = threading.local()
    path = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"

    def ask(prompt: str) -> None:
        sock = getattr(local, "sock", None)
        if sock is None:
            sock = local.sock = socket.create_connection(("127.0.0.1", port))
        body = body_of(prompt)
        sock.sendall(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data += sock.recv(65536)
        for line in data.split(b"\r\n"):
            if line.startswith(b"data: "):
                json.loads(line[6:])

    in_threads(at_once, rows, ask)


def httpx(port: int, rows: int, at_once: int) -> None:
    """One ``httpx.Client`` for all threads."""
    import httpx as package  # noqa: PLC0415 - only for this client

    limits = package.Limits(max_connections=None, max_keepalive_connections=None)
    url = f"http://127.0.0.1:{port}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    with package.Client(limits=limits, timeout=600, trust_env=False) as client:

        def ask(prompt: str) -> None:
            with client.stream("POST", url, content=body_of(prompt)) as response:
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        json.loads(line[6:])

        in_threads(at_once, rows, ask)


def ours(port: int, rows: int, at_once: int, *, store: bool = True) -> None:
    """``gemini_magic.rows`` with a store on the disk (``ours``), or with a temporary one (``ours_temporary``)."""
    import gemini_magic as gm  # noqa: PLC0415 - only for this client

    with tempfile.TemporaryDirectory() as folder:
        run = gm.rows(
            prompts(rows),
            store=Path(folder) / "a.rows.sqlite" if store else None,
            base_url=f"http://127.0.0.1:{port}",
            key_env="BENCHMARK_KEY",
            model=MODEL,
            concurrency=at_once,
            show=False,
        )
        run.raise_for_status()


def ours_temporary(port: int, rows: int, at_once: int) -> None:
    ours(port, rows, at_once, store=False)


def _genai(port: int):
    from google import genai  # noqa: PLC0415 - only for this client

    return genai.Client(api_key=KEY, http_options={"base_url": f"http://127.0.0.1:{port}"})


def genai_stream(port: int, rows: int, at_once: int) -> None:
    """google-genai on asyncio, streaming, every chunk kept."""
    client = _genai(port)

    async def main() -> None:
        gate = asyncio.Semaphore(at_once)

        async def ask(prompt: str) -> None:
            async with gate:
                stream = await client.aio.models.generate_content_stream(model=MODEL, contents=prompt)
                _ = [chunk async for chunk in stream]

        await asyncio.gather(*map(ask, prompts(rows)))

    asyncio.run(main())


def genai_whole(port: int, rows: int, at_once: int) -> None:
    """google-genai on asyncio, whole answers."""
    client = _genai(port)

    async def main() -> None:
        gate = asyncio.Semaphore(at_once)

        async def ask(prompt: str) -> None:
            async with gate:
                await client.aio.models.generate_content(model=MODEL, contents=prompt)

        await asyncio.gather(*map(ask, prompts(rows)))

    asyncio.run(main())


def chatlas(port: int, rows: int, at_once: int) -> None:
    """``parallel_chat`` of chatlas, whole answers."""
    import chatlas as package  # noqa: PLC0415 - only for this client

    options = {"base_url": f"http://127.0.0.1:{port}"}
    chat = package.ChatGoogle(model=MODEL, api_key=KEY, kwargs={"http_options": options})
    asyncio.run(package.parallel_chat(chat, prompts(rows), max_active=at_once, rpm=10**7))


CLIENTS = {
    each.__name__: each for each in (raw, httpx, ours, ours_temporary, genai_stream, genai_whole, chatlas)
}


def count(port: int) -> dict[str, float]:
    """What the server has counted since the last call."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/count")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return found


def main() -> None:
    client, port, rows, at_once = CLIENTS[sys.argv[1]], *map(int, sys.argv[2:5])
    os.environ["BENCHMARK_KEY"] = KEY
    client(port, 2 * at_once, at_once)  # imports, connections, threads
    count(port)
    cpu, began = time.process_time(), time.perf_counter()
    client(port, rows, at_once)
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - began
    found = count(port)
    assert found["requests"] == rows, found
    figures = {"cpu": 1000 * cpu / rows, "rate": rows / seconds}
    print(json.dumps(figures | {name: found[name] for name in ("steady", "opened")}))


if __name__ == "__main__":
    main()
