"""What fits at the cursor: options and their values, the words of ``%gemini``, names in an expression, files.

It looks at what this process knows and asks no server; where the cursor is, was found out before.
"""

from __future__ import annotations

import builtins
import keyword
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..backends import backend, names
from ..catalog import cached_models
from ..config import Setting, settings
from ..errors import GeminiMagicError
from ..options import Options
from ..response import Response
from .commands.dispatch import WORDS, takes_answers
from .commands.journal import JOURNAL_WORDS
from .commands.status import CellRunner

__all__ = ["Offer", "complete"]

_RECORDINGS = (".jsonl", ".httprr", ".sse", ".gz")
_THINKING = ("off", "on", "minimal", "low", "medium", "high")
_FILES = ("record", "replay", "to")
_ADDRESS = ("backend", "base_url", "api_version", "project", "location")
_BUILTIN = "builtin:tour"
_DOTTED = re.compile(r"(?:[^\W\d]\w*\.)*(?:[^\W\d]\w*)?$")


class Offer(NamedTuple):
    """What fits.

    Attributes:
        fragment: what stands before the cursor and is replaced.
        texts: what may take its place, the likeliest first.
        kind: what they are, in a word for the front end.
    """

    fragment: str
    texts: list[str]
    kind: str


def complete(desk: CellRunner, kind: str, text: str) -> Offer | None:
    """What fits at a place; None where Python's own completion knows better.

    Args:
        desk: the shell's.
        kind: the place: ``line``, ``word`` or ``expression``.
        text: what stands there before the cursor.
    """
    if kind == "expression":
        return _names(desk, text)
    *said, fragment = _split(text)
    if kind == "line":
        return _on_line(desk, said, fragment)
    return _after_word(desk, said, fragment)


def _found(fragment: str, texts: Iterable[str], kind: str) -> Offer:
    """Those of the texts that begin with the fragment, in their order."""
    return Offer(fragment, list(dict.fromkeys(text for text in texts if text.startswith(fragment))), kind)


def _split(text: str) -> list[str]:
    """The words before the cursor; the last is the one it stands in, empty behind a blank."""
    try:
        words = shlex.split(text)
    except ValueError:  # within a quotation mark
        return [*text.split(), text.rpartition(" ")[2]]
    fragment = "" if not text or text[-1].isspace() else text.rsplit(maxsplit=1)[-1]
    return [*(words if not fragment else words[:-1]), fragment]


# -- a line with options


def _on_line(desk: CellRunner, said: Sequence[str], fragment: str, *, model: bool = True) -> Offer:
    flags = {flag: setting for setting in settings().values() for flag in setting.flags}
    used: dict[str, str] = {}
    waiting: Setting | None = None
    for word in said:
        flag, equals, value = word.partition("=")
        setting = flags.get(flag.replace("_", "-"))
        if waiting is not None:
            used[waiting.name], waiting = word, None
        elif setting is not None:
            used[setting.name] = value
            waiting = None if equals or setting.type is bool else setting
    flag, equals, value = fragment.partition("=")
    if waiting is None and equals and flag.replace("_", "-") in flags:
        return _values(desk, flags[flag.replace("_", "-")], value, used)
    if waiting is not None:
        return _values(desk, waiting, fragment, used)
    free = [flag for flag, setting in flags.items() if setting.name not in used or setting.type is list]
    if fragment.startswith("-"):
        off = [f"--no-{flag[2:]}" for flag in free if _may_be_off(flags[flag], flag)]
        dashed = "--" + fragment[2:].replace("_", "-") if fragment.startswith("--") else fragment
        found = _found(dashed, [*free, *(off if dashed.startswith("--n") else [])], "param")
        return found._replace(fragment=fragment)
    models = _models(desk, used) if model and "model" not in used else []
    return _found(fragment, [*models, *([] if fragment else free)], "param")


def _may_be_off(setting: Setting, flag: str) -> bool:
    return setting.type is bool and setting.config and flag.startswith("--") and not flag.startswith("--no-")


def _values(desk: CellRunner, setting: Setting, fragment: str, used: dict[str, str]) -> Offer:
    name = setting.name
    if name in _FILES:
        builtin = [_BUILTIN] if name == "replay" else []
        return _found(
            fragment, [*builtin, *_files(fragment, _RECORDINGS if name == "replay" else ())], "path"
        )
    known: dict[str, Any] = {
        "model": lambda: _models(desk, used),
        "backend": names,
        "auth": lambda: _styles(desk, used),
        "thinking": lambda: _THINKING,
        "chat": lambda: desk.session.chats,
        "out": lambda: _responses(desk),
        "key_env": lambda: sorted(each for each in os.environ if re.search("KEY|TOKEN", each)),
    }
    texts = known[name]() if name in known else setting.choices or ()
    return _found(fragment, texts, "value")


