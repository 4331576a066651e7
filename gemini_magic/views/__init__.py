"""Views of an answer: live widgets, HTML, a terminal, the saved bundle and the timeline.

Names are imported when they are first used: selecting a view must not import what only painting it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .candidate import AnswerCandidate
    from .encoding import similar_text, write_text
    from .media_objects import AnswerContent, Audio, Picture, Video
    from .outputs import redraw_outputs
    from .row_display import DisplayedRun
    from .row_preview import RowsPreview, TierPrice
    from .row_progress import (
        MOST_EXAMPLES,
        MOST_SHOWN_ROWS,
        FailedRow,
        FailureReason,
        RowProgress,
        RunState,
        ShownRow,
        WatchedRun,
    )
    from .row_static import rows_bundle, rows_plain
    from .row_text import interrupted_line
    from .row_watch import RowsWatcher, check_display, select_rows_view, watch_rows
    from .select import (
        NullView,
        View,
        close_at_once,
        close_if_not_interrupted,
        select_columns_view,
        select_view,
        stop_hint,
    )
    from .side_by_side import AnswerColumn, AnswerColumns, columns_bundle
    from .side_by_side_terminal import columns_value_bundle
    from .static import bundle, inspect, value_bundle
    from .status import error_lines, status_line
    from .timeline import Timeline
    from .token_heat import TokenRows
    from .upload_progress import UploadProgress
    from .value_display import DisplayedValue
    from .watch import StopCause, watch_columns, watch_stream
    from .words import count_words

__all__ = [
    "MOST_EXAMPLES",
    "MOST_SHOWN_ROWS",
    "AnswerCandidate",
    "AnswerColumn",
    "AnswerColumns",
    "AnswerContent",
    "Audio",
    "DisplayedRun",
    "DisplayedValue",
    "FailedRow",
    "FailureReason",
    "NullView",
    "Picture",
    "RowProgress",
    "RowsPreview",
    "RowsWatcher",
    "RunState",
    "ShownRow",
    "StopCause",
    "TierPrice",
    "Timeline",
    "TokenRows",
    "UploadProgress",
    "Video",
    "View",
    "WatchedRun",
    "bundle",
    "check_display",
    "close_at_once",
    "close_if_not_interrupted",
    "columns_bundle",
    "columns_value_bundle",
    "count_words",
    "error_lines",
    "inspect",
    "interrupted_line",
    "redraw_outputs",
    "rows_bundle",
    "rows_plain",
    "select_columns_view",
    "select_rows_view",
    "select_view",
    "similar_text",
    "status_line",
    "stop_hint",
    "value_bundle",
    "watch_columns",
    "watch_rows",
    "watch_stream",
    "write_text",
]

_HOMES = {
    "AnswerCandidate": "candidate",
    "AnswerColumn": "side_by_side",
    "AnswerColumns": "side_by_side",
    "AnswerContent": "media_objects",
    "Audio": "media_objects",
    "DisplayedRun": "row_display",
    "DisplayedValue": "value_display",
    "FailedRow": "row_progress",
    "FailureReason": "row_progress",
    "MOST_EXAMPLES": "row_progress",
    "MOST_SHOWN_ROWS": "row_progress",
    "RowProgress": "row_progress",
    "RunState": "row_progress",
    "RowsPreview": "row_preview",
    "RowsWatcher": "row_watch",
    "TierPrice": "row_preview",
    "ShownRow": "row_progress",
    "WatchedRun": "row_progress",
    "check_display": "row_watch",
    "interrupted_line": "row_text",
    "rows_bundle": "row_static",
    "rows_plain": "row_static",
    "select_rows_view": "row_watch",
    "watch_rows": "row_watch",
    "Picture": "media_objects",
    "Video": "media_objects",
    "NullView": "select",
    "Timeline": "timeline",
    "TokenRows": "token_heat",
    "UploadProgress": "upload_progress",
    "View": "select",
    "close_at_once": "select",
    "close_if_not_interrupted": "select",
    "bundle": "static",
    "columns_bundle": "side_by_side",
    "count_words": "words",
    "select_columns_view": "select",
    "columns_value_bundle": "side_by_side_terminal",
    "StopCause": "watch",
    "watch_columns": "watch",
    "redraw_outputs": "outputs",
    "similar_text": "encoding",
    "select_view": "select",
    "inspect": "static",
    "error_lines": "status",
    "status_line": "status",
    "stop_hint": "select",
    "value_bundle": "static",
    "watch_stream": "watch",
    "write_text": "encoding",
}
__getattr__ = lazy_names(globals(), _HOMES)
