"""The commands about uploaded files: ``%gemini files …``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import OptionError
from ...files import FileServer, file_name, file_rows, forget, seconds_left
from ...media import readable_size
from ..arguments import MagicLine
from ..messages import format_table, print_lines
from .context import CommandContext

__all__ = ["FILE_COMMANDS", "files_command"]

_HOUR = 3600.0  # seconds


def files_command(context: CommandContext, line: MagicLine) -> Any:
    """List the files that this key has uploaded. COMMAND is `list`, `show FILE`, `delete FILE`, `delete all`, or `forget [FILE]`, which only forgets that the content was uploaded."""
    command, *arguments = line.arguments or ("list",)
    if command not in FILE_COMMANDS:
        raise OptionError(
            f"Unknown command: %gemini files {command}", remedy=f"Commands: {', '.join(FILE_COMMANDS)}."
        )
    return FILE_COMMANDS[command](lambda: FileServer(*context.server(line)), arguments)


def _list(server: Callable[[], FileServer], arguments: Sequence[str]) -> Any:
    """List the files at the server."""
    _check_count("list", arguments, 0)
    files = server().files()
    if not files:
        print_lines("The server has no files of this key.")
        return None
    return file_rows(files)


def _show(server: Callable[[], FileServer], arguments: Sequence[str]) -> None:
    """Show the state of a file."""
    _check_count("show", arguments, 1)
    file = server().file(arguments[0])
    rows = [("file", file.name), ("name", file.display_name), ("type", file.mime_type), ("state", file.state)]
    rows += [("size", readable_size(file.size))] if file.size is not None else []
    rows += [("sha256", file.digest)] if file.digest else []
    left = seconds_left(file)
    if file.expires is not None and left is not None:
        moment = file.expires.astimezone().isoformat(" ", "minutes")
        rows.append(("expires", f"{moment}, in {left / _HOUR:.1f} h" if left > 0 else f"{moment}, expired"))
    rows += [("error", file.error)] if file.error else []
    print_lines(*format_table([*rows, ("address", file.uri)]))


def _delete(server: Callable[[], FileServer], arguments: Sequence[str]) -> None:
    """Delete a file, or all, from the server."""
    _check_count("delete", arguments, 1)
    owner = server()
    everything = arguments[0] == "all"
    names = [file.name for file in owner.files()] if everything else [file_name(arguments[0])]
    for name in names:
        owner.delete(name)
    if everything:
        print_lines(f"Deleted {len(names)} file{'' if len(names) == 1 else 's'}.")
    else:
        print_lines(f"Deleted {names[0]}.")


def _forget(_: Callable[[], FileServer], arguments: Sequence[str]) -> None:
    """Forget which files were uploaded, so that they are uploaded again."""
    if arguments[1:]:
        _check_count("forget", arguments, 1)
    name = None if not arguments or arguments[0] == "all" else arguments[0]
    count = forget(name)
    print_lines(
        f"Forgot {count} uploaded file{'' if count == 1 else 's'}. The server still has what it has: "
        "`%gemini files delete` deletes it."
    )


def _check_count(command: str, arguments: Sequence[str], count: int) -> None:
    if len(arguments) == count:
        return
    wanted = "the id of one file" if count else "no further arguments"
    got = f", but got {' '.join(arguments)!r}" if arguments else ""
    verb = "requires" if count else "accepts"
    raise OptionError(
        f"`%gemini files {command}` {verb} {wanted}{got}.",
        remedy="`%gemini files list` shows the ids; `%gemini help files` shows the usage.",
    )


FILE_COMMANDS: dict[str, Callable[[Callable[[], FileServer], Sequence[str]], Any]] = {
    "list": _list,
    "show": _show,
    "delete": _delete,
    "forget": _forget,
}
