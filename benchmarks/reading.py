"""Reading answers: many small events, a large event, and memory, compared with a raw socket and google-genai."""

from __future__ import annotations

import harness

EVENTS = 10_000
GENAI_EVENTS = 2_000  # google-genai is slower
LARGE, SMALL = 16 * 2**20, 4 * 2**20


def burst() -> None:
    """10,000 events without a pause: bytes, times, decoded values, text and columns."""
    harness.print_title(f"{EVENTS:,} events without a pause (CPU)")
    many, few = f"burst-{EVENTS}", f"burst-{GENAI_EVENTS}"
    python = harness.genai_python()
    with harness.serve(many, few, "hello") as port:
        runs = {
            "raw socket": lambda: harness.run_script("client_raw.py", "read", port, many),
            "gemini_magic": lambda: harness.run_script("client_ours.py", "read", port, many),
        }
        if python:
            runs["google-genai"] = lambda: harness.run_script(
                "client_genai.py", "read", port, few, python=python
            )
        figures = harness.run_alternately(runs)
    counts = {"raw socket": EVENTS, "gemini_magic": EVENTS, "google-genai": GENAI_EVENTS}
    times = (
        f"{name} {harness.median(results) / counts[name] * 1e6:.1f} us" for name, results in figures.items()
    )
    harness.print_line(f"per event: {', '.join(times)}")
    slower = harness.ratio(figures["gemini_magic"], figures["raw socket"])
    harness.check_budget("gemini_magic / raw socket", slower, 1.5, "x", goal=1.0)
    if python:
        faster = harness.ratio(figures["google-genai"], figures["gemini_magic"]) * EVENTS / GENAI_EVENTS
        harness.check_budget("google-genai / gemini_magic", faster, 12, "x", minimum=True, goal=20)


def large() -> None:
    """One event of 16 MB: time, peak memory, and how the time grows with the size in HTTP chunks of 512 bytes."""
    harness.print_title("One event of 16 MB (CPU, memory)")
    whole, pieces, quarter = f"large-{LARGE}-16384", f"large-{LARGE}-512", f"large-{SMALL}-512"
    python = harness.genai_python()
    with harness.serve(whole, pieces, quarter, "hello") as port:

        def run(client: str, model: str) -> harness.Figures:
            return harness.run_script(f"client_{client}.py", "read", port, model)

        runs = {
            "raw socket": lambda: run("raw", whole),
            "gemini_magic": lambda: run("ours", whole),
            "raw socket (512-byte chunks)": lambda: run("raw", pieces),
            "gemini_magic (512-byte chunks)": lambda: run("ours", pieces),
            "gemini_magic (512-byte chunks, 4 MB)": lambda: run("ours", quarter),
        }
        if python:
            runs["google-genai"] = lambda: harness.run_script(
                "client_genai.py", "read", port, whole, python=python
            )
        figures = harness.run_alternately(runs)
    ours, raw = figures["gemini_magic"], figures["raw socket"]
    ours_512, raw_512 = figures["gemini_magic (512-byte chunks)"], figures["raw socket (512-byte chunks)"]
    ours_4_mb = figures["gemini_magic (512-byte chunks, 4 MB)"]
    copies = {
        name: harness.median(results, "peak") / LARGE
        for name, results in figures.items()
        if results is not ours_4_mb
    }
    for name, results in figures.items():
        memory = f", {copies[name]:.1f} copies at the peak" if name in copies else ""
        harness.print_line(f"{name}: {harness.median(results) * 1e3:.0f} ms{memory}")
    harness.check_budget("gemini_magic / raw socket", harness.ratio(ours, raw), 1.0, "x")
    harness.check_budget(
        "gemini_magic / raw socket, 512-byte chunks", harness.ratio(ours_512, raw_512), 1.0, "x"
    )
    harness.check_budget("peak memory", copies["gemini_magic"], 3.5, " copies")
    harness.check_budget(
        "peak memory, 512-byte chunks", copies["gemini_magic (512-byte chunks)"], 3.5, " copies"
    )
    harness.check_budget("16 MB / 4 MB, 512-byte chunks", harness.ratio(ours_512, ours_4_mb), 4.6, "x")


def memory() -> None:
    """Memory of 100,000 chunks, without their bytes."""
    harness.print_title("Memory of 100,000 chunks")
    with harness.serve("burst-100000", "burst-1000") as port:
        results = [harness.run_script("client_ours.py", "memory", port, "burst-100000") for _ in range(2)]
    harness.check_budget("per chunk, without its bytes", harness.median(results, "overhead"), 400, " B")
