"""The commands that read the journal or delete from it: ``%gemini journal …`` and ``%gemini show``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import recording
from ...errors import JournalError, OptionError
from ...journal import Entry, entry_rows
from ...journaling import exchanges_of, journal, response_from_entry
from ...media import StoredMedia
from ...response import Response
from ...text import shortened
from .. import kernel
from ..arguments import MagicLine
from ..lookup import open_journal
from ..messages import format_table, print_lines
from .context import CommandContext
from .status import journal_off_message

if TYPE_CHECKING:
    from ...journal import JournalReader
    from ...recording import Recorder

__all__ = ["JOURNAL_COMMANDS", "journal_command", "journal_messages", "show_entry"]

_LISTED = 200  # rows of a table
_QUESTION = 60  # characters of a question
_KILO = 1024
_WHEN_SAVED = "Answers are saved when a cell receives them from a server."


def journal_messages(shell: Any) -> list[str]:
    """The messages about the journal that belong below a cell: its problems, or once per user where it is."""
    current = journal()
    messages = current.take_problems()
    if not messages and kernel.allows_input(shell) and current.take_introduction():
        messages.append(
            f"Answers are saved in the journal `{current.path}`, without keys. `%gemini journal` describes it; "
            "`%gemini config journal=False` turns it off."
        )
    return messages


def journal_command(context: CommandContext, line: MagicLine) -> Any:
    """Show where answers are saved, how many and since when. COMMAND is `list`, `search TEXT`, `show N`, `open N`, `forget N`, `forget all`, `export FILE` or `path`."""
    if not line.arguments:
        return _summary(context)
    command, *arguments = line.arguments
    if command not in JOURNAL_COMMANDS:
        raise OptionError(
            f"Unknown command: %gemini journal {command}", remedy=f"Commands: {', '.join(JOURNAL_COMMANDS)}."
        )
    return _run(context, command, arguments)


def show_entry(context: CommandContext, line: MagicLine) -> Any:
    """Show answer N of the journal again, also one from an earlier session; without N, show the newest answer."""
    return _run(context, "show", line.arguments)


def _run(context: CommandContext, command: str, arguments: Sequence[str]) -> Any:
    """Run a command of the journal.

    If the journal has no answers, commands that list or delete any number of answers print a message.

    Raises:
        JournalError: the journal has no answers, and the command requires one.
    """
    problem = "" if command == "path" else _no_answers()
    if not problem:
        return JOURNAL_COMMANDS[command](arguments)
    remedy = journal_off_message(context) or _WHEN_SAVED
    if command in ("list", "search") or (command, *arguments) == ("forget", "all"):
        print_lines(problem, remedy)
        return None
    raise JournalError(problem, remedy=remedy)


def _no_answers() -> str:
    """A message that the journal has no answers; empty if it has some."""
    if reason := journal().unavailable():
        return f"The journal is off: {reason}."
    if not journal().exists():
        return "There is no journal yet."
    with open_journal() as reader:
        return "" if reader.newest(1) else "The journal is empty."


def _summary(context: CommandContext) -> None:
    path, off = journal().path, journal_off_message(context)
    if journal().unavailable():
        print_lines(off)
        return
    if not journal().exists():
        print_lines("There is no journal yet.", off or f"{_WHEN_SAVED} The file will be {path}.")
        return
    with open_journal() as reader:
        count, size, since = reader.summary()
    rows = [("saving", off)] if off else []
    rows += [("journal", str(path)), ("answers", f"{count:,}"), ("size", _format_size(size))]
    if since is not None:
        rows.append(("since", datetime.fromtimestamp(since).astimezone().isoformat(" ", "minutes")))
    print_lines(
        *format_table(rows),
        "",
        "`%gemini journal list` lists the newest answers, `%gemini journal search TEXT` finds others.",
    )


def _format_size(size: float) -> str:
    for unit in ("B", "kB"):
        if size < _KILO:
            return f"{size:.0f} {unit}"
        size /= _KILO
    return f"{size:.1f} MB"


def _path(arguments: Sequence[str]) -> None:
    """Print the path of the journal."""
    _refuse_arguments("path", arguments)
    print_lines(str(journal().path))


def _list(arguments: Sequence[str]) -> Any:
    """List the newest answers."""
    _refuse_arguments("list", arguments)
    with open_journal() as reader:
        return entry_rows(reader.entries(reader.newest(_LISTED)))


def _search(arguments: Sequence[str]) -> Any:
    """List the answers that contain words."""
    words = [word for word in arguments if word.strip("* ")]
    if not words:
        raise OptionError(
            "A search text cannot consist of * only."
            if arguments
            else "`%gemini journal search` requires a text.",
            remedy="Write `%gemini journal search TEXT`; `wor*` matches words that begin with wor. "
            "`%gemini journal list` lists the newest answers.",
        )
    with open_journal() as reader:
        found = reader.search(words, _LISTED)
        if not found:
            print_lines(f"No answer in the journal matches {shlex.join(words)}.")
            return None
        return entry_rows(reader.entries(found), [word.removesuffix("*") for word in words])


def _show(arguments: Sequence[str]) -> Response:
    """Show an answer."""
    response, entry = _read_response("show", arguments)
    _print_heading(entry)
    return response


def _open(arguments: Sequence[str]) -> Response:
    """Assign an answer to `_gemini`."""
    response, entry = _read_response("open", arguments)
    _print_heading(entry)
    print_lines(f"{response!r} is assigned to `_`.")
    response.skip_next_display()  # the command returns it without a display
    return response


def _print_heading(entry: Entry) -> None:
    question = " ".join(entry.start.question.split())
    short = shortened(question, _QUESTION)
    print_lines(f"{entry.id} · {entry.local_time} · {entry.start.model}: {short}")


def _read_response(command: str, arguments: Sequence[str]) -> tuple[Response, Entry]:
    with open_journal() as reader:
        entry = _find_entry(reader, command, arguments)
        return response_from_entry(entry, reader.lines(entry.id), reader.media(entry.id)), entry


def _find_entry(reader: JournalReader, command: str, arguments: Sequence[str]) -> Entry:
    """The entry whose number is the only argument, or the newest entry without an argument."""
    if len(arguments) > 1:
        _refuse_arguments(f"{command} N", arguments[1:])
    number = _entry_number(arguments[0]) if arguments else next(iter(reader.newest(1)), 0)
    entry = reader.entry(number)
    if entry is None:
        raise JournalError(
            f"The journal has no answer {number}.", remedy="`%gemini journal list` lists the newest answers."
        )
    return entry


def _entry_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise OptionError(
            f"{text!r} is not the number of an answer.", remedy="`%gemini journal list` shows the numbers."
        )
    return min(int(text), 2**63 - 1)


def _forget(arguments: Sequence[str]) -> None:
    """Delete answers, or all."""
    if not arguments:
        raise OptionError(
            "`%gemini journal forget` requires the number of an answer, or `all`.",
            remedy="`%gemini journal list` shows the numbers.",
        )
    everything = tuple(arguments) == ("all",)
    with open_journal() as reader:
        if everything:
            entries = list(reader.entries(reader.newest(-1)))
        else:
            entries = [_find_entry(reader, "forget", [number]) for number in arguments]
        running = [entry.id for entry in entries if entry.end is None]
        if running and not everything:
            raise JournalError(
                f"Answer {running[0]} is still arriving.", remedy="Delete it after it has ended."
            )
        erased = reader.forget([entry.id for entry in entries if entry.end is not None])
    count = len(entries) - len(running)
    print_lines(f"Deleted {count} answer{'' if count == 1 else 's'}.")
    if running:
        print_lines(f"Not deleted because still arriving: {', '.join(map(str, running))}.")
    if not erased:
        print_lines(
            "Another program is reading the journal. The deleted data stays on the disk until that program closes "
            "the file."
        )


def _export(arguments: Sequence[str]) -> None:
    """Write answers to a recording."""
    if not arguments or not arguments[0].endswith(".jsonl"):
        raise OptionError(
            "`%gemini journal export` requires a file name that ends in .jsonl.",
            remedy="Write `%gemini journal export answers.jsonl`; add a number to export only that answer.",
        )
    target = Path(arguments[0]).expanduser()
    if os.path.lexists(target):
        raise OptionError(
            f"{target} already exists; `%gemini journal export` does not overwrite files.",
            remedy="Choose another name, or delete the file.",
        )
    recorder = recording.Recorder(target, append=False)
    count = 0
    with open_journal() as reader:
        if arguments[1:]:
            numbers = [_find_entry(reader, "export FILE", arguments[1:]).id]
        else:
            numbers = reader.newest(-1)[::-1]
        for entry in reader.entries(numbers):
            if lines := reader.lines(entry.id):
                _record(recorder, entry, lines, reader.media(entry.id))
                count += 1
    recorder.close()
    if recorder.problem:
        raise JournalError(f"{recorder.problem}.", remedy="Choose another folder.")
    if not count:
        raise JournalError(
            "There is nothing to export yet.", remedy="Wait until an answer has begun to arrive."
        )
    if count == 1:
        print_lines(f"Exported 1 answer to {target}. Read it with `--replay` or `Response.load`.")
    else:
        print_lines(
            f"Exported {count} answers to {target}. `--replay` finds each answer by its question.",
            "`Response.load` reads only the newest; `%gemini journal export FILE N` exports a single answer.",
        )


def _record(recorder: Recorder, entry: Entry, lines: bytes, media: Mapping[str, StoredMedia]) -> None:
    """Write the HTTP exchanges of an entry to a recording."""
    for exchange in exchanges_of(entry, lines, media):
        recorder.begin(exchange)
        recorder.write_new()


def _refuse_arguments(command: str, arguments: Sequence[str]) -> None:
    if arguments:
        raise OptionError(
            f"`%gemini journal {command}` accepts no further arguments, but got {' '.join(arguments)!r}.",
            remedy="`%gemini help journal` shows the usage.",
        )


JOURNAL_COMMANDS: dict[str, Callable[[Sequence[str]], Any]] = {
    "path": _path,
    "list": _list,
    "search": _search,
    "show": _show,
    "open": _open,
    "forget": _forget,
    "export": _export,
}
