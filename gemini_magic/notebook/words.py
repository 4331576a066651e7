"""The words of ``%gemini``: what each does, and what it prints.

Only ``resume`` sends something; only ``config`` and ``reset`` change something.
"""

from __future__ import annotations

import difflib
import platform
import textwrap
import traceback
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from typing import Any, Protocol

from ..backends import backend
from ..client import find_key
from ..errors import CredentialsError, OptionError
from ..response import Response
from ..settings import Options
from ..views import status_line
from .answers import back, latest, named
from .arguments import Line, help_text, option_names, parse
from .configuring import assignment, described, every
from .session import Session

__all__ = ["WORDS", "say"]

_CLOSE = 0.75  # a spelling that is less alike than this was meant as something else
_WIDTH = 79
_COLUMN = 31  # where the help on a word begins


class Desk(Protocol):
    """What the words look at."""

    session: Session
    shell: Any

    def configure(self, name: str, value: Any) -> None:
        """Set a setting for this shell."""

    def options(self) -> tuple[Options, dict[str, str]]:
        """The options of a plain cell, and where each comes from."""

    def resume(self, line: Line) -> Any:
        """Ask for the rest of the last answer."""


def say(desk: Desk, line: str) -> Any:
    """Do what a line of ``%gemini`` says; returns something to display, or None.

    Raises:
        OptionError: no such word, or one that takes nothing of what follows it.
        GeminiMagicError: what the word itself raises.
    """
    if line.split()[:1] == ["help"]:  # what follows is asked about, not meant
        asked = line.split()[1:]
        _fits("help", asked)
        return _help(desk, Line({}, tuple(asked)))
    read = parse(line, model=False)
    if read.help:
        return _help(desk, read)
    word, *rest = read.words or ("state",)
    if word not in WORDS:
        raise OptionError(f"There is no word {word!r}.", remedy=_instead(word, line))
    if read.options and word != "resume":
        raise OptionError(
            f"`%gemini {word}` takes no options.",
            remedy="They go on the %%gemini line of a cell; `%gemini config NAME=VALUE` sets one for this shell.",
        )
    _fits(word, rest)
    return WORDS[word](desk, Line(read.options, tuple(rest)))


_ASK = "A question goes into a cell of its own, below a first line %%gemini."


def _fits(word: str, rest: Sequence[str]) -> None:
    most = {"resume": 0, "config": len(rest)}.get(word, int(word in _TAKES))
    if len(rest) > most:
        raise OptionError(
            f"`%gemini {word}` takes {'one word' if most else 'nothing'} after it, not {' '.join(rest)!r}.",
            remedy=f"Write `%gemini {_usage(word)}`. {_ASK if len(rest) > 1 else ''}".rstrip(),
        )


def _instead(word: str, line: str) -> str:
    close = _close(word.lower(), WORDS)
    if close:
        return f"Did you mean `%gemini {close}`?"
    if len(line.split()) > 1:
        return f"{_ASK} `%gemini help` lists the words."
    return f"`%gemini help` lists the words. {_ASK}"


def _close(said: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(said, list(known), n=1, cutoff=_CLOSE)), None)


def _usage(word: str) -> str:
    return f"{word} [{_TAKES[word]}]" if word in _TAKES else word


def _print(*lines: str) -> None:
    print("\n".join(lines))  # noqa: T201 - a notebook's way to say something


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _state(desk: Desk, _: Line) -> None:
    """Model, key, conversations, tokens so far, the last answer."""
    options, sources = desk.options()
    session = desk.session
    rows = [
        ("model", f"{options.model} ({sources.get('model', 'default')})"),
        ("backend", options.backend + (f" at {options.base_url}" if options.base_url else "")),
        ("key", _key(options)),
    ]
    for name, chat in session.chats.items():
        last = " (last)" if chat is session.current else ""
        rows.append((f"chat {name}", f"{_questions(len(chat))}{last}"))
    rows.append(("tokens", _tokens(desk)))
    if session.last is not None:
        rows.append(("last", status_line(session.last.ledger)))
    _print(*_table(rows), "", "`%gemini help` lists the other words, `%%gemini -h` the options of a cell.")


def _key(options: Any) -> str:
    dialect = backend(options.backend)
    if dialect.local is not None:
        return "not needed: nothing leaves this machine"
    try:
        found = find_key(dialect, base_url=options.base_url, key_env=options.key_env)
    except CredentialsError as error:
        return f"none. {error.remedy or error.message}"
    return "none: this address is asked without one" if found is None else f"from {found.source}"


def _tokens(desk: Desk) -> str:
    said = {name: count for name, count in desk.session.usage._asdict().items() if count is not None}
    if not said:
        return f"none counted in {_questions(desk.session.asked)}"
    counts = ", ".join(f"{count:,} {name}" for name, count in said.items())
    return f"{counts} in {_questions(desk.session.asked)}"


