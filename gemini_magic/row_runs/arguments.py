"""The arguments of a run besides the prompt, the rows and the options of each request."""

from __future__ import annotations

import os
from typing import Any, Literal, NamedTuple

from ..errors import OptionError
from .admission import InDoubt, Stale
from .cluster import check_cluster
from .limits import MOST_AT_ONCE
from .plan import Duplicates, Missing

__all__ = ["RowArguments"]


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
    cluster: Any = None

    def check(self) -> None:
        """Refuse values that are not valid.

        Raises:
            OptionError: a value is not valid.
        """
        for name, allowed in (
            ("stale", ("stop", "keep", "again")),
            ("in_doubt", ("stop", "skip", "again")),
            ("wait", (None, "day")),
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
            ("repeat", None),
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
        if self.cluster is not None:
            check_cluster(self.cluster)
