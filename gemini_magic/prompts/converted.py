"""What an object becomes in a prompt. The modules that convert objects are imported for the first object: most prompts are text."""

from __future__ import annotations

from typing import NamedTuple

from ..content import Part

__all__ = ["TABLE_ROWS", "ConvertedObject"]

TABLE_ROWS = 50
"""The number of rows of a table that are sent by default."""


class ConvertedObject(NamedTuple):
    """What a prompt contains for one object.

    Attributes:
        parts: the parts, in order.
        notices: a sentence for the user about each thing that was left out.
    """

    parts: tuple[Part, ...]
    notices: tuple[str, ...] = ()
