"""Tables: what 100,000 chunks take to become an Arrow stream, or a frame of each library.

``python tabling.py`` measures them in one process; a first small table loads the libraries.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import stage

_CHUNKS = 100_000
_BUDGETS = {"arrow": 10, "polars": 50, "to_pandas": 50, "pandas": 300}  # milliseconds
_NAMES = {
    "arrow": "as an Arrow table",
    "polars": "pl.DataFrame(rows)",
    "to_pandas": "rows.to_pandas()",
    "pandas": "pd.DataFrame(rows)",
}
_TOLD = {
    "where": "rows.where(kind='text')",
    "where_json": "rows.where('usageMetadata.totalTokenCount > 9')",
    "normalise": "pd.json_normalize(r.raw), for comparison",
}


def tables() -> None:
    """A table of 100,000 chunks in each DataFrame library."""
    stage.title(f"A table of {_CHUNKS:,} chunks (CPU)")
    found = [stage.fresh("tabling.py") for _ in range(min(3, stage.rounds))]
    for name, budget in _BUDGETS.items():
        stage.against(_NAMES[name], stage.median(found, name) * 1e3, budget, " ms")
    for name, words in _TOLD.items():
        stage.tell(f"{words}: {stage.median(found, name) * 1e3:,.0f} ms")


def measure() -> None:
    """Print the figures, in seconds."""
    import pandas as pd  # noqa: PLC0415 - only in the process that measures
    import polars as pl  # noqa: PLC0415 - as above
    import pyarrow as pa  # noqa: PLC0415 - as above

    from gemini_magic.content import Text  # noqa: PLC0415 - as above
    from gemini_magic.events import Decoded, Delta, Usage, UsageReport  # noqa: PLC0415 - as above
    from gemini_magic.ledger.ledger import Ledger  # noqa: PLC0415 - as above
    from gemini_magic.tables import Rows  # noqa: PLC0415 - as above

    def filled(count: int) -> Ledger:
        ledger = Ledger()
        for n in range(count):
            raw = (
                b'{"candidates":[{"content":{"parts":[{"text":"word %d "}]}}],"usageMetadata":{"totalTokenCount":%d}}'
                % (n, n)
            )
            ledger.add(
                raw,
                n / 100,
                Decoded([Delta(Text(f"word {n} ")), UsageReport(Usage(9, None, n, None, None, n))]),
            )
        return ledger

    uses: dict[str, Callable[[Any, Ledger], Any]] = {
        "arrow": lambda rows, _: pa.table(rows),
        "polars": lambda rows, _: pl.DataFrame(rows),
        "to_pandas": lambda rows, _: rows.to_pandas(),
        "pandas": lambda rows, _: pd.DataFrame(rows),
        "where": lambda rows, _: rows.where(kind="text+usage"),
        "where_json": lambda rows, _: rows.where("usageMetadata.totalTokenCount > 9"),
        "normalise": lambda _, ledger: pd.json_normalize([chunk.value for chunk in ledger.raw]),
    }
    small, large = filled(1000), filled(_CHUNKS)
    figures = {}
    for name, use in uses.items():
        use(Rows(small.chunk_columns), small)
        began = time.process_time()
        use(Rows(large.chunk_columns), large)
        figures[name] = time.process_time() - began
    print(json.dumps(figures))


if __name__ == "__main__":
    measure()
