"""Requests without a notebook: ``ask`` waits for the answer, ``stream`` yields its events as they arrive.

A ``%%gemini`` cell uses ``begin`` and ``preview`` of this module. Nothing here displays anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import credentials, markdown, media, recording
from . import schema as schemas
from . import tools as toolbox
from .backends import Backend, backend, host_to_name
from .client import Key, Stream, encode_request, endpoint_of, open_stream, without_files
from .config import CALL, IGNORED, KEY_WITHHELD, resolve
from .content import Part, Request, Text, Turn
from .credentials import find_key, key_header
from .errors import CredentialsError, OptionError, RecordingError, interrupts_wait
from .journaling import (
    find_cached,
    journal,
    should_journal,
    start_journaling,
    started_interactions,
    uploaded_files,
)
from .ledger import DisplayOptions, Ledger, RoundDriver, answer_turns, typed_form
from .options import Options
from .prices import TokenPrice
from .project_files import is_new_key_file
from .prompts import (
    build_request,
    check_conflicts,
    keyword_remedies,
    parts_of_prompt,
    read_decisions,
    request_notices,
)
from .response import Response
from .response_stream import Callbacks, ResponseStream
from .text import visible

if TYPE_CHECKING:
    from .recording import Recorder, Replay, ReplayedColumn
    from .tools import Tool, ToolUser

__all__ = [
    "Preview",
    "ResponseStream",
    "ask",
    "begin",
    "check_request",
    "closing_on_error",
    "key_for_options",
    "preview",
    "refuse_conflicts",
    "repair_notice",
    "request_of_call",
    "resolved_options",
    "stream",
    "tools_of_call",
]

_BUILTIN = "builtin:"
_RULES = "The server does not enforce these rules of the schema; the answer is checked when it has ended:"
_BUILT_IN_IMAGES = ("none", "data")  # values of --images that name no host


class Preview(NamedTuple):
    """The exact request that would be sent, with a placeholder for the key.

    Attributes:
        method: the HTTP method.
        url: the URL.
        headers: names and values.
        body: the JSON value of the body.
        parts: the parts of the prompt, which are listed if they are not only text.
        rules: the rules of the schema that the server does not enforce and that are checked afterwards.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: Any
    parts: tuple[Part, ...] = ()
    rules: tuple[str, ...] = ()

    def _request_text(self) -> str:
        head = "\n".join(f"{name}: {value}" for name, value in self.headers)
        body = json.dumps(media.shorten_base64(self.body), indent=2, ensure_ascii=False)
        return visible(f"{self.method} {self.url}\n{head}\n\n{body}")

    def __repr__(self) -> str:
        listed = visible(media.part_list(self.parts))
        rules = visible("\n".join((_RULES, *self.rules))) if self.rules else ""
        return "\n\n".join(filter(None, (self._request_text(), listed, rules)))

    def _repr_html_(self) -> str:
        request = (
            f'<pre style="white-space:pre-wrap;font-family:monospace">{escape(self._request_text())}</pre>'
        )
        rules = ""
        if self.rules:
            lines = "".join(f"<li>{escape(visible(rule))}</li>" for rule in self.rules)
            rules = f"<small>{_RULES}</small><ul>{lines}</ul>"
        text = f"{media.html_part_list(self.parts)}{request}{rules}<small>Nothing was sent.</small>"
        return f'<div class="mathjax_ignore tex2jax_ignore">{text}</div>'


def request_of_call(
    prompt: object, attach: object, options: Options, turns: Sequence[Turn], tools: Sequence[Tool] = ()
) -> tuple[Request, tuple[str, ...]]:
    """The request of a prompt, and the notices about its objects and its tools."""
    if options.dry_run or options.count:
        raise OptionError(
            "A call sends its request: dry_run and count are for cells.",
            remedy="Use %%gemini --dry-run to see the request, or gemini_magic.count_tokens(…).",
        )
    parts, notices = parts_of_prompt(prompt, attach, table_rows=options.table_rows)
    if not any(not isinstance(part, Text) or part.text.strip() for part in parts):
        raise OptionError("The prompt is empty.", remedy="Write a question.")
    request = build_request(parts, options, turns, [each.declaration for each in tools])
    notices = (*notices, *(notice for each in tools for notice in each.notices))
    if not options.remote_mcp:
        return request, notices
    from .mcp_servers import with_remote_servers  # noqa: PLC0415 - few requests use a server

    request, about_servers = with_remote_servers(request, options.remote_mcp)
    return request, (*notices, *about_servers)


