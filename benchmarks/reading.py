"""Reading: bursts, large events, and what is kept of them, beside a raw socket and google-genai."""

from __future__ import annotations

import stage

EVENTS = 10_000
FEWER = 2_000  # google-genai takes its time
LARGE, SMALL = 16 * 2**20, 4 * 2**20


def burst() -> None:
    """Ten thousand events as fast as they can be read: decoded, kept, stamped, text and columns made."""
    stage.title(f"Burst of {EVENTS:,} events, whole duty (CPU)")
    many, few = f"burst-{EVENTS}", f"burst-{FEWER}"
    python = stage.genai()
    with stage.serving(many, few, "hello") as port:
        runs = {
            "floor": lambda: stage.fresh("client_floor.py", "read", port, many),
            "ours": lambda: stage.fresh("client_ours.py", "read", port, many),
        }
        if python:
            runs["genai"] = lambda: stage.fresh("client_genai.py", "read", port, few, python=python)
        found = stage.in_turn(runs)
    counts = {"floor": EVENTS, "ours": EVENTS, "genai": FEWER}
    each = (f"{name} {stage.median(seen) / counts[name] * 1e6:.1f} us" for name, seen in found.items())
    stage.tell(f"an event: {', '.join(each)}")
    stage.against("against the floor", stage.ratio(found["ours"], found["floor"]), 1.5, "x", goal=1.0)
    if python:
        less = stage.ratio(found["genai"], found["ours"]) * EVENTS / FEWER
        stage.against("google-genai against ours", less, 12, "x", least=True, goal=20)


def large() -> None:
    """One event of 16 MB: its cost, its copies in memory, and how both grow in pieces of 512 bytes."""
    stage.title("One event of 16 MB (CPU, memory)")
    whole, pieces, quarter = f"large-{LARGE}-16384", f"large-{LARGE}-512", f"large-{SMALL}-512"
    python = stage.genai()
    with stage.serving(whole, pieces, quarter, "hello") as port:

        def run(client: str, model: str) -> stage.Figures:
            return stage.fresh(f"client_{client}.py", "read", port, model)

        runs = {
            "floor": lambda: run("floor", whole),
            "ours": lambda: run("ours", whole),
            "floor, 512": lambda: run("floor", pieces),
            "ours, 512": lambda: run("ours", pieces),
            "ours, 512, 4 MB": lambda: run("ours", quarter),
        }
        if python:
            runs["genai"] = lambda: stage.fresh("client_genai.py", "read", port, whole, python=python)
        found = stage.in_turn(runs)
    stage.tell(", ".join(f"{name} {stage.median(seen) * 1e3:.0f} ms" for name, seen in found.items()))
    copies = {name: stage.median(seen, "peak") / LARGE for name, seen in found.items()}
    stage.tell(
        f"copies at the peak: {', '.join(f'{n} {c:.1f}' for n, c in copies.items() if '4 MB' not in n)}"
    )
    stage.against("against the floor", stage.ratio(found["ours"], found["floor"]), 1.0, "x")
    stage.against(
        "against the floor, 512-byte pieces", stage.ratio(found["ours, 512"], found["floor, 512"]), 1.0, "x"
    )
    stage.against("held at the peak", copies["ours"], 3.5, " copies")
    stage.against("held at the peak, 512-byte pieces", copies["ours, 512"], 3.5, " copies")
    growth = stage.ratio(found["ours, 512"], found["ours, 512, 4 MB"])
    stage.against("16 MB against 4 MB, 512-byte pieces", growth, 4.6, "x")


def memory() -> None:
    """What 100,000 chunks take beside their bytes."""
    stage.title("Memory of 100,000 chunks")
    with stage.serving("burst-100000", "burst-1000") as port:
        found = [stage.fresh("client_ours.py", "memory", port, "burst-100000") for _ in range(2)]
    stage.against("a chunk, beside its bytes", stage.median(found, "beside"), 400, " B")
