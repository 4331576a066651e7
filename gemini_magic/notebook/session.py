"""The state of one session: its conversations, requests, token counts and last error.

It decides which turns precede a question and which conversation an answer belongs to. It sends nothing and shows
nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..backends import backend
from ..content import Part, Request, Text, Turn
from ..conversation import Conversation, answer_open_calls, answer_turn
from ..errors import OptionError
from ..events import Usage
from ..ledger import (
    Candidate,
    Ledger,
    MediaItem,
    add_usage,
    answer_turns,
    finished_turns,
    text_before_round,
    unfinished_id,
)
from ..options import Options
from ..response import Response
from ..text import SurrogateJoiner

if TYPE_CHECKING:
    from ..tools import Permission, Tool

__all__ = ["CONTINUE_PROMPT", "Resumption", "Run", "Session", "answer_text", "goes_on_alone"]

CONTINUE_PROMPT = (
    "Your answer was cut off. Go on exactly where it stopped: begin with the very next character, repeat nothing, "
    "add no introduction."
)
_MEGABYTE = 1_000_000
# Endings after which an answer is followed elsewhere, or was cancelled.
_NOT_ALONE = ("arriving", "interrupt", "stop")
_MAX_RUNS = 50  # how many `%gemini last` finds in memory
_MAX_BYTES = (
    100_000_000  # received and of media, for all runs together; what was received takes four times as much
)


class Run(NamedTuple):
    """One request that was sent, and its response.

    Attributes:
        response: the response.
        request: the request.
        options: its options.
        conversation: the conversation it belongs to.
        before: the number of the request's turns that precede the question.
        key: identifies the call of the cell that asked; see ``Session.turn_key``.
        prefix: the parts of the answer that earlier runs received, if this run requests the rest of an answer.
        rounds: the turns of the answer that earlier runs have finished: calls of functions and their results.
        added: the number of turns at the end of the request that only ask for the rest.
        token: the server's continuation token, if this run used it.
        tools: the functions that the request offered.
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
    tools: Sequence[Tool] = ()
    rounds: tuple[Turn, ...] = ()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The request's turns, up to and including the question."""
        return self.request.turns[: len(self.request.turns) - self.added]

    @property
    def is_billed(self) -> bool:
        """Whether a server answers, so that the tokens are used. A replay, the cache and an offline backend use none."""
        offline = self.options.replay or self.response.ledger.source == "cache"
        return not offline and backend(self.options.backend).local is None


class Resumption(NamedTuple):
    """How to request the rest of an incomplete answer.

    Attributes:
        run: the run whose answer is incomplete.
        prefix: the parts of the answer so far; empty if the question is sent again.
        rounds: the turns of the answer before ``prefix``: calls of functions and their results.
        text: the text of the answer so far.
        token: the server's continuation token, or None. The server repeats what it sent after the token.
        stored_id: the id with which the whole answer to the last turn can be read from the server; None if it is not there.
    """

    run: Run
    prefix: tuple[Part, ...]
    token: str | None
    rounds: tuple[Turn, ...] = ()
    text: str = ""
    stored_id: str | None = None


