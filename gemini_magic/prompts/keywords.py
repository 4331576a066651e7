"""Writes Python's keywords instead of the flags of a cell into the remedies of errors that a function raises."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Final, ParamSpec, TypeVar

from ..config import Setting, settings
from ..errors import GeminiMagicError

__all__ = ["keyword_remedies", "with_keywords"]

P = ParamSpec("P")
T = TypeVar("T")

# A flag, and what follows it if that is a value: text in quotes, an upper-case placeholder, a number, text with one of /:=,
# or a word at the end of a phrase.
_FLAG: Final = (
    r"""(?<![\w-])(?P<flag>--[a-z]+(?:-[a-z]+)*|-[A-Za-z])(?![\w-])(?:[ =](?P<value>'[^']*'|"[^"]*"|[A-Z]{2,}(?:[:,][A-Z]+)*\b|"""
    r"""\d+(?:[.,]\d+)*\b|[^\s`'"]*[/:=][^\s`'"]*[^\s`'".,;:]|gemini-[\w.-]*\w|[\w.-]*\w(?=`|[.,;]?(?:\s|$)(?<![^.,;]\s)))| (?P<word>[a-z]+)\b)?"""
)
_PLACEHOLDER: Final = r"[A-Z]{2,}(?:[:,][A-Z]+)*|\d+(?:\.\d+)?|'[^']*'|\"[^\"]*\""


@cache
def _by_flag() -> dict[str, Setting]:
    return {flag: setting for setting in settings().values() for flag in setting.flags}


def with_keywords(remedy: str) -> str:
    """A remedy with keywords such as ``base_url=`` in place of flags such as ``--base-url``; other flags stay."""
    return re.sub(_FLAG, _keyword, remedy) if "-" in remedy else remedy


def _keyword(found: re.Match[str]) -> str:
    flag, value, word = found["flag"], found["value"], found["word"]
    setting = _by_flag().get(flag) or _by_flag().get(flag.replace("--no-", "--", 1))
    if setting is None:
        return found[0]
    if word is not None and word in (setting.choices or ()):
        value = word
    elif word is not None:  # the next word of the sentence
        return f"{_keyword_of(setting, flag, None)} {word}"
    return _keyword_of(setting, flag, value)


def _keyword_of(setting: Setting, flag: str, value: str | None) -> str:
    """A setting with its value as an argument of a function."""
    if setting.type is bool:
        rest = "" if value is None else f" {value}"
        return f"{setting.name}={flag in setting.flags}{rest}"
    if setting.name == "tool":  # functions themselves, not their names
        return f"tools=[{value or '…'}]"
    name = setting.name
    if value is None:
        return f"{name}="
    written = value if re.fullmatch(_PLACEHOLDER, value) else repr(value)
    return f"{name}=[{written}]" if setting.type is list else f"{name}={written}"


def keyword_remedies(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that users call from Python: the remedies of its errors name keywords, not flags of a cell."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except GeminiMagicError as error:
            error.remedy = with_keywords(error.remedy)
            raise

    return called
