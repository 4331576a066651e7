"""Finds completions: options and their values, commands and their arguments, names in an expression, and files.

It uses only what this process knows and never asks a server. ``matcher`` finds the place of the cursor.
"""

from __future__ import annotations

import builtins
import keyword
import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import tools as toolbox
from ..backends import AGENTS, AUTO, backend, names
from ..catalog import cached_models
from ..comparison import sweepable_options
from ..config import Setting, settings
from ..errors import GeminiMagicError
from ..journaling import started_interactions, uploaded_files
from ..mcp_servers import known_servers, mcp_servers
from ..options import Options
from ..response import Response
from .cell_schema import can_be_schema
from .commands.context import CommandContext
from .commands.dispatch import COMMANDS
from .commands.files import FILE_COMMANDS
from .commands.interactions import INTERACTION_COMMANDS
from .commands.journal import JOURNAL_COMMANDS
from .commands.mcp import MCP_COMMANDS
from .row_completion import complete_column, complete_row_option
from .row_options import row_settings

__all__ = ["Completions", "complete"]

_RECORDINGS = (".jsonl", ".httprr", ".sse", ".gz")
_THINKING = ("off", "on", "minimal", "low", "medium", "high")
_CHOICES = ("auto", "any", "none")
_FILE_OPTIONS = ("record", "replay", "to")
_ADDRESS = ("backend", "base_url", "api_version", "project", "location")
_BUILTIN = "builtin:tour"
_MAX_DESCRIPTION = 60  # characters
_CLAUSE = re.compile(r"[;.] | \(|\.$")
_DOTTED = re.compile(r"(?:[^\W\d]\w*\.)*(?:[^\W\d]\w*)?$")


class Completions(NamedTuple):
    """The completions at a place.

    Attributes:
        fragment: the text before the cursor that a completion replaces.
        texts: the completions, the most likely first.
        kind: their type, as the front end displays it.
        descriptions: what to display instead of the type, by completion.
    """

    fragment: str
    texts: list[str]
    kind: str
    descriptions: Mapping[str, str] = {}


def complete(context: CommandContext, kind: str, text: str, line: str = "") -> Completions | None:
    """Find the completions at a place; None to let IPython find them.

    Args:
        context: the context of the shell's commands.
        kind: the kind of place: ``options``, ``command`` or ``expression``.
        text: the text of the place before the cursor.
        line: the line of ``%%gemini``, for an expression of the prompt below it.
    """
    if kind == "expression":
        columns = complete_column(text, line, context.shell.user_ns)
        return _complete_names(context, text) if columns is None else _matching(*columns, "field")
    *words, fragment = _split(text)
    if kind == "options":
        return _complete_options(context, words, fragment)
    return _complete_command(context, words, fragment)


def _matching(
    fragment: str, texts: Iterable[str], kind: str, descriptions: Mapping[str, str] | None = None
) -> Completions:
    """The texts that begin with the fragment, in their order, without duplicates."""
    found = list(dict.fromkeys(text for text in texts if text.startswith(fragment)))
    known = descriptions or {}
    described = {text: _short(known[text]) for text in found if text in known}
    return Completions(fragment, found, kind, described)


def _short(description: str) -> str:
    """The first clause of a description, on one line; front ends show it in one line beside the completion."""
    line = _CLAUSE.split(" ".join(description.replace("`", "").split()), maxsplit=1)[0]
    return line if len(line) <= _MAX_DESCRIPTION else f"{line[: _MAX_DESCRIPTION - 1].rstrip()}…"


def _split(text: str) -> list[str]:
    """The words before the cursor. The last one is the word at the cursor; it is empty after a space."""
    try:
        words = shlex.split(text)
    except ValueError:  # an unclosed quotation mark
        return [*text.split(), text.rpartition(" ")[2]]
    fragment = "" if not text or text[-1].isspace() else text.rsplit(maxsplit=1)[-1]
    return [*(words if not fragment else words[:-1]), fragment]


# -- options


