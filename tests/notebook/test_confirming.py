"""Where a user decides about a tool: buttons, a prompt, or no way to answer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tool_answers import run_of

from gemini_magic.config import resolve
from gemini_magic.ledger import Confirmation
from gemini_magic.notebook import confirming, kernel
from gemini_magic.notebook.confirming import CellConfirmer, confirmer_for


def shell_of(*, allow_stdin=True, message="execute_request"):
    parent = {"header": {"msg_type": message, "msg_id": "1"}, "content": {"allow_stdin": allow_stdin}}
    return SimpleNamespace(kernel=object(), get_parent=lambda: parent)


def way(shell, *, awaited=True, background=False, **options):
    found = confirmer_for(shell, resolve(options)[0], awaited=awaited, background=background)
    if found is None:
        return "none"
    return "buttons" if found._buttons else "prompt"


@pytest.mark.parametrize(
    ("shell", "facts", "expected"),
    [
        (shell_of(), {}, "buttons"),
        (shell_of(), {"display": "live"}, "buttons"),
        (shell_of(), {"display": "html"}, "prompt"),
        (shell_of(), {"display": "text"}, "prompt"),
        (shell_of(), {"quiet": True}, "prompt"),
        (shell_of(), {"awaited": False}, "prompt"),
        (shell_of(), {"awaited": False, "background": True}, "buttons"),
        (shell_of(), {"background": True, "display": "html"}, "none"),
        (shell_of(allow_stdin=False), {}, "none"),
        (shell_of(allow_stdin=False), {"display": "live"}, "none"),
        (shell_of(message="comm_msg"), {"awaited": False}, "none"),
        (None, {}, "none"),
    ],
)
def test_the_way_to_answer_fits_the_place(monkeypatch, shell, facts, expected):
    monkeypatch.setattr(kernel, "stop_button_works", lambda shell, *, awaited: awaited)
    assert way(shell, **facts) == expected


class Widgets:
    """A view that shows buttons for a question, unless it is broken."""

    def __init__(self, question, *, broken=False):
        self.question, self.broken, self.painted = question, broken, []

    def update(self, *, final=False):
        self.painted.append(final)
        self.question.shown = not self.broken


@pytest.mark.parametrize(("broken", "decision"), [(False, None), (True, "skip")])
def test_buttons_decide_later_and_a_prompt_replaces_broken_widgets(monkeypatch, broken, decision):
    monkeypatch.setattr("builtins.input", lambda _: "n")
    monkeypatch.setattr(confirming.views, "write_text", lambda *_: None)
    question = Confirmation(run_of())
    confirmer = CellConfirmer(buttons=True, prompt=True)
    confirmer.view = Widgets(question, broken=broken)
    confirmer(question)
    assert confirmer.view.painted == [True]
    assert question.decision == decision
