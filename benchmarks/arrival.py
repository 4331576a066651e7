"""Events at the rate of a real model: the precision of arrival times in a kernel, and 100 streams in parallel."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Self

import harness

PACED = "paced-50-4"  # 50 events per second for 4 seconds
_BUSY_LOOP = "import time\nend = time.perf_counter() + 4.5\nwhile time.perf_counter() < end: sum(range(100))"
_PRINT_DELAYS = """
import json
import subprocess
ledger = _gemini.ledger
received = float(ledger.response_id)
pairs = zip(ledger.raw, ledger.answer, strict=True)
print(json.dumps([chunk.t + received - float(text.split()[0]) for chunk, text in pairs]))
"""


class Kernel:
    """A kernel that runs cells one after another. It is a context manager."""

    def __enter__(self) -> Self:
        from jupyter_client.manager import KernelManager  # noqa: PLC0415 - comes with ipykernel, needed here only

        self._manager = KernelManager()
        self._manager.start_kernel(env=harness.environment, stderr=subprocess.DEVNULL)
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def __call__(self, code: str) -> str:
        """Run a cell and return what it printed. Like a cell in a notebook, it may ask for input.

        Raises:
            RuntimeError: The cell failed.
        """
        printed: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self._client.execute_interactive(code, allow_stdin=True, timeout=60, output_hook=hook)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(reply["content"].get("evalue"))
        return "".join(printed)


def _p95_delay(kernel: Kernel) -> float:
    delays = sorted(json.loads(kernel(_PRINT_DELAYS).splitlines()[-1]))
    return delays[len(delays) * 95 // 100]


def stamps() -> None:
    """Arrival times compared with the server's clock, in a kernel that displays the answer and in a busy kernel."""
    harness.print_title(
        "Arrival times in a kernel, 50 events per second (p95 delay after the server's write)"
    )
    displaying, busy = [], []
    with harness.serve() as port, Kernel() as kernel:
        magic = f"%%gemini -m {PACED} --base-url http://127.0.0.1:{port}"
        kernel("%load_ext gemini_magic")
        for _ in range(min(2, harness.rounds)):
            kernel(f"{magic}\nhi")
            displaying.append({"p95": _p95_delay(kernel)})
            kernel(f"{magic} --background\nhi")
            kernel(_BUSY_LOOP)
            busy.append({"p95": _p95_delay(kernel)})
    harness.check_budget("while it displays the answer", harness.median(displaying, "p95") * 1e3, 2, " ms")
    harness.check_budget("while a cell keeps the kernel busy", harness.median(busy, "p95") * 1e3, 12, " ms")


def parallel() -> None:
    """100 streams of 50 events per second in one process."""
    harness.print_title("100 parallel streams of 50 events per second")
    model = "paced-50-5"
    with harness.serve() as port:
        runs = {
            "raw socket": lambda: harness.run_script("client_raw.py", "parallel", port, model),
            "gemini_magic": lambda: harness.run_script("client_ours.py", "parallel", port, model),
            "gemini_magic, async for": lambda: harness.run_script(
                "client_ours.py", "parallel_async", port, model
            ),
        }
        figures = harness.run_alternately(runs, 2, practice=False)  # each run warms up first
    for name, results in figures.items():
        share, worst, p99 = (harness.median(results, figure) for figure in ("share", "worst", "p99"))
        harness.print_line(
            f"{name}: {harness.median(results, 'rate'):.0f} events/s, {share:.2f} of a core, "
            f"delay p99 {p99 * 1e3:.1f} ms, worst {worst * 1e3:.1f} ms"
        )
    share = {name: harness.median(results, "share") for name, results in figures.items()}
    harness.check_budget("share of a core", share["gemini_magic"], 0.4, " core", goal=0.3)
    harness.check_budget("share, async for", share["gemini_magic, async for"], 0.6, " core", goal=0.5)
    harness.check_budget("worst delay", harness.median(figures["gemini_magic"], "worst") * 1e3, 50, " ms")