def _options(desk: CellRunner, used: dict[str, str]) -> dict[str, Any]:
    """The address that the line means, as far as it says so."""
    try:
        options = desk.options()[0]
    except GeminiMagicError:  # a configuration file that cannot be read is said when the cell runs
        options = Options()
    return {name: used.get(name) or getattr(options, name) for name in _ADDRESS}


def _models(desk: CellRunner, used: dict[str, str]) -> list[str]:
    """The models of the address, as far as this kernel knows them: `%gemini models` asks for the list."""
    asked = [run.request.model for run in desk.session.runs]
    try:
        usual = desk.options()[0].model
        listed = [model.name for model in cached_models(**_options(desk, used))]
    except GeminiMagicError:
        return asked
    return [*dict.fromkeys((*listed, *reversed(asked), usual))]


def _styles(desk: CellRunner, used: dict[str, str]) -> Sequence[str]:
    try:
        auth = backend(_options(desk, used)["backend"]).auth
    except GeminiMagicError:
        return ()
    return () if auth is None else auth.styles


def _files(fragment: str, endings: Sequence[str]) -> list[str]:
    """Folders, and files with one of the endings (any without), whose path begins with the fragment."""
    folder = fragment[: fragment.rfind("/") + 1]
    try:
        found = sorted(Path(folder or ".").expanduser().iterdir(), key=lambda path: path.name)
    except OSError:
        return []
    return [
        f"{folder}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if not path.name.startswith(".") or fragment.startswith(f"{folder}.")
        if " " not in path.name and (path.is_dir() or not endings or path.suffix in endings)
    ]


# -- a line of words


def _after_word(desk: CellRunner, said: Sequence[str], fragment: str) -> Offer:
    if not said:
        return _found(fragment, WORDS, "magic")
    word, *rest = said
    if word in ("resume", "models") and (rest or fragment.startswith("-")):
        return _on_line(desk, rest, fragment, model=False)
    if word == "config":
        return _setting(desk, fragment)
    if word == "journal":
        return _journal(rest, fragment)
    if takes_answers(word):
        return _found(fragment, _responses(desk), "instance")
    texts: dict[str, Any] = {
        "help": lambda: [*WORDS, *(flag for each in settings().values() for flag in each.flags)],
        "models": lambda: _models(desk, {}),
        "reset": lambda: desk.session.chats,
    }
    return _found(fragment, texts[word]() if word in texts and not rest else (), "instance")


def _setting(desk: CellRunner, fragment: str) -> Offer:
    name, equals, value = fragment.partition("=")
    known = {each.name: each for each in settings().values() if each.config}
    if not equals:
        return _found(fragment, known, "param")
    setting = known.get(name.replace("-", "_"))
    if setting is None:
        return _found(value, (), "value")
    if setting.type is bool:
        return _found(value, ("True", "False"), "value")
    return _values(desk, setting, value, {})


def _journal(rest: Sequence[str], fragment: str) -> Offer:
    if not rest:
        return _found(fragment, JOURNAL_WORDS, "magic")
    if rest == ["export"]:
        return _found(fragment, _files(fragment, (".jsonl",)), "path")
    return _found(fragment, ["all"] if rest == ["forget"] else (), "value")


# -- names


def _responses(desk: CellRunner) -> list[str]:
    """The user's names of responses, the newest first."""
    names = desk.shell.user_ns
    return [name for name, value in names.items() if isinstance(value, Response) and name[0] != "_"][::-1]


def _names(desk: CellRunner, text: str) -> Offer | None:
    """Names for an expression; what is more than dotted names is left to Python's own completion."""
    found = _DOTTED.search(text)
    fragment = "" if found is None else found[0]
    if not fragment and text.strip():
        return None
    base, dot, part = fragment.rpartition(".")
    if dot:
        attributes = [name.rpartition(".")[2] for name in desk.shell.Completer.attr_matches(fragment)]
        return _found(
            fragment, [f"{base}.{name}" for name in attributes if name.startswith(part)], "instance"
        )
    shell = desk.shell
    own = [name for name in shell.user_ns if name not in shell.user_ns_hidden]
    texts = [*_responses(desk), *sorted(name for name in own if name[0] != "_" or fragment)]
    if fragment:
        texts += sorted({*dir(builtins), *keyword.kwlist})
    return _found(fragment, texts, "instance")
