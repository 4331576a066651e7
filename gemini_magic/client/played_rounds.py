"""Plays the rounds of a recorded answer one after the other. No function runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ..backends import HttpRequest
from ..ledger import Exchange, Ledger
from ..media import references_in
from ..options import Options
from .encoded_request import EncodedRequest

__all__ = ["PlayedRounds", "recorded_options", "recorded_request"]


def recorded_request(exchange: Exchange) -> HttpRequest:
    """The request of a recorded exchange."""
    media = references_in(exchange.body, exchange.media)
    return HttpRequest(exchange.method, exchange.url, exchange.headers, exchange.body, media)


def recorded_options(attempts: Sequence[Exchange]) -> Options:
    """The options with which the recorded attempts of a round are made again."""
    return Options(retries=len(attempts) - 1)


class PlayedRounds:
    """The driver of a replay: shows the recorded calls, and continues with the recorded request of the next round.

    Args:
        rounds: the attempts of each round, in order.
    """

    def __init__(self, rounds: Sequence[Sequence[Exchange]]) -> None:
        self._played, *self._left = rounds
        self._stepping = threading.Lock()

    @property
    def runs_here(self) -> bool:
        """No function runs."""
        return False

    def step(self, stream: Any) -> float | None:
        """Continue if a round has ended; see :class:`~gemini_magic.ledger.RoundDriver`."""
        with self._stepping:
            return self._step(stream)

    def _step(self, stream: Any) -> float | None:
        if not stream.between_rounds:
            return None
        runs = [run for exchange in self._played for run in exchange.tool_runs]
        calls = stream.ledger.rounds[-1].calls

        def show(ledger: Ledger) -> None:
            for call, run in zip(calls, runs, strict=False):
                ledger.add_recorded_run(call, run)

        stream.change(show)
        if not self._left:
            stream.end("end")
            return 0.0
        self._played, *self._left = self._left
        first = self._played[0]
        stream.continue_encoded(EncodedRequest(recorded_request(first)), recorded_options(self._played))
        return 0.0

    async def step_awaited(self, stream: Any) -> float | None:
        """The same on a running event loop."""
        return self.step(stream)

    def stop(self, ledger: Ledger, t: float) -> None:
        """Nothing runs."""
