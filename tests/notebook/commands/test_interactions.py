"""The commands about stored interactions, their completion and their help."""

import json
import time
import urllib.request

import pytest
from interactions_server import answer, refusal, text
from IPython.core.completer import provisionalcompleter

from gemini_magic.client import StartedInteraction
from gemini_magic.errors import OptionError, ServiceError
from gemini_magic.journaling import started_interactions
from gemini_magic.notebook.commands.interactions import INTERACTION_COMMANDS


@pytest.fixture
def started(interactions_server, monkeypatch):
    """Starts interactions as cells do, and remembers them; returns their ids."""
    monkeypatch.setenv("STORED_KEY", "AIzaINTERACTIONS0123456789abcdefghijklm")

    def start(*answers, states=("in_progress",)):
        ids = []
        for number, each in enumerate(answers or ("Because.",)):
            interactions_server.plan(answer(text(each)), states=states or ("completed",))
            sent = json.dumps({"agent": "researcher", "input": "Why?", "background": bool(states)}).encode()
            url = f"{interactions_server.base_url}/v1beta/interactions"
            with urllib.request.urlopen(urllib.request.Request(url, sent)) as response:
                ids.append(json.load(response)["id"])
            server = {
                "backend": "interactions",
                "base_url": interactions_server.base_url,
                "key_env": "STORED_KEY",
            }
            started_interactions().add(
                StartedInteraction(
                    ids[-1], "researcher", True, True, "in_progress", time.time() + number, "Why?", server
                )
            )
        return ids

    return start


def line(server):
    return f"--backend interactions --base-url {server.base_url} --key-env STORED_KEY"


def test_list_returns_a_table_with_the_newest_first(cells, started):
    ids = started("a", "b", states=("queued",))
    for command in ("%gemini interactions", "%gemini interactions list"):
        rows = cells(command).result
        assert [row.id for row in rows] == ids[::-1]
    assert [row.state for row in rows] == ["completed", "completed"]


def test_a_list_without_interactions_says_what_is_listed(cells):
    cells("%gemini interactions list")
    assert cells.shown.startswith("No interaction was started from this computer.\n")
    assert "--server-background" in cells.shown


def test_show_displays_the_answer(cells, started):
    [interaction] = started("**Because** of that.", states=())
    response = cells(f"%gemini interactions show {interaction}").result
    assert response.text == "**Because** of that."
    assert "**Because** of that." in cells.shown
    assert cells("%gemini interactions show last").result.text == response.text


def test_show_names_the_state_of_an_unfinished_interaction(cells, started):
    [interaction] = started(states=("in_progress",) * 3)
    cells(f"%gemini interactions show {interaction}")
    assert "the interaction is in progress: the server has not finished it" in cells.shown


def test_cancel_says_what_the_server_answers(cells, started, interactions_server):
    [interaction] = started()
    cells(f"%gemini interactions cancel {interaction}")
    assert cells.shown == f"{interaction} is cancelled.\n"
    assert interactions_server.cancelled == [interaction]
    assert started_interactions().find(interaction).status == "cancelled"


def test_cancel_of_an_interaction_that_goes_on_for_a_moment(cells, started, interactions_server, monkeypatch):
    [interaction] = started(states=("in_progress",) * 3)
    monkeypatch.setattr(type(interactions_server), "_cancel", type(interactions_server)._get)
    cells(f"%gemini interactions cancel {interaction}")
    assert cells.shown == (
        f"The server was asked to stop {interaction}; it is still in progress.\n"
        f"`%gemini interactions show {interaction}` shows its state.\n"
    )


def test_delete_removes_it_from_the_server_and_from_the_list(cells, started, interactions_server):
    first, second = started("a", "b")
    cells(f"%gemini interactions delete {first}")
    assert cells.shown == f"Deleted {first}.\n"
    assert interactions_server.deleted == [first]
    assert [each.id for each in started_interactions().all()] == [second]


def test_an_interaction_of_another_program_needs_its_server_on_the_line(cells, started, interactions_server):
    [interaction] = started(states=())
    started_interactions().remove([interaction])
    error = cells.error(f"%gemini interactions show {interaction}")
    assert error.message == "The echo backend stores no interactions."
    assert "`--backend interactions`" in error.remedy
    response = cells(f"%gemini interactions show {interaction} {line(interactions_server)}").result
    assert response.text == "Because."


def test_a_deleted_interaction_is_explained(cells, started):
    started()
    interactions = started_interactions()
    interactions.add(interactions.all()[0]._replace(id="v1_gone"))
    error = cells.error("%gemini interactions show v1_gone")
    assert isinstance(error, ServiceError)
    assert error.code == 404
    assert "Servers delete interactions after some time" in error.remedy


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("lst", "Unknown command: %gemini interactions lst"),
        ("list x", "`%gemini interactions list` accepts no further arguments, but got 'x'."),
        ("show", "`%gemini interactions show` requires the id of one interaction."),
        ("show a b", "requires the id of one interaction, but got 'a b'"),
        ("cancel", "`%gemini interactions cancel` requires the id of one interaction."),
        ("delete a b", "requires the id of one interaction"),
        ("show ..%2fetc", "'..%2fetc' is not the id of an interaction"),
        ("cancel a?b=1", "'a?b=1' is not the id of an interaction"),
        ("show last", "No interaction was started from this computer."),
    ],
)
def test_a_wrong_line_is_an_error_and_sends_nothing(
    cells, interactions_server, monkeypatch, command, message
):
    monkeypatch.setenv("STORED_KEY", "AIzaINTERACTIONS0123456789abcdefghijklm")
    error = cells.error(f"%gemini interactions {command} {line(interactions_server)}")
    assert isinstance(error, OptionError)
    assert message in error.message
    assert interactions_server.requests == []


def test_hostile_words_of_a_server_cannot_control_the_terminal(cells, started, interactions_server):
    started("a\x1b[2Jb", states=())
    cells("%gemini interactions show last")
    assert "\x1b[2J" not in cells.shown
    interactions_server.fail("get", refusal(400, "invalid_request", "\x1b[2Jno\u202e"))
    cells.error("%gemini interactions show last")
    assert not {"\x1b", "\u202e"} & set(cells.shown.replace("\x1b[0m", ""))


def test_help_names_all_commands(cells):
    cells("%gemini help interactions")
    for command in INTERACTION_COMMANDS:
        assert f"`{command}" in cells.shown


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%gemini interactions ", set(INTERACTION_COMMANDS)),
        ("%gemini interactions ca", {"cancel"}),
        ("%gemini interactions list ", set()),
        ("%gemini interactions show ", {"last", "v1_1", "v1_2"}),
        ("%gemini interactions show v1_1 ", set()),
        ("%%gemini --previous v1", {"v1_1", "v1_2"}),
        ("%gemini interactions list --base", {"--base-url"}),
    ],
)
def test_commands_and_ids_are_completed(cells, code, expected):
    for number in (1, 2):
        started_interactions().add(
            StartedInteraction(f"v1_{number}", "m", False, True, "completed", time.time(), "", {})
        )
    with provisionalcompleter():
        assert {each.text for each in cells.shell.Completer.completions(code, len(code))} == expected
