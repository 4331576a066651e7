"""Asking without a notebook: ``ask`` waits for the answer, ``stream`` hands it on as it comes.

Both are what a ``%%gemini`` cell uses as well; this module draws nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from .backends import Backend, backend
from .client import Key, endpoint_of, open_stream
from .config import CALL, KEY_WITHHELD, resolve
from .content import Part, Request, Text, Turn
from .conversation import answer_turn
from .credentials import find_key, key_header
from .errors import CredentialsError, OptionError, RecordingError
from .journaling import journal, should_journal, start_journaling
from .ledger import DisplayOptions, Ledger
from .markdown import Images
from .options import Options
from .prompts import build_request, parts_of_prompt
from .recording import Recorder, Replay
from .response import Response
from .response_stream import Listeners, ResponseStream

__all__ = ["Preview", "ResponseStream", "ask", "begin", "preview", "stream"]

_BUILTIN = "builtin:"


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
    parts = parts_of_prompt(prompt)
    if not any(not isinstance(part, Text) or part.text.strip() for part in parts):
        raise OptionError("The prompt is empty.", remedy="Say what you want to ask.")
    return build_request(parts, options, turns)


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
        UsageProblem: the request cannot be sent as it is, or a key would be refused to the address.
    """
    dialect = backend(options.backend)
    made = dialect.encode(request, endpoint_of(options))
    key = None if options.replay else key_header(dialect, options)
    return Preview(made.method, made.url, (*made.headers, *([key] if key else [])), json.loads(made.body))


def _key(
    dialect: Backend, options: Options, ask: Callable[[str], str] | None, kept_back: str | None
) -> Key | None:
    """The key for the address; an error says also which one was kept back."""
    try:
        return find_key(dialect, options, ask=ask)
    except CredentialsError as problem:
        if kept_back is not None:
            problem.remedy = f"{kept_back} {problem.remedy}"
        raise


def begin(
    request: Request,
    options: Options,
    *,
    ask_key: Callable[[str], str] | None = None,
    notices: Sequence[str] = (),
    before: str = "",
    sources: Mapping[str, str] | None = None,
) -> Response:
    """Send a request; the response grows in the background from now on.

    Args:
        request: what is asked.
        options: how.
        ask_key: asks the user for a key when none is found; None where nobody can be asked.
        notices: words about this request that its notes should hold.
        before: text that came earlier of the same answer; ``Response.whole`` and the file of ``--to`` begin with it.
        sources: where the options came from, as ``resolve`` tells.

    Raises:
        UsageProblem: the request or a key is missing something; nothing was sent.
        RecordingError: the recording to replay cannot be read.
    """
    Images.parse(options.images)  # what it has against a host is to be heard now
    dialect = backend(options.backend)
    replay = None
    if options.replay:
        replay = Replay(_recording(options.replay), any_order=options.replay_any, speed=options.speed)
    key, kept_back = None, (sources or {}).get(KEY_WITHHELD)
    if replay is None and dialect.local is None:
        key = _key(dialect, options, ask_key, kept_back)
    else:
        kept_back = None
    ledger = Ledger(request, backend=dialect.name)
    if kept_back is not None:
        ledger.note("key-kept-back", kept_back, severity="warning")
    ledger.before = before
    form = "markdown" if options.format == "md" else options.format
    ledger.look = DisplayOptions(form, options.images, options.record_size)
    for notice in notices:
        ledger.note("notice", notice)
    keeping = should_journal(options, local=replay is not None or dialect.local is not None)
    for words in journal().take_problems() if keeping else ():
        ledger.note("journal", words, severity="warning")
    recorders = [Recorder(Path(options.record).expanduser())] if options.record else []
    source = open_stream(
        request,
        options,
        ledger=ledger,
        key=key,
        backend=dialect,
        recorders=recorders,
        replay=replay,
        before=before,
    )
    if keeping:
        start_journaling(ledger, request, options)
    return Response(ledger, source, partial(_reply, request, options))


def _reply(
    request: Request,
    options: Options,
    response: Response,
    prompt: str | Sequence[Part],
    more: Mapping[str, Any],
) -> Response:
    """Ask on after a response, with the options it was asked with and some that are different now."""
    answer = answer_turn(response.ledger.parts.get(0, ()))
    if response.status == "running":
        raise OptionError("The answer is still arriving.", remedy="r.wait() waits for its end.")
    if answer is None:
        raise OptionError("There is no answer to reply to.", remedy="Ask again.")
    once = ("to", "overwrite", "append", "record", "background")  # a file would lose what is in it
    again = {name: value for name, value in options.for_follow_up().items() if name not in once}
    resolved, sources = resolve(more, previous=again, source=CALL)
    asked = _request(prompt, resolved, (*request.turns, answer))
    said = begin(asked, resolved, sources=sources)
    with _stopping(said):
        said.wait()
    # Nothing was sent, and nobody who only looks at the text would know.
    if isinstance(said.error, RecordingError):
        raise said.error
    return said


@contextmanager
def _stopping(response: Response) -> Iterator[None]:
    """Whatever leaves the block stops the stream; the error then has the response with what arrived."""
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


def stream(
    prompt: str | Sequence[Part],
    *,
    turns: Sequence[Turn] = (),
    on_chunk: Callable[[str], object] | None = None,
    on_thinking: Callable[[str], object] | None = None,
    on_complete: Callable[[Response], object] | None = None,
    **options: Any,
) -> ResponseStream:
    """Ask and return at once; iterate over the events as they come.

    Args:
        prompt: the question, or its parts.
        turns: a conversation that the question goes on with.
        on_chunk: called with each new piece of the answer, by whoever iterates.
        on_thinking: called with each new piece of the thinking.
        on_complete: called with the response when the stream is over, however it ended.
        options: any option of ``%%gemini`` by name, such as ``model`` or ``temperature``.

    Raises:
        UsageProblem: what is asked is no prompt, an unknown option, or no key; nothing was sent.
    """
    resolved, sources = resolve(options, source=CALL)
    response = begin(_request(prompt, resolved, turns), resolved, sources=sources)
    if response.stream is None:  # begin always opens one
        raise AssertionError
    return ResponseStream(response, response.stream, Listeners(on_chunk, on_thinking, on_complete))


def ask(
    prompt: str | Sequence[Part],
    *,
    turns: Sequence[Turn] = (),
    on_chunk: Callable[[str], object] | None = None,
    on_thinking: Callable[[str], object] | None = None,
    on_complete: Callable[[Response], object] | None = None,
    **options: Any,
) -> Response:
    """Ask and wait for the answer.

    The response is returned whatever its status; ``raise_for_status()`` raises. Interrupting the wait stops the
    stream, and what arrived is in the ``response`` of the ``Interrupted`` that is raised. An error in one of the
    functions stops the stream as well; that error then has the ``response``.

    Args:
        prompt: the question, or its parts.
        turns: a conversation that the question goes on with.
        on_chunk: called with each new piece of the answer, on the calling thread.
        on_thinking: called with each new piece of the thinking.
        on_complete: called with the response when the stream is over, however it ended.
        options: any option of ``%%gemini`` by name.

    Raises:
        UsageProblem: what is asked is no prompt, an unknown option, or no key; nothing was sent.
        Interrupted: the user stopped it.
    """
    source = stream(
        prompt, turns=turns, on_chunk=on_chunk, on_thinking=on_thinking, on_complete=on_complete, **options
    )
    with _stopping(source.response):
        if source.listened:
            for _ in source:
                pass
        return source.response.wait()
