"""Asking without a notebook: ``ask`` waits for the answer, ``stream`` hands it on as it comes.

Both are what a ``%%gemini`` cell uses as well; this module draws nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from .asking import build
from .backends import backend
from .client import Recorder, Replay, Stream, endpoint_of, find_key, open_stream, recent_recorder
from .content import Part, Request, Text, Turn
from .errors import OptionError, RecordingError
from .events import Event
from .ledger import Ledger
from .response import Response
from .settings import Options, resolve

__all__ = ["Preview", "ResponseStream", "ask", "begin", "preview", "stream"]

_BUILTIN = "builtin:"


class ResponseStream:
    """An answer on its way: iterate for its events, or look at ``response`` at any moment.

    Every iterator, sync or async, begins with the first event; a bad ending is not raised but stands in
    ``response.status``. Leaving the ``with`` block cancels what still runs; ``break`` alone does not.
    """

    def __init__(self, response: Response, source: Stream) -> None:
        self.response = response
        self._stream = source

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._stream.done

    def __iter__(self) -> Iterator[Event]:
        return iter(self._stream)

    def __aiter__(self) -> AsyncIterator[Event]:
        return aiter(self._stream)

    def close(self) -> None:
        """Stop it if it still runs; what arrived stays in ``response``."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Preview(NamedTuple):
    """The exact request that would be sent; the key's place says where the key would go."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: Any

    def __repr__(self) -> str:
        head = "\n".join(f"{name}: {value}" for name, value in self.headers)
        body = json.dumps(self.body, indent=2, ensure_ascii=False)
        return f"{self.method} {self.url}\n{head}\n\n{body}"

    def _repr_html_(self) -> str:
        return f'<pre style="white-space:pre-wrap">{escape(repr(self))}</pre><small>Nothing was sent.</small>'


def _request(prompt: str | Sequence[Part], options: Options, turns: Sequence[Turn]) -> Request:
    parts = (Text(prompt),) if isinstance(prompt, str) else tuple(prompt)
    if not any(not isinstance(part, Text) or part.text.strip() for part in parts):
        raise OptionError("The prompt is empty.", remedy="Say what you want to ask.")
    return build(parts, options, turns)


def _recording(name: str) -> Path:
    """The file a ``--replay`` value names: a path, or ``builtin:NAME`` for a recording shipped with the package."""
    if not name.startswith(_BUILTIN):
        return Path(name).expanduser()
    shipped = {
        path.stem: path
        for path in sorted((Path(__file__).parent / "data").iterdir())
        if path.suffix in (".jsonl", ".httprr")
    }
    wanted = name.removeprefix(_BUILTIN)
    if wanted not in shipped:
        raise RecordingError(
            f"There is no built-in recording {wanted!r}.", remedy=f"There are: {', '.join(shipped)}."
        )
    return shipped[wanted]


def preview(request: Request, options: Options) -> Preview:
    """What ``--dry-run`` shows. Sends nothing and needs no key.

    Raises:
        OptionError: the request cannot be sent as it is.
    """
    dialect = backend(options.backend)
    made = dialect.encode(request, endpoint_of(options))
    auth = dialect.auth
    keyed = auth is not None and (options.key_env is not None or auth.owns(made.url))
    key = ((auth.header, f"{auth.prefix}<key>"),) if keyed and auth is not None else ()
    return Preview(made.method, made.url, (*made.headers, *key), json.loads(made.body))


def begin(
    request: Request,
    options: Options,
    *,
    ask_key: Callable[[str], str] | None = None,
    notices: Sequence[str] = (),
) -> Response:
    """Send a request; the response grows in the background from now on.

    Args:
        request: what is asked.
        options: how.
        ask_key: asks the user for a key when none is found; None where nobody can be asked.
        notices: words about this request that its notes should hold.

    Raises:
        UsageProblem: the request or a key is missing something; nothing was sent.
        RecordingError: the recording to replay cannot be read.
    """
    dialect = backend(options.backend)
    replay = None
    if options.replay:
        replay = Replay(_recording(options.replay), any_order=options.replay_any, speed=options.speed)
    key = None
    if replay is None and dialect.local is None:
        key = find_key(dialect, base_url=options.base_url, key_env=options.key_env, ask=ask_key)
    ledger = Ledger(request, backend=dialect.name)
    for notice in notices:
        ledger.note("notice", notice)
    recorders = [Recorder(Path(options.record).expanduser())] if options.record else []
    if options.keep and (recent := recent_recorder(options.keep)):
        recorders.append(recent)
    source = open_stream(
        request, options, ledger=ledger, key=key, backend=dialect, recorders=recorders, replay=replay
    )
    return Response(ledger, source)


def stream(prompt: str | Sequence[Part], *, turns: Sequence[Turn] = (), **options: Any) -> ResponseStream:
    """Ask and return at once; iterate over the events as they come.

    Args:
        prompt: the question, or its parts.
        turns: a conversation that the question goes on with.
        options: any option of ``%%gemini`` by name, such as ``model`` or ``temperature``.

    Raises:
        UsageProblem: an unknown option, or no key; nothing was sent.
    """
    resolved, _ = resolve(options)
    response = begin(_request(prompt, resolved, turns), resolved)
    if response.stream is None:  # begin always opens one
        raise AssertionError
    return ResponseStream(response, response.stream)


def ask(prompt: str | Sequence[Part], *, turns: Sequence[Turn] = (), **options: Any) -> Response:
    """Ask and wait for the answer.

    The response is returned whatever its status; ``raise_for_status()`` raises. Interrupting the wait stops the
    stream, and what arrived is in the ``response`` of the ``Interrupted`` that is raised.

    Args:
        prompt: the question, or its parts.
        turns: a conversation that the question goes on with.
        options: any option of ``%%gemini`` by name.

    Raises:
        UsageProblem: an unknown option, or no key; nothing was sent.
        Interrupted: the user stopped it.
    """
    source = stream(prompt, turns=turns, **options)
    try:
        return source.response.wait()
    except KeyboardInterrupt:
        source.close()
        error = source.response.error
        if error is None:  # it had ended well in the same moment
            raise
        raise error from None
