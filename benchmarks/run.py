"""Measures what the design promises and prints each figure beside its budget: ``python benchmarks/run.py [name …]``.

Floor and candidate run in turns in fresh processes; times are process CPU, medians. Figures of a busy machine vary;
compare ratios of one run only.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import textwrap
from collections.abc import Callable

ROUNDS = 5

EVENT = {
    "candidates": [{"content": {"parts": [{"text": "x" * 141}], "role": "model"}, "index": 0}],
    "usageMetadata": {
        "promptTokenCount": 11,
        "candidatesTokenCount": 200,
        "totalTokenCount": 260,
        "thoughtsTokenCount": 49,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}],
    },
    "modelVersion": "gemini-flash-latest",
    "responseId": "abcdefghijklmnopqrstuvw",
}

# A server far faster than any client: the whole body is made before, one HTTP chunk an event.
SERVER = f"""
import json, socket, sys, threading
EVENT = json.loads({json.dumps(EVENT)!r})
def serve(count, pad=0):
    value = json.loads(json.dumps(EVENT))
    if pad:
        value["candidates"][0]["content"]["parts"] = [{{"inlineData": {{"mimeType": "image/png", "data": "iVBORw0K" * (pad // 8)}}}}]
    line = b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\\r\\n\\r\\n"
    step = 16384 if pad else len(line)
    one = b"".join(b"%x\\r\\n%s\\r\\n" % (len(line[i:i+step]), line[i:i+step]) for i in range(0, len(line), step))
    body = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n" + one * count + b"0\\r\\n\\r\\n"
    listener = socket.create_server(("127.0.0.1", 0))
    def loop():
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=talk, args=(sock,), daemon=True).start()
    def talk(sock):
        held = b""
        while True:
            while b"\\r\\n\\r\\n" not in held:
                got = sock.recv(65536)
                if not got: return
                held += got
            head, held = held.split(b"\\r\\n\\r\\n", 1)
            size = next(int(l.split(b":")[1]) for l in head.split(b"\\r\\n") if l.lower().startswith(b"content-length"))
            while len(held) < size: held += sock.recv(65536)
            held = held[size:]
            sock.sendall(body)
    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]
"""

SERVE = SERVER + "\nprint(serve(int(sys.argv[1]), int(sys.argv[2])), flush=True); sys.stdin.read()"

FLOOR = """
import json, socket, sys, time
port = int(sys.argv[1])
def run():
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(b"POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    data, values, text, parts = b"", [], [], []
    stream = sock.makefile("rb", buffering=65536)
    while stream.readline() != b"\\r\\n": pass
    rest = b""
    while (size := int(stream.readline(), 16)):
        parts.append(stream.read(size)); stream.read(2)
        if not parts[-1].endswith(b"\\r\\n\\r\\n"): continue
        event = b"".join(parts); parts = []
        value = json.loads(event[6:])
        values.append((time.perf_counter(), event, value))
        text.append(value["candidates"][0]["content"]["parts"][0].get("text", ""))
    return "".join(text)
began = time.process_time(); run(); print(json.dumps(time.process_time() - began))
"""

OURS = """
import json, sys, time
import gemini_magic
from gemini_magic import ask
gemini_magic.ask("@chunk 5\\nwarm up everything that is imported", backend="echo", keep=0)
import gemini_magic.client
began = time.process_time()
r = ask("hi", model="m", base_url=f"http://127.0.0.1:{sys.argv[1]}", keep=0)
spent = time.process_time() - began
assert r.raw_chunks, r.error
print(json.dumps(spent))
"""

LOAD = """
import json, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
began = time.process_time()
shell.run_line_magic("load_ext", "gemini_magic")
print(json.dumps(time.process_time() - began))
"""

RENDER = """
import json, random, sys, time
from gemini_magic.markdown import Renderer, render
size, rate = int(sys.argv[1]), int(sys.argv[2])
chance = random.Random(7)
block = ["## A heading {n}\\n\\n", "Some **bold** prose with `code`, a [link](https://example.com) and *more* of it, {n}.\\n\\n",
    "- one\\n- two\\n  - nested {n}\\n\\n", "```python\\nfor i in range({n}):\\n    print(i)\\n```\\n\\n", "| a | b |\\n|--|--|\\n| {n} | x |\\n\\n"]
text = ""
while len(text) < size: text += chance.choice(block).format(n=len(text))
render(text[:2000])
began = time.process_time(); render(text); once = time.process_time() - began
renderer, sent, at, chunk = Renderer(heal=True), 0, 0, 0
began = time.process_time()
while at < len(text):
    step = chance.randint(20, 60); renderer.append(text[at:at + step]); at += step; chunk += 1
    if chunk % rate == 0: sent += sum(len(op.html) for op in renderer.update())
sent += sum(len(op.html) for op in renderer.close())
print(json.dumps([(time.process_time() - began) / once, sent / len(text)]))
"""


def fresh(code: str, *arguments: object) -> float | list[float]:
    """Run code in a process of its own; what it printed, as JSON."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def against_floor(name: str, count: int, pad: int, budget: str) -> None:
    """Reading a body: a raw socket with ``json.loads`` and the same duties, against ``ask``."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(count), str(pad)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = server.stdout.readline().strip()
        pairs = [(fresh(FLOOR, port), fresh(OURS, port)) for _ in range(ROUNDS)]
    finally:
        server.kill()
        server.wait()
    floor, ours = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    print(
        f"{name:34} floor {floor * 1e3:7.1f} ms   ours {ours * 1e3:7.1f} ms   {ours / floor:5.2f}x   budget {budget}"
    )


def burst() -> None:
    """10,000 events as fast as they can be read, all of them kept, decoded and stamped."""
    against_floor("burst, 10,000 events, whole duty", 10_000, 0, "1.5x, goal 1.0x")


def large() -> None:
    """One event of 16 MB."""
    against_floor("one 16 MB event", 1, 16 * 2**20, "1.0x")


def load() -> None:
    """``%load_ext gemini_magic``."""
    times = [fresh(LOAD) for _ in range(ROUNDS)]
    print(f"{'%load_ext gemini_magic':34} {statistics.median(times) * 1e3:.1f} ms CPU   budget 5 ms")


def markdown() -> None:
    """The live renderer against one rendering of the whole."""
    for size in (10_000, 100_000):
        for rate, budget in ((1, "12x, 8 n"), (8, "3 n at 10 paints a second")):
            cost, sent = fresh(RENDER, size, rate)
            name = f"render {size:,} characters, every {rate}"
            print(f"{name:34} {cost:5.1f}x one rendering   HTML {sent:5.1f} n   budget {budget}")


BENCHMARKS: dict[str, Callable[[], None]] = {
    "burst": burst,
    "large": large,
    "load": load,
    "markdown": markdown,
}

if __name__ == "__main__":
    for wanted in sys.argv[1:] or BENCHMARKS:
        BENCHMARKS[wanted]()
