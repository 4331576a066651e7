"""How the views of a ledger show its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..schema import Schema

__all__ = ["DisplayOptions", "typed_form"]


class DisplayOptions(NamedTuple):
    """How views show the answer, from the options of the cell.

    Attributes:
        form: the format: markdown, text, json, html, code or raw; table for an answer that is an array of items.
        images: which images are shown: ``none``, ``data``, or host names.
        record_size: megabytes that the record for the inspector may take, 0 for no record; None for the view's default.
        media_size: megabytes that pictures, audio and videos may take in a notebook; None for the view's default.
    """

    form: str = "markdown"
    images: str = "data"
    record_size: float | None = None
    media_size: float | None = None


def typed_form(schema: Schema) -> str:
    """The format in which an answer with a schema is shown if no other one is requested."""
    return "json" if schema.items_path is None else "table"
