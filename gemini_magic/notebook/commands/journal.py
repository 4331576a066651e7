"""The words that look into the journal: ``%gemini journal …`` and ``%gemini show``.

They read, and forget what they are told to forget; who writes the journal, and how, is not known here.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import JournalError, OptionError
from ...journal import Entry, entry_rows
from ...journaling import end_of, exchanges_of, journal, response_from_entry
from ...recording import Recorder
from ...response import Response
from .. import kernel
from ..arguments import MagicLine
from .status import CellRunner, say_lines, table, unkept

if TYPE_CHECKING:
    from ...journal import JournalReader

__all__ = ["JOURNAL_TAKES", "JOURNAL_WORDS", "before", "journal_words", "news", "show"]

JOURNAL_TAKES = "WORD"
_LISTED = 200  # rows of a table
_ASKED = 60  # characters of a question
_KILO = 1024
_BEGINS = "It begins with the first answer that a server gives to a cell."


def news(shell: Any) -> list[str]:
    """What has to be said of the journal below a cell: once where it is, and once what went wrong with it."""
    kept = journal()
    said = kept.take_problems()
    if not said and kernel.allows_input(shell) and kept.take_introduction():
        said.append(
            f"Answers are kept in `{kept.path}`, without keys; `%gemini journal` looks into it, "
            "`%gemini config journal=False` keeps none."
        )
    return said


@contextmanager
def _shelf() -> Iterator[JournalReader]:
    with journal().reader() as reader:
        reader.close_abandoned(end_of)
        yield reader


def before(started: datetime | None, steps: int) -> Response | None:
    """The answer that many steps back among those asked before a moment; None when there is none.

    Args:
        started: the moment; None for now.
        steps: 1 for the newest.
    """
    if not journal().exists():
        return None
    with _shelf() as reader:
        moment = None if started is None else started.timestamp()
        found = reader.newest(1, before=moment, skip=steps - 1)
        entry = reader.entry(found[0]) if found else None
        return None if entry is None else response_from_entry(entry, reader.lines(entry.id))


def journal_words(desk: CellRunner, line: MagicLine) -> Any:
    """Where answers are kept, how many, since when; `journal list`, `search TEXT`, `show N`, `open N`, `forget N` or `all`, `export FILE`, `path`."""
    if not line.words:
        return _standing(desk)
    word, *rest = line.words
    if word not in JOURNAL_WORDS:
        raise OptionError(
            f"There is no `%gemini journal {word}`.", remedy=f"There are: {', '.join(JOURNAL_WORDS)}."
        )
    return _looked(desk, word, rest)


def show(desk: CellRunner, line: MagicLine) -> Any:
    """Show answer N of the journal again (the newest without N), also of a kernel that has ended."""
    return _looked(desk, "show", line.words)


def _looked(desk: CellRunner, word: str, rest: Sequence[str]) -> Any:
    """Do what a word says; where there is nothing to look at, a list says so, and what needs an answer fails."""
    empty = "" if word == "path" else _empty()
    if not empty:
        return JOURNAL_WORDS[word](rest)
    if word in ("list", "search") or (word, *rest) == ("forget", "all"):
        say_lines(empty, unkept(desk) or _BEGINS)
        return None
    raise JournalError(empty, remedy=unkept(desk) or _BEGINS)


def _empty() -> str:
    """That there is no answer in the journal; empty where there is one."""
    if not journal().exists():
        return "There is no journal yet."
    with _shelf() as reader:
        return "" if reader.newest(1) else "The journal is empty."


def _standing(desk: CellRunner) -> None:
    place, off = journal().path, unkept(desk)
    if not journal().exists():
        say_lines("There is no journal yet.", off or f"{_BEGINS} It will be {place}.")
        return
    with _shelf() as reader:
        count, size, since = reader.summary()
    rows = [("kept", off)] if off else []
    rows += [("journal", str(place)), ("answers", f"{count:,}"), ("size", _size(size))]
    if since is not None:
        rows.append(("since", datetime.fromtimestamp(since).astimezone().isoformat(" ", "minutes")))
    say_lines(
        *table(rows), "", "`%gemini journal list` shows the newest, `%gemini journal search TEXT` finds more."
    )


def _size(size: float) -> str:
    for unit in ("B", "kB"):
        if size < _KILO:
            return f"{size:.0f} {unit}"
        size /= _KILO
    return f"{size:.1f} MB"


def _path(rest: Sequence[str]) -> None:
    _nothing_more("path", rest)
    say_lines(str(journal().path))


def _list(rest: Sequence[str]) -> Any:
    _nothing_more("list", rest)
    with _shelf() as reader:
        return entry_rows(reader.entries(reader.newest(_LISTED)))


def _search(rest: Sequence[str]) -> Any:
    words = [word for word in rest if word.strip("* ")]
    if not words:
        raise OptionError(
            "A * alone is no text." if rest else "`%gemini journal search` needs a text.",
            remedy="Write `%gemini journal search TEXT`, `wor*` for how a word begins; "
            "`%gemini journal list` shows the newest.",
        )
    with _shelf() as reader:
        found = reader.search(words, _LISTED)
        if not found:
            say_lines(f"No answer holds {shlex.join(words)}.")
            return None
        return entry_rows(reader.entries(found), [word.removesuffix("*") for word in words])


def _show(rest: Sequence[str]) -> Response:
    response, entry = _response("show", rest)
    _introduce(entry)
    return response


def _open(rest: Sequence[str]) -> Response:
    response, entry = _response("open", rest)
    _introduce(entry)
    say_lines(f"{response!r} is in `_`.")
    response._shown = True  # noqa: SLF001 - it is handed over, not shown
    return response


def _introduce(entry: Entry) -> None:
    question = " ".join(entry.start.question.split())
    short = question if len(question) <= _ASKED else f"{question[: _ASKED - 1]}…"
    say_lines(f"{entry.id} · {entry.local_time} · {entry.start.model}: {short}")


def _response(word: str, rest: Sequence[str]) -> tuple[Response, Entry]:
    with _shelf() as reader:
        entry = _entry(reader, word, rest)
        return response_from_entry(entry, reader.lines(entry.id)), entry


def _entry(reader: JournalReader, word: str, rest: Sequence[str]) -> Entry:
    if len(rest) > 1:
        _nothing_more(f"{word} N", rest[1:])
    number = _number(rest[0]) if rest else next(iter(reader.newest(1)), 0)
    entry = reader.entry(number)
    if entry is None:
        raise JournalError(
            f"There is no answer {number} in the journal.", remedy="`%gemini journal list` shows the newest."
        )
    return entry


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise OptionError(
            f"{text!r} is not the number of an answer.", remedy="`%gemini journal list` shows the numbers."
        )
    return min(int(text), 2**63 - 1)


def _forget(rest: Sequence[str]) -> None:
    if not rest:
        raise OptionError(
            "`%gemini journal forget` needs a number, or `all`.",
            remedy="`%gemini journal list` shows the numbers.",
        )
    with _shelf() as reader:
        if tuple(rest) == ("all",):
            entries = list(reader.entries(reader.newest(-1)))
        else:
            entries = [_entry(reader, "forget", [number]) for number in rest]
        running = [entry.id for entry in entries if entry.end is None]
        if running and tuple(rest) != ("all",):
            raise JournalError(
                f"Answer {running[0]} is still arriving.", remedy="Forget it when it has ended."
            )
        gone = reader.forget([entry.id for entry in entries if entry.end is not None])
    count = len(entries) - len(running)
    say_lines(f"{count} answer{' is' if count == 1 else 's are'} forgotten.")
    if running:
        say_lines(f"Still arriving, and kept: {', '.join(map(str, running))}.")
    if not gone:
        say_lines("Another program reads the journal; traces go from the disk when it has closed the file.")


def _export(rest: Sequence[str]) -> None:
    if not rest or not rest[0].endswith(".jsonl"):
        raise OptionError(
            "`%gemini journal export` needs a file that ends in .jsonl.",
            remedy="Write `%gemini journal export answers.jsonl`, or with a number after it for that one answer.",
        )
    target = Path(rest[0]).expanduser()
    if os.path.lexists(target):
        raise OptionError(
            f"{target} exists; `%gemini journal export` replaces no file.",
            remedy="Write another name, or remove the file.",
        )
    recorder = Recorder(target, append=False)
    count = 0
    with _shelf() as reader:
        numbers = [_entry(reader, "export FILE", rest[1:]).id] if rest[1:] else reader.newest(-1)[::-1]
        for entry in reader.entries(numbers):
            if lines := reader.lines(entry.id):
                _play(recorder, entry, lines)
                count += 1
    recorder.close()
    if recorder.problem:
        raise JournalError(f"{recorder.problem}.", remedy="Choose another folder.")
    if not count:
        raise JournalError("There is nothing to export yet.", remedy="Wait for the first bytes.")
    if count == 1:
        say_lines(f"1 answer in {target}; `--replay` and `Response.load` take it.")
    else:
        say_lines(
            f"{count} answers in {target}; `--replay` finds each by its question.",
            "`Response.load` takes the newest alone; `%gemini journal export FILE N` writes another for it.",
        )


def _play(recorder: Recorder, entry: Entry, lines: bytes) -> None:
    """Record what went over the wire for an entry once more."""
    for exchange in exchanges_of(entry, lines):
        recorder.begin(exchange)
        if exchange.status is not None:
            recorder.head(exchange)
        for t, piece in exchange.pieces:
            recorder.piece(t, piece)
        if exchange.end is not None:
            recorder.end(exchange.end, exchange.problem)


def _nothing_more(word: str, rest: Sequence[str]) -> None:
    if rest:
        raise OptionError(
            f"`%gemini journal {word}` takes nothing more, not {' '.join(rest)!r}.",
            remedy="`%gemini help journal` says what there is.",
        )


JOURNAL_WORDS: dict[str, Callable[[Sequence[str]], Any]] = {
    "path": _path,
    "list": _list,
    "search": _search,
    "show": _show,
    "open": _open,
    "forget": _forget,
    "export": _export,
}
