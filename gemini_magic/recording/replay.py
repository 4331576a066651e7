"""Replay: chooses the recorded exchange that answers a request, in place of the network."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from ..backends import HttpRequest, backend
from ..errors import RecordingError
from ..ledger import Exchange, Ledger, ToolRun
from .files import MAX_TOTAL, read_recording
from .identity import canonical_body, request_identity
from .tool_results import has_rounds, recorded_runs

__all__ = ["CachedReplay", "Replay", "ReplayOnce", "ReplayedColumn"]

_MAX_SHOWN = 120  # characters of a difference that are shown
_MISSING = object()

_count_lock = threading.Lock()
_played: Counter[tuple[str, int]] = Counter()  # by recording and request: how often it was played


class ReplayedColumn(NamedTuple):
    """A column of a comparison that is replayed.

    Attributes:
        label: its label.
        position: its place in the comparison, from 0.
        sample: its number among the columns with the same request, from 0.
        played: how many recorded exchanges its answers before have used, which were requested again.
    """

    label: str
    position: int = 0
    sample: int = 0
    played: int = 0


class Replay:
    """A recording that answers requests.

    A request is matched by method, path, query (without a key) and JSON body; media are compared by their digest. A repeated request gets the next
    recorded answer, and the last answer again once all were played.

    Args:
        path: the recording.
        any_order: play the answers in the order of the file, whatever the requests are.
        speed: how many times as fast; 0 means without waiting.
        max_total: MB that a compressed file may expand to.
        column: the column of a comparison that asks; None outside comparisons. Its own answers are preferred, and their
            count begins with this object.

    Attributes:
        path, speed: as above.
        source: where the answers come from, for the status line.

    Raises:
        RecordingError: the file cannot be read, or the speed is negative or infinite.
    """

    source: Literal["recording", "cache"] = "recording"

    def __init__(
        self,
        path: Path,
        *,
        any_order: bool = False,
        speed: float = 1.0,
        max_total: float = MAX_TOTAL,
        column: ReplayedColumn | None = None,
    ) -> None:
        self.path = path
        self._column = column
        self.speed = _check_speed(speed, "--speed")
        self._any_order = any_order
        self._exchanges = read_recording(path, max_total=max_total)
        self._latest = -1  # the exchange that was played last
        self._modified = path.stat().st_mtime_ns
        self._finds = Counter[str]()  # by request

    @property
    def has_rounds(self) -> bool:
        """Whether the recording has results of functions."""
        return has_rounds(self._exchanges)

    def tool_runs(self, ledger: Ledger) -> list[ToolRun] | None:
        """The recorded calls of the newest round; None if the recording has no results for them."""
        if self._latest < 0:
            return None
        exchange = self._exchanges[self._latest]
        later = [each for each in self._exchanges[self._latest + 1 :] if each.column == exchange.column]
        return recorded_runs(exchange, later, ledger.rounds[-1].calls, backend(ledger.backend))

    def find(self, request: HttpRequest) -> Exchange:
        """The recorded exchange that answers a request.

        Raises:
            RecordingError: no exchange matches; the error shows how the most similar one differs.
        """
        found = self._found(request)
        self._latest = next(number for number, each in enumerate(self._exchanges) if each is found)
        return found

    def contains(self, request: HttpRequest, asked: int = 0) -> bool:
        """Whether more than ``asked`` exchanges with the same method, path and query are recorded: those that resume a stored answer."""
        wanted = request_identity(request.method, request.url, b"")
        return sum(request_identity(each.method, each.url, b"") == wanted for each in self._exchanges) > asked

    def _found(self, request: HttpRequest) -> Exchange:
        """The recorded exchange that answers a request.

        Raises:
            RecordingError: no exchange matches; the error shows how the most similar one differs.
        """
        if self._any_order and self._column is not None:
            column = self._column
            return self._next_of_column("", self._exchanges, column.played, column.played + column.position)
        if self._any_order:
            number = self._count("in order")
            if number >= len(self._exchanges):
                with _count_lock:
                    _played.pop((f"{self.path.resolve()} in order", self._modified), None)
                raise RecordingError(
                    f"All {len(self._exchanges)} answers of {self.path.name} have been played.",
                    remedy="The next request starts again with the first one.",
                )
            return self._exchanges[number]
        wanted = request_identity(request.method, request.url, canonical_body(request.body))
        same = [
            each
            for each in self._exchanges
            if request_identity(each.method, each.url, canonical_body(each.body, each.files)) == wanted
        ]
        if same and self._column is not None:
            return self._next_of_column(wanted, same, 0, self._column.sample)
        if same:
            return same[min(self._count(wanted), len(same) - 1)]
        if all(not each.url for each in self._exchanges):  # an .sse file: a body without a request
            return self._exchanges[-1]
        raise self._no_match(request)

    def _next_of_column(
        self, wanted: str, answers: Sequence[Exchange], own_first: int, first: int
    ) -> Exchange:
        """The next answer to a request of a column.

        Args:
            wanted: the request; empty for any.
            answers: the answers to it.
            own_first: the first one of those with the label of this column.
            first: the first one in a recording without this column.
        """
        label = "" if self._column is None else self._column.label
        own = [each for each in answers if each.column == label]
        number = self._finds[wanted] + (own_first if own else first)
        self._finds[wanted] += 1
        found = own or [each for each in answers if not each.attempt] or answers
        return found[min(number, len(found) - 1)]

    def _count(self, what: str) -> int:
        """Count a request to this file; returns how often this process made it before."""
        with _count_lock:
            key = (f"{self.path.resolve()} {what}", self._modified)
            number = _played[key]
            _played[key] += 1
            return number

    def _no_match(self, request: HttpRequest) -> RecordingError:
        nearest = max(self._exchanges, key=lambda each: _similarity(request, each))
        return RecordingError(
            f"{self.path.name} contains no answer to this request: {_difference(request, nearest)}",
            remedy="Send exactly the recorded request (`--dry-run` shows the request), or use --replay-any.",
        )


class ReplayOnce(Replay):
    """Plays given exchanges in their order, whatever the requests are.

    Args:
        exchanges: at least one.
        speed: how many times as fast; 0 means without waiting.

    Raises:
        RecordingError: the speed is negative or infinite.
    """

    def __init__(self, exchanges: Sequence[Exchange], speed: float) -> None:
        self.speed = _check_speed(speed, "speed")
        self._left = list(exchanges)
        self._unplayed = len(self._left)

    def contains(self, request: HttpRequest, asked: int = 0) -> bool:  # noqa: ARG002 - any request
        """Whether the next exchange resumes a stored answer."""
        return self._unplayed > 0 and self._left[0].resumed

    def find(self, request: HttpRequest) -> Exchange:  # noqa: ARG002 - any request
        """The next exchange; the last one again once all were played."""
        self._unplayed -= 1
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


class CachedReplay(ReplayOnce):
    """Plays an answer of the journal in place of an identical request.

    Args:
        exchanges: the exchange that brought it, and those that resume it.
        speed: how many times as fast; 0 means without waiting.

    Raises:
        RecordingError: the speed is negative or infinite.
    """

    source = "cache"
    has_rounds = False  # such an answer calls no functions


def _check_speed(speed: float, option: str) -> float:
    if not 0 <= speed < float("inf"):
        raise RecordingError(
            f"{option} must be 0 or greater, not {speed:g}.",
            remedy="Use a number such as 4 or 0.5; 0 replays without delays.",
        )
    return speed


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """The values of a JSON document by their dotted path."""
    if isinstance(value, dict):
        return {
            key: leaf for name, item in value.items() for key, leaf in _leaves(item, f"{path}.{name}").items()
        }
    if isinstance(value, list):
        return {
            key: leaf for n, item in enumerate(value) for key, leaf in _leaves(item, f"{path}[{n}]").items()
        }
    return {path.lstrip("."): value}


def _similarity(request: HttpRequest, recorded: Exchange) -> float:
    own, other = (
        _leaves(canonical_body(request.body)),
        _leaves(canonical_body(recorded.body, recorded.files)),
    )
    same = sum(1 for path, value in own.items() if other.get(path, _MISSING) == value)
    shared_words = set(str(own).split()) & set(str(other).split())
    return same + len(shared_words) / 1000 + (urlsplit(request.url).path == urlsplit(recorded.url).path)


def _difference(request: HttpRequest, recorded: Exchange) -> str:
    path, other = urlsplit(request.url).path, urlsplit(recorded.url).path
    if path != other:
        dialect = f" (--backend {recorded.backend})" if recorded.backend else ""
        return f"the most similar one was sent to {other}{dialect}, this one to {path}."
    mine, theirs = (
        _leaves(canonical_body(request.body)),
        _leaves(canonical_body(recorded.body, recorded.files)),
    )
    for key in [*theirs, *mine]:
        if mine.get(key, _MISSING) != theirs.get(key, _MISSING):
            if key.startswith("contents[") and key.endswith("].text"):
                return f"the most similar recorded prompt is {_shown(theirs, key)}."
            return f"the most similar one has {key} = {_shown(theirs, key)}, this one {_shown(mine, key)}."
    return "the most similar one has another method or URL query."


def _shown(leaves: dict[str, Any], key: str) -> str:
    if key not in leaves:
        return "nothing"
    text = json.dumps(leaves[key], ensure_ascii=False, default=repr)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
