"""Remembers which interactions were started from this computer and are stored on a server, so that they can be found again.

An interaction that runs in the background goes on when its kernel has ended, and the API has no list of interactions. Each one
is a small file that only its owner can read, so that several kernels never overwrite each other's. The files hold no key.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..options import Options
from ..private_files import replace_private
from ..text import one_line

__all__ = ["StartedInteraction", "StartedInteractions"]

_MOST: Final = 1000  # interactions that are remembered
_LIFE: Final = (
    60 * 86_400.0
)  # seconds; a server keeps an interaction for 55 days at most (ai.google.dev, "Interactions")
_MAX_SIZE: Final = 16_384  # bytes of a file
_MAX_TEXT: Final = 2000  # characters of a field
_STATUS: Final = 100  # characters of a status
_QUESTION: Final = 160  # characters of a question


class StartedInteraction(NamedTuple):
    """An interaction that was started from this computer.

    Attributes:
        id: its id at the server.
        name: the agent, or the model.
        is_agent: whether ``name`` is an agent.
        background: whether it runs on the server without a connection.
        status: the last known status, in the server's words, such as ``in_progress``.
        started: Unix time in seconds.
        question: the beginning of the prompt; empty if the journal was off.
        server: the options that select the server and the key, by name, such as ``{"backend": "interactions"}``. It holds
            the name of an environment variable, never a key.
    """

    id: str
    name: str
    is_agent: bool
    background: bool
    status: str
    started: float
    question: str
    server: dict[str, str]


class StartedInteractions:
    """The interactions that are remembered in one folder.

    Args:
        folder: the folder; None to keep them in memory only.
    """

    # The options that select the server of an interaction and the key for it. None of them is a secret.
    SERVER: Final = ("backend", "base_url", "api_version", "auth", "project", "location", "key_env")

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._kept: dict[str, StartedInteraction] = {}

    @classmethod
    def server_of(cls, options: Options) -> dict[str, str]:
        """The options that select a server and its key, without those that are not set."""
        found = {name: getattr(options, name) for name in cls.SERVER}
        return {name: value for name, value in found.items() if value}

    def add(self, started: StartedInteraction) -> str:
        """Remember an interaction, or replace what is known about it.

        Returns:
            Why it could not be written, in words; empty if it was.
        """
        if len(started.id) > _MAX_TEXT:
            return "its id is too long"
        cut = started._replace(
            question=one_line(started.question)[:_QUESTION], status=one_line(started.status)[:_STATUS]
        )
        self._kept[cut.id] = cut
        if self._folder is None:
            return ""
        try:
            replace_private(self._path(cut.id), json.dumps(cut._asdict(), indent=1).encode())
        except OSError as problem:
            return problem.strerror or type(problem).__name__
        self._remove_old()
        return ""

    def set_status(self, interaction: str, status: str) -> None:
        """Write the newest known status of an interaction, if it is remembered."""
        found = self.find(interaction)
        if found is not None and found.status != one_line(status)[:_STATUS]:
            self.add(found._replace(status=status))

    def find(self, interaction: str) -> StartedInteraction | None:
        """The interaction with this id; None if it is not remembered."""
        if self._folder is None:
            return self._kept.get(interaction)
        found = _read(self._path(interaction))
        return found if found is not None and found.id == interaction else None

    def all(self) -> list[StartedInteraction]:
        """The interactions that are remembered, newest first; damaged files are left out."""
        if self._folder is None:
            found: Iterable[StartedInteraction | None] = self._kept.values()
        else:
            found = [_read(path) for path in self._files()]
        oldest = time.time() - _LIFE
        kept = [each for each in found if each is not None and each.started > oldest]
        return sorted(kept, key=lambda each: (each.started, each.id), reverse=True)

    def remove(self, interactions: Iterable[str]) -> None:
        """Forget interactions; those that are not remembered are ignored."""
        for each in interactions:
            self._kept.pop(each, None)
            if self._folder is not None:
                with suppress(OSError):
                    self._path(each).unlink(missing_ok=True)

    def _path(self, interaction: str) -> Path:
        """The file of an interaction. Its name is a digest, because a server chooses the id."""
        assert self._folder is not None  # noqa: S101 - checked by the callers
        from hashlib import sha256  # noqa: PLC0415 - only for stored interactions

        digest = sha256(interaction.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{digest[:40]}.json"

    def _files(self) -> list[Path]:
        if self._folder is None:
            return []
        try:
            return sorted(self._folder.glob("*.json"))
        except OSError:
            return []

    def _remove_old(self) -> None:
        """Delete the files of the oldest interactions, and of those that the server has deleted by now."""
        with suppress(OSError):
            times = {path: path.stat().st_mtime for path in self._files()}
            newest = sorted(times, key=lambda path: times[path], reverse=True)
            oldest = time.time() - _LIFE
            for number, path in enumerate(newest):
                if number >= _MOST or times[path] < oldest:
                    path.unlink(missing_ok=True)


def _read(path: Path) -> StartedInteraction | None:
    """The interaction in a file; None if there is none, or if it is damaged."""
    try:
        with path.open("rb") as file:
            value: Any = json.loads(file.read(_MAX_SIZE))
        texts = [value[name] for name in ("id", "name", "status", "question")]
        flags = [value[name] for name in ("is_agent", "background")]
        server = value["server"]
        started = float(value["started"])
        items = [*server.keys(), *server.values()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    if not all(isinstance(each, str) and len(each) <= _MAX_TEXT for each in (*texts, *items)):
        return None
    if not all(isinstance(each, bool) for each in flags) or not math.isfinite(started) or not texts[0]:
        return None
    known = {name: text for name, text in server.items() if name in StartedInteractions.SERVER}
    return StartedInteraction(texts[0], texts[1], flags[0], flags[1], texts[2], started, texts[3], known)
