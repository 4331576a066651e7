"""What the user explores: a face over one ledger, alive from before the first byte.

Everything shown here is read from the ledger when asked for; nothing is kept twice. Only ``reply`` sends something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from . import views
from .answer import Answer
from .asking import build, parts_of
from .backends import backend
from .client import Stream, endpoint_of, play, read_exchanges, read_recording, write_recording
from .content import Part, Request
from .conversation import answer_turn
from .curl import KEY, curl
from .errors import OptionError, RecordingError
from .exchange import Attempt, Exchange
from .ledger import Ledger
from .opening import open_answer
from .settings import CALL, Options, resolve
from .spoken import Candidate

__all__ = ["Attempt", "Candidate", "Response", "stopping"]

R = TypeVar("R", bound="Response")


class Response(Answer):
    """An answer and everything that was received with it.

    Args:
        ledger: the record it shows.
        stream: the stream that fills the record, None for one that was loaded.
        options: how it was asked, None for one that was loaded.
    """

    def __init__(self, ledger: Ledger, stream: Stream | None = None, options: Options | None = None) -> None:
        super().__init__(ledger)
        self.stream = stream
        self.options = options
        self._shown = False

    def wait(self, timeout: float | None = None) -> Self:
        """Wait for the end of the stream, at most ``timeout`` seconds."""
        if self.stream is not None:
            self.stream.wait(timeout)
        return self

    # -- verbs -----------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write what went over the wire: ``.jsonl`` (all of it), ``.httprr`` or ``.sse``.

        Raises:
            RecordingError: the suffix is not known, or the file cannot be written.
        """
        target = Path(path)
        write_recording(target, self.ledger.exchanges)
        return target

    @classmethod
    def load(cls, path: str | Path, *, backend_name: str | None = None) -> Self:
        """A response from a recording, its times included where the format has them.

        Args:
            path: a ``.jsonl``, ``.httprr`` or ``.sse`` file.
            backend_name: the dialect of the bodies; by default the one the recording names, else ``gemini``.

        Raises:
            RecordingError: the file cannot be read, or holds no answer.
        """
        exchanges = read_recording(Path(path))
        spoken = (exchanges[-1].backend if exchanges else None) or "gemini"
        return _again(cls, exchanges, backend_name or spoken, None)

    def curl(self) -> str:
        """The command that asks the same in a shell; the key is the variable ``$GEMINI_API_KEY`` (or that of --key-env).

        Raises:
            RecordingError: nothing was sent, or no server was asked.
        """
        exchange, dialect = self._exchange(), backend(self.ledger.backend)
        if dialect.local is not None or not exchange.url:
            raise RecordingError(
                "No server was asked, so no command can ask it.",
                remedy="`%%gemini --dry-run` with the server's options shows a request.",
            )
        options = self.options or Options()
        auth = dialect.auth_for(options.auth, endpoint_of(options)) if self.options else dialect.auth
        sent = auth is not None and (auth.owns(exchange.url) or options.key_env is not None)
        if auth is None or not sent:
            return curl(exchange, header=None)
        return curl(exchange, header=auth.header, prefix=auth.prefix, variable=options.key_env or KEY)

    def reply(self, prompt: str | Sequence[Part], **options: Any) -> Self:
        """Ask on after this answer, with the options it was asked with, and wait for the new one.

        Args:
            prompt: the next question, or its parts.
            options: options of ``%%gemini`` by name that are different now.

        Raises:
            OptionError: this answer still runs, was loaded (its question is not known as one), or says nothing.
            UsageProblem: as for ``ask``; nothing was sent.
            Interrupted: the user stopped it.
        """
        said = answer_turn(self.ledger.parts.get(0, ()))
        if self.request is None or self.options is None:
            raise OptionError(
                "This answer was loaded; its question cannot be gone on with.",
                remedy="Ask it again with gemini_magic.ask(…), and reply to that.",
            )
        if self.status == "running" or said is None:
            raise OptionError(
                "There is no answer to reply to." if said is None else "The answer is still arriving.",
                remedy="Ask again." if said is None else "r.wait() waits for its end.",
            )
        again = {name: value for name, value in self.options.again().items() if name != "to"}
        resolved, sources = resolve(options, again=again, place=CALL)
        request = build(parts_of(prompt), resolved, (*self.request.turns, said))
        answer = type(self)(*open_answer(request, resolved, sources=sources), resolved)
        with stopping(answer):
            return answer.wait()

    def replay(self, speed: float = 1.0) -> None:
        """Show the answer arriving once more, at ``speed`` times its pace (0: at once); nothing is sent.

        Raises:
            RecordingError: the answer has not ended, there is none, or the speed is none.
            Interrupted: the user stopped it.
        """
        self._exchange()
        if self.status == "running":
            raise RecordingError("The answer is still arriving.", remedy="r.wait() waits for its end.")
        ledger = Ledger(self.request, backend=self.ledger.backend)
        ledger.before = self.ledger.before
        stream = play(self.ledger.exchanges, backend(ledger.backend), ledger, speed=speed)
        shown = type(self)(ledger, stream)
        with stopping(shown):
            views.watch(ledger, stream)

    def diff(self, other: Response) -> views.Difference:
        """This answer beside another: requests, texts, endings, times, tokens, cost and notes.

        Raises:
            TypeError: the other is no response.
        """
        if not isinstance(other, Response):
            raise TypeError(
                f"r.diff() compares with another Response, not with {type(other).__name__}; "
                "Response.load(path) makes one of a recording."
            )
        return views.difference((self, self.text), (other, other.text))

    def _exchange(self) -> Exchange:
        if not self.ledger.exchanges:
            raise RecordingError("Nothing was sent yet.", remedy="Wait for the first bytes.")
        return self.ledger.exchanges[-1]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled and copied as what went over the wire; a stream that still runs cannot be."""
        if self.status == "running" or not self.ledger.exchanges:
            raise TypeError("Only an answer that has ended can be pickled or copied; r.wait() waits for it.")
        ledger = self.ledger
        return _again, (type(self), list(ledger.exchanges), ledger.backend, ledger.request, ledger.before)

    # -- how it looks ----------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return self.text

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("A Response is not a sequence: take .text, .chunks, .events or .parts.")

    def __repr__(self) -> str:
        model = self.model_version or (self.request.model if self.request else "recording")
        return f"<Response {self.status}: {model}, {self.ledger.chars:,} characters in {len(self.ledger.raw)} chunks>"

    def _ipython_display_(self) -> None:
        """Nothing, once, right after the live view has shown it; then the static bundle as for any object."""
        if self._shown:
            self._shown = False
            return
        raise NotImplementedError  # IPython then asks _repr_mimebundle_

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        return views.bundle(self.ledger)


def _again(
    kind: type[R], exchanges: Sequence[Exchange], backend_name: str, request: Request | None, before: str = ""
) -> R:
    """A response from what went over the wire."""
    ledger = Ledger(request, backend=backend_name)
    ledger.before = before
    read_exchanges(exchanges, backend(backend_name), ledger)
    return kind(ledger)


@contextmanager
def stopping(response: Response) -> Iterator[None]:
    """Whatever leaves the block stops the stream; the error then has the ``response`` with what arrived.

    Raises:
        Interrupted: the user interrupted the block.
    """
    try:
        yield
    except Exception as error:
        _close(response)
        with suppress(AttributeError):  # an exception with slots
            error.response = response  # type: ignore[attr-defined]
        raise
    except KeyboardInterrupt:
        _close(response)
        stopped = response.error
        if stopped is None:  # it had ended well in the same moment
            raise
        stopped.remedy = (
            "What arrived is in its `.response`."  # no cell asked this, and none can go on with it
        )
        raise stopped from None


def _close(response: Response) -> None:
    if response.stream is not None:
        response.stream.close()
