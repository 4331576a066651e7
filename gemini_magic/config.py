"""What is configured: every option by name, its value, and where that came from.

It reads configuration files and the environment; it does not parse a cell's line (``notebook.arguments``) and
knows no key's value.

Precedence, highest first: cell line (or the arguments of a call), the answer that is gone on with, ``%config
GeminiMagics``, ``pyproject.toml [tool.gemini_magic]``, the user's ``gemini_magic.toml``, environment, default.

A ``key_env`` counts for the address it was said with: where ``base_url`` or ``backend`` is another one by a word of
higher precedence, it is dropped, so that no key follows to an address that its owner did not mean.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_type_hints

from .backends import backend, names
from .errors import OptionError
from .options import DISPLAYS, Options

__all__ = ["CALL", "DISPLAYS", "KEPT_BACK", "Options", "Setting", "resolve", "settings", "user_file"]

CALL = "the call"
"""Where values come from that are arguments of a Python function."""

KEPT_BACK = "key_env kept back"
"""What :func:`resolve` says, in its sources, of a ``key_env`` that it dropped: a sentence under this name."""

_LINE = "cell line"
_AGAIN = "the answer before"


class Setting:
    """One field of :class:`Options` with all that is known of it.

    Attributes:
        name: the field's and the configuration's name.
        type: ``str``, ``int``, ``float``, ``bool`` or ``list``.
        default: the value when nobody says anything.
        optional: whether None is a value.
        flags: the option strings, empty when it is configuration only.
        help, metavar, choices: as argparse takes them.
        instead: a remedy for each of some values that are no choice.
        config: whether it can be configured beyond one cell.
        env: environment variable that sets it.
        least, above, most: the bounds of a number, None where there is none.
    """

    def __init__(self, field: dataclasses.Field[Any], hint: Any) -> None:
        meta = field.metadata
        kinds = [kind for kind in getattr(hint, "__args__", (hint,)) if kind is not type(None)]
        self.name = field.name
        self.type: type = list if field.default is dataclasses.MISSING else kinds[0]
        self.default: Any = [] if field.default is dataclasses.MISSING else field.default
        self.optional = type(None) in getattr(hint, "__args__", ())
        self.flags: tuple[str, ...] = meta["flags"]
        self.help: str = meta["help"]
        self.metavar: str | None = meta["metavar"]
        self.choices: Sequence[str] | None = meta["choices"]
        self.instead: Mapping[str, str] = meta["instead"]
        self.config: bool = meta["config"]
        self.env: str | None = meta["env"]
        self.least: float | None = meta["least"]
        self.above: float | None = meta["above"]
        self.most: float | None = meta["most"]

    def convert(self, value: Any, where: str) -> Any:
        """``value`` as this setting's type; an empty text says nothing where nothing can be said.

        Raises:
            OptionError: it does not fit; ``where`` names the option and the place it stands in.
        """
        if self.optional and (value is None or (self.type is str and isinstance(value, str) and not value)):
            return None
        try:
            converted = self._typed(value)
        except (TypeError, ValueError, KeyError, OverflowError):
            raise self._problem(value, where) from None
        if self.choices and converted not in self.choices:
            raise OptionError(
                f"{where}: {value!r} is not one of {', '.join(self.choices)}.",
                remedy=self.instead.get(converted) or f"{self.name} is: {self.help}.",
            )
        if self.type in (int, float) and not self._in_bounds(converted):
            raise self._problem(value, where)
        return converted

    def _typed(self, value: Any) -> Any:
        if self.type is list:
            return [str(item) for item in ([value] if isinstance(value, str) else value)]
        if self.type is bool:
            if isinstance(value, str):
                return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                    value.lower()
                ]
            return bool(value)
        converted = self.type(value)
        if self.type is int and isinstance(value, float) and converted != value:
            raise ValueError  # 1.5 is no whole number, whether it comes as text or as a number
        return converted

    def _in_bounds(self, number: float) -> bool:
        return (
            (self.type is int or math.isfinite(number))
            and (self.least is None or number >= self.least)
            and (self.above is None or number > self.above)
            and (self.most is None or number <= self.most)
        )

    def _problem(self, value: Any, where: str) -> OptionError:
        wanted = {"float": "a number", "int": "a whole number", "bool": "true or false"}
        return OptionError(
            f"{where}: {value!r} is not {wanted.get(self.type.__name__, 'text')}{self._bounds()}.",
            remedy=f"{self.name} is: {self.help}.",
        )

    def _bounds(self) -> str:
        """The bounds in words, behind "a number"."""
        if self.least is not None:
            return (
                f", {self.least:g} or more" if self.most is None else f" from {self.least:g} to {self.most:g}"
            )
        above = "" if self.above is None else f" above {self.above:g}"
        return above if self.most is None else f"{above}, at most {self.most:,.0f}"


@cache
def settings() -> Mapping[str, Setting]:
    """All settings by name, in the order in which help shows them."""
    hints = get_type_hints(Options)
    return {field.name: Setting(field, hints[field.name]) for field in dataclasses.fields(Options)}


def user_file() -> Path:
    """The user's own configuration file, whether or not it exists."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "gemini_magic.toml"