def _complete_options(
    context: CommandContext, words: Sequence[str], fragment: str, *, model: bool = True
) -> Completions:
    known = {**settings(), **row_settings()} if model else settings()
    flags = {flag: setting for setting in known.values() for flag in setting.flags}
    used: dict[str, str] = {}
    pending: Setting | None = None  # the option whose value comes next
    for word in words:
        flag, equals, value = word.partition("=")
        setting = flags.get(flag.replace("_", "-"))
        if pending is not None:
            used[pending.name], pending = word, None
        elif setting is not None:
            used[setting.name] = value
            pending = None if equals or setting.type is bool else setting
    flag, equals, value = fragment.partition("=")
    if pending is None and equals and flag.replace("_", "-") in flags:
        return _complete_value(context, flags[flag.replace("_", "-")], value, used)
    if pending is not None:
        return _complete_value(context, pending, fragment, used)
    unused = [flag for flag, setting in flags.items() if setting.name not in used or setting.type is list]
    if "rows" not in used:
        unused = [flag for flag in unused if flag == "--rows" or flags[flag].name not in row_settings()]
    if fragment.startswith("-"):
        negated = [f"--no-{flag[2:]}" for flag in unused if _can_be_negated(flags[flag], flag)]
        dashed = "--" + fragment[2:].replace("_", "-") if fragment.startswith("--") else fragment
        shown = [*unused, *(negated if dashed.startswith("--n") else [])]
        helps = {flag: setting.help for flag, setting in flags.items()}
        helps |= {f"--no-{flag[2:]}": f"turn off {flag}" for flag in flags if flag[:5] != "--no-"}
        found = _matching(dashed, shown, "param", helps | {flag: flags[flag].help for flag in flags})
        return found._replace(fragment=fragment)
    models = _models(context, used) if model and "model" not in used else []
    described = _model_names(context, used) | {flag: setting.help for flag, setting in flags.items()}
    return _matching(fragment, [*models, *([] if fragment else unused)], "param", described)


def _can_be_negated(setting: Setting, flag: str) -> bool:
    return setting.type is bool and setting.config and flag.startswith("--") and not flag.startswith("--no-")


def _complete_value(
    context: CommandContext, setting: Setting, fragment: str, used: dict[str, str]
) -> Completions:
    name = setting.name
    if name in _FILE_OPTIONS:
        builtin = [_BUILTIN] if name == "replay" else []
        return _matching(
            fragment, [*builtin, *_files(fragment, _RECORDINGS if name == "replay" else ())], "path"
        )
    if name in row_settings():
        return _matching(
            fragment, complete_row_option(setting, fragment, used, context.shell, _files), "value"
        )
    if name == "attach":
        return _complete_attachment(context, fragment)
    known: dict[str, Callable[[], Iterable[str]]] = {
        "model": lambda: _models(context, used),
        "compare": lambda: _more_models(context, fragment, used),
        "sweep": lambda: _swept(fragment),
        "agent": lambda: AGENTS,
        "backend": lambda: (*names(), AUTO),
        "auth": lambda: _auth_styles(context, used),
        "thinking": lambda: _THINKING,
        "chat": lambda: context.session.chats,
        "out": lambda: _response_names(context),
        "schema": lambda: (*_schema_names(context), *_files(fragment, (".json",))),
        "schema_multi": lambda: (*_schema_names(context), *_files(fragment, (".json",))),
        "decide": lambda: _files(fragment, (".json",)),
        "tool": lambda: [*_functions(context), *toolbox.READY_MADE],
        "mcp": lambda: _server_tools(fragment),
        "remote_mcp": _servers,
        "tool_choice": lambda: (*_CHOICES, *([used["tool"]] if "tool" in used else [])),
        "key_env": lambda: sorted(each for each in os.environ if re.search("KEY|TOKEN", each)),
    }
    if name == "previous":
        return _matching(fragment, (stored := _stored_answers()), "value", stored)
    texts = known[name]() if name in known else setting.choices or ()
    described = _model_names(context, used) if name == "model" else {}
    return _matching(fragment, texts, "value", described)


def _more_models(context: CommandContext, fragment: str, used: dict[str, str]) -> list[str]:
    """The models before the last comma of ``--compare``, with each one that may follow."""
    named, comma, _ = fragment.rpartition(",")
    before = [each.strip() for each in named.split(",")]
    return [f"{named}{comma}{model}" for model in _models(context, used) if model not in before]


def _swept(fragment: str) -> list[str]:
    """The options of ``--sweep`` with an equals sign; after it, the values of an option that has few."""
    name, equals, _ = fragment.partition("=")
    options = sweepable_options()
    if not equals:
        return [f"{each}=" for each in options]
    values = _THINKING if name == "thinking" else options[name].choices if name in options else None
    named, comma, _ = fragment.rpartition(",")
    before = f"{named}{comma}" or f"{name}="
    return [f"{before}{value}" for value in values or ()]


def _schema_names(context: CommandContext) -> list[str]:
    """The names of the user's classes that can describe an answer, and the start of a list."""
    shell = context.shell
    own = [name for name in shell.user_ns if name not in shell.user_ns_hidden and name[0] != "_"]
    return [*sorted(name for name in own if can_be_schema(shell.user_ns[name])), "list["]


