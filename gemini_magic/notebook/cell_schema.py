"""The schema of a cell: what ``--schema`` names, and the object of an ``{{ expression }}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import schema as schemas
from ..options import Options
from .interpolation import EvaluatedExpressions, Expression, evaluate_expression, expand_text, scan

__all__ = ["expand_object", "read_schema"]


def expand_object(
    text: str, names: dict[str, Any], *, where: str, values: EvaluatedExpressions | None = None
) -> object:
    """Return the object of a text that is a single ``{{ expression }}``; expressions in a longer text become text.

    Args:
        text: the value of an option.
        names: the user's variables.
        where: what the text is, for messages.
        values: the values of expressions that were evaluated before.

    Raises:
        PromptError: an expression cannot be parsed or evaluated.
    """
    pieces = [piece for piece in scan(text, where=where) if not isinstance(piece, str) or piece.strip()]
    if len(pieces) == 1 and isinstance(pieces[0], Expression):
        return evaluate_expression(pieces[0], names, where, values)
    return expand_text(text, names, where=where, values=values)


def read_schema(options: Options, names: Mapping[str, object]) -> None:
    """Replace the options ``schema`` and ``schema_multi`` by the schema that they name.

    Args:
        options: the options of the cell.
        names: the user's variables, whose classes the options may name.

    Raises:
        SchemaError: it cannot describe an answer.
        OptionError: both options are set.
    """
    if options.schema is not None or options.schema_multi is not None:
        options.schema = schemas.requested_schema(options.schema, options.schema_multi, names)
        options.schema_multi = None