class Session:
    """The state of one shell.

    Attributes:
        chats: the named conversations.
        current: the conversation of the last request.
        runs: the latest requests, oldest first.
        error: the last error of a cell or command, or the last exception of a function that the model called.
        request_count: how many requests were sent to a server; a replay sends none.
        usage: the token counts of the answers to these requests together.
        allowed_tools: the permissions of the tools that the user has allowed for this session.
    """

    def __init__(self) -> None:
        self.chats: dict[str, Conversation] = {}
        self.current: Conversation | None = None
        self.runs: deque[Run] = deque(maxlen=_MAX_RUNS)
        self.error: BaseException | None = None
        self.request_count = 0
        self.usage = Usage()
        self.allowed_tools: set[Permission] = set()
        # Megabytes that the notebook stores of the media of each answer, by the cell and the position of the call.
        self._media: dict[tuple[str, int], float] = {}
        self._message: str | None = None
        self._calls = 0
        self._keys = 0

    # -- before a request

    def turn_key(self, cell: str | None, message: str | None) -> Hashable:
        """The key of the current call: the cell, and the position of the call among those of one execution.

        A cell that runs again has the same keys, so its turns are replaced. Without a cell id every call has a new
        key.

        Args:
            cell: the cell's id; None if the front end does not send it.
            message: the id of the execute request.
        """
        self._calls = self._calls + 1 if message is not None and message == self._message else 0
        self._message = message
        self._keys += 1
        if cell is None:
            return (None, self._keys)
        if not self._calls:  # what the cell showed before is replaced
            self._media = {key: size for key, size in self._media.items() if key[0] != cell}
        return (cell, self._calls)

    def conversation(self, options: Options) -> Conversation:
        """The conversation for a request with these options. A new one is not stored before the request is sent."""
        if options.chat:
            known = None if options.fresh else self.chats.get(options.chat)
            return known or Conversation(options.chat)
        if options.continue_ and not options.fresh and self.current is not None:
            return self.current
        return Conversation()

    def media_room(self, key: Hashable, limit: float) -> float:
        """How many megabytes of media the notebook may store for the answer of a call.

        Args:
            key: the key of the call, whose earlier answer does not count.
            limit: for all answers in the notebook together, as far as this kernel received them. Without cell ids,
                nothing is known about other answers.
        """
        return max(0.0, limit - sum(size for each, size in self._media.items() if each != key))

    # -- after a request was sent, and after its answer ended

    def add_run(self, run: Run) -> None:
        """Store a run that was just sent; its conversation becomes the current one."""
        self.runs.append(run)
        self.request_count += run.is_billed
        self.current = run.conversation
        if run.conversation.name:
            self.chats[run.conversation.name] = run.conversation

    def add_column(self, run: Run) -> None:
        """Store the run of one column of a comparison; the current conversation stays."""
        self.runs.append(run)
        self.request_count += run.is_billed

    def finish_run(self, run: Run) -> list[Response]:
        """Add the answer of an ended run to its conversation, as one turn together with the run's prefix.

        A run without content leaves the conversation unchanged.

        Returns:
            The later responses of the conversation that have become stale, which their views do not show yet.
        """
        ledger = run.response.ledger
        self._trim()
        self.count_media(run.key, [ledger])
        if ledger.usage is not None and run.is_billed:
            self.usage = add_usage(self.usage, ledger.usage) or self.usage
        answer = answer_turns(ledger, run.prefix)
        if not answer:
            return []
        turns = (*run.turns[run.before :], *run.rounds, *answer)
        stale = run.conversation.put(turns, status=ledger.status, key=run.key)
        if not stale:
            return []
        number = run.conversation.turn_number(run.key).number
        newest = {each.key: each.response for each in self.runs if each.conversation is run.conversation}
        responses = [newest[key] for key in stale if key in newest]
        return [response for response in responses if response.ledger.mark_stale(number)]

    def count_media(self, key: Hashable, ledgers: Sequence[Ledger]) -> None:
        """Count the media of the answers of a call, which the notebook stores; see :meth:`media_room`."""
        match key:
            case (str() as cell, int() as call):
                self._media[cell, call] = sum(map(_stored_megabytes, ledgers))

    def _trim(self) -> None:
        """Remove the oldest runs while all together use too much memory; the newest stays."""
        sizes = [_size(run) for run in self.runs]
        while len(sizes) > 1 and sum(sizes) > _MAX_BYTES:
            self.runs.popleft()
            sizes.pop(0)

    # -- for commands

    @property
    def last(self) -> Response | None:
        """The newest response."""
        return self.runs[-1].response if self.runs else None

    def reset(self, name: str | None = None) -> str:
        """Delete one conversation, or all; returns a message about what was deleted.

        Raises:
            OptionError: there is no conversation with this name.
        """
        if name is None:
            count = len(self.chats)
            self.chats.clear()
            self.current = None
            return f"Deleted all conversations ({count} with a name)."
        if name not in self.chats:
            raise OptionError(
                f"There is no conversation named {name!r}.", remedy=_suggest_chat(name, self.chats)
            )
        removed = self.chats.pop(name)
        if self.current is removed:
            self.current = None
        return f"Deleted conversation {name!r} ({len(removed)} question{'' if len(removed) == 1 else 's'})."

    def resumable(self) -> Resumption:
        """How to request the rest of the last answer.

        Raises:
            OptionError: no request has been sent, or the last answer is still arriving or complete.
        """
        if not self.runs:
            raise OptionError("No request has been sent yet.", remedy="Start a cell with %%gemini.")
        run = self.runs[-1]
        status = run.response.status
        if status == "running":
            raise OptionError(
                "The last answer is still arriving.",
                remedy="Wait until it ends, or run `%gemini stop` first.",
            )
        if status == "complete":
            raise OptionError("The last answer is complete.", remedy="Use -c to continue the conversation.")
        ledger = run.response.ledger
        if (stored_id := unfinished_id(ledger)) is not None:
            return _resumption_of_stored(run, stored_id)
        if ledger.round or run.rounds or (ledger.rounds and ledger.rounds[-1].calls):
            return _resumption_of_rounds(run)
        parts = tuple(ledger.parts.get(0, ()))
        if ledger.continuation is not None:
            prefix = (*run.prefix, *parts[: ledger.checkpoint])
            return Resumption(run, prefix, ledger.continuation, text=answer_text(prefix))
        if run.token is not None and not parts:
            return Resumption(run, run.prefix, run.token, text=answer_text(run.prefix))
        prefix = (*run.prefix, *parts)
        if not _has_text(prefix):
            return Resumption(run, (), None)
        return Resumption(run, prefix, None, text=answer_text(prefix))


