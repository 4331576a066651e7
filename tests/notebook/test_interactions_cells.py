"""Cells over the Interactions API: what is sent, what the cell prints before, and conversations."""

from __future__ import annotations

import json

import pytest
from fake_server import Script, raw
from interaction_bodies import completed, created, start, stop, stream, text

from gemini_magic.errors import OptionError

PATH = "/v1beta/interactions"


@pytest.fixture
def line(fake_server):
    """The options of a cell, for answers with the ids v1_1, v1_2 and v1_3."""
    scripts = []
    for number in (1, 2, 3):
        ident = f"v1_{number}"
        body = stream(
            created(ident=ident), start(0), text(0, f"answer {number}"), stop(0), completed(id=ident)
        )
        scripts.append(Script((raw(body),)))
    fake_server.route(PATH, *scripts)
    return f"--backend interactions -m m --base-url {fake_server.base_url}"


def bodies(fake_server):
    return [request.body for request in fake_server.requests]


def test_a_dry_run_shows_the_request_and_says_what_an_option_implies(cells, fake_server, line):
    cells(f"%%gemini -o sent {line} -t 0 --search --dry-run\nhello")
    assert cells.names["sent"].url.endswith(PATH)
    assert cells.names["sent"].body["tools"] == [{"type": "google_search"}]
    assert "-t is deprecated in the Interactions API: models may ignore it.\n" in cells.shown


def test_the_cell_says_which_backend_was_chosen(cells, fake_server, line):
    cells("%%gemini --backend auto --agent antigravity-preview-09-2026 --dry-run\nhello")
    assert "The backend interactions was chosen, because --agent needs it.\n" in cells.shown
    assert "The server stores this answer, because --agent needs that.\n" in cells.shown


def test_a_chat_on_the_server_continues_by_the_id_of_its_last_answer(cells, fake_server, line):
    for question in ("one", "two", "three"):
        cells(f"%%gemini {line} --chat talk --server-store\n{question}")
    sent = bodies(fake_server)
    assert [each.get("previous_interaction_id") for each in sent] == [None, "v1_1", "v1_2"]
    assert [each["input"].strip() for each in sent] == ["one", "two", "three"]


def test_a_chat_that_leaves_the_server_sends_its_steps(cells, fake_server, line):
    cells(f"%%gemini {line} --chat talk --server-store\none")
    cells(f"%%gemini {line} --chat talk\ntwo")
    sent = bodies(fake_server)[-1]
    assert [step["type"] for step in sent["input"]] == ["user_input", "model_output", "user_input"]
    assert (sent["store"], "previous_interaction_id" in sent) == (False, False)


def test_a_stored_answer_is_continued_and_then_the_conversation(cells, fake_server, line):
    cells(f"%%gemini {line} --previous v1_0\none")
    cells(f"%%gemini {line} -c\ntwo")
    first, second = bodies(fake_server)
    assert (first["previous_interaction_id"], first["input"].strip()) == ("v1_0", "one")
    assert second["previous_interaction_id"] == "v1_0"
    assert len(second["input"]) == 3
    problem = cells.error(f"%%gemini {line} -c --previous v1_9\nthree")
    assert isinstance(problem, OptionError)
    assert "--previous continues a stored answer" in str(problem)


def test_the_request_is_shown_again_and_compared(cells, fake_server, line):
    cells(f"%%gemini -o a {line} -s brief\none")
    cells(f"%%gemini -o b {line} --seed 3\ntwo")
    changes = {
        change.name: (change.left, change.right) for change in cells.names["a"].diff(cells.names["b"]).changes
    }
    assert changes["prompt"] == ("one\n", "two\n") or changes["prompt"] == ("one", "two")
    assert changes["system"] == ("brief", None)
    assert changes["config"] == (None, '{"seed": 3}')
    cells("%gemini curl a")
    assert f"{PATH}'" in cells.shown
    assert json.dumps({"store": False})[1:-1].replace(" ", "") in cells.shown


def test_the_bare_name_of_an_agent_names_its_option(cells):
    problem = cells.error("%%gemini deep-research-preview-04-2026 --backend auto --dry-run\nhello")
    assert isinstance(problem, OptionError)
    assert "--agent deep-research-preview-04-2026" in problem.remedy


def test_a_repair_continues_the_stored_answer_too(cells, fake_server):
    scripts = []
    for answer in ('{"n": "x"}', '{"n": 3}'):
        body = stream(created(ident=""), start(0), text(0, answer), stop(0), completed(id=""))
        scripts.append(Script((raw(body),)))
    fake_server.route(PATH, *scripts)
    options = f"--backend interactions -m m --base-url {fake_server.base_url}"
    cells(f"%%gemini -o r {options} --previous v1_0 --schema 'n int' --repair 1\none")
    assert cells.names["r"].parsed == {"n": 3}
    first, second = bodies(fake_server)
    assert first["previous_interaction_id"] == second["previous_interaction_id"] == "v1_0"
    assert [step["type"] for step in second["input"]] == ["user_input", "model_output", "user_input"]


def test_a_question_that_changed_is_not_taken_from_the_server(cells, fake_server, line, monkeypatch):
    monkeypatch.setattr("gemini_magic.notebook.kernel.cell_of", lambda _: cells.names["cell_id"])
    for cell, question in (("a", "one"), ("b", "two"), ("a", "changed"), ("c", "three")):
        cells.names["cell_id"] = cell
        cells(f"%%gemini {line} --chat talk --server-store\n{question}")
    changed, last = bodies(fake_server)[-2:]
    assert "previous_interaction_id" not in changed
    # The server has the answer to "two" after the old question, so it is sent itself.
    assert last["previous_interaction_id"] == "v1_3"
    assert [step["type"] for step in last["input"]] == ["user_input", "model_output", "user_input"]
