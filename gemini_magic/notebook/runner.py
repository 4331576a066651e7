"""One question, from its line and prompt to the request that leaves; and the words that ask again.

It is the only place where options, prompt and conversation meet; what happens while the answer arrives is the
pump's.
"""

from __future__ import annotations

import getpass
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import structs

from ..api import begin, preview
from ..catalog import Model, count_request_tokens, list_models
from ..config import resolve
from ..content import Part, Request, Text, Turn
from ..conversation import answer_turn
from ..errors import GeminiMagicError, Interrupted, OptionError
from ..ledger import Ledger
from ..options import Options
from ..prompts import build_request
from ..views import NullView, View, select_view
from . import kernel
from .arguments import MagicLine, help_text, parse
from .commands.dispatch import say
from .display_loop import DisplayLoop, RunningCell
from .interpolation import expand, expand_text, hint
from .lookup import names_of
from .messages import tell
from .session import GO_ON, Resumption, Run, Session, text_of

__all__ = ["CellRunner"]


class _Question(NamedTuple):
    """A question that is ready to be sent; the fields are those of a ``Run``."""

    request: Request
    options: Options
    conversation: Any
    before: int
    key: Any
    notices: tuple[str, ...] = ()
    prefix: tuple[Part, ...] = ()
    added: int = 0
    token: str | None = None
    sources: Mapping[str, str] = {}  # where the options come from


