"""Plans the columns of a comparison: which model and options each column is asked with, and its label.

Every mistake is found here, before anything is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any, Final, NamedTuple

from ..backends import backend, names
from ..client import listed_models
from ..config import Setting, settings
from ..errors import OptionError
from ..options import Options
from ..text import one_line

__all__ = ["MAX_COLUMNS", "ColumnPlan", "options_of_column", "plan_columns", "read_plan", "sweepable_options"]

MAX_COLUMNS: Final = 16
"""Columns of one comparison; each is a request."""
_MAX_LABEL: Final = 60  # characters of the value of an option in a label

# Options that a comparison cannot have, and what to do instead.
_REFUSED: Final = {
    "chat": "Ask in the conversation without --compare, --sweep and --repeat.",
    "continue_": "Ask in the conversation without --compare, --sweep and --repeat.",
    "fresh": "Remove --fresh: a comparison belongs to no conversation.",
    "to": "Write the text of one answer to a file: `Path('answer.md').write_text(c[0].text)`.",
    "overwrite": "Remove --overwrite, which is about the file of --to.",
    "append": "Remove --append, which is about the file of --to.",
    "count": "Count the tokens of one request: remove --compare, --sweep and --repeat.",
    "background": "Remove --background. Each column has a Stop button.",
    "next_cell": "Remove --next-cell: the answers of a comparison have no next cell.",
}
# Options that are the same in every column.
_SHARED: Final = {
    *_REFUSED,
    *("compare", "sweep", "repeat", "out", "attach", "dry_run", "record", "replay", "replay_any", "speed"),
    *("display", "format", "images", "quiet", "verbatim", "table_rows", "journal", "cache", "max_rounds"),
    *("tool", "mcp", "run_tools", "repair"),
    *("tool_timeout", "confirm", "base_url", "auth", "key_env", "project", "price", "rpm", "inline_limit"),
}
# Options about one server, which another backend must not receive.
_OF_SERVER: Final = (
    "base_url",
    "auth",
    "key_env",
    "api_version",
    "project",
    "location",
    "method_style",
    "price",
)


class ColumnPlan(NamedTuple):
    """One column of a comparison.

    Attributes:
        label: its heading: what distinguishes it from the other columns.
        changes: the options that differ from those of the cell or call, by name.
        sample: the number of the answer for the same request, from 0.
    """

    label: str
    changes: Mapping[str, Any]
    sample: int = 0


class _Axis(NamedTuple):
    """One thing that differs: its values, each with its label and the options that it sets."""

    values: Sequence[tuple[str, Mapping[str, Any]]]


def read_plan(options: Options, given: Mapping[str, Any]) -> tuple[ColumnPlan, ...]:
    """The columns that the options of a cell request.

    Args:
        options: the options of the cell.
        given: those on its line, by name.

    Raises:
        OptionError: an option is not valid in a comparison.
    """
    models = [] if options.compare is None else [each.strip() for each in options.compare.split(",")]
    sweep: dict[str, Sequence[Any]] = {}
    for text in options.sweep:
        name, equals, values = text.partition("=")
        if not (name.strip() and equals and values.strip()):
            raise OptionError(
                f"--sweep {text!r} is not NAME=VALUE,VALUE.", remedy="Write --sweep temperature=0,0.5,1."
            )
        if name.strip() in sweep:
            raise _twice(f"--sweep {name.strip()}")
        sweep[name.strip()] = _split(name.strip(), values.strip())
    return plan_columns(options, given, models=models, sweep=sweep, repeat=options.repeat or 1)


def _split(name: str, text: str) -> Sequence[Any]:
    """The values of ``--sweep``: separated by commas, or a JSON array for values with commas."""
    if not text.startswith("["):
        return [each.strip() for each in text.split(",")]
    try:
        found = json.loads(text)
    except ValueError as problem:
        raise OptionError(
            f"--sweep {name}: the values are not a valid JSON array ({problem}).",
            remedy="""Write --sweep 'system=["Be brief.","Explain it, please."]', or values separated by commas.""",
        ) from None
    return found if isinstance(found, list) else [found]


def plan_columns(
    options: Options,
    given: Mapping[str, Any],
    *,
    models: Sequence[str] = (),
    sweep: Mapping[str, Sequence[Any]],
    repeat: int = 1,
) -> tuple[ColumnPlan, ...]:
    """The columns of a comparison: every combination of the models and values, each ``repeat`` times.

    Args:
        options: the options that all columns share.
        given: those that the cell or call sets, by name.
        models: the models; ``backend:model`` for another backend. Empty for the model of the options.
        sweep: the values of options by the name of the option.
        repeat: how many times each request is sent.

    Raises:
        OptionError: a model, a value or an option is not valid here.
    """
    _refuse(given)
    named = [each for each in (models, *sweep.values()) if isinstance(each, list | tuple | range) and each]
    _refuse_many([*map(len, named), repeat])
    axes = [*([_models(models, options, given)] if models else [])]
    axes += [_values(name, values, given) for name, values in _by_setting(sweep).items()]
    if repeat > 1:
        axes.append(_Axis([(f"#{number + 1}", {}) for number in range(repeat)]))
    _refuse_many([len(axis.values) for axis in axes])  # also of other sequences
    if all(len(axis.values) == 1 for axis in axes):
        raise OptionError(
            "A comparison needs at least two columns.",
            remedy="Name two models, two values of an option, or --repeat 2; for one answer, leave these options out.",
        )
    columns = []
    for chosen in product(*(enumerate(axis.values) for axis in axes)):
        changes = {name: value for _, (_, options_set) in chosen for name, value in options_set.items()}
        label = " · ".join(text for _, (text, _) in chosen)
        columns.append(ColumnPlan(label, changes, chosen[-1][0] if repeat > 1 else 0))
    return tuple(columns)


def _refuse_many(sizes: Sequence[int]) -> None:
    """Refuse too many columns before they are made: there may be a billion."""
    count, listed = prod(sizes), [f"{size:,}" for size in sizes if size > 1]
    if count > MAX_COLUMNS:
        shown = f" ({' × '.join(listed)})" if len(listed) > 1 else ""
        raise OptionError(
            f"The comparison has {count:,} columns{shown}, more than {MAX_COLUMNS}.",
            remedy="Use fewer models, values or repetitions.",
        )


def options_of_column(options: Options) -> Options:
    """The options of one column without those that configuration sets and that a comparison does not have."""
    known = settings()
    default = {name: known[name].default for name in _REFUSED if known[name].config}
    return replace(options, compare=None, sweep=[], repeat=None, **default)


def _refuse(given: Mapping[str, Any]) -> None:
    """Raise an error for an option that a comparison cannot have."""
    for name, remedy in _REFUSED.items():
        if given.get(name):
            raise OptionError(f"A comparison cannot have {_flag(name)}.", remedy=remedy)
    if given.get("format") == "code":
        raise OptionError(
            "A comparison cannot have -f code, which inserts the code of one answer into a new cell.",
            remedy="Use another format; `c[0].reply(…)` continues with one of the answers.",
        )


def _flag(name: str) -> str:
    return settings()[name].flags[-1]


def _twice(what: str) -> OptionError:
    return OptionError(f"{what} is set twice.", remedy="Name it once, with all its values.")


# -- models


def _models(models: Sequence[str], options: Options, given: Mapping[str, Any]) -> _Axis:
    if "model" in given:
        raise OptionError(
            f"The model is set twice: {given['model']!r} and by --compare.",
            remedy="Name all models in --compare.",
        )
    found: list[tuple[str, Mapping[str, Any]]] = []
    for text in models:
        changes = _model(text, options, given)
        if any(changes == other for _, other in found):
            raise OptionError(
                f"The model {text!r} is compared with itself.",
                remedy="Name each model once; --repeat 2 asks twice.",
            )
        found.append((one_line(text), changes))
    return _Axis(found)


def _model(text: object, options: Options, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options that a model of ``--compare`` sets.

    Raises:
        OptionError: it is not the name of a model, or the server's list of models does not have it.
    """
    if not isinstance(text, str) or not text.strip() or any(map(str.isspace, text.strip())):
        raise OptionError(
            f"--compare: {text!r} is not the name of a model.",
            remedy="Write the names separated by commas, without spaces: --compare gemini-3-flash,gemini-3-pro.",
        )
    text = text.strip()
    prefix, colon, rest = text.partition(":")
    if not colon or prefix not in names():
        _check_known(text, options)
        return {"model": text}
    if not rest:
        raise OptionError(
            f"--compare: {text!r} names no model.",
            remedy=f"Write {prefix}:{backend(prefix).default_model}.",
        )
    if prefix == options.backend:
        _check_known(rest, options)
        return {"model": rest}
    conflicts = [name for name in _OF_SERVER if name in given or getattr(options, name) is not None]
    if conflicts:
        flags = ", ".join(map(_flag, conflicts))
        raise OptionError(
            f"--compare: {text!r} is on another server, but {flags} is for one server.",
            remedy=f"Compare models of one backend, or remove {flags}.",
        )
    return {"backend": prefix, "model": rest}