def _questions(count: int) -> str:
    return f"{count} question" if count == 1 else f"{count} questions"


def _help(_: Desk, line: Line) -> None:
    """The words; `%gemini help WORD` for one of them, `%gemini help options` for a cell's options."""
    if not line.words:
        lines = [
            textwrap.fill(
                _doc(function),
                _WIDTH,
                initial_indent=f"%gemini {_usage(word)}".ljust(_COLUMN),
                subsequent_indent=" " * _COLUMN,
            )
            for word, function in WORDS.items()
        ]
        _print(*lines, "", "`%%gemini -h` lists the options of a cell.")
        return
    topic = line.words[0]
    if topic in WORDS:
        _print(f"%gemini {_usage(topic)}: {_doc(WORDS[topic])}")
    elif topic in ("options", "%%gemini"):
        _print(help_text())
    elif topic in option_names():
        _print(f"{topic}: {option_names()[topic]}")
    else:
        close = _close(topic, [*WORDS, *option_names()])
        raise OptionError(
            f"There is no help on {topic!r}.",
            remedy=f"Did you mean `%gemini help {close}`?" if close else "`%gemini help` lists the words.",
        )


def _doc(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip()


def _last(desk: Desk, line: Line) -> Response:
    """Show the last answer again (`last 2`: the one before), also after a restart of the kernel."""
    return back(desk.session, line.words[0] if line.words else "1")


def _chosen(desk: Desk, line: Line) -> Response:
    return named(desk.shell.user_ns, line.words[0]) if line.words else latest(desk.session)


def _events(desk: Desk, line: Line) -> Any:
    """The events of the last answer (or of the response NAME), as a table."""
    return _chosen(desk, line).events


def _chunks(desk: Desk, line: Line) -> Any:
    """The chunks of an answer as they came, as a table."""
    return _chosen(desk, line).chunks


def _tokens_used(desk: Desk, line: Line) -> Any:
    """Tokens in all, and as the last answer (or the response NAME) reported them."""
    if line.words:
        return _chosen(desk, line).usage_history
    _print(f"tokens: {_tokens(desk)}")
    return None if desk.session.last is None else desk.session.last.usage_history


def _notes(desk: Desk, line: Line) -> None:
    """What was odd about an answer's stream."""
    notes = _chosen(desk, line).notes
    _print(
        *([f"{note.severity}: {note.message} ({note.kind})" for note in notes] or ["Nothing odd was seen."])
    )


def _config(desk: Desk, line: Line) -> None:
    """Every setting with its value and where it comes from; or one; or set one for this shell."""
    if not line.words:
        rows = [("setting", "value", "from"), *every(*desk.options())]
        _print(*_table(rows), "", "Change one with `%gemini config model=gemini-flash-latest`.")
        return
    setting, value, given = assignment(line.words)
    if given:
        desk.configure(setting.name, value)
    _print(described(setting, *desk.options()))


def _reset(desk: Desk, line: Line) -> None:
    """Forget all conversations, or one: `reset NAME`."""
    _print(desk.session.reset(line.words[0] if line.words else None))


def _resume(desk: Desk, line: Line) -> Any:
    """Ask for the rest of an answer that broke off; a new request."""
    return desk.resume(line)


def _traceback(desk: Desk, _: Line) -> None:
    """The full story of the last error."""
    error = desk.session.error
    if error is None:
        _print("No error so far.")
        return
    _print("".join(traceback.format_exception(error)).rstrip())
    if error.response is not None:
        for attempt in error.response.attempts:
            _print(
                f"attempt {attempt.attempt}: {attempt.url}: HTTP {attempt.status or '-'}, {attempt.end or '-'}"
            )


def _version(_: Desk, __: Line) -> None:
    """Versions, for a bug report."""
    rows = [("python", platform.python_version())]
    for name in ("gemini-magic", "ipython", "ipykernel", "ipywidgets", "jupyterlab", "httpx"):
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            rows.append((name, "not installed"))
    _print(*_table(rows))


WORDS: dict[str, Callable[[Desk, Line], Any]] = {
    "state": _state,
    "help": _help,
    "last": _last,
    "resume": _resume,
    "events": _events,
    "chunks": _chunks,
    "usage": _tokens_used,
    "notes": _notes,
    "config": _config,
    "reset": _reset,
    "traceback": _traceback,
    "version": _version,
}

# What may follow a word; the others take nothing.
_TAKES = {
    "help": "WORD",
    "last": "N",
    "resume": "options",
    "events": "NAME",
    "chunks": "NAME",
    "usage": "NAME",
    "notes": "NAME",
    "config": "NAME[=VALUE]",
    "reset": "CHAT",
}
