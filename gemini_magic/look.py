"""How an answer is to be shown, wherever and whenever it is; what came is the same in every look."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Look"]


class Look(NamedTuple):
    """What views are told, as the options of the cell say.

    Attributes:
        form: markdown, text, json, html, code or raw.
        images: which images may be drawn: ``none``, ``data``, or hosts.
        record_size: megabytes that the record for the inspector may take, 0 for none; None leaves it to the view.
    """

    form: str = "markdown"
    images: str = "data"
    record_size: float | None = None
