"""What ``%gemini config`` says: all settings, one of them, or a new value for one.

It reads names and values; where a value is kept, and which one wins, is not known here.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from ...config import Setting, settings
from ...errors import OptionError
from ...options import Options

__all__ = ["assignment", "described", "every"]


def every(options: Options, sources: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A row for each setting that can be configured: name, value, where it comes from."""
    return [
        (name, repr(getattr(options, name)), sources.get(name, "default"))
        for name, setting in settings().items()
        if setting.config
    ]


def described(setting: Setting, options: Options, sources: Mapping[str, str]) -> str:
    """One line: the value, where it comes from, and what it is for."""
    name = setting.name
    return f"{name} = {getattr(options, name)!r} ({sources.get(name, 'default')}): {setting.help}"


def assignment(words: Sequence[str]) -> tuple[Setting, Any, bool]:
    """The setting that ``NAME`` or ``NAME=VALUE`` names, its new value, and whether it gets one.

    The value None (written ``NAME=`` or ``NAME=None``) takes back what was said before.

    Args:
        words: what follows ``config``; blanks around the sign split it into several.

    Raises:
        OptionError: several settings, no such setting, one that belongs to a cell, or a value that does not fit.
    """
    several = [word for word in words if _known().get(_plain(word.partition("=")[0])) and "=" in word]
    if len(several) > 1:
        raise OptionError(
            "`%gemini config` sets one setting at a time.",
            remedy=f"Write `%gemini config {several[0]}`, then `%gemini config {several[1]}`; "
            "a value with blanks goes into quotation marks.",
        )
    name, equals, text = (part.strip() for part in " ".join(words).partition("="))
    if not equals and len(words) > 1:
        raise OptionError(
            f"`%gemini config {words[0]}` takes nothing after the name.",
            remedy=f"To change it write `%gemini config {words[0]}=VALUE`.",
        )
    setting = _setting(name)
    return setting, _value(setting, text) if equals else None, bool(equals)


def _setting(name: str) -> Setting:
    setting = _known().get(_plain(name))
    if setting is None:
        close = difflib.get_close_matches(
            _plain(name), [name for name, each in settings().items() if each.config], n=1
        )
        remedy = f"Did you mean `{close[0]}`?" if close else "`%gemini config` lists the settings."
        raise OptionError(f"There is no setting {name!r}.", remedy=remedy)
    if not setting.config:
        raise OptionError(
            f"{name!r} belongs to one cell; it cannot be configured.",
            remedy=f"Write {setting.flags[-1]} on the %%gemini line of that cell.",
        )
    return setting


def _known() -> dict[str, Setting]:
    """The settings by their names, and by an option's other spellings, such as max-output-tokens."""
    named = dict(settings())
    for each in settings().values():
        named.update({_plain(flag): each for flag in each.flags if flag.startswith("--")})
    return named


def _plain(name: str) -> str:
    return name.lstrip("-").replace("-", "_").lower()


def _value(setting: Setting, text: str) -> Any:
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
    return setting.convert(value, setting.name)
