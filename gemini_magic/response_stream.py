"""An answer on its way, for those who iterate over it or have functions called meanwhile.

It sends nothing and keeps nothing: the events are the stream's, the text is the response's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Self

from .client import Stream
from .content import Text, Thought
from .events import Delta, Event
from .lenient_json import SurrogateJoiner
from .response import Response

__all__ = ["Listeners", "ResponseStream"]


class Listeners:
    """Tells the user's functions what came: on the thread that iterates, each piece once and the end once."""

    def __init__(
        self,
        on_chunk: Callable[[str], object] | None,
        on_thinking: Callable[[str], object] | None,
        on_complete: Callable[[Response], object] | None,
    ) -> None:
        self._said = ((Text, on_chunk, SurrogateJoiner()), (Thought, on_thinking, SurrogateJoiner()))
        self._complete = on_complete
        self._heard = 0
        self._over = False

    def __bool__(self) -> bool:
        return self._complete is not None or any(function is not None for _, function, _ in self._said)

    def hear(self, position: int, event: Event) -> None:
        """Event number ``position`` came by; one that another iterator has told already is not told again."""
        if position < self._heard:
            return
        self._heard = position + 1
        if not isinstance(event, Delta) or event.candidate:
            return
        for kind, function, joiner in self._said:
            if (
                function is not None
                and isinstance(event.part, kind)
                and (text := joiner.add(event.part.text))
            ):
                function(text)

    def end(self, response: Response) -> None:
        """The stream is over."""
        if self._over:
            return
        self._over = True
        for _, function, joiner in self._said:
            if function is not None and (text := joiner.flush()):
                function(text)
        if self._complete is not None:
            self._complete(response)


class ResponseStream:
    """An answer on its way: iterate for its events, or look at ``response`` at any moment.

    Every iterator, sync or async, begins with the first event; a bad ending is not raised but stands in
    ``response.status``. Leaving the ``with`` block cancels what still runs; ``break`` alone does not. The functions
    given to :func:`stream` are called by whoever iterates, on that thread.
    """

    def __init__(self, response: Response, source: Stream, listeners: Listeners) -> None:
        self.response = response
        self._stream = source
        self._listeners = listeners

    @property
    def listened(self) -> bool:
        """Whether functions were given that are called while iterating."""
        return bool(self._listeners)

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._stream.done

    def __iter__(self) -> Iterator[Event]:
        for position, event in enumerate(self._stream):
            self._listeners.hear(position, event)
            yield event
        self._listeners.end(self.response)

    async def __aiter__(self) -> AsyncIterator[Event]:
        position = 0
        async for event in self._stream:
            self._listeners.hear(position, event)
            position += 1
            yield event
        self._listeners.end(self.response)

    def close(self) -> None:
        """Stop it if it still runs; what arrived stays in ``response``."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
