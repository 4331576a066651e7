"""The command ``%gemini config``: shows all settings or one setting, or sets one for this session."""

from __future__ import annotations

import ast
import difflib
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ...config import Setting, ignored_settings, settings
from ...errors import OptionError
from ...options import Options
from ..arguments import MagicLine
from ..messages import format_table, print_lines
from .context import CommandContext

__all__ = ["show_or_set"]


def show_or_set(context: CommandContext, line: MagicLine) -> None:
    """List the settings with their values and sources; with NAME, show one setting; with NAME=VALUE, set it for this session."""
    if not line.arguments:
        rows = [("setting", "value", "source"), *_rows(*context.options())]
        print_lines(
            *format_table(rows),
            *_ignored_lines(),
            "",
            "To change a setting: `%gemini config model=gemini-flash-latest`",
        )
        return
    setting, value, assigned = _parse_assignment(line.arguments)
    if assigned:
        context.configure(setting.name, value)
    print_lines(_describe(setting, *context.options()), *_ignored_lines(setting.name)[1:])


def _rows(options: Options, sources: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A row for each setting that can be configured: its name, its value and the source of the value."""
    return [
        (name, repr(getattr(options, name)), sources.get(name, "default"))
        for name, setting in settings().items()
        if setting.config
    ]


def _ignored_lines(name: str = "") -> list[str]:
    """Lines about the settings of the project's files that are ignored, after an empty line; no lines without any.

    Args:
        name: the setting, or empty for all settings.
    """
    found = [each for each in ignored_settings() if name in ("", each.name) or not each.name]
    if not found:
        return []
    rows = [("ignored", "value", "file", "why")]
    rows += [
        (
            each.name or "all settings",
            repr(each.value) if each.name else "",
            repr(each.path)[1:-1],
            each.reason,
        )
        for each in found
    ]
    commands = dict.fromkeys(f"`gemini-magic trust {shlex.quote(each.path)}`" for each in found)
    return [
        "",
        *format_table(rows),
        f"After you have read the file, {' or '.join(commands)} allows what needs your trust.",
    ]


def _describe(setting: Setting, options: Options, sources: Mapping[str, str]) -> str:
    """One line: the value of a setting, the source of the value, and the help text."""
    name = setting.name
    return f"{name} = {getattr(options, name)!r} ({sources.get(name, 'default')}): {setting.help}"


def _parse_assignment(words: Sequence[str]) -> tuple[Setting, Any, bool]:
    """Return the setting in ``NAME`` or ``NAME=VALUE``, its new value, and whether there is a new value.

    The value None (``NAME=`` or ``NAME=None``) removes the value that was set before.

    Args:
        words: the arguments of ``config``; spaces around the equals sign split an assignment into several.

    Raises:
        OptionError: several settings, an unknown setting, a setting of a single cell, or an invalid value.
    """
    assigned = [word for word in words if _known().get(_normalize(word.partition("=")[0])) and "=" in word]
    if len(assigned) > 1:
        raise OptionError(
            "`%gemini config` sets one setting at a time.",
            remedy=f"Write `%gemini config {assigned[0]}`, then `%gemini config {assigned[1]}`. "
            "Put a value with spaces in quotation marks.",
        )
    name, equals, text = (part.strip() for part in " ".join(words).partition("="))
    if not equals and len(words) > 1:
        raise OptionError(
            f"`%gemini config {words[0]}` accepts no arguments after the name.",
            remedy=f"To change the setting, write `%gemini config {words[0]}=VALUE`.",
        )
    setting = _find_setting(name)
    return setting, _convert(setting, text) if equals else None, bool(equals)


def _find_setting(name: str) -> Setting:
    setting = _known().get(_normalize(name))
    if setting is None:
        close = difflib.get_close_matches(
            _normalize(name), [name for name, each in settings().items() if each.config], n=1
        )
        remedy = f"Did you mean `{close[0]}`?" if close else "`%gemini config` lists the settings."
        raise OptionError(f"Unknown setting: {name!r}.", remedy=remedy)
    if not setting.config:
        raise OptionError(
            f"{name!r} applies to a single cell and cannot be configured.",
            remedy=f"Write {setting.flags[-1]} on the %%gemini line of that cell.",
        )
    return setting


def _known() -> dict[str, Setting]:
    """The settings by name and by the other spellings of their options, such as max-output-tokens."""
    named = dict(settings())
    for each in settings().values():
        named.update({_normalize(flag): each for flag in each.flags if flag.startswith("--")})
    return named


def _normalize(name: str) -> str:
    return name.lstrip("-").replace("-", "_").lower()


def _convert(setting: Setting, text: str) -> Any:
    if text in ("", "None"):
        return None
    value: Any = text
    if setting.type is list and text.startswith("["):
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            raise OptionError(
                f"{setting.name}: {text!r} is not a list.",
                remedy=f"""Write `%gemini config "{setting.name}=['a', 'b']"`.""",
            ) from None
    if setting.json and text.startswith("{"):
        try:
            value = json.loads(text)
        except ValueError:
            raise OptionError(
                f"{setting.name}: {text} is not valid JSON.",
                remedy=f"""Put single quotes around it, which keep the quotation marks in it: """
                f"""`%gemini config '{setting.name}={{"key": 1}}'`.""",
            ) from None
    return setting.convert(value, setting.name)
