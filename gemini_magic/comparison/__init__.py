"""Several answers to one prompt, side by side: models, values of options and repetitions, each with a whole response.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .call import compare
    from .comparison import Comparison, ComparisonRow
    from .plan import (
        MAX_COLUMNS,
        ColumnPlan,
        options_of_column,
        plan_columns,
        read_plan,
        sweepable_options,
    )
    from .start import (
        PlannedRequest,
        RequestPreviews,
        check_columns,
        failure_of_all,
        interruption,
        preview_columns,
        start_columns,
    )

__all__ = [
    "MAX_COLUMNS",
    "ColumnPlan",
    "Comparison",
    "ComparisonRow",
    "PlannedRequest",
    "RequestPreviews",
    "check_columns",
    "compare",
    "failure_of_all",
    "interruption",
    "options_of_column",
    "plan_columns",
    "preview_columns",
    "read_plan",
    "start_columns",
    "sweepable_options",
]

_HOMES = {
    "MAX_COLUMNS": "plan",
    "ColumnPlan": "plan",
    "Comparison": "comparison",
    "ComparisonRow": "comparison",
    "PlannedRequest": "start",
    "RequestPreviews": "start",
    "check_columns": "start",
    "compare": "call",
    "failure_of_all": "start",
    "interruption": "start",
    "options_of_column": "plan",
    "plan_columns": "plan",
    "preview_columns": "start",
    "read_plan": "plan",
    "start_columns": "start",
    "sweepable_options": "plan",
}
__getattr__ = lazy_names(globals(), _HOMES)
