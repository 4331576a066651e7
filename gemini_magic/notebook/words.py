"""The words of ``%gemini``: what each does, and what it prints.

Everything but ``resume`` only looks at what is there; nothing is sent.
"""

from __future__ import annotations

import difflib
import platform
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any, Protocol

from ..backends import backend
from ..client import find_key, recent
from ..errors import CredentialsError, OptionError
from ..response import Response
from ..settings import Options, settings
from ..views import status_line
from .arguments import Line, help_text, option_names, parse
from .session import Session

__all__ = ["WORDS", "say"]


class Desk(Protocol):
    """What the words look at."""

    session: Session

    def options(self) -> tuple[Options, dict[str, str]]:
        """The options of a plain cell, and where each comes from."""

    def resume(self, line: Line) -> Any:
        """Ask for the rest of the last answer."""


def say(desk: Desk, line: str) -> Any:
    """Do what a line of ``%gemini`` says; returns something to display, or None.

    Raises:
        OptionError: no such word.
        GeminiMagicError: what the word itself raises.
    """
    if line.split()[:1] == ["help"]:  # what follows is asked about, not meant
        return _help(desk, Line({}, tuple(line.split()[1:])))
    read = parse(line, model=False)
    if read.help:
        return _help(desk, read)
    word, *rest = read.words or ("state",)
    if word not in WORDS:
        close = difflib.get_close_matches(word.lower(), WORDS, n=1)
        remedy = f"Did you mean `%gemini {close[0]}`?" if close else "`%gemini help` lists the words."
        raise OptionError(
            f"There is no word {word!r}.",
            remedy=f"{remedy} A prompt goes into a cell that begins with %%gemini.",
        )
    return WORDS[word](desk, Line(read.options, tuple(rest)))


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
        rows = [(f"%gemini {word}", _doc(function)) for word, function in WORDS.items()]
        _print(*_table(rows), "", "`%%gemini -h` lists the options of a cell.")
        return
    topic = line.words[0]
    if topic in WORDS:
        _print(f"%gemini {topic}: {_doc(WORDS[topic])}")
    elif topic in ("options", "%%gemini"):
        _print(help_text())
    elif topic in option_names():
        _print(f"{topic}: {option_names()[topic]}")
    else:
        close = difflib.get_close_matches(topic, [*WORDS, *option_names()], n=1)
        raise OptionError(
            f"There is no help on {topic!r}.",
            remedy=f"Did you mean {close[0]}?" if close else "Try `%gemini help`.",
        )


def _doc(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip()


def _last(desk: Desk, line: Line) -> Response:
    """Show the last answer again (`last 2`: the one before), also after a restart of the kernel."""
    back = _count(line, "last")
    runs = desk.session.runs
    if back <= len(runs):
        return runs[-back].response
    path = recent(back)
    if path is None:
        kept = "Nothing was asked yet." if back == 1 else f"There is no answer {back} runs back."
        raise OptionError(kept, remedy="`keep` in `%gemini config` says how many are kept.")
    return Response.load(path)


def _count(line: Line, word: str) -> int:
    text = line.words[0] if line.words else "1"
    if not text.isdigit() or int(text) < 1:
        raise OptionError(
            f"{text!r} is not a number of answers to go back.", remedy=f"Write `%gemini {word} 2`."
        )
    return int(text)


def _latest(desk: Desk) -> Response:
    if desk.session.last is None:
        raise OptionError("Nothing was asked yet.", remedy="`%gemini last` finds answers of earlier kernels.")
    return desk.session.last


def _events(desk: Desk, _: Line) -> Any:
    """The events of the last answer, as a table."""
    return _latest(desk).events


def _chunks(desk: Desk, _: Line) -> Any:
    """The chunks of the last answer as they came, as a table."""
    return _latest(desk).chunks


def _usage(desk: Desk, _: Line) -> Any:
    """Tokens: in all, and as the last answer reported them."""
    _print(f"tokens: {_tokens(desk)}")
    return None if desk.session.last is None else desk.session.last.usage_history


def _notes(desk: Desk, _: Line) -> None:
    """What was odd about the last answer's stream."""
    notes = _latest(desk).notes
    _print(
        *([f"{note.severity}: {note.message} ({note.kind})" for note in notes] or ["Nothing odd was seen."])
    )


def _config(desk: Desk, _: Line) -> None:
    """Every setting with its value and where it comes from."""
    options, sources = desk.options()
    rows = [("setting", "value", "from")]
    for name, setting in settings().items():
        if setting.config:
            rows.append((name, repr(getattr(options, name)), sources.get(name, "default")))
    _print(*_table(rows), "", "Change one with `%config GeminiMagics.model = 'gemini-flash-latest'`.")


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
    "usage": _usage,
    "notes": _notes,
    "config": _config,
    "reset": _reset,
    "traceback": _traceback,
    "version": _version,
}
