"""Parses the line of ``%%gemini`` or ``%gemini``: options, a model or arguments, and ``NAME <<``; prints their help.

It does not look at the configuration; ``config`` combines the parsed options with it.
"""

from __future__ import annotations

import keyword
import re
import shlex
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..config import Setting, settings
from ..errors import OptionError, PromptError
from ..prompts import Expression, scan
from .row_options import row_settings

__all__ = ["MagicLine", "help_text", "is_verbatim", "option_names", "parse_line", "refuse_keys"]

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
_MARK = "\ue0ff"  # a private-use character; replaces an expression while the line is split into words
_HELP = "-h"
_WITH_SPACES = {"schema", "schema_multi", "decide"}  # options whose values usually contain spaces
_VERBATIM = "--verbatim"
_WIDTH = 79  # of the help
_COLUMN = 28  # where the help text of an option begins


class MagicLine(NamedTuple):
    """The contents of a line.

    Attributes:
        options: the values of the options on the line, by setting name.
        arguments: the words that are not options; only for ``%gemini``.
        help: whether the line contains ``-h``.
        where: the conditions of ``--where``; only for commands that show a table.
    """

    options: dict[str, Any]
    arguments: tuple[str, ...] = ()
    help: bool = False
    where: tuple[str, ...] = ()


class _LineParser:
    """Parses the words of one line."""

    def __init__(self, words: list[str], fill: Callable[..., Any], *, model: bool) -> None:
        self.words = iter(words)
        self.fill = fill
        self.model = model
        self.known = _flags(rows=model)  # no command asks for rows
        self.options: dict[str, Any] = {}
        self.arguments: list[str] = []
        self.help = False

    def parse(self) -> MagicLine:
        for word in self.words:
            if word == "--" and not self.model:  # the words that follow are arguments
                self.arguments += map(self.fill, self.words)
            elif word in (_HELP, "--help"):
                self.help = True
            elif word.startswith("--") and word != "--":
                self._long_option(word)
            elif word.startswith("-") and len(word) > 1 and (self.model or not word[1:].isdecimal()):
                self._short_options(word)
            else:
                self._model_or_argument(word)
        return MagicLine(self.options, tuple(self.arguments), self.help)

    def _long_option(self, word: str) -> None:
        name, equals, value = word.partition("=")
        name = name.replace("_", "-").lower()
        if name in _KEY_OPTIONS:
            raise _key_problem(name)
        setting = self.known.get(name)
        if setting is None and name.startswith("--no-"):
            setting = self.known.get(f"--{name[5:]}")
            if setting is not None and setting.type is bool and setting.config and not equals:
                self._store(setting, name, value=False)
                return
            setting = None
        if setting is None:
            raise _unknown_option(word.partition("=")[0], name, self.known)
        self._set_option(setting, name, value if equals else None)

    def _short_options(self, word: str) -> None:
        name = word[:2]
        setting = self.known.get(name)
        if setting is None:
            raise _unknown_option(word, name, self.known)
        if setting.type is bool and len(word) > 2:  # noqa: PLR2004 - "-q" has two
            self._set_option(setting, name, None)
            self._short_options(f"-{word[2:]}")
            return
        rest = word[2:].removeprefix("=")
        self._set_option(setting, name, rest or None)

    def _set_option(self, setting: Setting, flag: str, value: str | None) -> None:
        if setting.type is bool:
            if value is not None:
                raise OptionError(
                    f"{flag} does not accept a value.", remedy=f"Write only {flag}: {setting.help}."
                )
            self._store(setting, flag, value=True)
            return
        if value is None:
            value = next(self.words, None)
            if value is None or value in self.known:
                raise OptionError(
                    f"{flag} requires a value: {setting.metavar}.",
                    remedy=f"{flag} {setting.metavar}: {setting.help}.",
                )
        if setting.json and setting.type is list:
            name, equals, text = value.partition("=")
            value = f"{self.fill(name)}{equals}{self.fill(text, json=True)}"
        else:
            value = self.fill(value, json=setting.json, is_object=setting.is_object)
        if setting.name == "model":
            value = _model(value, flag)
        if setting.type is list:
            self.options.setdefault(setting.name, []).append(value)
        else:
            self._store(setting, flag, value=setting.convert(value, flag))

    def _store(self, setting: Setting, flag: str, *, value: Any) -> None:
        """Store the value of an option that can have only one."""
        if setting.name in self.options and not (
            setting.type is bool and self.options[setting.name] is value
        ):
            earlier = self.options[setting.name]
            values = "" if setting.type is bool else f": {earlier!r} and {value!r}"
            raise OptionError(f"{flag} is set twice{values}.", remedy=f"Set it once: {setting.help}.")
        self.options[setting.name] = value

    def _model_or_argument(self, word: str) -> None:
        if not self.model:
            self.arguments.append(self.fill(word))
            return
        word = self.fill(word)
        if "model" in self.options or not _MODEL.fullmatch(word):
            remedy = (
                f"The prompt starts on the next line. To select a model, write -m {word}; "
                f"to name the response, write -o {word}."
            )
            if self.options.keys() & _WITH_SPACES:
                remedy = "Put the whole schema in quotes: --schema 'name, age int'."
            elif "rows" in self.options:
                remedy = "Put a longer expression in quotes: --rows 'df[df.n > 1]'."
            raise OptionError(f"{word!r} is neither an option nor the name of a model.", remedy=remedy)
        self.options["model"] = word


