"""Tables: the time to convert 100,000 chunks into an Arrow table or the DataFrame of each library.

``python dataframes.py`` measures all conversions in one process. Each converts a small table first, so that the
import of its library does not count.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from typing import Any

import harness

_CHUNKS = 100_000
_BUDGETS = {"arrow": 10, "polars": 50, "to_pandas": 50, "pandas": 250, "where_json": 100}  # milliseconds
_LABELS = {
    "arrow": "pa.table(rows)",
    "polars": "pl.DataFrame(rows)",
    "to_pandas": "rows.to_pandas()",
    "pandas": "pd.DataFrame(rows)",
    "where_json": "rows.where('usageMetadata.totalTokenCount > 9')",
}
_LABELS_WITHOUT_BUDGET = {
    "records": "list(rows), with which pd.DataFrame(rows) begins",
    "where": "rows.where(kind='text+usage')",
    "normalise": "pd.json_normalize(r.raw), for comparison",
}


def tables() -> None:
    """A table of 100,000 chunks as a DataFrame of each library."""
    harness.print_title(f"A table of {_CHUNKS:,} chunks (CPU)")
    results = [harness.run_script("dataframes.py") for _ in range(min(3, harness.rounds))]
    for name, budget in _BUDGETS.items():
        harness.check_budget(_LABELS[name], harness.median(results, name) * 1e3, budget, " ms")
    for name, label in _LABELS_WITHOUT_BUDGET.items():
        harness.print_line(f"{label}: {harness.median(results, name) * 1e3:,.0f} ms")


def measure() -> None:
    """Print the CPU time of each conversion, in seconds."""
    import pandas as pd  # noqa: PLC0415 - only in the process that measures
    import polars as pl  # noqa: PLC0415 - as above
    import pyarrow as pa  # noqa: PLC0415 - as above

    from gemini_magic.content import Text  # noqa: PLC0415 - as above
    from gemini_magic.events import Decoded, Delta, Usage, UsageReport  # noqa: PLC0415 - as above
    from gemini_magic.ledger.ledger import Ledger  # noqa: PLC0415 - as above
    from gemini_magic.tables import Rows  # noqa: PLC0415 - as above

    def ledger_with(count: int) -> Ledger:
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

    conversions: dict[str, Callable[[Any, Ledger], Any]] = {
        "arrow": lambda rows, _: pa.table(rows),
        "polars": lambda rows, _: pl.DataFrame(rows),
        "to_pandas": lambda rows, _: rows.to_pandas(),
        "pandas": lambda rows, _: pd.DataFrame(rows),
        "records": lambda rows, _: list(rows),
        "where": lambda rows, _: rows.where(kind="text+usage"),
        "where_json": lambda rows, _: rows.where("usageMetadata.totalTokenCount > 9"),
        "normalise": lambda _, ledger: pd.json_normalize([chunk.value for chunk in ledger.raw]),
    }
    small, large = ledger_with(1000), ledger_with(_CHUNKS)
    figures = {}
    for name, convert in conversions.items():
        convert(Rows(small.chunk_columns), small)
        gc.collect()  # so that no collection falls into the measurement that the objects before it caused
        began = time.process_time()
        convert(Rows(large.chunk_columns), large)
        figures[name] = time.process_time() - began
    print(json.dumps(figures))


if __name__ == "__main__":
    measure()
