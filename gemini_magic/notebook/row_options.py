"""The options of a cell that asks its prompt for many rows. Each is a keyword of ``gm.rows``.

They are not settings: they belong to one cell, and only ``--rows`` gives them a meaning.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple, get_type_hints

from ..config import Setting, settings
from ..errors import OptionError
from ..options import Options, option

__all__ = ["PreparedRows", "RowOptions", "row_settings", "split_row_options"]

_SECONDS: Final = 1_000_000.0
# Options of a single answer, and what to do instead.
_SINGLE: Final = {
    "chat continue_ fresh": "Each row is a separate question.",
    "candidates": "`--repeat N` asks each row N times.",
    "repair": 'A row whose answer does not fit has the status mismatch; `run.retry(status=["mismatch"])` asks it again.',
    "attach": "`{{ image(row.NAME) }}` with --folder sends a file of each row.",
    "tool mcp remote_mcp tool_choice run_tools": "Functions are called in a cell with one prompt.",
    "to overwrite append": '`run.to_parquet("FILE")` writes the answers.',
    "next_cell format logprobs": "`run.at[KEY]` is the whole response of a row.",
    "record replay replay_any": "`--store FILE` keeps every answer with its raw bytes.",
    "journal cache": "`--store FILE` keeps every answer, and asks nothing again that is answered.",
    "fallback": "`--no-stream` asks for whole answers from the start.",
    "count": "`--dry-run` counts the rows.",
    "background": "The cell shows the progress, and its Stop button works.",
    "compare sweep": "Run the rows once for each, each time with another store.",
}


@dataclasses.dataclass(kw_only=True, eq=False, match_args=False)
class RowOptions:
    """The options of ``--rows``, as ``gm.rows`` takes them."""

    rows: Any | None = option(
        None,
        "--rows",
        metavar="DATA",
        is_object=True,
        config=False,
        help="ask the prompt once for each row of DATA: a variable or expression such as df, or a .csv or .parquet file; "
        "{{ row.NAME }} is the value of a column",
    )
    id: list[str] = option(
        [],
        "--id",
        metavar="COLUMN",
        config=False,
        help="column whose values identify the rows (repeatable), or position",
    )
    store: str | None = option(
        None,
        "--store",
        metavar="FILE",
        config=False,
        help="keep the answers in FILE, so that the same cell asks nothing again that is answered",
    )
    limit: int | None = option(
        None, "--limit", metavar="N", minimum=1, config=False, help="ask for the first N rows only"
    )
    max_cost: float | None = option(
        None,
        "--max-cost",
        metavar="DOLLARS",
        exclusive_minimum=0,
        config=False,
        help="stop before the answers in the store have cost more than this",
    )
    max_errors: int | None = option(
        None,
        "--max-errors",
        metavar="N",
        minimum=1,
        config=False,
        help="stop after N rows that were refused for the same permanent reason",
    )
    max_seconds: float | None = option(
        None,
        "--max-seconds",
        metavar="S",
        exclusive_minimum=0,
        maximum=_SECONDS,
        config=False,
        help="stop after this time",
    )
    concurrency: int | None = option(
        None,
        "--concurrency",
        metavar="N",
        minimum=1,
        maximum=500,
        config=False,
        help="maximum number of requests at once",
    )
    stale: str | None = option(
        None,
        "--stale",
        metavar="WHAT",
        choices=("stop", "keep", "again"),
        config=False,
        help="what to do with rows whose stored answer belongs to another prompt or option: stop, keep or again",
    )
    in_doubt: str | None = option(
        None,
        "--in-doubt",
        metavar="WHAT",
        choices=("stop", "skip", "again"),
        config=False,
        help="what to do with rows that were sent by a run that was killed: stop, skip or again",
    )
    missing: str | None = option(
        None,
        "--missing",
        metavar="WHAT",
        choices=("skip", "error", "keep"),
        config=False,
        help="what to do with rows whose prompt lacks a value or cannot be made: skip, error or keep (an empty text)",
    )
    duplicates: str | None = option(
        None,
        "--duplicates",
        metavar="WHAT",
        choices=("error", "first"),
        config=False,
        help="what to do with keys that occur twice: error or first",
    )
    no_dedupe: bool = option(
        False, "--no-dedupe", config=False, help="ask equal prompts separately instead of once"
    )
    tpm: int | None = option(
        None, "--tpm", metavar="N", minimum=1, config=False, help="maximum tokens of prompts per minute"
    )
    wait: str | None = option(
        None,
        "--wait",
        metavar="LIMIT",
        choices=("day",),
        config=False,
        help="day: wait for the next day when the daily limit is reached, instead of stopping",
    )
    folder: str | None = option(
        None,
        "--folder",
        metavar="FOLDER",
        config=False,
        help="folder whose files {{ image(row.NAME) }} may send",
    )
    keep: str | None = option(
        None,
        "--keep",
        metavar="WHAT",
        choices=("raw", "text"),
        config=False,
        help="what is stored of each answer: raw (the whole response) or text",
    )
    cluster: Any | None = option(
        None,
        "--cluster",
        metavar="CLIENT",
        is_object=True,
        config=False,
        help="ask on the workers of this dask.distributed Client",
    )


class PreparedRows(NamedTuple):
    """A cell that asks its prompt for many rows, before anything is read or sent.

    Attributes:
        template: the text of the cell.
        given: the options of rows on its line, by name.
        options: its other options.
        sources: the source of each of them.
    """

    template: str
    given: Mapping[str, Any]
    options: Options
    sources: Mapping[str, str] = {}


@cache
def row_settings() -> Mapping[str, Setting]:
    """The options by name, in the order of their declaration."""
    hints = get_type_hints(RowOptions)
    return {field.name: Setting(field, hints[field.name]) for field in dataclasses.fields(RowOptions)}


def split_row_options(given: dict[str, Any]) -> dict[str, Any]:
    """Remove the options of rows from the options of a line, and return them.

    Args:
        given: the options by name.

    Raises:
        OptionError: there is one without ``--rows``, or ``--rows`` is combined with an option of a single answer.
    """
    found = {name: given.pop(name) for name in row_settings() if name in given}
    if not found:
        return {}
    if "rows" not in found:
        raise OptionError(
            f"--{next(iter(found)).replace('_', '-')} needs --rows.",
            remedy="`%%gemini --rows df --id COLUMN` asks the prompt once for each row of df.",
        )
    for names, remedy in _SINGLE.items():
        for name in names.split():
            if given.get(name) not in (None, False, []):
                raise OptionError(f"--rows and {_flag(name)} exclude each other.", remedy=remedy)
    return found


def _flag(name: str) -> str:
    flags = settings()[name].flags
    return next((flag for flag in flags if flag.startswith("--")), flags[0])
