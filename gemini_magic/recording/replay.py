"""Replay: answers from a recording in place of the network, at the pace they had.

It chooses which recorded exchange answers a request; it opens no socket.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..backends import HttpRequest
from ..errors import RecordingError
from ..ledger import Exchange
from .files import read_recording

__all__ = ["Replay", "ReplayOnce"]

_CREDENTIALS = ("key", "access_token")  # how Google's APIs name them in a query
_LONGEST = 120  # characters of a difference that are shown

_order_lock = threading.Lock()
_played: Counter[tuple[str, int]] = Counter()


def _number(text: str) -> float:
    """0.0 and 0 are one number in JSON."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _canonical(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=_number)
    except ValueError:
        return body.strip()


def _query(url: str) -> list[tuple[str, str]]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return sorted(pair for pair in pairs if pair[0] not in _CREDENTIALS)


def _identity(method: str, url: str, body: bytes) -> str:
    parts = (method, urlsplit(url).path, _query(url), _canonical(body))
    return json.dumps(parts, sort_keys=True, default=repr)


class Replay:
    """A recording that answers requests.

    A request is matched by method, path, query (without a key) and JSON body. The same request made again gets the
    next recorded answer to it, and the last one once they are used up.

    Args:
        path: the recording.
        any_order: play the answers in the file's order, whatever is asked.
        speed: how many times as fast; 0 means without waiting.

    Raises:
        RecordingError: the file cannot be read, or the speed is negative.
    """

    def __init__(self, path: Path, *, any_order: bool = False, speed: float = 1.0) -> None:
        self.path = path
        self.speed = _checked(speed, "--speed ")
        self._any_order = any_order
        self._exchanges = read_recording(path)
        self._stamp = path.stat().st_mtime_ns

    def find(self, request: HttpRequest) -> Exchange:
        """The recorded exchange that answers a request.

        Raises:
            RecordingError: there is none; the error shows how the nearest one differs.
        """
        if self._any_order:
            turn = self._turn("in order")
            if turn >= len(self._exchanges):
                with _order_lock:
                    _played.pop((f"{self.path.resolve()} in order", self._stamp), None)
                raise RecordingError(
                    f"{self.path.name} has played its {len(self._exchanges)} answers.",
                    remedy="The next request begins it again.",
                )
            return self._exchanges[turn]
        wanted = _identity(request.method, request.url, request.body)
        same = [each for each in self._exchanges if _identity(each.method, each.url, each.body) == wanted]
        if same:
            return same[min(self._turn(wanted), len(same) - 1)]
        if all(not each.url for each in self._exchanges):  # an .sse file: a body that nobody asked for
            return self._exchanges[-1]
        raise self._miss(request)

    def _turn(self, what: str) -> int:
        """How often ``what`` was asked of this file before in this process."""
        with _order_lock:
            key = (f"{self.path.resolve()} {what}", self._stamp)
            turn = _played[key]
            _played[key] += 1
            return turn

    def _miss(self, request: HttpRequest) -> RecordingError:
        nearest = max(self._exchanges, key=lambda each: _likeness(request, each))
        return RecordingError(
            f"{self.path.name} holds no answer to this request; {_difference(request, nearest)}",
            remedy="Ask exactly what was recorded (`--dry-run` shows the request), or use --replay-any.",
        )


class ReplayOnce(Replay):
    """Exchanges that are at hand, played in their order.

    Raises:
        RecordingError: the speed is negative.
    """

    def __init__(self, exchanges: Sequence[Exchange], speed: float) -> None:
        self.speed = _checked(speed, "speed=")
        self._left = list(exchanges)

    def find(self, request: HttpRequest) -> Exchange:  # noqa: ARG002 - whatever is asked
        """The next one."""
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


def _checked(speed: float, said: str) -> float:
    if not 0 <= speed < float("inf"):
        raise RecordingError(f"{said}{speed:g} is no speed.", remedy="Use 1, 4, 0.5, or 0 for no waiting.")
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


def _likeness(request: HttpRequest, recorded: Exchange) -> float:
    own, other = _leaves(_canonical(request.body)), _leaves(_canonical(recorded.body))
    same = sum(1 for path, value in own.items() if other.get(path, _MISSING) == value)
    words = set(str(own).split()) & set(str(other).split())
    return same + len(words) / 1000 + (urlsplit(request.url).path == urlsplit(recorded.url).path)


_MISSING = object()


def _difference(request: HttpRequest, recorded: Exchange) -> str:
    path, other = urlsplit(request.url).path, urlsplit(recorded.url).path
    if path != other:
        spoken = f" with --backend {recorded.backend}" if recorded.backend else ""
        return f"the nearest one asked {other}{spoken}, this one asks {path}."
    mine, theirs = _leaves(_canonical(request.body)), _leaves(_canonical(recorded.body))
    for key in [*theirs, *mine]:
        if mine.get(key, _MISSING) != theirs.get(key, _MISSING):
            if key.startswith("contents[") and key.endswith("].text"):
                return f"the nearest recorded prompt is {_shown(theirs, key)}."
            return f"the nearest one has {key} = {_shown(theirs, key)}, this one {_shown(mine, key)}."
    return "the nearest one differs in its address."


def _shown(leaves: dict[str, Any], key: str) -> str:
    if key not in leaves:
        return "nothing"
    text = json.dumps(leaves[key], ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