def tools_of_call(given: object, options: Options) -> Sequence[Tool]:
    """The tools of a call: those of ``tools=`` and of MCP servers; names of ``tool=`` are an error, because a call has no variables."""
    none_given = given is None or (isinstance(given, list | tuple) and not given)  # a DataFrame has no truth
    if none_given and not options.tool and not options.mcp:
        return ()
    offered = (*toolbox.tools_from(options.tool), *toolbox.tools_from(given))
    if not options.mcp:
        return offered
    from .mcp_servers import offered_by_servers  # noqa: PLC0415 - few requests use a server

    names = {each.name for each in offered if each.source.startswith("mcp:")}  # those that a reply inherits
    more = [each for each in offered_by_servers(options) if each.name not in names]
    return toolbox.tools_from([*offered, *more])


def resolved_options(
    given: Mapping[str, Any], previous: Mapping[str, Any] | None = None
) -> tuple[Options, dict[str, str]]:
    """The options of a call, with its schema, and the source of each.

    Args:
        given: the arguments of the call.
        previous: the options of the response that it follows.

    Raises:
        OptionError: an option is unknown or has an invalid value.
        SchemaError: the schema cannot describe an answer.
    """
    if previous is not None and given.get("schema_multi") is not None:
        previous = {**previous, "schema": None}
    options, sources = resolve(given, previous=previous, source=CALL)
    if options.decide is not None:
        read_decisions(options)
    elif any(each is not None for each in (options.schema, options.schema_multi, options.items)):
        options.schema = schemas.requested_schema(options.schema, options.schema_multi, items=options.items)
        options.schema_multi = options.items = None
    return options, sources


def _replay(options: Options, column: ReplayedColumn | None) -> Replay | None:
    """Return the recording of ``--replay``; None without that option.

    Args:
        options: the options.
        column: the column of a comparison that asks; None outside comparisons.

    Raises:
        RecordingError: it cannot be read.
    """
    if not options.replay:
        return None
    path = _recording_path(options.replay)
    limit = options.max_total
    return recording.Replay(
        path, any_order=options.replay_any, speed=options.speed, max_total=limit, column=column
    )


def _offline_source(
    request: Request, options: Options, column: ReplayedColumn | None
) -> tuple[Replay | None, str]:
    """Return what answers in place of the network, if anything: a recording, or an answer of the journal with a note about it.

    Raises:
        RecordingError: the recording cannot be read.
        OptionError: the cache needs the journal, which is off.
    """
    replay = _replay(options, column)
    if replay is not None or not options.cache or request.stored_id is not None:
        return replay, ""
    cached = find_cached(request, options, 0 if column is None else column.sample)
    return (None, "") if cached is None else cached


def _recording_path(name: str) -> Path:
    """Return the file that a ``--replay`` value names.

    Args:
        name: a path, or ``builtin:NAME`` for a recording that the package contains.

    Raises:
        RecordingError: the package contains no recording of that name.
    """
    if not name.startswith(_BUILTIN):
        return Path(name).expanduser()
    built_in = {
        path.stem: path
        for path in sorted((Path(__file__).parent / "data").iterdir())
        if path.suffix in (".jsonl", ".httprr")
    }
    wanted = name.removeprefix(_BUILTIN)
    if wanted not in built_in:
        raise RecordingError(
            f"Unknown built-in recording: {wanted!r}.", remedy=f"Available: {', '.join(built_in)}."
        )
    return built_in[wanted]


def _recorders(options: Options) -> list[Recorder]:
    """Return the recorder of ``--record``, if any.

    Raises:
        OptionError: the file has content and is not a recording.
    """
    if not options.record:
        return []
    return [recording.Recorder(recording.check_recordable(Path(options.record).expanduser()))]


