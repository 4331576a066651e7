"""gemini_magic: ask Gemini in a notebook cell, watch the answer, inspect every chunk, replay it.

``%load_ext gemini_magic`` registers ``%%gemini`` and ``%gemini`` and loads nothing else; an idle kernel imports afterwards what
the first cell needs. The names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import files, interactions
    from .api import ask, stream
    from .catalog import count_tokens, models
    from .comparison import Comparison, compare
    from .decisions import Decision, Decisions, decide
    from .errors import GeminiMagicError, Interrupted, ToolRefused
    from .prompts import attach, table
    from .response import Response
    from .response_stream import ResponseStream
    from .row_runs import RowRun, cancel_batch_jobs, rows
    from .tools import tool

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Decision",
    "Decisions",
    "GeminiMagicError",
    "Interrupted",
    "Response",
    "ResponseStream",
    "RowRun",
    "ToolRefused",
    "__version__",
    "ask",
    "attach",
    "cancel_batch_jobs",
    "compare",
    "count_tokens",
    "decide",
    "files",
    "interactions",
    "load_ipython_extension",
    "models",
    "rows",
    "stream",
    "table",
    "tool",
    "unload_ipython_extension",
]

_HOMES = {
    "Comparison": ".comparison",
    "Decision": ".decisions",
    "Decisions": ".decisions",
    "GeminiMagicError": ".errors",
    "Interrupted": ".errors",
    "Response": ".response",
    "ResponseStream": ".response_stream",
    "RowRun": ".row_runs",
    "ToolRefused": ".errors",
    "ask": ".api",
    "attach": ".prompts",
    "cancel_batch_jobs": ".row_runs",
    "compare": ".comparison",
    "count_tokens": ".catalog",
    "decide": ".decisions",
    "models": ".catalog",
    "rows": ".row_runs",
    "stream": ".api",
    "table": ".prompts",
    "tool": ".tools",
}


def __getattr__(name: str) -> Any:
    if name in ("files", "interactions"):
        return import_module(f".{name}", __name__)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Register the magics; a second call changes nothing."""
    import_module(".notebook", __name__).load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take everything back that loading registered."""
    import_module(".notebook", __name__).unload(shell)
