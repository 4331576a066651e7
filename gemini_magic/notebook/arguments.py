"""Reads the line of ``%%gemini``: options as declared in the settings, a model, and ``NAME <<``.

It knows words, not values: nothing is resolved against the configuration, nothing is sent.
"""

from __future__ import annotations

import difflib
import re
import shlex
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..config import Setting, settings
from ..errors import OptionError, PromptError
from .interpolation import Expression, scan

__all__ = ["MagicLine", "help_text", "option_names", "parse"]

_TARGET = re.compile(r"\s*([A-Za-z_]\w*)\s*=?<<(?=\s|$)")
_MODEL = re.compile(
    r"(gemini-|gemma-|models/|tunedModels/|publishers/|projects/).*|[\w./:-]*-[\w./:-]*\d[\w./:-]*|[\w./:-]*\d[\w./:-]*-[\w./:-]*"
)
_KEY_OPTIONS = {
    "--api-key",
    "--apikey",
    "--key",
    "--google-api-key",
    "--gemini-api-key",
    "--token",
    "--secret",
}
_KEY_VALUE = re.compile(r"AIza[\w-]{16,}|AQ\.[\w-]{16,}")
_MARK = "\ue0ff"  # private use: stands for an expression while the line is split into words
_HELP = "-h"
_WIDTH = 79  # of the table of options
_COLUMN = 28  # where the help on an option begins


class MagicLine(NamedTuple):
    """What a line says, and only that.

    Attributes:
        options: values by setting name, as written.
        words: what is not an option (only where words are allowed).
        help: whether ``-h`` was asked for.
        where: conditions on the rows of a table (only for words that show one).
    """

    options: dict[str, Any]
    words: tuple[str, ...] = ()
    help: bool = False
    where: tuple[str, ...] = ()


class _Reader:
    """One pass over the words of a line."""

    def __init__(self, words: list[str], fill: Callable[[str], str], *, model: bool) -> None:
        self.words = iter(words)
        self.fill = fill
        self.model = model
        self.known = _flags()
        self.options: dict[str, Any] = {}
        self.rest: list[str] = []
        self.help = False

    def read(self) -> MagicLine:
        for word in self.words:
            if word == "--" and not self.model:  # what follows is text
                self.rest += map(self.fill, self.words)
            elif word in (_HELP, "--help"):
                self.help = True
            elif word.startswith("--") and word != "--":
                self._long(word)
            elif word.startswith("-") and len(word) > 1 and (self.model or not word[1:].isdecimal()):
                self._short(word)
            else:
                self._plain(word)
        return MagicLine(self.options, tuple(self.rest), self.help)

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        name = name.replace("_", "-").lower()
        if name in _KEY_OPTIONS:
            raise _key_problem(name)
        setting = self.known.get(name)
        if setting is None and name.startswith("--no-"):
            setting = self.known.get(f"--{name[5:]}")
            if setting is not None and setting.type is bool and setting.config and not equals:
                self.options[setting.name] = False
                return
            setting = None
        if setting is None:
            raise _unknown(word.partition("=")[0], name, self.known)
        self._take(setting, name, value if equals else None)

    def _short(self, word: str) -> None:
        name = word[:2]
        setting = self.known.get(name)
        if setting is None:
            raise _unknown(word, name, self.known)
        if setting.type is bool and len(word) > 2:  # noqa: PLR2004 - "-q" has two
            self._take(setting, name, None)
            self._short(f"-{word[2:]}")
            return
        rest = word[2:].removeprefix("=")
        self._take(setting, name, rest or None)

    def _take(self, setting: Setting, flag: str, value: str | None) -> None:
        if setting.type is bool:
            if value is not None:
                raise OptionError(f"{flag} takes no value.", remedy=f"Write only {flag}: {setting.help}.")
            self.options[setting.name] = True
            return
        if value is None:
            value = next(self.words, None)
            if value is None or value in self.known:
                raise OptionError(
                    f"{flag} needs a value: {setting.metavar}.",
                    remedy=f"{flag} {setting.metavar}: {setting.help}.",
                )
        value = self.fill(value)
        if setting.name == "model":
            value = _model(value, flag)
        if setting.type is list:
            self.options.setdefault(setting.name, []).append(value)
        else:
            self.options[setting.name] = setting.convert(value, flag)

    def _plain(self, word: str) -> None:
        if not self.model:
            self.rest.append(self.fill(word))
            return
        word = self.fill(word)
        if "model" in self.options or not _MODEL.fullmatch(word):
            raise OptionError(
                f"{word!r} is neither an option nor the name of a model.",
                remedy=f"The prompt begins on the next line; for a model write -m {word}, "
                f"to name the response -o {word}.",
            )
        self.options["model"] = word


def _flags() -> dict[str, Setting]:
    return {flag: setting for setting in settings().values() for flag in setting.flags}


def option_names() -> dict[str, str]:
    """Every option with its help, in the order of the settings."""
    return {flag: setting.help for flag, setting in _flags().items()}


def _model(value: str, flag: str) -> str:
    if value.lstrip().startswith("{"):
        raise OptionError(
            f"{flag} takes the name of a model, not JSON.",
            remedy="Parameters go in -p NAME=VALUE, or all together in --body '{...}'.",
        )
    return value