def preview(request: Request, options: Options, sources: Mapping[str, str] | None = None) -> Preview:
    """Return the request that would be sent, as ``--dry-run`` shows it. Sends nothing and needs no key.

    Args:
        request: the request.
        options: the options of the cell or call.
        sources: where the options came from, as returned by ``resolve``.

    Raises:
        UsageProblem: the request cannot be sent as it is, or the configured key must not go to that address.
    """
    dialect = backend(options.backend)
    refuse_conflicts(dialect, request, options, sources or {})
    offline = bool(options.replay)
    http = encode_request(request, options, dialect, offline=offline).http
    key = None if options.replay else key_header(dialect, options)
    headers = (*http.headers, *([key] if key else []))
    body = json.loads(b"".join(media.body_pieces(http.body, http.media)) or b"{}")
    sent = request.settings.schema
    rules = () if sent is None else tuple(dialect.unenforced_rules(sent))
    return Preview(http.method, http.url, headers, body, request.turns[-1].parts, rules)


def check_request(
    request: Request,
    options: Options,
    *,
    ask_key: Callable[[str], str] | None = None,
    sources: Mapping[str, str] | None = None,
    column: ReplayedColumn | None = None,
) -> None:
    """Raise the errors that :func:`begin` would raise before it sends a request, and send nothing.

    Args:
        request: the request.
        options: the options of the cell or call.
        ask_key: as for :func:`begin`.
        sources: as for :func:`begin`.
        column: as for :func:`begin`.

    Raises:
        UsageProblem: as :func:`begin`.
        RecordingError: as :func:`begin`.
    """
    dialect = backend(options.backend)
    preview(request, options, sources)
    _display_options(options)
    TokenPrice.parse(options.price)
    _recorders(options)
    if _offline_source(request, options, column)[0] is None and dialect.local is None:
        key_for_options(dialect, options, ask_key, [])


def key_for_options(
    dialect: Backend, options: Options, ask: Callable[[str], str] | None, reasons: Sequence[str]
) -> Key | None:
    """Return the key for the address.

    Args:
        dialect: the backend.
        options: the options.
        ask: asks the user for a key; None where the user cannot be asked.
        reasons: sentences about settings that do not count, to put before the remedy of an error.

    Raises:
        CredentialsError: no key was found, or the key belongs to another host.
    """
    try:
        return find_key(dialect, options, ask=ask)
    except CredentialsError as problem:
        problem.remedy = " ".join([*reasons, problem.remedy])
        raise


def refuse_conflicts(
    dialect: Backend, request: Request, options: Options, sources: Mapping[str, str]
) -> None:
    """Refuse options that contradict each other.

    Args:
        dialect: the backend.
        request: the request.
        options: the options.
        sources: where the options came from, as returned by ``resolve``.

    Raises:
        OptionError: two options set the same field.
    """

    def body_of(each: Request) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(dialect.encode(without_files(each), endpoint_of(options)).body)
        return body

    check_conflicts(body_of, request, options, sources)


class Started(NamedTuple):
    """A response whose request was sent, and the stream that fills it."""

    response: Response
    stream: Stream


