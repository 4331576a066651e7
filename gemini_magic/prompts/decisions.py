"""The questions of a decision as options of a request."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .. import schema as schemas
from ..options import Options

__all__ = ["read_decisions"]


def read_decisions(options: Options, names: Mapping[str, object] = MappingProxyType({})) -> None:
    """Replace the option ``decide`` by the questions that it names, and set the schema of their answers.

    Args:
        options: the options, with ``decide``.
        names: variables that the option may name.

    Raises:
        OptionError: a question is not valid, or an option excludes decisions.
    """
    options.decide, options.schema = schemas.requested_decisions(
        options.decide, options.schema, options.schema_multi, names
    )
    options.repair = 0  # the server computes the answers, so asking again would not change their form