def answer_text(parts: Sequence[Part]) -> str:
    """The text of an answer's parts, joined as in ``Response.text``."""
    joiner = SurrogateJoiner()
    return "".join(joiner.add(part.text) for part in parts if isinstance(part, Text)) + joiner.flush()


def _has_text(parts: Sequence[Part]) -> bool:
    answer = answer_turn(parts)
    return answer is not None and any(isinstance(part, Text) for part in answer.parts)


def _resumption_of_rounds(run: Run) -> Resumption:
    """How to request the rest of an answer that calls functions: after the results of its last finished round."""
    turns, prefix = finished_turns(run.response.ledger, run.prefix)
    rounds = answer_open_calls((*run.rounds, *turns, Turn("user", ())))[:-1]
    text = run.response.whole
    if prefix and _has_text(prefix):
        return Resumption(run, prefix, None, rounds, text)
    return Resumption(run, (), None, rounds, f"{text}\n\n" if text else "")


def goes_on_alone(ledger: Ledger) -> bool:
    """Whether the server may still be making an answer whose stream has ended here, without a connection."""
    if ledger.steps.run is None or ledger.status == "running" or ledger.cause in _NOT_ALONE:
        return False
    return ledger.finish is None or not ledger.finish.last


def _resumption_of_stored(run: Run, stored_id: str) -> Resumption:
    """How to read a stored answer from its beginning: that of its last round, if it calls functions."""
    ledger = run.response.ledger
    if not (ledger.round or run.rounds):
        return Resumption(run, run.prefix, None, text=answer_text(run.prefix), stored_id=stored_id)
    turns, _ = finished_turns(ledger, run.prefix)
    rounds = answer_open_calls((*run.rounds, *turns, Turn("user", ())))[:-1]
    return Resumption(run, (), None, rounds, text_before_round(ledger), stored_id)


def _stored_megabytes(ledger: Ledger) -> float:
    """The media of an answer that fit into the notebook, as base64, in megabytes."""
    limit = ledger.display.media_size or 0.0
    left = limit
    for index in sorted(ledger.parts):
        for item in Candidate(ledger, index).items:
            size = (item.size + 2) // 3 * 4 / _MEGABYTE if isinstance(item, MediaItem) else 0.0
            left -= size if size <= left else 0.0
    return limit - left


def _size(run: Run) -> int:
    """Bytes that were received, and bytes of the media that were sent."""
    exchanges = run.response.ledger.exchanges
    media = {digest: each for exchange in exchanges for digest, each in exchange.media.items()}
    kept = sum(each.size for each in media.values() if each.data is not None)
    return kept + sum(exchange.pieces.size for exchange in exchanges)


def _suggest_chat(name: str, chats: Mapping[str, Conversation]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    close = get_close_matches(name, chats, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    if chats:
        return f"Named conversations: {', '.join(chats)}."
    return "There are no named conversations; --chat NAME starts one."
