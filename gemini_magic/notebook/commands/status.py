"""How things stand in one kernel, as ``%gemini`` prints it: model, key, conversations, tokens, versions, the last error.

It changes nothing and asks no model; what the other words do is in ``words``.
"""

from __future__ import annotations

import platform
import traceback
from collections.abc import Sequence
from importlib import metadata
from typing import Any, Protocol

from ...backends import backend
from ...catalog import Model
from ...config import KEY_WITHHELD
from ...credentials import find_key
from ...errors import UsageProblem
from ...options import Options
from ...views import status_line
from ..arguments import MagicLine
from ..session import Session

__all__ = ["CellRunner", "say_lines", "state", "story", "table", "tokens", "unkept", "versions"]


class CellRunner(Protocol):
    """What the words look at."""

    session: Session
    shell: Any

    def configure(self, name: str, value: Any) -> None:
        """Set a setting for this shell."""

    def options(self) -> tuple[Options, dict[str, str]]:
        """The options of a plain cell, and where each comes from."""

    def models(self, line: MagicLine) -> list[Model]:
        """The models the server offers."""

    def resume(self, line: MagicLine) -> Any:
        """Ask for the rest of the last answer."""


def say_lines(*lines: str) -> None:
    """Print lines into the cell."""
    print("\n".join(lines))  # noqa: T201 - a notebook's way to say something


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows as lines of aligned columns."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def state(desk: CellRunner, _: MagicLine) -> None:
    """Model, key, conversations, tokens so far, the last answer."""
    options, sources = desk.options()
    session = desk.session
    rows = [
        ("model", f"{options.model} ({sources.get('model', 'default')})"),
        ("backend", options.backend + (f" at {options.base_url}" if options.base_url else "")),
        ("key", _key(options) + (f" (key_env {sources['key_env']})" if KEY_WITHHELD in sources else "")),
    ]
    for name, chat in session.chats.items():
        last = " (last)" if chat is session.current else ""
        rows.append((f"chat {name}", f"{_questions(len(chat))}{last}"))
    rows.append(("tokens", tokens(desk)))
    if off := unkept(desk):
        rows.append(("journal", off))
    if session.last is not None:
        rows.append(("last", status_line(session.last.ledger)))
    say_lines(*table(rows), "", "`%gemini help` lists the other words, `%%gemini -h` the options of a cell.")


def _key(options: Any) -> str:
    dialect = backend(options.backend)
    if dialect.local is not None:
        return "not needed: nothing leaves this machine"
    try:
        found = find_key(dialect, options, sign_in=False)
    except UsageProblem as error:
        return f"none. {error.remedy or error.message}"
    return "none: this address is asked without one" if found is None else f"from {found.source}"


def unkept(desk: CellRunner) -> str:
    """That the journal is off, by what, and how it is switched on; empty where it is on."""
    options, sources = desk.options()
    if options.journal is not False:
        return ""
    place = sources.get("journal", "default")
    again = "`%gemini config journal=` switches it on again."
    if "%config" not in place:
        again = "`%gemini config journal=True` switches it on for this kernel."
    return f"Off ({place}): answers are not kept. {again}"


def tokens(desk: CellRunner) -> str:
    """What all answers of this kernel took, in words."""
    said = {name: count for name, count in desk.session.usage._asdict().items() if count is not None}
    if not said:
        return f"none counted in {_questions(desk.session.asked)}"
    counts = ", ".join(f"{count:,} {name}" for name, count in said.items())
    return f"{counts} in {_questions(desk.session.asked)}"


def _questions(count: int) -> str:
    return f"{count} question" if count == 1 else f"{count} questions"


def story(desk: CellRunner, _: MagicLine) -> None:
    """The full story of the last error."""
    error = desk.session.error
    if error is None:
        say_lines("No error so far.")
        return
    say_lines("".join(traceback.format_exception(error)).rstrip())
    if error.response is not None:
        for number, attempt in enumerate(error.response.attempts, 1):
            waited = f"after a wait of {attempt.waited:.1f} s, " if attempt.waited else ""
            told = f"HTTP {attempt.status}" if attempt.status else "no answer"
            why = f": {attempt.problem}" if attempt.problem else ""
            say_lines(f"attempt {number}: {waited}{attempt.url}: {told}, {attempt.end or 'not ended'}{why}")


def versions(_: CellRunner, __: MagicLine) -> None:
    """Versions, for a bug report."""
    rows = [("python", platform.python_version())]
    for name in ("gemini-magic", "ipython", "ipykernel", "ipywidgets", "jupyterlab", "httpx"):
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            rows.append((name, "not installed"))
    say_lines(*table(rows))
