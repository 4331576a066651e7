"""Asks the user at a prompt whether a tool may run, where no buttons can be shown."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

from ..ledger import Confirmation, Decision
from ..text import one_line, reveal_all, visible
from .interrupts import interruptible
from .loop_settings import ToolUser
from .permissions import Permission

__all__ = ["console_user", "decide_at_prompt"]

_CHOICES: Final = "y = run it, n = skip it, a = always for this tool in this session, s = stop: "
_CHOICES_ONCE: Final = "y = run it, n = skip it, s = stop: "
_DECISIONS: Final[dict[str, Decision]] = {"y": "run", "n": "skip", "a": "always", "s": "stop"}
_WORDS: Final = {"yes": "y", "run": "y", "no": "n", "skip": "n", "always": "a", "stop": "s"}
_allowed: set[Permission] = set()  # tools that the user of this process has allowed at a prompt


def decide_at_prompt(
    question: Confirmation, read: Callable[[str], str], write: Callable[[str], None], column: str = ""
) -> None:
    """Show the complete arguments of a call and read the decision of the user; an empty answer asks again.

    Args:
        question: the question, which gets the decision. At the end of the input it is ``stop``.
        read: shows a prompt and returns the line that the user types.
        write: shows a text.
        column: the label of the column in a comparison.

    Raises:
        KeyboardInterrupt: the user interrupted the prompt; the question stays open.
    """
    call = question.run.call
    arguments = json.dumps(call.args, ensure_ascii=False, indent=2, default=repr)
    where = f" for {one_line(column)}" if column else ""
    write(
        visible(f"Run {one_line(question.run.name)}{where} with these arguments?\n{reveal_all(arguments)}\n")
    )
    while question.decision is None:
        try:
            word = read(_CHOICES if question.lasting else _CHOICES_ONCE).strip().lower()
        except EOFError:
            word = "s"
        letter = _WORDS.get(word, word)
        if letter in _DECISIONS and (question.lasting or letter != "a"):
            question.decide(_DECISIONS[letter])


def console_user(column: str = "") -> ToolUser:
    """How the user of a script, a terminal or a cell is asked by a prompt; without a way to ask where no user can answer.

    Args:
        column: the label of the column in a comparison, which the prompt names.
    """
    return ToolUser(partial(_ask, column=column) if _can_answer() else None, _allowed)


def _can_answer() -> bool:
    """Whether a prompt can be answered. A kernel replaces ``input`` by its own method for each request."""
    kernel = getattr(builtins.input, "__self__", None)
    allowed = getattr(kernel, "_allow_stdin", None)  # ipykernel has no other name for it
    if allowed is not None:
        return bool(allowed)
    return sys.stdin is not None and sys.stdin.isatty()


def _ask(question: Confirmation, column: str) -> None:
    def write(text: str) -> None:
        print(text, end="", flush=True)  # noqa: T201 - a question

    with interruptible():
        decide_at_prompt(question, input, write, column)