def begin(
    request: Request,
    options: Options,
    *,
    ask_key: Callable[[str], str] | None = None,
    notices: Sequence[str] = (),
    before: str = "",
    conversation: str = "",
    sources: Mapping[str, str] | None = None,
    tools: Sequence[Tool] = (),
    tool_user: ToolUser | None = None,
    column: ReplayedColumn | None = None,
) -> Started:
    """Send a request and return at once; the response fills in the background.

    Args:
        request: the request.
        options: the options of the cell or call.
        ask_key: asks the user for a key when none is found; None where the user cannot be asked.
        notices: messages about this request to add to ``Response.notes``.
        before: the first part of a resumed answer; ``Response.whole`` and the file of ``--to`` begin with it.
        conversation: the name of the conversation and the number of the turn, for the status line.
        sources: where the options came from, as returned by ``resolve``.
        tools: the functions that the request offers to the model; a reply offers them too.
        tool_user: how the user is asked whether a function may run; None to ask with a prompt where that can be answered.
        column: its column in a comparison; None outside comparisons.

    Raises:
        UsageProblem: the request or a key is missing something; nothing was sent.
        RecordingError: the recording to replay cannot be read.
    """
    dialect = backend(options.backend)
    refuse_conflicts(dialect, request, options, sources or {})
    (replay, cache_note), key = _offline_source(request, options, column), None
    withheld, ignored = ((sources or {}).get(name) for name in (KEY_WITHHELD, IGNORED))
    ledger = _ledger(request, options, before, conversation, "" if column is None else column.label)
    is_local = replay is not None or dialect.local is not None
    if not is_local:
        key = key_for_options(dialect, options, ask_key, [each for each in (withheld, ignored) if each])
        ledger.set_source("network", host=host_to_name(dialect.url(options.model, endpoint_of(options))))
    notices = (*notices, *request_notices(dialect.request_notes, request, sources or {}))
    _note_settings(ledger, None if is_local else withheld, ignored, key, notices)
    journaled = not cache_note and should_journal(options, local=is_local)
    _note_journal(ledger, cache_note, journaled=journaled)
    stream = open_stream(
        request,
        options,
        driver=_driver(request, options, tools, user=tool_user, replay=replay, key=key),
        ledger=ledger,
        key=key,
        backend=dialect,
        recorders=_recorders(options),
        replay=replay,
        before=before,
        uploaded=uploaded_files,
        started=started_interactions,
    )
    if journaled:
        start_journaling(ledger, request, options, 0 if column is None else column.sample)
    return Started(Response(ledger, stream, partial(_reply, request, options, tools=tools)), stream)


def _driver(
    request: Request,
    options: Options,
    tools: Sequence[Tool],
    *,
    user: ToolUser | None,
    replay: Replay | None,
    key: Key | None,
) -> RoundDriver | None:
    """What runs the functions of an answer; None without functions. Raises as :func:`begin`."""
    if not tools and (replay is None or not replay.has_rounds):
        return None
    recorded = None if replay is None or options.run_tools else replay.tool_runs
    user = user or toolbox.console_user()
    mask = credentials.key_mask(key, options.key_env)
    settings = toolbox.settings_for_loop(options, tools, mask=mask, user=user, recorded=recorded)
    return toolbox.ToolLoop(request, settings)


def _note_journal(ledger: Ledger, cached: str, *, journaled: bool) -> None:
    """Note where the answer of the cache is from, and problems of the journal that writes the answer."""
    if cached:
        ledger.set_source("cache")
        ledger.note("cache", cached)
    for problem in journal().take_problems() if journaled else ():
        ledger.note("journal", problem, severity="warning")


def _ledger(request: Request, options: Options, before: str, conversation: str, column: str) -> Ledger:
    """A ledger for a request that has not been sent; see :func:`begin` for the arguments."""
    return Ledger(
        request,
        backend=options.backend,
        before=before,
        conversation=conversation,
        display=_display_options(options),
        price=TokenPrice.parse(options.price),
        schema=options.schema,
        column=column,
    )


_reported: set[str] = set()  # notes about ignored settings that an answer of this process has shown


def _note_settings(
    ledger: Ledger, withheld: str | None, ignored: str | None, key: Key | None, notices: Sequence[str]
) -> None:
    """Note a withheld key, settings of the project that were ignored, a key in a file that is new, and other messages.

    Only the first answer of a process shows the ignored settings, and only the first one ever the file.
    """
    if withheld is not None:
        ledger.note("key-kept-back", withheld, severity="warning")
    if ignored is not None:
        shown = ignored in _reported
        ledger.note("settings-ignored", ignored, severity="info" if shown else "warning")
        _reported.add(ignored)
    if key is not None and key.file and is_new_key_file(key.file):
        message = f"The key is {key.source}. If the file is not yours, its author may be able to see these requests."
        ledger.note("key-from-file", message, severity="warning")
    for notice in notices:
        ledger.note("notice", notice)


def _display_options(options: Options) -> DisplayOptions:
    if options.images not in _BUILT_IN_IMAGES:
        markdown.Images.parse(options.images)  # raises for an invalid host before anything is sent
    form = "markdown" if options.format == "md" else options.format
    if options.schema is not None and form == "markdown":
        form = typed_form(options.schema)
    return DisplayOptions(form, options.images, options.record_size, options.media_size)


