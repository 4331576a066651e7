"""The pump: one question from its line and prompt to its answer on the screen, awaited or not.

It is the only place where asking, drawing and remembering meet; it knows neither bytes nor widgets.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..api import begin, preview
from ..asking import build
from ..client import Stream
from ..content import Part, Request, Text, Turn
from ..errors import GeminiMagicError, Interrupted, OptionError
from ..ledger import Ledger
from ..response import Response
from ..settings import Options, resolve
from ..views import NullView, View, choose
from . import kernel
from .arguments import Line, help_text, parse
from .prompt import expand, expand_text, hint
from .session import GO_ON, Run, Session
from .words import say

__all__ = ["Desk", "Job"]

_TICK = 0.09  # seconds; while awaited, a silent server would otherwise hold back the toolbar's interrupt
_REST = 0.03  # seconds between looks at a stream that is busy


class Job(NamedTuple):
    """A question that was sent, with what shows it."""

    run: Run
    stream: Stream
    view: View
    stop: threading.Event


class _Question(NamedTuple):
    """A question that is ready to be sent."""

    request: Request
    options: Options
    conversation: Any
    before: int
    notices: tuple[str, ...]


class Desk:
    """What does the work for one shell.

    Args:
        shell: the IPython shell.
        said: gives what ``%config GeminiMagics`` says.
    """

    def __init__(self, shell: Any, said: Callable[[], Mapping[str, Any]]) -> None:
        self.shell = shell
        self.said = said
        self.session = Session()

    # -- the two ways to ask

    def ask(self, line: str, body: str) -> Any:
        """Ask and draw until the answer has ended; returns the response (or what else the line asked for).

        Raises:
            GeminiMagicError: nothing could be sent, or the answer ended badly.
            Interrupted: the user interrupted it.
        """
        with _Remembered(self.session):
            job = self._begin(line, body, awaited=False)
            return self._watch(job) if isinstance(job, Job) else job

    async def ask_awaited(self, line: str, body: str) -> Any:
        """The same on a running event loop, which goes on serving widgets."""
        with _Remembered(self.session):
            job = self._begin(line, body, awaited=True)
            return await self._watch_awaited(job) if isinstance(job, Job) else job

    def resume(self, line: Line) -> Any:
        """Ask for the rest of the last answer, in a new request."""
        run, turns = self.session.going_on()
        options = self._options({**_said_again(run.options), **line.options})[0]
        parts: tuple[Part, ...]
        if len(turns) > len(run.request.turns):
            before, parts = turns, (Text(GO_ON),)
            chars = run.response.ledger.chars
            notice = f"A new request that asks for the rest of an answer of {chars:,} characters so far."
        else:  # no text had come: the same question again
            before, parts = turns[:-1], turns[-1].parts
            notice = "A new request with the same question: no text had arrived."
        request = build(parts, options, before)
        print(notice)  # noqa: T201 - a notebook's way to say something
        job = self._send(
            _Question(request, options, run.conversation, run.before, (notice,)), awaited=False, key=run.key
        )
        return self._watch(job)

    def word(self, line: str) -> Any:
        """One of the words of ``%gemini``."""
        with _Remembered(self.session):
            return say(self, line)

    def not_first(self, line: int) -> None:
        """A cell whose ``%%gemini`` is not its first line."""
        raise OptionError(
            f"%%gemini stands on line {line}; it has to be the first line of its cell.",
            remedy="Move the comment below it (it becomes part of the prompt) or into a cell of its own.",
        )

    # -- before the request leaves

    def _options(self, said: Mapping[str, Any]) -> tuple[Options, dict[str, str]]:
        return resolve(said, self.said())

    def options(self) -> tuple[Options, dict[str, str]]:
        """The options a plain cell has now, and where each comes from."""
        return self._options({})

    def _begin(self, line: str, body: str, *, awaited: bool) -> Any:
        names: dict[str, Any] = self.shell.user_ns
        configured = self._options({})[0]

        def value(text: str) -> str:
            return expand_text(text, names, where="the %%gemini line")

        read = parse(line, None if configured.verbatim else value)
        if read.help:
            print(help_text())  # noqa: T201 - a notebook's way to say something
            return None
        options = self._options(read.options)[0]
        key = self.session.key(kernel.cell_of(self.shell), kernel.message_of(self.shell))
        question = self._question(body, options, key)
        if options.dry_run:
            shown = preview(question.request, options)
            self._bind(options.out, shown)
            return shown
        return self._send(question, awaited=awaited, key=key)

    def _question(self, body: str, options: Options, key: Any) -> _Question:
        text = body.removesuffix("\n")
        if not text.strip():
            raise OptionError("The cell has no prompt.", remedy="Write it below the %%gemini line.")
        names = self.shell.user_ns
        parts: Sequence[Part]
        notices: tuple[str, ...] = ()
        if options.verbatim:
            parts = (Text(text),)
        else:
            parts = expand(text, names, first_line=2)
            if word := hint(text, names):
                print(word)  # noqa: T201 - a notebook's way to say something
                notices = (word,)
        conversation = self.session.conversation(options)
        turns: tuple[Turn, ...] = conversation.before(key)
        return _Question(build(parts, options, turns), options, conversation, len(turns), notices)

    def _send(self, question: _Question, *, awaited: bool, key: Any) -> Job:
        request, options = question.request, question.options
        if not options.quiet:
            self._view(
                Ledger(request), options, None
            )  # a display that does not exist here: before it is sent
        response = begin(request, options, ask_key=kernel.ask_key(self.shell), notices=question.notices)
        if response.stream is None:  # begin always opens one
            raise AssertionError
        self._bind("_gemini", response)
        self._bind(options.out, response)
        run = Run(response, request, options, question.conversation, question.before, key)
        self.session.sent(run)
        stop = threading.Event()
        works = options.background or kernel.stop_button_works(self.shell, awaited=awaited)
        view = self._view(response.ledger, options, stop.set if works else None)
        return Job(run, response.stream, view, stop)

    def _view(self, ledger: Ledger, options: Options, stop: Callable[[], None] | None) -> View:
        if options.quiet:
            return NullView()
        return choose(
            ledger,
            display=options.display,
            shell=self.shell,
            allow_stdin=kernel.allows_input(self.shell),
            stop=stop,
            background=options.background,
        )

    def _bind(self, name: str | None, value: object) -> None:
        if name:
            self.shell.user_ns[name] = value

    # -- while it arrives

    def _watch(self, job: Job) -> Response:
        if job.run.options.background:
            return self._leave(job)
        try:
            job.view.open()
            _pump(job)
        except KeyboardInterrupt:
            job.stream.cancel("interrupt")
            return self._end(job, interrupted=True)
        except BaseException:  # a view that fails must not leave a stream behind
            job.stream.cancel("interrupt")
            raise
        return self._end(job)

    async def _watch_awaited(self, job: Job) -> Response:
        if job.run.options.background:
            return self._leave(job)
        try:
            job.view.open()
            version = -1
            while not job.stream.done:
                version = await job.stream.changed(version, _TICK)
                _look(job)
                await asyncio.sleep(_REST)
        except (asyncio.CancelledError, KeyboardInterrupt):
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            job.stream.cancel("interrupt")
            return self._end(job, interrupted=True)
        except BaseException:  # as above
            job.stream.cancel("interrupt")
            raise
        return self._end(job)

    def _leave(self, job: Job) -> Response:
        """Let a thread go on drawing into this cell, and return the live response."""
        job.view.open()

        def rest() -> None:
            _pump(job)
            job.view.close()
            self.session.answered(job.run)

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(rest,), name="gemini-background", daemon=True).start()
        return self._silent(job.run.response)

    def _end(self, job: Job, *, interrupted: bool = False) -> Response:
        response = job.run.response
        job.view.close()
        self.session.answered(job.run)
        error = response.error
        if interrupted and not isinstance(error, Interrupted):
            # It had ended in the same moment; the user's wish to stop what follows still counts.
            raise Interrupted("Stopped; the answer had ended already.", response=response)
        if error is None or (response.ledger.cause == "stop" and not interrupted):
            return self._silent(response)
        raise error

    def _silent(self, response: Response) -> Response:
        """The response as the cell's value, which shows nothing: the view has shown it already."""
        response._shown = True  # noqa: SLF001 - the view has just shown it
        events = self.shell.events

        def over(*_: object) -> None:
            response._shown = False  # noqa: SLF001 - only in the cell that created it
            events.unregister("post_run_cell", over)

        events.register("post_run_cell", over)
        return response


class _Remembered:
    """Keeps the error that leaves a block, for ``%gemini traceback``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, GeminiMagicError | Interrupted):
            self._session.error = error


def _look(job: Job) -> None:
    if job.stop.is_set():
        job.stream.cancel("stop")
    job.view.update()


def _pump(job: Job) -> None:
    version = -1
    while not job.stream.done:
        version = job.stream.wait_change(version, _TICK)
        _look(job)
        job.stream.wait(_REST)


def _said_again(options: Options) -> dict[str, Any]:
    """The options of a run for its continuation: not where it is bound, recorded before or played from."""
    again = vars(options).copy()
    for name in ("chat", "continue_", "fresh", "out", "dry_run", "replay", "replay_any", "background"):
        again.pop(name)
    return again
