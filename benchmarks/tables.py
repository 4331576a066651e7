"""The tables of a long answer: how long the libraries take over them, and asking for rows."""

from __future__ import annotations

import stage

CHUNKS = 100_000


def tables() -> None:
    """A table of 100,000 chunks as every library takes it (CPU)."""
    stage.title(f"A table of {CHUNKS:,} chunks (CPU)")
    with stage.serving(f"burst-{CHUNKS}") as port:
        found = [stage.fresh("client_ours.py", "tables", port, f"burst-{CHUNKS}") for _ in range(2)]
    for name, what, budget in (
        ("arrow", "as an Arrow stream", 10),
        ("polars", "pl.DataFrame(rows)", 50),
        ("pandas", "rows.to_pandas(), with pyarrow", 50),
        ("records", "pd.DataFrame(rows)", 300),
    ):
        stage.against(what, stage.median(found, name) * 1e3, budget, " ms")
    for name, what in (
        ("column", 'where("kind~text")'),
        ("deep", 'where("candidates.0.finishReason=STOP")'),
        ("notes", "r.notes"),
    ):
        stage.tell(f"{what}: {stage.median(found, name) * 1e3:.0f} ms")