def _reply(
    request: Request,
    options: Options,
    response: Response,
    prompt: object,
    more: Mapping[str, Any],
    *,
    tools: Sequence[Tool],
) -> Response:
    """Send a follow-up to a response, with the options of its request, and wait for the answer.

    Args:
        request: the request of the response.
        options: its options.
        response: the response.
        prompt: the follow-up, or its parts.
        more: options that replace those of the request, by name.
        tools: its tools, which the follow-up offers too, unless ``more`` has others.

    Raises:
        OptionError: the response is still running, or has no answer.
    """
    if response.status == "running":
        raise OptionError("The response is still running.", remedy="Call r.wait() first.")
    answer = answer_turns(response.ledger)
    if not answer:
        raise OptionError("There is no answer to reply to.", remedy="Ask again.")
    # A file is for one answer.
    once = ("to", "overwrite", "append", "record", "background")
    previous = {name: value for name, value in options.for_follow_up().items() if name not in once}
    more = dict(more)
    attach, given = more.pop("attach", ()), more.pop("tools", tools)
    resolved, sources = resolved_options(more, previous)
    offered = tools_of_call(given, resolved)
    follow_up, notices = request_of_call(prompt, attach, resolved, (*request.turns, *answer), offered)
    reply, stream = begin(follow_up, resolved, notices=notices, sources=sources, tools=offered)
    with closing_on_error(reply, stream.close):
        reply.wait()
    if isinstance(reply.error, RecordingError):
        raise reply.error  # nothing was sent, and the empty text alone would not show it
    return _repaired(reply, resolved)


@contextmanager
def closing_on_error(response: Response, close: Callable[[], None]) -> Iterator[None]:
    """Close the stream of a response when the block raises, and attach the response to the exception."""
    try:
        yield
    except Exception as error:
        close()
        with suppress(AttributeError):  # an exception with slots
            error.response = response  # type: ignore[attr-defined]
        raise
    except KeyboardInterrupt:
        with interrupts_wait():  # a second one would leave it running on the server
            close()
        if response.stream is not None:
            response.stream.wait_stopped(2.0)  # so that the error says what the server answered
        own = response.ledger.error
        if own is None:  # the answer became complete at the same moment
            raise
        # No cell asked for this answer, so `%gemini resume` does not know it.
        own.remedy = "The answer received so far is in its `.response`."
    else:
        return
    response.raise_for_status()


@keyword_remedies
def stream(
    prompt: object,
    *,
    attach: object = (),
    tools: object = (),
    turns: Sequence[Turn] = (),
    on_chunk: Callable[[str], object] | None = None,
    on_thinking: Callable[[str], object] | None = None,
    on_complete: Callable[[Response], object] | None = None,
    **options: Any,
) -> ResponseStream:
    """Send a prompt and return at once; iterate over the result for the events as they arrive.

    ``await stream("…")`` returns the :class:`Response` when the answer has ended, and ``asyncio.gather`` waits for several.
    No bad ending is raised; ``raise_for_status()`` of the response raises its error.

    Args:
        prompt: the question; or a list of texts, parts and objects such as figures, pictures, tables and paths.
        attach: media beside the question: a path, a pattern or an address (text), an object, or a list of these.
        tools: functions that the model may call, or declarations as the API writes them (dicts), whose calls are only shown.
        turns: the conversation that the question continues, oldest turn first.
        on_chunk: called with each new piece of the answer (str), on the thread that iterates.
        on_thinking: called with each new piece of the thinking (str), on the same thread.
        on_complete: called with the response when the stream has ended, whatever its status.
        options: any option of ``%%gemini`` by name, such as ``model`` or ``temperature``.

    Raises:
        UsageProblem: the prompt is empty or not a valid type, an option is unknown, or no key was found. Nothing
            was sent.
    """
    if options.get("repair"):
        raise OptionError(
            "A stream cannot be repaired.",
            remedy="Use ask(…, repair=N), or read `parse_error` at the end and call `reply`.",
        )
    callbacks = Callbacks(on_chunk, on_thinking, on_complete)
    return _start(prompt, attach, tools, turns, callbacks, options)[0]


