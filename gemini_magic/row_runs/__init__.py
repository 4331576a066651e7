"""One prompt over many rows: what is asked, what is stored, and who asks it.

The names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .batch_start import cancel_batch_jobs
    from .preview import preview_rows
    from .row_arguments import RowArguments
    from .run import RowRun
    from .running import running_runs
    from .start import rows, start_rows

__all__ = [
    "RowArguments",
    "RowRun",
    "cancel_batch_jobs",
    "preview_rows",
    "rows",
    "running_runs",
    "start_rows",
]

_HOMES = {
    "RowArguments": "row_arguments",
    "RowRun": "run",
    "cancel_batch_jobs": "batch_start",
    "preview_rows": "preview",
    "rows": "start",
    "running_runs": "running",
    "start_rows": "start",
}
__getattr__ = lazy_names(globals(), _HOMES)
