"""The prompt at which a user decides whether a tool may run."""

from __future__ import annotations

import pytest
from hostile_strings import assert_printable, bad
from tool_answers import run_of

from gemini_magic.ledger import Confirmation
from gemini_magic.tools import decide_at_prompt


def ask(*lines, run=None):
    question, shown, left = Confirmation(run or run_of()), [], list(lines)

    def read(prompt):
        shown.append(prompt)
        if not left:
            raise EOFError
        return left.pop(0)

    decide_at_prompt(question, read, shown.append)
    return question.decision, shown


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        ("y", "run"),
        (" YES ", "run"),
        ("run", "run"),
        ("n", "skip"),
        ("skip", "skip"),
        ("a", "always"),
        ("always", "always"),
        ("s", "stop"),
        ("stop", "stop"),
    ],
)
def test_letters_and_words_decide(line, decision):
    assert ask(line)[0] == decision


def test_anything_else_asks_again_and_the_end_of_the_input_stops():
    decision, shown = ask("", "perhaps", "n")
    assert decision == "skip"
    assert len([each for each in shown if each.startswith("y = run it")]) == 3
    assert ask("")[0] == "stop"


def test_the_arguments_are_complete_and_cleaned():
    run = run_of(bad("f"), args={bad("k"): bad("v"), "long": "x" * 50_000})
    text = ask("n", run=run)[1][0]
    assert "x" * 50_000 in text
    assert_printable(text, "prompt")


def test_characters_that_are_not_seen_are_shown_in_the_arguments():
    text = ask("n", run=run_of(args={"path": "a\u200bb\u00a0c"}))[1][0]
    assert "a⟨U+200B⟩b⟨U+00A0⟩c" in text


def test_an_interrupt_leaves_the_question_open():
    question = Confirmation(run_of())

    def read(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decide_at_prompt(question, read, lambda _: None)
    assert question.decision is None
