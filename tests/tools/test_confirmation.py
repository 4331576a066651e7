"""Tools that run only after the user has confirmed the call: at a prompt, once, always, never, or where no user can answer."""

from __future__ import annotations

import pytest

import gemini_magic
from gemini_magic.errors import OptionError
from gemini_magic.options import Options
from gemini_magic.tools import confirm_prompt

CALL = '@call erase {"path": "a.csv"}\nDone.\n'


@pytest.fixture
def erased():
    return []


@pytest.fixture
def erase(erased):
    @gemini_magic.tool(confirm=True)
    def erase(path: str) -> str:
        """Erases a file."""
        erased.append(path)
        return "erased"

    return erase


@pytest.fixture
def answers(monkeypatch):
    """The lines that the user types at prompts."""
    lines, shown = [], []

    def read(prompt):
        shown.append(prompt)
        return lines.pop(0)

    monkeypatch.setattr("builtins.input", read)
    monkeypatch.setattr(confirm_prompt, "_can_answer", lambda: True)
    monkeypatch.setattr(confirm_prompt, "_allowed", set())
    return lines


def ask(*tools, prompt=CALL, **options):
    return gemini_magic.ask(prompt, backend="echo", tools=tools, **options)


def test_a_marked_tool_runs_when_the_user_allows_it(erase, erased, answers, capsys):
    answers.append("y")
    response = ask(erase)
    assert erased == ["a.csv"]
    assert [(run.state, run.approved) for run in response.tool_runs] == [("done", "you")]
    assert '"path": "a.csv"' in capsys.readouterr().out


def test_a_skipped_call_goes_back_to_the_model_as_refused(erase, erased, answers):
    answers.append("n")
    response = ask(erase)
    assert erased == []
    assert response.status == "complete"
    assert "did not allow" in response.text
    assert "· skipped by you" in gemini_magic.views.bundle(response.ledger)["text/plain"]


def test_stop_ends_the_answer_before_the_call_runs(erase, erased, answers):
    answers.append("s")
    response = ask(erase)
    assert (response.status, response.ledger.cause, erased) == ("interrupted", "stop", [])
    assert [run.state for run in response.tool_runs] == ["stopped"]


def test_always_counts_for_the_tool_and_the_session(erase, erased, answers):
    answers.append("a")
    twice = '@call erase {"path": "a"}\n@call erase {"path": "b"}\n'
    first, second = ask(erase, prompt=twice), ask(erase)
    assert erased == ["a", "b", "a.csv"]
    assert [run.approved for run in (*first.tool_runs, *second.tool_runs)] == ["always"] * 3


def test_several_calls_are_asked_one_after_the_other(erase, erased, answers):
    answers += ["n", "y"]
    ask(erase, prompt='@call erase {"path": "a"}\n@call erase {"path": "b"}\n')
    assert (erased, answers) == (["b"], [])


def test_confirm_all_asks_about_every_tool_and_none_about_no_marked_one(erase, erased, answers):
    def read(path: str) -> str:
        """Reads."""
        return "text"

    answers.append("n")
    response = ask(read, prompt='@call read {"path": "a"}\n', confirm="all")
    assert [run.state for run in response.tool_runs] == ["skipped"]
    ask(erase, confirm="none")
    assert erased == ["a.csv"]


def test_where_no_user_can_answer_nothing_is_sent(erase, erased, monkeypatch):
    monkeypatch.setattr(confirm_prompt, "_can_answer", lambda: False)
    with pytest.raises(OptionError, match="you cannot be asked here") as error:
        ask(erase)
    assert "confirm='none'" in error.value.remedy
    assert erased == []


def test_arguments_that_do_not_fit_are_not_asked_about(erase, answers):
    response = ask(erase, prompt='@call erase {"path": 1}\n')
    assert [run.state for run in response.tool_runs] == ["invalid"]
    plain = gemini_magic.views.bundle(response.ledger)["text/plain"]
    assert "erase(path=1) ✗ not run: path: expected string, got 1" in plain


def test_a_project_cannot_turn_confirmations_off():
    fields = Options.__dataclass_fields__
    assert fields["confirm"].metadata["project"] is None
