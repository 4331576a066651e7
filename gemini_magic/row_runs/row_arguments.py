"""The arguments of a run over rows besides the prompt and the input, and the options that its requests may have."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from ..config import settings
from ..errors import OptionError
from ..options import Options
from .admission import InDoubt, Stale
from .cluster_client import check_cluster
from .limits import MOST_AT_ONCE
from .plan import MOST_REPEATS, Duplicates, Missing, Plan, prepare

__all__ = ["RowArguments", "options_of_rows", "refuse_other_names"]

_ROW_SECONDS: Final = 600.0  # the longest time of one row
_FLEX_SECONDS: Final = 1200.0
_REFUSED: Final[Mapping[str, str]] = {
    "tool": "functions",
    "mcp": "MCP servers",
    "remote_mcp": "MCP servers",
    "chat": "a conversation",
    "continue_": "a conversation",
    "fresh": "a conversation",
    "attach": "attached files: use {{ image(row.path) }} in the prompt",
    "record": "recordings: every answer is in the store",
    "replay": "a replay",
    "to": "a file for the text: use run.to_parquet(…)",
    "compare": "comparisons: run over the rows once for each model, each time with another store",
    "sweep": "comparisons: run over the rows once for each value, each time with another store",
    "agent": "answers that the server makes in the background, as those of agents",
    "server_background": "answers that the server makes in the background",
    "repair": "repairs: ask again with run.retry(status=['mismatch'])",
}
"""Options that a run over rows does not support, and what they would do."""

_OTHER_NAMES: Final = {
    "key": "id",
    "tier": "service_tier",
    "on": "cluster",
    "client": "cluster",
    "max_rows": "limit",
    "epochs": "repeat",
    "samples": "repeat",
    "max_workers": "concurrency",
    "at_once": "concurrency",
    "budget": "max_cost",
}
"""Keywords that users of other libraries may write, and the argument of :func:`rows` that they mean."""


class RowArguments(NamedTuple):
    """The arguments of a run besides the prompt, the input and the options of each request; see :func:`rows`."""

    id: Any = None
    store: str | os.PathLike[str] | None = None
    limit: int | None = None
    max_cost: float | None = None
    max_errors: int | None = None
    max_seconds: float | None = None
    concurrency: int | None = None
    tpm: int | None = None
    wait: Literal["day"] | None = None
    stale: Stale = "stop"
    in_doubt: InDoubt = "stop"
    missing: Missing = "skip"
    duplicates: Duplicates = "error"
    dedupe: bool = True
    repeat: int = 1
    folder: str | os.PathLike[str] | None = None
    keep: Literal["raw", "text"] = "raw"
    cluster: Any = None

    def plan(self, template: Any, data: Any, options: Options, variables: Mapping[str, Any]) -> Plan:
        """What the rows ask.

        Args:
            template: the prompt.
            data: the input.
            options: the options of each request.
            variables: other names that the prompt uses.

        Raises:
            UsageProblem: the prompt or the rows are not valid.
        """
        return prepare(
            template,
            data,
            id=self.id,
            options=options,
            namespace=variables,
            missing=self.missing,
            duplicates=self.duplicates,
            dedupe=self.dedupe,
            repeat=self.repeat,
            max_bytes=None if self.tpm is None else 4 * self.tpm,
            folder=self.folder,
        )

    def check(self) -> None:
        """Refuse values that are not valid.

        Raises:
            OptionError: a value is not valid.
        """
        for name, allowed in (
            ("stale", ("stop", "keep", "again")),
            ("in_doubt", ("stop", "skip", "again")),
            ("wait", (None, "day")),
            ("keep", ("raw", "text")),
        ):
            if (value := getattr(self, name)) not in allowed:
                raise OptionError(
                    f"{name}={value!r} is not valid.",
                    remedy=f"Use {', '.join(repr(each) for each in allowed if each)}.",
                )
        for name, most in (
            ("limit", None),
            ("max_errors", None),
            ("concurrency", MOST_AT_ONCE),
            ("tpm", None),
            ("repeat", MOST_REPEATS),
        ):
            value = getattr(self, name)
            if value is not None and (
                isinstance(value, bool)
                or not isinstance(value, int)
                or value < 1
                or (most is not None and value > most)
            ):
                bound = "1 or more" if most is None else f"from 1 to {most}"
                raise OptionError(f"{name}={value!r} is not valid.", remedy=f"Give a whole number, {bound}.")
        for name in ("max_cost", "max_seconds"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (number and value > 0):
                raise OptionError(f"{name}={value!r} is not valid.", remedy="Give a number above 0.")
        for name in ("store", "folder"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str | os.PathLike) and os.fspath(value)):
                raise OptionError(f"{name}={value!r} is not a path.", remedy="Give a text or a pathlib.Path.")
        if not isinstance(self.dedupe, bool):
            raise OptionError(f"dedupe={self.dedupe!r} is not valid.", remedy="Use True or False.")
        if self.cluster is not None:
            check_cluster(self.cluster)


def options_of_rows(options: Options) -> Options:
    """The options of each request.

    Raises:
        OptionError: an option has no meaning for rows.
    """
    for name, what in _REFUSED.items():
        if getattr(options, name, None):
            raise OptionError(f"Rows do not support {what}.", remedy=f"Leave {name} out.")
    flex = options.service_tier == "flex"
    if options.timeout is None:
        options.timeout = _FLEX_SECONDS if flex else _ROW_SECONDS
    if flex:  # it waits in a queue before the first byte
        options.first_byte_timeout = max(options.first_byte_timeout, options.timeout)
    return options


def refuse_other_names(options: Mapping[str, Any]) -> None:
    """Refuse keywords that neither a run nor its requests have, with the one that was probably meant.

    Raises:
        OptionError: there is one.
    """
    for name in options:
        if name in settings():
            continue
        own = _OTHER_NAMES.get(name)
        if own is not None:
            raise OptionError(f"Unknown setting: {name!r}.", remedy=f"Use {own}=.")
        from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

        mine = (*RowArguments._fields, "variables", "show")
        close = get_close_matches(name, [*mine, *(each for each in settings() if each not in _REFUSED)], n=1)
        hint = (
            f"Did you mean {close[0]!r}?"
            if close
            else f"Rows have the settings {', '.join(mine)}, and the options of ask(…), such as model or schema."
        )
        raise OptionError(f"Unknown setting: {name!r}.", remedy=hint)
