"""The limits of one run, and the grants that wait for their turn or are in flight."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from .values import Grant

__all__ = ["InFlight", "Pace", "WaitingGrant"]


class Pace(NamedTuple):
    """The limits of a run.

    Attributes:
        scope: what the limits of the process apply to: a host, a key and a model.
        rpm: requests a minute; None for any number.
        tpm: input tokens a minute; None for any number.
        at_once: rows at once, at most.
        chosen: whether the user chose ``at_once``; then the run goes there in fewer steps.
        retries: further attempts of a row after a refusal that passes, apart from those for too many requests.
        max_seconds: seconds after which the run ends; None for any.
        wait_for_day: whether the run waits until a quota of the day opens again.
    """

    scope: Hashable
    rpm: int | None = None
    tpm: int | None = None
    at_once: int = 64
    chosen: bool = False
    retries: int = 3
    max_seconds: float | None = None
    wait_for_day: bool = False


class InFlight(NamedTuple):
    """A grant without its event.

    Attributes:
        grant: the grant.
        generation: of :class:`AtOnce`, when it was given.
        tries: refusals before it, apart from those for too many requests.
    """

    grant: Grant
    generation: int
    tries: int


class WaitingGrant(NamedTuple):
    """A grant that waits for its turn. ``due`` is a reading of the monotonic clock."""

    due: float
    order: int
    grant: Grant
    tries: int
