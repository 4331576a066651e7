"""What one kernel remembers: conversations, runs, tokens so far and the last error.

It decides which turns go before a question and where the answer is kept; it does not ask, and shows nothing.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from ..content import Part, Request, Text, Turn
from ..conversation import Conversation, answer_turn
from ..errors import GeminiMagicError, Interrupted, OptionError
from ..events import Usage
from ..lenient_json import SurrogateJoiner
from ..options import Options
from ..response import Response

__all__ = ["GO_ON", "Resumption", "Run", "Session", "text_of"]

GO_ON = (
    "Your answer was cut off. Go on exactly where it stopped: begin with the very next character, repeat nothing, "
    "add no introduction."
)
_KEPT = 50  # runs that `%gemini last` finds in memory
_MOST = 100_000_000  # bytes on the wire of all of them; a run takes some four times as much memory


class Run(NamedTuple):
    """One question that was sent.

    Attributes:
        response: its answer.
        request: what was sent.
        options: how.
        conversation: where it belongs.
        before: how many of the request's turns were said before.
        key: the cell that asked.
        prefix: what earlier runs had of the same answer, when this one asked for the rest.
        added: how many turns at the request's end do nothing but ask for the rest.
        token: the server's own way to go on, where this run used it.
    """

    response: Response
    request: Request
    options: Options
    conversation: Conversation
    before: int
    key: Hashable
    prefix: tuple[Part, ...] = ()
    added: int = 0
    token: str | None = None

    @property
    def asked(self) -> tuple[Turn, ...]:
        """What was said up to the question, which comes last."""
        return self.request.turns[: len(self.request.turns) - self.added]


class Resumption(NamedTuple):
    """How an answer that broke off is gone on with.

    Attributes:
        run: the run that broke off.
        prefix: what has come of the answer; empty when the question is best asked again.
        token: the server's own way to go on, None without one. What came behind it comes again.
    """

    run: Run
    prefix: tuple[Part, ...]
    token: str | None


class Session:
    """The memory of one shell."""

    def __init__(self) -> None:
        self.chats: dict[str, Conversation] = {}
        self.current: Conversation | None = None
        self.runs: deque[Run] = deque(maxlen=_KEPT)
        self.error: GeminiMagicError | Interrupted | None = None
        self.asked = 0
        self.usage = Usage()
        self._message: str | None = None
        self._calls = 0
        self._keys = 0

    # -- before a question

    def key(self, cell: str | None, message: str | None) -> Hashable:
        """The key of the present call: the cell, and which of the calls in one run of it this is.

        Without a cell's id every call has a key of its own.

        Args:
            cell: the cell's id; None where the front end does not tell it.
            message: the id of the execute request.
        """
        self._calls = self._calls + 1 if message is not None and message == self._message else 0
        self._message = message
        self._keys += 1
        return ("call", self._keys) if cell is None else (cell, self._calls)

    def conversation(self, options: Options) -> Conversation:
        """The conversation that a question with these options belongs to; it is not entered yet."""
        if options.chat:
            known = None if options.fresh else self.chats.get(options.chat)
            return known or Conversation(options.chat)
        if options.continue_ and not options.fresh and self.current is not None:
            return self.current
        return Conversation()

    # -- a question was sent, an answer came

    def sent(self, run: Run) -> None:
        """Remember a question that is on its way; its conversation is now the last one."""
        self.runs.append(run)
        self.asked += 1
        self.current = run.conversation
        if run.conversation.name:
            self.chats[run.conversation.name] = run.conversation

    def answered(self, run: Run) -> None:
        """Keep what an ended run said, as one turn with what earlier runs had of the same answer.

        A run without content leaves the conversation as it was.
        """
        ledger = run.response.ledger
        self._trim()
        if ledger.usage is not None:
            self.usage = Usage(*(_sum(old, new) for old, new in zip(self.usage, ledger.usage, strict=True)))
        parts = ledger.parts.get(0, ())
        answer = answer_turn((*run.prefix, *parts)) if answer_turn(parts) else None
        if answer is not None:
            turns = (*run.asked[run.before :], answer)
            run.conversation.put(turns, status=ledger.status, key=run.key)

    def _trim(self) -> None:
        """Let go of the oldest runs while all together take too much memory; the newest stays."""
        sizes = [_size(run) for run in self.runs]
        while len(sizes) > 1 and sum(sizes) > _MOST:
            self.runs.popleft()
            sizes.pop(0)

    # -- words

    @property
    def last(self) -> Response | None:
        """The newest response."""
        return self.runs[-1].response if self.runs else None

    def reset(self, name: str | None = None) -> str:
        """Forget one conversation, or all; returns what was done.

        Raises:
            OptionError: there is no such conversation.
        """
        if name is None:
            count = len(self.chats)
            self.chats.clear()
            self.current = None
            return f"All conversations are forgotten ({count} with a name)."
        if name not in self.chats:
            raise OptionError(f"There is no conversation {name!r}.", remedy=_known(name, self.chats))
        gone = self.chats.pop(name)
        if self.current is gone:
            self.current = None
        return f"Conversation {name!r} is forgotten ({len(gone)} questions)."

    def going_on(self) -> Resumption:
        """The run that broke off last, and how to go on with its answer.

        Raises:
            OptionError: nothing was asked, it still runs, or it is complete.
        """
        if not self.runs:
            raise OptionError("Nothing was asked yet.", remedy="Begin a cell with %%gemini.")
        run = self.runs[-1]
        status = run.response.status
        if status == "running":
            raise OptionError("The last answer is still arriving.", remedy="Wait for it, or stop it.")
        if status == "complete":
            raise OptionError("The last answer is complete.", remedy="Use -c to ask on.")
        ledger = run.response.ledger
        parts = tuple(ledger.parts.get(0, ()))
        if ledger.continuation is not None:
            return Resumption(run, (*run.prefix, *parts[: ledger.checkpoint]), ledger.continuation)
        if run.token is not None and not parts:
            return Resumption(run, run.prefix, run.token)
        prefix = (*run.prefix, *parts)
        answer = answer_turn(prefix)
        if answer is None or not any(isinstance(part, Text) for part in answer.parts):
            return Resumption(run, (), None)
        return Resumption(run, prefix, None)


def text_of(parts: Sequence[Part]) -> str:
    """The text of an answer's parts, as the response has it."""
    joiner = SurrogateJoiner()
    return "".join(joiner.add(part.text) for part in parts if isinstance(part, Text)) + joiner.flush()


def _size(run: Run) -> int:
    return sum(exchange.pieces.size for exchange in run.response.ledger.exchanges)


def _sum(old: int | None, new: int | None) -> int | None:
    return old if new is None else (old or 0) + new


def _known(name: str, chats: Sequence[str] | dict[str, Conversation]) -> str:
    close = difflib.get_close_matches(name, chats, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Known: {', '.join(chats)}." if chats else "There are none with a name; --chat NAME begins one."
