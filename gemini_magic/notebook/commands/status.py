"""The commands about the session itself: its state, its models, its last error and the versions.

They change nothing. Only ``models`` asks a server, and that does not call a model.
"""

from __future__ import annotations

import platform
import traceback
from importlib import metadata
from typing import Any

from ... import views
from ...backends import backend, backends_of_model, has_both_protocols
from ...config import KEY_WITHHELD
from ...credentials import find_key
from ...errors import UsageProblem
from ...journaling import journal
from ..arguments import MagicLine
from ..messages import format_table, print_lines
from .context import CommandContext

__all__ = [
    "journal_off_message",
    "list_models",
    "show_state",
    "show_traceback",
    "show_versions",
    "token_summary",
]


def show_state(context: CommandContext, _: MagicLine) -> None:
    """Show the model, the key, the conversations, the tokens used so far and the last answer. This is the default command."""
    options, sources = context.options()
    session = context.session
    rows = [
        ("model", f"{options.model} ({sources.get('model', 'default')})"),
        ("backend", options.backend + (f" at {options.base_url}" if options.base_url else "")),
        ("key", _key(options) + (f" (key_env {sources['key_env']})" if KEY_WITHHELD in sources else "")),
    ]
    for name, chat in session.chats.items():
        last = " (last)" if chat is session.current else ""
        stale = sum(entry.stale for entry in chat.entries)
        marked = f", {stale} stale" if stale else ""
        rows.append((f"chat {name}", f"{_count_questions(len(chat))}{marked}{last}"))
    rows.append(("tokens", token_summary(context)))
    if off := journal_off_message(context):
        rows.append(("journal", off))
    if session.last is not None:
        rows.append(("last", views.status_line(session.last.ledger)))
    print_lines(
        *format_table(rows), "", "`%gemini help` lists the commands, `%%gemini -h` the options of a cell."
    )


def _key(options: Any) -> str:
    dialect = backend(options.backend)
    if dialect.local is not None:
        return "not needed: this backend runs locally"
    try:
        found = find_key(dialect, options, sign_in=False)
    except UsageProblem as error:
        return f"not found. {error.remedy or error.message}"
    return (
        "none: requests to this address are sent without a key" if found is None else f"from {found.source}"
    )


def journal_off_message(context: CommandContext) -> str:
    """A message that the journal is off, why, and how to turn it on if a setting turned it off; empty if it is on."""
    options, sources = context.options()
    if options.journal is not False:
        reason = journal().unavailable()
        return f"Off: {reason}. Answers are not saved." if reason else ""
    source = sources.get("journal", "default")
    remedy = "To turn it on again: `%gemini config journal=`"
    if "%config" not in source:
        remedy = "To turn it on for this session: `%gemini config journal=True`"
    return f"Off ({source}): answers are not saved. {remedy}"


def token_summary(context: CommandContext) -> str:
    """The token counts of all answers in this session, as one line. Replays and offline answers use no tokens."""
    if not context.session.request_count:
        return "none used"
    questions = _count_questions(context.session.request_count)
    counts = {name: count for name, count in context.session.usage._asdict().items() if count is not None}
    if not counts:
        return f"none reported for {questions}"
    return f"{', '.join(f'{count:,} {name}' for name, count in counts.items())} in {questions}"


def _count_questions(count: int) -> str:
    return f"{count} question" if count == 1 else f"{count} questions"


def list_models(context: CommandContext, line: MagicLine) -> None:
    """List the models of the server; with PART, only those with PART in their names."""
    from ...catalog import fetch_models  # noqa: PLC0415 - see the table of late imports

    part = line.arguments[0] if line.arguments else ""
    options, ask_key = context.server(line)
    found = [model for model in fetch_models(options, ask_key) if part.lower() in model.name.lower()]
    if not found:
        print_lines("The server lists no model" + (f" with {part!r} in its name." if part else "s."))
        return
    two = has_both_protocols(options.backend)
    heads = ("model", "input tokens", "output tokens", "thinking", *(["backend"] if two else []), "name")
    rows: list[tuple[str, ...]] = [heads]
    rows += [
        (
            model.name,
            *("" if limit is None else f"{limit:,}" for limit in (model.input_limit, model.output_limit)),
            {True: "yes", False: "no", None: ""}[model.thinking],
            *([", ".join(backends_of_model(model))] if two else []),
            model.display_name or "",
        )
        for model in found
    ]
    print_lines(*format_table(rows), "", "To use a model: `%%gemini -m MODEL`")


def show_traceback(context: CommandContext, _: MagicLine) -> None:
    """Show the full traceback of the last error and every attempt to send its request."""
    error = context.session.error
    if error is None:
        print_lines("No error so far.")
        return
    print_lines("".join(traceback.format_exception(error)).rstrip())
    response = getattr(error, "response", None)
    if response is not None:
        for number, attempt in enumerate(response.attempts, 1):
            wait = f"after a wait of {attempt.waited:.1f} s, " if attempt.waited else ""
            outcome = f"HTTP {attempt.status}" if attempt.status else "no response"
            problem = f": {attempt.problem}" if attempt.problem else ""
            print_lines(
                f"attempt {number}: {wait}{attempt.url}: {outcome}, {attempt.end or 'not ended'}{problem}"
            )


def show_versions(_: CommandContext, __: MagicLine) -> None:
    """Show the versions of Python and the packages, for a bug report."""
    rows = [("python", platform.python_version())]
    for name in ("gemini-magic", "ipython", "ipykernel", "ipywidgets", "jupyterlab", "httpx"):
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            rows.append((name, "not installed"))
    print_lines(*format_table(rows))
