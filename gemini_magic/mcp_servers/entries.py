"""Reads the entries of MCP servers from JSON files, and replaces the variables in them.

A file has an object ``mcpServers`` (Claude, Cursor and others) or ``servers`` (VS Code) with an entry for each server: ``command``,
``args``, ``env`` and ``cwd`` of a program, or ``url`` and ``headers`` of an address. Members of other names are ignored, above all
``autoApprove`` and the like: no file decides what runs without a question.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ..errors import OptionError
from ..text import one_line, visible

__all__ = ["Launch", "ServerEntry", "expand_entry", "read_entries", "server_table", "shown_address"]

_MAX_SIZE = 10_000_000  # bytes of a file; ~/.claude.json also holds histories
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VS_CODE_FOLDER = ".vscode"
_HTTP = ("http", "streamable-http", "streamableHttp", "streamable_http")


class ServerEntry(NamedTuple):
    """An entry as its file has it, with variables.

    Attributes:
        name: the name of the server.
        path: the file.
        command, args, env, cwd: how a program is started; empty for an address.
        url, headers: the address; empty for a program.
        disabled: whether the file switches the server off.
        problem: a sentence about what is wrong with the entry; empty for one that can be used.
    """

    name: str
    path: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] = {}
    disabled: bool = False
    problem: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of what the entry starts or calls, as hexadecimal digits."""
        from hashlib import sha256  # noqa: PLC0415 - only where a server is used

        parts = [self.command, self.args, dict(self.env), self.cwd, self.url, dict(self.headers)]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the environment variables of this process that the entry reads."""
        texts = [self.command, *self.args, *self.env.values(), self.cwd, self.url, *self.headers.values()]
        found = [_variable_name(inner) for text in texts for inner in _VARIABLE.findall(text)]
        return tuple(dict.fromkeys(name for name in found if name))

    def describe(self) -> list[str]:
        """What the server is, in lines for a person who decides about it; no value of a variable or header is shown."""
        if self.problem:
            return [self.problem]
        lines = []
        if self.command:
            lines.append("runs " + " ".join(_quoted(word) for word in (self.command, *self.args)))
            lines += [f"in the folder {self.cwd}"] if self.cwd else []
        else:
            lines.append(f"connects to {shown_address(self.url)}")
        lines += [f"environment: {', '.join(self.env)}"] if self.env else []
        lines += [f"headers: {', '.join(self.headers)}"] if self.headers else []
        lines += [f"reads your variables: {', '.join(self.variables)}"] if self.variables else []
        return [visible(line).replace("\n", "⏎") for line in lines]


class Launch(NamedTuple):
    """An entry in which the variables are replaced.

    Attributes:
        name: the name of the server.
        command, args, env, cwd, url, headers: as in :class:`ServerEntry`, with values.
        secrets: the values that no output may show, the longest first.
        keys: those of them that look like keys; they are removed from results as well.
    """

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return one_line(f"<Launch {self.name}>")  # the values are secrets


def server_table(path: Path) -> dict[str, Any]:
    """The object with the entries of a file, as it is; empty for a file without servers.

    Raises:
        OptionError: the file cannot be read, is too large, or is not JSON of this form.
    """
    try:
        if path.stat().st_size > _MAX_SIZE:
            raise OptionError(f"{path} is larger than {_MAX_SIZE:,} bytes.", remedy="Use a smaller file.")
        content = msgspec.json.decode(_without_comments(path.read_text("utf-8-sig")))
    except (OSError, ValueError, RecursionError) as problem:
        raise OptionError(
            f"{path} cannot be read: {problem}.", remedy="Fix the file or move it away."
        ) from None
    if not isinstance(content, dict):
        raise OptionError(
            f"{path} is not a JSON object.", remedy='Write {"mcpServers": {"NAME": {"command": …}}}.'
        )
    found: dict[str, Any] = {}
    for key in ("mcpServers", "servers"):
        table = content.get(key, {})
        if not isinstance(table, dict):
            raise OptionError(
                f"{path}: {key} is not an object.", remedy='Write {"NAME": {"command": …}} there.'
            )
        found |= table
    return found


def _without_comments(text: str) -> str:
    """The text without comments and without commas before a closing bracket, which VS Code allows in its files."""
    pattern = re.compile(r'("(?:[^"\\]|\\.)*+")|//[^\n]*|/\*.*?\*/', re.DOTALL)
    plain = pattern.sub(lambda match: match[1] or " ", text)
    return re.sub(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[}\]])', lambda match: match[1] or "", plain)


def read_entries(path: Path, table: Mapping[str, Any] | None = None) -> list[ServerEntry]:
    """The entries of a file; one that is not valid has a ``problem``.

    Args:
        path: the file.
        table: what :func:`server_table` returned for it; read by default.

    Raises:
        OptionError: as for :func:`server_table`.
    """
    found = server_table(path) if table is None else table
    return [_entry(name, value, str(path)) for name, value in found.items()]


def _entry(name: str, value: Any, path: str) -> ServerEntry:
    def bad(sentence: str) -> ServerEntry:
        return ServerEntry(name, path, problem=sentence)

    if not _NAME.fullmatch(name):
        return bad("A name consists of at most 64 letters, digits, and the characters _ - and dot.")
    if not isinstance(value, dict):
        return bad("The entry is not an object.")
    for key in ("command", "cwd", "url", "type"):
        if not isinstance(value.get(key, ""), str):
            return bad(f"{key} is not text.")
    args = value.get("args", [])
    if not isinstance(args, list) or not all(isinstance(each, str) for each in args):
        return bad("args is not a list of texts.")
    env, headers = (_texts(value.get(key, {})) for key in ("env", "headers"))
    if env is None or headers is None:
        return bad(f"{'env' if env is None else 'headers'} is not an object of texts.")
    command, url, kind = value.get("command", ""), value.get("url", ""), value.get("type", "")
    if bool(command) == bool(url):
        return bad("The entry must have either a command or a url.")
    if not _is_address(url):
        return bad("url is not a valid address.")
    if kind not in ("", *(("stdio",) if command else _HTTP)):
        remedy = " The transport sse is obsolete: use the server's streamable HTTP address." * (kind == "sse")
        return bad(f"The type {kind!r} is not supported here.{remedy}")
    disabled = value.get("disabled") is True
    return ServerEntry(name, path, command, tuple(args), env, value.get("cwd", ""), url, headers, disabled)


def _is_address(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:  # such as an open bracket of an IPv6 address
        return False
    return True


def _texts(value: Any) -> dict[str, str] | None:
    """The texts of an object; numbers and booleans become text. None if it is something else."""
    if not isinstance(value, dict):
        return None
    plain = {key: json.dumps(each) if isinstance(each, bool | int) else each for key, each in value.items()}
    return plain if all(isinstance(each, str) for each in plain.values()) else None


# -- variables


def _variable_name(inner: str) -> str:
    """The environment variable in the text between the braces; empty if it names none."""
    name = inner.removeprefix("env:").partition(":-")[0]
    return name if _IDENTIFIER.fullmatch(name) else ""


def expand_entry(entry: ServerEntry) -> Launch:
    """Replace ``${NAME}``, ``${NAME:-default}`` and ``${env:NAME}`` by variables of this process, and VS Code's folders.

    Raises:
        OptionError: the entry is not valid, a variable is not set, or a ``${…}`` has another form.
    """
    if entry.problem:
        raise OptionError(
            f"The MCP server {entry.name!r} in {entry.path} cannot be used: {entry.problem}",
            remedy="Fix the entry.",
        )
    values: list[str] = []

    def replace(text: str, where: str) -> str:
        return _VARIABLE.sub(lambda match: _value(match[1], where, entry, values), text)

    env = {name: replace(text, f"env.{name}") for name, text in entry.env.items()}
    headers = {name: replace(text, f"headers.{name}") for name, text in entry.headers.items()}
    url = replace(entry.url, "url")
    launch = Launch(
        entry.name,
        replace(entry.command, "command"),
        tuple(replace(text, f"args[{index}]") for index, text in enumerate(entry.args)),
        env,
        _folder(replace(entry.cwd, "cwd"), entry),
        url,
        headers,
    )
    if url and not (_is_address(url) and urlsplit(url).scheme in ("http", "https")):
        raise OptionError(
            f"The address of the MCP server {entry.name!r} does not begin with https:// or http://.",
            remedy=f"Fix url in {entry.path}.",
        )
    secrets = set(_secrets([*env.values(), *headers.values(), *values, *_address_secrets(url)]))
    keys = {text for text in secrets if _looks_like_key(text)}
    return launch._replace(secrets=_longest_first(secrets), keys=_longest_first(keys))


def _longest_first(texts: set[str]) -> tuple[str, ...]:
    return tuple(sorted(texts, key=len, reverse=True))


def _value(inner: str, where: str, entry: ServerEntry, values: list[str]) -> str:
    place = f"{where} of the MCP server {entry.name!r} in {entry.path}"
    if inner.startswith("input:"):
        raise OptionError(
            f"{place} asks for the input {inner.removeprefix('input:')!r}, which only VS Code can ask for.",
            remedy="Write ${NAME} there, and set the environment variable NAME.",
        )
    folders = {"workspaceFolder": _project_folder(entry.path), "userHome": str(Path.home())}
    if inner in folders:
        return folders[inner]
    name = _variable_name(inner)
    if not name:
        raise OptionError(
            f"{place} has ${{{inner}}}, which is not supported.",
            remedy="Write ${NAME} or ${NAME:-default}, where NAME is an environment variable.",
        )
    _, separator, default = inner.partition(":-")
    value = os.environ.get(name, "")
    if separator and not value:
        return default
    if not value and name not in os.environ:
        raise OptionError(
            f"{place} needs the environment variable {name}, which is not set.",
            remedy=f"Set {name} before the kernel starts, or write ${{{name}:-default}} in the file.",
        )
    values.append(value)
    return value


def _folder(cwd: str, entry: ServerEntry) -> str:
    """The folder in which a program runs: of a project's file, the project's unless the entry names one."""
    if not entry.command or not (cwd or Path(entry.path).name == ".mcp.json" or _is_vs_code(entry.path)):
        return cwd
    return str(Path(_project_folder(entry.path)) / Path(cwd).expanduser())


def _is_vs_code(path: str) -> bool:
    return Path(path).parent.name == _VS_CODE_FOLDER


def _project_folder(path: str) -> str:
    folder = Path(path).parent
    return str(folder.parent if _is_vs_code(path) else folder)


# -- secrets

_SHORTEST = 6  # characters of a text that is masked; a shorter one is in ordinary words
_KEY_LENGTH = 8
_WORD = re.compile(r"[a-z]+|[A-Z][a-z]*|[A-Z]+", re.ASCII)
_PLACE = re.compile(r"(?:[~./\\]|[A-Za-z]:[\\/]|[a-z]+://[^@?]*$)")


def _secrets(texts: list[str]) -> Iterator[str]:
    for text in texts:
        for part in {text, text.strip(), *text.split()}:  # also the token after "Bearer"
            if len(part) >= _SHORTEST and part.casefold() not in ("bearer", "basic"):
                yield part


def _address_secrets(url: str) -> list[str]:
    """The parts of an address that carry keys: the password, and the values of the query."""
    parts = urlsplit(url)
    return [parts.password or "", *(pair.partition("=")[2] for pair in parts.query.split("&"))]


def _looks_like_key(text: str) -> bool:
    """Whether a text may be a key: not an ordinary word, a number, a path or an address, which results may contain."""
    return len(text) >= _KEY_LENGTH and not (
        _WORD.fullmatch(text) or text.isdecimal() or _PLACE.match(text) or " " in text
    )


def shown_address(url: str) -> str:
    """An address without its password and without the values of its query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(f"{pair.partition('=')[0]}=…" for pair in parts.query.split("&") if pair)
    return f"{parts.scheme}://{host}{parts.path}{'?' * bool(query)}{query}"


def _quoted(word: str) -> str:
    from shlex import quote  # noqa: PLC0415 - only where an entry is shown

    return word if re.fullmatch(r"[\w./:@%+=,$\{\}-]+", word) else quote(word)