def _check_known(model: str, options: Options) -> None:
    """Raise an error for a model that the server's list does not have, if this process knows the list."""
    listed = [each.name.removeprefix("models/") for each in listed_models(backend(options.backend), options)]
    if not listed or "/" in model.removeprefix("models/") or model.removeprefix("models/") in listed:
        return
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    close = get_close_matches(model, listed, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(close)}?" if close else "`%gemini models` lists the models."
    raise OptionError(f"--compare: the server has no model {model!r}.", remedy=hint)


# -- values of options


def _by_setting(sweep: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The values by the name of the setting.

    Raises:
        OptionError: an option is unknown, cannot differ between the columns, or is named twice.
    """
    known = settings()
    by_flag = {flag.lstrip("-"): setting.name for setting in known.values() for flag in setting.flags}
    found: dict[str, Sequence[Any]] = {}
    for written, values in sweep.items():
        name = written.strip().lstrip("-").lower()
        name = by_flag.get(name.replace("_", "-"), name.replace("-", "_"))
        if name in {"model", "backend"}:
            raise OptionError(
                f"--sweep cannot have {written!r}.", remedy="Name the models: --compare MODEL,BACKEND:MODEL."
            )
        if name not in known or not known[name].flags:
            raise _unknown(written)
        if name in _SHARED:
            raise OptionError(
                f"--sweep cannot have {written!r}, which is the same in every column.",
                remedy="Use an option that changes the request, such as temperature, thinking or system.",
            )
        if name in found:
            raise _twice(f"--sweep {name}")
        found[name] = values
    return found


def sweepable_options() -> dict[str, Setting]:
    """The options that ``--sweep`` can have, by name."""
    fixed = {*_SHARED, "model", "backend"}
    return {name: each for name, each in settings().items() if each.flags and name not in fixed}


def _unknown(written: str) -> OptionError:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    swept = list(sweepable_options())
    close = get_close_matches(written, swept, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Options with values: {', '.join(swept)}."
    return OptionError(f"--sweep: unknown option {written!r}.", remedy=hint)


def _values(name: str, values: Sequence[Any], given: Mapping[str, Any]) -> _Axis:
    """The values of one option.

    Raises:
        OptionError: the option is set already, or a value is not valid or named twice.
    """
    setting = settings()[name]
    if name in given:
        raise OptionError(
            f"{_flag(name)} is set twice: {one_line(str(given[name]))[:_MAX_LABEL]} and by --sweep.",
            remedy=f"Put all values into --sweep {name}=….",
        )
    if isinstance(values, str | bytes) or not isinstance(values, Sequence) or not len(values):
        raise OptionError(
            f"--sweep {name} needs a list of values.", remedy=f"Write sweep={{{name!r}: [value, value]}}."
        )
    found: list[tuple[str, Mapping[str, Any]]] = []
    for value in values:
        converted = setting.convert([value] if setting.type is list else value, f"--sweep {name}")
        if any(_same(converted, other[name]) for _, other in found):
            raise OptionError(
                f"--sweep {name} has the value {one_line(str(value))[:_MAX_LABEL]} twice.",
                remedy="Name each value once; --repeat 2 asks twice.",
            )
        label = f"{name}={_shown(converted)}"
        if any(label == other for other, _ in found):  # only the beginnings of the values are equal
            label += f" ({len(found) + 1})"
        found.append((label, {name: converted}))
    return _Axis(found)


def _same(value: Any, other: Any) -> bool:
    return value is other or (type(value) is type(other) and bool(repr(value) == repr(other)))


def _shown(value: Any) -> str:
    """A value in a label."""
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = one_line(text)
    return text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"
