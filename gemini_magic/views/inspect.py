"""Shows an answer with its inspector unfolded; it knows IPython's display messages."""

from __future__ import annotations

from typing import Any

from IPython.display import display

from ..ledger import Ledger
from .record import RECORD, record
from .static import bundle

__all__ = ["inspect"]


def inspect(ledger: Ledger) -> None:
    """Display the static bundle, with a word to the inspector to unfold itself.

    Where the ledger says that notebooks keep no record, this one has it all the same: it was asked for.
    """
    data = {RECORD: record(ledger, ledger.look.record_size or None), **bundle(ledger, inspector=False)}
    show: Any = display  # IPython has no types for it
    show(data, raw=True, metadata={RECORD: {"expanded": True}})
