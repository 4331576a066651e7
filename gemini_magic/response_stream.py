"""A response that is still streaming: iterate over its events, or have functions called with each piece of it.

Nothing is stored here: the events belong to the stream and the text to the response.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from . import schema as schemas
from .client import Stream
from .content import Part, Text, Thought
from .events import Delta, Event, StepStart
from .ledger import paragraph_gap
from .response import Response
from .text import SurrogateJoiner

if TYPE_CHECKING:
    from .schema import StreamItems

__all__ = ["Callbacks", "ResponseStream"]


class _Pieces:
    """The pieces of one kind of text, with a paragraph for each round and for each thought as in the whole text.

    Args:
        kind: the kind of part.
        function: called with each piece, or None.
    """

    def __init__(self, kind: type[Text | Thought], function: Callable[[str], object] | None) -> None:
        self.function = function
        self._kind = kind
        self._joiner = SurrogateJoiner()
        self._round = 0
        self._end = ""  # of the text so far
        self.begins_paragraph = False  # with its next piece

    def add(self, part: Part, response: Response, position: int) -> None:
        """Call the function for a part of this kind, which is in the event at this position."""
        if self.function is None or not isinstance(part, Text | Thought) or type(part) is not self._kind:
            return
        if text := self._joiner.add(part.text):
            ledger = response.ledger
            if ledger.round and (number := ledger.events.round_of(position)) != self._round:
                self._round = number
                self.begins_paragraph = True
            if self.begins_paragraph:
                self.begins_paragraph = False
                text = paragraph_gap(self._end, text) + text
            self._end = (self._end + text)[-2:]
            self.function(text)

    def flush(self) -> None:
        """Call the function for half a character that waited for its other half."""
        if self.function is not None and (text := self._joiner.flush()):
            self.function(text)


class Callbacks:
    """Calls the user's functions on the thread that iterates: once for each piece, and once at the end.

    Args:
        on_chunk: called with each new piece of the answer (str), or None.
        on_thinking: called with each new piece of the thinking (str), or None.
        on_complete: called with the response when the stream has ended, or None.
    """

    def __init__(
        self,
        on_chunk: Callable[[str], object] | None,
        on_thinking: Callable[[str], object] | None,
        on_complete: Callable[[Response], object] | None,
    ) -> None:
        self._thoughts = _Pieces(Thought, on_thinking)
        self._per_kind = (_Pieces(Text, on_chunk), self._thoughts)
        self._on_complete = on_complete
        self._handled = 0  # events
        self._finished = False

    def __bool__(self) -> bool:
        return self._on_complete is not None or any(each.function is not None for each in self._per_kind)

    def handle(self, position: int, event: Event, response: Response) -> None:
        """Call the functions for one event, unless another iterator has done so already.

        Args:
            position: index of the event in the stream, from 0.
            event: the event.
            response: the response that it belongs to.
        """
        if position < self._handled:
            return
        self._handled = position + 1
        if isinstance(event, StepStart) and event.is_thought:
            self._thoughts.begins_paragraph = True
        if not isinstance(event, Delta) or event.candidate:
            return
        for each in self._per_kind:
            each.add(event.part, response, position)

    def finish(self, response: Response) -> None:
        """Call the functions for the end of the stream, once."""
        if self._finished:
            return
        self._finished = True
        for each in self._per_kind:
            each.flush()
        if self._on_complete is not None:
            self._on_complete(response)


class ResponseStream:
    """A response that is still streaming: iterate over its events, or read ``response`` at any moment.

    Every iterator, sync or async, starts with the first event. A bad ending is not raised; read ``response.status``.
    Leaving the ``with`` block cancels a stream that still runs; ``break`` alone does not. Iterating calls the functions
    given to :func:`stream`, on the thread that iterates. ``await`` waits for the end in the same way and returns the
    response; cancelling the wait stops the stream.

    Args:
        response: the response that fills.
        source: the stream that fills it.
        callbacks: the user's functions.
    """

    def __init__(self, response: Response, source: Stream, callbacks: Callbacks) -> None:
        self.response = response
        self._stream = source
        self._callbacks = callbacks

    @property
    def has_callbacks(self) -> bool:
        """Whether iterating calls functions of the user."""
        return bool(self._callbacks)

    @property
    def done(self) -> bool:
        """Whether the stream has ended."""
        return self._stream.done

    def __iter__(self) -> Iterator[Event]:
        for position, event in enumerate(self._stream):
            self._callbacks.handle(position, event, self.response)
            yield event
        self._callbacks.finish(self.response)

    async def __aiter__(self) -> AsyncIterator[Event]:
        position = 0
        async for event in self._stream:
            self._callbacks.handle(position, event, self.response)
            position += 1
            yield event
        self._callbacks.finish(self.response)

    @property
    def items(self) -> StreamItems[Any]:
        """The items of an answer that is an array, as they are complete: ``for item in s.items``, ``async for item in s.items``."""
        return schemas.StreamItems(self.response.ledger.read_items, self)

    def __await__(self) -> Generator[Any, None, Response]:
        return self._wait().__await__()

    async def _wait(self) -> Response:
        try:
            async for _ in self:
                pass
        except BaseException:  # an exception of a callback, or the cancellation of a task
            self.close()
            raise
        return self.response

    def close(self) -> None:
        """Stop the stream if it still runs; everything that arrived stays in ``response``."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
