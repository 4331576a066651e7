"""Shows the progress of uploads for a request without an answer, such as the count of tokens, and removes it at the end."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from html import escape
from typing import Any, Final
from uuid import uuid4

from IPython.core.getipython import get_ipython
from IPython.display import display, update_display

from ..ledger import Ledger
from ..text import visible
from .encoding import write_text
from .status import wait_text

__all__ = ["UploadProgress"]

_PAUSE: Final = 0.25  # minimum seconds between two changes
_CLEAR: Final = "\r\x1b[K"


class UploadProgress:
    """An output of a notebook, or a line of a terminal; nothing is shown elsewhere.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._next = 0.0
        self._shown = ""
        self._id = ""
        self._in_notebook = getattr(get_ipython(), "kernel", None) is not None

    def update(self, ledger: Ledger) -> None:
        """Show what the uploads of a ledger are doing now.

        Args:
            ledger: the ledger that the uploads report to.
        """
        now = self._clock()
        text = visible(wait_text(ledger, now - self._started))
        if text and text != self._shown and now >= self._next:
            self._shown, self._next = text, now + _PAUSE
            self._show(text)

    def close(self) -> None:
        """Remove what is shown."""
        if self._shown:
            self._shown = ""
            self._show("")

    def _show(self, text: str) -> None:
        if self._in_notebook:
            html = f'<div class="mathjax_ignore tex2jax_ignore">{escape(text)}</div>' if text else ""
            show: Any = update_display if self._id else display  # IPython has no types for these
            self._id = self._id or f"gemini-magic-{uuid4().hex}"
            show({"text/plain": text, "text/html": html}, raw=True, display_id=self._id)
        elif sys.stdout is not None and sys.stdout.isatty():
            line = text[: shutil.get_terminal_size().columns - 1]  # a wrapped line cannot be overwritten
            write_text(sys.stdout, f"{_CLEAR}{line}")
            sys.stdout.flush()
