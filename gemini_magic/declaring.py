"""How an option is declared: a field of a dataclass that knows its flags, its help and what it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["option"]


def option(
    default: Any = None,
    *flags: str,
    help: str,  # noqa: A002 - argparse's own word
    metavar: str | None = None,
    choices: Sequence[str] | None = None,
    instead: Mapping[str, str] | None = None,
    config: bool = True,
    env: str | None = None,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
) -> Any:
    """A field with a default; what the words mean stands at ``Options``."""
    meta = {
        "flags": flags,
        "help": help,
        "metavar": metavar,
        "choices": choices,
        "instead": instead or {},
        "config": config,
        "env": env,
        "least": least,
        "above": above,
        "most": most,
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=list, metadata=meta)
    return dataclasses.field(default=default, metadata=meta)