def _start(  # noqa: PLR0917 - the arguments of stream()
    prompt: object,
    attach: object,
    tools: object,
    turns: Sequence[Turn],
    callbacks: Callbacks,
    options: Mapping[str, Any],
) -> tuple[ResponseStream, Options]:
    """Send a prompt; returns the stream and the resolved options. See :func:`stream` for the arguments and errors."""
    resolved, sources = resolved_options(options)
    if resolved.is_comparison:
        raise OptionError(
            "ask() and stream() send one request.",
            remedy="Use gemini_magic.compare(prompt, models=[…], sweep={…}, repeat=N).",
        )
    offered = tools_of_call(tools, resolved)
    request, notices = request_of_call(prompt, attach, resolved, turns, offered)
    started = begin(request, resolved, notices=notices, sources=sources, tools=offered)
    return ResponseStream(*started, callbacks), resolved


def _repaired(response: Response, options: Options) -> Response:
    """Ask again while the answer does not fit its schema; returns the last response.

    Args:
        response: the response, which has ended.
        options: its options: how many times to ask at most, and the file for the answer.

    Raises:
        Interrupted: the user stopped it.
    """
    earlier: list[Response] = []
    times = options.repair
    file: dict[str, Any] = {"to": options.to, "overwrite": True} if options.to and not options.append else {}
    while len(earlier) < times and response.needs_repair():
        earlier.append(response)
        error = response.parse_error
        if error is None:
            break
        response = response.reply(schemas.repair_prompt(error), repair=0, **file)
        response.ledger.note("notice", repair_notice(len(earlier), times))
    response.repaired_from = tuple(earlier)
    return response


def repair_notice(number: int, times: int) -> str:
    """The sentence about a request that asks again for an answer that did not fit.

    Args:
        number: which of these requests it is, from 1.
        times: how many there are at most.
    """
    return f"Asked again ({number} of {times}), because the answer before did not fit its schema."


@keyword_remedies
def ask(
    prompt: object,
    *,
    attach: object = (),
    tools: object = (),
    turns: Sequence[Turn] = (),
    on_chunk: Callable[[str], object] | None = None,
    on_thinking: Callable[[str], object] | None = None,
    on_complete: Callable[[Response], object] | None = None,
    check: bool = False,
    **options: Any,
) -> Response:
    """Send a prompt and wait for the answer.

    It does not raise when the request fails or the answer is blocked, cut off or stalled: the response is returned whatever
    its status, and ``response.error`` holds the error. To raise it, call ``response.raise_for_status()`` or pass
    ``check=True``; the error's ``response`` then has everything that arrived. An answer that reached the token limit has
    the status ``truncated`` and no error.

    Interrupting the wait stops the stream and raises ``Interrupted``. An exception in one of the callbacks stops the stream
    as well. Both have the ``response``.

    Args:
        prompt: the question; or a list of texts, parts and objects such as figures, pictures, tables and paths.
        attach: media beside the question: a path, a pattern or an address (text), an object, or a list of these.
        tools: functions that the model may call, or declarations as the API writes them (dicts), whose calls are only shown.
        turns: the conversation that the question continues, oldest turn first.
        on_chunk: called with each new piece of the answer (str), on the calling thread.
        on_thinking: called with each new piece of the thinking (str), on the calling thread.
        on_complete: called with the response when the stream has ended, whatever its status.
        check: whether to raise the response's error, as ``raise_for_status()`` does.
        options: any option of ``%%gemini`` by name.

    Raises:
        UsageProblem: the prompt is empty or not a valid type, an option is unknown, or no key was found. Nothing
            was sent.
        Interrupted: the user stopped it.
        GeminiMagicError: with ``check``, the request failed or the answer is not usable.
    """
    callbacks = Callbacks(on_chunk, on_thinking, on_complete)
    source, resolved = _start(prompt, attach, tools, turns, callbacks, options)
    with closing_on_error(source.response, source.close):
        if source.has_callbacks:
            for _ in source:
                pass
        response = source.response.wait()
    response = _repaired(response, resolved)
    return response.raise_for_status() if check else response