def _project_file(start: Path) -> Path | None:
    # Names, not paths: this is walked before every call.
    folder, name = str(start), "pyproject.toml"
    while not os.path.isfile(candidate := os.path.join(folder, name)):  # noqa: PTH113, PTH118 - see above
        folder, below = os.path.dirname(folder), folder  # noqa: PTH120 - see above
        if folder == below:
            return None
    return Path(candidate)


@lru_cache(maxsize=8)
def _parsed(path: Path, *_state: int) -> Any:
    """The file's content, read again when its state has changed: reading takes longer than all else before a call."""
    return tomllib.loads(path.read_text("utf-8"))


def _table(path: Path | None, *keys: str) -> dict[str, Any]:
    if path is None or not path.is_file():
        return {}
    try:
        found = path.stat()
        table: Any = _parsed(path, found.st_mtime_ns, found.st_size, found.st_ino)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise OptionError(
            f"{path} cannot be read: {problem}.", remedy="Mend the file or move it away."
        ) from None
    for key in keys:
        table = table.get(key, {})
    if not isinstance(table, dict):
        raise OptionError(f"{path}: [{'.'.join(keys)}] is not a table.", remedy="Write name = value lines.")
    return {name.replace("-", "_"): value for name, value in table.items()}


def _environment(known: Mapping[str, Setting]) -> dict[str, Any]:
    return {
        setting.name: os.environ[setting.env]
        for setting in known.values()
        if setting.env and os.environ.get(setting.env)
    }


def _layers(
    config: Mapping[str, Any], known: Mapping[str, Setting], start: Path
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where values come from beside the question itself, lowest precedence first."""
    yield "environment", _environment(known)
    mine = user_file()
    yield str(mine), _table(mine)
    project = _project_file(start)
    yield str(project), _table(project, "tool", "gemini_magic")
    yield "%config GeminiMagics", config


def resolve(
    line: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    again: Mapping[str, Any] | None = None,
    place: str = _LINE,
    start: Path | None = None,
) -> tuple[Options, dict[str, str]]:
    """Options for one call, and where each value that is not a default came from.

    Args:
        line: what the cell's line (or the keyword arguments of a call) says; only what was said.
        config: what ``%config GeminiMagics`` says; only what was said.
        again: the options of an answer that this call goes on with.
        place: what ``line`` is called in the sources; :data:`CALL` for the arguments of a call.
        start: folder in which the search for ``pyproject.toml`` begins; the working folder by default.

    Raises:
        OptionError: an unknown name (with close matches) or a value of the wrong type.
    """
    known, values, sources = settings(), dict[str, Any](), dict[str, str]()
    said_for = _address(values)  # what key_env was said for
    configured = _layers(config or {}, known, start or Path.cwd())
    for where, layer in (*configured, (_AGAIN, again or {}), (place, line or {})):
        asking = where in (_AGAIN, place)
        for name, value in layer.items():
            setting = known.get(name)
            if setting is None or not (setting.config or asking):
                raise _unknown(name, "" if asking else where, known)
            values[name] = setting.convert(value, name if asking else f"{where}: {name}")
            sources[name] = where
        if "key_env" in layer:
            said_for = _address(values)
    _keep_back(values, sources, said_for)
    if sources.get("location") == "environment" and not values.get("project"):
        # It belongs to a project; whoever only has a key asks the one address that takes keys.
        del values["location"], sources["location"]
    name = values.get("backend", Options.backend)
    if "model" not in values and name in names() and backend(name).default_model != Options.model:
        values["model"], sources["model"] = backend(name).default_model, f"default of the {name} backend"
    return Options(**values), sources


def _unknown(name: str, where: str, known: Mapping[str, Setting]) -> OptionError:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
    start = f"{where}: there" if where else "There"
    return OptionError(f"{start} is no setting {name!r}.", remedy=hint)


def _address(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that say whom a key would go to."""
    return {"base_url": values.get("base_url"), "backend": values.get("backend", Options.backend)}


def _keep_back(values: dict[str, Any], sources: dict[str, str], said_for: Mapping[str, Any]) -> None:
    """Drop a ``key_env`` that was said for another address."""
    now = _address(values)
    changed = [name for name in now if now[name] != said_for[name]]
    if not values.get("key_env") or not changed:
        return
    name, place, before = changed[0], sources[changed[0]], sources["key_env"]
    option = "--key-env" if place == _LINE else "key_env"
    values["key_env"] = None
    sources["key_env"] = f"kept back: {name} is from {place}"
    sources[KEPT_BACK] = (
        f"The key that key_env ({before}) names was not sent: {name} was named later ({place}). "
        f"Add {option} there to send it to this address."
    )
