"""The words of ``%gemini``: what each does, and what it prints.

Only ``resume`` sends something; only ``config``, ``reset`` and ``stop`` change something.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...errors import OptionError
from ...response import Response
from ..arguments import MagicLine, help_text, option_names, parse
from ..lookup import back, names_of
from .code import code
from .config import assignment, described, every
from .inspect import (
    FILTERED,
    chosen,
    chunks,
    curl,
    diff,
    events,
    inspect,
    notes,
    split_conditions,
    timeline,
    timing,
    usage,
)
from .journal import JOURNAL_TAKES, journal_words, show
from .status import CellRunner, say_lines, state, story, table, versions

__all__ = ["WORDS", "say", "takes_answers"]

_CLOSE = 0.75  # a spelling that is less alike than this was meant as something else
_WIDTH = 79
_ASKED = 50  # characters of a question
_SEARCH = re.compile(r"\s*journal\s+search(?=\s)(?!\s+(?:-h|--help)\s*$|\s+--(?:\s|$))")
_COLUMN = 31  # where the help on a word begins


def say(desk: CellRunner, line: str) -> Any:
    """Do what a line of ``%gemini`` says; returns something to display, or None.

    Raises:
        OptionError: no such word, or one that takes nothing of what follows it.
        GeminiMagicError: what the word itself raises.
    """
    if line.split()[:1] == ["help"]:  # what follows is asked about, not meant
        asked = line.split()[1:]
        _fits("help", asked)
        return _help(desk, MagicLine({}, tuple(asked)))
    if search := _SEARCH.match(line):  # a text may begin with a dash
        line = f"{search[0]} -- {line[search.end() :]}"
    where: tuple[str, ...] = ()
    if line.split()[:1] and line.split(maxsplit=1)[0] in FILTERED:
        line, where = split_conditions(line)
    elif any(word.partition("=")[0] == "--where" for word in line.split()[1:]):
        raise OptionError(
            f"`%gemini {line.split()[0]}` takes no --where.",
            remedy=f"{', '.join(FILTERED[:-1])} and {FILTERED[-1]} do.",
        )
    read = parse(line, model=False)
    if read.help:
        return _help(desk, read)
    word, *rest = read.words or ("state",)
    if word not in WORDS:
        raise OptionError(f"There is no word {word!r}.", remedy=_instead(word, line))
    if read.options and word not in _ASKING:
        raise OptionError(
            f"`%gemini {word}` takes no options.",
            remedy="They go on the %%gemini line of a cell; `%gemini config NAME=VALUE` sets one for this shell.",
        )
    _fits(word, rest)
    return WORDS[word](desk, MagicLine(read.options, tuple(rest), where=where))


_ASK = "A question goes into a cell of its own, below a first line %%gemini."


def _fits(word: str, rest: Sequence[str]) -> None:
    most = {"resume": 0, "code": 2, "diff": 2}.get(word, int(word in _TAKES))
    if word in ("config", "journal"):
        return
    if len(rest) > most:
        raise OptionError(
            f"`%gemini {word}` takes {('nothing', 'one word', 'two words')[most]} after it, not {' '.join(rest)!r}.",
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


def _help(_: CellRunner, line: MagicLine) -> None:
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
        say_lines(*lines, "", "`%%gemini -h` lists the options of a cell.")
        return
    topic = line.words[0]
    if topic in WORDS:
        say_lines(f"%gemini {_usage(topic)}: {_doc(WORDS[topic])}")
    elif topic in ("options", "%%gemini"):
        say_lines(help_text())
    elif option := _option(topic):
        say_lines(f"{option}: {option_names()[option]}")
    else:
        close = _close(topic, [*WORDS, *option_names()])
        raise OptionError(
            f"There is no help on {topic!r}.",
            remedy=f"Did you mean `%gemini help {close}`?" if close else "`%gemini help` lists the words.",
        )


def _option(topic: str) -> str | None:
    """The option that is asked about, also where its dashes were left out."""
    bare = topic.replace("_", "-")
    return next((name for name in (topic, f"--{bare}", f"-{bare}") if name in option_names()), None)


def _doc(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip()


def _last(desk: CellRunner, line: MagicLine) -> Response:
    """Show the last answer again (`last 2`: the one before), also after a restart of the kernel."""
    return back(desk.session, line.words[0] if line.words else "1")


def _config(desk: CellRunner, line: MagicLine) -> None:
    """Every setting with its value and where it comes from; or one; or set one for this shell."""
    if not line.words:
        rows = [("setting", "value", "from"), *every(*desk.options())]
        say_lines(*table(rows), "", "Change one with `%gemini config model=gemini-flash-latest`.")
        return
    setting, value, given = assignment(line.words)
    if given:
        desk.configure(setting.name, value)
    say_lines(described(setting, *desk.options()))


def _reset(desk: CellRunner, line: MagicLine) -> None:
    """Forget all conversations, or one: `reset NAME`."""
    say_lines(desk.session.reset(line.words[0] if line.words else None))


def _resume(desk: CellRunner, line: MagicLine) -> Any:
    """Ask for the rest of an answer that broke off; a new request."""
    return desk.resume(line)


def _stop(desk: CellRunner, line: MagicLine) -> None:
    """Stop what still runs, as with --background; `stop NAME`: that one."""
    meant = [chosen(desk, line)] if line.words else [run.response for run in desk.session.runs]
    told = []
    for response in meant:
        if response.stream is not None and not response.stream.done:
            response.stream.cancel("stop")
            if response.ledger.cause == "stop":  # and did not end in the same moment
                told.append(
                    f"Stopped {_called(desk, response)}; {response.ledger.chars:,} characters had arrived."
                )
    say_lines(*(told or ["Nothing is running."]))


def _called(desk: CellRunner, response: Response) -> str:
    """An answer as the user knows it: by its names, or by its question."""
    names = names_of(response, desk.shell.user_ns)
    asked = "" if response.request is None else response.request.turns[-1].text
    return ", ".join(names) or f"the answer to {textwrap.shorten(asked, _ASKED, placeholder=' …')!r}"


def _models(desk: CellRunner, line: MagicLine) -> None:
    """The models the server offers; `models flash`: those with that in their name."""
    part = line.words[0] if line.words else ""
    found = [model for model in desk.models(line) if part.lower() in model.name.lower()]
    if not found:
        say_lines("The server offers no model" + (f" with {part!r} in its name." if part else "."))
        return
    rows: list[tuple[str, ...]] = [("model", "tokens in", "tokens out", "thinks", "name")]
    rows += [
        (
            model.name,
            *("" if limit is None else f"{limit:,}" for limit in (model.input_limit, model.output_limit)),
            {True: "yes", False: "no", None: ""}[model.thinking],
            model.display_name or "",
        )
        for model in found
    ]
    say_lines(*table(rows), "", "Ask one with `%%gemini -m NAME`.")


WORDS: dict[str, Callable[[CellRunner, MagicLine], Any]] = {
    "state": state,
    "help": _help,
    "last": _last,
    "show": show,
    "journal": journal_words,
    "code": code,
    "resume": _resume,
    "stop": _stop,
    "events": events,
    "chunks": chunks,
    "usage": usage,
    "notes": notes,
    "timing": timing,
    "timeline": timeline,
    "inspect": inspect,
    "curl": curl,
    "diff": diff,
    "models": _models,
    "config": _config,
    "reset": _reset,
    "traceback": story,
    "version": versions,
}

_ASKING = ("resume", "models")  # words that ask a server, and so take a cell's options

# What may follow a word; the others take nothing.
_TAKES = {
    "help": "WORD",
    "last": "N",
    "show": "N",
    "journal": JOURNAL_TAKES,
    "code": "N|NAME",
    "resume": "options",
    "stop": "NAME",
    "events": "NAME",
    "chunks": "NAME",
    "inspect": "NAME",
    "usage": "NAME",
    "notes": "NAME",
    "timing": "NAME",
    "timeline": "NAME",
    "curl": "NAME",
    "diff": "NAME [OTHER]",
    "models": "PART",
    "config": "NAME[=VALUE]",
    "reset": "CHAT",
}


def takes_answers(word: str) -> bool:
    """Whether names of answers may follow a word."""
    return word != "config" and "NAME" in _TAKES.get(word, "")