def _flags(*, rows: bool = True) -> dict[str, Setting]:
    """The options by flag, with those of ``--rows`` or without."""
    known = [*settings().values(), *(row_settings().values() if rows else ())]
    return {flag: setting for setting in known for flag in setting.flags}


def option_names() -> dict[str, str]:
    """Every option with its help text, in the order of the settings."""
    return {flag: setting.help for flag, setting in _flags().items()}


def _model(value: str, flag: str) -> str:
    if value.lstrip().startswith("{"):
        raise OptionError(
            f"{flag} requires the name of a model, not JSON.",
            remedy="Write parameters as -p NAME=VALUE, or all together as --body '{...}'.",
        )
    return value


def _unknown_option(written: str, name: str, known: dict[str, Setting]) -> OptionError:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    close = get_close_matches(name, known, n=2, cutoff=0.6)
    remedy = f"Did you mean {' or '.join(close)}?" if close else "`%%gemini -h` lists the options."
    return OptionError(f"Unknown option: {written}.", remedy=remedy)


def _key_problem(name: str) -> OptionError:
    return OptionError(
        f"{name} must not be on this line: it would be saved in the notebook and in the history.",
        remedy="Remove it, and create a new key if the notebook was saved. Set GEMINI_API_KEY before Jupyter "
        "starts, or name another environment variable with --key-env.",
    )


def refuse_keys(text: str) -> None:
    """Raise an error for a text that contains a key of Google's; the error does not repeat it.

    Raises:
        OptionError: it contains one.
    """
    if _KEY_VALUE.search(text):
        raise _key_problem("A key")


def _protect(line: str) -> tuple[str, list[str]]:
    """Replace each ``{{ expression }}`` by a mark, so that its spaces and quotes do not split words."""
    sources: list[str] = []
    pieces: list[str] = []
    position = 0
    for piece in _expressions(line):
        pieces += [line[position : piece.start], f"{_MARK}{len(sources)}{_MARK}"]
        sources.append(line[piece.start : piece.end])
        position = piece.end
    return "".join((*pieces, line[position:])), sources


def _expressions(line: str) -> Iterator[Expression]:
    try:
        found = scan(line, where="the %%gemini line")
    except PromptError:
        return  # reported with its position when the value that contains it is evaluated
    yield from (piece for piece in found if isinstance(piece, Expression))


