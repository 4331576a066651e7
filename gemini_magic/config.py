"""Resolves the options of a call from all configuration layers, and records where each value came from.

Precedence, highest first: the cell line (or the arguments of a call), the options of the previous answer in a follow-up,
``%config GeminiMagics``, ``pyproject.toml [tool.gemini_magic]``, the user's ``gemini_magic.toml``, environment
variables, defaults.

A ``key_env`` is valid for the server that was configured in the same layer or below it. If a higher layer changes
``base_url`` or ``backend``, the ``key_env`` is dropped, so that a key is never sent to a server it was not meant for.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from .backends import choose_backend, default_model
from .errors import OptionError
from .options import Options
from .project_files import (
    PROJECT_TABLE,
    IgnoredSetting,
    WatchedFiles,
    config_folder,
    describe_ignored,
    project_settings,
    read_table,
)

__all__ = [
    "CALL",
    "CHOSEN",
    "IGNORED",
    "KEY_WITHHELD",
    "PREVIOUS",
    "IgnoredSetting",
    "Options",
    "Setting",
    "ignored_settings",
    "precedence",
    "project_table",
    "resolve",
    "settings",
    "to_json",
    "user_file",
]

CALL = "the call"
"""The source of values that are arguments of a Python function."""

KEY_WITHHELD = "key_env withheld"
"""The key under which the sources of :func:`resolve` explain, in a sentence, why a ``key_env`` was dropped."""

IGNORED = "ignored settings"
"""The key under which the sources of :func:`resolve` explain, in a sentence, which settings of a project were ignored."""

CHOSEN = "chosen backend"
"""The key under which the sources of :func:`resolve` explain, in a sentence, why a backend was chosen."""

_REPR: Any = object.__str__  # of types whose text is only their repr
_LONGEST_VALUE = 200  # characters of a value in a message
_LINE = "cell line"
PREVIOUS = "the previous answer"
"""The source of values that a follow-up request inherits."""
_ENVIRONMENT = "environment"
_CONFIG = "%config GeminiMagics"


class Setting:
    """The declaration of one field of :class:`Options`.

    Attributes:
        name: the name of the field, in Python and in configuration files.
        type: ``str``, ``int``, ``float``, ``bool`` or ``list``.
        default: the value when the option is not set.
        optional: whether None is allowed.
        flags: the flags in a cell's line; empty for an option that is for configuration only.
        help, metavar, choices: as in argparse.
        remedies: hints for values that are not allowed but that users of other tools try.
        config: whether the option can be configured; otherwise it belongs to a single cell.
        project: whether a project's file may set it; as in :func:`~gemini_magic.options.option`.
        env: the environment variable that sets it.
        json: whether the value is JSON, so that Python objects are accepted too.
        is_object: whether the value is any Python object, which is kept as it is.
        minimum, exclusive_minimum, maximum: the bounds of a number; None without a bound.
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
        self.remedies: Mapping[str, str] = meta["remedies"]
        self.config: bool = meta["config"]
        self.project: bool | str | None = meta["project"]
        self.env: str | None = meta["env"]
        self.json: bool = meta["json"]
        self.is_object: bool = meta["is_object"]
        self.minimum: float | None = meta["minimum"]
        self.exclusive_minimum: float | None = meta["exclusive_minimum"]
        self.maximum: float | None = meta["maximum"]

    def convert(self, value: Any, where: str) -> Any:
        """Convert a value to the type of this setting. Where None is allowed, an empty string means None.

        Args:
            value: the value as given.
            where: the name of the option and its source, for the error message.

        Raises:
            OptionError: the value has the wrong type, is out of bounds, or is not one of the choices.
        """
        takes_text = self.type is str or self.is_object
        if self.optional and (value is None or (takes_text and isinstance(value, str) and not value.strip())):
            return None
        if self.is_object:
            return value
        try:
            converted = self._typed(value)
        except (TypeError, ValueError, KeyError, OverflowError):
            raise self._problem(value, where) from None
        if self.choices and converted not in self.choices:
            raise OptionError(
                f"{where} must be one of {', '.join(self.choices)}, not {_shown(value)}.",
                remedy=self.remedies.get(converted) or f"{self.name}: {self.help}.",
            )
        if self.type in (int, float) and not self._in_bounds(converted):
            raise self._problem(value, where)
        return converted

    def _typed(self, value: Any) -> Any:
        if self.json and isinstance(value, Mapping):
            if self.type is str:
                return to_json(value)
            return [f"{name}={to_json(each)}" for name, each in value.items()]
        if self.type is list:
            if isinstance(value, Mapping | bytes):
                raise TypeError
            return [_as_text(item) for item in ([value] if isinstance(value, str) else value)]
        if self.type is str:
            return _as_text(value)
        if self.type is bool:
            if isinstance(value, str):
                return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                    value.lower()
                ]
            return bool(value)
        converted = self.type(value)
        if self.type is int and isinstance(value, float) and converted != value:
            raise ValueError  # 1.5 is not an integer, given as text or as a number
        return converted

    def _in_bounds(self, number: float) -> bool:
        return (
            (self.type is int or math.isfinite(number))
            and (self.minimum is None or number >= self.minimum)
            and (self.exclusive_minimum is None or number > self.exclusive_minimum)
            and (self.maximum is None or number <= self.maximum)
        )

    def _problem(self, value: Any, where: str) -> OptionError:
        expected = {
            "float": "a number",
            "int": "an integer",
            "bool": "true or false",
            "list": "text or a list of text",
        }
        kind = expected.get(self.type.__name__, "text")
        if self.json:
            kind = (
                "a JSON object, as a dict or as text"
                if self.type is str
                else "a dict or a list of NAME=VALUE"
            )
        return OptionError(
            f"{where} must be {kind}{self._bounds()}, not {_shown(value)}.",
            remedy=f"{self.name}: {self.help}.",
        )

    def _bounds(self) -> str:
        """The bounds, as they follow "a number" in a message."""
        if self.minimum is not None:
            if self.maximum is None:
                return f" of {self.minimum:g} or greater"
            return f" from {self.minimum:g} to {self.maximum:g}"
        above = "" if self.exclusive_minimum is None else f" greater than {self.exclusive_minimum:g}"
        return above if self.maximum is None else f"{above} and at most {self.maximum:,.0f}"


