"""Batch jobs as values: one that has not ended, what the store notes about it, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ..text import one_line
from .batch_pack import PackedJob

__all__ = ["LABEL", "JobNote", "JobView", "OpenJob"]

LABEL: Final = "gemini-magic-"
"""The beginning of the names under which a server lists our jobs."""

_STUCK: Final = 24 * 3600.0  # seconds


class JobView(NamedTuple):
    """A batch job, for views.

    Attributes:
        name: the server's name for it; empty while it is created.
        state: ``creating``, ``pending``, ``running``, or another state of the server.
        age: seconds since it was created.
        rows: how many rows it has.
    """

    name: str
    state: str
    age: float
    rows: int

    def __str__(self) -> str:
        name, state = one_line(self.name or "batch job"), one_line(self.state)
        text = f"{name}: {state}, {self.rows:,} rows, {_duration(self.age)} old"
        if self.age > _STUCK:
            text += (
                ". Jobs are known to get stuck; they expire after 48 hours. `run.cancel()` cancels it, and "
                "`run.retry(status=['lost'])` asks its rows again"
            )
        return text


@dataclass
class OpenJob:
    """A job that has not ended.

    Attributes:
        id, run, label, created, name, state, file: as the store keeps them; ``name`` is empty until the server has answered.
        keys: the keys of all its rows, in the order in which they were sent.
        next_look: when the server is asked about it, as a Unix time.
        pause: seconds between the last look and the next one; 0 before the first.
        empty: looks at which the server did not know it, or had no results.
        own: whether it was created at this server with this key.
        packed: its rows, until the server has it.
    """

    id: int
    run: int
    label: str
    keys: Sequence[str]
    created: float
    name: str = ""
    state: str = "creating"
    file: str = ""
    next_look: float = 0.0
    pause: float = 0.0
    empty: int = 0
    own: bool = True
    packed: PackedJob | None = field(default=None, repr=False)


class JobNote(NamedTuple):
    """What the store keeps about a job besides its name and state.

    Attributes:
        keys: the keys of all its rows in the order in which they were sent; empty if they are not known.
        salt, scope: the salted digest of the server and the key that it was created with.
    """

    keys: tuple[str, ...] = ()
    salt: str = ""
    scope: str = ""

    def to_json(self) -> str:
        """The text that the store keeps."""
        return json.dumps(self._asdict(), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | None) -> JobNote:
        """The note in a text; an empty one if the text is damaged."""
        try:
            value = json.loads(text or "{}")
        except ValueError:
            return cls()
        if not isinstance(value, dict):
            return cls()
        keys, salt, scope = (value.get(name) for name in cls._fields)
        found = tuple(each for each in keys if isinstance(each, str)) if isinstance(keys, list) else ()
        return cls(found, *(each if isinstance(each, str) else "" for each in (salt, scope)))


def _duration(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