def parse_line(
    line: str,
    evaluate: Callable[[str], str] | None = None,
    *,
    evaluate_json: Callable[[str], str] | None = None,
    evaluate_object: Callable[[str], object] | None = None,
    model: bool = True,
) -> MagicLine:
    """Parse a line.

    Args:
        line: what follows ``%%gemini`` or ``%gemini``.
        evaluate: replaces the expressions in the text of an option; None leaves texts unchanged.
        evaluate_json: does the same for options whose value is JSON; ``evaluate`` by default.
        evaluate_object: returns the value of an option that takes any object; ``evaluate`` by default.
        model: whether a word that is not an option is a model (``%%gemini``) or an argument (``%gemini``).

    Raises:
        OptionError: an unknown option, a missing or invalid value, an unclosed quotation mark, a word that is not a
            model, or a key.
        PromptError: from ``evaluate``.
    """
    target = _TARGET.match(line) if model else None
    protected, sources = _protect(line[target.end() :] if target else line)
    try:
        words = shlex.split(protected)
    except ValueError:
        if line.rstrip().endswith("\\"):
            raise OptionError(
                "The line cannot be continued with a backslash.", remedy="Write all options on one line."
            ) from None
        raise OptionError(
            "A quotation mark on the line is not closed.",
            remedy="""Write "it's" or 'a text'."""
            + ("" if model else " To send a prompt, start a cell with %%gemini."),
        ) from None

    for word in words:
        refuse_keys(word)

    def restore(word: str) -> str:
        return re.sub(f"{_MARK}(\\d+){_MARK}", lambda found: sources[int(found[1])], word)

    verbatim = evaluate is None or _VERBATIM in words

    def fill(word: str, *, json: bool = False, is_object: bool = False) -> Any:
        whole = restore(word)
        replace: Any = (evaluate_json if json else evaluate_object if is_object else None) or evaluate
        return whole if verbatim or replace is None or "{{" not in whole else replace(whole)

    parsed = _LineParser(words, fill, model=model).parse()
    if target:
        if "out" in parsed.options:
            raise OptionError(
                f"The response has two names: {target[1]} and {parsed.options['out']}.",
                remedy="Use either NAME << or -o NAME.",
            )
        parsed.options["out"] = target[1]
    _check_variable(parsed.options.get("out"))
    return parsed


def is_verbatim(line: str) -> bool:
    """Whether a line has the option ``--verbatim``; False for a line that cannot be split into words."""
    try:
        return _VERBATIM in shlex.split(_protect(line)[0])
    except ValueError:
        return False


def _check_variable(name: str | None) -> None:
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        what = "a Python keyword" if keyword.iskeyword(name) else "not a valid name"
        raise OptionError(f"-o {name!r} is {what}.", remedy="Use a Python name, such as -o answer.")


_GROUPS = {
    "Model": "model agent system schema schema_multi items decide repair temperature top_p top_k max_tokens stop seed candidates logprobs "
    "thinking safety "
    "service_tier param body",
    "Tool": "tool mcp remote_mcp tool_choice max_rounds tool_timeout confirm run_tools search code_execution url_context "
    "maps file_search",
    "Prompt": "attach table_rows verbatim inline_limit",
    "Conversation": "chat continue_ fresh previous server_store server_background",
    "Rows": "rows id store limit max_cost max_errors max_seconds concurrency stale in_doubt missing duplicates no_dedupe tpm wait folder keep "
    "cluster",
    "Result": "out to overwrite append quiet display format images next_cell background dry_run count",
    "Comparison": "compare sweep repeat",
    "Recording": "record replay replay_any speed journal cache",
    "Connection": "backend base_url api_version project location auth key_env method_style alt no_stream",
    "Limit": "timeout stall_timeout first_byte_timeout connect_timeout retries fallback rpm max_event max_total",
}


def help_text() -> str:
    """The help of ``%%gemini``: its options in groups."""
    known = {name: setting for name, setting in {**settings(), **row_settings()}.items() if setting.flags}
    groups = {
        title: [known.pop(name) for name in names.split() if name in known]
        for title, names in _GROUPS.items()
    }
    groups["Other"] = list(known.values())
    lines = [
        "%%gemini [NAME <<] [MODEL] [options]",
        "prompt; each {{ expression }} is replaced by its value",
    ]
    for title, members in groups.items():
        if members:
            lines += ["", f"{title} options"]
            lines += [line for setting in members for line in _describe(setting)]
    return "\n".join([*lines, "", "`%gemini help` lists the commands of %gemini."])


def _describe(setting: Setting) -> list[str]:
    usage, text = f"  {_usage(setting)}", f"{setting.help}{_default(setting)}"
    lines = textwrap.wrap(text, _WIDTH - _COLUMN, break_on_hyphens=False)
    if len(usage) < _COLUMN - 1:  # two spaces between the columns
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
