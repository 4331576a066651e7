"""One prompt over many rows: what is asked, what is stored, and who asks it.

The names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .run import RowRun
    from .start import RowArguments, rows, start_rows

__all__ = ["RowArguments", "RowRun", "rows", "start_rows"]

_HOMES = {
    "RowArguments": "start",
    "RowRun": "run",
    "rows": "start",
    "start_rows": "start",
}
__getattr__ = lazy_names(globals(), _HOMES)