def _unknown(said: str, name: str, known: dict[str, Setting]) -> OptionError:
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    remedy = f"Did you mean {' or '.join(close)}?" if close else "`%%gemini -h` lists the options."
    return OptionError(f"There is no option {said}.", remedy=remedy)


def _key_problem(name: str) -> OptionError:
    return OptionError(
        f"{name} does not belong on this line: it would be saved in the notebook and in the history.",
        remedy="Take it out, and make a new key if the notebook was saved. Set GEMINI_API_KEY before Jupyter "
        "starts, or name another variable with --key-env.",
    )


def _protect(line: str) -> tuple[str, list[str]]:
    """The line with each ``{{ expression }}`` as one mark, so that its blanks and quotes do not split words."""
    sources: list[str] = []
    pieces: list[str] = []
    position = 0
    for piece in _positions(line):
        pieces += [line[position : piece.start], f"{_MARK}{len(sources)}{_MARK}"]
        sources.append(line[piece.start : piece.end])
        position = piece.end
    return "".join((*pieces, line[position:])), sources


def _positions(line: str) -> Iterator[Expression]:
    try:
        found = scan(line, where="the %%gemini line")
    except PromptError:
        return  # said again, and better, when the value that holds it is filled in
    yield from (piece for piece in found if isinstance(piece, Expression))


def parse(line: str, evaluate: Callable[[str], str] | None = None, *, model: bool = True) -> MagicLine:
    """Read a line.

    Args:
        line: what follows ``%%gemini``.
        evaluate: gives an option's text with ``{{ }}`` its value; None leaves values as they are.
        model: whether a word that is no option names the model; otherwise such words are returned.

    Raises:
        OptionError: an unknown option (with close matches), a missing value, quotes that do not close, a word
            that is no model, a key.
        PromptError: from ``evaluate``.
    """
    target = _TARGET.match(line) if model else None
    protected, sources = _protect(line[target.end() :] if target else line)
    try:
        words = shlex.split(protected)
    except ValueError:
        raise OptionError(
            "A quotation mark on the line is not closed.",
            remedy="""Write a text as "it's fine" or 'so'."""
            + ("" if model else " A question goes into a cell of its own, below a first line %%gemini."),
        ) from None

    if any(_KEY_VALUE.search(word) for word in words):
        raise _key_problem("A key")

    def restore(word: str) -> str:
        return re.sub(f"{_MARK}(\\d+){_MARK}", lambda found: sources[int(found[1])], word)

    verbatim = evaluate is None or "--verbatim" in words

    def fill(word: str) -> str:
        whole = restore(word)
        return whole if verbatim or evaluate is None or "{{" not in whole else evaluate(whole)

    read = _Reader(words, fill, model=model).read()
    if target:
        if "out" in read.options:
            raise OptionError(
                f"The response has two names: {target[1]} and {read.options['out']}.",
                remedy="Use either NAME << or -o NAME.",
            )
        read.options["out"] = target[1]
    out = read.options.get("out")
    if out is not None and not out.isidentifier():
        raise OptionError(f"-o {out!r} is not a name.", remedy="Write a Python name, such as -o answer.")
    return read


_GROUPS = {
    "Model": "model system temperature top_p top_k max_tokens stop seed candidates thinking search code_execution "
    "url_context safety service_tier param body",
    "Conversation": "chat continue_ fresh",
    "Result": "out to quiet display format next_cell background dry_run count verbatim",
    "Recording": "record replay replay_any speed journal",
    "Connection": "backend base_url api_version project location auth key_env method_style alt no_stream",
    "Limits": "timeout stall_timeout first_byte_timeout connect_timeout retries fallback rpm max_event max_total",
}


def help_text() -> str:
    """The options as a table, by what they are for."""
    known = {name: setting for name, setting in settings().items() if setting.flags}
    groups = {
        title: [known.pop(name) for name in names.split() if name in known]
        for title, names in _GROUPS.items()
    }
    groups["Other"] = list(known.values())
    lines = [
        "%%gemini [NAME <<] [MODEL] [options]",
        "prompt, in which {{ expression }} is replaced by its value",
    ]
    for title, members in groups.items():
        if members:
            lines += ["", title]
            lines += [line for setting in members for line in _described(setting)]
    return "\n".join([*lines, "", "`%gemini help` lists the words of the line magic."])


def _described(setting: Setting) -> list[str]:
    usage, text = f"  {_usage(setting)}", f"{setting.help}{_default(setting)}"
    lines = textwrap.wrap(text, _WIDTH - _COLUMN, break_on_hyphens=False)
    if len(usage) < _COLUMN - 1:  # two blanks between the columns
        lines[0] = f"{usage:<{_COLUMN}}{lines[0]}"
        return [lines[0], *(" " * _COLUMN + line for line in lines[1:])]
    return [usage, *(" " * _COLUMN + line for line in lines)]


def _usage(setting: Setting) -> str:
    flags = ", ".join(setting.flags)
    return f"{flags} {setting.metavar}" if setting.metavar else flags


def _default(setting: Setting) -> str:
    if setting.default in (None, False, []) or not setting.config:
        return ""
    return f" ({setting.default})"
