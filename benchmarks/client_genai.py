"""google-genai with the same work; runs in an interpreter that has google-genai, with or without gemini_magic.

``python client_genai.py read|first|warm PORT MODEL``
"""

from __future__ import annotations

import statistics
import sys
import time
from importlib import import_module
from typing import Any

import probe

CALLS = 100


def connect(port: int) -> Any:
    genai = import_module("google.genai")
    return genai.Client(api_key="no-key-at-all", http_options={"base_url": f"http://127.0.0.1:{port}"})


def ask(client: Any, model: str) -> Any:
    return client.models.generate_content_stream(model=model, contents="hi")


def read(port: int, model: str) -> None:
    client = connect(port)
    list(ask(client, "hello"))
    before = probe.reset_peak()
    began = time.process_time()
    stored, text = [], []
    for chunk in ask(client, model):
        stored.append((time.perf_counter(), chunk))
        text += [part.text or "" for part in chunk.candidates[0].content.parts]
    answer = "".join(text)
    probe.report(cpu=time.process_time() - began, peak=probe.peak_bytes() - before, chars=len(answer))


def first(port: int, model: str) -> None:
    probe.kernel_shell()
    began = time.process_time()
    client = connect(port)
    answer = next(iter(ask(client, model))).text
    probe.report(cpu=time.process_time() - began, chars=len(answer))


def warm(port: int, model: str) -> None:
    client, times = connect(port), []
    for _ in range(CALLS):
        began = time.perf_counter()
        answer = iter(ask(client, model))
        next(answer)
        times.append(time.perf_counter() - began)
        list(answer)
    probe.report(wall=statistics.median(times[CALLS // 5 :]))


if __name__ == "__main__":
    {"read": read, "first": first, "warm": warm}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