class CellRunner:
    """What does the work for one shell.

    Args:
        shell: the IPython shell.
        said: gives what ``%config GeminiMagics`` says.
        configure: says it for one setting; None takes it back.
    """

    def __init__(
        self, shell: Any, said: Callable[[], Mapping[str, Any]], configure: Callable[[str, Any], None]
    ) -> None:
        self.shell = shell
        self.said = said
        self.configure = configure
        self.session = Session()
        self._pump = DisplayLoop(shell, self.session)

    # -- the two ways to ask

    def ask(self, line: str, body: str) -> Any:
        """Ask and draw until the answer has ended; returns the response (or what else the line asked for).

        Raises:
            GeminiMagicError: nothing could be sent, or the answer ended badly.
            Interrupted: the user interrupted it.
        """
        with _Remembered(self.session):
            job = self._send(self._begin(line, body), awaited=False)
            return self._pump.watch(job) if isinstance(job, RunningCell) else job

    async def ask_awaited(self, line: str, body: str) -> Any:
        """The same on a running event loop, which goes on serving widgets."""
        with _Remembered(self.session):
            job = self._send(self._begin(line, body), awaited=True)
            return await self._pump.watch_awaited(job) if isinstance(job, RunningCell) else job

    def resume(self, line: MagicLine) -> _Question:
        """A new request for the rest of the last answer; whoever said the word sends it."""
        rest = self.session.going_on()
        run = rest.run
        options, sources = resolve(line.options, self.said(), previous=run.options.for_follow_up())
        *before, question = run.asked
        chars = len(text_of(rest.prefix))
        answer, added = answer_turn(rest.prefix), 0
        if rest.token is not None:
            request = build_request(question.parts, options, before)
            request = structs.replace(request, continuation=rest.token)
            notice = (
                f"A new request that lets the server go on with its answer of {chars:,} characters so far."
            )
        elif answer is not None:
            request, added = build_request((Text(GO_ON),), options, (*run.asked, answer)), 2
            notice = f"A new request that asks for the rest of an answer of {chars:,} characters so far."
        else:
            request = build_request(question.parts, options, before)
            notice = "A new request with the same question: no text had arrived."
        said = [notice, self._where(rest, options)]
        if options.replay:
            said.append(
                f"It is answered from {options.replay}; `%gemini resume --replay ''` asks the server."
            )
        tell(*said)
        return _Question(
            request,
            options,
            run.conversation,
            run.before,
            run.key,
            (notice,),
            rest.prefix,
            added,
            rest.token,
            sources,
        )

    def _where(self, rest: Resumption, options: Options) -> str:
        """Which name holds what once the rest has arrived."""
        new = options.out or "_gemini"
        if not rest.prefix:
            return f"`{new}` will hold the whole answer."
        kept = [name for name in names_of(rest.run.response, self.shell.user_ns) if name != new]
        if kept and text_of(rest.prefix) == rest.run.response.text:
            return (
                f"`{kept[0]}` keeps what came, `{new}` gets the rest, and `{new}.whole` is the whole answer."
            )
        return f"`{new}` gets the rest, `{new}.whole` is the whole answer; `%gemini last 2` shows what came before."

    def models(self, line: MagicLine) -> list[Model]:
        """The models the server offers."""
        return list_models(self._options(line.options)[0], _asker(self.shell))

    def word(self, line: str) -> Any:
        """One of the words of ``%gemini``."""
        with _Remembered(self.session):
            job = self._send(say(self, line), awaited=False)
            return self._pump.watch(job) if isinstance(job, RunningCell) else job

    async def word_awaited(self, line: str) -> Any:
        """The same on a running event loop, for a word that asks."""
        with _Remembered(self.session):
            job = self._send(say(self, line), awaited=True)
            return await self._pump.watch_awaited(job) if isinstance(job, RunningCell) else job

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

    def _begin(self, line: str, body: str) -> _Question | None:
        """The question a cell asks; None when its line asked for help."""
        names: dict[str, Any] = self.shell.user_ns

        def value(text: str) -> str:
            if self.options()[0].verbatim:
                return text
            return expand_text(text, names, where="the %%gemini line")

        read = parse(line, value)
        if read.help:
            print(help_text())  # noqa: T201 - a notebook's way to say something
            return None
        options, sources = self._options(read.options)
        key = self.session.key(kernel.cell_of(self.shell), kernel.message_of(self.shell))
        return self._question(body, options, key)._replace(sources=sources)

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
        return _Question(
            build_request(parts, options, turns), options, conversation, len(turns), key, notices
        )

    def _send(self, question: Any, *, awaited: bool) -> Any:
        """Send a question, or show what would be sent (``--dry-run``); anything else is handed back as it is."""
        if not isinstance(question, _Question):
            return question
        request, options = question.request, question.options
        if options.dry_run:
            shown = preview(request, options)
            self._bind(options.out, shown)
            return shown
        if options.count:
            if options.replay:
                raise OptionError("A recording counts no tokens.", remedy="Leave --count or --replay out.")
            tokens = count_request_tokens(request, options, _asker(self.shell))
            self._bind(options.out, tokens)
            return tokens
        if not options.quiet:
            self._view(
                Ledger(request), options, None
            )  # a display that does not exist here: before it is sent
        response = begin(
            request,
            options,
            ask_key=_asker(self.shell),
            notices=question.notices,
            before=text_of(question.prefix),
            sources=question.sources,
        )
        if response.stream is None:  # begin always opens one
            raise AssertionError
        self._bind("_gemini", response)
        self._bind(options.out, response)
        run = Run(
            response,
            request,
            options,
            question.conversation,
            question.before,
            question.key,
            question.prefix,
            question.added,
            question.token,
        )
        self.session.sent(run)
        stop = threading.Event()
        works = options.background or kernel.stop_button_works(self.shell, awaited=awaited)
        view = self._view(response.ledger, options, stop.set if works else None)
        return RunningCell(run, response.stream, view, stop)

    def _view(self, ledger: Ledger, options: Options, stop: Callable[[], None] | None) -> View:
        if options.quiet:
            return NullView()
        return select_view(
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


class _Remembered:
    """Keeps the error that leaves a block, for ``%gemini traceback``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, GeminiMagicError | Interrupted):
            self._session.error = error


def _asker(shell: Any) -> Callable[[str], str] | None:
    """A function that asks for a key without showing it, or None where nobody can be asked."""
    if not kernel.allows_input(shell):
        return None
    return lambda prompt: getpass.getpass(prompt)  # noqa: PLW0108 - a kernel replaces it for each request