def _functions(context: CommandContext) -> list[str]:
    """The names of the user's functions and of other objects that can be tools."""
    shell = context.shell
    own = [name for name in shell.user_ns if name not in shell.user_ns_hidden and name[0] != "_"]
    return sorted(name for name in own if toolbox.can_be_tool(shell.user_ns[name]))


def _complete_attachment(context: CommandContext, fragment: str) -> Completions:
    """Files, and variables of the user, which are described by their type."""
    shell = context.shell
    variables = [name for name in shell.user_ns if name not in shell.user_ns_hidden and name[0] != "_"]
    kinds = {name: type(shell.user_ns[name]).__name__ for name in variables}
    shown = [name for name in sorted(variables) if kinds[name] not in ("module", "function", "type")]
    return _matching(fragment, [*shown, *_files(fragment, ())], "path", kinds)


def _address(context: CommandContext, used: dict[str, str]) -> dict[str, Any]:
    """The address settings of a line: its options, completed by the configuration."""
    try:
        options = context.options()[0]
    except GeminiMagicError:  # the error of an unreadable configuration file is reported when the cell runs
        options = Options()
    return {name: used.get(name) or getattr(options, name) for name in _ADDRESS}


def _models(context: CommandContext, used: dict[str, str]) -> list[str]:
    """The models of the line's address that this process knows; ``%gemini models`` requests the list."""
    requested = [run.request.model for run in context.session.runs]
    try:
        default = context.options()[0].model
        listed = [model.name for model in cached_models(**_address(context, used))]
    except GeminiMagicError:
        return requested
    return [*dict.fromkeys((*listed, *reversed(requested), default))]


def _model_names(context: CommandContext, used: dict[str, str]) -> dict[str, str]:
    """The names of models that are meant for people, by the name in the API."""
    try:
        listed = cached_models(**_address(context, used))
    except GeminiMagicError:
        return {}
    return {model.name: model.display_name for model in listed if model.display_name}


def _auth_styles(context: CommandContext, used: dict[str, str]) -> Sequence[str]:
    try:
        auth = backend(_address(context, used)["backend"]).auth
    except GeminiMagicError:
        return ()
    return () if auth is None else auth.styles


def _files(fragment: str, suffixes: Sequence[str]) -> list[str]:
    """The folders, and the files with one of the suffixes (any file without suffixes), that match a path."""
    folder = fragment[: fragment.rfind("/") + 1]
    try:
        found = sorted(Path(folder or ".").expanduser().iterdir(), key=lambda path: path.name)
    except OSError:
        return []
    return [
        f"{folder}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if not path.name.startswith(".") or fragment.startswith(f"{folder}.")
        if " " not in path.name and (path.is_dir() or not suffixes or path.suffix in suffixes)
    ]


# -- commands


def _complete_command(context: CommandContext, words: Sequence[str], fragment: str) -> Completions:
    if not words:
        return _matching(fragment, COMMANDS, "magic", _command_helps())
    name, *arguments = words
    command = COMMANDS.get(name)
    if command is None:
        return _matching(fragment, (), "instance")
    if command.completes == "files" and not fragment.startswith("-"):
        return _complete_files(arguments, fragment)
    if command.completes == "interactions" and not fragment.startswith("-"):
        return _complete_interactions(arguments, fragment)
    if command.sends and (arguments or fragment.startswith("-")):
        return _complete_options(context, arguments, fragment, model=False)
    if command.completes == "setting":
        return _complete_setting(context, fragment)
    if command.completes == "journal":
        return _complete_journal(arguments, fragment)
    if command.completes == "mcp":
        return _complete_mcp(arguments, fragment)
    known: dict[str, Callable[[], Iterable[str]]] = {
        "answer": lambda: _response_names(context),
        "chat": lambda: context.session.chats,
        "model": lambda: _models(context, {}),
        "tool": lambda: [*_functions(context), *toolbox.READY_MADE, *_servers()],
        "topic": lambda: [
            *COMMANDS,
            "options",
            *(flag for each in settings().values() for flag in each.flags),
        ],
    }
    full = command.limit is not None and len(arguments) >= command.limit
    texts = known[command.completes]() if command.completes and not full else ()
    described: Mapping[str, str] = {}
    if command.completes == "topic":
        described = _command_helps() | {
            flag: each.help for each in settings().values() for flag in each.flags
        }
    elif command.completes == "model":
        described = _model_names(context, {})
    return _matching(fragment, texts, "instance", described)


def _command_helps() -> dict[str, str]:
    return {name: command.help for name, command in COMMANDS.items()}


