"""Completions of a cell with ``--rows``: data, its columns, and the columns of ``row`` in the prompt. No data is read."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from ..config import Setting

__all__ = ["complete_column", "complete_row_option"]

_MOST_COLUMNS: Final = 1_000
_DATA: Final = ("columns", "column_names")  # attributes of tables
_FILES: Final = (".csv", ".tsv", ".parquet", ".pq")
_STORES: Final = (".sqlite",)
_ATTRIBUTE: Final = re.compile(r"(?<![\w.])row\.(\w*)$")
_ITEM: Final = re.compile(r"""(?<![\w.])row\[(["'])([^"']*)$""")


def complete_row_option(
    setting: Setting,
    fragment: str,
    used: Mapping[str, str],
    shell: Any,
    files: Callable[[str, Sequence[str]], list[str]],
) -> Iterable[str]:
    """The values of an option of ``--rows``.

    Args:
        setting: the option.
        fragment: the text before the cursor.
        used: the values of the options before it, by name.
        shell: the IPython shell.
        files: finds files with one of some suffixes.
    """
    own = {
        name: value
        for name, value in shell.user_ns.items()
        if name not in shell.user_ns_hidden and name[0] != "_"
    }
    match setting.name:
        case "rows":
            tables = sorted(name for name, value in own.items() if _is_table(value))
            lists = sorted(name for name, value in own.items() if isinstance(value, list))
            return (*tables, *lists, *files(fragment, _FILES))
        case "id":
            return (*_columns_of(own.get(used.get("rows", ""))), "position")
        case "store":
            return files(fragment, _STORES)
        case "folder":
            return [name for name in files(fragment, ()) if name.endswith("/")]
        case "cluster":
            return sorted(name for name, value in own.items() if type(value).__name__ == "Client")
    return setting.choices or ()


def complete_column(text: str, line: str, names: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    """The columns for ``row.`` or ``row["`` at the end of an expression.

    Args:
        text: the expression before the cursor.
        line: the line of ``%%gemini``.
        names: the user's variables.

    Returns:
        The text that a completion replaces, and the completions; None elsewhere, and if the columns are not known.
    """
    attribute, item = _ATTRIBUTE.search(text), _ITEM.search(text)
    if attribute is None and item is None:
        return None
    columns = _columns_of(names.get(_rows_of(line)))
    if not columns:
        return None
    if attribute is not None:
        usable = [name for name in columns if name.isidentifier() and not keyword.iskeyword(name)]
        return attribute[0], [f"row.{name}" for name in usable]
    if item is None:
        return None
    quote, part = item.groups()
    plain = [name for name in columns if quote not in name and "\\" not in name and name.isprintable()]
    return part, [f"{name}{quote}]" for name in plain]


def _rows_of(line: str) -> str:
    """The value of ``--rows`` on a line; empty without one."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == "--rows":
            return value if equals else following
    return ""


def _is_table(value: object) -> bool:
    """Whether an object is a table, by its attributes; nothing is imported and nothing is read."""
    return not isinstance(value, type) and any(name in dir(type(value)) for name in _DATA)


def _columns_of(value: object) -> list[str]:
    """The names of an object's columns that are text; empty if it has none.

    A lazy table is not asked: that can take long.
    """
    if value is None or type(value).__name__ == "LazyFrame":
        return []
    if isinstance(value, list):
        found: Any = value[0] if value and isinstance(value[0], dict) else ()
    else:
        try:
            found = getattr(value, "column_names", None) or getattr(value, "columns", ())
            found = list(found)[:_MOST_COLUMNS]
        except Exception:  # noqa: BLE001 - a property of any object of the user
            return []
    return [name for name in found if isinstance(name, str)]
