"""The schema of a cell: what ``--schema`` names, and the object of an ``{{ expression }}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from .. import schema as schemas
from ..content import Request, Text, Turn
from ..errors import OptionError
from ..ledger import answer_turns
from ..options import Options
from ..prompts import Expression, build_request, read_decisions, scan
from ..response import Response
from .interpolation import EvaluatedExpressions, evaluate_expression, expand_text
from .remote_servers import with_servers
from .session import Run

__all__ = [
    "RepairRequest",
    "can_be_schema",
    "expand_object",
    "read_schema",
    "repair_request",
    "without_schema",
]


_MARKS = (
    "__dataclass_fields__",
    "__struct_fields__",
    "__total__",
    "_field_defaults",
    "__members__",
    "model_fields",
)


def can_be_schema(value: object) -> bool:
    """Whether an object is a class with fields or members, by its attributes; nothing is imported."""
    return isinstance(value, type) and any(hasattr(value, mark) for mark in _MARKS)


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
    """Replace the options ``schema`` and ``schema_multi`` by the schema that they name, and ``decide`` by its questions.

    Args:
        options: the options of the cell.
        names: the user's variables, whose classes the options may name.

    Raises:
        SchemaError: it cannot describe an answer.
        OptionError: both options are set, a question is not valid, or the answer can be repaired only while its cell waits.
    """
    if options.repair and options.background:
        raise OptionError("--repair and --background exclude each other.", remedy="Leave out one of them.")
    if options.decide is not None:
        read_decisions(options, names)
    elif any(each is not None for each in (options.schema, options.schema_multi, options.items)):
        options.schema = schemas.requested_schema(
            options.schema, options.schema_multi, names, items=options.items
        )
        options.schema_multi = options.items = None


def without_schema(request: Request) -> Request:
    """A request for the rest of an answer: a schema would make the server begin a new value."""
    return replace(request, settings=replace(request.settings, schema=None))


class RepairRequest(NamedTuple):
    """A request that asks again for an answer that does not fit its schema.

    Attributes:
        request: the request.
        rounds: the turns of the answer with calls of functions and their results, which the conversation keeps.
        added: the number of turns at its end that the conversation does not keep as they are.
    """

    request: Request
    rounds: tuple[Turn, ...]
    added: int


def repair_request(run: Run, response: Response) -> RepairRequest | None:
    """The request that asks again for an answer that does not fit its schema; None where there is nothing to repair.

    Args:
        run: the request.
        response: its response, which has ended.
    """
    answer = (*run.rounds, *answer_turns(response.ledger, run.prefix))
    if not response.needs_repair() or response.parse_error is None or not answer:
        return None
    question = (Text(schemas.repair_prompt(response.parse_error)),)
    functions = [each.declaration for each in run.tools]
    request = build_request(question, run.options, (*run.turns, *answer), functions)
    request, _ = with_servers(request, run.options)
    return RepairRequest(request, answer[:-1], len(answer) + 1)