def _complete_setting(context: CommandContext, fragment: str) -> Completions:
    name, equals, value = fragment.partition("=")
    known = {each.name: each for each in settings().values() if each.config}
    if not equals:
        return _matching(fragment, known, "param", {name: setting.help for name, setting in known.items()})
    setting = known.get(name.replace("-", "_"))
    if setting is None:
        return _matching(value, (), "value")
    if setting.type is bool:
        return _matching(value, ("True", "False"), "value")
    return _complete_value(context, setting, value, {})


def _complete_journal(arguments: Sequence[str], fragment: str) -> Completions:
    if not arguments:
        helps = {name: run.__doc__ or "" for name, run in JOURNAL_COMMANDS.items()}
        return _matching(fragment, JOURNAL_COMMANDS, "magic", helps)
    if arguments == ["export"]:
        return _matching(fragment, _files(fragment, (".jsonl",)), "path")
    return _matching(fragment, ["all"] if arguments == ["forget"] else (), "value")


def _complete_mcp(arguments: Sequence[str], fragment: str) -> Completions:
    if not arguments:
        helps = {name: run.__doc__ or "" for name, run in MCP_COMMANDS.items()}
        return _matching(fragment, MCP_COMMANDS, "magic", helps)
    if len(arguments) > 1 or arguments[0] == "list":
        return _matching(fragment, (), "value")
    takes_file = arguments[0] in ("add", "trust", "remove")
    files = _files(fragment, (".json",)) if takes_file else []
    return _matching(fragment, [*([] if arguments[0] == "add" else _servers()), *files], "value")


def _servers() -> list[str]:
    """The names of the MCP servers."""
    try:
        return list(dict.fromkeys(each.entry.name for each in known_servers() if each.entry.name))
    except GeminiMagicError:
        return []


def _server_tools(fragment: str) -> list[str]:
    """The values of ``--mcp``: servers, and after a colon the tools of one that runs."""
    name, colon, tools = fragment.partition(":")
    if not colon:
        return _servers()
    before = tools[: tools.rfind(",") + 1]
    try:
        entry = mcp_servers().find(name)
    except GeminiMagicError:
        return []
    return [f"{name}:{before}{each.tool.name}" for each in mcp_servers().running_tools(entry)]


def _complete_files(arguments: Sequence[str], fragment: str) -> Completions:
    if not arguments:
        helps = {name: run.__doc__ or "" for name, run in FILE_COMMANDS.items()}
        return _matching(fragment, FILE_COMMANDS, "magic", helps)
    if arguments not in (["show"], ["delete"], ["forget"]):
        return _matching(fragment, (), "value")
    known = {each.name: each.label for each in uploaded_files().files()[::-1]}
    return _matching(fragment, [*known, *([] if arguments == ["show"] else ["all"])], "value", known)


def _stored_answers() -> dict[str, str]:
    """What the remembered interactions are, by their ids, the newest first."""
    return {each.id: f"{each.name}: {each.question}" for each in started_interactions().all()}


def _complete_interactions(arguments: Sequence[str], fragment: str) -> Completions:
    if not arguments:
        helps = {name: run.__doc__ or "" for name, run in INTERACTION_COMMANDS.items()}
        return _matching(fragment, INTERACTION_COMMANDS, "magic", helps)
    if len(arguments) > 1 or arguments[0] not in INTERACTION_COMMANDS or arguments[0] == "list":
        return _matching(fragment, (), "value")
    known = _stored_answers()
    return _matching(fragment, [*(["last"] if known else []), *known], "value", known)


# -- names


def _response_names(context: CommandContext) -> list[str]:
    """The names of the user's variables that hold a response, the newest first."""
    namespace = context.shell.user_ns
    return [name for name, value in namespace.items() if isinstance(value, Response) and name[0] != "_"][::-1]


def _complete_names(context: CommandContext, text: str) -> Completions | None:
    """Names and attributes for an expression; None for code that IPython completes better, such as ``data['``."""
    found = _DOTTED.search(text)
    fragment = "" if found is None else found[0]
    if not fragment and text.strip():
        return None
    shell = context.shell
    base, dot, part = fragment.rpartition(".")
    if dot:
        attributes = [name.rpartition(".")[2] for name in shell.Completer.attr_matches(fragment)]
        return _matching(
            fragment, [f"{base}.{name}" for name in attributes if name.startswith(part)], "instance"
        )
    visible = [name for name in shell.user_ns if name not in shell.user_ns_hidden]
    texts = [*_response_names(context), *sorted(name for name in visible if name[0] != "_" or fragment)]
    if fragment:
        texts += sorted({*dir(builtins), *keyword.kwlist})
    kinds = {name: type(value).__name__ for name, value in shell.user_ns.items()}
    return _matching(fragment, texts, "instance", kinds)
