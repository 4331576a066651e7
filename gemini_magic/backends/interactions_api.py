"""What a dialect provides for answers that its server stores: they are read again, stopped and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from ..events import Decoded, Failure, Usage
from .http_request import Endpoint, HttpRequest

__all__ = [
    "GetInteraction",
    "InteractionsApi",
    "RemoteInteraction",
    "RequestedInteraction",
    "ResumedDecoder",
]


class RemoteInteraction(NamedTuple):
    """An interaction that a server stores. Texts are on one line, without control characters.

    Attributes:
        id: its id; empty if the server does not store it.
        status: the status in the server's words, such as ``in_progress`` or ``requires_action``; empty if it has none.
        running: whether the server still works on it: ``queued`` or ``in_progress``.
        model, agent: what answers; one of them is empty.
        created, updated: when it was created, and when it changed last; None if the server did not report it.
        previous: the id of the interaction that it continues; empty without one.
        usage: its token counts so far; None if the server did not report them.
        failure: why it failed; None for any other interaction.
    """

    id: str
    status: str = ""
    running: bool = False
    model: str = ""
    agent: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    previous: str = ""
    usage: Usage | None = None
    failure: Failure | None = None


class RequestedInteraction(NamedTuple):
    """What a request asks of the server that answers it.

    Attributes:
        stored: whether the server stores the answer.
        background: whether the server goes on without a connection.
        agent: the agent that answers; empty for a model.
        budget: the most tokens that the agent may use; None without such a limit.
        previous: the id of the stored answer that it continues; empty without one.
    """

    stored: bool = False
    background: bool = False
    agent: str = ""
    budget: int | None = None
    previous: str = ""


class GetInteraction(Protocol):
    """Builds the request that reads a stored interaction."""

    def __call__(
        self, endpoint: Endpoint, ident: str, *, stream: bool = False, cursor: str | None = None
    ) -> HttpRequest:
        """The request, without a key.

        Args:
            endpoint: where the interaction is stored.
            ident: its id.
            stream: whether its events are requested, from the first one on; otherwise its present state is.
            cursor: the id of the last event that was received: the stream begins after it.

        Raises:
            OptionError: the id is not valid.
        """


class ResumedDecoder(Protocol):
    """Decodes the streams of a stored answer after the first one was cut: each repeats a part of it."""

    @property
    def id(self) -> str:
        """The id of the answer; empty if the server does not store it."""

    @property
    def cursor(self) -> str | None:
        """The event after which the next stream can begin; None if it can only begin at the beginning."""

    @property
    def ended(self) -> bool:
        """Whether the end of the answer was received."""

    @property
    def new(self) -> int:
        """Events of the present stream with new content."""

    @property
    def repeated(self) -> int:
        """Events of the present stream without new content."""

    def learn(self, events: Iterable[bytes]) -> None:
        """Read the JSON texts of events that another decoder has decoded, in order."""

    def begin(self, cursor: str | None) -> None:
        """A stream begins after this event; None for the beginning."""

    def __call__(self, raw: bytes, event: str | None = None) -> Decoded:
        """Decode the new content of one event; see :class:`~.backend.Decoder`."""


class InteractionsApi(NamedTuple):
    """How a dialect reads, stops and deletes the answers that its server stores.

    Attributes:
        get: see :class:`GetInteraction`.
        cancel, delete: ``(endpoint, id)`` -> the request that stops an interaction, or that deletes it, without a key.
            They raise ``OptionError`` for an id that is not valid.
        read: the JSON value of an answer -> the interaction; None if there is none. Never raises.
        requested: the body of a request for an answer -> what it asks of the server. Never raises.
        resumed: the decoder of a stream that was cut -> the decoder of the streams that continue it.
        cursor_of: the URL of ``get`` -> its cursor; None without one. Never raises.
        base_of: the URL of a request -> the base URL that leads to it. Never raises.
    """

    get: GetInteraction
    cancel: Callable[[Endpoint, str], HttpRequest]
    delete: Callable[[Endpoint, str], HttpRequest]
    read: Callable[[Any], RemoteInteraction | None]
    requested: Callable[[bytes], RequestedInteraction]
    resumed: Callable[[Any], ResumedDecoder]
    cursor_of: Callable[[str], str | None]
    base_of: Callable[[str], str]
