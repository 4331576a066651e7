"""Asks the user at a prompt whether a tool may run, where no buttons can be shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..ledger import Confirmation, Decision
from ..text import one_line, visible
from .tool_blocks import arguments_text

__all__ = ["decide_at_prompt"]

_CHOICES: Final = "y = run it, n = skip it, a = always for this tool in this session, s = stop: "
_DECISIONS: Final[dict[str, Decision]] = {"y": "run", "n": "skip", "a": "always", "s": "stop"}
_WORDS: Final = {
    **{word: word[0] for word in ("yes", "no", "always", "stop")},
    "run": "y",
    "skip": "n",
}


def decide_at_prompt(
    question: Confirmation, read: Callable[[str], str], write: Callable[[str], None]
) -> None:
    """Show the complete arguments of a call and read the decision of the user; an empty answer asks again.

    Args:
        question: the question, which gets the decision. At the end of the input it is ``stop``.
        read: shows a prompt and returns the line that the user types.
        write: shows a text.

    Raises:
        KeyboardInterrupt: the user interrupted the prompt; the question stays open.
    """
    name = one_line(question.run.name)
    write(visible(f"Run {name} with these arguments?\n{arguments_text(question.run.call)}\n"))
    while question.decision is None:
        try:
            word = read(_CHOICES).strip().lower()
        except EOFError:
            word = "s"
        letter = _WORDS.get(word, word)
        if letter in _DECISIONS:
            question.decide(_DECISIONS[letter])