def to_json(value: Any) -> str:
    """The JSON text of a Python value.

    NumPy's arrays and numbers, dataclasses, pydantic models, sets, enumerations, dates and the like become what they hold.

    Raises:
        TypeError, ValueError: the value, or something in it, has no JSON.
    """
    try:
        return json.dumps(value, default=_plain_value, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise ValueError("The value is nested too deeply.") from None


def _shown(value: object) -> str:
    """A value of the user in a message, shortened to a line."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a class of the user, or too many levels
        return f"an object of the type {type(value).__name__}"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _plain_value(value: Any) -> Any:
    """What a value of a type without JSON holds, in types that have JSON."""
    for name, arguments in (("model_dump", {"mode": "json"}), ("tolist", {})):
        method = getattr(value, name, None)
        if method is not None and not isinstance(value, type):
            return method(**arguments)
    return msgspec.to_builtins(value)


def _as_text(value: Any) -> str:
    """The text of a value for an option.

    Raises:
        TypeError: its ``str`` would only show how Python writes it.
    """
    if isinstance(value, bool | bytes | bytearray | Mapping | list | tuple | set | frozenset | type | None):
        raise TypeError
    if not isinstance(value, int | float) and type(value).__str__ is _REPR:
        raise TypeError
    return str(value)


@cache
def settings() -> Mapping[str, Setting]:
    """All settings by name, in the order of their declaration."""
    hints = get_type_hints(Options)
    return {field.name: Setting(field, hints[field.name]) for field in dataclasses.fields(Options)}


def user_file() -> Path:
    """The path of the user's configuration file, which may not exist."""
    return config_folder() / "gemini_magic.toml"


def project_table(path: Path) -> dict[str, Any]:
    """The settings in a project's file, whether they count or not; empty without a file.

    Raises:
        OptionError: the file cannot be read.
    """
    return read_table(path, WatchedFiles(), *PROJECT_TABLE)


def ignored_settings(start: Path | None = None) -> tuple[IgnoredSetting, ...]:
    """The settings of the project's files that are ignored.

    Args:
        start: the folder in which the search begins; the working folder by default.

    Raises:
        OptionError: a file cannot be read.
    """
    return project_settings(str(start or Path.cwd()), settings(), WatchedFiles()).ignored


def _environment(known: Mapping[str, Setting]) -> dict[str, Any]:
    return {
        setting.name: os.environ[setting.env]
        for setting in known.values()
        if setting.env and os.environ.get(setting.env)
    }


def _layers(
    config: Mapping[str, Any],
    known: Mapping[str, Setting],
    start: str,
    files: WatchedFiles,
    ignored: list[IgnoredSetting],
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The configured layers with their names, lowest precedence first.

    Args:
        config: the options that ``%config GeminiMagics`` sets.
        known: the settings.
        start: the folder in which the search for the project's file begins.
        files: receives what is looked at.
        ignored: receives the settings of the project that are ignored.
    """
    yield _ENVIRONMENT, _environment(known)
    mine = user_file()
    yield str(mine), read_table(mine, files)
    project = project_settings(start, known, files)
    ignored += project.ignored
    yield project.path, project.table
    yield _CONFIG, config


def precedence(source: str) -> int:
    """The precedence of a source that :func:`resolve` returned; a higher number replaces a lower one."""
    known = {_ENVIRONMENT: 0, str(user_file()): 1, _CONFIG: 3, PREVIOUS: 4, _LINE: 5, CALL: 5}
    return known.get(source, 2)  # the project's file


def resolve(
    line: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    previous: Mapping[str, Any] | None = None,
    source: str = _LINE,
    start: Path | None = None,
) -> tuple[Options, dict[str, str]]:
    """Resolve the options of one call.

    Args:
        line: the options that the cell's line (or the keyword arguments of a call) sets.
        config: the options that ``%config GeminiMagics`` sets.
        previous: in a follow-up request, the options of the answer that it continues.
        source: the name of ``line`` in the sources; :data:`CALL` for the arguments of a call.
        start: the folder in which the search for ``pyproject.toml`` begins; the working folder by default.

    Returns:
        The options, and the source of each value that is not a default, by name.

    Raises:
        OptionError: an unknown name (the error suggests a close match) or a value that is not allowed.
    """
    folder = str(start or os.getcwd())  # noqa: PTH109 - for speed: this runs before every call
    try:
        given = _key_of(line), _key_of(config), _key_of(previous)
    except TypeError:
        return _resolve(line, config, previous, source=source, start=folder, files=WatchedFiles())
    key = (given, source, folder, *map(os.environ.get, _variables()))
    found = _memory.get(key)
    if found is None or not found[0].unchanged():
        files = WatchedFiles()
        found = files, *_resolve(line, config, previous, source=source, start=folder, files=files)
        if len(_memory) >= _MEMORY_SIZE:
            _memory.clear()
        _memory[key] = found
    _, options, sources = found
    return _copy(options), dict(sources)


# Results of resolve() with the files that each depends on, by everything else that it depends on. A changed file or variable
# takes effect at the next call; to check that none has changed takes a quarter of the time.
_memory: dict[Hashable, tuple[WatchedFiles, Options, dict[str, str]]] = {}
_MEMORY_SIZE = 32  # results
_FLEX_FIRST_BYTE = 900.0  # seconds
_KEY_TYPES = (str, int, float, bool, type(None))


def _key_of(values: Mapping[str, Any] | None) -> Hashable:
    """The items of a mapping as a part of a key; values that are equal but differ in type make different keys.

    Raises:
        TypeError: a value is of a type that may change later, such as a list.
    """
    if not values:
        return None
    kinds = tuple(map(type, values.values()))
    if any(kind not in _KEY_TYPES for kind in kinds):
        raise TypeError
    return tuple(values.items()), kinds


@cache
def _variables() -> tuple[str, ...]:
    """The environment variables that the options depend on: those of settings, and those of the user's folder."""
    own = (setting.env for setting in settings().values() if setting.env)
    home = ("USERPROFILE", "HOMEDRIVE", "HOMEPATH") if os.name == "nt" else ("HOME",)
    return (*own, "XDG_CONFIG_HOME", "SUDO_UID", *home)


def _copy(options: Options) -> Options:
    """A copy that can be changed; its lists are copies, too."""
    copied = object.__new__(Options)
    vars(copied).update(vars(options))
    vars(copied).update({name: list(getattr(options, name)) for name in _list_names()})
    return copied


@cache
def _list_names() -> tuple[str, ...]:
    return tuple(setting.name for setting in settings().values() if setting.type is list)


def _resolve(
    line: Mapping[str, Any] | None,
    config: Mapping[str, Any] | None,
    previous: Mapping[str, Any] | None,
    *,
    source: str,
    start: str,
    files: WatchedFiles,
) -> tuple[Options, dict[str, str]]:
    """As :func:`resolve`, from the files and variables as they are now."""
    known, values, sources = settings(), dict[str, Any](), dict[str, str]()
    key_server = price_server = _server(values)  # the servers that key_env and price are meant for
    ignored: list[IgnoredSetting] = []
    configured = _layers(config or {}, known, start, files, ignored)
    for where, layer in (*configured, (PREVIOUS, previous or {}), (source, line or {})):
        of_call = where in (PREVIOUS, source)
        for name, value in layer.items():
            setting = known.get(name)
            if setting is None or not (setting.config or of_call):
                raise _unknown(name, "" if of_call else where, known)
            values[name] = setting.convert(value, name if of_call else f"{where}: {name}")
            sources[name] = where
        if "key_env" in layer:
            key_server = _server(values)
        if "price" in layer:
            price_server = _server(values)
    if values.get("price") and _server(values) != price_server:
        values["price"], sources["price"] = None, "withheld: it is for another server"
    _withhold_key(values, sources, key_server)
    if sources.get("location") == _ENVIRONMENT and not values.get("project"):
        # A location belongs to a project. Without a project, the key is for the one address that accepts keys.
        del values["location"], sources["location"]
    if ignored:
        sources[IGNORED] = describe_ignored(ignored, settings(), user_file())
    _choose_backend(values, sources, of_call=(PREVIOUS, source))
    _wait_for_flex(values, sources)
    return Options(**values), sources


def _choose_backend(values: dict[str, Any], sources: dict[str, str], *, of_call: Sequence[str]) -> None:
    """Set the backend and its default model; for decisions, a configured model does not count, as it is one for answers."""
    name, why = choose_backend(values, Options.model)
    values["backend"] = name
    if why:
        sources["backend"] = f"chosen: {why}"
        sources[CHOSEN] = f"The backend {name} was chosen, because {why}."
    if values.get("decide") is not None and sources.get("model") not in of_call:
        values.pop("model", None)
    model = default_model(name)
    if "model" not in values and model not in (None, Options.model):
        values["model"], sources["model"] = model, f"default of the {name} backend"


def _wait_for_flex(values: dict[str, Any], sources: dict[str, str]) -> None:
    """Wait longer for the first byte in the flex tier, unless the user set a limit.

    The server can hold a request for ten minutes and more before it begins to answer ("Flex inference", ai.google.dev).
    """
    default = values.get("first_byte_timeout", Options.first_byte_timeout) == Options.first_byte_timeout
    given = sources.get("first_byte_timeout")
    if values.get("service_tier") == "flex" and default and given in (None, PREVIOUS):
        values["first_byte_timeout"] = _FLEX_FIRST_BYTE
        sources["first_byte_timeout"] = "default of the flex tier"


def _unknown(name: str, where: str, known: Mapping[str, Setting]) -> OptionError:
    if name in known:
        return OptionError(
            f"{where}: {name} belongs to a single cell and cannot be configured.",
            remedy=f"Write {known[name].flags[-1]} on the line of a cell.",
        )
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    close = get_close_matches(name, (each for each in known if known[each].config or not where), n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Available settings: {', '.join(known)}."
    message = f"unknown setting: {name!r}."
    return OptionError(f"{where}: {message}" if where else message[:1].upper() + message[1:], remedy=hint)


def _server(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide which server receives a key."""
    return {"base_url": values.get("base_url"), "backend": values.get("backend", Options.backend)}


def _withhold_key(values: dict[str, Any], sources: dict[str, str], key_server: Mapping[str, Any]) -> None:
    """Drop a ``key_env`` that is meant for another server than the one that will be used."""
    server = _server(values)
    changed = [name for name in server if server[name] != key_server[name]]
    if not values.get("key_env") or not changed:
        return
    name, source, key_source = changed[0], sources[changed[0]], sources["key_env"]
    option = "--key-env" if source == _LINE else "key_env"
    values["key_env"] = None
    sources["key_env"] = f"withheld: {name} is from {source}"
    sources[KEY_WITHHELD] = (
        f"The key in key_env (from {key_source}) was not sent, because {name} was set with higher precedence "
        f"(from {source}). Set {option} there too to send the key to this server."
    )
