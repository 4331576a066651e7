"""The prompt of a cell of which several requests are made, and these requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..content import Part, Request
from ..options import Options
from ..prompts import build_request
from .cell_schema import read_schema

if TYPE_CHECKING:
    from ..comparison import PlannedRequest

__all__ = ["CellPrompt", "PreparedComparison"]


class PreparedComparison(NamedTuple):
    """The requests of a comparison, ready to be sent.

    Attributes:
        columns: the request of each column.
        options: the options of the cell.
        notices: messages to record as notes of each response.
    """

    columns: Sequence[PlannedRequest]
    options: Options
    notices: tuple[str, ...]


class CellPrompt(NamedTuple):
    """The prompt of a cell, of which several requests can be made.

    Attributes:
        parts: its parts.
        notices: messages about it.
        names: the user's variables, which can be named by a schema.
    """

    parts: Sequence[Part]
    notices: list[str]
    names: Mapping[str, Any]

    def request(self, options: Options) -> Request:
        """The request with these options, whose schema is read."""
        read_schema(options, self.names)
        return build_request(self.parts, options, ())
