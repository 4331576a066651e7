"""Arriving at human rates: stamps in a kernel that draws or computes, and a hundred streams at once."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Self

import stage

PACED = "paced-50-4"  # events a second, seconds
_BUSY = "import time\nend = time.perf_counter() + 4.5\nwhile time.perf_counter() < end: sum(range(100))"
_LAGS = """
import json
import subprocess
ledger = _gemini.ledger
received = float(ledger.response_id)
pairs = zip(ledger.raw, ledger.answer, strict=True)
print(json.dumps([chunk.t + received - float(text.split()[0]) for chunk, text in pairs]))
"""


class Kernel:
    """A kernel that runs cells one after another; a context manager."""

    def __enter__(self) -> Self:
        from jupyter_client.manager import KernelManager  # noqa: PLC0415 - comes with ipykernel, needed here only

        self._manager = KernelManager()
        self._manager.start_kernel(env=stage.environment, stderr=subprocess.DEVNULL)
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def __call__(self, code: str) -> str:
        """Run a cell that may ask for input, as one in a notebook may; what it printed.

        Raises:
            RuntimeError: it failed.
        """
        printed: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self._client.execute_interactive(code, allow_stdin=True, timeout=60, output_hook=hook)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(reply["content"].get("evalue"))
        return "".join(printed)


def _p95(kernel: Kernel) -> float:
    lags = sorted(json.loads(kernel(_LAGS).splitlines()[-1]))
    return lags[len(lags) * 95 // 100]


def stamps() -> None:
    """Our arrival stamps against the server's, in a kernel that draws, and in one that computes."""
    stage.title("Arrival stamps in a kernel, 50 events a second (p95, behind the server's write)")
    drawing, busy = [], []
    with stage.serving() as port, Kernel() as kernel:
        magic = f"%%gemini -m {PACED} --base-url http://127.0.0.1:{port}"
        kernel("%load_ext gemini_magic")
        for _ in range(min(2, stage.rounds)):
            kernel(f"{magic}\nhi")
            drawing.append({"p95": _p95(kernel)})
            kernel(f"{magic} --background\nhi")
            kernel(_BUSY)
            busy.append({"p95": _p95(kernel)})
    stage.against("while drawing", stage.median(drawing, "p95") * 1e3, 2, " ms")
    stage.against("while Python keeps the kernel busy", stage.median(busy, "p95") * 1e3, 12, " ms")


def parallel() -> None:
    """A hundred streams of fifty events a second in one process."""
    stage.title("100 parallel streams of 50 events a second")
    model = "paced-50-5"
    with stage.serving() as port:
        runs = {
            "floor": lambda: stage.fresh("client_floor.py", "parallel", port, model),
            "ours": lambda: stage.fresh("client_ours.py", "parallel", port, model),
            "ours, async for": lambda: stage.fresh("client_ours.py", "consumed", port, model),
        }
        found = stage.in_turn(runs, 2, practice=False)  # they take their time, and settle by themselves
    for name, seen in found.items():
        share, worst, p99 = (stage.median(seen, figure) for figure in ("share", "worst", "p99"))
        stage.tell(
            f"{name}: {stage.median(seen, 'rate'):.0f} events/s, {share:.2f} of a core, "
            f"late p99 {p99 * 1e3:.1f} ms, worst {worst * 1e3:.1f} ms"
        )
    stage.against("share of a core", stage.median(found["ours"], "share"), 0.5, " core")
    stage.against("the latest event", stage.median(found["ours"], "worst") * 1e3, 50, " ms")
