"""google-genai with the same duties; it runs in whichever interpreter has it.

``python client_genai.py read|first|warm PORT MODEL``
"""

from __future__ import annotations

import statistics
import sys
import time
from importlib import import_module
from typing import Any

import gauge

CALLS = 100


def connect(port: int) -> Any:
    genai = import_module("google.genai")
    return genai.Client(api_key="no-key-at-all", http_options={"base_url": f"http://127.0.0.1:{port}"})


def ask(client: Any, model: str) -> Any:
    return client.models.generate_content_stream(model=model, contents="hi")


def read(port: int, model: str) -> None:
    client = connect(port)
    list(ask(client, "hello"))
    before = gauge.begin_peak()
    began = time.process_time()
    kept, text = [], []
    for chunk in ask(client, model):
        kept.append((time.perf_counter(), chunk))
        text += [part.text or "" for part in chunk.candidates[0].content.parts]
    answer = "".join(text)
    gauge.report(cpu=time.process_time() - began, peak=gauge.peak() - before, chars=len(answer))


def first(port: int, model: str) -> None:
    gauge.kernel_shell()
    began = time.process_time()
    client = connect(port)
    answer = next(iter(ask(client, model))).text
    gauge.report(cpu=time.process_time() - began, chars=len(answer))


def warm(port: int, model: str) -> None:
    client, times = connect(port), []
    for _ in range(CALLS):
        began = time.perf_counter()
        answer = iter(ask(client, model))
        next(answer)
        times.append(time.perf_counter() - began)
        list(answer)
    gauge.report(wall=statistics.median(times[CALLS // 5 :]))


if __name__ == "__main__":
    {"read": read, "first": first, "warm": warm}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
